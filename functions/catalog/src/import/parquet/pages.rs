//! The pages of a Parquet file, looked at before the library unpacks them: it makes room for as many bytes and values as a page
//! says it holds, and a page of gzip it unpacks to the end whatever that is.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use parquet::basic::{Compression, Encoding, PageType};
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::thrift::{Kind, Thrift, damaged};
use crate::import::error::{Bound, ImportError};
use crate::import::input::Seekable;
use crate::import::options::Limits;

/// Whether the library can read these columns of a row group, whose first row is `row`; `total` counts what all of them unpack to.
pub(super) fn check(
    source: &Seekable,
    group: &RowGroupMetaData,
    columns: impl Iterator<Item = usize>,
    limits: &Limits,
    total: &mut u64,
    row: u64,
) -> Result<(), ImportError> {
    let rows = u64::try_from(group.num_rows()).unwrap_or(0);
    let mut open = 0;
    for column in columns {
        open += room(source, group.column(column), rows, limits, total)
            .map_err(|error| ImportError::in_parquet(error, row))?;
        if open > limits.open_bytes {
            return Err(Bound::Pages(limits.open_bytes).at(row));
        }
    }
    Ok(())
}

/// Bytes that the dictionary of a column and the largest of its pages take. Only pages that rows are read of count.
fn room(
    source: &Seekable,
    column: &ColumnChunkMetaData,
    rows: u64,
    limits: &Limits,
    total: &mut u64,
) -> io::Result<u64> {
    let begin = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let (begin, size) = (u64::try_from(begin), u64::try_from(column.compressed_size()));
    let mut at = begin.map_err(|_| damaged())?;
    let end = size.ok().and_then(|size| at.checked_add(size)).ok_or_else(damaged)?;
    if end > source.size()? {
        return Err(damaged());
    }
    let (mut read, mut dictionary, mut data) = (0, 0, 0);
    while at < end && read < rows {
        let mut thrift = Thrift::new(source.read_at(at)?, end - at);
        let page = Page::read(&mut thrift)?;
        let size = page.packed.max(page.unpacked);
        if size > limits.page_bytes {
            return Err(io::Error::other(Bound::Pages(limits.page_bytes)));
        }
        *total += end - thrift.left() - at + size;
        if *total > limits.input_bytes {
            return Err(io::Error::other(Bound::Total(limits.input_bytes)));
        }
        at = end - thrift.left();
        if page.packed > thrift.left() {
            return Err(io::Error::other("a page goes beyond its column"));
        }
        if matches!(column.compression(), Compression::GZIP(_)) {
            let packed = page.packed.checked_sub(page.levels).ok_or_else(damaged)?;
            let unpacked = page.unpacked.checked_sub(page.levels).ok_or_else(damaged)?;
            if inflates_beyond(source.read_at(at + page.levels)?.take(packed), unpacked) {
                return Err(io::Error::other("a page unpacks to more than it says"));
            }
        }
        at += page.packed;
        let taken = page.room();
        if page.kind == PageType::DICTIONARY_PAGE {
            dictionary = taken.max(dictionary);
        } else {
            data = taken.max(data);
            read += page.values;
        }
    }
    Ok(dictionary + data)
}

/// Whether there is more in it; what cannot be unpacked to the end is an error of the library by then.
fn inflates_beyond(packed: impl Read, most: u64) -> bool {
    let mut inflated = MultiGzDecoder::new(packed).take(most.saturating_add(1));
    io::copy(&mut inflated, &mut io::sink()).is_ok_and(|bytes| bytes > most)
}

/// What the header of a page says.
struct Page {
    kind: PageType,
    packed: u64,
    unpacked: u64,
    values: u64,
    encoding: u64,
    /// Bytes before the values that are not packed with them.
    levels: u64,
}

impl Page {
    fn read<R: Read>(thrift: &mut Thrift<R>) -> io::Result<Self> {
        let (mut kind, mut unpacked, mut packed) = (None, 0, 0);
        let mut content = None;
        thrift.fields(|thrift, id, of| {
            let found = match (id, of) {
                (1, Kind::Number) => return thrift.number().map(|number| kind = Some(number)),
                (2, Kind::Number) => return thrift.number().map(|number| unpacked = number),
                (3, Kind::Number) => return thrift.number().map(|number| packed = number),
                (4, Kind::Number) => return thrift.skip(of),
                (5, Kind::Struct) => {
                    thrift.numbers().map(|[values, encoding, _, _]| (PageType::DATA_PAGE, values, encoding, 0))
                }
                (7, Kind::Struct) => {
                    thrift.numbers().map(|[values, encoding]| (PageType::DICTIONARY_PAGE, values, encoding, 0))
                }
                (8, Kind::Struct) => thrift.numbers().map(|[values, _, _, encoding, definition, repetition]| {
                    (PageType::DATA_PAGE_V2, values, encoding, definition + repetition)
                }),
                (1..=8, _) => Err(damaged()),
                _ => return thrift.skip(of),
            };
            if content.replace(found?).is_some() { Err(damaged()) } else { Ok(()) }
        })?;
        match content {
            Some((of, values, encoding, levels)) if kind == Some(of as u64) => {
                Ok(Self { kind: of, packed, unpacked, values, encoding, levels })
            }
            _ => Err(damaged()),
        }
    }

    /// Bytes that it takes while values are read from it.
    fn room(&self) -> u64 {
        let bytes = self.packed.max(self.unpacked);
        let is = |encoding: Encoding| self.encoding == encoding as u64;
        if self.kind == PageType::DICTIONARY_PAGE {
            bytes + self.values * size_of::<ByteArray>() as u64
        } else if is(Encoding::DELTA_LENGTH_BYTE_ARRAY) {
            bytes + self.values * size_of::<i32>() as u64
        } else if is(Encoding::DELTA_BYTE_ARRAY) {
            // Two lists of lengths, and the text before, which may be as long as the page.
            2 * (bytes + self.values * size_of::<i32>() as u64)
        } else {
            bytes
        }
    }
}
