//! What an import did, row by row: every row that was read was either kept or refused, and a refused one says why and
//! how to mend it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ImportError;
use super::format::Format;
use super::text::clip;

/// How many refused rows a report describes; all of them are counted.
pub const DESCRIBED: usize = 100;
/// Most characters of a cell that a report repeats.
const SHOWN: usize = 80;

/// Why a row was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The row is not well-formed: cut off, or with more cells than columns.
    Malformed,
    /// The row is longer than allowed.
    TooLong,
    /// It does not say which product, order or customer it is about.
    MissingId,
    /// The identifier is too long or holds control characters.
    BadId,
    /// A product has no name.
    MissingTitle,
    /// A price that is no amount, or not above zero in an order.
    BadPrice,
    /// A quantity that is no number, or zero.
    BadQuantity,
    /// A time that is missing or cannot be read.
    BadTime,
    /// A value of the wrong type.
    BadValue,
    /// The code stands for postage, a fee, a correction or a test.
    NotAProduct,
    /// The product is a draft, archived or not published.
    NotPublished,
    /// More rows of the same product or order came long after it was taken as whole.
    Scattered,
    /// The order has more lines than allowed.
    TooManyLines,
    /// The input broke off before the product or order of this row was whole.
    Unfinished,
}

impl Reason {
    /// How the sender can mend such a row.
    #[must_use]
    pub const fn mend(self) -> &'static str {
        match self {
            Self::Malformed => "look for a stray delimiter, a missing quotation mark or a cut-off line",
            Self::TooLong => "shorten the row, or look for a quotation mark that is never closed",
            Self::MissingId => "fill in the identifier",
            Self::BadId => "use 1 to 128 bytes without line breaks or other control characters",
            Self::MissingTitle => "give the product a title",
            Self::BadPrice => "write an amount such as `15.00 USD`; in an order it has to be above zero",
            Self::BadQuantity => "write a number that is not zero",
            Self::BadTime => "write the time as 2026-11-22T14:40:00Z",
            Self::BadValue => "write the value in the form the message asks for",
            Self::NotAProduct => "nothing to do, unless it is a product: then change the list of codes",
            Self::NotPublished => "publish the product, or leave it out",
            Self::Scattered => "sort the file so that the rows of a product or order stand together",
            Self::TooManyLines => "split the order",
            Self::Unfinished => "mend what the report says of the end of the input, then send it again",
        }
    }
}

/// Something odd about rows that were kept all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// A text was longer than allowed and was cut.
    Clipped,
    /// A product has more attributes than allowed; the last ones were left out.
    AttributesLeftOut,
    /// An address that no page should follow was left out.
    UnsafeAddress,
    /// Text that is no UTF-8 was read as Windows-1252.
    NotUtf8,
    /// An optional value could not be read and was left out.
    ValueLeftOut,
    /// An availability nobody knows: the product counts as in stock.
    UnknownAvailability,
    /// A sale price that is not below the price was left out.
    SaleNotLower,
    /// Amounts of one product in different currencies: only those in the first are used.
    MixedCurrencies,
    /// A product has more variants than are listed.
    VariantsLeftOut,
    /// Lines of an order were left out: no product, or no quantity.
    LinesLeftOut,
    /// A product is past its expiration date and counts as out of stock.
    Expired,
    /// Elements of a document that are no products were passed over; they are no rows.
    OtherElement,
    /// Columns that hold lists or structures were passed over.
    NestedColumn,
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refused {
    /// Which row, from one; a header is no row.
    pub row: u64,
    /// The line of text it begins on, from one, where the format has lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// How many rows went with it: the rows of one product or order are refused together.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub rows: u64,
    /// Why.
    pub reason: Reason,
    /// The column or member at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What stands there, cut to a readable length. Of products only: what stands in a row about orders or customers is not
    /// repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong, in words.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

const fn one() -> u64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_one(n: &u64) -> bool {
    *n == 1
}

/// How often a notice was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// What was odd.
    pub notice: Notice,
    /// In how many places.
    pub count: u64,
    /// The first row it was seen in; zero is the header.
    pub first_row: u64,
}

/// Why the input was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stopped {
    /// A stable word for programs.
    pub code: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

/// What an import did. Always `read == kept + refused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The format that was read.
    pub format: Format,
    /// Rows read.
    pub read: u64,
    /// Rows that are part of a product, order or customer that was handed on.
    pub kept: u64,
    /// Rows that are not.
    pub refused: u64,
    /// Refused rows by reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// The first refused rows.
    pub rows: Vec<Refused>,
    /// What was odd about rows that were kept.
    pub warnings: Vec<Warning>,
    /// Products handed on.
    pub products: u64,
    /// Orders handed on.
    pub orders: u64,
    /// Returns and cancellations handed on.
    pub refunds: u64,
    /// Customers handed on.
    pub customers: u64,
    /// Why the rest was not read; nothing if all was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
}

impl Report {
    pub(super) const fn new(format: Format) -> Self {
        Self {
            format,
            read: 0,
            kept: 0,
            refused: 0,
            reasons: BTreeMap::new(),
            rows: Vec::new(),
            warnings: Vec::new(),
            products: 0,
            orders: 0,
            refunds: 0,
            customers: 0,
            stopped: None,
        }
    }

    /// Whether every row was read and kept, apart from what is no product or not for sale: only then may what the input
    /// does not name be withdrawn.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let harmless = |reason: &Reason| matches!(reason, Reason::NotAProduct | Reason::NotPublished);
        self.stopped.is_none() && self.reasons.keys().all(harmless)
    }
}

/// Where a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct At {
    pub(super) row: u64,
    pub(super) line: Option<u64>,
}

/// Why a row cannot be kept, as the reader of a format says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    reason: Reason,
    column: Option<String>,
    value: Option<String>,
    what: String,
}

impl Refusal {
    pub(super) fn new(reason: Reason, what: impl Into<String>) -> Self {
        Self { reason, column: None, value: None, what: what.into() }
    }

    pub(super) fn column(mut self, column: &str) -> Self {
        self.column = Some(clip(column, SHOWN).to_owned());
        self
    }

    pub(super) fn value(mut self, value: &str) -> Self {
        self.value = Some(clip(value, SHOWN).to_owned());
        self
    }

    #[cfg(test)]
    pub(super) const fn reason(&self) -> Reason {
        self.reason
    }
}

/// Counts rows as they are read; the only way to write a [`Report`].
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) report: Report,
    most: u64,
    /// Whether rows are about people.
    people: bool,
}

impl Tally {
    pub(super) const fn new(format: Format, most: u64) -> Self {
        Self { report: Report::new(format), most, people: false }
    }

    /// For rows about orders and customers. Reports are kept with their jobs, where no erasure finds anybody: they tell row,
    /// column and what is wrong, never what stands there.
    pub(super) const fn of_people(format: Format, most: u64) -> Self {
        Self { report: Report::new(format), most, people: true }
    }

    /// A row was read; it must be kept or refused later.
    pub(super) fn row(&mut self, line: Option<u64>) -> Result<At, ImportError> {
        if self.report.read >= self.most {
            return Err(ImportError::TooManyRows { most: self.most });
        }
        self.report.read += 1;
        Ok(At { row: self.report.read, line })
    }

    /// The number of the row that is read next.
    pub(super) const fn next(&self) -> u64 {
        self.report.read + 1
    }

    /// What was read last was no row after all: something else that stands between the rows.
    pub(super) fn pass_over(&mut self, at: At) {
        self.report.read = self.report.read.saturating_sub(1);
        self.warn(at, Notice::OtherElement);
    }

    pub(super) const fn keep(&mut self, rows: u64) {
        self.report.kept += rows;
    }

    pub(super) fn refuse(&mut self, at: At, rows: u64, why: Refusal) {
        self.report.refused += rows;
        *self.report.reasons.entry(why.reason).or_default() += rows;
        if self.report.rows.len() < DESCRIBED {
            self.report.rows.push(Refused {
                row: at.row,
                line: at.line,
                rows,
                reason: why.reason,
                column: why.column,
                value: why.value.filter(|_| !self.people),
                what: why.what,
                mend: why.reason.mend().to_owned(),
            });
        }
    }

    pub(super) fn warn(&mut self, at: At, notice: Notice) {
        match self.report.warnings.iter_mut().find(|w| w.notice == notice) {
            Some(warning) => warning.count += 1,
            None => self.report.warnings.push(Warning { notice, count: 1, first_row: at.row }),
        }
    }

    /// Ends the import: what went wrong after rows were read belongs to the report, so that the sender learns of those
    /// that were kept; what went wrong before, or in the receiver, is an error.
    pub(super) fn conclude(mut self, outcome: Result<(), ImportError>) -> Result<Report, ImportError> {
        match outcome {
            Ok(()) => {}
            Err(error) if error.is_sink() || self.report.read == 0 => return Err(error),
            Err(error) => self.report.stopped = Some(stopped(&error)),
        }
        Ok(self.report)
    }
}

fn stopped(error: &ImportError) -> Stopped {
    let mut what = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        what = format!("{what}: {inner}");
        source = inner.source();
    }
    Stopped { code: error.code().to_owned(), what, mend: error.mend().to_owned() }
}
