//! Reading the file formats, each into a [`Split`](crate::data::Split).
//!
//! Files are read line by line, within bounds, and what is wrong is said with its line. Times stand for the order: no
//! format has any. All people end at the same moment, so that ages are counted back from the question.

pub mod archive;
pub mod baskets;
pub mod cold;
pub mod lines;
pub mod names;
pub mod sequences;
pub mod sessions;

use vitrine_domain::{Action, Millis, Visitor, time::DAY};

use crate::data::{Act, History};

/// When everybody's question is asked, in formats without times: 10,000 days after 1970, so that a long history still
/// lies behind 1970.
pub(crate) const NOW: Millis = Millis(10_000 * DAY);

/// A history of one product an event, `step` milliseconds apart, the last one a step before `end`.
pub(crate) fn evenly(rows: &[u32], end: Millis, step: i64, action: Action) -> Vec<Act> {
    let count = rows.len() as u32;
    let act = |(event, row): (u32, &u32)| {
        let at = end.plus(-i64::from(count - event) * step);
        Act { row: *row, event, at, action }
    };
    (0..).zip(rows).map(act).collect()
}

/// Everything of a person but what was taken away; without anything left, nobody.
pub(crate) fn kept(visitor: Visitor, acts: Vec<Act>) -> Option<History> {
    (!acts.is_empty()).then_some(History { visitor, acts })
}
