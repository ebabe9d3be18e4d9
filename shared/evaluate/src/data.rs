//! What is trained on and what is asked, kept apart by type.
//!
//! A [`Split`] is made once, by the reader of a format. Training gets its [`Training`] and nothing else: a value without
//! a path to the [`Case`]s, so a held-out action cannot reach a model. Ranking gets the finished artifact and the cases.

use std::collections::BTreeMap;

use serde_json::Value;
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, Visitor};
use vitrine_learn::dataset::Builder;
use vitrine_learn::settings::Limits;
use vitrine_learn::{Dataset, Error};

/// One action on one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Row of the product in the catalogue.
    pub row: u32,
    /// Which of the person's events it belongs to: the products of one basket share it.
    pub event: u32,
    /// When.
    pub at: Millis,
    /// What was done.
    pub action: Action,
}

/// What a person did, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Who.
    pub visitor: Visitor,
    /// What.
    pub acts: Vec<Act>,
}

/// All that training may see.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    catalogue: Vec<Product>,
    histories: Vec<History>,
}

impl Training {
    /// A shop. The catalogue is in the order of its identifiers, as the rows of the acts count it.
    #[must_use]
    pub fn new(catalogue: Vec<Product>, mut histories: Vec<History>) -> Self {
        debug_assert!(catalogue.is_sorted_by(|a, b| a.id < b.id));
        histories.sort_by(|a, b| a.visitor.cmp(&b.visitor));
        Self { catalogue, histories }
    }

    /// The products, row by row.
    #[must_use]
    pub fn catalogue(&self) -> &[Product] {
        &self.catalogue
    }

    /// What people did.
    #[must_use]
    pub fn histories(&self) -> &[History] {
        &self.histories
    }

    /// How many actions there are.
    #[must_use]
    pub fn actions(&self) -> usize {
        self.histories.iter().map(|history| history.acts.len()).sum()
    }

    /// How often each product was acted on.
    #[must_use]
    pub fn popularity(&self) -> Vec<u32> {
        let mut counts = vec![0; self.catalogue.len()];
        for act in self.histories.iter().flat_map(|history| &history.acts) {
            if let Some(count) = counts.get_mut(act.row as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// The form that models learn from.
    ///
    /// # Errors
    /// If the shop is larger than `limits`.
    pub fn dataset(&self, limits: &Limits) -> Result<Dataset<'_>, Error> {
        let mut builder = Builder::new(&self.catalogue, limits)?;
        for history in &self.histories {
            builder.push(&history.visitor, self.events(history))?;
        }
        Ok(builder.finish())
    }

    fn events(&self, history: &History) -> Vec<Event> {
        let event = |acts: &[Act]| {
            let first = acts.first()?;
            let id = MessageId::new(first.event.to_string()).ok()?;
            let mut event = Event::new(id, history.visitor.clone(), first.at, first.action);
            let products = acts.iter().filter_map(|act| self.catalogue.get(act.row as usize));
            event.lines = products.map(|product| Line::of(product.id.clone())).collect();
            Some(event)
        };
        history.acts.chunk_by(|a, b| a.event == b.event).filter_map(event).collect()
    }
}

/// A question with its answer: what is known of a person at a moment, and what they turned to then.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Cases of one person or session share a number: they are no independent evidence, so the bootstrap draws them
    /// together.
    pub cluster: u32,
    /// Bit by bit, what kind of case it is; see [`Split::segments`].
    pub kind: u32,
    /// When the question is asked.
    pub at: Millis,
    /// What the person did before, oldest first.
    pub history: Vec<Act>,
    /// The relevant products, ascending.
    pub truth: Vec<u32>,
    /// Products that are not ranked, ascending.
    pub excluded: Vec<u32>,
}

/// What to train on and what to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// All that training may see.
    pub training: Training,
    /// The questions.
    pub cases: Vec<Case>,
    /// The products that are ranked, ascending; all of the catalogue if there is no such list.
    pub candidates: Option<Vec<u32>>,
    /// The kind of case that the main figures are over: all its bits must be set.
    pub main: u32,
    /// Names of segments, and the kind of case that each is over.
    pub segments: Vec<(String, u32)>,
    /// The positions that figures are given for.
    pub cuts: Vec<usize>,
    /// What was read, for the report.
    pub facts: BTreeMap<String, Value>,
    /// What a reader of the figures should know.
    pub notes: Vec<String>,
}

impl Split {
    /// A split without segments, ranked over the whole catalogue, judged at 5, 10 and 20.
    #[must_use]
    pub fn new(training: Training, cases: Vec<Case>) -> Self {
        Self {
            training,
            cases,
            candidates: None,
            main: 0,
            segments: Vec::new(),
            cuts: vec![5, 10, 20],
            facts: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// Adds something that was found while reading.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

/// The distinct rows of acts, ascending.
#[must_use]
pub fn rows(acts: &[Act]) -> Vec<u32> {
    let mut rows: Vec<u32> = acts.iter().map(|act| act.row).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}
