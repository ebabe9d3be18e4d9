//! Rows of a Parquet file, a batch of each column at a time. Columns are flat; those that hold lists or structures are
//! passed over.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use vitrine_domain::Millis;
use vitrine_domain::time::DAY;

use super::cell::Cell;
use super::error::ImportError;
use super::input::Seekable;
use super::options::Limits;
use super::report::{At, Notice, Tally};
use super::table::Column;
use super::text::decode;

/// Rows that are read of each column at a time.
const BATCH: usize = 1024;

/// Rows of a Parquet file.
pub(super) struct ParquetRows {
    file: Box<dyn FileReader>,
    columns: Vec<Column>,
    /// The place of each column among the leaves of the schema, and what the schema says of it.
    leaves: Vec<(usize, Kind)>,
    nested: usize,
    group: usize,
    readers: Vec<ColumnReader>,
    left_in_group: usize,
    /// What is left of the batch, by column, the next row last.
    batch: Vec<Vec<Cell>>,
    cells: Vec<Cell>,
}

impl ParquetRows {
    /// Reads the directory of the file.
    pub(super) fn open(source: Seekable, limits: &Limits) -> Result<Self, ImportError> {
        let file = guarded(1, || -> Result<Box<dyn FileReader>, ParquetError> {
            Ok(match source {
                Seekable::File(file) => Box::new(SerializedFileReader::new(file)?),
                Seekable::Bytes(bytes) => Box::new(SerializedFileReader::new(bytes)?),
            })
        })?;
        let size: i64 = file.metadata().row_groups().iter().map(|group| group.total_byte_size().max(0)).sum();
        if u64::try_from(size).unwrap_or(u64::MAX) > limits.input_bytes {
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
        let columns = leaves.iter().map(|(leaf, _)| Column::new(schema.column(*leaf).name())).collect();
        let nested = schema.num_columns() - leaves.len();
        let (readers, batch, cells) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { file, columns, leaves, nested, group: 0, readers, left_in_group: 0, batch, cells })
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
        while self.batch.first().is_none_or(Vec::is_empty) {
            if !self.next_batch(tally.next())? {
                return Ok(None);
            }
        }
        let at = tally.row(None)?;
        self.cells.clear();
        self.cells.extend(self.batch.iter_mut().map(|column| column.pop().unwrap_or_default()));
        Ok(Some(at))
    }

    fn next_batch(&mut self, row: u64) -> Result<bool, ImportError> {
        if self.left_in_group == 0 {
            if self.leaves.is_empty() || self.group >= self.file.num_row_groups() {
                return Ok(false);
            }
            self.open_group(row)?;
        }
        let most = BATCH.min(self.left_in_group);
        let columns = self.readers.iter_mut().zip(&self.leaves);
        self.batch = guarded(row, || columns.map(|(reader, (_, kind))| cells(reader, kind, most)).collect())?;
        if self.batch.iter().any(|column| column.len() != most) {
            return Err(ImportError::Parquet { row, source: "its columns differ in length".into() });
        }
        self.left_in_group -= most;
        Ok(true)
    }

    fn open_group(&mut self, row: u64) -> Result<(), ImportError> {
        let (file, group, leaves) = (&self.file, self.group, &self.leaves);
        let (readers, rows) = guarded(row, || {
            let group = file.get_row_group(group)?;
            let readers =
                leaves.iter().map(|(leaf, _)| group.get_column_reader(*leaf)).collect::<Result<Vec<_>, _>>()?;
            Ok((readers, group.metadata().num_rows()))
        })?;
        self.readers = readers;
        self.left_in_group = usize::try_from(rows).unwrap_or(0);
        self.group += 1;
        Ok(())
    }
}

/// Calls into the Parquet library, which may panic on a damaged file.
fn guarded<T>(row: u64, call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ImportError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(ImportError::Parquet { row, source: Box::new(error) }),
        Err(_) => Err(ImportError::Parquet { row, source: "it is damaged".into() }),
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

/// The next cells of a column, the last first.
fn cells(reader: &mut ColumnReader, kind: &Kind, most: usize) -> Result<Vec<Cell>, ParquetError> {
    let optional = kind.optional;
    match reader {
        ColumnReader::BoolColumnReader(reader) => read(reader, optional, most, Cell::Bool),
        ColumnReader::Int32ColumnReader(reader) => read(reader, optional, most, |value| int32(kind, value)),
        ColumnReader::Int64ColumnReader(reader) => read(reader, optional, most, |value| int64(kind, value)),
        ColumnReader::Int96ColumnReader(reader) => {
            read(reader, optional, most, |value| Cell::Time(Millis(value.to_millis())))
        }
        // By way of its shortest text, so that 2.49 stays 2.49.
        ColumnReader::FloatColumnReader(reader) => {
            read(reader, optional, most, |value| float(value.to_string().parse().ok()))
        }
        ColumnReader::DoubleColumnReader(reader) => read(reader, optional, most, |value| float(Some(value))),
        ColumnReader::ByteArrayColumnReader(reader) => read(reader, optional, most, |value| bytes(kind, &value)),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            read(reader, optional, most, |value| bytes(kind, &ByteArray::from(value)))
        }
    }
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    optional: bool,
    most: usize,
    cell: impl Fn(T::T) -> Cell,
) -> Result<Vec<Cell>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::with_capacity(most));
    let (rows, _, _) = reader.read_records(most, optional.then_some(&mut levels), None, &mut values)?;
    let mut values = values.into_iter();
    let mut next = || values.next().map_or(Cell::Empty, &cell);
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
pub(super) mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use parquet::data_type::{BoolType, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
    use parquet::schema::parser::parse_message_type;
    use proptest::prelude::*;

    use super::*;
    use crate::import::format::Format;

    /// Writes the next column; `None` is a missing value.
    pub(in crate::import) fn column<T: DataType>(
        group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
        values: &[Option<T::T>],
        optional: bool,
    ) {
        let mut writer = group.next_column().unwrap().unwrap();
        let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
        let present: Vec<_> = values.iter().flatten().cloned().collect();
        let first = vec![0; values.len()];
        writer.typed::<T>().write_batch(&present, optional.then_some(&levels), Some(&first)).unwrap();
        writer.close().unwrap();
    }

    /// A file of the given schema, its row groups written by `write`.
    pub(in crate::import) fn file(
        schema: &str,
        groups: usize,
        write: impl Fn(usize, &mut SerializedRowGroupWriter<'_, Vec<u8>>),
    ) -> Bytes {
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
        for at in 0..groups {
            let mut group = writer.next_row_group().unwrap();
            write(at, &mut group);
            group.close().unwrap();
        }
        Bytes::from(writer.into_inner().unwrap())
    }

    pub(in crate::import) fn text(text: &str) -> Option<ByteArray> {
        Some(ByteArray::from(text))
    }

    fn rows(bytes: &Bytes) -> Result<Vec<Vec<Cell>>, ImportError> {
        let mut tally = Tally::new(Format::Parquet, 10_000);
        let mut rows = ParquetRows::open(Seekable::Bytes(bytes.clone()), &Limits::default())?;
        let mut all = Vec::new();
        while rows.advance(&mut tally)?.is_some() {
            all.push(rows.cells().to_vec());
        }
        Ok(all)
    }

    fn sample() -> Bytes {
        let schema = "message m {
            optional binary name (UTF8); required int64 n; optional double price; optional float small;
            required int32 day (DATE); required int64 at (TIMESTAMP(NANOS,true)); optional int32 amount (DECIMAL(9,2));
            required boolean yes; optional binary big (DECIMAL(20,2));
            optional group tags (LIST) { repeated group list { optional binary element (UTF8); } }
        }";
        file(schema, 2, |at, group| {
            column::<ByteArrayType>(group, &[text("A"), None], true);
            column::<Int64Type>(group, &[Some(i64::try_from(at).unwrap()), Some(-7)], false);
            column::<DoubleType>(group, &[Some(2.5), Some(f64::NAN)], true);
            column::<FloatType>(group, &[Some(2.49), None], true);
            column::<Int32Type>(group, &[Some(1), Some(-1)], false);
            column::<Int64Type>(group, &[Some(1_500_000_000), Some(0)], false);
            column::<Int32Type>(group, &[Some(1234), None], true);
            column::<BoolType>(group, &[Some(true), Some(false)], false);
            column::<ByteArrayType>(group, &[Some(ByteArray::from(vec![0xff, 0x85])), None], true);
            column::<ByteArrayType>(group, &[None, None], true);
        })
    }

    #[test]
    fn every_kind_of_column_becomes_a_cell() {
        let found = rows(&sample()).unwrap();
        let first = vec![
            Cell::Text("A".into()),
            Cell::Integer(0),
            Cell::Number(2.5),
            Cell::Number(2.49),
            Cell::Time(Millis(DAY)),
            Cell::Time(Millis(1_500)),
            Cell::Number(12.34),
            Cell::Bool(true),
            Cell::Number(-1.23),
        ];
        let empty = Cell::Empty;
        let second = [
            empty.clone(),
            Cell::Integer(-7),
            empty.clone(),
            empty.clone(),
            Cell::Time(Millis(-DAY)),
            Cell::Time(Millis(0)),
            empty.clone(),
            Cell::Bool(false),
            empty,
        ];
        assert_eq!(found.len(), 4);
        assert_eq!(found.first(), Some(&first));
        assert_eq!(found.get(1).map(Vec::as_slice), Some(&second[..]));
        assert_eq!(found.get(2).and_then(|row| row.get(1)), Some(&Cell::Integer(1)));
    }

    #[test]
    fn more_rows_than_a_batch_come_in_order() {
        let numbers: Vec<_> = (0..3000).map(Some).collect();
        let bytes = file("message m { required int64 n; }", 1, |_, group| column::<Int64Type>(group, &numbers, false));
        let expected: Vec<_> = (0..3000).map(|n| vec![Cell::Integer(n)]).collect();
        assert_eq!(rows(&bytes).unwrap(), expected);
    }

    #[test]
    fn what_is_no_parquet_is_an_error() {
        for bytes in [&b"PAR1"[..], b"PAR1 and so on", b"PAR1\0\0\0\0PAR1"] {
            assert!(matches!(rows(&Bytes::from_static(bytes)), Err(ImportError::Parquet { row: 1, .. })));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn a_damaged_file_is_an_error_or_other_rows_but_no_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut bytes = sample().to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = rows(&Bytes::from(bytes));
        }
    }
}
