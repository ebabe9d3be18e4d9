//! What somebody chose in lists.

use std::collections::BTreeSet;

use crate::Event;

/// Decisions and the products that were chosen in their lists: by a click, or put into the basket straight from there.
#[derive(Debug, Default)]
pub(crate) struct Chosen<'a>(BTreeSet<(&'a str, &'a str)>);

impl<'a> Chosen<'a> {
    /// Notes an event that names a decision; answers the products that were not chosen in its list before.
    pub(crate) fn note(&mut self, event: &'a Event) -> Vec<&'a str> {
        let Some(decision) = event.decision_id.as_deref() else { return Vec::new() };
        let products = event.lines.iter().map(|line| line.product.as_str());
        products.filter(|product| self.0.insert((decision, product))).collect()
    }
}
