//! Where a feed goes on: sealed, so that nobody can make one up, and pinned to a model version, so that rows mean the
//! same on every page.

use serde::{Deserialize, Serialize};
use vitrine_http::{Problem, Sealer};

/// Most products a feed shows before it ends.
const MOST: usize = 1500;
const PURPOSE: &str = "cursor";

/// What a cursor carries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Placement it belongs to.
    #[serde(rename = "p")]
    pub(crate) placement: String,
    /// Model version; none in a shop that was never trained.
    #[serde(rename = "v")]
    pub(crate) version: Option<String>,
    /// Seed of the feed's first page.
    #[serde(rename = "s")]
    pub(crate) seed: u64,
    /// Rows shown so far.
    #[serde(skip)]
    pub(crate) shown: Vec<u32>,
}

impl Cursor {
    /// The cursor after a page; none when the feed has gone on long enough.
    pub(crate) fn seal(&self, sealer: &Sealer) -> Option<String> {
        if self.shown.len() > MOST {
            return None;
        }
        let mut rows = self.shown.clone();
        rows.sort_unstable();
        let mut bytes = Vec::with_capacity(rows.len() * 2 + 64);
        let mut last = 0;
        for row in rows {
            push_varint(&mut bytes, row - last);
            last = row;
        }
        let head = serde_json::to_vec(self).ok()?;
        let mut clear = u16::try_from(head.len()).ok()?.to_le_bytes().to_vec();
        clear.extend(head);
        clear.extend(bytes);
        sealer.seal(PURPOSE, &clear)
    }

    /// Opens a cursor.
    pub(crate) fn open(sealer: &Sealer, text: &str) -> Result<Self, Problem> {
        let bad = || {
            Problem::unprocessable("invalid-cursor", "this cursor is not one of ours; start over without it")
                .at("cursor", "take it from the answer before, unchanged")
        };
        let clear = sealer.open(PURPOSE, text).ok_or_else(bad)?;
        let (length, rest) = clear.split_first_chunk::<2>().ok_or_else(bad)?;
        let (head, rows) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length))).ok_or_else(bad)?;
        let mut cursor: Self = serde_json::from_slice(head).map_err(|_| bad())?;
        let mut last = 0_u32;
        let mut rows = rows.iter();
        while let Some(step) = pull_varint(&mut rows) {
            last = last.saturating_add(step);
            cursor.shown.push(last);
        }
        Ok(cursor)
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7f) as u8);
}

fn pull_varint<'a>(bytes: &mut impl Iterator<Item = &'a u8>) -> Option<u32> {
    let mut value = 0;
    for shift in (0..32).step_by(7) {
        let byte = *bytes.next()?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_and_forgeries_do_not() {
        let sealer = Sealer::new("secret");
        let shown: Vec<u32> = (0..1500).map(|n| n * 977 % 4_000_000).collect();
        let cursor = Cursor { placement: "feed".into(), version: Some("v".into()), seed: 7, shown: shown.clone() };
        let sealed = cursor.seal(&sealer).unwrap();
        assert!(sealed.len() < 6000, "{}", sealed.len());
        let mut opened = Cursor::open(&sealer, &sealed).unwrap();
        let mut sorted = shown;
        sorted.sort_unstable();
        assert_eq!(std::mem::take(&mut opened.shown), sorted);
        assert_eq!(opened, Cursor { shown: Vec::new(), ..cursor });
        assert!(Cursor::open(&Sealer::new("other"), &sealed).is_err());
        assert!(Cursor::open(&sealer, "nonsense").is_err());
    }
}
