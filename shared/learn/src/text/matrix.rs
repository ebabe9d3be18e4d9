//! One safe matrix product on the `gemm` crate.
#![allow(unsafe_code)]

/// `to = (to +) a b` for row-major matrices: `a` has rows of `inner` numbers, `b` rows of `columns`, `to` as many rows as
/// `a`, each of `columns`. What does not fit together is left alone.
pub(crate) fn multiply(to: &mut [f32], add: bool, a: &[f32], b: &[f32], inner: usize, columns: usize) {
    if inner == 0 || columns == 0 {
        return;
    }
    let rows = a.len() / inner;
    if a.len() != rows * inner || b.len() != inner * columns || to.len() != rows * columns {
        debug_assert!(false, "matrices that do not fit");
        return;
    }
    let (inner_step, step) = (inner as isize, columns as isize);
    // SAFETY: the lengths were just compared with the shapes, so with columns one apart and rows `inner` or `columns` apart,
    // every index that `gemm` forms lies in its slice; `to` is borrowed alone, and it is initialised, being read if `add`.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            to.as_mut_ptr(),
            1,
            step,
            add,
            a.as_ptr(),
            1,
            inner_step,
            b.as_ptr(),
            1,
            step,
            1.0,
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_the_sum_of_products(
            (rows, inner, columns) in (0_usize..9, 1_usize..20, 1_usize..20),
            add: bool,
            values in prop::collection::vec(-1.0_f32..1.0, 800),
        ) {
            let (a, rest) = values.split_at(rows * inner);
            let (b, rest) = rest.split_at(inner * columns);
            let mut to = rest[..rows * columns].to_vec();
            let expected: Vec<f32> = (0..rows * columns)
                .map(|at| {
                    let (row, column) = (at / columns, at % columns);
                    let sum: f32 = (0..inner).map(|i| a[row * inner + i] * b[i * columns + column]).sum();
                    if add { to[at] + sum } else { sum }
                })
                .collect();
            multiply(&mut to, add, a, b, inner, columns);
            for (found, expected) in to.iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }
}
