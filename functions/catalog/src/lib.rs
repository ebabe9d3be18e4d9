//! The catalogue of a shop: products and content, feeds, order history and customers from elsewhere.

pub mod import;
