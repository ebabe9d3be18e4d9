//! The formats that can be imported, and how to tell them apart by what is in them.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::table::{Column, delimiter, header_line};
use super::text::decode;

/// What an import is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Products and content.
    Products,
    /// Orders and returns.
    Orders,
    /// Customers.
    Customers,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Products => "products",
            Self::Orders => "orders",
            Self::Customers => "customers",
        })
    }
}

/// How the rows are written down. Any of them may be packed with gzip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Google Merchant feed as a table, with tabs or any other usual delimiter.
    GoogleTsv,
    /// Google Merchant feed as RSS 2.0 or Atom.
    GoogleXml,
    /// Product export of Shopify, of either header generation.
    ShopifyCsv,
    /// Products as Shopify's storefront or admin interface answers them.
    ShopifyJson,
    /// schema.org products as JSON-LD.
    JsonLd,
    /// An array of objects, one object, or objects one after another.
    Json,
    /// One object a line.
    Ndjson,
    /// A table with a header and any usual delimiter.
    Csv,
    /// Apache Parquet with flat columns.
    Parquet,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 9] = [
        Self::GoogleTsv,
        Self::GoogleXml,
        Self::ShopifyCsv,
        Self::ShopifyJson,
        Self::JsonLd,
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Parquet,
    ];

    /// The name in requests and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GoogleTsv => "google-tsv",
            Self::GoogleXml => "google-xml",
            Self::ShopifyCsv => "shopify-csv",
            Self::ShopifyJson => "shopify-json",
            Self::JsonLd => "json-ld",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// Reads a name; `auto` and unknown names give nothing.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "tsv" => Some(Self::Csv),
            "jsonl" => Some(Self::Ndjson),
            "jsonld" => Some(Self::JsonLd),
            _ => Self::ALL.into_iter().find(|format| format.as_str() == name),
        }
    }

    /// Whether the format can hold a subject.
    #[must_use]
    pub const fn holds(self, subject: Subject) -> bool {
        match self {
            Self::GoogleTsv | Self::GoogleXml | Self::ShopifyCsv | Self::ShopifyJson | Self::JsonLd => {
                matches!(subject, Subject::Products)
            }
            Self::Json | Self::Ndjson => true,
            Self::Csv | Self::Parquet => !matches!(subject, Subject::Products),
        }
    }

    /// Recognises a format by its first bytes, unpacked. The name of the file and the content type only decide where
    /// the bytes leave it open: senders are careless about both.
    #[must_use]
    pub fn detect(subject: Subject, name: Option<&str>, content_type: Option<&str>, head: &[u8]) -> Option<Self> {
        if head.starts_with(b"PAR1") {
            return Some(Self::Parquet).filter(|format| format.holds(subject));
        }
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let first = head.iter().find(|byte| !byte.is_ascii_whitespace())?;
        if head.contains(&0) {
            return None;
        }
        match first {
            b'<' => Some(Self::GoogleXml).filter(|format| format.holds(subject)),
            b'{' | b'[' => Some(Self::detect_json(subject, name, content_type, head)),
            _ if subject == Subject::Products => Some(Self::detect_table(head)),
            _ => Some(Self::Csv),
        }
    }

    fn detect_json(subject: Subject, name: Option<&str>, content_type: Option<&str>, head: &[u8]) -> Self {
        let has = |word: &str| head.windows(word.len()).any(|window| window == word.as_bytes());
        if subject == Subject::Products && (has("\"@context\"") || has("\"@graph\"") || has("\"@type\"")) {
            return Self::JsonLd;
        }
        if subject == Subject::Products && (has("\"body_html\"") || (has("\"handle\"") && has("\"variants\""))) {
            return Self::ShopifyJson;
        }
        let ends = |end: &str| name.is_some_and(|name| name.trim_end_matches(".gz").ends_with(end));
        let lines = content_type.is_some_and(|text| text.contains("ndjson") || text.contains("jsonl"));
        if lines || ends(".ndjson") || ends(".jsonl") || first_line_is_an_object(head) {
            return Self::Ndjson;
        }
        Self::Json
    }

    fn detect_table(head: &[u8]) -> Self {
        let line = header_line(head);
        let delimiter = delimiter(line);
        let has = |key: &str| {
            line.split(|byte| *byte == delimiter).any(|cell| Column::new(&decode(cell).0.replace('"', "")).key == key)
        };
        let shopify = (has("handle") || has("urlhandle")) && (has("title") || has("vendor"));
        if shopify { Self::ShopifyCsv } else { Self::GoogleTsv }
    }
}

/// Whether the first of several lines is an object by itself, so that the others are too.
fn first_line_is_an_object(head: &[u8]) -> bool {
    let start = head.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let Some(end) = head.iter().skip(start).position(|byte| *byte == b'\n') else {
        return false;
    };
    let line = head.get(start..start + end).unwrap_or_default();
    let more = head.iter().skip(start + end).any(|byte| !byte.is_ascii_whitespace());
    more && line.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart_by_what_is_in_them() {
        let products = |head: &str| Format::detect(Subject::Products, None, None, head.as_bytes());
        for (head, format) in [
            ("id\ttitle\tprice\n1\tA\t2", Format::GoogleTsv),
            ("ID,Title,Handle size\n", Format::GoogleTsv),
            ("\u{feff}Handle,Title,Body (HTML)\n", Format::ShopifyCsv),
            ("\"Title\",\"URL handle\",\"Description\"\r\n", Format::ShopifyCsv),
            ("<?xml version=\"1.0\"?><rss>", Format::GoogleXml),
            ("  <feed>", Format::GoogleXml),
            ("{\"@context\": \"https://schema.org\"}", Format::JsonLd),
            ("[{\"@type\":\"Product\"}]", Format::JsonLd),
            ("{\"products\":[{\"id\":1,\"handle\":\"a\",\"variants\":[", Format::ShopifyJson),
            ("{\"id\":\"1\",\"title\":\"A\"}\n{\"id\":\"2\",\"ti", Format::Ndjson),
            ("{\n\"id\":\"1\"}", Format::Json),
            ("{\"products\":[{\"id\":\"1\"}]}\n", Format::Json),
            ("[{\"id\":\"1\"}]", Format::Json),
        ] {
            assert_eq!(products(head), Some(format), "{head}");
        }
        assert_eq!(products(" \n "), None);
        assert_eq!(products("\0\0\0\x01"), None);
        assert_eq!(products("PAR1"), None);
        assert_eq!(Format::detect(Subject::Orders, None, None, b"PAR1\x15"), Some(Format::Parquet));
        assert_eq!(Format::detect(Subject::Orders, None, None, b"<rss>"), None);
        assert_eq!(Format::detect(Subject::Orders, None, None, b"Invoice,StockCode"), Some(Format::Csv));
        let named = |name| Format::detect(Subject::Customers, Some(name), None, b"{\"id\":1}");
        assert_eq!((named("c.jsonl.gz"), named("c.json")), (Some(Format::Ndjson), Some(Format::Json)));
    }

    #[test]
    fn names_are_read_back() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Some(format));
            assert_eq!(serde_json::to_value(format).unwrap(), format.as_str());
        }
        assert_eq!(Format::parse("auto"), None);
    }
}
