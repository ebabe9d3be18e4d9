//! What a part of the model is: one trait for every algorithm, ours and yours.
//!
//! The score of a product for a visitor is a sum over parts, `Σ_p w_p s_p(j)`, so that it can be taken apart into reasons.
//! A part scores in one of two ways:
//!
//! | kind | learned | asked with the visitor's history | its score of product `j` |
//! |---|---|---|---|
//! | vectors | a vector for each product ([`Learned::vectors`]) | [`Algorithm::query`] writes a vector `q` | `q · v_j` |
//! | tally | anything, as sections of numbers ([`Learned::sections`]) | [`Algorithm::tally`] adds up sums `t_j` of some products | `curve(t_j)` |
//!
//! Vectors of all parts stand side by side in one matrix, so all of them together are one dot product and one
//! nearest-neighbour query. Training learns every part twice, once without the held-out actions to choose parameters and
//! weights, once with everything; a part never sees more than the [`Lesson`] it is given.
//!
//! An own algorithm implements the trait and joins the [`Lineup`](crate::Lineup): it is trained, judged, weighed against
//! the others and served like any other part.

use std::fmt;

use half::f16;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vitrine_domain::Visitor;

use crate::artifact::{Artifact, Packed};
use crate::content::Content;
use crate::dataset::stable_hash;
use crate::encoder;
use crate::history::Interaction;
use crate::popularity::Popularity;
use crate::rows::{Asked, OnPage};
use crate::tally::Tally;
use crate::validate::Exam;
use crate::{Dataset, Error, Settings};
use crate::{covisitation, repurchase, sessions};

/// A way to learn from a shop's log and to score its products for a visitor.
pub trait Algorithm: fmt::Debug + Send + Sync {
    /// Its name in the artifact, the card and the reasons: a few bytes of `a-z`, `0-9`, `-`, `_` and `:`. With a point and
    /// the name of a section it has at most 40 bytes.
    fn name(&self) -> &str;

    /// Learns. Equal lessons must give equal results, for any number of threads. `report` hears how much is done, of how
    /// much.
    ///
    /// # Errors
    /// What keeps it from learning; training ends with it.
    fn learn(&self, lesson: &Lesson<'_>, report: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error>;

    /// Writes the visitor's vector, which has the dimensions of what was learned. The history is oldest first. Called at
    /// every request: read the part's sections with [`Artifact::numbers`], allocate nothing.
    fn query(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, query: &mut [f32]) {
        let _ = (model, history, scratch, query);
    }

    /// Adds the sums of the products that the history leads to. See [`query`](Self::query).
    fn tally(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, tally: &mut Tally) {
        let _ = (model, history, scratch, tally);
    }

    /// Writes the sums of some products over `out`, bit for bit as [`tally`](Self::tally) has them. Whoever finds them with
    /// less work than those of all products says so here.
    fn sums(&self, model: &Artifact, history: &[Interaction], rows: &[u32], scratch: &mut Scratch, out: &mut [f32]) {
        let mut tally = std::mem::take(&mut scratch.tally);
        tally.clear();
        tally.grow(model.len());
        self.tally(model, history, scratch, &mut tally);
        out.iter_mut().zip(rows).for_each(|(sum, row)| *sum = tally.sum(*row));
        scratch.tally = tally;
    }

    /// Says which past action adds how much to the sums of the products of a page, as `(place in rows, position in the
    /// history, addition)`, in any order. What is not said is put down to the part as a whole. All of a page are asked for
    /// at once, as finding one product's evidence is often as much work as finding that of twenty.
    fn evidence(
        &self,
        model: &Artifact,
        history: &[Interaction],
        rows: &[u32],
        scratch: &mut Scratch,
        said: &mut dyn FnMut(usize, usize, f32),
    ) {
        let _ = (model, history, rows, scratch, said);
    }

    /// Checks, once after a download, that the part's sections fit each other.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the section that does not.
    fn check(&self, model: &Artifact) -> Result<(), Error> {
        let _ = model;
        Ok(())
    }
}

/// What an algorithm learns from.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// Products and actions: nothing held out is in here.
    pub data: &'a Dataset<'a>,
    /// What was chosen by whoever trains.
    pub settings: &'a Settings,
    /// What the products' texts say, row by row.
    pub content: &'a Content,
    /// How much every product is wanted in this lesson.
    pub popularity: &'a Popularity,
    /// Threads to use.
    pub threads: usize,
    /// Held-out actions to choose parameters by; only in the rehearsal, and never those that judge.
    pub exam: Option<&'a Exam<'a>>,
    /// What the rehearsal chose: [`Learned::chosen`].
    pub chosen: Option<&'a Value>,
    /// An earlier model to start from; never in the rehearsal, as it may have seen what is held out.
    pub parent: Option<&'a Artifact>,
    /// In the last lesson: the rehearsal's model, to go on from.
    pub rehearsed: Option<&'a Artifact>,
    /// The parts learned before this one in this lesson.
    pub(crate) before: &'a [Packed],
}

impl<'a> Lesson<'a> {
    /// What a part before this one learned in a section; empty if there is none, or if it holds other numbers.
    fn section(&self, part: &str, name: &str) -> Option<&'a Numbers> {
        let packed = self.before.iter().find(|packed| packed.part.name == part)?;
        packed.sections.iter().find(|(known, _)| *known == name).map(|(_, numbers)| numbers)
    }

    /// The neighbours of a pair of actions, if they were learned before this part.
    #[must_use]
    pub fn lists(&self, pair: covisitation::Pair) -> covisitation::View<'a> {
        let section = |name| self.section(pair.as_str(), name);
        let rows = |name| match section(name) {
            Some(Numbers::U32(numbers)) => &numbers[..],
            _ => &[],
        };
        let weights = match section("weights") {
            Some(Numbers::F16(numbers)) => &numbers[..],
            _ => &[],
        };
        covisitation::View { starts: rows("at"), rows: rows("rows"), weights }
    }

    /// What the rehearsal chose, or the default if there was none or it does not fit.
    #[must_use]
    pub fn chosen_or<T: serde::de::DeserializeOwned>(&self, default: T) -> T {
        self.chosen.and_then(|value| T::deserialize(value).ok()).unwrap_or(default)
    }
}

/// What an algorithm learned.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// A vector for each product, of a part that is asked with [`Algorithm::query`].
    pub vectors: Option<Vectors>,
    /// Named numbers, found again in the artifact as `<part>.<name>`.
    pub sections: Vec<(&'static str, Numbers)>,
    /// What a tally's sum counts.
    pub curve: Curve,
    /// What the part counts in a shop with too little to choose weights by.
    pub weight: f32,
    /// Parameters that were chosen, for the next lesson and the card.
    pub chosen: Value,
}

/// A matrix with a row for each product.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vectors {
    /// Numbers in a row.
    pub dims: usize,
    /// Row after row.
    pub rows: Vec<f32>,
}

/// The numbers of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Rows, places, counts.
    U32(Vec<u32>),
    /// Times, large places.
    U64(Vec<u64>),
    /// Numbers of single precision.
    F32(Vec<f32>),
    /// Numbers of half precision.
    F16(Vec<f16>),
}

/// What the sum of a tally counts in the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// The sum itself.
    Linear,
    /// Its root: many weak reasons do not outweigh a strong one.
    #[default]
    Root,
}

impl Curve {
    /// The score of a sum.
    #[must_use]
    pub fn of(self, sum: f32) -> f32 {
        match self {
            Self::Linear => sum,
            Self::Root => sum.sqrt(),
        }
    }
}

/// Room for intermediate results, kept from one request to the next so that nothing is allocated.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Free for any algorithm: sums by product or other small integers.
    pub rows: Vec<u32>,
    /// Free for any algorithm.
    pub numbers: Vec<f32>,
    /// Who asks, for algorithms that know visitors: see [`visitor_key`](Self::visitor_key).
    pub visitor: Option<u64>,
    pub(crate) encoder: Option<encoder::Scratch>,
    pub(crate) steps: Vec<encoder::Past>,
    pub(crate) session: Vec<(u32, f32)>,
    pub(crate) sessions: sessions::Scratch,
    pub(crate) habits: repurchase::Scratch,
    pub(crate) asked: Asked,
    /// Of each pair of actions, in the order of [`covisitation::Pair::ALL`].
    pub(crate) on_page: [OnPage; covisitation::Pair::ALL.len()],
    pub(crate) tally: Tally,
}

impl Scratch {
    /// The number by which algorithms know a visitor; it never changes.
    #[must_use]
    pub fn visitor_key(visitor: &Visitor) -> u64 {
        stable_hash(visitor.to_string().bytes())
    }
}
