//! Where a list goes on: sealed, so that nobody can make one up, and pinned to a model version, so that rows mean the same
//! on every page.

use serde::{Deserialize, Serialize};
use vitrine_http::{Problem, Sealer};

use crate::record::After;
use crate::rows::Rows;

/// Most products a list shows before it ends.
pub(crate) const MOST: usize = 1500;
const PURPOSE: &str = "cursor";

/// What a cursor carries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Placement it belongs to.
    #[serde(rename = "p")]
    pub(crate) placement: String,
    /// Model version; none in a shop that was never trained.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Products of this list so far.
    #[serde(rename = "n")]
    pub(crate) offset: usize,
    /// Everything that is not to be shown again: the list so far, and the page it stood on.
    #[serde(rename = "s")]
    pub(crate) shown: Rows,
    /// The decision it continues; none if that was not logged.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<After>,
}

impl Cursor {
    /// The cursor as clients get it; none when the list has gone on long enough. Products that are newer than the model take
    /// more room, so in a shop without a model that is some hundred products earlier.
    pub(crate) fn seal(&self, sealer: &Sealer) -> Option<String> {
        if self.offset > MOST {
            return None;
        }
        let sealed = sealer.seal(PURPOSE, &serde_json::to_vec(self).ok()?);
        sealed.filter(|text| text.len() <= vitrine_http::seal::MAX)
    }

    /// Opens a cursor.
    pub(crate) fn open(sealer: &Sealer, text: &str) -> Result<Self, Problem> {
        let opened = sealer.open(PURPOSE, text).and_then(|clear| serde_json::from_slice(&clear).ok());
        opened.ok_or_else(|| {
            Problem::unprocessable("invalid-cursor", "this cursor is not one of ours; start over without it")
                .at("cursor", "take it from the answer before, unchanged")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_and_forgeries_do_not() {
        let sealer = Sealer::new("secret");
        let cursor = Cursor { placement: "feed".into(), version: Some("v".into()), offset: 20, ..Cursor::default() };
        let sealed = cursor.seal(&sealer).unwrap();
        assert_eq!(Cursor::open(&sealer, &sealed).unwrap(), cursor);
        assert!(Cursor::open(&Sealer::new("other"), &sealed).is_err());
        assert!(Cursor::open(&sealer, "nonsense").is_err());
        assert_eq!(Cursor { offset: MOST + 1, ..cursor }.seal(&sealer), None);
    }
}
