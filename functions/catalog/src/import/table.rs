//! Tables: rows of named cells, one at a time, from delimited text, JSON objects or Parquet.
//!
//! The columns of delimited text and Parquet are known before the first row; those of JSON grow as members are met.

use csv::{ByteRecord, ReaderBuilder};

use super::cell::Cell;
use super::error::ImportError;
use super::input::Text;
use super::json::JsonRows;
use super::options::Limits;
use super::parquet::ParquetRows;
use super::report::{At, Notice, Reason, Refusal, Tally};
use super::text::{decode, key, snake};

/// A column by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// As the header has it.
    pub(super) name: String,
    /// What all spellings of the name have in common.
    pub(super) key: String,
    /// As an attribute.
    pub(super) snake: String,
}

impl Column {
    pub(super) fn new(name: &str) -> Self {
        let name = name.trim();
        Self { name: name.to_owned(), key: key(name), snake: snake(name) }
    }
}

/// A source of rows.
pub(super) enum Table<'a> {
    Delimited(Delimited<'a>),
    Json(JsonRows<'a>),
    Parquet(Box<ParquetRows>),
}

impl Table<'_> {
    /// Reads the next row that is well-formed; the others are refused on the way.
    pub(super) fn advance(&mut self, tally: &mut Tally) -> Result<Option<At>, ImportError> {
        match self {
            Self::Delimited(rows) => rows.advance(tally),
            Self::Json(rows) => rows.advance(tally),
            Self::Parquet(rows) => rows.advance(tally),
        }
    }

    pub(super) fn columns(&self) -> &[Column] {
        match self {
            Self::Delimited(rows) => rows.columns(),
            Self::Json(rows) => rows.columns(),
            Self::Parquet(rows) => rows.columns(),
        }
    }

    /// The cells of the row read last; there may be fewer than columns.
    pub(super) fn cells(&self) -> &[Cell] {
        match self {
            Self::Delimited(rows) => rows.cells(),
            Self::Json(rows) => rows.cells(),
            Self::Parquet(rows) => rows.cells(),
        }
    }
}

/// A delimited table with a header.
pub(super) struct Delimited<'a> {
    reader: csv::Reader<Text<'a>>,
    record: ByteRecord,
    columns: Vec<Column>,
    cells: Vec<Cell>,
}

impl<'a> Delimited<'a> {
    /// Reads the header.
    pub(super) fn open(input: Text<'a>, limits: &Limits) -> Result<Self, ImportError> {
        let delimiter = delimiter(header_line(input.head()));
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(input);
        let mut record = ByteRecord::new();
        if !reader.read_byte_record(&mut record).map_err(|error| at_row(error, 0))? {
            return Err(ImportError::Empty);
        }
        if record.len() > limits.columns {
            return Err(ImportError::TooManyColumns { most: limits.columns });
        }
        let columns = record.iter().map(|cell| Column::new(&decode(cell).0)).collect();
        reader.get_ref().next_row();
        Ok(Self { reader, record, columns, cells: Vec::new() })
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) fn advance(&mut self, tally: &mut Tally) -> Result<Option<At>, ImportError> {
        loop {
            let more = self.reader.read_byte_record(&mut self.record).map_err(|error| at_row(error, tally.next()))?;
            if !more {
                return Ok(None);
            }
            self.reader.get_ref().next_row();
            // Spreadsheets end in lines of nothing but delimiters; they are no rows.
            if self.record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            let at = tally.row(self.record.position().map(csv::Position::line))?;
            let beyond = self.record.iter().skip(self.columns.len()).find(|cell| !cell.trim_ascii().is_empty());
            if let Some(cell) = beyond {
                let what = format!("{} cells, but the header has {} columns", self.record.len(), self.columns.len());
                tally.refuse(at, 1, Refusal::new(Reason::Malformed, what).value(&decode(cell).0));
                continue;
            }
            self.take_cells(at, tally);
            return Ok(Some(at));
        }
    }

    fn take_cells(&mut self, at: At, tally: &mut Tally) {
        self.cells.clear();
        for cell in self.record.iter().take(self.columns.len()) {
            let (text, utf8) = decode(cell);
            if !utf8 {
                tally.warn(at, Notice::NotUtf8);
            }
            self.cells.push(Cell::of_text(&text));
        }
    }
}

fn at_row(error: csv::Error, row: u64) -> ImportError {
    if !error.is_io_error() {
        return ImportError::Csv { row, source: error };
    }
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ImportError::reading(error, row),
        _ => ImportError::Read(std::io::ErrorKind::Other.into()),
    }
}

/// The first line of some text that is not blank.
pub(super) fn header_line(head: &[u8]) -> &[u8] {
    head.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.trim_ascii().is_empty()).unwrap_or_default()
}

/// The delimiter of a table: of the usual ones, the one most frequent outside quotation marks in its header.
pub(super) fn delimiter(header: &[u8]) -> u8 {
    let mut counts = [(b'\t', 0), (b',', 0), (b';', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in header {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| delimiter == byte).filter(|_| !quoted) {
            *count += 1;
        }
    }
    // The first of equals wins, and `max_by_key` gives the last.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// Finds the column that says each of some things. For every thing there is a list of keys, the best first.
pub(super) fn assign(columns: &[Column], roles: &[&[&str]]) -> Vec<Option<usize>> {
    let mut taken = vec![false; columns.len()];
    roles
        .iter()
        .map(|keys| {
            let best = columns
                .iter()
                .enumerate()
                .filter(|(at, _)| taken.get(*at) == Some(&false))
                .filter_map(|(at, column)| Some((keys.iter().position(|key| *key == column.key)?, at)))
                .min()?;
            if let Some(taken) = taken.get_mut(best.1) {
                *taken = true;
            }
            Some(best.1)
        })
        .collect()
}

/// The names of the first columns, for a message.
pub(super) fn some_names(columns: &[Column]) -> String {
    // A file without a line of names begins with somebody's row: what has digits in it, or is an address, is not told.
    let personal = |name: &str| name.contains('@') || name.contains(char::is_numeric);
    let names = columns.iter().take(12).map(|column| column.name.as_str());
    let names: Vec<&str> = names.map(|name| if personal(name) { "…" } else { super::text::clip(name, 40) }).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_most_frequent_one_outside_quotation_marks() {
        for (header, expected) in [
            ("id\ttitle, long\tprice", b'\t'),
            ("id;title;price", b';'),
            ("\"a;b;c;d\",title", b','),
            ("id|title", b'|'),
            ("id", b'\t'),
        ] {
            assert_eq!(delimiter(header.as_bytes()), expected, "{header}");
        }
    }

    #[test]
    fn the_best_name_wins_and_a_column_says_one_thing() {
        let columns: Vec<_> = ["User ID", "Customer ID", "Order", "Name"].map(Column::new).to_vec();
        let roles: [&[&str]; 3] = [&["customerid", "userid"], &["order", "name"], &["name", "title"]];
        assert_eq!(assign(&columns, &roles), [Some(1), Some(2), Some(3)]);
        let twice: [&[&str]; 2] = [&["name"], &["name"]];
        assert_eq!(assign(&columns, &twice), [Some(3), None]);
    }
}
