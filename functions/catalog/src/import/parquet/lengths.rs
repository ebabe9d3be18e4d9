//! Pages of texts whose lengths are told beforehand, in lists of numbers that are packed as differences: the library makes room
//! for as many numbers as a list says it has, which a few bytes can say of billions.
//!
//! The format: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

use std::io;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::thrift::{Thrift, damaged};

/// Pages whose lists of lengths are no longer than the page has values.
pub(super) struct Lengths {
    pages: Box<dyn PageReader>,
    /// Whether values may be missing, so that levels stand before them.
    optional: bool,
}

impl Lengths {
    pub(super) fn new(pages: Box<dyn PageReader>, optional: bool) -> Self {
        Self { pages, optional }
    }
}

impl PageReader for Lengths {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            check(page, self.optional).map_err(|error| ParquetError::External(Box::new(error)))?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
}

impl Iterator for Lengths {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn check(page: &Page, optional: bool) -> io::Result<()> {
    let lists = match page.encoding() {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
        Encoding::DELTA_BYTE_ARRAY => 2,
        _ => return Ok(()),
    };
    let mut rest = values(page, optional).ok_or_else(damaged)?;
    for _ in 0..lists {
        rest = rest.get(list(rest, u64::from(page.num_values()))?..).ok_or_else(damaged)?;
    }
    Ok(())
}

/// The values of a page, without the levels before them.
fn values(page: &Page, optional: bool) -> Option<&[u8]> {
    let bytes: &Bytes = page.buffer();
    let levels = match page {
        Page::DataPage { def_level_encoding: Encoding::RLE, .. } if optional => {
            4 + u64::from(u32::from_le_bytes(*bytes.first_chunk()?))
        }
        Page::DataPage { .. } if optional => return None,
        Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
            u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len)
        }
        _ => 0,
    };
    bytes.get(usize::try_from(levels).ok()?..)
}

/// How many bytes a list takes that says it has at most so many numbers.
fn list(bytes: &[u8], most: u64) -> io::Result<usize> {
    let mut list = Thrift::new(bytes, bytes.len() as u64);
    let (block, parts, count) = (list.varint()?, list.varint()?, list.varint()?);
    let part = block.checked_div(parts).filter(|part| *part > 0).ok_or_else(damaged)?;
    if count > most {
        return Err(io::Error::other("a page has more lengths than texts"));
    }
    // The first number; the others are told in blocks by how they differ.
    list.varint()?;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        list.varint()?;
        let mut bits: u64 = 0;
        for _ in 0..parts {
            let width = u64::from(list.byte()?);
            if left > 0 {
                bits = width.checked_mul(part).and_then(|more| bits.checked_add(more)).ok_or_else(damaged)?;
                left = left.saturating_sub(part);
            }
        }
        list.pass(bits / 8)?;
    }
    Ok(bytes.len() - usize::try_from(list.left()).unwrap_or(0))
}
