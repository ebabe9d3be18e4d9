//! What there is to learn from: products in rows, and for each person what they did, oldest first.
//!
//! A [`Dataset`] is the canonical form of a shop: products sorted by identifier, people sorted by visitor, whatever order
//! they came in. Everything that the models see is in here, so holding something out means building a data set without
//! it ([`Dataset::cut`]); no model can look past that.
//!
//! Only [`Step`]s are held, 24 bytes each: a [`Builder`] reads one person's events at a time and keeps nothing else of
//! them.

use vitrine_domain::{Action, Event, Millis, Product, Visitor, time::DAY};

use crate::Error;
use crate::settings::Limits;

mod builder;

pub use builder::Builder;

/// One action on one product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Row of the product.
    pub row: u32,
    /// Which of the person's events it belongs to, from zero: the lines of one order share it.
    pub event: u32,
    /// When.
    pub at: Millis,
    /// What the action says of the interest in the product, see [`Action::interest`].
    pub weight: f32,
    /// What was done.
    pub action: Action,
}

impl Step {
    /// Whether it is looking around: positive interest that is not yet an order.
    #[must_use]
    pub fn is_browsing(&self) -> bool {
        self.weight > 0.0 && self.action != Action::Order
    }
}

/// What was read and what was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Products of the catalogue.
    pub products: usize,
    /// Products that came twice; the later one is kept.
    pub repeated_products: usize,
    /// People with at least one action.
    pub people: usize,
    /// Events that name products and may be used.
    pub events: usize,
    /// Actions on products.
    pub actions: usize,
    /// Completed orders among the events.
    pub orders: usize,
    /// Actions on products that are not in the catalogue: left out.
    pub unknown_products: usize,
    /// Events whose visitor did not agree to be personalised for: left out.
    pub without_consent: usize,
}

/// A shop's catalogue and what its visitors did.
#[derive(Debug, Clone)]
pub struct Dataset<'a> {
    products: Vec<&'a Product>,
    steps: Vec<Step>,
    /// Where each person's steps start, and one more for the end.
    starts: Vec<usize>,
    /// A hash of each visitor, to draw people by.
    keys: Vec<u64>,
    now: Millis,
    oldest: Millis,
    counts: Counts,
}

/// A 64-bit hash that will never change: FNV-1a with a final mix.
pub(crate) fn stable_hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let hash =
        bytes.into_iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    mix(hash)
}

/// Spreads every bit of a number over all 64 (the finaliser of splitmix64).
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl<'a> Dataset<'a> {
    /// Reads a shop whose histories are at hand; one that is larger than memory is read by a [`Builder`]. Histories hold
    /// one entry for each person, with all their events merged and in fold order.
    ///
    /// # Errors
    /// [`Error::Limit`] if the shop is larger than `limits`.
    pub fn new(catalogue: &'a [Product], histories: &[(Visitor, Vec<Event>)], limits: &Limits) -> Result<Self, Error> {
        let mut builder = Builder::new(catalogue, limits)?;
        for (visitor, events) in histories {
            builder.push(visitor, events)?;
        }
        Ok(builder.finish())
    }

    /// A 64-bit hash of everything that models see: equal shops have equal hashes, in whatever order they were read. For
    /// a model card, not against forgery.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = mix(self.products.len() as u64);
        let mut add = |word: u64| hash = mix(hash ^ word);
        for product in &self.products {
            // A product that cannot be written as JSON cannot be packed either: training says so.
            let text = serde_json::to_vec(product).unwrap_or_default();
            add(stable_hash(text));
        }
        for (history, key) in self.histories().zip(&self.keys) {
            add(*key);
            for step in history {
                add(u64::from(step.row) << 32 | u64::from(step.event));
                add(step.at.0.cast_unsigned());
                add(step.action as u64);
            }
        }
        add(self.oldest.0.cast_unsigned());
        add(self.now.0.cast_unsigned());
        hash
    }

    /// The products, row by row.
    #[must_use]
    pub fn products(&self) -> &[&'a Product] {
        &self.products
    }

    /// The row of a product.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<u32> {
        self.products.binary_search_by(|p| p.id.as_str().cmp(id)).ok().map(|row| row as u32)
    }

    /// How many people there are.
    #[must_use]
    pub fn people(&self) -> usize {
        self.keys.len()
    }

    /// What a person did, oldest first.
    #[must_use]
    pub fn history(&self, person: usize) -> &[Step] {
        match (self.starts.get(person), self.starts.get(person + 1)) {
            (Some(start), Some(end)) => &self.steps[*start..*end],
            _ => &[],
        }
    }

    /// Everybody's histories.
    pub fn histories(&self) -> impl Iterator<Item = &[Step]> + '_ {
        self.starts.windows(2).map(|bounds| &self.steps[bounds[0]..bounds[1]])
    }

    /// A number that draws people evenly and never changes for a person.
    #[must_use]
    pub fn key(&self, person: usize) -> u64 {
        self.keys.get(person).copied().unwrap_or_default()
    }

    /// The newest event: windows count back from it.
    #[must_use]
    pub const fn now(&self) -> Millis {
        self.now
    }

    /// The oldest event.
    #[must_use]
    pub const fn oldest(&self) -> Millis {
        self.oldest
    }

    /// What was read and left out.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The same shop as if some people's histories had ended earlier: of each person named only the first so many steps
    /// are kept. `now` becomes the newest step that is left.
    #[must_use]
    pub fn cut(&self, keep: &[(usize, usize)]) -> Self {
        let mut kept: Vec<usize> = self.starts.windows(2).map(|bounds| bounds[1] - bounds[0]).collect();
        for (person, steps) in keep {
            if let Some(length) = kept.get_mut(*person) {
                *length = (*length).min(*steps);
            }
        }
        let mut cut = Self { steps: Vec::with_capacity(self.steps.len()), starts: vec![0], ..self.without_steps() };
        for (person, length) in kept.into_iter().enumerate() {
            cut.steps.extend_from_slice(&self.history(person)[..length]);
            cut.starts.push(cut.steps.len());
        }
        cut.now = cut.steps.iter().map(|step| step.at).max().unwrap_or_default();
        cut.counts.actions = cut.steps.len();
        cut
    }

    fn without_steps(&self) -> Self {
        Self {
            products: self.products.clone(),
            steps: Vec::new(),
            starts: Vec::new(),
            keys: self.keys.clone(),
            now: self.now,
            oldest: self.oldest,
            counts: self.counts,
        }
    }
}

/// Days from `at` to `now`, not negative.
#[must_use]
pub(crate) fn days(now: Millis, at: Millis) -> f32 {
    (now.since(at).max(0) as f64 / DAY as f64) as f32
}

/// What is left of a weight after some days.
#[must_use]
pub(crate) fn decay(days: f32, half_life_days: f32) -> f32 {
    (-days / half_life_days).exp2()
}

#[cfg(test)]
pub(crate) mod tests;
