//! Paths of co-visitation as a part of the score: products that are reached from those in the history, also over others.

use crate::Error;
use crate::algorithm::{Algorithm, Learned, Lesson, Numbers, Scratch, Vectors};
use crate::artifact::Artifact;
use crate::blend::Question;
use crate::cold::warm_sparse;
use crate::history::{Interaction, voices};
use crate::linear::{add_scaled, normalise};

/// What lies near in the graph of the shop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paths;

/// The part's name.
pub(crate) const PATHS: &str = "paths";
const DECAY: &str = "paths.decay";
/// Values tried for what is left of a voice with each moment.
const DECAYS: [f32; 4] = [0.5, 0.7, 0.9, 0.97];

fn query(history: &[Interaction], decay: f32, query: &mut [f32], mut add: impl FnMut(&mut [f32], u32, f32)) {
    query.fill(0.0);
    voices(history, decay).for_each(|(at, voice)| add(query, history[at].row, voice));
    normalise(query);
}

impl Algorithm for Paths {
    fn name(&self) -> &str {
        PATHS
    }

    fn learn(&self, lesson: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let (options, products) = (&lesson.settings.diffusion, lesson.data.products().len());
        let dims = options.dims;
        let (mut starts, mut steps) = (vec![0], Vec::new());
        for history in lesson.data.histories() {
            steps.extend(history.iter().filter(|step| step.weight > 0.0).map(|step| step.row));
            starts.push(steps.len());
        }
        let graph = super::graph(products, &starts, &steps, options.window, lesson.threads);
        let mut rows = super::vectors(graph, dims, lesson.threads);
        // In the units of the other parts: the longest vector has length one.
        let longest = rows.chunks_exact(dims).map(|row| row.iter().map(|x| x * x).sum::<f32>()).fold(0.0, f32::max);
        if longest > 0.0 {
            let scale = 1.0 / longest.sqrt();
            rows.iter_mut().for_each(|x| *x *= scale);
        }
        if !lesson.content.features.is_empty() {
            let (features, people) = (&lesson.content.features, &lesson.popularity.people);
            warm_sparse(&mut rows, dims, features, people, options.cold, lesson.threads);
        }
        let mut decay = lesson.chosen_or(0.7);
        if let Some(exam) = lesson.exam {
            let vector = |row: u32| rows.get(row as usize * dims..(row as usize + 1) * dims).unwrap_or(&[]);
            let quality = |decay| {
                exam.by_vectors(Question::New, dims, &rows, |history, _, out| {
                    query(history, decay, out, |out, row, voice| add_scaled(out, voice, vector(row)));
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
            sections: vec![("decay", Numbers::F32(vec![decay]))],
            vectors: Some(Vectors { dims, rows }),
            weight: 0.3,
            chosen: decay.into(),
            ..Learned::default()
        })
    }

    fn query(&self, model: &Artifact, history: &[Interaction], _: &mut Scratch, out: &mut [f32]) {
        let decay = model.numbers::<f32>(DECAY).first().copied().unwrap_or(0.0);
        let range = model.range(PATHS);
        query(history, decay, out, |out, row, voice| model.add_vector_part(row, range.clone(), voice, out));
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        model.check_share(DECAY)
    }
}
