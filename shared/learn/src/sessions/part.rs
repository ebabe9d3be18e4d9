//! Session neighbours as a part of the score.

use vitrine_domain::Action;

use super::{Factors, Parameters, Sessions, View, choose, visit};
use crate::Error;
use crate::algorithm::{Algorithm, Curve, Learned, Lesson, Numbers, Scratch};
use crate::artifact::Artifact;
use crate::blend::Question;
use crate::covisitation::{self, Pair};
use crate::history::Interaction;
use crate::tally::Tally;

/// What people went on to from where the visitor is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbourhood;

/// The part's name.
pub(crate) const SESSIONS: &str = "sessions";
/// Its sections in the artifact: the index, the factors, the parameters.
const INDEX: [&str; 4] = ["sessions.starts", "sessions.rows", "sessions.posting_starts", "sessions.postings"];
const FACTORS: [&str; 3] = ["sessions.gains", "sessions.idf", "sessions.penalties"];
const PARAMETERS: &str = "sessions.parameters";
/// Most trials of the search read this many sessions in all; of larger logs fewer parameters are tried.
const SEARCHED: usize = 2_000_000;

/// The actions of the current session, each with its steps back; a dwell speaks as if it were one further back.
fn current(history: &[Interaction], out: &mut Vec<(u32, f32)>) {
    out.clear();
    let spoken = history[visit(history)..].iter().filter(|past| past.interest() > 0.0);
    out.extend(spoken.map(|past| (past.row, f32::from(u8::from(past.action == Action::Dwell)))));
    let last = out.len();
    out.iter_mut().enumerate().for_each(|(at, (_, back))| *back += (last - 1 - at) as f32);
}

fn companions<'a>(lists: covisitation::View<'a>) -> impl Fn(u32) -> Companions<'a> {
    move |row| {
        let (rows, weights) = lists.of(row);
        rows.iter().zip(weights).map(companion as fn(_) -> _)
    }
}

fn companion((row, weight): (&u32, &half::f16)) -> (u32, f32) {
    (*row, weight.to_f32())
}

/// A product's neighbours.
type Companions<'a> = std::iter::Map<
    std::iter::Zip<std::slice::Iter<'a, u32>, std::slice::Iter<'a, half::f16>>,
    fn((&'a u32, &'a half::f16)) -> (u32, f32),
>;

impl Parameters {
    fn numbers(&self, reads: usize) -> Vec<f32> {
        let Self {
            step, idf, length, recency, sharpness, distance, backward, itself, seen, popularity, expansion, ..
        } = *self;
        let counts = [self.neighbours as f32, self.companions as f32, reads as f32];
        let shares = [step, idf, length, recency, sharpness, distance, backward, itself, seen, popularity, expansion];
        [&counts[..], &shares].concat()
    }

    fn from_numbers(numbers: &[f32]) -> Option<(Self, usize)> {
        let [
            neighbours,
            companions,
            reads,
            step,
            idf,
            length,
            recency,
            sharpness,
            distance,
            backward,
            itself,
            seen,
            popularity,
            expansion,
        ] = *numbers
        else {
            return None;
        };
        let (neighbours, companions) = (neighbours as u32, companions as u32);
        let parameters = Self {
            step,
            idf,
            length,
            recency,
            neighbours,
            sharpness,
            distance,
            backward,
            itself,
            seen,
            popularity,
            expansion,
            companions,
        };
        Some((parameters, reads as usize))
    }
}

/// What an artifact holds.
fn view(model: &Artifact) -> Option<View<'_>> {
    let (parameters, reads) = Parameters::from_numbers(model.numbers(PARAMETERS))?;
    let (index, factors) = (INDEX.map(|name| model.numbers(name)), FACTORS.map(|name| model.numbers(name)));
    Some(View::over(index, factors, parameters, reads).with_serial(model.serial()))
}

impl Algorithm for Neighbourhood {
    fn name(&self) -> &str {
        SESSIONS
    }

    fn learn(&self, lesson: &Lesson<'_>, report: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let options = &lesson.settings.sessions;
        let index = Sessions::build(lesson.data, options);
        let mut parameters = lesson.chosen_or(Parameters::default());
        if let Some(exam) = lesson.exam.filter(|_| !index.is_empty() && index.rows.len() <= SEARCHED) {
            let lists = lesson.lists(Pair::ViewView);
            let mut trials = 0;
            let quality = &mut |parameters: &Parameters| {
                let factors = Factors::of(&index, parameters);
                let view = View::new(&index, &factors, *parameters, options.reads);
                trials += 1;
                report(trials.min(TRIALS), TRIALS);
                exam.by_tally(Question::Any, |history, scratch, tally| {
                    let Scratch { session, sessions, .. } = scratch;
                    current(history, session);
                    view.neighbours_score(session, companions(lists), sessions, tally);
                })
            };
            (parameters, _) = choose(parameters, exam.noise(), quality);
        }
        let Factors { gains, idf, penalties } = Factors::of(&index, &parameters);
        let Sessions { starts, rows, posting_starts, postings, .. } = index;
        Ok(Learned {
            sections: vec![
                ("starts", Numbers::U32(starts)),
                ("rows", Numbers::U32(rows)),
                ("posting_starts", Numbers::U32(posting_starts)),
                ("postings", Numbers::U32(postings)),
                ("gains", Numbers::F32(gains)),
                ("idf", Numbers::F32(idf)),
                ("penalties", Numbers::F32(penalties)),
                ("parameters", Numbers::F32(parameters.numbers(options.reads))),
            ],
            curve: Curve::Root,
            weight: 0.5,
            chosen: serde_json::to_value(parameters).unwrap_or_default(),
            ..Learned::default()
        })
    }

    fn tally(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, tally: &mut Tally) {
        let Some(view) = view(model) else { return };
        let Scratch { session, sessions, .. } = scratch;
        current(history, session);
        if !session.is_empty() {
            view.neighbours_score(session, companions(model.lists(Pair::ViewView)), sessions, tally);
        }
    }

    fn sums(&self, model: &Artifact, history: &[Interaction], rows: &[u32], scratch: &mut Scratch, out: &mut [f32]) {
        let Some(view) = view(model) else { return };
        let Scratch { session, sessions, .. } = scratch;
        current(history, session);
        if !session.is_empty() {
            view.scores_of(session, companions(model.lists(Pair::ViewView)), rows, sessions, out);
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
        let Some(view) = view(model) else { return };
        let Scratch { session, sessions, rows: places, .. } = scratch;
        current(history, session);
        if session.is_empty() {
            return;
        }
        places.clear();
        let spoken = (visit(history)..history.len()).filter(|at| history[*at].interest() > 0.0);
        places.extend(spoken.map(|at| at as u32));
        view.evidence(session, companions(model.lists(Pair::ViewView)), rows, sessions, &mut |row, at, amount| {
            places.get(at).into_iter().for_each(|place| said(row, *place as usize, amount));
        });
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        let [starts, rows, posting_starts, postings] = INDEX;
        let sessions = model.numbers::<f32>(FACTORS[0]).len();
        model.check_lists(starts, rows, sessions)?;
        model.check_entries(posting_starts, postings, model.len(), sessions)?;
        for (name, count) in FACTORS.into_iter().zip([sessions, model.len(), model.len()]) {
            model.check_finite(name, Some(count))?;
        }
        model.check_finite(PARAMETERS, Some(Parameters::default().numbers(0).len()))
    }
}

/// About how many trials the search makes.
const TRIALS: u64 = 80;
