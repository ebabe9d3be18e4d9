//! Sixteen numbers at a time, with the instructions that the processor has: AVX-512 or AVX2 where they are detected, plain
//! arrays anywhere else.
//!
//! Additions have one order, whatever the instructions, and are never fused with multiplications, so that every processor
//! gives the same bits.

#![allow(unsafe_code, reason = "instructions beyond the baseline are called after they were detected")]

/// Numbers in a block: one AVX-512 register.
pub(super) const LANES: usize = 16;

/// Sixteen numbers in their own cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Block(pub(super) [f32; LANES]);

/// A block in the registers of the processor. The implementations may be used in their own version of a function of
/// [`versions`] alone.
pub(super) trait Register: Copy {
    fn load(block: &Block) -> Self;
    fn store(self, block: &mut Block);
    fn splat(value: f32) -> Self;
    fn add(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// All numbers added up: the second half to the first, again and again.
    fn sum(self) -> f32;
}

impl Register for Block {
    #[inline(always)]
    fn load(block: &Block) -> Self {
        *block
    }
    #[inline(always)]
    fn store(self, block: &mut Block) {
        *block = self;
    }
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * other.0[lane]))
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        let mut sums = self.0;
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                sums[lane] += sums[lane + width];
            }
            width /= 2;
        }
        sums[0]
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    //! SAFETY of all blocks: the instructions are there, as the contract of [`Register`] says, and pointers are to aligned
    //! blocks.

    use std::arch::x86_64::*;

    use super::{Block, Register};

    #[inline(always)]
    fn sum_of_four(four: __m128) -> f32 {
        // SAFETY: see above.
        unsafe {
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    fn sum_of_eight(eight: __m256) -> f32 {
        // SAFETY: see above.
        sum_of_four(unsafe { _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight)) })
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(__m512);

    impl Register for Avx512 {
        #[inline(always)]
        fn load(block: &Block) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_load_ps(block.0.as_ptr()) })
        }
        #[inline(always)]
        fn store(self, block: &mut Block) {
            // SAFETY: see above.
            unsafe { _mm512_store_ps(block.0.as_mut_ptr(), self.0) }
        }
        #[inline(always)]
        fn splat(value: f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_set1_ps(value) })
        }
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_mul_ps(self.0, other.0) })
        }
        #[inline(always)]
        fn sum(self) -> f32 {
            // SAFETY: see above.
            let eight = unsafe { _mm256_add_ps(_mm512_castps512_ps256(self.0), _mm512_extractf32x8_ps::<1>(self.0)) };
            sum_of_eight(eight)
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(__m256, __m256);

    impl Register for Avx2 {
        #[inline(always)]
        fn load(block: &Block) -> Self {
            let at = block.0.as_ptr();
            // SAFETY: see above.
            unsafe { Self(_mm256_load_ps(at), _mm256_load_ps(at.add(8))) }
        }
        #[inline(always)]
        fn store(self, block: &mut Block) {
            let at = block.0.as_mut_ptr();
            // SAFETY: see above.
            unsafe {
                _mm256_store_ps(at, self.0);
                _mm256_store_ps(at.add(8), self.1);
            }
        }
        #[inline(always)]
        fn splat(value: f32) -> Self {
            // SAFETY: see above.
            let all = unsafe { _mm256_set1_ps(value) };
            Self(all, all)
        }
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: see above.
            unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
        }
        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            // SAFETY: see above.
            unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
        }
        #[inline(always)]
        fn sum(self) -> f32 {
            // SAFETY: see above.
            sum_of_eight(unsafe { _mm256_add_ps(self.0, self.1) })
        }
    }
}

/// Defines a function that is written over a [`Register`] `R` and vectors of `B` blocks, compiles it for each kind of
/// register, and chooses by what the processor has.
macro_rules! versions {
    ($(#[$doc:meta])* $vis:vis fn $name:ident<R, B>($($arg:ident : $type:ty),*) $body:block) => {
        $(#[$doc])*
        $vis fn $name<const B: usize>($($arg: $type),*) {
            #[inline(always)]
            fn any<R: $crate::factors::simd::Register, const B: usize>($($arg: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                use $crate::factors::simd::x86::{Avx2, Avx512};

                #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
                fn avx512<const B: usize>($($arg: $type),*) {
                    any::<Avx512, B>($($arg),*)
                }
                #[target_feature(enable = "avx2")]
                fn avx2<const B: usize>($($arg: $type),*) {
                    any::<Avx2, B>($($arg),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    // SAFETY: every instruction that the function is compiled for was just detected.
                    #[allow(unsafe_code, reason = "detected above")]
                    return unsafe { avx512::<B>($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the instructions that the function is compiled for were just detected.
                    #[allow(unsafe_code, reason = "detected above")]
                    return unsafe { avx2::<B>($($arg),*) };
                }
            }
            any::<$crate::factors::simd::Block, B>($($arg),*)
        }
    };
}
pub(super) use versions;

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use proptest::prelude::*;

    use super::x86::{Avx2, Avx512};
    use super::*;

    /// What a kind of register computes of two blocks.
    fn computed<R: Register>(a: &Block, b: &Block) -> (Block, u32) {
        let (a, b) = (R::load(a), R::load(b));
        let result = a.mul(b).add(R::splat(0.1).mul(a));
        let mut block = Block([0.0; LANES]);
        result.store(&mut block);
        (block, result.sum().to_bits())
    }

    proptest! {
        #[test]
        fn every_processor_gives_the_same_bits(a in prop::array::uniform16(-9.0_f32..9.0), b in prop::array::uniform16(-9.0_f32..9.0)) {
            let (a, b) = (Block(a), Block(b));
            let plain = computed::<Block>(&a, &b);
            for lane in 0..LANES {
                prop_assert_eq!(plain.0.0[lane], a.0[lane] * b.0[lane] + 0.1 * a.0[lane]);
            }
            let sum: f64 = plain.0.0.iter().map(|x| f64::from(*x)).sum();
            prop_assert!((f64::from(f32::from_bits(plain.1)) - sum).abs() < 1e-3);
            if is_x86_feature_detected!("avx2") {
                prop_assert_eq!(computed::<Avx2>(&a, &b), plain);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                prop_assert_eq!(computed::<Avx512>(&a, &b), plain);
            }
        }
    }
}
