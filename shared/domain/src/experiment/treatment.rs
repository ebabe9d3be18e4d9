//! What variants change about a decision.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Change, Experiment};
use crate::{Placement, Rule};

/// A placement as the visitor's variants have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Treatment {
    /// The placement, with another strategy, blend or layout where one was changed.
    pub placement: Placement,
    /// The rules of the shop, with those that variants set or switch off.
    pub rules: Vec<Rule>,
    /// What the storefront shows, by slot.
    pub content: BTreeMap<String, Value>,
}

impl Treatment {
    /// Without any experiment.
    #[must_use]
    pub fn none(placement: &Placement, rules: &[Rule]) -> Self {
        Self { placement: placement.clone(), rules: rules.to_vec(), content: BTreeMap::new() }
    }

    /// With the changes of one variant more. Of two experiments that change the same thing the later one counts; see
    /// [`overlaps`](super::overlaps).
    #[must_use]
    pub fn with(mut self, changes: &[&Change]) -> Self {
        let here = self.placement.name.clone();
        for change in changes {
            match change {
                Change::Strategy { placement, strategy } if *placement == here => self.placement.strategy = *strategy,
                Change::Blend { placement, factors } if *placement == here => {
                    self.placement.blend.extend(factors.iter().map(|(part, factor)| (part.clone(), *factor)));
                }
                Change::Layout { placement, payload } if *placement == here => {
                    self.placement.layout = Some(payload.clone());
                }
                Change::Content { slot, payload } => {
                    self.content.insert(slot.clone(), payload.clone());
                }
                Change::Rule { rule } => match self.rules.iter_mut().find(|of_shop| of_shop.id == rule.id) {
                    Some(of_shop) => of_shop.clone_from(rule),
                    None => self.rules.push((**rule).clone()),
                },
                Change::Strategy { .. } | Change::Blend { .. } | Change::Layout { .. } => {}
            }
        }
        self
    }
}

impl Experiment {
    /// What a variant changes; nothing for one that there is not.
    #[must_use]
    pub fn changes_of(&self, variant: &str) -> Vec<&Change> {
        self.cells().into_iter().find(|cell| cell.id == variant).map(|cell| cell.changes).unwrap_or_default()
    }
}
