//! Factors as a part of the score: the visitor is folded in, their taste is the query.

use super::{Confidence, Interest, fold_in, regularised_gram, train};
use crate::Error;
use crate::algorithm::{Algorithm, Learned, Lesson, Numbers, Scratch, Vectors};
use crate::artifact::Artifact;
use crate::cold::warm_sparse;
use crate::history::Interaction;

/// Long-term taste.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tastes;

/// The part's name.
pub(crate) const FACTORS: &str = "factors";
/// Its sections in the artifact.
const GRAM: &str = "factors.gram";
const CONFIDENCE: &str = "factors.confidence";

impl Algorithm for Tastes {
    fn name(&self) -> &str {
        FACTORS
    }

    fn learn(&self, lesson: &Lesson<'_>, report: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let options = &lesson.settings.factors;
        let interest = Interest::of(lesson.data, options.half_life_days);
        let products = lesson.data.products().len();
        let mut rows = train(interest, products, options, lesson.settings.seed, lesson.threads, &mut |done| {
            report(done as u64, options.iterations as u64);
        })
        .products;
        if !lesson.content.features.is_empty() {
            let (features, people) = (&lesson.content.features, &lesson.popularity.people);
            warm_sparse(&mut rows, options.dims, features, people, options.cold, lesson.threads);
        }
        let gram = regularised_gram(&rows, options.dims, options.regularisation);
        Ok(Learned {
            vectors: Some(Vectors { dims: options.dims, rows }),
            sections: vec![
                ("gram", Numbers::F32(gram)),
                ("confidence", Numbers::F32(vec![options.confidence, options.half_life_days])),
            ],
            weight: 1.0,
            ..Learned::default()
        })
    }

    fn query(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, query: &mut [f32]) {
        let [scale, half_life_days] = *model.numbers::<f32>(CONFIDENCE) else { return };
        let confidence = Confidence { scale, half_life_days };
        let (range, d) = (model.range(FACTORS), query.len());
        scratch.numbers.clear();
        scratch.numbers.resize(history.len() * d, 0.0);
        for (past, vector) in history.iter().zip(scratch.numbers.chunks_exact_mut(d.max(1))) {
            model.vector_part(past.row, range.clone(), vector);
        }
        // Each product is seen once, at its first place in the history.
        let seen =
            history.iter().zip(scratch.numbers.chunks_exact(d.max(1))).enumerate().filter_map(|(at, (past, y))| {
                let row = past.row;
                if row as usize >= model.len() || history[..at].iter().any(|past| past.row == row) {
                    return None;
                }
                let same = history[at..].iter().filter(|past| past.row == row);
                Some((y, same.map(|past| confidence.faded(past.interest(), past.age_days)).sum()))
            });
        fold_in(model.numbers(GRAM), confidence, seen, query);
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        let d = model.range(FACTORS).len();
        model.check_finite(GRAM, Some(d * d))?;
        model.check_finite(CONFIDENCE, Some(2))
    }
}
