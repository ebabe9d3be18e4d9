//! What surrounds a rule in its shop: the other rules, the placements, and the products that are pinned.

use std::collections::{BTreeMap, BTreeSet};

use vitrine_domain::rule::{Effect, conflicts};
use vitrine_domain::{Placement, Product, ProductId, Rule, Shop};
use vitrine_http::{App, Problem};
use vitrine_store::settings::{PLACEMENT, RULE, SEGMENT, Versioned};

use crate::keep::Standing;

use super::shape::{View, Warning, WarningKind};

/// A shop's rules and what they are checked against.
pub(super) struct Surroundings {
    /// All rules, in the order of their ids.
    pub(super) rules: Vec<Versioned<Rule>>,
    /// The revision of the shop's settings at which they were read.
    pub(super) revision: u64,
    placements: BTreeSet<String>,
    segments: BTreeSet<String>,
    pinned: BTreeMap<ProductId, Product>,
}

impl Surroundings {
    /// Reads them: one query, and one batch for the products that any of these rules or `more` pins.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub(super) async fn read(app: &App, shop: &Shop, more: Option<&Rule>) -> Result<Self, Problem> {
        let table = &app.context.table;
        let snapshot = table.settings_at(shop, &[PLACEMENT, RULE, SEGMENT], None).await?;
        let rules = snapshot.of::<Rule>(RULE)?;
        let own = snapshot.stored(PLACEMENT).iter().map(|setting| setting.id.clone());
        let shipped = Placement::shipped().into_iter().map(|placement| placement.name);
        let placements = shipped.chain(own).collect();
        let segments = snapshot.segments().into_iter().map(|segment| segment.id).collect();
        let pinned: Vec<ProductId> =
            rules.iter().map(|setting| &setting.value).chain(more).filter_map(pinned).cloned().collect();
        let pinned = if pinned.is_empty() { BTreeMap::new() } else { table.products(shop, &pinned).await? };
        Ok(Self { rules, revision: snapshot.revision, placements, segments, pinned })
    }

    /// The stored rule of an id.
    pub(super) fn rule(&self, id: &str) -> Option<&Versioned<Rule>> {
        self.rules.iter().find(|setting| setting.id == id)
    }

    /// A rule with the conflicts it gets into and what it names in vain.
    pub(super) fn view(&self, rule: &Rule, standing: Standing, others: &[Rule]) -> View {
        let pinned = |id: &str| ProductId::new(id).ok().and_then(|id| self.pinned.get(&id).cloned());
        let mut view = View::of(rule.clone(), standing);
        view.conflicts = conflicts(rule, others, &pinned).into_iter().map(Into::into).collect();
        view.warnings = self.warnings(rule);
        view
    }

    /// The rules themselves.
    pub(super) fn all(&self) -> Vec<Rule> {
        self.rules.iter().map(|setting| setting.value.clone()).collect()
    }

    fn warnings(&self, rule: &Rule) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if let Some(id) = pinned(rule).filter(|id| !self.pinned.contains_key(*id)) {
            let text = format!("the catalogue has no product {id}; its slot is filled as if there were no rule");
            let pointer = "/effect/product".to_owned();
            warnings.push(Warning { kind: WarningKind::UnknownProduct, pointer, text });
        }
        for (place, name) in rule.when.placements.iter().enumerate() {
            if !self.placements.contains(name) {
                let text = format!("the shop has no placement {name}");
                let pointer = format!("/when/placements/{place}");
                warnings.push(Warning { kind: WarningKind::UnknownPlacement, pointer, text });
            }
        }
        for (place, name) in rule.when.segments.iter().enumerate() {
            if !self.segments.contains(name) {
                let text = format!(
                    "the shop has no segment {name}; only customers of whom an import or event says it are in it"
                );
                let pointer = format!("/when/segments/{place}");
                warnings.push(Warning { kind: WarningKind::UnknownSegment, pointer, text });
            }
        }
        warnings
    }
}

fn pinned(rule: &Rule) -> Option<&ProductId> {
    match &rule.effect {
        Effect::Pin { product, .. } => Some(product),
        _ => None,
    }
}
