//! Customers: what a shop's own books say of them (age, loyalty tier, whatever the columns are) becomes an identify event
//! in their profile. The event is named by a hash of what it says, so that the same row counts once; where no column says
//! when a row was written, the event is at the time of the import.

use serde_json::Value;
use vitrine_domain::{Action, Event, MessageId, Visitor};

use super::attributes::Attributes;
use super::cell::Cell;
use super::error::ImportError;
use super::format::Format;
use super::invoice::digest;
use super::options::Options;
use super::orders::Sink;
use super::report::{At, Notice, Reason, Refusal, Report, Tally};
use super::table::{Table, assign, some_names};

/// The names of the columns that are no traits: the customer, when the row was written, a device.
#[rustfmt::skip]
const NAMES: [&[&str]; 3] = [
    &["userid", "customerid", "customer", "user", "customerno", "customernumber", "customercode", "clientid", "householdid",
      "householdkey", "memberid", "membernumber", "loyaltyid", "loyaltycardid", "buyerid", "shopperid", "id"],
    &["updatedat", "updated", "modifiedat", "lastmodified", "changedat", "timestamp", "asof"],
    &["anonymousid", "deviceid"],
];

/// Which column says what.
#[derive(Default)]
struct Roles {
    columns: usize,
    id: Option<usize>,
    time: Option<usize>,
    device: Option<usize>,
}

impl Roles {
    fn follow(&mut self, table: &Table<'_>) {
        let columns = table.columns();
        if columns.len() == self.columns {
            return;
        }
        self.columns = columns.len();
        if let [id, time, device] = assign(columns, &NAMES).as_slice() {
            (self.id, self.time, self.device) = (*id, *time, *device);
        }
    }
}

/// Reads customers and hands an identify event on for each.
pub(super) fn read(
    mut table: Table<'_>,
    format: Format,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<Report, ImportError> {
    let mut tally = Tally::of_people(format, options.limits.rows);
    let outcome = read_rows(&mut table, &mut tally, options, sink);
    tally.conclude(outcome)
}

fn read_rows(
    table: &mut Table<'_>,
    tally: &mut Tally,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<(), ImportError> {
    let mut roles = Roles::default();
    roles.follow(table);
    if roles.id.is_none() && !matches!(table, Table::Json(_)) {
        return Err(ImportError::MissingColumn { what: "customer", found: some_names(table.columns()) });
    }
    while let Some(at) = table.advance(tally)? {
        roles.follow(table);
        match event(&roles, table, at, tally, options) {
            Ok(event) => {
                sink(event)?;
                tally.keep(1);
                tally.report.customers += 1;
            }
            Err(refusal) => tally.refuse(at, 1, refusal),
        }
    }
    Ok(())
}

fn event(roles: &Roles, table: &Table<'_>, at: At, tally: &mut Tally, options: &Options) -> Result<Event, Refusal> {
    let empty = Cell::Empty;
    let cell = |role: Option<usize>| role.and_then(|at| table.cells().get(at)).unwrap_or(&empty);
    let name = |role: Option<usize>| role.and_then(|at| table.columns().get(at)).map_or("id", |column| &column.name);
    let id = cell(roles.id).id().unwrap_or_default();
    if id.is_empty() {
        return Err(Refusal::new(Reason::MissingId, "the row names no customer").column(name(roles.id)));
    }
    let bad_id = |error: vitrine_domain::InvalidId| Refusal::new(Reason::BadId, error.to_string()).value(&id);
    let visitor = Visitor::known(id.as_ref()).map_err(bad_id)?;
    let time = match cell(roles.time) {
        Cell::Empty => options.now,
        cell => cell.time(options.dates).ok_or_else(|| {
            let refusal = Refusal::new(Reason::BadTime, "the time cannot be read").column(name(roles.time));
            refusal.value(&cell.text().unwrap_or_default())
        })?,
    };
    let mut traits = Attributes::default();
    let others = table.columns().iter().zip(table.cells()).enumerate();
    for (index, (column, cell)) in others {
        if [roles.id, roles.time, roles.device].contains(&Some(index)) {
            continue;
        }
        if let Some(value) = cell.attribute(&column.snake)
            && !traits.add(&column.snake, value)
        {
            tally.warn(at, Notice::AttributesLeftOut);
        }
    }
    let traits = traits.into_map();
    let id = message_id(&id, &traits.iter().map(|(name, value)| (name.as_str(), value)).collect::<Vec<_>>());
    let mut event = Event::new(id.map_err(bad_id)?, visitor, time, Action::Identify);
    event.received = options.now;
    event.channel = options.channel;
    event.purposes = options.purposes;
    event.device_id = cell(roles.device).id().map(std::borrow::Cow::into_owned);
    event.device_id = event.device_id.filter(|device| Visitor::anonymous(device.clone()).is_ok());
    event.traits = traits.into_iter().collect();
    Ok(event)
}

/// `customer:<id>:<hash of the traits>`; a long identifier is hashed too.
fn message_id(id: &str, traits: &[(&str, &Value)]) -> Result<MessageId, vitrine_domain::InvalidId> {
    let written: Vec<_> = traits.iter().flat_map(|(name, value)| [(*name).to_owned(), value.to_string()]).collect();
    let hash = digest(&written.iter().map(String::as_str).collect::<Vec<_>>());
    let plain = format!("customer:{id}:{hash}");
    if plain.len() <= 100 {
        return MessageId::new(plain);
    }
    MessageId::new(format!("customer:sha256-{}:{hash}", digest(&[id])))
}
