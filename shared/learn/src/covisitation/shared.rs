//! What lists of neighbours have in common with a page.

use super::View;
use crate::rows::Asked;

/// The entries of lists that are products of a page. Each list is read once for a page: whoever asks what the page would
/// be without a past action finds it here.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Of which artifact.
    serial: Option<u64>,
    page: Vec<u32>,
    asked: Asked,
    /// Products whose lists were read, and where their entries end.
    read: Vec<(u32, usize)>,
    /// `(place on the page, weight)`, list by list, each in its order.
    entries: Vec<(u32, f32)>,
}

impl Shared {
    /// Forgets what was read, if it was for another page.
    pub(super) fn of_page(&mut self, serial: u64, page: &[u32]) {
        if self.serial == Some(serial) && self.page == page {
            return;
        }
        self.serial = Some(serial);
        self.page.clear();
        self.page.extend_from_slice(page);
        self.asked.set(page);
        self.read.clear();
        self.entries.clear();
    }

    /// What a product's list has of the page.
    pub(super) fn of(&mut self, lists: View<'_>, product: u32) -> &[(u32, f32)] {
        let known = self.read.iter().position(|(read, _)| *read == product);
        let at = known.unwrap_or_else(|| {
            let Self { asked, entries, .. } = self;
            let (rows, weights) = lists.of(product);
            asked.each(rows, |at, place| {
                entries.extend(weights.get(at).map(|weight| (place as u32, weight.to_f32())));
            });
            self.read.push((product, self.entries.len()));
            self.read.len() - 1
        });
        let end = |at: usize| self.read.get(at).map_or(0, |(_, end)| *end);
        self.entries.get(at.checked_sub(1).map_or(0, end)..end(at)).unwrap_or(&[])
    }
}
