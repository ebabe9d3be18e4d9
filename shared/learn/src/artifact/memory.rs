//! Bytes that can be read as numbers where they lie: a file mapped into memory, or a vector at an even address.
//!
//! The only module of the crate with `unsafe`: mapping a file, and reading aligned bytes as numbers.
#![allow(unsafe_code)]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

// Artifacts are little-endian and are used where they lie.
#[cfg(target_endian = "big")]
compile_error!("artifacts are little-endian: big-endian machines cannot map them");

/// Owned bytes start at a multiple of this, mapped ones at a page.
const ALIGNMENT: usize = 8;

/// The bytes of an artifact.
pub(crate) enum Memory {
    Mapped(Mmap),
    /// The bytes from `start` on; the vector is never changed again, so they stay where they are.
    Owned {
        bytes: Vec<u8>,
        start: usize,
    },
}

impl Memory {
    /// Maps a file. It must not be changed while it is mapped: artifacts are written under a name of their own and never
    /// touched again.
    pub(crate) fn map(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            // An empty file cannot be mapped everywhere; it is no artifact either way.
            return Ok(Self::Owned { bytes: Vec::new(), start: 0 });
        }
        // SAFETY: the map is read-only. What `Mmap::map` asks for is that nobody changes or truncates the file meanwhile;
        // artifacts are immutable files by contract, and every read of them is a read of plain numbers or checked text.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self::Mapped(map))
    }

    /// Takes bytes, copying them only if they start at an odd place.
    pub(crate) fn own(bytes: Vec<u8>) -> Self {
        if bytes.as_ptr().align_offset(ALIGNMENT) == 0 {
            return Self::Owned { bytes, start: 0 };
        }
        Self::copy(&bytes)
    }

    /// Copies bytes to an aligned place within a vector with room to spare: it is filled without growing, so it does not
    /// move.
    fn copy(bytes: &[u8]) -> Self {
        let mut moved = Vec::<u8>::with_capacity(bytes.len() + ALIGNMENT);
        let start = moved.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        moved.resize(start, 0);
        moved.extend_from_slice(bytes);
        Self::Owned { bytes: moved, start }
    }
}

impl std::ops::Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned { bytes, start } => bytes.get(*start..).unwrap_or(&[]),
        }
    }
}

mod sealed {
    /// Numbers that sections hold: `u32`, `u64`, `f32`, `f64`, `f16`.
    pub trait Number: Copy {}
    impl Number for u32 {}
    impl Number for u64 {}
    impl Number for f32 {}
    impl Number for f64 {}
    impl Number for half::f16 {}
}
pub use sealed::Number;

/// Reads bytes as numbers where they lie. None unless they are aligned and fill whole numbers.
pub(crate) fn numbers<T: Number>(bytes: &[u8]) -> Option<&[T]> {
    // SAFETY: `Number` is sealed to `u32`, `u64`, `f32`, `f64` and `f16`, which have no padding and for which every pattern of
    // bits is a value; `align_to` itself keeps alignment and bounds.
    let (before, numbers, after) = unsafe { bytes.align_to::<T>() };
    (before.is_empty() && after.is_empty()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_need_whole_aligned_bytes() {
        let memory = Memory::own((0..16).collect());
        assert_eq!(numbers::<u32>(&memory[4..12]), Some(&[0x0706_0504, 0x0b0a_0908][..]));
        assert_eq!(numbers::<u32>(&memory[4..11]), None);
        assert_eq!(numbers::<u32>(&memory[5..13]), None);
        assert_eq!(numbers::<u64>(&[]), Some(&[][..]));
    }

    #[test]
    fn bytes_keep_their_content_wherever_they_come_from() {
        for len in [0_usize, 1, 7, 64, 1000] {
            let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let memory = Memory::own(bytes.clone());
            assert_eq!(*memory, bytes[..]);
            assert_eq!(memory.as_ptr().align_offset(ALIGNMENT), 0);
            // From every odd place.
            for skip in 1..len.min(ALIGNMENT) {
                let copy = Memory::copy(&bytes[skip..]);
                assert_eq!(*copy, bytes[skip..]);
                assert_eq!(copy.as_ptr().align_offset(ALIGNMENT), 0);
            }
        }
    }
}
