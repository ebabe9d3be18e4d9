//! One person's orders: which one an event is about, and which came back.
//!
//! A number names one order. A confirmation page that is opened again and the order book tell of it once more, each under
//! another message id: the first event in fold order counts, whatever became of the order since. An order without a number is
//! its own.

use std::collections::BTreeSet;

use crate::{Action, Event, Millis};

/// What an event says that an order, or what comes back of one, is worth; what it does not say is none.
#[derive(Clone, Copy, Default)]
pub(crate) struct Said {
    pub(crate) amount: Option<f64>,
    pub(crate) margin: Option<f64>,
}

/// An order that stands, and what was paid back of it.
pub(crate) struct Placed<'a> {
    id: Option<&'a str>,
    pub(crate) at: Millis,
    pub(crate) amount: f64,
    pub(crate) paid_back: f64,
    /// What is left of its margin.
    margin: f64,
    /// Whether something of it came back.
    pub(crate) came_back: bool,
}

impl Placed<'_> {
    /// Amount and margin that come back with an event: all that is left, unless it says how much; and as much of the margin as of
    /// the amount, unless it says of which products.
    fn back(&self, said: Said) -> (f64, f64) {
        let left = self.amount - self.paid_back;
        let amount = said.amount.unwrap_or(left);
        let share = if left > 0.0 { (amount / left).clamp(0.0, 1.0) } else { 0.0 };
        (amount, said.margin.unwrap_or(self.margin * share))
    }
}

/// What came back.
pub(crate) struct Back {
    pub(crate) amount: f64,
    pub(crate) margin: f64,
    /// Whether it is the first of its order.
    pub(crate) first: bool,
    /// Whether the order is known.
    pub(crate) known: bool,
}

/// The numbers of the orders that were told of.
#[derive(Default)]
pub(crate) struct Numbers<'a>(BTreeSet<&'a str>);

impl<'a> Numbers<'a> {
    /// Whether an event is anything but an order that was told of before.
    pub(crate) fn is_news(&mut self, event: &'a Event) -> bool {
        event.action != Action::Order || number(event).is_none_or(|number| self.0.insert(number))
    }
}

/// The orders that stand, in their order.
#[derive(Default)]
pub(crate) struct Orders<'a> {
    placed: Vec<Placed<'a>>,
    /// Of these and of those that do not stand any more.
    numbers: Numbers<'a>,
    /// Numbers of orders that are not known, of which something came back.
    unknown: BTreeSet<&'a str>,
}

/// The shop's number of an event's order.
pub(crate) fn number(event: &Event) -> Option<&str> {
    event.order.as_ref()?.id.as_deref()
}

impl<'a> Orders<'a> {
    pub(crate) fn all(&self) -> &[Placed<'a>] {
        &self.placed
    }

    /// Which order an event is about: the one of its number, or the last one whose number was not told; the last one if the
    /// event has no number.
    fn of(&self, event: &Event) -> Option<usize> {
        let Some(number) = number(event) else { return self.placed.len().checked_sub(1) };
        let last = |id: Option<&str>| self.placed.iter().rposition(|order| order.id == id);
        last(Some(number)).or_else(|| last(None))
    }

    /// Takes in an order; whether it is one that was not told of before.
    pub(crate) fn place(&mut self, event: &'a Event, amount: f64, margin: f64) -> bool {
        let is_news = self.numbers.is_news(event);
        if is_news {
            let (id, at) = (number(event), event.at());
            self.placed.push(Placed { id, at, amount, paid_back: 0.0, margin, came_back: false });
        }
        is_news
    }

    /// An order does not stand any more. With it goes what is left of it, whatever lines the event names; and of an order that is
    /// not known what the event says.
    pub(crate) fn cancel(&mut self, event: &Event, said: Said) -> (Option<Placed<'a>>, Back) {
        let order = self.of(event).map(|at| self.placed.remove(at));
        let said = if event.says_revenue() { said } else { Said::default() };
        let (amount, margin) = order.as_ref().map_or_else(|| alone(said), |order| order.back(said));
        let known = order.is_some();
        (order, Back { amount, margin, first: false, known })
    }

    /// Something of an order came back. An order is returned or it is not, in however many parts.
    pub(crate) fn take_back(&mut self, event: &'a Event, said: Said) -> Back {
        if let Some(order) = self.of(event).and_then(|at| self.placed.get_mut(at)) {
            let (amount, margin) = order.back(said);
            order.paid_back += amount;
            order.margin -= margin;
            let first = !std::mem::replace(&mut order.came_back, true);
            return Back { amount, margin, first, known: true };
        }
        let (amount, margin) = alone(said);
        let first = number(event).is_none_or(|number| self.unknown.insert(number));
        Back { amount, margin, first, known: false }
    }
}

fn alone(said: Said) -> (f64, f64) {
    (said.amount.unwrap_or_default(), said.margin.unwrap_or_default())
}
