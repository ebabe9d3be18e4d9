//! A sequence encoder: what a visitor did last, in its order, becomes a vector whose dot product with a product's vector says how
//! likely the product comes next.
//!
//! One block of causal self-attention over the last [`LENGTH`] actions (product, kind of action, time gap), learned with a
//! softmax over the catalogue or a sample of it, with one table of products for input and output (eSASRec, arXiv
//! 2508.06450; SASRec, arXiv 1808.09781).

mod adam;
mod block;
mod kernel;
mod layout;
mod loss;
mod part;
mod products;
mod sample;
mod sequences;
mod train;
mod view;
mod weights;

pub use layout::{GAPS, KINDS, LENGTH, Layout, gap_bucket};
pub use products::Catalogue;
pub use sequences::{Sequences, kind_of};
pub use train::{EarlyStop, Epoch, train};
pub use view::{Past, Scratch, View};
pub use weights::Weights;

#[cfg(test)]
mod tests;
