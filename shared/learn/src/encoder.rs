//! A sequence encoder: what a visitor did last, in its order, becomes a vector whose dot product with a product's vector
//! says how likely the product comes next.
//!
//! # Model
//! One block of causal self-attention over the last [`LENGTH`] actions (product, kind of action, time since the action
//! before), with one table of products for input and output (SASRec, Kang & McAuley, arXiv 1808.09781, in the settings of
//! eSASRec, arXiv 2508.06450). A product's vector is a learned row plus a linear map of its content plus the mean of its
//! attributes' rows, so that a product nobody has met has a vector too. Each position predicts the product of the next
//! action that speaks for its product; the loss is a softmax over the catalogue or over a sample of it.
//!
//! # Training
//! Windows of histories lie end to end without padding. A batch is cut into fixed parts, threads take whole parts, and
//! gradients are added in the order of the parts: the number of threads changes nothing. Products' vectors move by lazy
//! Adam with a larger step than the rest ([`Encoder::table_rate`](crate::settings::Encoder::table_rate)): they start
//! small, have to grow, and have a gradient only in few steps of an epoch.
//!
//! # Serving
//! [`View::encode`] over borrowed weights: no allocation, and only what the last position needs.

mod adam;
mod algorithm;
mod block;
pub(crate) mod kernel;
mod layout;
mod loss;
mod part;
mod products;
mod sample;
mod sequences;
mod train;
mod view;
mod weights;

pub(crate) use algorithm::NextStep;
pub use layout::{GAPS, KINDS, LENGTH, Layout, gap_bucket};
pub use products::Catalogue;
pub use sequences::{Sequences, kind_of};
pub use train::{Epoch, train};
pub use view::{Past, Scratch, View};
pub use weights::Weights;

#[cfg(test)]
mod tests;
