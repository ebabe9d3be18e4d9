//! A decision as it is logged: what was shown, and references to everything it was made from, so that it can be made again.
//! Compact, because it is billed by size: names are short, what goes without saying is left out, and the why is computed
//! again.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vitrine_domain::experiment::{Memory, Part};
use vitrine_domain::{Millis, PastAction, State, Visitor};
use vitrine_rank::{Audience, Basis, Language, Words};
use vitrine_store::decisions::DecisionKey;

use crate::rows::Rows;

/// What an answer had to do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Degraded {
    /// What is known of the visitor could not be read in time: what others want is shown.
    Profile,
    /// The catalogue's newest changes could not be read in time: the products are as they were.
    Catalogue,
    /// The settings could not be read in time: placements and rules are as they were.
    Settings,
    /// The shop has no model yet, or none that can be opened.
    NoModel,
    /// The decision could not be logged.
    Log,
    /// The vector server did not answer in time, or does not hold this model: the model's own index was searched, which finds
    /// the same products.
    Index,
}

impl Degraded {
    /// A short name for metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Catalogue => "catalogue",
            Self::Settings => "settings",
            Self::NoModel => "no_model",
            Self::Log => "log",
            Self::Index => "index",
        }
    }
}

/// The decision whose list a cursor continues; with a number, all decisions of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct After {
    #[serde(rename = "t")]
    pub(crate) time: Millis,
    #[serde(rename = "n")]
    pub(crate) nonce: String,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<usize>,
    /// Whose it was, if not whose the next one is.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(crate) visitor: Option<Visitor>,
}

impl After {
    /// The keys of the decisions.
    pub(crate) fn keys(&self, of: Option<&Visitor>) -> Vec<DecisionKey> {
        let visitor = self.visitor.as_ref().or(of).cloned();
        let key = |nonce| DecisionKey { visitor: visitor.clone(), time: self.time, nonce };
        match self.count {
            Some(count) => (0..count).map(|at| key(nonce_at(&self.nonce, at))).collect(),
            None => vec![key(self.nonce.clone())],
        }
    }
}

/// The nonce of one of the decisions of a page.
pub(crate) fn nonce_at(nonce: &str, at: usize) -> String {
    format!("{nonce}{at:x}")
}

/// Whatever is left to chance in a decision follows from its nonce.
pub(crate) fn seed(nonce: &str) -> u64 {
    first_bits(Sha256::new_with_prefix(b"seed ").chain_update(nonce))
}

fn first_bits(hash: Sha256) -> u64 {
    hash.finalize().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn short(hash: Sha256) -> String {
    URL_SAFE_NO_PAD.encode(first_bits(hash).to_be_bytes())
}

/// 64 bits of an answer's bytes, as base64url.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    short(Sha256::new_with_prefix(bytes))
}

/// 64 bits of what was known of a visitor: what they did, what they were shown, and the state of their profile where
/// something speaks of it.
pub(crate) fn of_history(history: &[PastAction], shown: &[(String, Millis)], state: Option<&State>) -> String {
    let mut hash = Sha256::new();
    for past in history {
        hash.update(serde_json::to_vec(past).unwrap_or_default());
    }
    hash.update(serde_json::to_vec(shown).unwrap_or_default());
    if let Some(state) = state {
        // None of them is asked for by rules or filters.
        let state = State { latest: Vec::new(), actions: Vec::new(), memory: Memory::default(), ..state.clone() };
        hash.update(serde_json::to_vec(&state).unwrap_or_default());
    }
    short(hash)
}

/// A probability in millionths.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a probability")]
pub(crate) fn millionths(probability: f32) -> u32 {
    ((f64::from(probability) * 1e6).round() as u32).max(1)
}

/// A logged decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Placement.
    #[serde(rename = "p")]
    pub(crate) placement: String,
    /// Basis.
    #[serde(rename = "b")]
    pub(crate) basis: Basis,
    /// Model version.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// Revision of the settings.
    #[serde(rename = "r", default, skip_serializing_if = "is_default")]
    pub(crate) revision: u64,
    /// Key of the last known entry of the delta, without the part that only tells processes apart.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_change: Option<String>,
    /// Known changes.
    #[serde(rename = "xn", default, skip_serializing_if = "is_default")]
    pub(crate) changes: usize,
    /// Products, in order.
    #[serde(rename = "i")]
    pub(crate) items: Vec<String>,
    /// Probability of each product in its slot, given the slots above it, in millionths and at least one; empty if all are
    /// certain.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) propensities: Vec<u32>,
    /// Sort key of the known visitor's newest event, without its first two characters.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) newest_of_user: Option<String>,
    /// The same of the device.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) newest_of_device: Option<String>,
    /// The device of a known visitor.
    #[serde(rename = "dv", default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    /// When the profile was folded, if it takes in other devices.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub(crate) folded: Option<Millis>,
    /// The rules that handed content, each with the place that it filled; none where an experiment's content stood there.
    #[serde(rename = "ct", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) content: BTreeMap<String, Option<String>>,
    /// Hash of the history.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) history: Option<String>,
    /// Time of the newest decision whose products count as shown, see [`newest_shown`](Self::newest_shown).
    #[serde(rename = "im", default, skip_serializing_if = "Option::is_none")]
    pub(crate) impressions: Option<Millis>,
    /// The product on the page.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) product: Option<String>,
    /// The category that the page is about.
    #[serde(rename = "ca", default, skip_serializing_if = "Option::is_none")]
    pub(crate) category: Option<String>,
    /// The basket.
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) basket: Vec<String>,
    /// The filter, as text if it has one.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<serde_json::Value>,
    /// How many products were asked for, if not the placement's own number.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
    /// Products on earlier pages of the list.
    #[serde(rename = "n", default, skip_serializing_if = "is_default")]
    pub(crate) offset: usize,
    /// The decision it continues.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<After>,
    /// What was shown before, if the decision it continues was not logged.
    #[serde(rename = "sh", default, skip_serializing_if = "Rows::is_empty")]
    pub(crate) shown: Rows,
    /// Which of the decisions of a page it is, and how many there are.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<(usize, usize)>,
    /// The list that was ranked, in no order.
    #[serde(rename = "am", default, skip_serializing_if = "Option::is_none")]
    pub(crate) among: Option<Rows>,
    /// What the vector server proposed, if one was asked: it may find other rows another time.
    #[serde(rename = "nr", default, skip_serializing_if = "Option::is_none")]
    pub(crate) near: Option<Rows>,
    /// The experiments that could change the list, each with the visitor's variant and how it was drawn.
    #[serde(rename = "ex", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) arms: Vec<Part>,
    /// The rules that acted.
    #[serde(rename = "ru", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rules: Vec<String>,
    /// Whether the visitor is held out of all experiments.
    #[serde(rename = "ho", default, skip_serializing_if = "is_default")]
    pub(crate) held_out: bool,
    /// Language, if not English; audience, if not shoppers; whether a server asked.
    #[serde(rename = "o", default, skip_serializing_if = "is_default")]
    pub(crate) options: Options,
    /// What it had to do without.
    #[serde(rename = "dg", default, skip_serializing_if = "Option::is_none")]
    pub(crate) degraded: Option<Degraded>,
    /// Hash of the answer's bytes.
    #[serde(rename = "z")]
    pub(crate) body: String,
}

/// In place of a time: that of the decision whose list is continued.
pub(crate) const CONTINUED: Millis = Millis(0);

impl Record {
    /// Time of the newest decision whose products count as shown.
    pub(crate) fn newest_shown(&self) -> Option<Millis> {
        match (self.impressions, &self.after) {
            (Some(CONTINUED), Some(after)) => Some(after.time),
            (newest, _) => newest,
        }
    }
}

/// How the answer was told, as some letters: `f` in French, `m` to merchandisers, `n` to nobody, `s` to a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Options(String);

impl Options {
    pub(crate) fn new(words: Words, server: bool) -> Self {
        let french = if words.language == Language::Fr { "f" } else { "" };
        let audience = match words.audience {
            Audience::Shopper => "",
            Audience::Merchandiser => "m",
            Audience::Nobody => "n",
        };
        Self(format!("{french}{audience}{}", if server { "s" } else { "" }))
    }

    pub(crate) fn words(&self) -> Words {
        Words {
            language: if self.0.contains('f') { Language::Fr } else { Language::En },
            audience: match () {
                () if self.0.contains('m') => Audience::Merchandiser,
                () if self.0.contains('n') => Audience::Nobody,
                () => Audience::Shopper,
            },
        }
    }

    pub(crate) fn server(&self) -> bool {
        self.0.contains('s')
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
