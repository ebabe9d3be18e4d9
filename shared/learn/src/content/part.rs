//! Content as a part of the score: products whose texts are like what the visitor chose.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vitrine_domain::Product;

use super::Sparse;
use crate::Error;
use crate::algorithm::{Algorithm, Learned, Lesson, Numbers, Scratch, Vectors};
use crate::artifact::Artifact;
use crate::blend::Question;
use crate::history::{Interaction, voices};
use crate::linear::{add_scaled, normalise};
use crate::progress::{Progress, Stage};
use crate::settings;
use crate::text::TextEncoder;

/// What the products' texts say: a vector of length one for each, or of zeros where there is no text.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Dimensions of a vector.
    pub dims: usize,
    /// Row after row.
    pub rows: Arc<[f32]>,
    /// The hashed features that they were made of.
    pub features: Sparse,
    /// Where each product's attributes start among `attributes`, and one more for the end.
    pub attribute_starts: Vec<u32>,
    /// Categories, brand and other attributes by which products are alike, numbered from zero.
    pub attributes: Vec<u32>,
}

impl Content {
    /// Reads the products' texts.
    #[must_use]
    pub fn of(
        products: &[&Product],
        settings: &settings::Content,
        encoder: Option<&TextEncoder>,
        threads: usize,
        progress: &mut Progress<'_>,
    ) -> Self {
        let total = products.len() as u64 * 2;
        let features = super::features(products, threads, &mut |done| progress(Stage::Content, done as u64, total));
        let texts: Vec<String> = products.iter().filter(|_| encoder.is_some()).map(|p| super::text(p)).collect();
        let embedded = encoder.map(|encoder| {
            let report = &mut |done| progress(Stage::Content, (products.len() + done) as u64, total);
            (encoder.embed(&texts, threads, report), encoder.dims())
        });
        progress(Stage::Content, total, total);
        let meaning = embedded.as_ref().map(|(rows, width)| (&rows[..], *width));
        let rows = super::vectors_with(&features, meaning, settings.dims, threads);
        let dims = rows.len().checked_div(products.len()).unwrap_or(settings.dims);
        let (attribute_starts, attributes) = attributes(products);
        Self { dims, rows: rows.into(), features, attribute_starts, attributes }
    }

    /// The vector of a product; empty for a row that does not exist.
    #[must_use]
    pub fn vector(&self, row: u32) -> &[f32] {
        let start = row as usize * self.dims;
        self.rows.get(start..start + self.dims).unwrap_or(&[])
    }
}

/// The attributes of each product: the levels of its category path, its brand, and every other attribute with a short
/// value. What only one product has says nothing of others and is left out.
fn attributes(products: &[&Product]) -> (Vec<u32>, Vec<u32>) {
    let mut sharers: BTreeMap<String, u32> = BTreeMap::new();
    let named: Vec<BTreeSet<String>> = products.iter().map(|product| names(product)).collect();
    named.iter().flatten().for_each(|name| *sharers.entry(name.clone()).or_default() += 1);
    let mut next = 0;
    let numbers: BTreeMap<&str, u32> = sharers
        .iter()
        .filter(|(_, count)| **count > 1)
        .map(|(name, _)| {
            next += 1;
            (name.as_str(), next - 1)
        })
        .collect();
    let (mut starts, mut found) = (vec![0], Vec::new());
    for names in &named {
        found.extend(names.iter().filter_map(|name| numbers.get(name.as_str()).copied()));
        starts.push(found.len() as u32);
    }
    (starts, found)
}

/// Longest value of an attribute that products are compared by; longer ones are texts.
const LONGEST: usize = 60;

fn names(product: &Product) -> BTreeSet<String> {
    let path = (0..product.category.len()).map(|i| format!("category\u{1f}{}", product.category[..=i].join("\u{1f}")));
    let brand = product.brand.iter().map(|brand| format!("brand\u{1f}{}", brand.to_lowercase()));
    let others = product.attributes.iter().flat_map(|(name, value)| {
        let values = value.as_array().map_or_else(|| vec![value.clone()], Clone::clone);
        values.into_iter().map(move |value| format!("{name}\u{1f}{value}"))
    });
    path.chain(brand).chain(others.filter(|name| name.len() <= LONGEST)).collect()
}

/// Likeness of texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Likeness;

/// The part's name.
pub(crate) const CONTENT: &str = "content";
/// What is left of a voice with each moment.
const DECAY: &str = "content.decay";
/// Values tried for it.
const DECAYS: [f32; 4] = [0.5, 0.7, 0.9, 0.97];

/// What the products of a history have in common: the direction of the sum of their vectors, each times its voice.
fn liking(history: &[Interaction], decay: f32, query: &mut [f32], mut add: impl FnMut(&mut [f32], u32, f32)) {
    query.fill(0.0);
    voices(history, decay).for_each(|(at, voice)| add(query, history[at].row, voice));
    normalise(query);
}

impl Algorithm for Likeness {
    fn name(&self) -> &str {
        CONTENT
    }

    fn learn(&self, lesson: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let content = lesson.content;
        let mut decay = lesson.chosen_or(0.7);
        if let Some(exam) = lesson.exam {
            let quality = |decay| {
                exam.by_vectors(Question::New, content.dims, &content.rows, |history, _, query| {
                    liking(history, decay, query, |query, row, voice| add_scaled(query, voice, content.vector(row)));
                })
            };
            let mut best = quality(decay) + exam.noise();
            for tried in DECAYS {
                let found = quality(tried);
                if found > best {
                    (best, decay) = (found, tried);
                }
            }
        }
        Ok(Learned {
            vectors: Some(Vectors { dims: content.dims, rows: content.rows.to_vec() }),
            sections: vec![("decay", Numbers::F32(vec![decay]))],
            weight: 0.3,
            chosen: decay.into(),
            ..Learned::default()
        })
    }

    fn query(&self, model: &Artifact, history: &[Interaction], _: &mut Scratch, query: &mut [f32]) {
        let decay = model.numbers::<f32>(DECAY).first().copied().unwrap_or(0.0);
        let range = model.range(CONTENT);
        liking(history, decay, query, |query, row, voice| model.add_vector_part(row, range.clone(), voice, query));
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        model.check_share(DECAY)
    }
}
