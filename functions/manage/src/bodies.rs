//! What the bodies of settings come to, without a shop: for the fuzz targets. The steps are those of the handlers.

use vitrine_domain::Millis;
use vitrine_domain::experiment::HoldOut;
use vitrine_http::{Problem, body};

use crate::keep::{self, Kept, One, Standing};
use crate::{experiments, hold_out, keys, placements, privacy, results, rules, segments, staff, training};

/// What is promised of a setting that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// It is read back from the table as it was written.
    pub kept: bool,
    /// What is shown of it can be sent back, and means the same.
    pub sent_back: bool,
}

/// Every setting that a body can be, by name, and what came of reading the body as one.
#[must_use]
pub fn read(bytes: &[u8], now: Millis) -> Vec<(&'static str, Result<Taken, Problem>)> {
    let id = || "own".to_owned();
    let experiment = |wanted: experiments::shape::Wanted| wanted.check(id(), None, now);
    let hold_out = |wanted: hold_out::Wanted| faultless(wanted.setting(&HoldOut::default(), now));
    vec![
        ("placement", taken(bytes, |wanted: placements::Wanted| wanted.check(id()))),
        ("rule", taken(bytes, |wanted: rules::Wanted| wanted.check(id()))),
        ("segment", taken(bytes, |wanted: segments::Wanted| wanted.check(id()).map(Some))),
        ("experiment", taken(bytes, experiment)),
        ("training", taken(bytes, |wanted: training::Wanted| faultless(wanted.setting()))),
        ("privacy", taken(bytes, |wanted: privacy::Wanted| faultless(wanted.setting()))),
        ("hold-out", taken(bytes, hold_out)),
        ("attribution", taken(bytes, |wanted: results::attribution::Wanted| faultless(wanted.setting()))),
        ("key", refused_or(body::parse(bytes).and_then(keys::Wanted::check))),
        ("staff", refused_or(body::parse(bytes).and_then(|wanted: staff::Wanted| wanted.check("anna", true)))),
    ]
}

/// Of what has a secret in it nothing is shown again.
fn refused_or<T>(read: Result<T, Problem>) -> Result<Taken, Problem> {
    read.map(|_| Taken { kept: true, sent_back: true })
}

fn faultless<T: One>(setting: T) -> Result<T, Problem> {
    keep::faultless(&setting, None).map(|()| setting)
}

fn taken<W: keep::Wanted, T: Kept + PartialEq + Clone>(
    bytes: &[u8],
    check: impl Fn(W) -> Result<T, Problem>,
) -> Result<Taken, Problem> {
    let setting = check(keep::read(bytes)?)?;
    let stored = serde_json::to_vec(&setting).unwrap_or_default();
    let kept = serde_json::from_slice(&stored).is_ok_and(|read: T| read == setting);
    let shown = serde_json::to_vec(&setting.clone().show(Standing::default())).unwrap_or_default();
    let sent_back = keep::read(&shown).and_then(check).is_ok_and(|again| again == setting);
    Ok(Taken { kept, sent_back })
}
