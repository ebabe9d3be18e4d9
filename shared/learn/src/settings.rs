//! What can be chosen about learning. Every value has a default that suits a shop nobody has looked at; a settings file
//! names only what it changes.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Everything that can be chosen. Equal data and equal settings give equal bytes, whatever [`threads`](Self::threads) is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Starts every pseudo-random sequence.
    pub seed: u64,
    /// Threads to use; zero is one for each core. No part of the result and of the model card.
    #[serde(skip_serializing)]
    pub threads: usize,
    /// How large a shop may be.
    pub limits: Limits,
    /// Counting what goes with what.
    pub covisitation: Covisitation,
    /// Finding sessions like the current one.
    pub sessions: Sessions,
    /// Counting what is wanted.
    pub popularity: Popularity,
    /// Reading texts.
    pub content: Content,
    /// Learning what is reached from what.
    pub diffusion: Diffusion,
    /// Learning what people come back for.
    pub repurchase: Repurchase,
    /// Learning tastes.
    pub factors: Factors,
    /// Reading histories in their order.
    pub encoder: Encoder,
    /// Judging the parts and choosing their weights.
    pub validation: Validation,
}

/// Bounds that keep memory and time in hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most products of the catalogue.
    pub products: usize,
    /// Most actions on products: one for each product that an event names. An action takes about 100 bytes in training.
    pub actions: usize,
    /// Most memory that training may be expected to take, in MB, see [`Limits::memory`].
    pub memory_mb: usize,
}

/// Bytes that an action is expected to take in training: its step twice (for the rehearsal), and what is counted of it.
const ACTION_BYTES: usize = 120;
/// Bytes that a product is expected to take in training besides its vectors: texts, lists of neighbours.
const PRODUCT_BYTES: usize = 12_000;
/// Copies of a product's vectors while they are learned.
const COPIES: usize = 6;

impl Limits {
    /// The memory that a training of this size is expected to take, in MB: a rough figure that errs upwards, to be had
    /// before anything was begun.
    ///
    /// # Errors
    /// [`Error::Memory`] if it is more than the limit.
    pub fn memory(&self, products: usize, actions: usize, dims: usize) -> Result<usize, Error> {
        let product = PRODUCT_BYTES.saturating_add(dims.saturating_mul(4 * COPIES));
        let bytes = products.saturating_mul(product).saturating_add(actions.saturating_mul(ACTION_BYTES));
        let expected = bytes.div_ceil(1_000_000);
        if expected > self.memory_mb {
            return Err(Error::Memory { expected, limit: self.memory_mb });
        }
        Ok(expected)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { products: 500_000, actions: 20_000_000, memory_mb: 16_000 }
    }
}

/// See [`crate::covisitation`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Covisitation {
    /// How many steps apart two products of a browsing sequence may be.
    pub window: usize,
    /// What a step back counts, relative to a step forward.
    pub backward: f32,
    /// Days after which a gap between two actions halves their weight.
    pub gap_days: f32,
    /// Days in which an old action loses half its weight.
    pub half_life_days: f32,
    /// How many days after a view an order is still put down to it.
    pub conversion_days: f32,
    /// Most looks of one person at a product, and most of their baskets with it, that count: the newest.
    pub person: usize,
    /// Baskets with more products are stock orders: they say little of what goes together.
    pub basket: usize,
    /// Imagined meetings that every pair of products starts with; keeps rare pairs from winning.
    pub shrinkage: f32,
    /// Whether pairs with orders are normalised by the cosine too, instead of the lift.
    pub cosine: bool,
    /// Neighbours kept for each product and pair of actions.
    pub top: usize,
    /// Neighbours kept of all products together: where there are more, the longest lists are cut first.
    pub entries: usize,
}

impl Default for Covisitation {
    fn default() -> Self {
        Self {
            window: 10,
            backward: 0.5,
            gap_days: 30.0,
            half_life_days: 365.0,
            conversion_days: 14.0,
            person: 20,
            basket: 100,
            shrinkage: 5.0,
            cosine: false,
            top: 100,
            entries: 1_000_000,
        }
    }
}

/// See [`crate::sessions`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// Most sessions of the index: the newest.
    pub sessions: usize,
    /// Most actions of all sessions of the index together.
    pub places: usize,
    /// Most sessions listed for a product: the newest.
    pub per_product: usize,
    /// List entries read for one request.
    pub reads: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { sessions: 200_000, places: 1_250_000, per_product: 1_000, reads: 50_000 }
    }
}

/// See [`crate::popularity`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Popularity {
    /// Days in which interest loses half its weight.
    pub half_life_days: f32,
    /// The recent window of the trend.
    pub short_days: f32,
    /// The longer window that it is compared with.
    pub long_days: f32,
    /// Interest that is imagined to have been expected of every product; keeps a single view from being a trend.
    pub shrinkage: f32,
    /// Most interest in one product that one person can be counted with: 30 is six orders at once.
    pub person: f32,
    /// Products in the list of each category.
    pub top: usize,
}

impl Default for Popularity {
    fn default() -> Self {
        Self { half_life_days: 14.0, short_days: 7.0, long_days: 28.0, shrinkage: 20.0, person: 30.0, top: 200 }
    }
}

/// See [`crate::content`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Content {
    /// Dimensions of a content vector.
    pub dims: usize,
}

impl Default for Content {
    fn default() -> Self {
        Self { dims: 64 }
    }
}

/// See [`crate::repurchase`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Repurchase {
    /// Of each person this many newest orders are learned from; bounds the work for one who orders all day.
    pub orders: usize,
    /// Rates and timings are chosen on this many foretellings at most (a product of a person at an order).
    pub cases: usize,
    /// Imagined intervals of typical length (`κ'`, also the product's towards the shop's). Positive.
    pub intervals: f32,
    /// Imagined purchases in each step of the timing function (`s`). Positive.
    pub shrinkage: f32,
}

impl Default for Repurchase {
    fn default() -> Self {
        Self { orders: 200, cases: 1_000_000, intervals: 2.0, shrinkage: 20.0 }
    }
}

/// See [`crate::diffusion`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Diffusion {
    /// Dimensions of a vector.
    pub dims: usize,
    /// How many steps apart two products of a history may be to be neighbours.
    pub window: usize,
    /// How many persons' interest a product needs before its own vector counts as much as the one read from its text.
    pub cold: f32,
}

impl Default for Diffusion {
    fn default() -> Self {
        Self { dims: 64, window: 5, cold: 1.0 }
    }
}

/// See [`crate::factors`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Factors {
    /// Dimensions of a taste, at most [`MAX_FACTORS`](crate::factors::MAX_FACTORS).
    pub dims: usize,
    /// Rounds of learning persons from products and products from persons.
    pub iterations: usize,
    /// How much more an interest of one weighs than none.
    pub confidence: f32,
    /// What a long vector costs.
    pub regularisation: f32,
    /// Days in which interest loses half its weight.
    pub half_life_days: f32,
    /// How many persons' interest a product needs before its own vector counts as much as the one read from its text.
    pub cold: f32,
}

impl Default for Factors {
    fn default() -> Self {
        Self { dims: 32, iterations: 10, confidence: 10.0, regularisation: 10.0, half_life_days: 180.0, cold: 10.0 }
    }
}

/// See [`crate::encoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Encoder {
    /// Dimensions of a product's vector and of the layers.
    pub dims: usize,
    /// Width of the feed-forward layer.
    pub inner: usize,
    /// Most passes over the log.
    pub epochs: usize,
    /// Passes without more than a chance gain on held-out actions after which it is enough.
    pub patience: usize,
    /// Most positions learned from in a training: of a long log fewer passes are made, but at least one.
    pub positions: usize,
    /// Share of the passes that the last training makes, going on from the rehearsal; zero is all of them, from nothing.
    pub refresh: f32,
    /// Positions in a batch, at least.
    pub batch: usize,
    /// Size of a step of the optimiser.
    pub learning_rate: f32,
    /// Size of a step of the products' vectors, relative to the other weights.
    pub table_rate: f32,
    /// Share of the learning rate that is left at the last epoch.
    pub final_rate: f32,
    /// Steps until the full learning rate.
    pub warm_up: usize,
    /// Share of its size that a product's vector loses in a step, in learning rates.
    pub weight_decay: f32,
    /// How slowly the optimiser forgets the size of gradients.
    pub second_moment: f32,
    /// Share of units left out in training.
    pub dropout: f32,
    /// Share of products with content whose identifier is left out in a step of training.
    pub id_dropout: f32,
    /// Products drawn for each batch to compare with.
    pub negatives: usize,
    /// Share of them that is drawn by popularity.
    pub popular: f32,
    /// Catalogues up to so many products are compared with as a whole.
    pub full_softmax: usize,
    /// Standard deviation of the vectors that products start with.
    pub deviation: f32,
}

/// Actions of a log that is learned anew after the rehearsal.
const SMALL_LOG: usize = 200_000;

impl Encoder {
    /// The settings for a log of so many actions: no more passes than the work that is allowed, and batches that grow with
    /// the log, since a long one has steps enough.
    #[must_use]
    pub(crate) fn within(&self, actions: usize) -> Self {
        let passes = ((self.positions + actions / 2) / actions.max(1)).max(1);
        let batch = (actions / 600).clamp(self.batch, self.batch * 4);
        let epochs = self.epochs.min(passes);
        // Where it costs little, learning everything anew is a little better than going on.
        let anew = actions <= SMALL_LOG;
        Self { epochs, batch, refresh: if anew { 0.0 } else { self.refresh }, ..self.clone() }
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            dims: 64,
            inner: 128,
            epochs: 30,
            patience: 3,
            positions: 20_000_000,
            refresh: 0.25,
            batch: 256,
            learning_rate: 2e-3,
            table_rate: 5.0,
            final_rate: 1.0,
            warm_up: 100,
            weight_decay: 0.0,
            second_moment: 0.999,
            dropout: 0.4,
            id_dropout: 0.2,
            negatives: 512,
            popular: 0.5,
            full_softmax: 1_000,
            deviation: 0.02,
        }
    }
}

/// See [`crate::validate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Validation {
    /// Most people whose newest actions are held out. Half of them choose parameters and weights, the other half judge.
    pub people: usize,
    /// Most scores to compute: people times products. Of a large catalogue fewer people are drawn.
    pub scores: usize,
    /// With fewer people parameters and weights keep their defaults.
    pub least_people: usize,
    /// Up to so many cases all of them choose the last model's weights, once half of them have judged: where there are few,
    /// half of them is little to choose by.
    pub again: usize,
}

impl Default for Validation {
    fn default() -> Self {
        Self { people: 8_000, scores: 200_000_000, least_people: 100, again: 6_000 }
    }
}

impl Settings {
    /// Whether every value is in its range.
    ///
    /// # Errors
    /// Names the first setting that is not.
    pub fn check(&self) -> Result<(), Error> {
        let positive = |name, x: f32| (name, x.is_finite() && x > 0.0, "a positive number");
        let not_negative = |name, x: f32| (name, x.is_finite() && x >= 0.0, "zero or a positive number");
        let share = |name, x: f32| (name, (0.0..=1.0).contains(&x), "0 to 1");
        let rate = |name, x: f32| (name, (0.0..1.0).contains(&x), "at least 0 and below 1");
        let (c, p, f, e) = (&self.covisitation, &self.popularity, &self.factors, &self.encoder);
        let rules = [
            ("limits.products", self.limits.products <= 10_000_000, "at most 10,000,000"),
            ("limits.actions", self.limits.actions <= 1_000_000_000, "at most 1,000,000,000"),
            ("covisitation.window", (1..=1_000).contains(&c.window), "1 to 1,000"),
            ("covisitation.top", (1..=1_000).contains(&c.top), "1 to 1,000"),
            // Lists are numbered in 32 bits.
            ("covisitation.top", self.limits.products <= u32::MAX as usize / c.top.max(1), "below 2^32 / products"),
            ("covisitation.person", (1..=1_000_000).contains(&c.person), "1 to 1,000,000"),
            ("covisitation.basket", (2..=10_000).contains(&c.basket), "2 to 10,000"),
            not_negative("covisitation.backward", c.backward),
            positive("covisitation.gap_days", c.gap_days),
            positive("covisitation.half_life_days", c.half_life_days),
            positive("covisitation.conversion_days", c.conversion_days),
            not_negative("covisitation.shrinkage", c.shrinkage),
            // Places are numbered in 32 bits.
            ("sessions.sessions", (1..=10_000_000).contains(&self.sessions.sessions), "1 to 10,000,000"),
            ("sessions.places", (1..=100_000_000).contains(&self.sessions.places), "1 to 100,000,000"),
            ("sessions.per_product", (1..=1_000_000).contains(&self.sessions.per_product), "1 to 1,000,000"),
            ("sessions.reads", self.sessions.reads >= 1, "at least 1"),
            positive("popularity.half_life_days", p.half_life_days),
            positive("popularity.short_days", p.short_days),
            ("popularity.long_days", p.long_days.is_finite() && p.long_days > p.short_days, "above `short_days`"),
            positive("popularity.shrinkage", p.shrinkage),
            positive("popularity.person", p.person),
            ("popularity.top", (1..=10_000).contains(&p.top), "1 to 10,000"),
            ("diffusion.dims", (1..=256).contains(&self.diffusion.dims), "1 to 256"),
            ("diffusion.window", (1..=100).contains(&self.diffusion.window), "1 to 100"),
            not_negative("diffusion.cold", self.diffusion.cold),
            ("repurchase.orders", (2..=10_000).contains(&self.repurchase.orders), "2 to 10,000"),
            ("repurchase.cases", self.repurchase.cases <= 100_000_000, "at most 100,000,000"),
            positive("repurchase.intervals", self.repurchase.intervals),
            positive("repurchase.shrinkage", self.repurchase.shrinkage),
            ("content.dims", (8..=1_024).contains(&self.content.dims), "8 to 1,024"),
            ("factors.dims", (1..=crate::factors::MAX_FACTORS).contains(&f.dims), "1 to 64"),
            ("factors.iterations", (1..=1_000).contains(&f.iterations), "1 to 1,000"),
            positive("factors.confidence", f.confidence),
            positive("factors.regularisation", f.regularisation),
            positive("factors.half_life_days", f.half_life_days),
            not_negative("factors.cold", f.cold),
            ("encoder.patience", (1..=1_000).contains(&e.patience), "1 to 1,000"),
            ("encoder.positions", e.positions > 0, "at least 1"),
            share("encoder.refresh", e.refresh),
            ("encoder.dims", (4..=512).contains(&e.dims), "4 to 512"),
            ("encoder.inner", (1..=4_096).contains(&e.inner), "1 to 4,096"),
            ("encoder.epochs", (1..=10_000).contains(&e.epochs), "1 to 10,000"),
            ("encoder.batch", (1..=1_000_000).contains(&e.batch), "1 to 1,000,000"),
            positive("encoder.learning_rate", e.learning_rate),
            positive("encoder.table_rate", e.table_rate),
            share("encoder.final_rate", e.final_rate),
            not_negative("encoder.weight_decay", e.weight_decay),
            rate("encoder.second_moment", e.second_moment),
            rate("encoder.dropout", e.dropout),
            rate("encoder.id_dropout", e.id_dropout),
            ("encoder.negatives", (1..=1_000_000).contains(&e.negatives), "1 to 1,000,000"),
            share("encoder.popular", e.popular),
            positive("encoder.deviation", e.deviation),
            ("validation.people", self.validation.people <= 1_000_000, "at most 1,000,000"),
            ("validation.least_people", self.validation.least_people >= 2, "at least 2"),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            Some((name, _, rule)) => Err(Error::Setting { name, rule }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settings_file_names_only_what_it_changes() {
        let settings: Settings = serde_json::from_str(r#"{"factors": {"dims": 16}}"#).unwrap();
        assert_eq!(settings.factors, Factors { dims: 16, ..Factors::default() });
        assert_eq!(settings.covisitation, Covisitation::default());
        assert!(settings.check().is_ok());
        assert!(serde_json::from_str::<Settings>(r#"{"factors": {"dim": 16}}"#).is_err());
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        let mut settings = Settings::default();
        settings.factors.dims = 65;
        assert_eq!(settings.check().unwrap_err().to_string(), "setting `factors.dims` must be 1 to 64");
        let limits = Limits { memory_mb: 100, ..Limits::default() };
        assert_eq!(limits.memory(1_000, 500_000, 100).unwrap(), 75);
        let error = limits.memory(1_000, 1_000_000, 100).unwrap_err().to_string();
        assert!(error.contains("135 MB") && error.contains("`limits.memory_mb`"), "{error}");
        let mut settings = Settings::default();
        settings.popularity.half_life_days = f32::NAN;
        assert!(matches!(settings.check(), Err(Error::Setting { name: "popularity.half_life_days", .. })));
    }
}
