//! Content as a part of the score: products whose texts are like what the visitor chose.

use std::sync::Arc;

use crate::Error;
use crate::algorithm::{Algorithm, Learned, Lesson, Numbers, Scratch, Vectors};
use crate::artifact::Artifact;
use crate::blend::Question;
use crate::history::{Interaction, voices};
use crate::linear::{add_scaled, normalise};

/// What the products' texts say: a vector of length one for each, or of zeros where there is no text.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Dimensions of a vector.
    pub dims: usize,
    /// Row after row.
    pub rows: Arc<[f32]>,
}

impl Content {
    /// The vector of a product; empty for a row that does not exist.
    #[must_use]
    pub fn of(&self, row: u32) -> &[f32] {
        let start = row as usize * self.dims;
        self.rows.get(start..start + self.dims).unwrap_or(&[])
    }
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
                    liking(history, decay, query, |query, row, voice| add_scaled(query, voice, content.of(row)));
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
}
