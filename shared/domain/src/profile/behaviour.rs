//! How a visitor went about it lately: visits, purchases, searches. What segments are made of.
//!
//! All lists are short and hold the newest, so a profile stays small; of visits and trades that are older there are sums. They
//! are kept only of events that may be used to personalise.

use serde::{Deserialize, Serialize};

use super::older::{Trades, Visits, push};
use super::{Affinities, NAME, VISIT_GAP, bounded, push_bounded};
use crate::orders::number;
use crate::{Action, Channel, Event, Millis};

/// How many of the last visits a profile keeps one by one.
pub const VISITS: usize = 16;
/// How many of the last orders and returns a profile keeps one by one.
pub const TRADES: usize = 16;
/// How many of the last pages of a visit are remembered, to see who comes back to one.
pub const TRAIL: usize = 24;
/// Of a price so many parts, one of which is let off, make an order a discounted one.
const REDUCED: f64 = 5.0;
/// Shortest brand that a search is looked through for.
const SHORTEST_BRAND: usize = 3;

/// A visit to the site or app; stored as an array to stay small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Millis, Millis, u32, u32, u32, u32)", into = "(Millis, Millis, u32, u32, u32, u32)")]
pub struct Visit {
    /// First event.
    pub from: Millis,
    /// Last event.
    pub to: Millis,
    /// Pages and screens opened; the same one twice in a row is one.
    pub pages: u32,
    /// Of them, those that had been open before in this visit.
    pub returns: u32,
    /// Product pages looked at.
    pub views: u32,
    /// Products put into the basket.
    pub adds: u32,
}

impl From<(Millis, Millis, u32, u32, u32, u32)> for Visit {
    fn from((from, to, pages, returns, views, adds): (Millis, Millis, u32, u32, u32, u32)) -> Self {
        Self { from, to, pages, returns, views, adds }
    }
}

impl From<Visit> for (Millis, Millis, u32, u32, u32, u32) {
    fn from(v: Visit) -> Self {
        (v.from, v.to, v.pages, v.returns, v.views, v.adds)
    }
}

/// An order, or something taken back; stored as an array to stay small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "(Millis, bool, f64, f64, bool, String)", into = "(Millis, bool, f64, f64, bool, String)")]
pub struct Trade {
    /// When.
    pub at: Millis,
    /// Whether it is a refund or cancellation.
    pub back: bool,
    /// Revenue, or what was paid back.
    pub value: f64,
    /// Pieces.
    pub units: f64,
    /// Whether a coupon was part of it, or a fifth of its price or more was let off: in a shop where something is always reduced
    /// every large basket holds a little of it, and says nothing of whoever fills it.
    pub discounted: bool,
    /// Currency of the value; empty where none was named.
    pub currency: String,
}

impl From<(Millis, bool, f64, f64, bool, String)> for Trade {
    fn from((at, back, value, units, discounted, currency): (Millis, bool, f64, f64, bool, String)) -> Self {
        Self { at, back, value, units, discounted, currency }
    }
}

impl From<Trade> for (Millis, bool, f64, f64, bool, String) {
    fn from(t: Trade) -> Self {
        (t.at, t.back, t.value, t.units, t.discounted, t.currency)
    }
}

impl Trade {
    fn of(event: &Event) -> Option<Self> {
        if !matches!(event.action, Action::Order | Action::Refund | Action::OrderCancel) {
            return None;
        }
        let positive = |amount: &Option<f64>| amount.is_some_and(|amount| amount > 0.0);
        let head = event.order.as_ref();
        let reductions =
            head.map(|order| &order.discount).into_iter().chain(event.lines.iter().map(|line| &line.discount));
        let reduced: f64 = reductions.filter(|amount| positive(amount)).flatten().sum();
        let value = bounded(event.revenue());
        let much = reduced > 0.0 && reduced * REDUCED >= value + reduced;
        Some(Self {
            at: event.at(),
            back: event.action != Action::Order,
            value,
            units: bounded(event.lines.iter().map(|line| line.quantity).sum()),
            discounted: much || head.is_some_and(|order| order.coupon.is_some()),
            currency: event.currency.clone().filter(|code| code.len() <= 8).unwrap_or_default(),
        })
    }
}

/// How a visitor went about it lately.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Behaviour {
    /// The last [`VISITS`] visits, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub visits: Vec<Visit>,
    /// Those before, in sums.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub older_visits: Vec<Visits>,
    /// Short stand-ins for the last [`TRAIL`] pages of the last visit, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trail: Vec<u32>,
    /// The last [`TRADES`] orders and returns, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trades: Vec<Trade>,
    /// Those before, in sums.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub older_trades: Vec<Trades>,
    /// Short stand-ins for the last [`TRADES`] order numbers, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<u32>,
    /// Searches that named a brand the visitor had shown interest in.
    #[serde(skip_serializing_if = "is_zero")]
    pub brand_searches: u32,
    /// Language and region that were named last, such as `fr-FR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Country that was named last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// City that was named last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// FNV-1a, 32 bits.
fn short(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What tells the page of an event from others: its path, or else the product or name.
fn page(event: &Event) -> Option<&str> {
    let product = || event.lines.first().map(|line| line.product.as_str());
    match event.action {
        Action::View => event.context.path.as_deref().or_else(product),
        Action::Page | Action::Screen => event.context.path.as_deref().or(event.name.as_deref()),
        _ => None,
    }
}

impl Behaviour {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether what was before may be missing, as it is in profiles from before there were sums of it: the lists are full, and
    /// there are none.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.visits.len() >= VISITS && self.older_visits.is_empty()
            || self.trades.len() >= TRADES && self.older_trades.is_empty()
    }

    /// Takes in one event more, given the affinities before it; what it says of orders aside.
    pub(super) fn apply(&mut self, event: &Event, affinities: &Affinities) {
        if matches!(event.channel, Channel::Web | Channel::Mobile) {
            self.visit(event);
        }
        if let Some(query) = event.query.as_ref().filter(|query| event.action == Action::Search && query.len() <= NAME)
        {
            let query = query.to_lowercase();
            let named = |brand: &String| brand.len() >= SHORTEST_BRAND && query.contains(&brand.to_lowercase());
            self.brand_searches = self.brand_searches.saturating_add(u32::from(affinities.brand.keys().any(named)));
        }
        if let Some(locale) = event.context.locale.as_ref().filter(|locale| (2..=35).contains(&locale.len())) {
            self.locale = Some(locale.clone());
        }
        let named = |name: &Option<String>| name.clone().filter(|name| name.len() <= NAME);
        if let Some(country) = named(&event.context.country) {
            // Of another country the city that was named before says nothing.
            (self.country, self.city) = (Some(country), None);
        }
        self.city = named(&event.context.city).or(self.city.take());
    }

    /// Whether an event is anything but an order that was told of before, see [`orders`](crate::orders). Orders are kept one by
    /// one as long as they are among the last, and so are their numbers: of an older one it is not known any more.
    pub(super) fn is_news(&mut self, event: &Event) -> bool {
        let Some(number) = number(event).filter(|_| event.action == Action::Order).map(short) else { return true };
        let is_news = !self.numbers.contains(&number);
        if is_news {
            push_bounded(&mut self.numbers, number, TRADES);
        }
        is_news
    }

    /// Takes in an order, or what comes back of one.
    pub(super) fn trade(&mut self, event: &Event) {
        if let Some(trade) = Trade::of(event) {
            push(&mut self.trades, trade, TRADES, &mut self.older_trades);
        }
    }

    fn visit(&mut self, event: &Event) {
        let at = event.at();
        if self.visits.last().is_none_or(|visit| at.since(visit.to).abs() > VISIT_GAP) {
            let visit = Visit { from: at, to: at, pages: 0, returns: 0, views: 0, adds: 0 };
            push(&mut self.visits, visit, VISITS, &mut self.older_visits);
            self.trail.clear();
        }
        let page = page(event).map(short).filter(|page| self.trail.last() != Some(page));
        let Some(visit) = self.visits.last_mut() else { return };
        visit.from = visit.from.min(at);
        visit.to = visit.to.max(at);
        visit.views = visit.views.saturating_add(u32::from(event.action == Action::View));
        visit.adds = visit.adds.saturating_add(u32::from(event.action == Action::Add));
        if let Some(page) = page {
            visit.pages = visit.pages.saturating_add(1);
            visit.returns = visit.returns.saturating_add(u32::from(self.trail.contains(&page)));
            push_bounded(&mut self.trail, page, TRAIL);
        }
    }
}
