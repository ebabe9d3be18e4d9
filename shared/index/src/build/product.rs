//! One safe matrix product on the `gemm` crate.
#![allow(unsafe_code, reason = "the product takes pointers; shapes are compared before")]

/// `to[r][l] = a[r] · b[l]` for row-major `a` (rows of `inner` numbers), `b` (`count` rows of `inner`) and `to` (rows of
/// `count`). What does not fit together is left alone.
pub(super) fn multiply_by_rows(to: &mut [f32], a: &[f32], b: &[f32], inner: usize, count: usize) {
    if inner == 0 || count == 0 {
        return;
    }
    let rows = a.len() / inner;
    if a.len() != rows * inner || b.len() != inner * count || to.len() != rows * count {
        debug_assert!(false, "matrices that do not fit");
        return;
    }
    let (inner_step, count_step) = (inner as isize, count as isize);
    // SAFETY: the lengths were just compared with the shapes, so every index that `gemm` forms from these steps (`a` and
    // `to` row-major, `b` read as its transpose) lies in its slice; `to` is borrowed alone.
    unsafe {
        gemm::gemm(
            rows,
            count,
            inner,
            to.as_mut_ptr(),
            1,
            count_step,
            false,
            a.as_ptr(),
            1,
            inner_step,
            b.as_ptr(),
            inner_step,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_every_row_times_every_row() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.0, 2.0, -1.0, 1.0, 0.5, 0.0, 3.0, 0.0]);
        let mut to = [9.0; 6];
        multiply_by_rows(&mut to, &a, &b, 3, 3);
        assert_eq!(to, [7.0, 2.5, 6.0, 16.0, 4.0, 15.0]);
    }
}
