//! The sequence encoder as a part of the score.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{Catalogue, Layout, Past, Scratch as Room, Sequences, View, Weights, kind_of, train};
use crate::Error;
use crate::algorithm::{Algorithm, Learned, Lesson, Numbers, Scratch, Vectors};
use crate::artifact::Artifact;
use crate::blend::Question;
use crate::history::Interaction;
use crate::settings;
use crate::validate::Exam;

/// What comes next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NextStep;

/// The part's name.
pub(crate) const ENCODER: &str = "encoder";
/// Its sections in the artifact.
const SHAPE: &str = "encoder.shape";
const WEIGHTS: &str = "encoder.weights";
/// More than any size of an encoder.
const LARGEST: u32 = 1 << 13;

/// What the rehearsal chooses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Chosen {
    epochs: usize,
}

/// Writes the query of a history, given where the products' vectors are.
fn query(
    view: &View<'_>,
    history: &[Interaction],
    vector: impl Fn(u32, &mut [f32]),
    scratch: &mut Scratch,
    query: &mut [f32],
) {
    let room = scratch.encoder.get_or_insert_with(|| Room::new(&view.layout()));
    scratch.steps.clear();
    let mut before: Option<f32> = None;
    for past in history {
        let gap_days = before.map_or(0.0, |age| age - past.age_days);
        before = Some(past.age_days);
        scratch.steps.push(Past { row: past.row, kind: kind_of(past.action), gap_days });
    }
    view.encode(&scratch.steps, vector, room, query);
}

/// How well held-out actions are told by weights.
fn quality(exam: &Exam<'_>, weights: &Weights, catalogue: &Catalogue<'_>) -> f64 {
    let table = weights.products_table(catalogue);
    let d = weights.layout().dims;
    let Some(view) = View::new(weights.layout(), weights.dense()) else { return 0.0 };
    let of_row = |row: u32, out: &mut [f32]| {
        let start = row as usize * d;
        table.get(start..start + d).into_iter().for_each(|vector| out.copy_from_slice(vector));
    };
    let of = |question| {
        exam.by_vectors(question, d, &table, |history, scratch, out| query(&view, history, of_row, scratch, out))
    };
    Question::ALL.into_iter().map(of).sum()
}

/// Trains until the held-out actions are told no better; the epochs that told them best.
fn rehearse(
    lesson: &Lesson<'_>,
    options: &settings::Encoder,
    sequences: &Sequences,
    catalogue: &Catalogue<'_>,
    warm: Option<&Weights>,
    exam: &Exam<'_>,
    report: &mut dyn FnMut(u64, u64),
) -> (Weights, Chosen) {
    let mut best: Option<(f64, usize, Weights)> = None;
    // The last gain that is more than noise: what comes after it is waited for.
    let (mut notable, mut gained) = (f64::MIN, 0);
    let watch = &mut |epoch: super::Epoch, weights: &Weights| {
        report(epoch.number as u64, options.epochs as u64);
        let found = quality(exam, weights, catalogue);
        if best.as_ref().is_none_or(|(quality, ..)| found > *quality) {
            best = Some((found, epoch.number, weights.clone()));
        }
        if found > notable + WORTH * exam.noise() {
            (notable, gained) = (found, epoch.number);
        }
        if epoch.number - gained >= options.patience { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let last = train(sequences, catalogue, options, lesson.settings.seed, lesson.threads, warm, watch);
    match best {
        Some((_, epochs, weights)) => (weights, Chosen { epochs }),
        None => (last, Chosen { epochs: 1 }),
    }
}

/// The weights of an earlier model, for the products that are still there.
fn adopted(lesson: &Lesson<'_>, catalogue: &Catalogue<'_>, parent: &Artifact) -> Option<Weights> {
    let range = parent.range(ENCODER);
    let mut weights = Weights::start(catalogue, &lesson.settings.encoder, lesson.settings.seed);
    if layout(parent)? != weights.layout() || !weights.adopt_dense(parent.numbers(WEIGHTS)) {
        return None;
    }
    let mut vector = vec![0.0; range.len()];
    for (row, product) in (0..).zip(lesson.data.products()) {
        let Some(known) = parent.position(product.id.as_str()) else { continue };
        if parent.vector_part(known, range.clone(), &mut vector) {
            weights.adopt(catalogue, row, &vector);
        }
    }
    Some(weights)
}

fn layout(model: &Artifact) -> Option<Layout> {
    let [dims, inner, content_dims] = *model.numbers::<u32>(SHAPE) else { return None };
    // What sizes of matrices can be computed from; a file that was not verified may say anything.
    let known = [dims, inner, content_dims].into_iter().all(|size| size <= LARGEST);
    known.then_some(Layout { dims: dims as usize, inner: inner as usize, content_dims: content_dims as usize })
}

impl Algorithm for NextStep {
    fn name(&self) -> &str {
        ENCODER
    }

    fn learn(&self, lesson: &Lesson<'_>, report: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let (sequences, content) = (Sequences::of(lesson.data), lesson.content);
        // Texts that say nothing are none.
        let says = content.rows.iter().any(|x| *x != 0.0);
        let catalogue = Catalogue {
            products: lesson.data.products().len(),
            content: if says { &content.rows } else { &[] },
            content_dims: if says { content.dims } else { 0 },
            attribute_starts: &content.attribute_starts,
            attributes: &content.attributes,
        };
        let options = lesson.settings.encoder.within(sequences.actions());
        let rehearsed = lesson.rehearsed.filter(|_| options.refresh > 0.0);
        let warm = rehearsed.or(lesson.parent).and_then(|start| adopted(lesson, &catalogue, start));
        let (weights, chosen) = match lesson.exam {
            Some(exam) => rehearse(lesson, &options, &sequences, &catalogue, warm.as_ref(), exam, report),
            None => {
                let chosen = lesson.chosen_or(Chosen { epochs: options.epochs.min(DEFAULT_EPOCHS) });
                // Going on from the rehearsal, which has seen all but the newest actions, a part of its passes is enough.
                let epochs = match (&warm, rehearsed) {
                    (Some(_), Some(_)) => (chosen.epochs as f32 * options.refresh).ceil() as usize,
                    _ => chosen.epochs,
                };
                let options = settings::Encoder { epochs, ..options };
                let watch = &mut |epoch: super::Epoch, _: &Weights| {
                    report(epoch.number as u64, options.epochs as u64);
                    ControlFlow::Continue(())
                };
                let seed = lesson.settings.seed;
                let weights = train(&sequences, &catalogue, &options, seed, lesson.threads, warm.as_ref(), watch);
                (weights, chosen)
            }
        };
        let Layout { dims, inner, content_dims } = weights.layout();
        Ok(Learned {
            vectors: Some(Vectors { dims, rows: weights.products_table(&catalogue) }),
            sections: vec![
                ("shape", Numbers::U32([dims, inner, content_dims].map(|size| size as u32).to_vec())),
                ("weights", Numbers::F32(weights.dense().to_vec())),
            ],
            weight: 0.1,
            chosen: serde_json::to_value(chosen).unwrap_or_default(),
            ..Learned::default()
        })
    }

    fn query(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, out: &mut [f32]) {
        let view = layout(model).and_then(|layout| View::new(layout, model.numbers(WEIGHTS)));
        if let Some(view) = view {
            let range = model.range(ENCODER);
            let vector = |row, out: &mut [f32]| {
                if !model.vector_part(row, range.clone(), out) {
                    out.fill(0.0);
                }
            };
            query(&view, history, vector, scratch, out);
        }
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        let layout = layout(model).ok_or_else(|| Error::damaged(SHAPE, "has the wrong size"))?;
        if layout.dims != model.range(ENCODER).len() {
            return Err(Error::damaged(SHAPE, "does not fit the vectors"));
        }
        model.check_finite(WEIGHTS, Some(layout.len()))
    }
}

/// Gain of a pass that is worth waiting for more, in what chance alone would make.
const WORTH: f64 = 2.5;
/// Passes over a log with too little to choose their number by.
const DEFAULT_EPOCHS: usize = 5;
