//! How the parts add up to one score, for two questions.
//!
//! `score(j) = Σ_p w_p s_p(j)`. The weights are chosen on held-out actions by [`validate`](crate::validate). What people do
//! next is often something they know: a grocer's customer buys the same milk, a visitor goes back to the product seen a
//! minute ago. Whether such products may be shown is for each placement to say, so there are two sets of weights, each
//! chosen on cases of its own kind ([`Question`]).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::algorithm::Curve;

/// What is asked of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Which product that is new to the visitor comes next?
    New,
    /// Which product comes next, known or not?
    Any,
}

impl Question {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::New, Self::Any];

    /// Its place in [`ALL`](Self::ALL).
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A part of the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The algorithm's name.
    pub name: String,
    /// Its dimensions among those of a vector; empty for a tally.
    pub range: Range<usize>,
    /// What the sum of a tally counts.
    pub curve: Curve,
    /// What it counts when the next new product is asked for.
    pub new: f32,
    /// What it counts when any next product is asked for.
    pub any: f32,
}

impl Part {
    /// What it counts.
    #[must_use]
    pub const fn weight(&self, question: Question) -> f32 {
        match question {
            Question::New => self.new,
            Question::Any => self.any,
        }
    }

    /// Whether it scores by a dot product.
    #[must_use]
    pub fn has_vectors(&self) -> bool {
        !self.range.is_empty()
    }
}
