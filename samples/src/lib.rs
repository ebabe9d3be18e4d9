//! A sample shop, so that the stack has something to show and the tests something to learn from.
//!
//! [`grocery()`] reads the shop that is embedded here: products, customers with their demographics, a year of their orders,
//! campaigns and coupons. Where they come from, and what about them is made up, is in `samples/README.md`.
//! [`content()`] has recipes and guides beside them. [`simulate`] lays generated browsing over the orders, with declared parameters that tests may treat as the truth.
//!
//! Nothing here reads a clock or the file system: the end of the history is an argument and the data is in the binary.

pub mod content;
pub mod grocery;
pub mod simulate;

pub use content::{content, rules};
pub use grocery::{Campaign, Customer, Grocery, Order, OrderLine, Redemption, grocery};
pub use simulate::{Options, history};

/// Why the sample shop could not be made. It is built in, so every one of these is a damaged build.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A table could not be decompressed.
    #[error("{table} cannot be decompressed")]
    Decompress {
        /// Which table.
        table: &'static str,
        /// What the decompressor said.
        source: std::io::Error,
    },
    /// A row does not have the columns it should.
    #[error("{table} cannot be read")]
    Csv {
        /// Which table.
        table: &'static str,
        /// What the reader said, with the line.
        source: csv::Error,
    },
    /// A line is not what it should be.
    #[error("{table} cannot be read")]
    Json {
        /// Which file.
        table: &'static str,
        /// What the reader said.
        source: serde_json::Error,
    },
    /// A row refers to a customer, product or order that does not exist.
    #[error("{table} refers to {what} {row}, which does not exist")]
    Reference {
        /// Which table.
        table: &'static str,
        /// What it refers to.
        what: &'static str,
        /// The row it refers to.
        row: usize,
    },
    /// An identifier is not allowed.
    #[error("an identifier of the sample shop is not allowed")]
    Id(#[from] vitrine_domain::InvalidId),
}
