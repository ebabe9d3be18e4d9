//! What an import is told besides its input. Time is an argument, like everything else a row is read with.

use vitrine_domain::{Channel, Millis, Purposes};

/// Bounds that keep an import in constant memory whatever it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the input, unpacked.
    pub input_bytes: u64,
    /// Bytes of one row; what is read ahead comes on top.
    pub row_bytes: u64,
    /// Columns of a table.
    pub columns: usize,
    /// Rows of the input.
    pub rows: u64,
    /// Bytes of a Parquet file that comes as a stream and has to be kept to be read.
    pub kept_bytes: u64,
    /// Bytes of a page of a Parquet file, packed or unpacked.
    pub page_bytes: u64,
    /// Bytes of the pages of a Parquet file at a time, one of each column and its dictionary; what is unpacked just then comes
    /// on top.
    pub open_bytes: u64,
    /// Bytes of products and orders that wait for more of their rows. When there are more, the one that waited longest
    /// is taken as whole.
    pub window_bytes: usize,
    /// Lines of one order.
    pub order_lines: usize,
    /// Variants that are listed with one product.
    pub variants: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes: 4 << 30,
            row_bytes: 1 << 20,
            columns: 1_000,
            rows: 20_000_000,
            kept_bytes: 256 << 20,
            page_bytes: 64 << 20,
            open_bytes: 256 << 20,
            window_bytes: 16 << 20,
            order_lines: 2_000,
            variants: 250,
        }
    }
}

/// The order of day and month in dates such as `03/04/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// Not known: such dates are refused.
    #[default]
    Unknown,
    /// The third of April.
    DayFirst,
    /// The fourth of March.
    MonthFirst,
}

/// What names a product that comes from Shopify as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShopifyId {
    /// Its number, as in the events and webhooks of Shopify.
    #[default]
    Number,
    /// Its handle, the only name that is in the CSV exports too.
    Handle,
}

/// Codes of an order book that stand for postage, fees, corrections and tests instead of products. Upper and lower case
/// are the same; `*` at the end stands for anything, `#` for digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JunkCodes {
    anywhere: Vec<String>,
    /// Codes that only mean this in books with the columns of the well-known UCI order book; elsewhere `M` may be a
    /// product.
    uci: Vec<String>,
}

/// Words that name no product in any book.
const ANYWHERE: [&str; 6] = ["POSTAGE", "SHIPPING", "CARRIAGE", "DISCOUNT", "MANUAL", "BANK CHARGES"];
/// What the UCI order book has besides.
const UCI: [&str; 14] =
    ["POST", "DOT", "C2", "C3", "M", "D", "S", "B", "AMAZONFEE", "CRUK", "ADJUST#", "GIFT", "gift_*", "TEST#"];

impl JunkCodes {
    /// Takes these codes, in every book, instead of the usual ones.
    #[must_use]
    pub fn new(codes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { anywhere: codes.into_iter().map(Into::into).collect(), uci: Vec::new() }
    }

    /// Whether a code is no product; `uci` says whether it stands in a book with the columns of the UCI order book.
    #[must_use]
    pub fn matches(&self, code: &str, uci: bool) -> bool {
        let code = code.trim();
        let more = if uci { self.uci.as_slice() } else { &[] };
        self.anywhere.iter().chain(more).any(|junk| covers(junk, code))
    }
}

impl Default for JunkCodes {
    fn default() -> Self {
        Self { anywhere: ANYWHERE.map(str::to_owned).to_vec(), uci: UCI.map(str::to_owned).to_vec() }
    }
}

fn covers(junk: &str, code: &str) -> bool {
    let (start, any) = match (junk.strip_suffix('*'), junk.strip_suffix('#')) {
        (Some(start), _) => (start, true),
        (None, Some(start)) => (start, false),
        (None, None) => return code.eq_ignore_ascii_case(junk),
    };
    let begins = code.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    let rest = code.get(start.len()..).unwrap_or_default();
    begins && (any || rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What an import is told besides its input.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time of the import: sales that ended before it are over, and it stands in where a customer has no time.
    pub now: Millis,
    /// ISO 4217 code of amounts that come without one.
    pub currency: Option<String>,
    /// Address of the shop, for formats that name products without saying where they are sold.
    pub site: Option<String>,
    /// A secret of the shop: nobody without it can guess the anonymous visitor of an invoice.
    pub secret: String,
    /// Where orders were placed that do not say so.
    pub channel: Channel,
    /// What imported orders and customers may be used for.
    pub purposes: Purposes,
    /// Codes in orders that are no products.
    pub junk: JunkCodes,
    /// How to read dates with slashes.
    pub dates: DateOrder,
    /// What names a product in Shopify's JSON.
    pub shopify_id: ShopifyId,
    /// Bounds.
    pub limits: Limits,
}

impl Options {
    /// The usual way to read, at a given time.
    #[must_use]
    pub fn at(now: Millis) -> Self {
        Self {
            now,
            currency: None,
            site: None,
            secret: String::new(),
            channel: Channel::Server,
            purposes: Purposes::ALL,
            junk: JunkCodes::default(),
            dates: DateOrder::default(),
            shopify_id: ShopifyId::default(),
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_no_products() {
        let junk = JunkCodes::default();
        for code in ["POST", "m", "D", "BANK CHARGES", "gift_0001_30", "TEST002", "ADJUST", "adjust2", " DOT "] {
            assert!(junk.matches(code, true), "{code}");
        }
        for code in ["85048", "PADS", "DCGS0058", "79323P", "", "tèst", "MUG-1", "ADJUSTABLE-LAMP", "TESTER"] {
            assert!(!junk.matches(code, true), "{code}");
        }
        for (code, expected) in [("M", false), ("test1", false), ("Postage", true), ("discount", true)] {
            assert_eq!(junk.matches(code, false), expected, "{code}");
        }
        let own = JunkCodes::new(["FEE*"]);
        assert!(own.matches("fee-12", false) && !own.matches("M", true));
    }
}
