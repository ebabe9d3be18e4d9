//! Reading a shop person by person: the events of one are in memory while their steps are taken down, nobody else's.

use std::borrow::Borrow;
use std::ops::Range;

use vitrine_domain::consent::{Granted, Personalise};
use vitrine_domain::{Action, Event, Millis, Product, Visitor};

use super::{Counts, Dataset, Step, stable_hash};
use crate::Error;
use crate::settings::Limits;

/// Takes people in, in whatever order, and puts them in the canonical one at the end.
///
/// It holds the steps, 24 bytes each, and who is who; putting people in order needs room for the steps a second time,
/// unless they came in order.
#[derive(Debug)]
pub struct Builder<'a> {
    dataset: Dataset<'a>,
    /// Each person with at least one step, and where their steps are.
    people: Vec<(Visitor, Range<usize>)>,
    times: Option<(Millis, Millis)>,
    limits: Limits,
}

impl<'a> Builder<'a> {
    /// A shop that nobody has visited yet. Of products with the same identifier the last one counts.
    ///
    /// # Errors
    /// [`Error::Limit`] if there are more products than `limits` allow.
    pub fn new(catalogue: &'a [Product], limits: &Limits) -> Result<Self, Error> {
        let mut products: Vec<&Product> = catalogue.iter().collect();
        products.sort_by(|a, b| a.id.cmp(&b.id));
        // The sort is stable, so of equal identifiers the last is the one that came last.
        products.dedup_by(|later, kept| {
            let same = later.id == kept.id;
            if same {
                *kept = *later;
            }
            same
        });
        if products.len() > limits.products {
            return Err(Error::Limit { what: "products", found: products.len(), limit: limits.products });
        }
        let counts = Counts {
            products: products.len(),
            repeated_products: catalogue.len() - products.len(),
            ..Counts::default()
        };
        let dataset = Dataset {
            products,
            steps: Vec::new(),
            starts: vec![0],
            keys: Vec::new(),
            now: Millis(0),
            oldest: Millis(0),
            counts,
        };
        Ok(Self { dataset, people: Vec::new(), times: None, limits: limits.clone() })
    }

    /// Takes a person in, once, with all their events merged and in fold order.
    ///
    /// Only events that [teach](Action::teaches) and allow [`Purpose::Personalise`](vitrine_domain::Purpose::Personalise) are kept; actions on products
    /// that the catalogue does not have are counted and dropped.
    ///
    /// # Errors
    /// [`Error::Limit`] if there are more actions by now than the limits allow.
    pub fn push<E: Borrow<Event>>(
        &mut self,
        visitor: &Visitor,
        events: impl IntoIterator<Item = E>,
    ) -> Result<(), Error> {
        let before = self.dataset.steps.len();
        for (number, event) in (0..).zip(events) {
            let event = event.borrow();
            let Some(event) = event.granted() else {
                self.dataset.counts.without_consent += 1;
                continue;
            };
            let at = event.at();
            let (oldest, newest) = self.times.unwrap_or((at, at));
            self.times = Some((at.min(oldest), at.max(newest)));
            self.take(event, number);
        }
        let (found, limit) = (self.dataset.steps.len(), self.limits.actions);
        if found > limit {
            return Err(Error::Limit { what: "actions", found, limit });
        }
        if found > before {
            self.people.push((visitor.clone(), before..found));
        }
        Ok(())
    }

    fn take(&mut self, event: Granted<'_, Personalise>, number: u32) {
        if !event.action.teaches() || event.lines.is_empty() {
            return;
        }
        let weight = event.action.interest();
        let dataset = &mut self.dataset;
        let first = dataset.steps.len();
        for line in &event.lines {
            let Some(row) = dataset.row(line.product.as_str()) else {
                dataset.counts.unknown_products += 1;
                continue;
            };
            // A basket holds a product once, however many lines it is spread over.
            if dataset.steps[first..].iter().all(|step| step.row != row) {
                dataset.steps.push(Step { row, event: number, at: event.at(), weight, action: event.action });
            }
        }
        if dataset.steps.len() > first {
            dataset.counts.events += 1;
            dataset.counts.orders += usize::from(event.action == Action::Order);
        }
    }

    /// Puts people in order.
    #[must_use]
    pub fn finish(self) -> Dataset<'a> {
        let Self { mut dataset, mut people, times, .. } = self;
        if !people.is_sorted_by(|a, b| a.0 <= b.0) {
            people.sort_by(|a, b| a.0.cmp(&b.0));
            let steps = &dataset.steps;
            let mut ordered = Vec::with_capacity(steps.len());
            people.iter().for_each(|(_, range)| ordered.extend_from_slice(&steps[range.clone()]));
            dataset.steps = ordered;
        }
        dataset.steps.shrink_to_fit();
        dataset.keys = people.iter().map(|(visitor, _)| stable_hash(visitor.to_string().bytes())).collect();
        let mut end = 0;
        dataset.starts.extend(people.iter().map(|(_, range)| {
            end += range.len();
            end
        }));
        (dataset.oldest, dataset.now) = times.unwrap_or_default();
        dataset.counts.people = dataset.people();
        dataset.counts.actions = dataset.steps.len();
        dataset
    }
}
