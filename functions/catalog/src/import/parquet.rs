//! Rows of a Parquet file: numbers a batch of each column at a time, texts one by one, because a few bytes of the file can
//! stand for any number of long ones. Columns are flat; those that hold lists or structures are passed over.
//!
//! The library makes room for whatever a file says of itself. What would be too much is found before: in the directory of the file
//! ([`directory`]), in the headers of its pages ([`pages`]), and in lists within them ([`lengths`]).

mod directory;
mod lengths;
mod pages;
mod thrift;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use vitrine_domain::Millis;
use vitrine_domain::time::DAY;
use vitrine_runtime::telemetry;

use super::cell::Cell;
use super::error::ImportError;
use super::input::Seekable;
use super::options::Limits;
use super::report::{At, Notice, Tally};
use super::table::Column;
use super::text::decode;
use lengths::Lengths;

/// Rows that are read of a column of numbers at a time.
const BATCH: usize = 1024;

/// Rows of a Parquet file.
pub(super) struct ParquetRows {
    source: Seekable,
    file: Box<dyn FileReader>,
    columns: Vec<Column>,
    /// The place of each column among the leaves of the schema, and what the schema says of it.
    leaves: Vec<(usize, Kind)>,
    nested: usize,
    limits: Limits,
    /// Bytes that the pages so far unpack to.
    total: u64,
    group: usize,
    readers: Vec<ColumnReader>,
    left_in_group: usize,
    /// What is read already, by column, the next row last.
    ahead: Vec<Vec<Cell>>,
    cells: Vec<Cell>,
}

impl ParquetRows {
    /// Reads the directory of the file.
    pub(super) fn open(source: Seekable, limits: &Limits) -> Result<Self, ImportError> {
        directory::check(&source, limits)?;
        let handle = source.try_clone().map_err(ImportError::Read)?;
        let file = guarded(1, || -> Result<Box<dyn FileReader>, ParquetError> {
            Ok(match handle {
                Seekable::File(file) => Box::new(SerializedFileReader::new(file)?),
                Seekable::Bytes(bytes) => Box::new(SerializedFileReader::new(bytes)?),
            })
        })?;
        let sizes =
            file.metadata().row_groups().iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0));
        if sizes.fold(0, u64::saturating_add) > limits.input_bytes {
            return Err(ImportError::TooLarge { most: limits.input_bytes });
        }
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        let flat = |column: &ColumnDescriptor| column.max_rep_level() == 0 && column.path().parts().len() == 1;
        let leaves: Vec<_> = (0..schema.num_columns())
            .filter(|leaf| flat(&schema.column(*leaf)))
            .map(|leaf| (leaf, Kind::of(&schema.column(leaf))))
            .collect();
        if leaves.len() > limits.columns {
            return Err(ImportError::TooManyColumns { most: limits.columns });
        }
        // Texts of one length, for one of which the library makes room before it looks for it.
        let longest =
            leaves.iter().filter_map(|(leaf, _)| u64::try_from(schema.column(*leaf).type_length()).ok()).max();
        if longest.is_some_and(|longest| longest > limits.row_bytes) {
            return Err(ImportError::RowTooLong { row: 1, most: limits.row_bytes });
        }
        let columns = leaves.iter().map(|(leaf, _)| Column::new(schema.column(*leaf).name())).collect();
        let nested = schema.num_columns() - leaves.len();
        let ahead = leaves.iter().map(|_| Vec::new()).collect();
        Ok(Self {
            source,
            file,
            columns,
            leaves,
            nested,
            limits: limits.clone(),
            total: 0,
            group: 0,
            readers: Vec::new(),
            left_in_group: 0,
            ahead,
            cells: Vec::new(),
        })
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) fn advance(&mut self, tally: &mut Tally) -> Result<Option<At>, ImportError> {
        if self.nested > 0 {
            tally.warn(At::default(), Notice::NestedColumn);
            self.nested = 0;
        }
        while self.left_in_group == 0 {
            if self.leaves.is_empty() || self.group >= self.file.num_row_groups() {
                return Ok(None);
            }
            self.open_group(tally.next())?;
        }
        self.read_cells(tally.next())?;
        self.left_in_group -= 1;
        Ok(Some(tally.row(None)?))
    }

    /// Reads the next row.
    fn read_cells(&mut self, row: u64) -> Result<(), ImportError> {
        self.cells.clear();
        let most_bytes = self.limits.row_bytes;
        let mut room = Room(Some(most_bytes));
        for ((reader, (_, kind)), ahead) in self.readers.iter_mut().zip(&self.leaves).zip(&mut self.ahead) {
            if ahead.is_empty() {
                let most = if is_text(reader) { 1 } else { BATCH.min(self.left_in_group) };
                *ahead = cells(reader, kind, Batch { row, most }, &mut room)?;
                if ahead.len() != most {
                    return Err(ImportError::Parquet { row, source: "its columns differ in length".into() });
                }
            }
            self.cells.extend(ahead.pop());
        }
        if room.0.is_none() {
            return Err(ImportError::RowTooLong { row, most: most_bytes });
        }
        Ok(())
    }

    fn open_group(&mut self, row: u64) -> Result<(), ImportError> {
        // The pages of the group before are not held beside those of this one.
        self.readers.clear();
        self.ahead.iter_mut().for_each(Vec::clear);
        let (file, leaves) = (&self.file, &self.leaves);
        let group = file.metadata().row_group(self.group);
        let columns = leaves.iter().map(|(leaf, _)| *leaf);
        pages::check(&self.source, group, columns, &self.limits, &mut self.total, row)?;
        self.readers = guarded(row, || {
            let group = file.get_row_group(self.group)?;
            let reader = |(leaf, kind): &(usize, Kind)| {
                let pages = Lengths::new(group.get_column_page_reader(*leaf)?, kind.optional);
                Ok(get_column_reader(group.metadata().schema_descr().column(*leaf), Box::new(pages)))
            };
            leaves.iter().map(reader).collect()
        })?;
        self.left_in_group = usize::try_from(group.num_rows()).unwrap_or(0);
        self.group += 1;
        Ok(())
    }
}

/// Calls into the Parquet library, and nothing of ours besides: it may panic on a damaged file.
fn guarded<T>(row: u64, call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ImportError> {
    match telemetry::may_panic("the Parquet library", call) {
        Some(Ok(value)) => Ok(value),
        Some(Err(ParquetError::External(error))) => Err(ImportError::Parquet { row, source: error }),
        Some(Err(error)) => Err(ImportError::Parquet { row, source: Box::new(error) }),
        None => Err(ImportError::Parquet { row, source: "it is damaged".into() }),
    }
}

/// How many cells are read, and of which row the first is.
#[derive(Clone, Copy)]
struct Batch {
    row: u64,
    most: usize,
}

/// Bytes that a row may still have; none once it had more.
struct Room(Option<u64>);

impl Room {
    /// Whether so many more fit in.
    fn takes(&mut self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.0 = self.0.and_then(|left| left.checked_sub(bytes));
        self.0.is_some()
    }
}

/// What the schema says of a column's values.
struct Kind {
    logical: Option<LogicalType>,
    converted: ConvertedType,
    scale: i32,
    optional: bool,
}

impl Kind {
    fn of(column: &ColumnDescriptor) -> Self {
        Self {
            logical: column.logical_type_ref().cloned(),
            converted: column.converted_type(),
            scale: column.type_scale(),
            optional: column.max_def_level() > 0,
        }
    }
}

/// Whether a column's values have any length.
const fn is_text(reader: &ColumnReader) -> bool {
    matches!(reader, ColumnReader::ByteArrayColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_))
}

/// The next cells of a column, the last first. Texts for which there is no room are not copied.
fn cells(reader: &mut ColumnReader, kind: &Kind, batch: Batch, room: &mut Room) -> Result<Vec<Cell>, ImportError> {
    let mut bytes = |value: ByteArray| if room.takes(value.len()) { bytes(kind, &value) } else { Cell::Empty };
    let optional = kind.optional;
    match reader {
        ColumnReader::BoolColumnReader(reader) => read(reader, optional, batch, Cell::Bool),
        ColumnReader::Int32ColumnReader(reader) => read(reader, optional, batch, |value| int32(kind, value)),
        ColumnReader::Int64ColumnReader(reader) => read(reader, optional, batch, |value| int64(kind, value)),
        ColumnReader::Int96ColumnReader(reader) => {
            read(reader, optional, batch, |value| Cell::Time(Millis(value.to_millis())))
        }
        // By way of its shortest text, so that 2.49 stays 2.49.
        ColumnReader::FloatColumnReader(reader) => {
            read(reader, optional, batch, |value| float(value.to_string().parse().ok()))
        }
        ColumnReader::DoubleColumnReader(reader) => read(reader, optional, batch, |value| float(Some(value))),
        ColumnReader::ByteArrayColumnReader(reader) => read(reader, optional, batch, bytes),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            read(reader, optional, batch, |value| bytes(ByteArray::from(value)))
        }
    }
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    optional: bool,
    Batch { row, most }: Batch,
    mut cell: impl FnMut(T::T) -> Cell,
) -> Result<Vec<Cell>, ImportError> {
    let (mut levels, mut values) = (Vec::new(), Vec::with_capacity(most));
    let (rows, _, _) = guarded(row, || reader.read_records(most, optional.then_some(&mut levels), None, &mut values))?;
    let mut values = values.into_iter();
    let mut next = || values.next().map_or(Cell::Empty, &mut cell);
    let mut cells: Vec<_> = if optional {
        levels.iter().map(|level| if *level > 0 { next() } else { Cell::Empty }).collect()
    } else {
        (0..rows).map(|_| next()).collect()
    };
    cells.reverse();
    Ok(cells)
}

fn int32(kind: &Kind, value: i32) -> Cell {
    match kind.converted {
        ConvertedType::DATE => Cell::Time(Millis(i64::from(value).saturating_mul(DAY))),
        ConvertedType::DECIMAL => scaled(i128::from(value), kind.scale),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 => {
            Cell::Integer(i64::from(value.cast_unsigned()))
        }
        _ => Cell::Integer(i64::from(value)),
    }
}

fn int64(kind: &Kind, value: i64) -> Cell {
    match (&kind.logical, kind.converted) {
        (Some(LogicalType::Timestamp(timestamp)), _) => Cell::Time(Millis(match timestamp.unit {
            TimeUnit::MILLIS => value,
            TimeUnit::MICROS => value.div_euclid(1_000),
            TimeUnit::NANOS => value.div_euclid(1_000_000),
        })),
        (_, ConvertedType::TIMESTAMP_MILLIS) => Cell::Time(Millis(value)),
        (_, ConvertedType::TIMESTAMP_MICROS) => Cell::Time(Millis(value.div_euclid(1_000))),
        (_, ConvertedType::DECIMAL) => scaled(i128::from(value), kind.scale),
        _ => Cell::Integer(value),
    }
}

fn float(value: Option<f64>) -> Cell {
    value.filter(|value| value.is_finite()).map_or(Cell::Empty, Cell::Number)
}

fn bytes(kind: &Kind, value: &ByteArray) -> Cell {
    let bytes = value.data();
    if kind.converted != ConvertedType::DECIMAL {
        return Cell::of_text(&decode(bytes).0);
    }
    if bytes.is_empty() || bytes.len() > 16 {
        return Cell::Empty;
    }
    // Two's complement, the highest byte first.
    let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
    scaled(bytes.iter().fold(sign, |number: i128, byte| (number << 8) | i128::from(*byte)), kind.scale)
}

/// A whole number of parts, by way of its decimal text, so that no digit is lost twice.
fn scaled(unscaled: i128, scale: i32) -> Cell {
    float(format!("{unscaled}e{}", scale.saturating_neg()).parse().ok())
}

#[cfg(test)]
pub(super) mod tests;
