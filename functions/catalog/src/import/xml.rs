//! Google Merchant feeds as XML: the items of an RSS 2.0 channel or the entries of an Atom feed, one at a time.
//!
//! The reader knows no entities but those of XML and HTML, and never follows an address, so a document cannot make it
//! grow or call anywhere.

use std::borrow::Cow;
use std::io::BufReader;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::error::{Bound, ImportError};
use super::google::{self, Field, Role};
use super::input::Text;
use super::products::Products;
use super::report::At;
use super::text::{decode, entity_char, key, snake};

/// Most attributes of an item that are looked at.
const FIELDS: usize = 500;
/// Most elements around the items. What is nested deeper counts as one row, which is bounded: the reader remembers the
/// names of open elements.
const DEPTH: usize = 64;

/// An attribute of an item.
struct Element {
    /// Its name without a prefix.
    name: String,
    /// Whether it has a prefix: `g:id` is the shop's, `id` is Atom's.
    prefixed: bool,
    text: String,
}

struct Items<'a> {
    reader: Reader<BufReader<Text<'a>>>,
    buffer: Vec<u8>,
    /// How many elements are open around the items.
    around: usize,
    /// Names of the open elements of the item, the item itself not among them.
    open: Vec<String>,
    fields: Vec<Element>,
}

/// Reads a feed.
pub(super) fn read(input: Text<'_>, products: &mut Products<'_>) -> Result<(), ImportError> {
    let mut reader = Reader::from_reader(BufReader::with_capacity(1 << 16, input));
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.check_comments = false;
    let mut items = Items { reader, buffer: Vec::new(), around: 0, open: Vec::new(), fields: Vec::new() };
    let options = products.options;
    while items.next(products.tally.next())? {
        let at: At = products.tally.row(None)?;
        let row = google::row(items.fields(), options);
        google::take(products, at, row)?;
    }
    Ok(())
}

impl Items<'_> {
    /// Reads up to the end of the next item.
    fn next(&mut self, row: u64) -> Result<bool, ImportError> {
        self.fields.clear();
        self.open.clear();
        let mut inside = false;
        loop {
            if !inside && self.around <= DEPTH {
                self.reader.get_ref().get_ref().next_row();
            }
            self.buffer.clear();
            let position = self.reader.buffer_position();
            let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| failed(error, row, position))?;
            match event {
                Event::Start(start) if inside => begin(&start, &mut self.open, &mut self.fields),
                Event::Start(start) if is_item(&start) => inside = true,
                Event::Start(_) => self.around += 1,
                Event::End(_) if !inside => self.around = self.around.saturating_sub(1),
                Event::Empty(start) if inside => {
                    begin(&start, &mut self.open, &mut self.fields);
                    self.open.pop();
                }
                Event::End(_) if self.open.pop().is_none() => return Ok(true),
                Event::Text(text) if inside => add_text(&mut self.fields, &self.open, &decode(&text).0),
                Event::CData(text) if inside => add_text(&mut self.fields, &self.open, &decode(&text).0),
                Event::GeneralRef(name) if inside => {
                    let name = decode(&name).0;
                    let text = entity_char(&name).map_or_else(|| format!("&{name};"), String::from);
                    add_text(&mut self.fields, &self.open, &text);
                }
                Event::Eof if inside => return Err(ImportError::XmlEnds { row }),
                Event::Eof => return Ok(false),
                _ => {}
            }
        }
    }

    /// The attributes of the item; where one is given with and without a prefix, the one with it counts.
    fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        let shadowed = |element: &Element| {
            !element.prefixed && self.fields.iter().any(|other| other.prefixed && other.name == element.name)
        };
        let roles = self.fields.iter().map(|element| (element, Role::of(&key(&element.name))));
        let has_id = self.fields.iter().any(|element| element.name == "id");
        roles.filter(move |(element, _)| !shadowed(element)).filter_map(move |(element, role)| {
            let value = element.text.trim();
            let role = match role {
                Role::Id if has_id && element.name != "id" => Role::Envelope,
                role => role,
            };
            (!value.is_empty()).then(|| Field { role, name: &element.name, value: Cow::Borrowed(value) })
        })
    }
}

fn failed(error: quick_xml::Error, row: u64, position: u64) -> ImportError {
    match error {
        quick_xml::Error::Io(error) => match Bound::within(&error) {
            Some(bound) => bound.at(row),
            None => ImportError::Read(std::io::Error::new(error.kind(), error.to_string())),
        },
        source => ImportError::Xml { row, position, source },
    }
}

fn is_item(start: &BytesStart<'_>) -> bool {
    matches!(start.local_name().as_ref(), b"item" | b"entry")
}

/// An element of an item begins. One inside another adds to it, parted by a colon, as the same attribute is written in a
/// table: `<shipping><country>FR</country><price>5 EUR</price></shipping>` is `FR:5 EUR`.
fn begin(start: &BytesStart<'_>, open: &mut Vec<String>, fields: &mut Vec<Element>) {
    let full = start.name();
    let local = start.local_name();
    let name = snake(&decode(local.as_ref()).0);
    let prefixed = full.as_ref().len() != local.as_ref().len();
    let depth = open.len();
    open.push(name.clone());
    if depth == 0 {
        fields.truncate(FIELDS - 1);
        fields.push(Element { name, prefixed, text: link_target(start) });
    } else if depth == 1
        && let Some(field) = fields.last_mut().filter(|field| !field.text.trim().is_empty())
    {
        field.text.truncate(field.text.trim_end().len());
        field.text.push(':');
    }
}

/// Where an Atom link leads; empty for anything else, and for links to something that is not the product's page.
fn link_target(start: &BytesStart<'_>) -> String {
    let attribute = |name: &[u8]| {
        let mut attributes = start.attributes();
        let found = attributes.with_checks(false).flatten().find(|attribute| attribute.key.as_ref() == name)?;
        Some(super::text::unescape(&decode(&found.value).0))
    };
    if start.local_name().as_ref() != b"link" || attribute(b"rel").is_some_and(|rel| rel != "alternate") {
        return String::new();
    }
    attribute(b"href").unwrap_or_default()
}

fn add_text(fields: &mut [Element], open: &[String], text: &str) {
    // White space between nested elements is layout.
    let Some(field) = fields.last_mut().filter(|_| !open.is_empty()) else {
        return;
    };
    if !(field.text.ends_with(':') && text.trim().is_empty()) {
        field.text.push_str(text);
    }
}
