//! A visitor's profile: the fold of their events.
//!
//! The fold is pure and sequential in one fixed order (time, then message id), so neither the order of arrival nor
//! repetition nor the number of times it is run can change it, and folding a compacted state further gives what folding
//! everything at once gives. The property tests at the end say so.

mod affinity;
mod behaviour;
mod older;
mod people;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::alike::ALIKE;
use crate::consent::{Granted, Personalise};
use crate::experiment::{Memory, exposed_by};
use crate::product::price_band;
use crate::robot::Pace;
use crate::segment::Membership;
use crate::time::MINUTE;
use crate::{Action, Channel, Event, Millis, Product, ProductId, Visitor};

pub use affinity::{AFFINITIES, AFFINITY_HALF_LIFE, Affinities, Decayed};
pub use behaviour::{Behaviour, TRADES, TRAIL, Trade, VISITS, Visit};
pub use older::{Days, OLDER, Trades, Visits};
pub use people::{Found, People};

use affinity::strengthen;

/// How many past actions on products a profile keeps.
pub const ACTIONS: usize = 50;
/// How many of them are dwells: whoever scrolls through a feed leaves many, and orders must not be forgotten for them.
pub const DWELLS: usize = 10;
/// How many keys of the newest folded events a profile keeps, so that a reader sees where the fold stands.
pub const LATEST: usize = 32;
/// Quiet time that ends a visit.
pub const VISIT_GAP: i64 = 30 * MINUTE;
/// How many devices a user's profile takes in. A browser that forgets its identifier every week makes some hundred a
/// retention.
pub const DEVICES: usize = 128;
/// How many traits and CRM attributes a profile keeps.
pub const TRAITS: usize = 64;

/// Bytes of a name that a profile keeps: category, brand, class of device, currency. A longer one is no name.
const NAME: usize = 120;
/// Bytes of a trait, as JSON.
const TRAIT: usize = 1_000;
/// What a sum stays within, so that it remains a number when it is stored.
const SUM: f64 = 1e15;

/// What the catalogue says of a product that an event names without saying it itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Narrowest category.
    pub category: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// Price now.
    pub price: Option<f64>,
}

impl From<&Product> for Facts {
    fn from(product: &Product) -> Self {
        Self {
            category: product.leaf_category().map(str::to_owned),
            brand: product.brand.clone(),
            price: product.current_price(),
        }
    }
}

/// Looks a product up for [`State::apply`]. Catalogue knowledge is an argument, like time.
pub trait Catalogue {
    /// What is known of a product; nothing by default of an unknown one.
    fn facts(&self, product: &str) -> Option<Facts>;
}

/// A catalogue that knows nothing: events speak for themselves.
impl Catalogue for () {
    fn facts(&self, _: &str) -> Option<Facts> {
        None
    }
}

impl Catalogue for BTreeMap<String, Facts> {
    fn facts(&self, product: &str) -> Option<Facts> {
        self.get(product).cloned()
    }
}

/// A past action on a product; stored as an array to stay small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "(ProductId, Action, Millis, u64)", into = "(ProductId, Action, Millis, u64)")]
pub struct PastAction {
    /// Which product.
    pub product: ProductId,
    /// What was done.
    pub action: Action,
    /// When, the client's clock corrected.
    pub at: Millis,
    /// [`event_key`] of the event it came from.
    pub key: u64,
}

impl From<(ProductId, Action, Millis, u64)> for PastAction {
    fn from((product, action, at, key): (ProductId, Action, Millis, u64)) -> Self {
        Self { product, action, at, key }
    }
}

impl From<PastAction> for (ProductId, Action, Millis, u64) {
    fn from(a: PastAction) -> Self {
        (a.product, a.action, a.at, a.key)
    }
}

/// A short stand-in for an event's identity (time and message id): FNV-1a, 64 bits.
#[must_use]
pub fn event_key(time: Millis, id: &str) -> u64 {
    let bytes = time.0.to_le_bytes();
    bytes
        .iter()
        .chain(id.as_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The product actions that an event adds to a history.
pub fn past_actions(event: Granted<'_, Personalise>) -> impl Iterator<Item = PastAction> + '_ {
    let event = event.event();
    let key = event_key(event.time, event.id.as_str());
    let counts = event.action.is_interest();
    event.lines.iter().filter(move |_| counts).map(move |line| PastAction {
        product: line.product.clone(),
        action: event.action,
        at: event.at(),
        key,
    })
}

/// Keeps the last [`ACTIONS`] actions, of which no more than [`DWELLS`] are dwells. Doing so after every few actions leaves the
/// same as doing so once at the end.
pub fn keep_newest(actions: &mut Vec<PastAction>) {
    let dwells = actions.iter().filter(|past| past.action == Action::Dwell).count();
    let mut surplus = dwells.saturating_sub(DWELLS);
    actions.retain(|past| {
        let goes = past.action == Action::Dwell && surplus > 0;
        surplus -= usize::from(goes);
        !goes
    });
    actions.drain(..actions.len().saturating_sub(ACTIONS));
}

/// How a visitor first came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// When.
    pub at: Millis,
    /// Where they were.
    pub channel: Channel,
    /// Campaign source, medium and name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// Host of the page that led here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
}

/// The pure part of a profile: what a sequence of events amounts to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// How they first came; nothing of a customer who never did, see [`Event::is_presence`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Touch>,
    /// Time of the last event, corrected.
    pub last: Millis,
    /// Events by action; an order that was told of before is none more.
    pub counts: BTreeMap<Action, u32>,
    /// Visits, told apart by half an hour of quiet.
    pub visits: u32,
    /// Revenue of orders less refunds, by currency (empty code where none was named).
    pub value: BTreeMap<String, f64>,
    /// Pieces ordered less pieces returned.
    pub units: f64,
    /// Time of the first order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_order: Option<Millis>,
    /// Time of the last order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_order: Option<Millis>,
    /// Events by channel.
    pub channels: BTreeMap<Channel, u32>,
    /// Events by class of device.
    pub devices: BTreeMap<String, u32>,
    /// Interest by category, brand and price band.
    pub affinities: Affinities,
    /// What identify events and customer imports said, the latest word of each.
    pub traits: Map<String, Value>,
    /// Visits, purchases and searches of late.
    #[serde(skip_serializing_if = "Behaviour::is_empty")]
    pub behaviour: Behaviour,
    /// The last [`ACTIONS`] actions on products, oldest first, see [`keep_newest`].
    pub actions: Vec<PastAction>,
    /// Keys of the last [`LATEST`] folded events, oldest first.
    pub latest: Vec<u64>,
    /// Whether this is a robot's: an event was declared to be, or its pace was one, see [`crate::robot`].
    #[serde(skip_serializing_if = "is_false")]
    pub robot: bool,
    /// Its pace.
    #[serde(skip_serializing_if = "Pace::is_new")]
    pub pace: Pace,
    /// The variants of experiments that were seen.
    #[serde(skip_serializing_if = "Memory::is_empty")]
    pub memory: Memory,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(mark: &bool) -> bool {
    !mark
}

pub(crate) fn push_bounded<T>(list: &mut Vec<T>, value: T, most: usize) {
    if list.len() >= most {
        list.drain(..=list.len() - most);
    }
    list.push(value);
}

fn bounded(sum: f64) -> f64 {
    if sum.is_nan() { 0.0 } else { sum.clamp(-SUM, SUM) }
}

fn is_short(name: &str, value: &Value) -> bool {
    name.len() <= NAME && (value.is_boolean() || value.is_number() || value.to_string().len() <= TRAIT)
}

impl State {
    /// Folds events given in the order of [`in_fold_order`], each as [`take`](Self::take) does.
    #[must_use]
    pub fn fold<'a>(mut self, events: impl IntoIterator<Item = &'a Event>, catalogue: &impl Catalogue) -> Self {
        for event in events {
            self.take(event, catalogue);
        }
        self
    }

    /// Folds one event more, if the visitor may be personalised for by it: of any other nothing stays but its key. It must not
    /// come before the ones already folded.
    pub fn take(&mut self, event: &Event, catalogue: &impl Catalogue) {
        push_bounded(&mut self.latest, event_key(event.time, event.id.as_str()), LATEST);
        match event.granted() {
            Some(event) => self.apply(event, catalogue),
            // A training takes somebody out of its audiences who allows none any more.
            None if event.action == Action::Audience => drop(self.traits.remove(ALIKE)),
            None => {}
        }
    }

    /// What an event says of a visitor. It has to be one that may be used to personalise:
    ///
    /// ```compile_fail,E0308
    /// use vitrine_domain::{Action, Event, MessageId, Millis, State, Visitor};
    ///
    /// let visitor = Visitor::anonymous("device").unwrap();
    /// let event = Event::new(MessageId::new("1").unwrap(), visitor, Millis(0), Action::View);
    /// State::default().apply(&event, &());
    /// ```
    ///
    /// ```
    /// # use vitrine_domain::consent::Personalise;
    /// # use vitrine_domain::{Action, Event, MessageId, Millis, State, Visitor};
    /// # let visitor = Visitor::anonymous("device").unwrap();
    /// # let event = Event::new(MessageId::new("1").unwrap(), visitor, Millis(0), Action::View);
    /// State::default().apply(event.granted::<Personalise>().unwrap(), &());
    /// ```
    pub fn apply(&mut self, event: Granted<'_, Personalise>, catalogue: &impl Catalogue) {
        if event.action == Action::Audience {
            return self.join(event.event());
        }
        let paced = self.pace.sees(event.action, event.at());
        self.robot |= event.robot || paced;
        self.count(&event);
        let news = self.behaviour.is_news(&event);
        if news {
            *self.counts.entry(event.action).or_default() += 1;
            self.money(&event);
            self.behaviour.trade(&event);
        }
        if event.event().granted().and_then(exposed_by).is_some() {
            self.memory.see(&event.drawn);
        }
        self.behaviour.apply(&event, &self.affinities);
        self.interest(event, catalogue, news);
        self.learn_traits(&event);
    }

    fn count(&mut self, event: &Event) {
        let at = event.at();
        if event.is_presence() {
            if self.first.is_none() || at.since(self.last).abs() > VISIT_GAP {
                self.visits += 1;
            }
            self.first.get_or_insert_with(|| Touch {
                at,
                channel: event.channel,
                campaign: event.context.campaign.clone(),
                referrer: event.context.referrer.clone(),
            });
        }
        self.last = self.last.max(at);
        *self.channels.entry(event.channel).or_default() += 1;
        if let Some(device) = &event.context.device
            && device.len() <= NAME
            && (self.devices.len() < 16 || self.devices.contains_key(device))
        {
            *self.devices.entry(device.clone()).or_default() += 1;
        }
    }

    fn money(&mut self, event: &Event) {
        let sign = match event.action {
            Action::Order => 1.0,
            Action::Refund | Action::OrderCancel => -1.0,
            _ => return,
        };
        let currency = event.currency.clone().filter(|code| code.len() <= NAME).unwrap_or_default();
        if self.value.len() < 8 || self.value.contains_key(&currency) {
            let value = self.value.entry(currency).or_default();
            *value = bounded(*value + sign * bounded(event.revenue()));
        }
        let pieces = event.lines.iter().map(|l| l.quantity).sum();
        self.units = bounded(self.units + sign * bounded(pieces));
        if event.action == Action::Order {
            let at = event.at();
            self.first_order = Some(self.first_order.map_or(at, |t| t.min(at)));
            self.last_order = Some(self.last_order.map_or(at, |t| t.max(at)));
        }
    }

    fn interest(&mut self, event: Granted<'_, Personalise>, catalogue: &impl Catalogue, news: bool) {
        self.actions.extend(past_actions(event));
        keep_newest(&mut self.actions);
        if !event.action.is_interest() {
            return;
        }
        let more = Decayed::of(event.action, event.at(), event.action == Action::Order && news);
        for line in &event.lines {
            let known = catalogue.facts(line.product.as_str()).unwrap_or_default();
            let price = line.price.or(known.price);
            strengthen(&mut self.affinities.category, known.category.or_else(|| line.category.clone()), more);
            strengthen(&mut self.affinities.brand, known.brand.or_else(|| line.brand.clone()), more);
            strengthen(&mut self.affinities.price_band, price.and_then(price_band), more);
        }
    }

    /// The audiences of look-alikes that a training names. Nothing else of the profile changes, and nobody else can name them.
    fn join(&mut self, event: &Event) {
        match event.traits.get(ALIKE) {
            Some(names) if names.is_array() => drop(self.traits.insert(ALIKE.to_owned(), names.clone())),
            _ => drop(self.traits.remove(ALIKE)),
        }
    }

    fn learn_traits(&mut self, event: &Event) {
        for (name, value) in event.traits.iter().filter(|(name, _)| *name != ALIKE) {
            if value.is_null() {
                self.traits.remove(name);
            } else if (self.traits.len() < TRAITS || self.traits.contains_key(name)) && is_short(name, value) {
                self.traits.insert(name.clone(), value.clone());
            }
        }
    }

    /// Whether something may be missing that profiles did not keep at first: sums of what is no longer kept one by one, and when
    /// something of a kind was ordered last.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let bands = &self.affinities.price_band;
        let undated = || !bands.is_empty() && bands.values().all(|liked| liked.last_order().is_none());
        self.behaviour.is_cut() || self.orders() > 0 && undated()
    }

    /// Completed orders.
    #[must_use]
    pub fn orders(&self) -> u32 {
        self.counts.get(&Action::Order).copied().unwrap_or_default()
    }
}

/// A profile as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Whose it is.
    pub visitor: Visitor,
    /// Grows with every write; a writer that saw an older one starts over.
    pub version: u64,
    /// The fold of all events.
    pub state: State,
    /// The partitions whose events were folded in besides the visitor's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<Visitor>,
    /// When it was folded.
    pub folded: Millis,
    /// Where the compacted state behind it ends, if there is one: events before this time need not be read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compacted: Option<Millis>,
    /// Derived, and no part of the fold: the segments that the visitor is in, as definitions were when it was written.
    #[serde(default, skip_serializing_if = "Membership::is_empty")]
    pub segments: Membership,
}

/// When a device was first seen with a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The other side: the user of a device, or a device of a user.
    pub other: Visitor,
    /// Time of the earliest event that named both.
    pub since: Millis,
}

/// To which user an anonymous event on a device belongs: the one who identifies next, or else the one who did last. So
/// the visit before a log-in joins the person who logged in, and two people on one browser keep apart.
#[must_use]
pub fn owner(links: &[Link], time: Millis) -> Option<&Visitor> {
    let known = || links.iter().filter(|l| l.other.is_known());
    let next = known().filter(|l| l.since >= time).min_by_key(|l| (l.since, &l.other));
    next.or_else(|| known().max_by_key(|l| (l.since, &l.other))).map(|l| &l.other)
}

/// The devices whose events a user's profile takes in: the [`DEVICES`] that were linked last, in order. A user linked to
/// another user takes in nothing: only what happened before a log-in joins the person who logged in.
#[must_use]
pub fn devices(links: &[Link]) -> Vec<Visitor> {
    let mut devices: Vec<&Link> = links.iter().filter(|l| !l.other.is_known()).collect();
    devices.sort_by(|a, b| (b.since, &b.other).cmp(&(a.since, &a.other)));
    devices.truncate(DEVICES);
    let mut devices: Vec<Visitor> = devices.into_iter().map(|l| l.other.clone()).collect();
    devices.sort();
    devices
}

/// Sorts events of one person into fold order and drops repetitions of the same event, also on another partition: a
/// client that sends an event again after a log-in names the user it did not know the first time.
pub fn in_fold_order(events: &mut Vec<Event>) {
    events.sort_by(|a, b| (a.time, &a.id, &a.visitor).cmp(&(b.time, &b.id, &b.visitor)));
    events.dedup_by(|a, b| a.time == b.time && a.id == b.id);
}

#[cfg(test)]
mod tests;
