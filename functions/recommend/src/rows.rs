//! Products as a compact set: rows of the artifact as differences in few bytes, and the names of those that are newer than it,
//! whose rows another change could move.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use vitrine_rank::Shelf;

/// A set of products.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Rows {
    #[serde(rename = "r", default, skip_serializing_if = "String::is_empty")]
    rows: String,
    #[serde(rename = "i", default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
}

impl Rows {
    /// The set of some rows of a shelf.
    pub(crate) fn of(shelf: &Shelf, rows: &[u32]) -> Self {
        let mut sorted = rows.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let (new, old): (Vec<u32>, Vec<u32>) = sorted.into_iter().partition(|row| shelf.is_new(*row));
        let ids = new.into_iter().map(|row| shelf.id(row).to_owned()).collect();
        Self { rows: URL_SAFE_NO_PAD.encode(pack(&old)), ids }
    }

    /// The rows on a shelf of the same model, in their order. What it no longer has is left out.
    pub(crate) fn on(&self, shelf: &Shelf) -> Vec<u32> {
        let old = URL_SAFE_NO_PAD.decode(&self.rows).unwrap_or_default();
        let mut rows = unpack(&old);
        rows.retain(|row| (*row as usize) < shelf.len() && !shelf.is_new(*row));
        rows.extend(self.ids.iter().filter_map(|id| shelf.row(id)));
        rows.sort_unstable();
        rows
    }

    /// The same and some products that no shelf has.
    pub(crate) fn and(mut self, ids: &[String]) -> Self {
        self.ids.extend_from_slice(ids);
        self
    }

    /// The products that a shelf does not have.
    pub(crate) fn unknown(&self, shelf: &Shelf) -> Vec<String> {
        self.ids.iter().filter(|id| shelf.row(id).is_none()).cloned().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.ids.is_empty()
    }
}

/// Ascending rows as differences of 7 bits a byte.
fn pack(rows: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * 2);
    let mut last = 0;
    for row in rows {
        let mut step = row - last;
        while step >= 0x80 {
            bytes.push((step & 0x7f) as u8 | 0x80);
            step >>= 7;
        }
        bytes.push((step & 0x7f) as u8);
        last = *row;
    }
    bytes
}

fn unpack(bytes: &[u8]) -> Vec<u32> {
    let (mut rows, mut last, mut step, mut shift) = (Vec::new(), 0_u32, 0_u32, 0_u32);
    for byte in bytes {
        step |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        shift += 7;
        if *byte < 0x80 {
            last = last.saturating_add(step);
            rows.push(last);
            (step, shift) = (0, 0);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_and_any_bytes_are_read() {
        let rows: Vec<u32> = (0..1500).map(|n| n * 2661 + n % 7).collect();
        let packed = pack(&rows);
        assert!(packed.len() <= 2 * rows.len(), "{}", packed.len());
        assert_eq!(unpack(&packed), rows);
        assert!(unpack(&[0xff; 40]).is_empty() && pack(&[]).is_empty());
        assert_eq!(unpack(&pack(&[0, 1, u32::MAX])), [0, 1, u32::MAX]);
    }
}
