//! Why an import ended early. What is wrong with a single row is no error but a refusal in the report.

use std::io;

use super::format::{Format, Subject};

/// Any error of a sink, or of a library below.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an import ended before the end of its input, or never began.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The input broke off, or is not the gzip it claims to be.
    #[error("the input could not be read")]
    Read(#[source] io::Error),
    /// The receiver of the rows refused one.
    #[error("what was read could not be stored")]
    Sink(#[source] BoxError),
    /// There is nothing in the input.
    #[error("the input is empty")]
    Empty,
    /// Neither name nor content say what the input is.
    #[error("the format of the input is not known")]
    UnknownFormat,
    /// The format is known, but cannot hold what is asked for.
    #[error("{format} holds no {subject}")]
    WrongFormat {
        /// The format that was named or found.
        format: Format,
        /// What was to be imported.
        subject: Subject,
    },
    /// Text in an encoding of two bytes a character.
    #[error("the input is UTF-16 text")]
    Utf16,
    /// A column without which no row can be understood.
    #[error("no column names the {what}; the columns are {found}")]
    MissingColumn {
        /// What the column would say.
        what: &'static str,
        /// The first columns there are.
        found: String,
    },
    /// The table has more columns than anybody needs.
    #[error("the input has more than {most} columns")]
    TooManyColumns {
        /// How many are allowed.
        most: usize,
    },
    /// A row does not end.
    #[error("row {row} is longer than {most} bytes")]
    RowTooLong {
        /// The row, from one.
        row: u64,
        /// How many bytes are allowed.
        most: u64,
    },
    /// There are more rows than allowed.
    #[error("the input holds more than {most} rows")]
    TooManyRows {
        /// How many are allowed.
        most: u64,
    },
    /// The input, unpacked, is larger than allowed.
    #[error("the input is larger than {most} bytes")]
    TooLarge {
        /// How many bytes are allowed.
        most: u64,
    },
    /// A delimited table could not be read on.
    #[error("row {row} is not delimited text")]
    Csv {
        /// The row, from one.
        row: u64,
        /// What the reader said.
        #[source]
        source: csv::Error,
    },
    /// An XML document could not be read on.
    #[error("row {row}, byte {position}: the XML is not well-formed")]
    Xml {
        /// The row, from one.
        row: u64,
        /// Where in the document.
        position: u64,
        /// What the reader said.
        #[source]
        source: quick_xml::Error,
    },
    /// The XML document ended inside an item.
    #[error("row {row}: the XML ends in the middle")]
    XmlEnds {
        /// The row, from one.
        row: u64,
    },
    /// A JSON document could not be read on.
    #[error("row {row}, line {line}: {what}")]
    Json {
        /// The row, from one.
        row: u64,
        /// The line of text, from one.
        line: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Pages of a Parquet file would take too much memory.
    #[error("row {row} stands in pages of more than {most} bytes")]
    PagesTooLarge {
        /// The row, from one.
        row: u64,
        /// How many bytes are allowed.
        most: u64,
    },
    /// A Parquet file could not be read on.
    #[error("row {row} of the Parquet file could not be read")]
    Parquet {
        /// The row, from one.
        row: u64,
        /// What the reader said.
        #[source]
        source: BoxError,
    },
}

impl ImportError {
    /// A stable word for the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "unreadable_input",
            Self::Sink(_) => "not_stored",
            Self::Empty => "empty_input",
            Self::UnknownFormat => "unknown_format",
            Self::WrongFormat { .. } => "wrong_format",
            Self::Utf16 => "utf16",
            Self::MissingColumn { .. } => "missing_column",
            Self::TooManyColumns { .. } => "too_many_columns",
            Self::RowTooLong { .. } => "row_too_long",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::TooLarge { .. } => "input_too_large",
            Self::Csv { .. } => "malformed_table",
            Self::Xml { .. } | Self::XmlEnds { .. } => "malformed_xml",
            Self::Json { .. } => "malformed_json",
            Self::PagesTooLarge { .. } => "pages_too_large",
            Self::Parquet { .. } => "malformed_parquet",
        }
    }

    /// How the sender can mend it.
    #[must_use]
    pub const fn mend(&self) -> &'static str {
        match self {
            Self::Read(_) => "send the whole file again; if it is packed, pack it with gzip",
            Self::Sink(_) => "try again later: rows that were stored are not stored twice",
            Self::Empty => "send a file with rows in it",
            Self::UnknownFormat => "name the format in the request",
            Self::WrongFormat { .. } => "choose another format or another import",
            Self::Utf16 => "save the file as UTF-8",
            Self::MissingColumn { .. } => "name the column in the first line; check the delimiter",
            Self::TooManyColumns { .. } => "leave out columns that say nothing of the rows",
            Self::RowTooLong { .. } => "look for a quotation mark that is opened and never closed",
            Self::TooManyRows { .. } | Self::TooLarge { .. } => "split the file",
            Self::Csv { .. } => "write the table as UTF-8 with one delimiter throughout",
            Self::Xml { .. } | Self::XmlEnds { .. } => "check the document with an XML validator",
            Self::Json { .. } => "check the document with a JSON validator",
            Self::PagesTooLarge { .. } => "write the file again with smaller pages and row groups",
            Self::Parquet { .. } => "write the file again, flat, with snappy, gzip, zstd or no compression",
        }
    }

    /// Whether the receiver failed and not the input.
    #[must_use]
    pub const fn is_sink(&self) -> bool {
        matches!(self, Self::Sink(_))
    }
}

/// A bound that a reader ran into, on its way through [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Bound {
    #[error("the row is too long")]
    Row(u64),
    #[error("the input is too large")]
    Total(u64),
    #[error("the pages are too large")]
    Pages(u64),
    #[error("there are too many columns")]
    Columns(usize),
}

impl Bound {
    /// Finds the bound inside an input error.
    pub(super) fn within(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).copied()
    }

    pub(super) const fn at(self, row: u64) -> ImportError {
        match self {
            Self::Row(most) => ImportError::RowTooLong { row, most },
            Self::Total(most) => ImportError::TooLarge { most },
            Self::Pages(most) => ImportError::PagesTooLarge { row, most },
            Self::Columns(most) => ImportError::TooManyColumns { most },
        }
    }
}

impl ImportError {
    /// An input error met while row `row` was read.
    pub(super) fn reading(error: io::Error, row: u64) -> Self {
        match Bound::within(&error) {
            Some(bound) => bound.at(row),
            None => Self::Read(error),
        }
    }

    /// What is wrong with a Parquet file before row `row`.
    pub(super) fn in_parquet(error: io::Error, row: u64) -> Self {
        match Bound::within(&error) {
            Some(bound) => bound.at(row),
            None => Self::Parquet { row, source: Box::new(error) },
        }
    }
}
