//! What is asked, and what is answered.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vitrine_domain::segment::Scale;
use vitrine_domain::{Filter, Millis, PastAction, Placement, Rule, State, Visitor};

use crate::reason::Reason;
use crate::sentence::Words;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where the list stands.
    pub placement: &'a Placement,
    /// The shop's rules; those that do not act here are passed over.
    pub rules: &'a [Rule],
    /// Who asks, if that is known.
    pub visitor: Option<&'a Visitor>,
    /// What is known of them, for conditions and for filters that speak of the visitor.
    pub state: Option<&'a State>,
    /// The segments that they were found to be in.
    pub segments: Option<&'a BTreeSet<String>>,
    /// What their grades of recency, frequency and money are measured by.
    pub scale: Option<&'a Scale>,
    /// The visitor's past actions, oldest first.
    pub history: &'a [PastAction],
    /// What was shown to them lately in this placement and when, if it rotates.
    pub impressions: &'a [(&'a str, Millis)],
    /// What stood in it on pages that they went on from, if it minds what is passed over.
    pub passed: &'a [(&'a str, Millis)],
    /// The product on the page.
    pub product: Option<&'a str>,
    /// The category that the page is about.
    pub category: Option<&'a str>,
    /// Products in the basket.
    pub basket: &'a [String],
    /// Only these products, in any order: a list to be ranked.
    pub among: Option<&'a [u32]>,
    /// Rows that another index found nearest to what is [sought](crate::sought), in any order. They stand for a search of the
    /// artifact's own index where they hold enough of what may be shown; it is searched where they do not.
    pub near: Option<&'a [u32]>,
    /// Most products in the answer.
    pub limit: usize,
    /// Which products may be shown.
    pub filter: Option<&'a Filter>,
    /// Rows that stand elsewhere on the page or on earlier pages.
    pub shown: &'a [u32],
    /// Products on earlier pages of this list.
    pub offset: usize,
    /// Whatever is left to chance is drawn from this number.
    pub seed: u64,
    /// How reasons are told.
    pub words: Words,
    /// The time.
    pub now: Millis,
}

impl<'a> Request<'a> {
    /// A request for a placement by somebody of whom nothing is known.
    #[must_use]
    pub fn new(placement: &'a Placement, now: Millis) -> Self {
        Self {
            placement,
            rules: &[],
            visitor: None,
            state: None,
            segments: None,
            scale: None,
            history: &[],
            impressions: &[],
            passed: &[],
            product: None,
            category: None,
            basket: &[],
            among: None,
            near: None,
            limit: placement.limit,
            filter: None,
            shown: &[],
            offset: 0,
            seed: 0,
            words: Words::default(),
            now,
        }
    }
}

/// What an answer is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The visitor's own actions.
    History,
    /// The product on the page or the basket.
    Context,
    /// What others want.
    Popularity,
    /// Nothing can be shown.
    Empty,
}

/// A product in an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its row on the shelf.
    pub row: u32,
    /// Its score, before rules, rotation and diversity.
    pub score: f32,
    /// Probability that it stands in this slot, given the slots above it.
    pub propensity: f32,
    /// Why it is there, the strongest reason first.
    pub reasons: Vec<Reason>,
}

/// What is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What it is based on.
    pub basis: Basis,
    /// Whether the placement's own strategy had nothing to go by and another one filled it.
    pub fallback: bool,
    /// The products, in order.
    pub items: Vec<Item>,
    /// Whether there is more after this page.
    pub more: bool,
    /// The rules that acted, by their places among the request's.
    pub acted: Vec<usize>,
    /// Rules whose filter no longer fits the catalogue, by their places: they speak of no product.
    pub idle: Vec<usize>,
    /// How many products could be shown.
    pub allowed: usize,
    /// How many vectors were compared with the visitor's.
    pub touched: usize,
}

/// The parts of the work, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Which products may be shown.
    Filter,
    /// What the visitor is looking for: a vector, and what their actions lead to.
    Query,
    /// The candidates and their scores.
    Search,
    /// Which candidate stands where.
    Order,
    /// Why.
    Reasons,
}

impl Stage {
    /// A short name for headers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Query => "query",
            Self::Search => "search",
            Self::Order => "order",
            Self::Reasons => "reasons",
        }
    }
}
