//! Numbers of half precision as numbers of single precision, which hold every one of them exactly.

use half::f16;

/// Writes the numbers of `from` over those of `to`, as far as both reach. The conversion is exact, so all machines give the
/// same bits.
pub fn to_f32(from: &[f16], to: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx") && std::arch::is_x86_feature_detected!("f16c") {
        #[allow(unsafe_code, reason = "instructions beyond the baseline are called after they were detected")]
        // SAFETY: the processor has the instructions, as was just asked.
        return unsafe { x86::to_f32(from, to) };
    }
    one_by_one(from, to);
}

fn one_by_one(from: &[f16], to: &mut [f32]) {
    from.iter().zip(to).for_each(|(from, to)| *to = from.to_f32());
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(unsafe_code, reason = "eight numbers are read and written at once")]

    use std::arch::x86_64::{_mm_loadu_si128, _mm256_cvtph_ps, _mm256_storeu_ps};

    use half::f16;

    #[target_feature(enable = "avx,f16c")]
    pub(super) fn to_f32(from: &[f16], to: &mut [f32]) {
        let reached = from.len().min(to.len());
        let (blocks, rest) = from[..reached].as_chunks::<8>();
        let (wide_blocks, wide_rest) = to[..reached].as_chunks_mut::<8>();
        for (block, wide) in blocks.iter().zip(wide_blocks) {
            // SAFETY: both are arrays of eight numbers; neither instruction asks for their alignment.
            unsafe { _mm256_storeu_ps(wide.as_mut_ptr(), _mm256_cvtph_ps(_mm_loadu_si128(block.as_ptr().cast()))) };
        }
        super::one_by_one(rest, wide_rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_converted_exactly_at_any_length() {
        let all: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).filter(|x| !x.is_nan()).collect();
        for len in (0..40).chain([all.len()]) {
            let (mut fast, mut plain) = (vec![7.0; len], vec![7.0; len]);
            to_f32(&all[all.len() - len..], &mut fast);
            one_by_one(&all[all.len() - len..], &mut plain);
            let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&fast), bits(&plain), "{len}");
        }
        let mut longer = [7.0; 12];
        to_f32(&all[..9], &mut longer);
        assert_eq!(longer[9..], [7.0; 3]);
    }
}
