//! The input of an import: bytes from anywhere, unpacked if they are packed, counted so that neither a row nor the whole
//! can grow beyond its bound.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::error::{Bound, ImportError};
use super::format::{Format, Subject};
use super::options::Limits;

/// How much of the input is looked at before it is read.
const HEAD: usize = 1 << 16;
/// How much more than a row a reader may hold: the buffers between.
const SLACK: u64 = 1 << 18;

enum Source<'a> {
    Stream(Box<dyn Read + 'a>),
    File(File),
    Bytes(Bytes),
}

/// What is to be imported: bytes and what is known of them.
pub struct Input<'a> {
    source: Source<'a>,
    name: Option<String>,
    content_type: Option<String>,
    format: Option<Format>,
}

impl<'a> Input<'a> {
    const fn new(source: Source<'a>) -> Self {
        Self { source, name: None, content_type: None, format: None }
    }

    /// A stream, read once from its start. A Parquet file that comes as a stream is kept in memory; give it as a file
    /// or bytes instead.
    #[must_use]
    pub fn stream(reader: impl Read + 'a) -> Self {
        Self::new(Source::Stream(Box::new(reader)))
    }

    /// A file, read from its start.
    #[must_use]
    pub const fn file(file: File) -> Self {
        Self::new(Source::File(file))
    }

    /// Bytes in memory.
    #[must_use]
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(Source::Bytes(bytes.into()))
    }

    /// The name it had as a file.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The content type it was sent with.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// The format its sender named; without one it is found out.
    #[must_use]
    pub const fn format(mut self, format: Option<Format>) -> Self {
        self.format = format;
        self
    }

    pub(super) fn open(self, subject: Subject, limits: &Limits) -> Result<(Format, Opened<'a>), ImportError> {
        let stream: Box<dyn Read + 'a> = match self.source {
            Source::Bytes(bytes) if bytes.starts_with(b"PAR1") => return parquet(Seekable::Bytes(bytes), subject),
            Source::Bytes(bytes) => Box::new(Cursor::new(bytes)),
            Source::File(mut file) => {
                let mut magic = [0; 4];
                let read = read_full(&mut file, &mut magic).map_err(ImportError::Read)?;
                file.rewind().map_err(ImportError::Read)?;
                if magic.starts_with(b"PAR1") && read == magic.len() {
                    return parquet(Seekable::File(file), subject);
                }
                Box::new(file)
            }
            Source::Stream(stream) => stream,
        };
        let mut text = Text::new(stream, limits)?;
        if text.head().starts_with(b"PAR1") {
            return parquet(Seekable::Bytes(text.keep(limits)?), subject);
        }
        if text.head().starts_with(b"\xff\xfe") || text.head().starts_with(b"\xfe\xff") {
            return Err(ImportError::Utf16);
        }
        text.skip_byte_order_mark();
        if text.ended && text.head().iter().all(u8::is_ascii_whitespace) {
            return Err(ImportError::Empty);
        }
        let found = || Format::detect(subject, self.name.as_deref(), self.content_type.as_deref(), text.head());
        let format = match self.format {
            // A table of products is Google's or Shopify's; only its header says whose.
            Some(Format::Csv) if subject == Subject::Products => found(),
            Some(format) => Some(format),
            None => found(),
        };
        let format = format.ok_or(ImportError::UnknownFormat)?;
        if !format.holds(subject) {
            return Err(ImportError::WrongFormat { format, subject });
        }
        if format == Format::Parquet {
            return Err(ImportError::Parquet { row: 1, source: "it does not begin as a Parquet file".into() });
        }
        Ok((format, Opened::Text(text)))
    }
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).field("format", &self.format).finish_non_exhaustive()
    }
}

fn parquet<'a>(file: Seekable, subject: Subject) -> Result<(Format, Opened<'a>), ImportError> {
    if Format::Parquet.holds(subject) {
        return Ok((Format::Parquet, Opened::Parquet(file)));
    }
    Err(ImportError::WrongFormat { format: Format::Parquet, subject })
}

/// An input whose format is known.
pub(super) enum Opened<'a> {
    Text(Text<'a>),
    Parquet(Seekable),
}

/// What Parquet is read from: its directory stands at its end.
pub(super) enum Seekable {
    File(File),
    Bytes(Bytes),
}

impl Seekable {
    pub(super) fn size(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Bytes(bytes) => Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
        }
    }

    /// What begins at a place. One at a time: a file has one position.
    pub(super) fn read_at(&self, place: u64) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::File(file) => {
                let mut file = file;
                file.seek(SeekFrom::Start(place))?;
                Ok(Box::new(BufReader::new(file)))
            }
            Self::Bytes(bytes) => {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                Ok(Box::new(bytes.get(place..).unwrap_or_default()))
            }
        }
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::File(file) => file.try_clone().map(Self::File),
            Self::Bytes(bytes) => Ok(Self::Bytes(bytes.clone())),
        }
    }
}

/// Reads until the buffer is full or the input ends.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Counts what is read of the whole and of the current row, and fails beyond the bounds.
struct Metered<R> {
    inner: R,
    meter: Meter,
}

struct Meter {
    row: Cell<u64>,
    total: Cell<u64>,
    most_row: u64,
    most_total: u64,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let more = u64::try_from(read).unwrap_or(u64::MAX);
        let meter = &self.meter;
        meter.row.set(meter.row.get().saturating_add(more));
        meter.total.set(meter.total.get().saturating_add(more));
        if meter.total.get() > meter.most_total {
            return Err(io::Error::other(Bound::Total(meter.most_total)));
        }
        if meter.row.get() > meter.most_row.saturating_add(SLACK) {
            return Err(io::Error::other(Bound::Row(meter.most_row)));
        }
        Ok(read)
    }
}

/// Unpacked bytes of a text format, the first of them already known.
pub(super) struct Text<'a> {
    head: Vec<u8>,
    /// How much of the head has been read again.
    read: usize,
    /// Whether the head is everything.
    ended: bool,
    rest: Metered<Box<dyn Read + 'a>>,
}

impl<'a> Text<'a> {
    fn new(mut stream: Box<dyn Read + 'a>, limits: &Limits) -> Result<Self, ImportError> {
        let mut magic = [0; 2];
        let read = read_full(&mut stream, &mut magic).map_err(ImportError::Read)?;
        let start = Cursor::new(magic.get(..read).unwrap_or_default().to_vec());
        let packed = magic == [0x1f, 0x8b];
        let whole = start.chain(stream);
        let inner: Box<dyn Read + 'a> = if packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        let meter = Meter {
            row: Cell::new(0),
            total: Cell::new(0),
            most_row: limits.row_bytes,
            most_total: limits.input_bytes,
        };
        let mut rest = Metered { inner, meter };
        let mut head = vec![0; HEAD];
        let read = read_full(&mut rest, &mut head).map_err(|error| ImportError::reading(error, 1))?;
        head.truncate(read);
        Ok(Self { head, read: 0, ended: read < HEAD, rest })
    }

    /// The first bytes.
    pub(super) fn head(&self) -> &[u8] {
        self.head.get(self.read..).unwrap_or_default()
    }

    /// A row is complete: what is read from now on belongs to the next.
    pub(super) fn next_row(&self) {
        self.rest.meter.row.set(0);
    }

    fn skip_byte_order_mark(&mut self) {
        if self.head.starts_with(b"\xef\xbb\xbf") {
            self.read = 3;
        }
    }

    /// Everything, kept in memory.
    fn keep(mut self, limits: &Limits) -> Result<Bytes, ImportError> {
        let mut bytes = std::mem::take(&mut self.head);
        let mut part = vec![0; HEAD];
        loop {
            self.next_row();
            let read = self.rest.read(&mut part).map_err(|error| ImportError::reading(error, 1))?;
            if read == 0 {
                return Ok(Bytes::from(bytes));
            }
            bytes.extend_from_slice(part.get(..read).unwrap_or_default());
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.kept_bytes {
                return Err(ImportError::TooLarge { most: limits.kept_bytes });
            }
        }
    }
}

impl Read for Text<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let known = self.head.get(self.read..).unwrap_or_default();
        if known.is_empty() {
            self.head = Vec::new();
            return self.rest.read(buffer);
        }
        let n = known.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), known.get(..n)) {
            to.copy_from_slice(from);
        }
        self.read += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A stream that gives one byte at a time, as a slow network might.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(buffer.len()).min(1);
            let (now, later) = self.0.split_at(n);
            buffer.get_mut(..n).unwrap().copy_from_slice(now);
            self.0 = later;
            Ok(n)
        }
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    fn read(input: Input<'_>, limits: &Limits) -> Result<String, ImportError> {
        match input.open(Subject::Orders, limits)?.1 {
            Opened::Text(mut text) => {
                let mut all = String::new();
                text.read_to_string(&mut all).map_err(|error| ImportError::reading(error, 7))?;
                Ok(all)
            }
            Opened::Parquet(_) => Ok("parquet".to_owned()),
        }
    }

    #[test]
    fn plain_packed_slow_and_marked_input_is_the_same() {
        let limits = Limits::default();
        let text = "order,product\n1,2\n";
        let marked = format!("\u{feff}{text}");
        let packed = gzip(marked.as_bytes());
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&packed).unwrap();
        file.rewind().unwrap();
        let inputs = [
            Input::bytes(text.as_bytes().to_vec()),
            Input::stream(marked.as_bytes()),
            Input::stream(Slow(&packed)),
            Input::file(file),
        ];
        for input in inputs {
            assert_eq!(read(input, &limits).unwrap(), text);
        }
    }

    #[test]
    fn a_packed_input_is_bounded_unpacked() {
        let packed = gzip(&vec![b'x'; 1 << 20]);
        assert!(packed.len() < 2000);
        let limits = Limits { input_bytes: 100_000, ..Limits::default() };
        assert!(matches!(read(Input::bytes(packed), &limits), Err(ImportError::TooLarge { most: 100_000 })));
    }

    #[test]
    fn a_row_is_bounded_where_it_stands() {
        let limits = Limits { row_bytes: 1000, ..Limits::default() };
        let endless = io::repeat(b'x');
        let error = read(Input::stream(endless), &limits);
        assert!(matches!(error, Err(ImportError::RowTooLong { row: 7, most: 1000 })), "{error:?}");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let limits = Limits::default();
        assert!(matches!(read(Input::bytes(""), &limits), Err(ImportError::Empty)));
        assert!(matches!(read(Input::bytes("\u{feff} \r\n"), &limits), Err(ImportError::Empty)));
        assert!(matches!(read(Input::bytes(&b"\xff\xfei\0d\0"[..]), &limits), Err(ImportError::Utf16)));
        assert!(matches!(read(Input::bytes(&b"\x1f\x8bnot gzip"[..]), &limits), Err(ImportError::Read(_))));
        assert!(matches!(read(Input::bytes(&b"\0\x01\x02"[..]), &limits), Err(ImportError::UnknownFormat)));
        assert!(matches!(read(Input::bytes("<rss>"), &limits), Err(ImportError::UnknownFormat)));
        let cut = gzip(b"order,product\n1,2\n");
        let cut = cut.get(..20).unwrap().to_vec();
        assert!(matches!(read(Input::bytes(cut), &limits), Err(ImportError::Read(_))));
        let rss = Input::bytes("<rss>").format(Some(Format::GoogleXml));
        assert!(matches!(read(rss, &limits), Err(ImportError::WrongFormat { .. })));
    }

    #[test]
    fn parquet_as_a_stream_is_kept_up_to_its_bound() {
        let mut bytes = b"PAR1".to_vec();
        bytes.resize(200_000, 0);
        assert_eq!(read(Input::stream(bytes.as_slice()), &Limits::default()).unwrap(), "parquet");
        let limits = Limits { kept_bytes: 100_000, ..Limits::default() };
        assert!(matches!(read(Input::stream(bytes.as_slice()), &limits), Err(ImportError::TooLarge { most: 100_000 })));
    }
}
