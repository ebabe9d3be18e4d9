//! The lists of one pair as a part of the score: the neighbours of what the visitor did, each past action with its voice.

use half::f16;
use serde::{Deserialize, Serialize};

use super::{Lists, Pair, count};
use crate::Error;
use crate::algorithm::{Algorithm, Curve, Learned, Lesson, Numbers, Scratch};
use crate::artifact::Artifact;
use crate::blend::Question;
use crate::halves;
use crate::history::{Interaction, voices};
use crate::rows::{OnPage, bring_in};
use crate::settings::Covisitation;
use crate::tally::Tally;
use crate::validate::Exam;

/// Values tried for what is left of a voice with each moment.
const DECAYS: [f32; 7] = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97];
/// Values tried for the window.
const WINDOWS: [usize; 3] = [3, 10, 30];
/// Values tried for steps back.
const BACKWARDS: [f32; 4] = [0.0, 0.25, 0.5, 1.0];
/// Values tried for the shrinkage.
const SHRINKAGES: [f32; 5] = [0.0, 1.0, 5.0, 20.0, 60.0];
/// Of a longer log nothing is counted twice, only the decay is chosen.
const SEARCHED: usize = 3_000_000;

/// What the rehearsal chooses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Knobs {
    decay: f32,
    window: usize,
    backward: f32,
    shrinkage: f32,
    cosine: bool,
}

impl Knobs {
    fn of(settings: &Covisitation) -> Self {
        Self {
            decay: 0.7,
            window: settings.window,
            backward: settings.backward,
            shrinkage: settings.shrinkage,
            cosine: settings.cosine,
        }
    }

    fn settings(self, settings: &Covisitation) -> Covisitation {
        Covisitation {
            window: self.window,
            backward: self.backward,
            shrinkage: self.shrinkage,
            cosine: self.cosine,
            ..settings.clone()
        }
    }
}

/// Neighbours by co-visitation of one [`Pair`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbours(pub(crate) Pair);

/// Neighbours where they lie in an artifact.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub(crate) starts: &'a [u32],
    pub(crate) rows: &'a [u32],
    pub(crate) weights: &'a [f16],
}

impl<'a> View<'a> {
    /// The neighbours of a product and their weights, strongest first.
    #[must_use]
    pub fn of(&self, row: u32) -> (&'a [u32], &'a [f16]) {
        let (Some(start), Some(end)) = (self.starts.get(row as usize), self.starts.get(row as usize + 1)) else {
            return (&[], &[]);
        };
        let bounds = *start as usize..*end as usize;
        (self.rows.get(bounds.clone()).unwrap_or(&[]), self.weights.get(bounds).unwrap_or(&[]))
    }
}

/// The names of a pair's sections in the artifact: starts, rows, weights, decay.
pub(crate) const fn sections(pair: Pair) -> [&'static str; 4] {
    match pair {
        Pair::ViewView => ["view_view.at", "view_view.rows", "view_view.weights", "view_view.decay"],
        Pair::ViewOrder => ["view_order.at", "view_order.rows", "view_order.weights", "view_order.decay"],
        Pair::OrderTogether => {
            ["order_together.at", "order_together.rows", "order_together.weights", "order_together.decay"]
        }
        Pair::OrderNext => ["order_next.at", "order_next.rows", "order_next.weights", "order_next.decay"],
    }
}

fn weight(weights: &[f16], entry: u32) -> f32 {
    weights.get(entry as usize).map_or(0.0, |weight| weight.to_f32())
}

impl Neighbours {
    /// What the lists say for products, given a history.
    fn say(self, lists: &Lists, decay: f32, history: &[Interaction], tally: &mut Tally) {
        for (at, voice) in self.speaking(history, decay) {
            let (rows, weights) = lists.of(history[at].row);
            rows.iter().zip(weights).for_each(|(row, weight)| tally.add(*row, voice * weight));
        }
    }

    fn speaking(self, history: &[Interaction], decay: f32) -> impl Iterator<Item = (usize, f32)> + '_ {
        voices(history, decay).filter(move |(at, _)| self.0.starts_at(history[*at].action))
    }

    fn decay(self, model: &Artifact) -> f32 {
        model.numbers::<f32>(sections(self.0)[3]).first().copied().unwrap_or(0.0)
    }

    /// What the lists have of a page's products.
    fn on_page<'s>(self, model: &Artifact, page: &[u32], scratch: &'s mut Scratch) -> &'s mut OnPage {
        let on_page = &mut scratch.on_page[self.0.index()];
        on_page.turn_to(Some(model.serial()), page);
        on_page
    }

    fn quality(self, exam: &Exam<'_>, lists: &Lists, decay: f32) -> f64 {
        Question::ALL
            .into_iter()
            .map(|question| exam.by_tally(question, |history, _, tally| self.say(lists, decay, history, tally)))
            .sum()
    }

    /// The best decay for lists, and how good it is.
    fn choose_decay(self, exam: &Exam<'_>, lists: &Lists) -> (f64, f32) {
        let mut best = (f64::NEG_INFINITY, 0.7);
        for decay in DECAYS {
            let quality = self.quality(exam, lists, decay);
            if quality > best.0 {
                best = (quality, decay);
            }
        }
        best
    }

    /// Counts with one parameter after the other changed, and keeps what the held-out actions are better told by.
    fn choose(self, lesson: &Lesson<'_>, exam: &Exam<'_>, lists: Lists, mut knobs: Knobs) -> (Lists, Knobs) {
        let (mut quality, decay) = self.choose_decay(exam, &lists);
        knobs.decay = decay;
        let mut best = lists;
        if lesson.data.counts().actions > SEARCHED {
            return (best, knobs);
        }
        let of_looks = self.0 == Pair::ViewView;
        let mut candidates: Vec<fn(&mut Knobs, usize) -> bool> = Vec::new();
        if !of_looks {
            candidates.push(|knobs, at| [false, true].get(at).map(|x| knobs.cosine = *x).is_some());
        }
        candidates.push(|knobs, at| SHRINKAGES.get(at).map(|x| knobs.shrinkage = *x).is_some());
        if of_looks {
            candidates.push(|knobs, at| BACKWARDS.get(at).map(|x| knobs.backward = *x).is_some());
            candidates.push(|knobs, at| WINDOWS.get(at).map(|x| knobs.window = *x).is_some());
        }
        for change in candidates {
            let before = knobs;
            for at in 0.. {
                let mut tried = before;
                if !change(&mut tried, at) {
                    break;
                }
                if tried == before {
                    continue;
                }
                let lists = self.count(lesson, tried, &mut |_| ());
                let found = self.quality(exam, &lists, tried.decay);
                // A change must be worth it: what is within the noise keeps the default.
                if found > quality + exam.noise() {
                    (quality, knobs, best) = (found, tried, lists);
                }
            }
        }
        let (_, decay) = self.choose_decay(exam, &best);
        knobs.decay = decay;
        (best, knobs)
    }

    fn count(self, lesson: &Lesson<'_>, knobs: Knobs, report: &mut dyn FnMut(usize)) -> Lists {
        count(lesson.data, self.0, &knobs.settings(&lesson.settings.covisitation), lesson.threads, report)
    }
}

impl Algorithm for Neighbours {
    fn name(&self) -> &str {
        self.0.as_str()
    }

    fn learn(&self, lesson: &Lesson<'_>, report: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let knobs = lesson.chosen_or(Knobs::of(&lesson.settings.covisitation));
        let total = lesson.data.products().len() as u64;
        let lists = self.count(lesson, knobs, &mut |done| report(done as u64, total));
        let (lists, knobs) = match lesson.exam.filter(|_| !lists.rows.is_empty()) {
            Some(exam) => self.choose(lesson, exam, lists, knobs),
            None => (lists, knobs),
        };
        let weights = lists.weights.iter().map(|weight| f16::from_f32(*weight)).collect();
        Ok(Learned {
            sections: vec![
                ("at", Numbers::U32(lists.starts)),
                ("rows", Numbers::U32(lists.rows)),
                ("weights", Numbers::F16(weights)),
                ("decay", Numbers::F32(vec![knobs.decay])),
            ],
            curve: Curve::Root,
            weight: match self.0 {
                Pair::ViewView => 1.0,
                Pair::OrderTogether => 0.5,
                Pair::ViewOrder | Pair::OrderNext => 0.3,
            },
            chosen: serde_json::to_value(knobs).unwrap_or_default(),
            ..Learned::default()
        })
    }

    fn tally(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, tally: &mut Tally) {
        let decay = self.decay(model);
        let lists = model.lists(self.0);
        for (at, _) in self.speaking(history, decay) {
            let (rows, weights) = lists.of(history[at].row);
            bring_in(rows);
            bring_in(weights);
        }
        for (at, voice) in self.speaking(history, decay) {
            let (rows, weights) = lists.of(history[at].row);
            // Converted all at once, which the CPU has instructions for.
            scratch.numbers.resize(weights.len(), 0.0);
            halves::to_f32(weights, &mut scratch.numbers);
            rows.iter().zip(&scratch.numbers).for_each(|(row, weight)| tally.add(*row, voice * weight));
        }
    }

    fn sums(&self, model: &Artifact, history: &[Interaction], rows: &[u32], scratch: &mut Scratch, out: &mut [f32]) {
        out.fill(0.0);
        let lists = model.lists(self.0);
        let on_page = self.on_page(model, rows, scratch);
        for (at, voice) in self.speaking(history, self.decay(model)) {
            let (list, weights) = lists.of(history[at].row);
            for (place, entry) in on_page.of(history[at].row, list) {
                let addition = voice * weight(weights, *entry);
                if let Some(sum) = out.get_mut(*place as usize).filter(|_| addition > 0.0) {
                    *sum += addition;
                }
            }
        }
    }

    fn evidence(
        &self,
        model: &Artifact,
        history: &[Interaction],
        rows: &[u32],
        scratch: &mut Scratch,
        said: &mut dyn FnMut(usize, usize, f32),
    ) {
        let lists = model.lists(self.0);
        let on_page = self.on_page(model, rows, scratch);
        for (at, voice) in self.speaking(history, self.decay(model)) {
            let (list, weights) = lists.of(history[at].row);
            let entries = on_page.of(history[at].row, list);
            entries.iter().for_each(|(place, entry)| said(*place as usize, at, voice * weight(weights, *entry)));
        }
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        let [at, rows, weights, decay] = sections(self.0);
        model.check_lists(at, rows, model.len())?;
        model.check_share(decay)?;
        let finite = model.numbers::<f16>(weights).iter().all(|weight| weight.is_finite());
        let fits = model.numbers::<f16>(weights).len() == model.numbers::<u32>(rows).len();
        if !finite || !fits || model.section(weights).is_none() {
            return Err(Error::damaged(weights, "does not fit the lists"));
        }
        Ok(())
    }
}
