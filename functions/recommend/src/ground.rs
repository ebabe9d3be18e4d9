//! What a list is made from, read in one go: the catalogue's changes, the settings and the visitor, side by side.
//!
//! Nothing here takes a request down that something can still be shown for. What could not be read in time is done without,
//! and the answer says so; only where neither the catalogue nor the visitor could be read is there nothing to stand on.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;
use vitrine_domain::{Millis, Placement, Rule, Shop, Visitor};
use vitrine_http::Problem;
use vitrine_http::problem::causes;
use vitrine_rank::Words;

use crate::arms::Arms;
use crate::ask::Who;
use crate::cell::unavailable;
use crate::consent;
use crate::record::{After, Degraded};
use crate::settings::Settings;
use crate::shops::Display;
use crate::timing::Timing;
use crate::visit::{self, Said, Visit};

/// Decisions whose products count as shown lately: those of a few pages, as each has several lists.
pub(crate) const REMEMBERED: usize = 20;
/// Products of one of them that do: nobody looks at the end of a long list that was ranked.
const LOOKED_AT: usize = 100;

/// What a list is made from.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) shop: Shop,
    pub(crate) display: Display,
    pub(crate) settings: Arc<Settings>,
    pub(crate) visit: Arc<Visit>,
    pub(crate) shown: Arc<Shown>,
    /// The segments that the visitor is in, once something has asked.
    pub(crate) members: Arc<OnceLock<BTreeSet<String>>>,
    /// The variants of experiments that the visitor meets.
    pub(crate) arms: Arc<Arms>,
    pub(crate) words: Words,
    pub(crate) server: bool,
    /// Whether what is decided is logged.
    pub(crate) logged: bool,
    pub(crate) degraded: Option<Degraded>,
    /// Whether the vector server could not be asked: for the next list it is not tried again.
    pub(crate) unindexed: bool,
    pub(crate) now: Millis,
}

/// What was shown to a visitor lately.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Products and when.
    pub(crate) products: Vec<(String, Millis)>,
    /// The lists that they stood in.
    lists: Vec<ShownList>,
    /// Time of the newest decision among them.
    pub(crate) newest: Option<Millis>,
}

/// A list that was shown.
#[derive(Debug)]
struct ShownList {
    placement: String,
    time: Millis,
    /// Its products, by their places among all.
    products: Range<usize>,
    /// Time of the list that it went on from.
    after: Option<Millis>,
}

impl Ground {
    /// Reads everything for lists in some placements.
    ///
    /// # Errors
    /// 503 if there is nothing to stand on, 429 if the visitor asks too much.
    pub(crate) async fn read(
        state: &crate::State,
        shop: &Shop,
        who: Who,
        placements: &[&str],
        timing: &mut Timing,
    ) -> Result<Self, Problem> {
        let Who { user, device, given, words, server, signal } = who;
        let logged = given.is_none();
        let visitor = user.clone().or_else(|| device.clone());
        // The shop's own server asks for many.
        if let Some(visitor) = device.as_ref().or(user.as_ref()).filter(|_| !server) {
            state.app.limits.question(shop, visitor, state.app.context.clock.now())?;
        }
        let known = state.settings.last(shop);
        let guess = known.clone().unwrap_or_default();
        let asks = visitor.as_ref().filter(|_| remembers(&guess, placements));
        let asked = asks.is_some();
        let named: Vec<Visitor> = user.iter().chain(&device).cloned().collect();
        let (display, settings, said, mut shown, consent) = tokio::join!(
            state.shops.display(shop),
            state.settings.now(shop),
            read_visitor(state, shop, user.clone(), device.clone()),
            lately(state, shop, asks),
            consent::read(state, shop, &named),
        );
        let (display, settings) = (display?, settings?);
        let agreed = consent.allows(&named, said.as_ref());
        let (visitor, user, device) = if agreed { (visitor, user, device) } else { (None, None, None) };
        let (said, unasked) =
            if agreed { (said, false) } else { (said.map(|_| Said::default()), consent.is_unknown()) };
        if !agreed {
            shown = None;
        }
        let purposes = signal.over(consent.purposes(said.as_ref()));
        let nobody = visitor.is_none();
        let (stale, unread) = (display.stale.is_some(), if nobody { settings.stale.is_some() } else { said.is_none() });
        if stale && unread {
            return Err(unavailable("neither the catalogue nor the visitor could be read"));
        }
        let (display, settings_stale, settings) = (display.value, settings.stale.is_some(), settings.value);
        // Only where the shop has just made a placement remember, or this process knew nothing of the shop's settings.
        if !asked && shown.is_none() && remembers(&settings, placements) {
            shown = lately(state, shop, visitor.as_ref()).await;
        }
        let degraded = [
            (unasked || said.is_none() && !nobody, Degraded::Profile),
            (stale, Degraded::Catalogue),
            (settings_stale, Degraded::Settings),
            (display.version.is_none(), Degraded::NoModel),
        ];
        let visit = match (given, said) {
            (Some(given), _) => Visit::given(given),
            (None, Some(said)) => Visit::of(said, &display.shelf),
            (None, None) => Visit::unread(user, device),
        };
        timing.passed("read");
        let mut ground = Self {
            shop: shop.clone(),
            display,
            settings,
            visit: Arc::new(visit),
            shown: Arc::new(shown.unwrap_or_default()),
            members: Arc::default(),
            arms: Arc::default(),
            words,
            server,
            logged,
            degraded: degraded.into_iter().find(|(is, _)| *is).map(|(_, word)| word),
            unindexed: false,
            now: state.app.context.clock.now(),
        };
        ground.arms = Arc::new(ground.meets(purposes));
        Ok(ground)
    }

    /// With a visitor who is taken to be in these segments.
    pub(crate) fn in_segments(self, segments: Vec<String>) -> Self {
        Self { members: Arc::new(OnceLock::from(BTreeSet::from_iter(segments))), ..self }
    }

    /// With what was shown lately, if that matters to a placement as it would be and did not to it as it is.
    pub(crate) async fn remembering(self, state: &crate::State, placement: &Placement) -> Self {
        if !placement.remembers() || remembers(&self.settings, &[&placement.name]) {
            return self;
        }
        let shown = lately(state, &self.shop, self.visit.visitor.as_ref()).await;
        Self { shown: Arc::new(shown.unwrap_or_default()), ..self }
    }

    /// The rules as they would be, everything else as it is. Nothing is logged.
    pub(crate) fn with_rules(&self, rules: Vec<Rule>) -> Self {
        let settings = Arc::new(self.settings.with_rules(rules));
        Self { settings, logged: false, ..self.clone() }
    }
}

/// Whether it matters to one of the placements what was shown lately.
fn remembers(settings: &Settings, placements: &[&str]) -> bool {
    placements.iter().any(|name| settings.placement(name).is_some_and(|placement| placement.remembers()))
}

/// Something that is done without if it takes too long or fails.
async fn or_without<T>(
    deadline: Duration,
    what: &'static str,
    read: impl Future<Output = vitrine_store::Result<T>>,
) -> Option<T> {
    match tokio::time::timeout(deadline, read).await {
        Ok(Ok(read)) => Some(read),
        Ok(Err(error)) => {
            tracing::warn!(cause = %causes(&error), what, "done without");
            None
        }
        Err(_) => {
            tracing::warn!(what, "not read in time");
            None
        }
    }
}

/// What is known of a visitor, if it can be read in time.
async fn read_visitor(
    state: &crate::State,
    shop: &Shop,
    user: Option<Visitor>,
    device: Option<Visitor>,
) -> Option<Said> {
    let context = &state.app.context;
    or_without(context.deadlines.visitor, "the visitor", visit::read(&context.table, shop, user, device)).await
}

/// What was shown to a visitor lately, if it can be read in time.
async fn lately(state: &crate::State, shop: &Shop, visitor: Option<&Visitor>) -> Option<Shown> {
    let context = &state.app.context;
    let visitor = visitor?;
    let read = context.table.recent_decisions(shop, visitor, REMEMBERED, None);
    let now = context.clock.now();
    or_without(context.deadlines.visitor, "what was shown", read).await.map(|found| Shown::of(&found, now))
}

impl Shown {
    /// What some decisions, newest first, had shown before a time. Of those of one millisecond it cannot be told which was
    /// there when, so those of this very moment do not count.
    pub(crate) fn of(decisions: &[(Millis, Box<serde_json::value::RawValue>)], now: Millis) -> Self {
        /// The members that are read: decisions of older versions have them too.
        #[derive(Deserialize)]
        struct Items {
            p: String,
            i: Vec<String>,
            a: Option<After>,
        }
        let before = || decisions.iter().filter(|(time, ..)| *time < now);
        let newest = before().next().map(|(time, ..)| *time);
        let (mut products, mut lists) = (Vec::new(), Vec::new());
        for (time, text) in before() {
            let Ok(read) = serde_json::from_str::<Items>(text.get()) else { continue };
            let first = products.len();
            products.extend(read.i.into_iter().take(LOOKED_AT).map(|id| (id, *time)));
            let after = read.a.map(|after| after.time);
            lists.push(ShownList { placement: read.p, time: *time, products: first..products.len(), after });
        }
        Self { products, lists, newest }
    }

    /// What stood in a placement. What stood elsewhere is no reason to make room here: who looks through the shelves of a
    /// category has not grown tired of it.
    pub(crate) fn at<'a>(&'a self, placement: &'a str) -> impl Iterator<Item = (&'a str, Millis)> {
        self.lists_at(placement).flat_map(|list| self.products_of(list))
    }

    /// What stood in a placement on pages that the visitor went on from: those that another page, or the one that is asked
    /// for, comes `after`.
    pub(crate) fn passed<'a>(
        &'a self,
        placement: &'a str,
        after: Option<Millis>,
    ) -> impl Iterator<Item = (&'a str, Millis)> {
        let went_on = move |time| after == Some(time) || self.lists_at(placement).any(|next| next.after == Some(time));
        self.lists_at(placement).filter(move |list| went_on(list.time)).flat_map(|list| self.products_of(list))
    }

    fn lists_at<'a>(&'a self, placement: &'a str) -> impl Iterator<Item = &'a ShownList> {
        self.lists.iter().filter(move |list| list.placement == placement)
    }

    fn products_of<'a>(&'a self, list: &ShownList) -> impl Iterator<Item = (&'a str, Millis)> + use<'a> {
        self.products[list.products.clone()].iter().map(|(id, time)| (id.as_str(), *time))
    }
}
