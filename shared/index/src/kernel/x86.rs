//! The loops with AVX2 and AVX-512 instructions.
#![allow(unsafe_code, reason = "measured loops on instructions beyond the baseline, called after they were detected")]

use std::arch::x86_64::*;

use half::f16;

use super::portable::{LANES, add_products, fold, row_of};
use super::{NO_ROW, Rows, Whole};

/// How many rows ahead rows that lie apart are fetched, into the second cache: measured at 10 ns a row of 128 bytes out of
/// a million, against 20 into the first cache, which can wait for fewer lines at a time.
const AHEAD: usize = 64;
/// Bytes of a line of the cache.
const LINE: usize = 64;
/// Rows whose sums are made side by side: the query is loaded once for all, and their lanes are added up together.
const TOGETHER: usize = 4;

/// Asks for the memory of a row that is needed soon, whole lines of the cache.
#[inline]
fn fetch<T, R: Rows>(all: &[T], width: usize, rows: R, place: usize) {
    if !R::APART {
        return;
    }
    let Some(row) = rows.at(place).and_then(|row| row_of(all, width, row)) else { return };
    let start = row.as_ptr().cast::<i8>();
    let before = start.addr() % LINE;
    for line in (0..before + size_of_val(row)).step_by(LINE) {
        // SAFETY: fetching reads nothing that the program sees, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(start.wrapping_sub(before).wrapping_add(line)) };
    }
}

/// Asks for the first rows, before there is any to score meanwhile.
#[inline]
fn fetch_first<T, R: Rows>(all: &[T], width: usize, rows: R, count: usize) {
    if R::APART {
        (0..count.min(AHEAD)).for_each(|place| fetch(all, width, rows, place));
    }
}

macro_rules! dots {
    ($features:literal, $number:ty, $one:ident, $many:ident, $one_inner:ident, $many_inner:ident, $blocks:ident) => {
        pub(super) fn $one(query: &[f32], vector: &[$number]) -> f32 {
            // SAFETY: the level is chosen only where its instructions were detected.
            unsafe { $one_inner(query, vector) }
        }

        pub(super) fn $many<R: Rows>(query: &[f32], vectors: &[$number], rows: R, out: &mut [f32]) {
            // SAFETY: as above.
            unsafe { $many_inner(query, vectors, rows, out) }
        }

        #[target_feature(enable = $features)]
        fn $one_inner(query: &[f32], vector: &[$number]) -> f32 {
            let len = query.len().min(vector.len());
            $blocks(&query[..len], &vector[..len])
        }

        #[target_feature(enable = $features)]
        fn $many_inner<R: Rows>(query: &[f32], vectors: &[$number], rows: R, out: &mut [f32]) {
            fetch_first(vectors, query.len(), rows, out.len());
            for (place, out) in out.iter_mut().enumerate() {
                fetch(vectors, query.len(), rows, place + AHEAD);
                let row = rows.at(place).and_then(|row| row_of(vectors, query.len(), row));
                *out = match row {
                    Some(row) => $blocks(query, row),
                    None => f32::NAN,
                };
            }
        }
    };
}

dots!("avx512f,avx512bw,avx512vnni,f16c", f32, dot_avx512, dots_avx512, one_512, many_512, blocks_512);
dots!(
    "avx512f,avx512bw,avx512vnni,f16c",
    f16,
    dot_f16_avx512,
    dots_f16_avx512,
    one_f16_512,
    many_f16_512,
    blocks_f16_512
);
dots!("avx2,f16c", f32, dot_avx2, dots_avx2, one_2, many_2, blocks_2);
dots!("avx2,f16c", f16, dot_f16_avx2, dots_f16_avx2, one_f16_2, many_f16_2, blocks_f16_2);

/// Slices of one length.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,f16c")]
fn blocks_512(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = _mm512_setzero_ps();
    for (a, b) in a.iter().zip(b) {
        // SAFETY: both blocks have sixteen numbers.
        let product = unsafe { _mm512_mul_ps(_mm512_loadu_ps(a.as_ptr()), _mm512_loadu_ps(b.as_ptr())) };
        sums = _mm512_add_ps(sums, product);
    }
    if !a_rest.is_empty() {
        let mask = (1_u16 << a_rest.len()) - 1;
        // SAFETY: the mask leaves out what lies behind the two rests, which are equally long.
        let product = unsafe {
            _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, a_rest.as_ptr()), _mm512_maskz_loadu_ps(mask, b_rest.as_ptr()))
        };
        sums = _mm512_mask_add_ps(sums, mask, sums, product);
    }
    fold_512(sums)
}

/// Slices of one length.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,f16c")]
fn blocks_f16_512(a: &[f32], b: &[f16]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = _mm512_setzero_ps();
    for (a, b) in a.iter().zip(b) {
        // SAFETY: both blocks have sixteen numbers, those of `b` two bytes each.
        let product = unsafe {
            _mm512_mul_ps(_mm512_loadu_ps(a.as_ptr()), _mm512_cvtph_ps(_mm256_loadu_si256(b.as_ptr().cast())))
        };
        sums = _mm512_add_ps(sums, product);
    }
    if !a_rest.is_empty() {
        let mask = (1_u16 << a_rest.len()) - 1;
        let mut block = [f16::ZERO; LANES];
        block[..b_rest.len()].copy_from_slice(b_rest);
        // SAFETY: the mask leaves out what lies behind the rest; the block has sixteen numbers.
        let product = unsafe {
            let wide = _mm512_cvtph_ps(_mm256_loadu_si256(block.as_ptr().cast()));
            _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, a_rest.as_ptr()), wide)
        };
        sums = _mm512_mask_add_ps(sums, mask, sums, product);
    }
    fold_512(sums)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn fold_512(sums: __m512) -> f32 {
    let upper = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(sums)));
    fold_256(_mm256_add_ps(_mm512_castps512_ps256(sums), upper))
}

#[inline]
#[target_feature(enable = "avx2")]
fn fold_256(sums: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps::<1>(sums));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
}

/// Slices of one length.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn blocks_2(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (mut lower, mut upper) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    for (a, b) in a.iter().zip(b) {
        // SAFETY: both blocks have sixteen numbers.
        unsafe {
            let (a, b) = (a.as_ptr(), b.as_ptr());
            lower = _mm256_add_ps(lower, _mm256_mul_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b)));
            upper = _mm256_add_ps(upper, _mm256_mul_ps(_mm256_loadu_ps(a.add(8)), _mm256_loadu_ps(b.add(8))));
        }
    }
    finish_2(lower, upper, a_rest, b_rest)
}

/// Slices of one length.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn blocks_f16_2(a: &[f32], b: &[f16]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (mut lower, mut upper) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    for (a, b) in a.iter().zip(b) {
        // SAFETY: both blocks have sixteen numbers, those of `b` two bytes each.
        unsafe {
            let (a, b) = (a.as_ptr(), b.as_ptr());
            let wide = _mm256_cvtph_ps(_mm_loadu_si128(b.cast()));
            lower = _mm256_add_ps(lower, _mm256_mul_ps(_mm256_loadu_ps(a), wide));
            let wide = _mm256_cvtph_ps(_mm_loadu_si128(b.add(8).cast()));
            upper = _mm256_add_ps(upper, _mm256_mul_ps(_mm256_loadu_ps(a.add(8)), wide));
        }
    }
    let mut rest = [0.0_f32; LANES];
    for (wide, number) in rest.iter_mut().zip(b_rest) {
        *wide = number.to_f32();
    }
    finish_2(lower, upper, a_rest, &rest[..b_rest.len()])
}

#[inline]
#[target_feature(enable = "avx2")]
fn finish_2(lower: __m256, upper: __m256, a_rest: &[f32], b_rest: &[f32]) -> f32 {
    if a_rest.is_empty() {
        return fold_256(_mm256_add_ps(lower, upper));
    }
    let mut sums = [0.0_f32; LANES];
    // SAFETY: there are places for sixteen numbers.
    unsafe {
        _mm256_storeu_ps(sums.as_mut_ptr(), lower);
        _mm256_storeu_ps(sums.as_mut_ptr().add(8), upper);
    }
    add_products(&mut sums, a_rest, b_rest);
    fold(sums)
}

/// The rows at the next places, and whether each exists; in place of one that does not stands the first of all.
#[inline]
fn together<R: Rows>(codes: &[u8], stride: usize, rows: R, place: usize) -> Option<[Option<&[u8]>; TOGETHER]> {
    codes.get(..stride)?;
    Some(std::array::from_fn(|next| rows.at(place + next).and_then(|row| row_of(codes, stride, row))))
}

macro_rules! codes {
    ($features:literal, $outer:ident, $inner:ident, $sums:ident) => {
        /// The caller has checked that the query fits the stride.
        pub(super) fn $outer<R: Rows>(query: &Whole, codes: &[u8], stride: usize, rows: R, out: &mut [i32]) {
            // SAFETY: the level is chosen only where its instructions were detected.
            unsafe { $inner(query, codes, stride, rows, out) }
        }

        #[target_feature(enable = $features)]
        fn $inner<R: Rows>(query: &Whole, codes: &[u8], stride: usize, rows: R, out: &mut [i32]) {
            fetch_first(codes, stride, rows, out.len());
            for (block, out) in out.chunks_mut(TOGETHER).enumerate() {
                let place = block * TOGETHER;
                for next in place..place + TOGETHER {
                    fetch(codes, stride, rows, next + AHEAD);
                }
                let (Some(known), Some(first)) = (together(codes, stride, rows, place), codes.get(..stride)) else {
                    out.fill(NO_ROW);
                    continue;
                };
                let sums = $sums(query, known.map(|row| row.unwrap_or(first)));
                for (next, out) in out.iter_mut().enumerate() {
                    *out = if known[next].is_some() { sums[next] } else { NO_ROW };
                }
            }
        }
    };
}

codes!("avx512f,avx512bw,avx512vnni", codes_avx512, codes_512, sums_512);
codes!("avx2", codes_avx2, codes_2, sums_2);

/// The rows are as long as the query.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sums_512(query: &Whole, rows: [&[u8]; TOGETHER]) -> [i32; TOGETHER] {
    let stride = rows[0].len();
    let (mut high, mut low) = ([_mm512_setzero_si512(); TOGETHER], [_mm512_setzero_si512(); TOGETHER]);
    for (block, (by_high, by_low)) in
        query.high.as_chunks::<64>().0.iter().zip(query.low.as_chunks::<64>().0).enumerate()
    {
        let start = block * 64;
        let mask = if start + 64 <= stride { u64::MAX } else { (1 << (stride - start)) - 1 };
        // SAFETY: both blocks have 64 numbers.
        let (by_high, by_low) =
            unsafe { (_mm512_loadu_si512(by_high.as_ptr().cast()), _mm512_loadu_si512(by_low.as_ptr().cast())) };
        for next in 0..TOGETHER {
            // SAFETY: the query has 64 numbers for each begun block of the stride, so `start` lies in the row, and the mask
            // leaves out what lies behind it.
            let codes = unsafe { _mm512_maskz_loadu_epi8(mask, rows[next].as_ptr().add(start).cast()) };
            high[next] = _mm512_dpbusd_epi32(high[next], codes, by_high);
            low[next] = _mm512_dpbusd_epi32(low[next], codes, by_low);
        }
    }
    let eight: [__m256i; TOGETHER] = std::array::from_fn(|next| {
        let sums = _mm512_add_epi32(_mm512_slli_epi32::<7>(high[next]), low[next]);
        _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums))
    });
    fold_four(eight)
}

/// The rows are as long as the query, a multiple of sixteen.
#[inline]
#[target_feature(enable = "avx2")]
fn sums_2(query: &Whole, rows: [&[u8]; TOGETHER]) -> [i32; TOGETHER] {
    let mut sums = [_mm256_setzero_si256(); TOGETHER];
    for (block, by) in query.wide.as_chunks::<16>().0.iter().enumerate() {
        // SAFETY: the block has sixteen numbers of two bytes.
        let by = unsafe { _mm256_loadu_si256(by.as_ptr().cast()) };
        for next in 0..TOGETHER {
            // SAFETY: rows are as long as the query, so each has this block of sixteen too.
            let codes = unsafe { _mm_loadu_si128(rows[next].as_ptr().add(block * 16).cast()) };
            sums[next] = _mm256_add_epi32(sums[next], _mm256_madd_epi16(_mm256_cvtepu8_epi16(codes), by));
        }
    }
    fold_four(sums)
}

/// The sum of each of four registers.
#[inline]
#[target_feature(enable = "avx2")]
fn fold_four(sums: [__m256i; TOGETHER]) -> [i32; TOGETHER] {
    let pairs = (_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
    let halves = _mm256_hadd_epi32(pairs.0, pairs.1);
    let four = _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves));
    let mut out = [0; TOGETHER];
    // SAFETY: there are places for four numbers.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), four) };
    out
}
