//! Who meets which variant.

use serde::{Deserialize, Serialize};

use super::{Cell, Experiment, Memory, Part, Status, hash};
use crate::fault::Fault;
use crate::filter::Attributes;
use crate::rule::MAX_ID;
use crate::{Millis, Purpose, Purposes};

/// The share of visitors who are left out of everything that is compared to it, whatever experiments come and go, so
/// that what all of them together achieve can be measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldOut {
    /// What is hashed with the visitor.
    #[serde(default = "usual_seed")]
    pub seed: String,
    /// 0 to .5.
    pub share: f64,
    /// Whether they see the shop without personalization too: what everybody wants, and what goes with a product on the
    /// page, whatever they did. Only then can it be told what personalization earns.
    #[serde(default, skip_serializing_if = "is_false")]
    pub personalization: bool,
    /// Since when exactly these visitors are held out: what anybody did before says nothing of it.
    #[serde(default, skip_serializing_if = "is_the_beginning")]
    pub since: Millis,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_the_beginning(time: &Millis) -> bool {
    *time == Millis::default()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

fn usual_seed() -> String {
    "hold-out".to_owned()
}

/// Nobody.
impl Default for HoldOut {
    fn default() -> Self {
        Self { seed: usual_seed(), share: 0.0, personalization: false, since: Millis::default() }
    }
}

impl HoldOut {
    /// Whether a visitor is left out. An SDK of GrowthBook does the same with the filter `{"seed": SEED, "ranges":
    /// [[SHARE, 1]], "hashVersion": 2}`.
    #[must_use]
    pub fn holds(&self, visitor: &str) -> bool {
        hash::bucket(&self.seed, visitor) < self.share
    }

    /// The same, from what stood before it on: it goes on if the same visitors are held out of the same things, and begins now
    /// if not, for what was measured until now is not of it. This holds of one that stood long ago as well: others were held
    /// out since.
    #[must_use]
    pub fn after(self, before: &Self, now: Millis) -> Self {
        let same = Self { since: before.since, ..self };
        if same == *before { same } else { Self { since: now, ..same } }
    }

    /// What is wrong with it: where, and how to mend it.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !(0.0..=0.5).contains(&self.share) {
            faults.push(Fault::new("/share", "0 to .5"));
        }
        if !(1..=MAX_ID).contains(&self.seed.len()) {
            faults.push(Fault::new("/seed", format!("1 to {MAX_ID} bytes")));
        }
        faults
    }
}

/// A visitor to be assigned.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// What is hashed: the id by which the visitor is known wherever the experiment runs.
    pub id: &'a str,
    /// What the visitor allows.
    pub purposes: Purposes,
    /// What is known of the visitor, with the segments they are in ([`Known`](crate::segment::Known)); none for
    /// somebody of whom nothing is known.
    pub visitor: Option<&'a dyn Attributes>,
    /// The variants that the visitor has seen. They stay theirs, also when shares, audience or identity change.
    pub memory: Option<&'a Memory>,
}

/// A visitor's variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The part they take, as it is logged.
    pub part: Part,
    /// The variant, or cell of a factorial test.
    pub variant: String,
}

/// Why a visitor has no variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// The experiment is a draft or over.
    NotRunning,
    /// The visitor does not allow experiments, or has no id.
    NotAllowed,
    /// The visitor is in the global hold-out.
    HeldOut,
    /// The visitor's place in the exclusive group belongs to another experiment.
    InAnother,
    /// The visitor is not of the audience.
    NotOfAudience,
    /// The visitor is outside the share of traffic.
    OutsideTraffic,
}

/// A visitor's variant of an experiment. The same visitor gets the same answer as long as the experiment stays as it
/// is, and one that they have seen as long as it runs; whether to take somebody in is asked in the order of GrowthBook's
/// evaluation: what is remembered, exclusive group, audience, traffic.
///
/// # Errors
/// Says why the visitor has none.
pub fn assign(
    experiment: &Experiment,
    hold_out: Option<&HoldOut>,
    subject: &Subject<'_>,
) -> Result<Assignment, Exclusion> {
    if experiment.status != Status::Running {
        return Err(Exclusion::NotRunning);
    }
    if subject.id.is_empty() || !subject.purposes.allows(Purpose::Experiment) {
        return Err(Exclusion::NotAllowed);
    }
    if hold_out.is_some_and(|hold_out| hold_out.holds(subject.id)) {
        return Err(Exclusion::HeldOut);
    }
    let cells = experiment.cells();
    let remembered = subject.memory.and_then(|memory| memory.of(experiment));
    if let Some((drawn, cell)) = remembered.and_then(|drawn| Some((drawn, cells.get(usize::from(drawn.cell))?))) {
        return Ok(assignment(experiment, usize::from(drawn.cell), cell, drawn.propensity, true));
    }
    if let Some(slice) = &experiment.exclusive {
        let place = hash::group_place(&slice.group, subject.id);
        if place < slice.from || place >= slice.to {
            return Err(Exclusion::InAnother);
        }
    }
    if let Some(audience) = &experiment.audience
        && !subject.visitor.is_some_and(|visitor| audience.holds(visitor).unwrap_or(false))
    {
        return Err(Exclusion::NotOfAudience);
    }
    let weights: Vec<f64> = cells.iter().map(|cell| cell.weight).collect();
    let ranges = hash::ranges(cells.len(), experiment.traffic, Some(&weights));
    let chosen = hash::choose(hash::bucket(experiment.seed(), subject.id), &ranges);
    let (at, cell) = chosen.and_then(|at| Some((at, cells.get(at)?))).ok_or(Exclusion::OutsideTraffic)?;
    Ok(assignment(experiment, at, cell, millionths(cell.weight), false))
}

/// A probability in millionths, at least one.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a probability")]
fn millionths(probability: f64) -> u32 {
    ((probability * 1e6).round() as u32).clamp(1, 1_000_000)
}

fn assignment(experiment: &Experiment, at: usize, cell: &Cell<'_>, propensity: u32, remembered: bool) -> Assignment {
    let part = Part { experiment: experiment.id.clone(), cell: at, propensity: Some(propensity), remembered };
    Assignment { part, variant: cell.id.clone() }
}
