//! Parquet files: honest, damaged and hostile ones.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{BoolType, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;
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
    file_as(WriterProperties::builder().set_compression(Compression::SNAPPY), schema, groups, write)
}

fn file_as(
    properties: WriterPropertiesBuilder,
    schema: &str,
    groups: usize,
    write: impl Fn(usize, &mut SerializedRowGroupWriter<'_, Vec<u8>>),
) -> Bytes {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
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
    rows_within(bytes, &Limits::default())
}

fn rows_within(bytes: &Bytes, limits: &Limits) -> Result<Vec<Vec<Cell>>, ImportError> {
    let mut tally = Tally::new(Format::Parquet, 10_000);
    let mut rows = ParquetRows::open(Seekable::Bytes(bytes.clone()), limits)?;
    let mut all = Vec::new();
    while rows.advance(&mut tally)?.is_some() {
        all.push(rows.cells().to_vec());
    }
    Ok(all)
}

fn sample() -> Bytes {
    sample_as(WriterProperties::builder().set_compression(Compression::SNAPPY))
}

fn sample_as(properties: WriterPropertiesBuilder) -> Bytes {
    let schema = "message m {
        optional binary name (UTF8); required int64 n; optional double price; optional float small;
        required int32 day (DATE); required int64 at (TIMESTAMP(NANOS,true)); optional int32 amount (DECIMAL(9,2));
        required boolean yes; optional binary big (DECIMAL(20,2));
        optional group tags (LIST) { repeated group list { optional binary element (UTF8); } }
    }";
    file_as(properties, schema, 2, |at, group| {
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
fn a_row_is_bounded_however_few_bytes_of_the_file_stand_for_it() {
    let schema = "message m { required binary a (UTF8); optional binary b (UTF8); required int32 n; }";
    let of = |a: &str, b: &str| {
        let count = 2000;
        file(schema, 1, |_, group| {
            column::<ByteArrayType>(group, &vec![text(a); count], false);
            column::<ByteArrayType>(group, &vec![text(b); count], true);
            column::<Int32Type>(group, &vec![Some(1); count], false);
        })
    };
    // Written once, in the dictionary of the column.
    let long = "x".repeat(600_000);
    let bytes = of("a", &long);
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    let limits = Limits { row_bytes: 500_000, ..Limits::default() };
    let refused = |bytes: &Bytes| rows_within(bytes, &limits);
    assert!(matches!(refused(&bytes), Err(ImportError::RowTooLong { row: 1, most: 500_000 })));
    // Each by itself is short enough.
    let half = "x".repeat(300_000);
    assert!(matches!(refused(&of(&half, &half)), Err(ImportError::RowTooLong { row: 1, .. })));
    let mut rows = ParquetRows::open(Seekable::Bytes(of("a", &half)), &limits).unwrap();
    let mut tally = Tally::new(Format::Parquet, 10_000);
    let mut read = 0;
    while rows.advance(&mut tally).unwrap().is_some() {
        assert_eq!(rows.cells(), [Cell::Text("a".into()), Cell::Text(half.clone()), Cell::Integer(1)]);
        let texts = rows.ahead.iter().flatten().filter(|cell| matches!(cell, Cell::Text(_)));
        assert_eq!(texts.count(), 0, "a text is copied when it is its row's turn");
        read += 1;
    }
    assert_eq!(read, 2000);
}

#[test]
fn what_is_no_parquet_is_an_error() {
    for bytes in [&b"PAR1"[..], b"PAR1 and so on", b"PAR1\0\0\0\0PAR1"] {
        assert!(matches!(rows(&Bytes::from_static(bytes)), Err(ImportError::Parquet { row: 1, .. })));
    }
}

/// The ways in which writers pack and encode.
fn ways() -> Vec<WriterPropertiesBuilder> {
    let packed = [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(Default::default())];
    let packed = packed.into_iter().chain([Compression::ZSTD(Default::default())]);
    let versions = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
    let every = packed.flat_map(|packed| versions.map(|version| (packed, version)));
    let plain = |(packed, version)| WriterProperties::builder().set_compression(packed).set_writer_version(version);
    every
        .flat_map(|way| {
            let lengths = Encoding::DELTA_LENGTH_BYTE_ARRAY;
            let listed = plain(way).set_dictionary_enabled(false).set_column_encoding("name".into(), lengths);
            [plain(way), plain(way).set_dictionary_enabled(false), listed]
        })
        .collect()
}

#[test]
fn honest_files_of_every_kind_pass() {
    let schema = "message m { optional binary name (UTF8); required binary id (UTF8); optional int64 n; }";
    let count = 3000;
    let names: Vec<_> = (0..count).map(|n| text(&format!("name {n}")).filter(|_| n % 3 > 0)).collect();
    let ids: Vec<_> = (0..count).map(|n| text(&format!("id {}", n / 7))).collect();
    let numbers: Vec<_> = (0..count).map(|n| Some(n * n).filter(|_| n % 5 > 0)).collect();
    let mut expected = None;
    for way in ways() {
        let way = way.set_data_page_row_count_limit(700).set_write_batch_size(64);
        let shown = format!("{way:?}");
        let bytes = file_as(way, schema, 2, |_, group| {
            column::<ByteArrayType>(group, &names, true);
            column::<ByteArrayType>(group, &ids, false);
            column::<Int64Type>(group, &numbers, true);
        });
        let found = rows(&bytes).unwrap_or_else(|error| panic!("{error:?} of {shown}"));
        assert_eq!(found.len(), 6000);
        assert_eq!(
            found.last(),
            Some(&vec![Cell::Text("name 2999".into()), Cell::Text("id 428".into()), Cell::Integer(2999 * 2999)])
        );
        assert_eq!(*expected.get_or_insert(found.clone()), found);
    }
    for way in ways() {
        assert_eq!(rows(&sample_as(way)).unwrap(), rows(&sample()).unwrap());
    }
    // A file on a disk is read as bytes in memory are.
    let mut disk = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut disk, &sample()).unwrap();
    let mut opened = ParquetRows::open(Seekable::File(disk), &Limits::default()).unwrap();
    let mut tally = Tally::new(Format::Parquet, 10_000);
    for row in rows(&sample()).unwrap() {
        assert!(opened.advance(&mut tally).unwrap().is_some());
        assert_eq!(opened.cells(), row);
    }
}

/// A number as Thrift writes it.
fn zigzag(number: i32) -> Vec<u8> {
    varint(u64::from(((number << 1) ^ (number >> 31)).cast_unsigned()))
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(0x80 | u8::try_from(number & 0x7f).unwrap());
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

const PAGE: (i32, u8) = (0, 5);
const DICTIONARY: (i32, u8) = (2, 7);
const PAGE_V2: (i32, u8) = (3, 8);

/// The header of a page of a kind that says these sizes, unpacked and packed, and these numbers of its content.
fn header((kind, field): (i32, u8), sizes: [i32; 2], content: &[i32]) -> Vec<u8> {
    let number = |number: &i32| [vec![0x15], zigzag(*number)].concat();
    let sizes = [kind, sizes[0], sizes[1]].iter().flat_map(number).collect();
    [sizes, vec![((field - 3) << 4) | 12], content.iter().flat_map(number).collect(), vec![0, 0]].concat()
}

/// A file of one column and these pages.
fn forged(column: &str, packed: Compression, pages: &[u8], rows: i64) -> Bytes {
    forged_at(column, packed, pages, [4, i64::try_from(pages.len()).unwrap()], rows)
}

/// The same, whose directory says where the pages begin and how long they are.
fn forged_at(column: &str, packed: Compression, pages: &[u8], [begin, size]: [i64; 2], rows: i64) -> Bytes {
    let schema = format!("message m {{ required {column}; }}");
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(parse_message_type(&schema).unwrap())));
    let column = ColumnChunkMetaData::builder(schema.column(0))
        .set_compression(packed)
        .set_data_page_offset(begin)
        .set_total_compressed_size(size)
        .set_num_values(rows);
    let group = RowGroupMetaData::builder(Arc::clone(&schema)).add_column_metadata(column.build().unwrap());
    let group = group.set_num_rows(rows).build().unwrap();
    let file = ParquetMetaData::new(FileMetaData::new(1, rows, None, None, schema, None), vec![group]);
    let mut bytes = [b"PAR1", pages].concat();
    ParquetMetaDataWriter::new(&mut bytes, &file).finish().unwrap();
    Bytes::from(bytes)
}

const NUMBER: &str = "int64 n";
const TEXT: &str = "binary s (UTF8)";

/// Why a file is refused.
fn refusal(bytes: &Bytes) -> String {
    let error = rows(bytes).unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{}: {source}", error.code())
}

#[test]
fn a_page_that_says_it_is_huge_is_refused_before_there_is_room_for_it() {
    let data = [7, 0, 0, 0, 0, 0, 0, 0];
    let page = |sizes, content: &[i32]| [header(PAGE, sizes, content), data.to_vec()].concat();
    let plain = [1, 0, 3, 3];
    let honest = forged(NUMBER, Compression::UNCOMPRESSED, &page([8, 8], &plain), 1);
    assert_eq!(rows(&honest).unwrap(), [[Cell::Integer(7)]]);
    let huge = 1 << 30;
    for packed in [Compression::SNAPPY, Compression::ZSTD(Default::default()), Compression::GZIP(Default::default())] {
        assert_eq!(refusal(&forged(NUMBER, packed, &page([huge, 8], &plain), 1)), "pages_too_large: ");
        let v2 = [header(PAGE_V2, [huge, 8], &[1, 0, 1, 0, 0, 0]), data.to_vec()].concat();
        assert_eq!(refusal(&forged(NUMBER, packed, &v2, 1)), "pages_too_large: ");
        let dictionary = [header(DICTIONARY, [huge, 8], &[1, 0]), data.to_vec()].concat();
        assert_eq!(refusal(&forged(NUMBER, packed, &dictionary, 1)), "pages_too_large: ");
    }
    // A dictionary of a few bytes, and of more values than a machine has room for.
    let dictionary = header(DICTIONARY, [8, 8], &[i32::MAX, 0]);
    let pages = [&dictionary, &data[..], &header(PAGE, [2, 2], &[1, 8, 3, 3]), &[0, 0]].concat();
    assert_eq!(refusal(&forged(TEXT, Compression::UNCOMPRESSED, &pages, 1)), "pages_too_large: ");
    // Many pages that are only too large together.
    let limits = Limits { open_bytes: 20_000, ..Limits::default() };
    let columns = |count: usize| {
        let names: String = (0..count).map(|at| format!("required int64 n{at}; ")).collect();
        let plain = WriterProperties::builder().set_dictionary_enabled(false);
        let numbers: Vec<_> = (0..900).map(Some).collect();
        file_as(plain, &format!("message m {{ {names} }}"), 1, |_, group| {
            (0..count).for_each(|_| column::<Int64Type>(group, &numbers, false));
        })
    };
    assert_eq!(rows_within(&columns(2), &limits).unwrap().len(), 900);
    assert!(matches!(rows_within(&columns(3), &limits), Err(ImportError::PagesTooLarge { row: 1, most: 20_000 })));
}

#[test]
fn a_file_unpacks_to_no_more_than_is_allowed_whatever_it_says_of_itself() {
    let ids: Vec<_> = (0..100).map(Some).collect();
    let plain = WriterProperties::builder().set_dictionary_enabled(false);
    let bytes =
        file_as(plain, "message m { required int64 n; }", 3, |_, group| column::<Int64Type>(group, &ids, false));
    let within = |input_bytes| rows_within(&bytes, &Limits { input_bytes, ..Limits::default() }).map(|rows| rows.len());
    assert_eq!(within(2_700).unwrap(), 300);
    assert!(matches!(within(2_300), Err(ImportError::TooLarge { most: 2_300 })));
    let page = [header(PAGE, [8, 8], &[1, 0, 3, 3]), vec![0; 8]].concat();
    let silent = forged(NUMBER, Compression::UNCOMPRESSED, &page, 1);
    let limits = Limits { input_bytes: 10, ..Limits::default() };
    assert!(matches!(rows_within(&silent, &limits), Err(ImportError::TooLarge { most: 10 })));
}

#[test]
fn a_page_that_does_not_lie_in_its_column_is_refused() {
    let packed = Compression::UNCOMPRESSED;
    let page = |sizes| [header(PAGE, sizes, &[1, 0, 3, 3]), vec![0; 8]].concat();
    assert_eq!(refusal(&forged(NUMBER, packed, &page([8, 9]), 1)), "malformed_parquet: a page goes beyond its column");
    for broken in [page([-1, 8]), page([8, -8]), header(PAGE, [8, 8], &[-1, 0, 3, 3]), page([8, 8])[..9].to_vec()] {
        assert!(refusal(&forged(NUMBER, packed, &broken, 1)).starts_with("malformed_parquet"));
    }
    // A header of another kind than it says, and of two kinds.
    let other = header((0, 7), [8, 8], &[1, 0]);
    let mut two = header(PAGE, [8, 8], &[1, 0, 3, 3]);
    two.pop();
    two.extend([0x2c, 0x15, 2, 0x15, 0, 0, 0]);
    for odd in [other, two] {
        assert_eq!(
            refusal(&forged(NUMBER, packed, &[odd, vec![0; 8]].concat(), 1)),
            "malformed_parquet: it is damaged"
        );
    }
    for place in [[-4, 12], [4, 1_000_000], [1_000_000, 1], [4, -2], [4, i64::MAX]] {
        let file = forged_at(NUMBER, packed, &page([8, 8]), place, 1);
        assert_eq!(refusal(&file), "malformed_parquet: it is damaged");
    }
}

#[test]
fn a_page_of_gzip_that_unpacks_to_more_than_it_says_is_refused() {
    let gzip = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packed, bytes).unwrap();
        packed.finish().unwrap()
    };
    let file = |kind, said: i32, content: &[i32], levels: &[u8], packed: &[u8]| {
        let size = i32::try_from(levels.len() + packed.len()).unwrap();
        let page = [&header(kind, [said, size], content), levels, packed].concat();
        forged(NUMBER, Compression::GZIP(Default::default()), &page, 1)
    };
    let honest = gzip(&7_i64.to_le_bytes());
    let twice = [honest.clone(), honest.clone()].concat();
    let bomb = gzip(&vec![0; 10_000_000]);
    let (v1, v2) = ([1, 0, 3, 3], [1, 0, 1, 0, 3, 0]);
    assert_eq!(rows(&file(PAGE, 8, &v1, &[], &honest)).unwrap(), [[Cell::Integer(7)]]);
    assert_eq!(rows(&file(PAGE_V2, 11, &v2, &[0; 3], &honest)).unwrap(), [[Cell::Integer(7)]]);
    for more in [twice, bomb] {
        for file in [file(PAGE, 8, &v1, &[], &more), file(PAGE_V2, 11, &v2, &[0; 3], &more)] {
            assert_eq!(refusal(&file), "malformed_parquet: a page unpacks to more than it says");
        }
    }
    assert_eq!(refusal(&file(PAGE_V2, 2, &v2, &[0; 3], &honest)), "malformed_parquet: it is damaged");
}

#[test]
fn lists_of_lengths_are_no_longer_than_their_page() {
    // A block of 128 numbers in one part, so many, the first, and a block of equal ones.
    let list = |count: u64, first: i32| {
        let head = [varint(128), varint(1), varint(count), zigzag(first)].concat();
        [head, if count > 1 { vec![0, 0] } else { vec![] }].concat()
    };
    let file = |encoding: i32, said: i32, lists: &[Vec<u8>]| {
        let data = [lists.concat(), b"abcdefghi".to_vec()].concat();
        let size = i32::try_from(data.len()).unwrap();
        let page = [header(PAGE, [size, size], &[said, encoding, 3, 3]), data].concat();
        forged(TEXT, Compression::UNCOMPRESSED, &page, i64::from(said))
    };
    let texts = |texts: [&str; 3]| texts.map(|text| vec![Cell::Text(text.into())]).to_vec();
    assert_eq!(rows(&file(6, 3, &[list(3, 3)])).unwrap(), texts(["abc", "def", "ghi"]));
    assert_eq!(rows(&file(7, 3, &[list(3, 0), list(3, 3)])).unwrap(), texts(["abc", "def", "ghi"]));
    let huge = 1 << 33;
    for lists in [vec![list(huge, 3)], vec![list(4, 0), list(3, 3)], vec![list(3, 0), list(huge, 3)]] {
        let encoding = if lists.len() == 1 { 6 } else { 7 };
        let found = refusal(&file(encoding, 3, &lists));
        assert!(found.contains("more lengths than texts"), "{found}");
    }
    // As many as the page says are too many as well.
    assert_eq!(refusal(&file(6, i32::MAX, &[list(huge, 3)])), "pages_too_large: ");
    assert_eq!(refusal(&file(7, 1 << 26, &[list(huge, 3)])), "pages_too_large: ");
}

#[test]
fn texts_of_one_length_are_no_longer_than_a_row() {
    let page = header(PAGE, [0, 0], &[1, 9, 3, 3]);
    let bytes = forged("fixed_len_byte_array(2000000000) f", Compression::UNCOMPRESSED, &page, 1);
    assert!(matches!(rows(&bytes), Err(ImportError::RowTooLong { row: 1, .. })));
}

/// A file that is a directory and nothing else: these parts of a schema.
fn directory(count: usize, part: impl Fn(usize) -> Vec<u8>) -> Bytes {
    let mut directory = [vec![0x15, 2, 0x19, 0xfc], varint(u64::try_from(count).unwrap())].concat();
    (0..count).for_each(|at| directory.extend(part(at)));
    // No rows, and no groups of them.
    directory.extend([0x16, 0, 0x19, 0x0c, 0]);
    let length = u32::try_from(directory.len()).unwrap().to_le_bytes();
    Bytes::from([b"PAR1", &directory[..], &length, b"PAR1"].concat())
}

/// A group or column of the schema.
fn part(name: &str, children: i32) -> Vec<u8> {
    let head = [vec![0x35, 0, 0x18], varint(u64::try_from(name.len()).unwrap()), name.into()].concat();
    if children == 0 {
        return [vec![0x15, 2, 0x25], head[1..].to_vec(), vec![0]].concat();
    }
    [head, vec![0x15], zigzag(children), vec![0]].concat()
}

#[test]
fn a_directory_that_says_it_is_huge_is_refused_before_there_is_room_for_it() {
    let flat = |columns: usize| {
        directory(columns + 1, |at| part("n", if at == 0 { i32::try_from(columns).unwrap() } else { 0 }))
    };
    assert_eq!(rows(&flat(10)).unwrap(), Vec::<Vec<Cell>>::new());
    assert!(matches!(rows(&flat(1_001)), Err(ImportError::TooManyColumns { most: 1_000 })));
    assert!(matches!(rows(&flat(4_001)), Err(ImportError::TooManyColumns { most: 1_000 })));
    let children = directory(2, |at| part("n", if at == 0 { i32::MAX } else { 0 }));
    assert_eq!(refusal(&children), "malformed_parquet: it is damaged");
    let negative = directory(2, |at| part("n", if at == 0 { -1 } else { 0 }));
    assert_eq!(refusal(&negative), "malformed_parquet: it is damaged");
    let deep = |groups: usize| directory(groups + 1, |at| part("n", i32::from(at < groups)));
    assert_eq!(rows(&deep(10)).unwrap(), Vec::<Vec<Cell>>::new());
    assert_eq!(refusal(&deep(3_000)), "malformed_parquet: it is damaged");
    let long = directory(2, |at| part(&"n".repeat(if at == 0 { 10 } else { 2_000 }), i32::from(at == 0)));
    assert_eq!(refusal(&long), "malformed_parquet: it is damaged");
    // A list of two billion that take no byte, in a field that the library does not know: it counts them all.
    let mut bytes = flat(1).to_vec();
    let list = [vec![0xb9, 0xf1], varint(i32::MAX.unsigned_abs().into()), vec![0]].concat();
    bytes.splice(bytes.len() - 9.., list);
    let length = u32::try_from(bytes.len() - 4).unwrap().to_le_bytes();
    bytes.extend([length, *b"PAR1"].concat());
    assert_eq!(refusal(&Bytes::from(bytes)), "malformed_parquet: it is damaged");
    let most = directory(1, |_| vec![0; 5 << 20]);
    assert_eq!(refusal(&most), "malformed_parquet: its directory is longer than 4194304 bytes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn a_damaged_file_is_an_error_or_other_rows_but_no_panic(
        way in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let ways = ways();
        let mut bytes = sample_as(ways[way.index(ways.len())].clone()).to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = rows(&Bytes::from(bytes));
    }
}
