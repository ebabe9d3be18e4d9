//! Experiments in a decision: which variants its visitor meets, and what they change about a list.
//!
//! What is hashed is the device's id where the request names one, and the customer's where it does not: logging in changes no
//! variant, and another SDK that knows the device computes the same one. A decision's record names the variants that it was
//! made with, and a replay goes by these.

use std::collections::BTreeSet;

use vitrine_domain::experiment::{Subject, Treatment, assign};
use vitrine_domain::filter::{Attributes, Person};
use vitrine_domain::segment::{Known, memberships};
use vitrine_domain::{Experiment, Placement, Purpose, Purposes, Visitor};

use crate::ground::Ground;
use crate::settings::Settings;

/// A visitor's variant of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arm {
    /// The experiment.
    pub(crate) experiment: String,
    /// The variant.
    pub(crate) variant: String,
    /// Its place among the experiment's, the control being zero.
    pub(crate) cell: usize,
}

/// The variants that a visitor meets, in the order of the experiments, and whether they are held out of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Arms {
    pub(crate) all: Vec<Arm>,
    pub(crate) held_out: bool,
}

impl Arms {
    /// Those that a decision was made with, by what its record says.
    pub(crate) fn logged(settings: &Settings, logged: &[(String, usize)], held_out: bool) -> Self {
        let arm = |(experiment, cell): &(String, usize)| {
            let of = settings.experiments.iter().find(|other| other.id == *experiment)?;
            let variant = of.cells().get(*cell)?.id.clone();
            Some(Arm { experiment: experiment.clone(), variant, cell: *cell })
        };
        Self { all: logged.iter().filter_map(arm).collect(), held_out }
    }
}

impl Ground {
    /// What is known of the visitor but for the segments that they are in.
    fn known(&self) -> Option<Known<'_>> {
        let person = Person { state: self.visit.state.as_ref()?, now: self.now };
        Some(Known { person, scale: self.settings.scale.as_ref(), segments: None })
    }

    /// The segments that the visitor is in, computed once for an answer and only where something asks.
    pub(crate) fn members(&self) -> &BTreeSet<String> {
        let of = |known: Known<'_>| memberships(&self.settings.segments, known.person, known.scale);
        self.members.get_or_init(|| self.known().map(of).unwrap_or_default())
    }

    /// The variants that the visitor meets, given what they allow. A robot meets none: nothing would be learned from it.
    pub(crate) fn meets(&self, purposes: Purposes) -> Arms {
        let (settings, visit) = (&self.settings, &self.visit);
        let robot = visit.state.as_ref().is_some_and(|state| state.robot);
        let device = visit.reach.device.as_ref().map(|(device, _)| device);
        let id = device.or(visit.visitor.as_ref()).map(Visitor::id);
        let Some(id) = id.filter(|_| !robot && purposes.allows(Purpose::Experiment)) else { return Arms::default() };
        let selective = settings.experiments.iter().any(|experiment| experiment.audience.is_some());
        let known = self.known().filter(|_| selective);
        let known = known.map(|known| Known { segments: Some(self.members()), ..known });
        let visitor = known.as_ref().map(|known| known as &dyn Attributes);
        let subject = Subject { id, purposes, visitor, remembered: None };
        let hold_out = settings.hold_out.as_ref();
        let arm = |experiment: &Experiment| {
            let assignment = assign(experiment, hold_out, &subject).ok()?;
            let cell = experiment.cells().iter().position(|cell| cell.id == assignment.variant)?;
            Some(Arm { experiment: assignment.experiment, variant: assignment.variant, cell })
        };
        let all = settings.experiments.iter().filter_map(arm).collect();
        Arms { all, held_out: hold_out.is_some_and(|out| out.holds(id)) }
    }

    /// The variants that can change what a placement shows, and the list as they have it; none without any, so that nothing
    /// is copied in a shop that experiments with something else.
    pub(crate) fn treated(&self, placement: &Placement) -> (Vec<Arm>, Option<Treatment>) {
        let of = |arm: &Arm| self.settings.experiments.iter().find(|experiment| experiment.id == arm.experiment);
        let concerned = |arm: &&Arm| of(arm).is_some_and(|experiment| experiment.concerns(&placement.name));
        let arms: Vec<Arm> = self.arms.all.iter().filter(concerned).cloned().collect();
        if arms.is_empty() {
            return (arms, None);
        }
        let plain = Treatment::none(placement, &self.settings.rules);
        let changes = |arm: &Arm| of(arm).map(|experiment| experiment.changes_of(&arm.variant)).unwrap_or_default();
        let treatment = arms.iter().fold(plain, |treatment, arm| treatment.with(&changes(arm)));
        (arms, Some(treatment))
    }
}
