//! Experiments in a decision: which variants its visitor meets, and what they change about a list.
//!
//! What is hashed is the device's id where the request names one, and the customer's where it does not: logging in changes no
//! variant, and another SDK that knows the device computes the same one. Whoever has seen a variant keeps it: the profile
//! remembers it, and the events that are read with the profile tell what it does not know yet. Where the visitor could not be
//! read, the shares of now divide. A decision's record names the variants that it was made with, and a replay goes by these.

use std::collections::BTreeSet;

use vitrine_domain::experiment::{Assignment, Part, Subject, Treatment, assign};
use vitrine_domain::filter::{Attributes, Person};
use vitrine_domain::segment::{Known, memberships};
use vitrine_domain::{Placement, Purpose, Purposes, Visitor};

use crate::ground::Ground;
use crate::settings::Settings;

/// The variants that a visitor meets, in the order of the experiments, and whether they are held out of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Arms {
    pub(crate) all: Vec<Assignment>,
    pub(crate) held_out: bool,
}

impl Arms {
    /// Those that a decision was made with, by what its record says.
    pub(crate) fn logged(settings: &Settings, logged: &[Part], held_out: bool) -> Self {
        let arm = |part: &Part| {
            let of = settings.experiments.iter().find(|other| other.id == part.experiment)?;
            let variant = of.cells().get(part.cell)?.id.clone();
            Some(Assignment { part: part.clone(), variant })
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
        let subject = Subject { id, purposes, visitor, memory: visit.state.as_ref().map(|state| &state.memory) };
        let hold_out = settings.hold_out.as_ref();
        let all = settings.experiments.iter().filter_map(|of| assign(of, hold_out, &subject).ok()).collect();
        Arms { all, held_out: hold_out.is_some_and(|out| out.holds(id)) }
    }

    /// The variants that can change what a placement shows, and the list as they have it; none without any, so that nothing
    /// is copied in a shop that experiments with something else.
    pub(crate) fn treated(&self, placement: &Placement) -> (Vec<Assignment>, Option<Treatment>) {
        let of =
            |arm: &Assignment| self.settings.experiments.iter().find(|experiment| experiment.id == arm.part.experiment);
        let rules = &self.settings.rules;
        let concerned =
            |arm: &&Assignment| of(arm).is_some_and(|experiment| experiment.concerns(&placement.name, rules));
        let arms: Vec<Assignment> = self.arms.all.iter().filter(concerned).cloned().collect();
        if arms.is_empty() {
            return (arms, None);
        }
        let plain = Treatment::none(placement, rules);
        let changes =
            |arm: &Assignment| of(arm).map(|experiment| experiment.changes_of(&arm.variant)).unwrap_or_default();
        let treatment = arms.iter().fold(plain, |treatment, arm| treatment.with(&changes(arm)));
        (arms, Some(treatment))
    }
}
