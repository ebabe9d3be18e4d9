//! Rows of JSON: as objects, and as a table.

use std::io::BufReader;

use serde_json::{Map, Value};

use super::cell::Cell;
use super::elements::{Elements, Piece};
use super::error::ImportError;
use super::input::Text;
use super::report::{At, Notice, Reason, Refusal, Tally};
use super::table::Column;

/// An object and where it stands.
pub(super) type Found = (At, Map<String, Value>);

/// Rows of JSON as objects.
pub(super) struct Objects<'a> {
    elements: Elements<BufReader<Text<'a>>>,
    bytes: Vec<u8>,
}

impl<'a> Objects<'a> {
    pub(super) fn open(input: Text<'a>, lines: bool, row_bytes: u64, wrappers: &'static [&'static str]) -> Self {
        let most = usize::try_from(row_bytes).unwrap_or(usize::MAX);
        let input = BufReader::with_capacity(1 << 16, input);
        Self { elements: Elements::new(input, lines, most, wrappers), bytes: Vec::new() }
    }

    /// The next object; whatever else stands there is refused on the way.
    pub(super) fn advance(&mut self, tally: &mut Tally) -> Result<Option<Found>, ImportError> {
        while let Some((line, piece)) = self.elements.advance(&mut self.bytes, tally.next())? {
            let at = tally.row(Some(line))?;
            match self.parse(piece) {
                Ok(object) => return Ok(Some((at, object))),
                Err(refusal) => tally.refuse(at, 1, refusal),
            }
        }
        Ok(None)
    }

    fn parse(&self, piece: Piece) -> Result<Map<String, Value>, Refusal> {
        if piece == Piece::TooLong {
            return Err(Refusal::new(Reason::TooLong, "the object is longer than allowed"));
        }
        match serde_json::from_slice(&self.bytes) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::new(Reason::Malformed, "this is no object")),
            Err(error) => {
                let start = super::text::decode(self.bytes.get(..200).unwrap_or(&self.bytes)).0;
                // The position counts within the row, which misleads.
                let what = error.to_string();
                let what = what.split(" at line ").next().unwrap_or_default();
                Err(Refusal::new(Reason::Malformed, format!("this is not JSON: {what}")).value(&start))
            }
        }
    }
}

/// Most columns that a table of JSON objects may grow to.
const COLUMNS: usize = 1_000;

/// Rows of JSON as a table. Structures are laid flat one level deep: the member `city` of `address` is the column
/// `address_city`; those of `traits` and `properties` are columns by themselves.
pub(super) struct JsonRows<'a> {
    objects: Objects<'a>,
    columns: Vec<Column>,
    cells: Vec<Cell>,
}

impl<'a> JsonRows<'a> {
    pub(super) const fn new(objects: Objects<'a>) -> Self {
        Self { objects, columns: Vec::new(), cells: Vec::new() }
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) fn advance(&mut self, tally: &mut Tally) -> Result<Option<At>, ImportError> {
        let Some((at, object)) = self.objects.advance(tally)? else {
            return Ok(None);
        };
        self.cells.clear();
        self.cells.resize(self.columns.len(), Cell::Empty);
        for (name, value) in object {
            match value {
                Value::Object(inner) => {
                    let within = if name == "traits" || name == "properties" { String::new() } else { name + "_" };
                    for (name, value) in inner {
                        self.set(&format!("{within}{name}"), value, at, tally);
                    }
                }
                value => self.set(&name, value, at, tally),
            }
        }
        Ok(Some(at))
    }

    fn set(&mut self, name: &str, value: Value, at: At, tally: &mut Tally) {
        let cell = Cell::of_json(value);
        if cell.is_empty() {
            return;
        }
        let known = self.columns.iter().position(|column| column.name == name);
        let index = known.unwrap_or(self.columns.len());
        if known.is_none() {
            if self.columns.len() >= COLUMNS {
                return tally.warn(at, Notice::AttributesLeftOut);
            }
            self.columns.push(Column { name: name.to_owned(), ..Column::new(name) });
            self.cells.push(Cell::Empty);
        }
        if let Some(slot) = self.cells.get_mut(index) {
            *slot = cell;
        }
    }
}
