//! What the shop has to tell besides what it sells: recipes and guides, written for it, and the rules that keep them in the feed.

use serde::de::DeserializeOwned;
use vitrine_domain::{Product, Rule};

use crate::Error;

const CONTENT: (&str, &str) = ("content", include_str!("../content.ndjson"));
const RULES: (&str, &str) = ("rules", include_str!("../rules/content-in-the-feed.ndjson"));

/// Pieces of content, to be stored beside the products.
///
/// # Errors
/// Only if the embedded file is damaged.
pub fn content() -> Result<Vec<Product>, Error> {
    lines(CONTENT)
}

/// The rules of the sample shop: a share of the feed is content, and other lists have none.
///
/// # Errors
/// Only if the embedded file is damaged.
pub fn rules() -> Result<Vec<Rule>, Error> {
    lines(RULES)
}

fn lines<T: DeserializeOwned>((table, text): (&'static str, &str)) -> Result<Vec<T>, Error> {
    text.lines().map(|line| serde_json::from_str(line).map_err(|source| Error::Json { table, source })).collect()
}
