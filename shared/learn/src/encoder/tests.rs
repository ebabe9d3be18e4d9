//! The encoder against a plain second implementation in `f64`, and what it promises.

mod gradients;
mod learning;
mod windows;

use vitrine_domain::{Action, Millis, time::DAY};

use super::*;
use crate::dataset::{Step, mix};
use crate::settings;

/// A number below `limit`, a function of the place.
pub(super) fn drawn(place: u64, limit: u64) -> u64 {
    mix(place) % limit
}

/// A person who did `length` things, some of them several at once.
pub(super) fn person(seed: u64, length: usize, products: u64) -> Vec<Step> {
    let mut event = 0;
    let mut at = 0;
    let step = |place: usize| {
        let key = seed * 1_000 + place as u64;
        if drawn(key ^ 7, 3) > 0 {
            event += 1;
            at += drawn(key ^ 9, 3 * DAY as u64) as i64;
        }
        let action = [Action::View, Action::Add, Action::Order, Action::Remove][drawn(event ^ seed, 4) as usize];
        let row = drawn(key, products) as u32;
        Step { row, event: event as u32, at: Millis(at), weight: action.interest(), action }
    };
    (0..length).map(step).collect()
}

/// People with histories of these lengths.
pub(super) fn people(lengths: &[usize], products: u64) -> Sequences {
    let mut sequences = Sequences::default();
    (1_u64..).zip(lengths).for_each(|(seed, length)| sequences.push(&person(seed, *length, products)));
    sequences
}

/// Content and attributes of some products; a few have neither.
pub(super) struct Facts {
    content: Vec<f32>,
    starts: Vec<u32>,
    attributes: Vec<u32>,
}

impl Facts {
    pub(super) fn of(products: u32) -> Self {
        let mut facts = Self { content: Vec::new(), starts: vec![0], attributes: Vec::new() };
        for row in 0..u64::from(products) {
            let described = row % 5 != 0;
            facts.content.extend((0..3).map(|i| f32::from(described) * (drawn(row * 3 + i, 100) as f32 / 50.0 - 1.0)));
            // An attribute may be named twice.
            facts.attributes.extend((0..row % 5).map(|i| drawn(row * 7 + i, 4) as u32));
            facts.starts.push(facts.attributes.len() as u32);
        }
        facts
    }

    pub(super) fn catalogue(&self) -> Catalogue<'_> {
        Catalogue {
            products: self.starts.len() - 1,
            content: &self.content,
            content_dims: 3,
            attribute_starts: &self.starts,
            attributes: &self.attributes,
        }
    }
}

/// A small encoder without round numbers.
pub(super) fn small() -> settings::Encoder {
    settings::Encoder {
        dims: 10,
        inner: 7,
        batch: 40,
        negatives: 9,
        full_softmax: 0,
        dropout: 0.1,
        table_rate: 1.0,
        ..settings::Encoder::default()
    }
}

/// Weights of which none is special.
pub(super) fn any_weights(catalogue: &Catalogue<'_>, settings: &settings::Encoder) -> Weights {
    let mut weights = Weights::start(catalogue, settings, 5);
    let parts = [&mut weights.identifiers, &mut weights.attributes, &mut weights.dense];
    for (part, values) in (0_u64..).zip(parts) {
        let mut noise = vec![0.0; values.len()];
        layout::normal(&mut noise, 0.3, 77 + part);
        values.iter_mut().zip(noise).for_each(|(value, noise)| *value += noise);
    }
    weights
}
