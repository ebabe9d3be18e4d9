//! One person's way through the shop.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Day, Funnel, Held, Logged, Loyalty, Results, Side, Sums, Terms, real};
use crate::profile::VISIT_GAP;
use crate::statistics::Moments;
use crate::{Action, Channel, Event, Line, Millis};

/// A list of products: where it stood, and which rules acted on it.
#[derive(Clone, Copy)]
struct List<'a> {
    placement: &'a str,
    rules: &'a [String],
}

/// Where a product was met last.
struct Met<'a> {
    at: Millis,
    list: List<'a>,
}

/// An order that stands, and what was paid back of it.
struct Ordered<'a> {
    id: Option<&'a str>,
    at: Millis,
    amount: f64,
    paid_back: f64,
}

/// What is known of a person so far.
#[derive(Default)]
struct Journey<'a> {
    days: BTreeMap<String, Day>,
    came: BTreeSet<(String, Option<Channel>)>,
    bought: BTreeSet<(String, Option<Channel>)>,
    first: Option<Millis>,
    last: Option<Millis>,
    /// In their order.
    orders: Vec<Ordered<'a>>,
    ordered: bool,
    /// The lists of decisions.
    lists: HashMap<&'a str, List<'a>>,
    shown: HashMap<&'a str, Met<'a>>,
    clicked: HashMap<&'a str, Met<'a>>,
}

impl Results {
    /// Takes in everything that a person did, in fold order; events of robots are left out. `segments` are those that they
    /// are in, `held` says on which side of a hold-out they are, if there is one.
    pub fn take_in<'a>(
        &mut self,
        events: &'a [Event],
        segments: &[String],
        held: Option<Held>,
        logged: &Logged<'a>,
        terms: &Terms,
    ) {
        let mut journey = Journey::default();
        events.iter().filter(|event| !event.robot).for_each(|event| journey.follow(event, logged, terms));
        if journey.first.is_none() {
            return;
        }
        if let Some(held) = held.filter(|held| journey.last >= Some(held.since)) {
            let orders = || journey.orders.iter().filter(|order| order.at >= held.since);
            let revenue = orders().map(|order| order.amount - order.paid_back).sum();
            let of = |number: f64| Moments::of(number, 0.0);
            let side = Side { ordered: of(f64::from(u8::from(orders().next().is_some()))), revenue: of(revenue) };
            if held.out { &mut self.held_out } else { &mut self.served }.add(&side);
        }
        self.loyalty.add(&journey.loyalty());
        for (name, mut day) in journey.days {
            day.segments = segments.iter().map(|segment| (segment.clone(), day.all)).collect();
            self.days.entry(name).or_default().add(&day);
        }
    }
}

/// An event's amount, if it is in the currency.
fn amount(event: &Event, terms: &Terms) -> f64 {
    let revenue = event.revenue();
    let is_in = event.currency.as_deref().is_none_or(|currency| currency == terms.currency);
    if is_in && revenue.is_finite() { revenue } else { 0.0 }
}

/// The shop's number of an event's order.
fn number(event: &Event) -> Option<&str> {
    event.order.as_ref()?.id.as_deref()
}

impl<'a> Journey<'a> {
    /// Which order an event is about: the one of its number, or the last one whose number was not told; the last one if the
    /// event has no number.
    fn order(&self, event: &Event) -> Option<usize> {
        let Some(number) = number(event) else { return self.orders.len().checked_sub(1) };
        let last = |id: Option<&str>| self.orders.iter().rposition(|order| order.id == id);
        last(Some(number)).or_else(|| last(None))
    }

    fn follow(&mut self, event: &'a Event, logged: &Logged<'a>, terms: &Terms) {
        let (at, name) = (event.at(), event.at().day());
        let mut sums = Sums { visitors: u64::from(self.came.insert((name.clone(), None))), ..Sums::default() };
        // Of a channel somebody is a visitor as soon as they did something there.
        let mut here = Sums { visitors: u64::from(self.came.insert((name.clone(), Some(event.channel)))), ..sums };
        let begins = self.last.is_none_or(|last| at.since(last).abs() > VISIT_GAP);
        (sums.visits, here.visits) = (u64::from(begins), u64::from(begins));
        let is_first = self.first.is_none();
        let first = *self.first.get_or_insert(at);
        self.last = self.last.max(Some(at));
        let mut both = |change: &dyn Fn(&mut Sums)| [&mut sums, &mut here].into_iter().for_each(change);
        let amount = amount(event, terms);
        let mut new_customer = false;
        match event.action {
            Action::Order => {
                let units: f64 = event.lines.iter().map(|line| line.quantity).filter(|pieces| pieces.is_finite()).sum();
                both(&|sums| {
                    (sums.orders, sums.units, sums.revenue) = (1, units, amount);
                });
                new_customer = !self.ordered;
                self.ordered = true;
                self.orders.push(Ordered { id: number(event), at, amount, paid_back: 0.0 });
            }
            Action::OrderCancel => {
                both(&|sums| (sums.cancelled, sums.refunded) = (1, amount));
                if let Some(place) = self.order(event) {
                    self.orders.remove(place);
                }
            }
            Action::Refund => {
                both(&|sums| (sums.returns, sums.refunded) = (1, amount));
                if let Some(place) = self.order(event) {
                    self.orders[place].paid_back += amount;
                }
            }
            _ => {}
        }
        if event.action == Action::Order {
            sums.customers = u64::from(self.bought.insert((name.clone(), None)));
            here.customers = u64::from(self.bought.insert((name.clone(), Some(event.channel))));
        }
        let mut day = self.days.remove(&name).unwrap_or_default();
        day.all.add(&sums);
        day.channels.entry(event.channel).or_default().add(&here);
        day.newcomers += u64::from(is_first);
        if new_customer {
            day.new_customers += 1;
            day.waited += at.since(first).max(0);
        }
        self.funnel(event, logged, terms, &mut day);
        self.days.insert(name, day);
    }

    /// What the event says of placements and rules.
    fn funnel(&mut self, event: &'a Event, logged: &Logged<'a>, terms: &Terms, day: &mut Day) {
        let at = event.at();
        let named = event.decision_id.as_deref().and_then(|decision| {
            let known = self.lists.get(decision).copied();
            let list = match (event.list.as_deref(), known) {
                (Some(placement), Some(list)) => List { placement, ..list },
                (Some(placement), None) => List { placement, rules: logged(decision).map_or(&[], |made| &made.rules) },
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
            }
            (Action::Add, _) => {
                for product in products() {
                    if let Some(list) = within(&self.clicked, product, at, terms.click_window) {
                        note(day, list, |funnel| funnel.added += 1);
                    }
                }
            }
            (Action::Order, _) => {
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
        let orders = self.orders.len() as u64;
        Loyalty {
            customers: u64::from(orders > 0),
            one_time: u64::from(orders == 1),
            later_orders: orders.saturating_sub(1),
            later_revenue: self.orders.iter().skip(1).map(|order| order.amount).sum(),
        }
    }
}

/// Notes something with a list's placement and with each rule that acted on it.
fn note(day: &mut Day, list: List<'_>, change: impl Fn(&mut Funnel)) {
    change(day.placements.entry(list.placement.to_owned()).or_default());
    list.rules.iter().for_each(|rule| change(day.rules.entry(rule.clone()).or_default()));
}

/// The list where a product was met, if that was not too long ago.
fn within<'a>(met: &HashMap<&str, Met<'a>>, product: &str, at: Millis, window: i64) -> Option<List<'a>> {
    met.get(product).filter(|met| (0..=window).contains(&at.since(met.at))).map(|met| met.list)
}

/// The amounts of an order's lines; an order whose lines say no prices is split by pieces.
fn amounts(event: &Event, terms: &Terms) -> Vec<f64> {
    let whole = amount(event, terms);
    let own = |line: &Line| Some(line.price? * line.quantity - line.discount.unwrap_or_default());
    let priced: Option<Vec<f64>> = event.lines.iter().map(own).collect();
    let pieces: f64 = event.lines.iter().map(|line| line.quantity).sum();
    match priced {
        Some(amounts) if whole != 0.0 => amounts,
        _ if pieces > 0.0 => event.lines.iter().map(|line| whole * line.quantity / pieces).collect(),
        _ => vec![whole / real(event.lines.len().max(1) as u64); event.lines.len()],
    }
}
