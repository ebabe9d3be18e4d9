//! One person's way through the shop.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Day, Funnel, Held, Logged, Loyalty, Made, Results, Side, Sums, Terms, WINDOWS, real};
use crate::chosen::Chosen;
use crate::consent::{Granted, Measure};
use crate::orders::{Orders, Said};
use crate::profile::VISIT_GAP;
use crate::statistics::Moments;
use crate::time::DAY;
use crate::{Action, Channel, Event, Millis};

/// A list of products: where it stood, and which rules acted on it.
#[derive(Clone, Copy)]
struct List<'a> {
    placement: &'a str,
    made: Option<&'a Made>,
}

/// Where a product was met last.
struct Met<'a> {
    at: Millis,
    list: List<'a>,
}

/// In what somebody counts once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Span {
    Day(String),
    /// So many days, see [`WINDOWS`].
    Last(u16),
}

/// The day of a time, and the windows that it lies in.
fn spans(at: Millis, made: Option<Millis>) -> impl Iterator<Item = Span> {
    let days_ago = made.map(|made| made.0.div_euclid(DAY) - at.0.div_euclid(DAY));
    let within = move |days: &u16| days_ago.is_some_and(|ago| (0..i64::from(*days)).contains(&ago));
    std::iter::once(Span::Day(at.day())).chain(WINDOWS.into_iter().filter(within).map(Span::Last))
}

/// Somewhere, or in all places together.
type Once = BTreeSet<(Span, Option<Channel>)>;

/// What is known of a person so far.
#[derive(Default)]
struct Journey<'a> {
    spans: BTreeMap<Span, Day>,
    came: Once,
    bought: Once,
    /// Where they bought who had bought before.
    returned: Once,
    /// When they were there, see [`Event::is_presence`].
    first: Option<Millis>,
    last: Option<Millis>,
    orders: Orders<'a>,
    ordered: bool,
    /// The lists of decisions.
    lists: HashMap<&'a str, List<'a>>,
    shown: HashMap<&'a str, Met<'a>>,
    clicked: HashMap<&'a str, Met<'a>>,
    /// The rule whose content was clicked last, and when.
    content: Option<(Millis, &'a str)>,
    chosen: Chosen<'a>,
}

impl Results {
    /// Takes in everything that a person did and that may be measured, in fold order; events of robots are left out. `segments`
    /// are those that they are in, `held` says on which side of a hold-out they are, if there is one.
    ///
    /// ```compile_fail,E0308
    /// use vitrine_domain::results::{Results, Terms};
    /// use vitrine_domain::{Action, Event, MessageId, Millis, Visitor};
    ///
    /// let visitor = Visitor::anonymous("device").unwrap();
    /// let event = Event::new(MessageId::new("1").unwrap(), visitor, Millis(0), Action::View);
    /// Results::default().take_in(&[event], &[], None, &|_| None, &Terms::new("EUR"));
    /// ```
    ///
    /// ```
    /// # use vitrine_domain::consent::granted;
    /// # use vitrine_domain::results::{Results, Terms};
    /// # use vitrine_domain::{Action, Event, MessageId, Millis, Visitor};
    /// # let visitor = Visitor::anonymous("device").unwrap();
    /// # let event = Event::new(MessageId::new("1").unwrap(), visitor, Millis(0), Action::View);
    /// Results::default().take_in(&granted(&[event]), &[], None, &|_| None, &Terms::new("EUR"));
    /// ```
    pub fn take_in<'a>(
        &mut self,
        events: &[Granted<'a, Measure>],
        segments: &[String],
        held: Option<Held>,
        logged: &Logged<'a>,
        terms: &Terms,
    ) {
        let mut journey = Journey::default();
        events.iter().filter(|event| !event.robot).for_each(|event| journey.follow(*event, logged, terms));
        if let Some(held) = held.filter(|held| journey.last >= Some(held.since)) {
            let orders = || journey.orders.all().iter().filter(|order| order.at >= held.since);
            let revenue = orders().map(|order| order.amount - order.paid_back).sum();
            let of = |number: f64| Moments::of(number, 0.0);
            let side = Side { ordered: of(f64::from(u8::from(orders().next().is_some()))), revenue: of(revenue) };
            if held.out { &mut self.held_out } else { &mut self.served }.add(&side);
        }
        self.loyalty.add(&journey.loyalty());
        for (span, mut day) in journey.spans {
            day.segments = segments.iter().map(|segment| (segment.clone(), day.all)).collect();
            match span {
                Span::Day(name) => self.days.entry(name).or_default(),
                Span::Last(days) => self.windows.entry(days).or_default(),
            }
            .add(&day);
        }
    }
}

impl<'a> Journey<'a> {
    fn follow(&mut self, event: Granted<'a, Measure>, logged: &Logged<'a>, terms: &Terms) {
        let event = event.event();
        let at = event.at();
        let came = event.is_presence();
        let begins = came && self.last.is_none_or(|last| at.since(last).abs() > VISIT_GAP);
        let is_first = came && self.first.is_none();
        if came {
            self.first.get_or_insert(at);
            self.last = self.last.max(Some(at));
        }
        let said = Said { amount: event.said_amount(&terms.currency), margin: None };
        let mut one = Sums { visits: u64::from(begins), newcomers: u64::from(is_first), ..Sums::default() };
        let amount = said.amount.unwrap_or_default();
        let is_order = event.action == Action::Order && self.orders.place(event, amount, 0.0);
        let again = is_order && self.ordered;
        match event.action {
            Action::Order if is_order => {
                one.units = event.lines.iter().map(|line| line.quantity).filter(|pieces| pieces.is_finite()).sum();
                (one.orders, one.revenue) = (1, amount);
                if !self.ordered {
                    (one.new_customers, one.waited) = (1, self.first.map_or(0, |first| at.since(first).max(0)));
                }
                self.ordered = true;
            }
            Action::OrderCancel => {
                let (_, back) = self.orders.cancel(event, said);
                (one.cancelled, one.refunded) = (1, back.amount);
            }
            Action::Refund => {
                let back = self.orders.take_back(event, said);
                (one.returns, one.refunded) = (u64::from(back.first), back.amount);
            }
            _ => {}
        }
        for span in spans(at, terms.made) {
            let mut day = self.spans.remove(&span).unwrap_or_default();
            // Of a channel somebody is a visitor as soon as they did something there.
            let here = day.channels.entry(event.channel).or_default();
            for (channel, sums) in [(None, &mut day.all), (Some(event.channel), here)] {
                let once = |of: &mut Once, holds: bool| u64::from(holds && of.insert((span.clone(), channel)));
                sums.add(&Sums {
                    visitors: once(&mut self.came, came),
                    customers: once(&mut self.bought, is_order),
                    returning: once(&mut self.returned, again),
                    ..one
                });
            }
            if matches!(span, Span::Day(_)) {
                self.of_content(event, is_order, logged, terms, &mut day);
                self.funnel(event, is_order, logged, terms, &mut day);
            }
            self.spans.insert(span, day);
        }
    }

    /// What the event says of the content that rules handed the storefront: it is seen and clicked as a promotion, by the name of
    /// its place. What is put into the basket and ordered after a click is that content's, whatever the product.
    fn of_content(&mut self, event: &'a Event, is_order: bool, logged: &Logged<'a>, terms: &Terms, day: &mut Day) {
        let at = event.at();
        let shown = || {
            let (decision, place) = (event.decision_id.as_deref()?, event.list.as_deref()?);
            let mut handed = logged(decision)?.content.iter();
            handed.find(|(_, slot)| slot.as_deref() == Some(place)).map(|(rule, _)| rule.as_str())
        };
        let followed = self.content.filter(|(clicked, _)| (0..=terms.click_window).contains(&at.since(*clicked)));
        let mut note =
            |rule: &str, change: &dyn Fn(&mut Funnel)| change(day.content.entry(rule.to_owned()).or_default());
        match (event.action, followed) {
            (Action::PromotionView, _) => shown().into_iter().for_each(|rule| note(rule, &|funnel| funnel.shown += 1)),
            (Action::PromotionClick, _) => {
                if let Some(rule) = shown() {
                    note(rule, &|funnel| funnel.clicked += 1);
                    self.content = Some((at, rule));
                }
            }
            (Action::Add, Some((_, rule))) => note(rule, &|funnel| funnel.added += event.lines.len() as u64),
            (Action::Order, Some((_, rule))) if is_order => note(rule, &|funnel| {
                funnel.ordered += event.lines.len() as u64;
                funnel.revenue += amounts(event, terms).iter().sum::<f64>();
            }),
            _ => {}
        }
    }

    /// What the event says of placements and rules. An order that was told of before says nothing new: `is_order` is not set.
    fn funnel(&mut self, event: &'a Event, is_order: bool, logged: &Logged<'a>, terms: &Terms, day: &mut Day) {
        let at = event.at();
        // A promotion names a place for content, not a list.
        let of_list = event.decision_id.as_deref().filter(|_| !event.action.is_promotion());
        let named = of_list.and_then(|decision| {
            let known = self.lists.get(decision).copied();
            let list = match (event.list.as_deref(), known) {
                (Some(placement), Some(list)) => List { placement, ..list },
                (Some(placement), None) => List { placement, made: logged(decision) },
                (None, known) => known?,
            };
            self.lists.insert(decision, list);
            Some(list)
        });
        let products = || event.lines.iter().map(|line| line.product.as_str());
        match (event.action, named) {
            (Action::List, Some(list)) => {
                note(day, list, |funnel| funnel.shown += event.lines.len() as u64);
                self.shown.extend(products().map(|product| (product, Met { at, list })));
            }
            (Action::Click, Some(list)) => {
                note(day, list, |funnel| funnel.clicked += event.lines.len() as u64);
                self.clicked.extend(products().map(|product| (product, Met { at, list })));
                self.chosen.note(event);
            }
            (Action::Add, named) => {
                // Whoever adds a product straight from a list chose it there, as by a click.
                if let Some(list) = named {
                    for product in self.chosen.note(event) {
                        note(day, list, |funnel| funnel.clicked += 1);
                        self.clicked.insert(product, Met { at, list });
                    }
                }
                for product in products() {
                    if let Some(list) = within(&self.clicked, product, at, terms.click_window) {
                        note(day, list, |funnel| funnel.added += 1);
                    }
                }
            }
            (Action::Order, _) if is_order => {
                for (line, amount) in event.lines.iter().zip(amounts(event, terms)) {
                    let product = line.product.as_str();
                    if let Some(list) = within(&self.clicked, product, at, terms.click_window) {
                        note(day, list, |funnel| {
                            (funnel.ordered, funnel.revenue) = (funnel.ordered + 1, funnel.revenue + amount);
                        });
                    } else if let Some(list) = within(&self.shown, product, at, terms.view_window) {
                        note(day, list, |funnel| {
                            (funnel.seen_ordered, funnel.seen_revenue) =
                                (funnel.seen_ordered + 1, funnel.seen_revenue + amount);
                        });
                    }
                }
            }
            _ => {}
        }
    }

    fn loyalty(&self) -> Loyalty {
        let orders = self.orders.all().len() as u64;
        Loyalty {
            customers: u64::from(orders > 0),
            one_time: u64::from(orders == 1),
            later_orders: orders.saturating_sub(1),
            later_revenue: self.orders.all().iter().skip(1).map(|order| order.amount).sum(),
        }
    }
}

/// Notes something with a list's placement and with each rule that acted on it.
fn note(day: &mut Day, list: List<'_>, change: impl Fn(&mut Funnel)) {
    change(day.placements.entry(list.placement.to_owned()).or_default());
    list.made.into_iter().flat_map(Made::of_lists).for_each(|rule| change(day.rules.entry(rule.clone()).or_default()));
}

/// The list where a product was met, if that was not too long ago.
fn within<'a>(met: &HashMap<&str, Met<'a>>, product: &str, at: Millis, window: i64) -> Option<List<'a>> {
    met.get(product).filter(|met| (0..=window).contains(&at.since(met.at))).map(|met| met.list)
}

/// The amounts of an order's lines; an order whose lines say no prices is split by pieces.
fn amounts(event: &Event, terms: &Terms) -> Vec<f64> {
    let whole = event.said_amount(&terms.currency).unwrap_or_default();
    let priced: Option<Vec<f64>> = event.line_amounts().into_iter().collect();
    let pieces: f64 = event.lines.iter().map(|line| line.quantity).sum();
    match priced {
        Some(amounts) if whole != 0.0 => amounts,
        _ if pieces > 0.0 => event.lines.iter().map(|line| whole * line.quantity / pieces).collect(),
        _ => vec![whole / real(event.lines.len().max(1) as u64); event.lines.len()],
    }
}
