//! Repurchase as a part of the score, and what goes into everybody's orders now.

use super::{Clock, Globals, Repurchase, STEPS, View, latest};
use crate::Error;
use crate::algorithm::{Algorithm, Curve, Learned, Lesson, Numbers, Scratch, Vectors};
use crate::artifact::Artifact;
use crate::history::Interaction;
use crate::tally::Tally;

/// What the visitor comes back for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Again;

/// The part's name.
pub(crate) const REPURCHASE: &str = "repurchase";
/// Its sections in the artifact.
const RATES: &str = "repurchase.rates";
const INTERVALS: &str = "repurchase.intervals";
const GLOBALS: &str = "repurchase.globals";

impl Globals {
    fn numbers(&self) -> Vec<f32> {
        let clock = match self.clock {
            Clock::None => 0.0,
            Clock::Orders => 1.0,
            Clock::Days => 2.0,
        };
        let orders_only = f32::from(u8::from(self.orders_only));
        [&[orders_only, self.rate, self.interval, self.strength, self.intervals, clock], &self.timing[..]].concat()
    }

    fn from_numbers(numbers: &[f32]) -> Option<Self> {
        let (&[orders_only, rate, interval, strength, intervals, clock], timing) = numbers.split_first_chunk()?;
        let clock = match clock as u8 {
            0 => Clock::None,
            1 => Clock::Orders,
            _ => Clock::Days,
        };
        let timing: [f32; STEPS] = timing.try_into().ok()?;
        Some(Self { orders_only: orders_only != 0.0, rate, interval, strength, intervals, clock, timing })
    }
}

impl Algorithm for Again {
    fn name(&self) -> &str {
        REPURCHASE
    }

    fn learn(&self, lesson: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let Repurchase { rates, intervals, globals } = Repurchase::learn(lesson.data, &lesson.settings.repurchase);
        Ok(Learned {
            sections: vec![
                ("rates", Numbers::F32(rates)),
                ("intervals", Numbers::F32(intervals)),
                ("globals", Numbers::F32(globals.numbers())),
            ],
            curve: Curve::Root,
            weight: 0.3,
            chosen: serde_json::to_value(globals).unwrap_or_default(),
            ..Learned::default()
        })
    }

    fn tally(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, tally: &mut Tally) {
        if let Some(globals) = Globals::from_numbers(model.numbers(GLOBALS)) {
            let view = View { rates: model.numbers(RATES), intervals: model.numbers(INTERVALS), globals: &globals };
            view.score(history, &mut scratch.habits, tally);
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
        let Some(globals) = Globals::from_numbers(model.numbers(GLOBALS)) else { return };
        let view = View { rates: model.numbers(RATES), intervals: model.numbers(INTERVALS), globals: &globals };
        let Scratch { habits, asked, .. } = scratch;
        habits.fold(history, globals.orders_only);
        asked.set(rows);
        for habit in habits.habits() {
            let newest = history.iter().rposition(|past| past.row == habit.row && past.interest() > 0.0);
            if let Some(at) = newest {
                let score = view.strength(habit).score();
                asked.places(habit.row).for_each(|row| said(row, at, score));
            }
        }
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        model.check_finite(RATES, Some(model.len()))?;
        model.check_finite(INTERVALS, Some(model.len()))?;
        model.check_finite(GLOBALS, Some(6 + STEPS))
    }
}

/// What is in everybody's latest order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latest;

impl Algorithm for Latest {
    fn name(&self) -> &str {
        "latest"
    }

    fn learn(&self, lesson: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let rows = latest(lesson.data).into_iter().map(f32::sqrt).collect();
        Ok(Learned { vectors: Some(Vectors { dims: 1, rows }), weight: 0.1, ..Learned::default() })
    }

    fn query(&self, _: &Artifact, _: &[Interaction], _: &mut Scratch, query: &mut [f32]) {
        query.fill(1.0);
    }
}
