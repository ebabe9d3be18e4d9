//! Imports: feeds, order books and customer tables of other systems, read row by row into products and events.
//!
//! Everything streams: input is pulled, one row is in memory at a time, and what it amounts to is handed to a sink at
//! once. What has to wait for other rows (variants of a product, lines of an order) waits in windows of fixed size. A bad
//! row never fails its neighbours: it is refused with its number, column, reason and what to do about it, and the rows
//! read are always the rows kept and the rows refused.
//!
//! ```
//! use vitrine_catalog::import::{Input, Options, products};
//! use vitrine_domain::Millis;
//!
//! let feed = "id\ttitle\tprice\n1\tPenne\t2.49 EUR\n2\t\t1.99 EUR\n";
//! let mut found = Vec::new();
//! let mut keep = |product| {
//!     found.push(product);
//!     Ok::<(), std::io::Error>(())
//! };
//! let report = products(Input::stream(feed.as_bytes()), &Options::at(Millis(0)), &mut keep)?;
//! assert_eq!((report.read, report.kept, report.refused), (2, 1, 1));
//! assert_eq!(found[0].price, Some(2.49));
//! # Ok::<(), vitrine_catalog::import::ImportError>(())
//! ```

mod attributes;
mod cell;
mod customers;
mod derived;
mod draft;
mod elements;
mod error;
mod format;
mod google;
mod group;
mod input;
mod invoice;
mod json;
mod json_ld;
mod json_ld_offers;
mod options;
mod order_columns;
mod orders;
mod own;
mod parquet;
mod products;
mod report;
mod shopify_csv;
mod shopify_json;
mod table;
mod text;
mod value;
mod window;
mod xml;

#[cfg(test)]
mod tests;

use vitrine_domain::{Event, Product};

pub use derived::Derived;
pub use error::{BoxError, ImportError};
pub use format::{Format, Subject};
pub use input::Input;
pub use options::{DateOrder, JunkCodes, Limits, Options, ShopifyId};
pub use report::{DESCRIBED, Notice, Reason, Refused, Report, Stopped, Warning};

use input::Opened;
use json::{JsonRows, Objects};
use parquet::ParquetRows;
use table::{Delimited, Table};

/// Imports products and content; `sink` receives them as they are read.
///
/// # Errors
/// If the sink fails, or the input ends before its first row could be read. What goes wrong later is in
/// [`Report::stopped`], beside what was kept.
pub fn products<E: Into<BoxError>>(
    input: Input<'_>,
    options: &Options,
    sink: &mut dyn FnMut(Product) -> Result<(), E>,
) -> Result<Report, ImportError> {
    let (format, opened) = input.open(Subject::Products, &options.limits)?;
    let Opened::Text(text) = opened else {
        return Err(ImportError::WrongFormat { format, subject: Subject::Products });
    };
    let mut sink = |product| sink(product).map_err(|error| ImportError::Sink(error.into()));
    let mut products = products::Products::new(format, options, &mut sink);
    let read = match format {
        Format::GoogleTsv | Format::Csv | Format::Parquet => google::read_table(text, &mut products),
        Format::GoogleXml => xml::read(text, &mut products),
        Format::ShopifyCsv => shopify_csv::read(text, &mut products),
        Format::ShopifyJson => shopify_json::read(text, &mut products),
        Format::JsonLd => json_ld::read(text, &mut products),
        Format::Json | Format::Ndjson => own::read(text, format == Format::Ndjson, &mut products),
    };
    products.conclude(read)
}

/// Imports orders and returns as events; `sink` receives them as their lines are complete. If `derived` is given, it
/// gathers what the order book says of its products.
///
/// # Errors
/// As for [`products`].
pub fn orders<E: Into<BoxError>>(
    input: Input<'_>,
    options: &Options,
    derived: Option<&mut Derived>,
    sink: &mut dyn FnMut(Event) -> Result<(), E>,
) -> Result<Report, ImportError> {
    let (format, table) = table(input, Subject::Orders, &["orders"], options)?;
    let mut sink = |event| sink(event).map_err(|error| ImportError::Sink(error.into()));
    orders::Orders::new(format, options, derived, &mut sink).read(table)
}

/// Imports customers as identify events; `sink` receives them as they are read. An event whose time is that of the import
/// came from a row that did not say when it was written.
///
/// # Errors
/// As for [`products`].
pub fn customers<E: Into<BoxError>>(
    input: Input<'_>,
    options: &Options,
    sink: &mut dyn FnMut(Event) -> Result<(), E>,
) -> Result<Report, ImportError> {
    let (format, table) = table(input, Subject::Customers, &["customers", "users"], options)?;
    let mut sink = |event| sink(event).map_err(|error| ImportError::Sink(error.into()));
    customers::read(table, format, options, &mut sink)
}

/// Opens an input whose rows are those of a table.
fn table<'a>(
    input: Input<'a>,
    subject: Subject,
    wrappers: &'static [&'static str],
    options: &Options,
) -> Result<(Format, Table<'a>), ImportError> {
    let limits = &options.limits;
    let (format, opened) = input.open(subject, limits)?;
    let table = match opened {
        Opened::Parquet(file) => Table::Parquet(Box::new(ParquetRows::open(file, limits)?)),
        Opened::Text(text) if matches!(format, Format::Json | Format::Ndjson) => {
            let lines = format == Format::Ndjson;
            Table::Json(JsonRows::new(Objects::open(text, lines, limits.row_bytes, wrappers)))
        }
        Opened::Text(text) => Table::Delimited(Delimited::open(text, limits)?),
    };
    Ok((format, table))
}
