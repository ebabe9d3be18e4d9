//! Popularity as a part of the score: one dimension, the same for everybody.

use super::Popularity;
use crate::Error;
use crate::algorithm::{Algorithm, Learned, Lesson, Scratch, Vectors};
use crate::artifact::Artifact;
use crate::blend::Question;
use crate::history::Interaction;
use crate::settings;

/// What everybody wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prior;

/// The part's name.
pub(crate) const POPULARITY: &str = "popularity";
/// Half-lives that are tried, in days.
const HALF_LIVES: [f32; 5] = [3.0, 14.0, 60.0, 365.0, 3_650.0];

fn prior(lesson: &Lesson<'_>, half_life_days: f32) -> Vec<f32> {
    let options = settings::Popularity { half_life_days, ..lesson.settings.popularity.clone() };
    Popularity::count(lesson.data, &options).prior()
}

impl Algorithm for Prior {
    fn name(&self) -> &str {
        POPULARITY
    }

    fn learn(&self, lesson: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let mut half_life = lesson.chosen_or(lesson.settings.popularity.half_life_days);
        let mut rows = prior(lesson, half_life);
        if let Some(exam) = lesson.exam {
            let quality = |rows: &[f32]| exam.by_vectors(Question::New, 1, rows, |_, _, query| query.fill(1.0));
            let mut best = quality(&rows) + exam.noise();
            for tried in HALF_LIVES {
                let candidate = prior(lesson, tried);
                let found = quality(&candidate);
                if found > best {
                    (best, half_life, rows) = (found, tried, candidate);
                }
            }
        }
        Ok(Learned {
            vectors: Some(Vectors { dims: 1, rows }),
            weight: 0.2,
            chosen: half_life.into(),
            ..Learned::default()
        })
    }

    fn query(&self, _: &Artifact, _: &[Interaction], _: &mut Scratch, query: &mut [f32]) {
        query.fill(1.0);
    }
}
