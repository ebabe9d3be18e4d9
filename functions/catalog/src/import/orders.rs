//! Order books: a row a line of an order, or, in JSON, an object an order. Orders and returns become events; reading a
//! book twice gives the same events with the same identities, so that it counts once.
//!
//! - The lines of an order may stand apart: orders stay open in a window of fixed size (see
//!   [`window`](super::window)). A line that comes after its order left the window is refused, never lost silently.
//! - A line with a negative quantity is a return, and so is one that a column marks as one. Lines of both kinds under one
//!   order number become an order and a return.
//! - The visitor is the customer if the order names one. Otherwise every order is a visitor of its own, anonymous and not
//!   to be guessed without the shop's secret.
//! - An order is at the time of its earliest line.

use serde_json::Value;
use vitrine_domain::{Action, Channel, Event, Line, Millis, ProductId};

use super::cell::Cell;
use super::derived::Derived;
use super::error::ImportError;
use super::format::Format;
use super::invoice::{Head, Invoice};
use super::options::Options;
use super::order_columns::{Part, Role, Roles};
use super::report::{At, Notice, Reason, Refusal, Report, Tally};
use super::table::{Table, some_names};
use super::value::is_code;
use super::window::Window;

/// What receives events.
pub(super) type Sink<'s> = dyn FnMut(Event) -> Result<(), ImportError> + 's;

/// The orders of one import.
pub(super) struct Orders<'s> {
    tally: Tally,
    options: &'s Options,
    sink: &'s mut Sink<'s>,
    open: Window<Invoice>,
    derived: Option<&'s mut Derived>,
    /// Whether the book has the columns of the UCI order book.
    uci: bool,
}

/// A row as an order line.
struct Row {
    order: String,
    refund: bool,
    head: Head,
    lines: Vec<Line>,
    /// Texts of the lines for a catalogue, where the book has them.
    descriptions: Vec<Option<String>>,
    /// Lines of an order that were left out of it.
    left_out: bool,
}

impl<'s> Orders<'s> {
    pub(super) fn new(
        format: Format,
        options: &'s Options,
        derived: Option<&'s mut Derived>,
        sink: &'s mut Sink<'s>,
    ) -> Self {
        let open = Window::new(options.limits.window_bytes);
        Self { tally: Tally::of_people(format, options.limits.rows), options, sink, open, derived, uci: false }
    }

    pub(super) fn read(mut self, table: Table<'_>) -> Result<Report, ImportError> {
        let outcome = self.read_rows(table);
        let waiting = self.open.drain();
        let outcome = match outcome {
            Ok(()) => waiting.into_iter().try_for_each(|invoice| self.hand_on(invoice)),
            Err(error) => {
                for invoice in waiting {
                    let refusal = Refusal::new(Reason::Unfinished, "the input broke off; lines may be missing");
                    self.tally.refuse(invoice.first, invoice.rows, refusal);
                }
                Err(error)
            }
        };
        self.tally.conclude(outcome)
    }

    fn read_rows(&mut self, mut table: Table<'_>) -> Result<(), ImportError> {
        let mut roles = Roles::default();
        if !matches!(table, Table::Json(_)) {
            roles.follow(table.columns());
            if let Some(what) = roles.missing() {
                return Err(ImportError::MissingColumn { what, found: some_names(table.columns()) });
            }
        }
        while let Some(at) = table.advance(&mut self.tally)? {
            roles.follow(table.columns());
            self.uci = roles.are_uci();
            match self.understand(&roles, &table) {
                Ok(row) => self.take(at, row)?,
                Err(refusal) => self.tally.refuse(at, 1, refusal),
            }
        }
        Ok(())
    }

    fn understand(&self, roles: &Roles, table: &Table<'_>) -> Result<Row, Refusal> {
        let cells = table.cells();
        let column = |role| roles.column(role, table.columns()).unwrap_or("order");
        let order = roles.cell(Role::Order, cells).id().map(std::borrow::Cow::into_owned).unwrap_or_default();
        if order.is_empty() {
            return Err(Refusal::new(Reason::MissingId, "the row names no order").column(column(Role::Order)));
        }
        if order.len() > 128 || order.chars().any(char::is_control) {
            let refusal = Refusal::new(Reason::BadId, "the order number is too long or holds control characters");
            return Err(refusal.column(column(Role::Order)).value(&order));
        }
        let head = self.head(roles, table)?;
        let cancelled = roles.is_cancellation(&order);
        let marked = cancelled.or_else(|| roles.is_return(cells));
        if let Cell::Json(Value::Array(entries)) = roles.cell(Role::Lines, cells) {
            return self.whole_order(order, marked, head, entries);
        }
        let (line, negative, description) = self.line(|role| roles.cell(role, cells), column, &head)?;
        let refund = marked.unwrap_or(false) || negative;
        Ok(Row { order, refund, head, lines: vec![line], descriptions: vec![description], left_out: false })
    }

    /// An order that is one object with all its lines in it.
    fn whole_order(&self, order: String, marked: Option<bool>, head: Head, entries: &[Value]) -> Result<Row, Refusal> {
        let mut row = Row { order, refund: false, head, lines: vec![], descriptions: vec![], left_out: false };
        let mut why = None;
        let mut negatives = 0;
        for entry in entries {
            let part = Part::of(entry);
            match self.line(|role| part.cell(role), |_| "lines", &row.head) {
                Ok((line, negative, description)) => {
                    row.lines.push(line);
                    row.descriptions.push(description);
                    negatives += usize::from(negative);
                }
                Err(refusal) => why = why.or(Some(refusal)),
            }
        }
        row.left_out = row.lines.len() < entries.len();
        if row.lines.is_empty() {
            return Err(
                why.unwrap_or_else(|| Refusal::new(Reason::MissingId, "the order has no lines").column("lines"))
            );
        }
        row.refund = marked.unwrap_or(negatives == row.lines.len());
        Ok(row)
    }

    fn head(&self, roles: &Roles, table: &Table<'_>) -> Result<Head, Refusal> {
        let cells = table.cells();
        let text = |role| roles.cell(role, cells).text().map(std::borrow::Cow::into_owned);
        let time_cell = roles.cell(Role::Time, cells);
        let time = time_cell.time(self.options.dates);
        if time.is_none() && !time_cell.is_empty() {
            let refusal = Refusal::new(Reason::BadTime, "the time cannot be read");
            let column = roles.column(Role::Time, table.columns()).unwrap_or("time");
            return Err(refusal.column(column).value(&time_cell.text().unwrap_or_default()));
        }
        let named = text(Role::Currency).or_else(|| beside(roles.cell(Role::Price, cells)));
        let currency = named.map(|code| code.to_ascii_uppercase()).filter(|code| is_code(code));
        Ok(Head {
            time,
            customer: roles.cell(Role::Customer, cells).id().map(std::borrow::Cow::into_owned),
            device: roles.cell(Role::Device, cells).id().map(std::borrow::Cow::into_owned),
            channel: text(Role::Channel).and_then(|name| Channel::parse(&name)),
            currency,
            coupon: text(Role::Coupon),
            total: roles.cell(Role::Total, cells).number().map(f64::abs),
            revenue: roles.cell(Role::Revenue, cells).number().map(f64::abs),
            extras: roles.extras(table.columns(), cells),
        })
    }

    /// One line: the product, whether its quantity was negative, and its description.
    fn line<'c>(
        &self,
        cell: impl Fn(Role) -> &'c Cell,
        column: impl Fn(Role) -> &'c str,
        head: &Head,
    ) -> Result<(Line, bool, Option<String>), Refusal> {
        let text = |role| cell(role).text().map(std::borrow::Cow::into_owned);
        let product = cell(Role::Product).id().unwrap_or_default();
        if product.is_empty() {
            return Err(Refusal::new(Reason::MissingId, "the row names no product").column(column(Role::Product)));
        }
        if self.options.junk.matches(&product, self.uci) {
            let refusal = Refusal::new(Reason::NotAProduct, "this code stands for no product");
            return Err(refusal.column(column(Role::Product)).value(&product));
        }
        let id = ProductId::new(product.as_ref()).map_err(|error| {
            Refusal::new(Reason::BadId, error.to_string()).column(column(Role::Product)).value(&product)
        })?;
        let quantity = match cell(Role::Quantity) {
            Cell::Empty => 1.0,
            cell => cell.number().filter(|n| *n != 0.0 && n.abs() < 1e9).ok_or_else(|| {
                let refusal = Refusal::new(Reason::BadQuantity, "the quantity is zero or no number");
                refusal.column(column(Role::Quantity)).value(&cell.text().unwrap_or_default())
            })?,
        };
        let mut line = Line { quantity: quantity.abs(), variant: text(Role::Variant), ..Line::of(id) };
        line.price = self.price(&cell, &column, quantity, head)?;
        line.discount = cell(Role::Discount).number().map(f64::abs).filter(|amount| *amount > 0.0);
        line.category = text(Role::Category);
        line.brand = text(Role::Brand);
        Ok((line, quantity < 0.0, text(Role::Description)))
    }

    /// The price of one: said, or the line's total shared among its pieces.
    fn price<'c>(
        &self,
        cell: &impl Fn(Role) -> &'c Cell,
        column: &impl Fn(Role) -> &'c str,
        quantity: f64,
        head: &Head,
    ) -> Result<Option<f64>, Refusal> {
        let (role, share) = match (cell(Role::Price), cell(Role::LineTotal)) {
            (Cell::Empty, Cell::Empty) => return Ok(None),
            (Cell::Empty, _) => (Role::LineTotal, quantity.abs()),
            _ => (Role::Price, 1.0),
        };
        let value = cell(role);
        // The total of a returned line is negative like its quantity.
        let sign = if role == Role::LineTotal && quantity < 0.0 { -1.0 } else { 1.0 };
        let amount = value.number().map(|amount| amount * sign).or_else(|| value.money().map(|money| money.amount));
        let refuse = |what: &str| {
            let refusal = Refusal::new(Reason::BadPrice, what).column(column(role));
            refusal.value(&value.text().unwrap_or_default())
        };
        let other = value.money().and_then(|money| money.currency).zip(head.currency.as_ref());
        if other.is_some_and(|(named, currency)| named != *currency) {
            return Err(refuse("the price is in another currency than the order"));
        }
        match amount {
            Some(amount) if amount > 0.0 => Ok(Some(amount / share)),
            Some(_) => Err(refuse("the price is not above zero")),
            None => Err(refuse("this is no amount of money")),
        }
    }

    fn take(&mut self, at: At, row: Row) -> Result<(), ImportError> {
        let name = format!("{}{}", if row.refund { "-" } else { "+" }, row.order);
        if self.open.is_closed(&name) {
            let what = "other lines of this order stood so far away that it was handed on without this one";
            self.tally.refuse(at, 1, Refusal::new(Reason::Scattered, what).value(&row.order));
            return Ok(());
        }
        let known = self.open.get(&name).map(|invoice| invoice.lines.len());
        if row.head.time.is_none() && known.is_none() {
            self.tally.refuse(at, 1, Refusal::new(Reason::BadTime, "the order has no time").value(&row.order));
            return Ok(());
        }
        if known.unwrap_or(0) + row.lines.len() > self.options.limits.order_lines {
            self.tally.refuse(at, 1, Refusal::new(Reason::TooManyLines, "the order is too long").value(&row.order));
            return Ok(());
        }
        if row.left_out {
            self.tally.warn(at, Notice::LinesLeftOut);
        }
        self.observe(&row);
        let Row { order, refund, head, lines, .. } = row;
        let weight = Invoice::weight(&lines) + if known.is_none() { head.weight() } else { 0 };
        let invoice = self.open.touch(&name, weight, || Invoice::new(order, refund, at));
        invoice.rows += 1;
        invoice.head.complete(head);
        invoice.lines.extend(lines);
        while let Some(invoice) = self.open.overflow() {
            self.hand_on(invoice)?;
        }
        Ok(())
    }

    /// What the book says of its products, for shops that have no other catalogue.
    fn observe(&mut self, row: &Row) {
        let Some(derived) = self.derived.as_deref_mut().filter(|_| !row.refund) else {
            return;
        };
        for (line, description) in row.lines.iter().zip(&row.descriptions) {
            derived.observe(line, description.as_deref());
        }
    }

    fn hand_on(&mut self, invoice: Invoice) -> Result<(), ImportError> {
        let (first, rows) = (invoice.first, invoice.rows);
        match invoice.into_event(self.options) {
            Ok(event) => {
                let count = match event.action {
                    Action::Refund => &mut self.tally.report.refunds,
                    _ => &mut self.tally.report.orders,
                };
                *count += 1;
                (self.sink)(event)?;
                self.tally.keep(rows);
            }
            Err(refusal) => self.tally.refuse(first, rows, refusal),
        }
        Ok(())
    }
}

/// The currency that stands beside an amount.
fn beside(price: &Cell) -> Option<String> {
    match price {
        Cell::Text(text) if text.chars().any(|c| c.is_alphabetic() || c == '€' || c == '£') => {
            price.money()?.currency
        }
        _ => None,
    }
}

/// The earlier of two times, either of which may be missing.
pub(super) fn earlier(a: Option<Millis>, b: Option<Millis>) -> Option<Millis> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
