//! The directory at the end of a Parquet file, looked at before the library reads it: for each group of columns the library
//! makes room for as many as the group says it has, goes as deep as groups lie in each other, and writes the names of all of
//! them before each of their columns; and lists that it does not know it counts to their end, however long they say they are.
//! Otherwise it takes about fifty times the bytes of the directory at most.
//!
//! The format: <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use std::io::{self, Read};

use parquet::file::metadata::FooterTail;

use super::thrift::{Kind, Shape, Thrift, damaged, numbered};
use crate::import::error::{Bound, ImportError};
use crate::import::input::Seekable;
use crate::import::options::Limits;

/// Bytes of a directory.
const MOST: u64 = 4 << 20;
/// Bytes of a name in the schema.
const NAME: u64 = 1 << 10;
/// Groups of columns that lie in each other.
const DEPTH: usize = 16;

/// Whether the library can read the directory.
pub(super) fn check(source: &Seekable, limits: &Limits) -> Result<(), ImportError> {
    read(source, limits.columns).map_err(|error| ImportError::in_parquet(error, 1))
}

fn read(source: &Seekable, columns: usize) -> io::Result<()> {
    // Its length, and `PAR1`.
    let mut tail = [0; 8];
    let end = source.size()?.checked_sub(tail.len() as u64).ok_or_else(damaged)?;
    source.read_at(end)?.read_exact(&mut tail)?;
    let tail = FooterTail::try_new(&tail).map_err(io::Error::other)?;
    if tail.is_encrypted_footer() {
        return Err(io::Error::other("it is encrypted"));
    }
    let length = tail.metadata_length() as u64;
    if length > MOST {
        return Err(io::Error::other(format!("its directory is longer than {MOST} bytes")));
    }
    let begin = end.checked_sub(length).ok_or_else(damaged)?;
    let mut thrift = Thrift::new(source.read_at(begin)?, length);
    // The version comes first, and then the schema.
    if thrift.field(0)? != Some((1, Kind::Number)) {
        return Err(damaged());
    }
    thrift.int()?;
    if thrift.field(1)? != Some((2, Kind::List)) {
        return Err(damaged());
    }
    schema(&mut thrift, columns)?;
    thrift.fields_after(2, |thrift, id, kind| thrift.check(kind, numbered(&DIRECTORY, id)))
}

/// A list of groups and columns, a group before what it holds.
fn schema<R: Read>(thrift: &mut Thrift<R>, columns: usize) -> io::Result<()> {
    let (kind, count) = thrift.list()?;
    if kind != Kind::Struct {
        return Err(damaged());
    }
    if count > 4 * columns as u64 {
        return Err(io::Error::other(Bound::Columns(columns)));
    }
    // How many are still to come of each group that is not over.
    let mut open: Vec<u64> = Vec::new();
    for _ in 0..count {
        let children = element(thrift)?;
        if children > count || open.len() > DEPTH {
            return Err(damaged());
        }
        if children > 0 {
            open.push(children);
            continue;
        }
        while let Some(left) = open.last_mut() {
            *left -= 1;
            if *left > 0 {
                break;
            }
            open.pop();
        }
    }
    Ok(())
}

/// Reads a group or column; how many there are in the group.
fn element<R: Read>(thrift: &mut Thrift<R>) -> io::Result<u64> {
    let mut children = 0;
    thrift.fields(|thrift, id, kind| match (id, kind) {
        (4, Kind::Binary) => {
            let length = thrift.varint()?;
            if length > NAME { Err(damaged()) } else { thrift.pass(length) }
        }
        (5, Kind::Number) => thrift.number().map(|number| children = number),
        _ => thrift.check(kind, numbered(&ELEMENT, id)),
    })?;
    Ok(children)
}

const BOOL: Option<Shape> = Some(Shape::Of(Kind::Bool));
const BYTE: Option<Shape> = Some(Shape::Of(Kind::Byte));
const NUMBER: Option<Shape> = Some(Shape::Of(Kind::Number));
const DOUBLE: Option<Shape> = Some(Shape::Of(Kind::Double));
const BINARY: Option<Shape> = Some(Shape::Of(Kind::Binary));
const EMPTY: Option<Shape> = Some(Shape::Struct(&[]));
const NUMBERS: Option<Shape> = Some(Shape::List(&Shape::Of(Kind::Number)));

/// `FileMetaData`; its schema is read apart.
const DIRECTORY: [Option<Shape>; 7] = [
    NUMBER,
    None,
    NUMBER,
    Some(Shape::List(&ROW_GROUP)),
    Some(Shape::List(&Shape::Struct(&[BINARY, BINARY]))),
    BINARY,
    Some(Shape::List(&Shape::Struct(&[EMPTY, EMPTY, EMPTY]))),
];

/// `SchemaElement`.
const ELEMENT: [Option<Shape>; 10] =
    [NUMBER, NUMBER, NUMBER, BINARY, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, Some(LOGICAL_TYPE)];

const LOGICAL_TYPE: Shape = {
    const DECIMAL: Option<Shape> = Some(Shape::Struct(&[NUMBER, NUMBER]));
    const TIME: Option<Shape> = Some(Shape::Struct(&[BOOL, Some(Shape::Struct(&[EMPTY, EMPTY, EMPTY]))]));
    const INTEGER: Option<Shape> = Some(Shape::Struct(&[BYTE, BOOL]));
    const VARIANT: Option<Shape> = Some(Shape::Struct(&[BYTE]));
    const GEOMETRY: Option<Shape> = Some(Shape::Struct(&[BINARY]));
    const GEOGRAPHY: Option<Shape> = Some(Shape::Struct(&[BINARY, NUMBER]));
    Shape::Struct(&[
        EMPTY, EMPTY, EMPTY, EMPTY, DECIMAL, EMPTY, TIME, TIME, None, INTEGER, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY,
        VARIANT, GEOMETRY, GEOGRAPHY, EMPTY,
    ])
};

const ROW_GROUP: Shape = Shape::Struct(&[
    Some(Shape::List(&COLUMN)),
    NUMBER,
    NUMBER,
    Some(Shape::List(&Shape::Struct(&[NUMBER, BOOL, BOOL]))),
    NUMBER,
    None,
    NUMBER,
]);

/// `ColumnChunk`.
const COLUMN: Shape = Shape::Struct(&[BINARY, NUMBER, Some(COLUMN_DATA), NUMBER, NUMBER, NUMBER, NUMBER]);

/// `ColumnMetaData`.
const COLUMN_DATA: Shape = {
    const STATISTICS: Shape = Shape::Struct(&[BINARY, BINARY, NUMBER, NUMBER, BINARY, BINARY, BOOL, BOOL, NUMBER]);
    const BOX: Shape = Shape::Struct(&[DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE]);
    Shape::Struct(&[
        NUMBER,
        NUMBERS,
        None,
        NUMBER,
        NUMBER,
        NUMBER,
        NUMBER,
        None,
        NUMBER,
        NUMBER,
        NUMBER,
        Some(STATISTICS),
        Some(Shape::List(&Shape::Struct(&[NUMBER, NUMBER, NUMBER]))),
        NUMBER,
        NUMBER,
        Some(Shape::Struct(&[NUMBER, NUMBERS, NUMBERS])),
        Some(Shape::Struct(&[Some(BOX), NUMBERS])),
    ])
};
