//! Where the rows of JSON text begin and end: an array of objects, objects one after another, one object a line, or an
//! array that is a member of an object around it. Only the row at hand is in memory, so a document of any length can be
//! read.

use std::io::{self, BufRead, BufReader};

use super::error::ImportError;
use super::input::Text;

/// One row as bytes, or why there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Whole,
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between values that stand one after another.
    Top,
    /// Between the elements of the array that is read; inside an object or not.
    Array { wrapped: bool },
    /// Between the members of the object around the array.
    Wrapper,
}

/// Cuts JSON text into its rows without understanding them.
pub(super) struct Elements<R> {
    input: R,
    place: Place,
    lines: bool,
    line: u64,
    most: usize,
    wrappers: &'static [&'static str],
}

/// Lets the reader below know that a row is complete.
pub(super) trait Rows: BufRead {
    fn next_row(&self);
}

impl Rows for BufReader<Text<'_>> {
    fn next_row(&self) {
        self.get_ref().next_row();
    }
}

enum Failure {
    Read(io::Error),
    Syntax(&'static str),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl<R: Rows> Elements<R> {
    /// `lines`: every line is a row, unless the text begins as an array. `wrappers`: members of an object that hold the
    /// rows; an object without any of them is a row itself.
    pub(super) const fn new(input: R, lines: bool, most: usize, wrappers: &'static [&'static str]) -> Self {
        Self { input, place: Place::Top, lines, line: 1, most, wrappers }
    }

    /// Puts the next row into `out` and gives the line it begins on.
    pub(super) fn advance(&mut self, out: &mut Vec<u8>, row: u64) -> Result<Option<(u64, Piece)>, ImportError> {
        out.clear();
        let found = self.find(out).map_err(|failure| match failure {
            Failure::Read(error) => ImportError::reading(error, row),
            Failure::Syntax(what) => ImportError::Json { row, line: self.line, what },
        });
        self.input.next_row();
        found
    }

    fn find(&mut self, out: &mut Vec<u8>) -> Result<Option<(u64, Piece)>, Failure> {
        loop {
            let next = self.skip_between()?;
            match (self.place, next) {
                (Place::Top, None) => return Ok(None),
                (_, None) => return Err(Failure::Syntax("the text ends before its array does")),
                (Place::Top, Some(b'[')) => {
                    self.bump()?;
                    self.lines = false;
                    self.place = Place::Array { wrapped: false };
                }
                (Place::Top, Some(_)) if self.lines => return self.take_line(out).map(Some),
                (Place::Top, Some(b'{')) => {
                    if let Some(piece) = self.object(out)? {
                        return Ok(Some(piece));
                    }
                }
                (Place::Array { wrapped }, Some(b']')) => {
                    self.bump()?;
                    self.place = if wrapped { Place::Wrapper } else { Place::Top };
                }
                (Place::Array { .. }, Some(b'}' | b':')) => return Err(Failure::Syntax("a bracket stands alone")),
                (Place::Array { .. }, Some(_)) => {
                    let line = self.line;
                    return Ok(Some((line, self.value(out)?)));
                }
                (Place::Wrapper, Some(b'}')) => {
                    self.bump()?;
                    self.place = Place::Top;
                }
                (Place::Wrapper, Some(b'"')) => self.member_after_rows()?,
                (Place::Top | Place::Wrapper, Some(_)) => return Err(Failure::Syntax("this is not JSON")),
            }
        }
    }

    /// Reads an object that is either a row or the wrapper of rows; in that case nothing is in `out` and the place is
    /// inside the array.
    fn object(&mut self, out: &mut Vec<u8>) -> Result<Option<(u64, Piece)>, Failure> {
        let line = self.line;
        let mut piece = Piece::Whole;
        self.bump()?;
        out.push(b'{');
        loop {
            match self.skip_between()? {
                Some(b'}') => {
                    self.bump()?;
                    out.push(b'}');
                    return Ok(Some((line, piece)));
                }
                Some(b'"') => {}
                _ => return Err(Failure::Syntax("the object is not well-formed")),
            }
            let start = out.len();
            if start > 1 {
                out.push(b',');
            }
            let name_at = out.len();
            self.value(out)?;
            self.colon()?;
            let name = out.get(name_at..).unwrap_or_default();
            let is_wrapper = self.wrappers.iter().any(|wrapper| is_quoted(name, wrapper));
            if self.skip_space()? == Some(b'[') && is_wrapper {
                self.bump()?;
                self.place = Place::Array { wrapped: true };
                out.clear();
                return Ok(None);
            }
            out.push(b':');
            if self.value(out)? == Piece::TooLong || out.len() > self.most {
                // What follows is still read, to find the end of the object.
                piece = Piece::TooLong;
                out.truncate(start.min(1));
                self.input.next_row();
            }
        }
    }

    fn member_after_rows(&mut self) -> Result<(), Failure> {
        let mut name = Vec::new();
        self.value(&mut name)?;
        self.colon()?;
        let again = self.wrappers.iter().any(|wrapper| is_quoted(&name, wrapper));
        if self.skip_space()? == Some(b'[') && again {
            self.bump()?;
            self.place = Place::Array { wrapped: true };
            return Ok(());
        }
        self.value(&mut Vec::new())?;
        self.input.next_row();
        Ok(())
    }

    fn colon(&mut self) -> Result<(), Failure> {
        if self.skip_space()? != Some(b':') {
            return Err(Failure::Syntax("a member has no value"));
        }
        self.bump()
    }

    /// Copies one value, whole containers included. Of a value that is too long nothing is kept, but it is passed over.
    fn value(&mut self, out: &mut Vec<u8>) -> Result<Piece, Failure> {
        self.skip_space()?;
        let (start, most) = (out.len(), self.most);
        let mut scan = Scan::default();
        let mut piece = Piece::Whole;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return if scan.is_open() { Err(Failure::Syntax("the text ends in the middle")) } else { Ok(piece) };
            }
            let (taken, done) = scan.take(buffer);
            let part = buffer.get(..taken).unwrap_or_default();
            self.line += newlines(part);
            if piece == Piece::Whole && out.len() - start + part.len() <= most {
                out.extend_from_slice(part);
            } else {
                piece = Piece::TooLong;
                out.truncate(start);
            }
            self.input.consume(taken);
            if done && scan.taken == 0 {
                return Err(Failure::Syntax("a value is missing"));
            }
            if done {
                return Ok(piece);
            }
            if piece == Piece::TooLong {
                self.input.next_row();
            }
        }
    }

    fn take_line(&mut self, out: &mut Vec<u8>) -> Result<(u64, Piece), Failure> {
        let line = self.line;
        let mut piece = Piece::Whole;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok((line, piece));
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            if piece == Piece::Whole && out.len() + part.len() <= self.most {
                out.extend_from_slice(part);
            } else {
                piece = Piece::TooLong;
                out.clear();
            }
            let taken = part.len() + usize::from(end.is_some());
            self.input.consume(taken);
            if end.is_some() {
                self.line += 1;
                return Ok((line, piece));
            }
            if piece == Piece::TooLong {
                self.input.next_row();
            }
        }
    }

    fn bump(&mut self) -> Result<(), Failure> {
        let newline = self.input.fill_buf()?.first() == Some(&b'\n');
        self.line += u64::from(newline);
        self.input.consume(1);
        Ok(())
    }

    fn skip_space(&mut self) -> Result<Option<u8>, Failure> {
        self.skip(u8::is_ascii_whitespace)
    }

    /// Passes over white space and commas.
    fn skip_between(&mut self) -> Result<Option<u8>, Failure> {
        self.skip(|byte| byte.is_ascii_whitespace() || *byte == b',')
    }

    fn skip(&mut self, skipped: impl Fn(&u8) -> bool) -> Result<Option<u8>, Failure> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let end = buffer.iter().position(|byte| !skipped(byte));
            let found = end.and_then(|end| buffer.get(end)).copied();
            let passed = end.unwrap_or(buffer.len());
            self.line += newlines(buffer.get(..passed).unwrap_or_default());
            self.input.consume(passed);
            if found.is_some() {
                return Ok(found);
            }
            self.input.next_row();
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

fn is_quoted(name: &[u8], word: &str) -> bool {
    name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")) == Some(word.as_bytes())
}

/// Finds the end of a value by its brackets and quotation marks.
#[derive(Default)]
struct Scan {
    depth: u32,
    quoted: bool,
    escaped: bool,
    taken: u64,
    scalar: bool,
}

impl Scan {
    /// Whether an end is still owed.
    const fn is_open(&self) -> bool {
        self.depth > 0 || self.quoted || self.taken == 0
    }

    /// How many of the bytes belong to the value, and whether it ends there.
    fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, byte) in bytes.iter().enumerate() {
            if self.quoted {
                self.in_string(*byte);
                if !self.quoted && self.depth == 0 {
                    self.taken += 1;
                    return (at + 1, true);
                }
            } else {
                match byte {
                    b'"' if self.scalar => return (at, true),
                    b'"' => self.quoted = true,
                    b'{' | b'[' if self.scalar => return (at, true),
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' if self.depth == 0 => return (at, true),
                    b'}' | b']' => {
                        self.depth -= 1;
                        if self.depth == 0 {
                            self.taken += 1;
                            return (at + 1, true);
                        }
                    }
                    b',' | b':' if self.depth == 0 => return (at, true),
                    byte if self.depth == 0 && byte.is_ascii_whitespace() => return (at, true),
                    _ if self.depth == 0 => self.scalar = true,
                    _ => {}
                }
            }
            self.taken += 1;
        }
        (bytes.len(), false)
    }

    const fn in_string(&mut self, byte: u8) {
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.quoted = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    use proptest::prelude::*;

    /// A text that comes three bytes at a time.
    struct Drops<'a>(BufReader<&'a [u8]>);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl BufRead for Drops<'_> {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            self.0.fill_buf()
        }

        fn consume(&mut self, amount: usize) {
            self.0.consume(amount);
        }
    }

    impl Rows for Drops<'_> {
        fn next_row(&self) {}
    }

    fn cut(text: &str, lines: bool) -> Result<Vec<String>, String> {
        let input = Drops(BufReader::with_capacity(3, text.as_bytes()));
        let mut elements = Elements::new(input, lines, 40, &["products"]);
        let mut bytes = Vec::new();
        let mut found = Vec::new();
        while let Some((line, piece)) = elements.advance(&mut bytes, 1).map_err(|error| error.to_string())? {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            found.push(if piece == Piece::Whole { format!("{line}:{text}") } else { format!("{line}:too long") });
        }
        Ok(found)
    }

    #[test]
    fn rows_are_found_wherever_they_stand() {
        for (text, rows) in [
            ("[{\"a\":1},\n{\"a\":\"]}\\\"\"}]", vec!["1:{\"a\":1}", "2:{\"a\":\"]}\\\"\"}"]),
            ("{\"a\":1}{\"a\":[2]}\n{\"a\":3}", vec!["1:{\"a\":1}", "1:{\"a\":[2]}", "2:{\"a\":3}"]),
            ("{\"n\":1, \"products\":[{\"a\":1}, 5], \"m\":[1]}{\"a\" : 2}", vec!["1:{\"a\":1}", "1:5", "1:{\"a\":2}"]),
            ("{\"products\":[],\"products\":[{}]}", vec!["1:{}"]),
            ("{\"products\":{\"a\":1}}", vec!["1:{\"products\":{\"a\":1}}"]),
            ("[[1,2],\"x\",null]", vec!["1:[1,2]", "1:\"x\"", "1:null"]),
            (" ", vec![]),
            ("{}", vec!["1:{}"]),
        ] {
            assert_eq!(cut(text, false).unwrap(), rows, "{text}");
        }
    }

    #[test]
    fn a_row_too_long_is_passed_over() {
        let long = "x".repeat(50);
        let expected = vec!["1:too long", "2:{\"a\":1}"];
        assert_eq!(cut(&format!("[{{\"a\":\"{long}\"}},\n{{\"a\":1}}]"), false).unwrap(), expected);
        assert_eq!(cut(&format!("{{\"a\":\"{long}\",\"b\":2}}\n{{\"a\":1}}"), false).unwrap(), expected);
        assert_eq!(cut(&format!("{{\"a\":\"{long}\"}}\n{{\"a\":1}}"), true).unwrap(), expected);
    }

    #[test]
    fn a_broken_line_costs_one_row() {
        let text = "{\"a\":1}\n{\"a\":\"\n\n{\"a\":3}";
        assert_eq!(cut(text, true).unwrap(), ["1:{\"a\":1}", "2:{\"a\":\"", "4:{\"a\":3}"]);
        assert_eq!(cut("[{\"a\":1}]", true).unwrap(), ["1:{\"a\":1}"]);
    }

    #[test]
    fn what_is_no_json_is_said() {
        for text in
            ["[{\"a\":1}", "{\"a\":", "{\"a\" 1}", "{a:1}", "[}", "hello", "{\"a\"}", "{\"products\":[1]", "[:]"]
        {
            assert!(cut(text, false).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(text in "[\\[\\]{}\",: a1\\n\\\\]{0,40}", lines: bool) {
            let _ = cut(&text, lines);
        }

        #[test]
        fn any_array_is_cut_into_its_elements(numbers in prop::collection::vec(any::<i32>(), 0..6), space in "[ \\n]{0,3}") {
            let values: Vec<_> = numbers.iter().map(|n| serde_json::json!({"n": n, "t": "[]{}\"\\"}).to_string()).collect();
            let text = format!("{space}[{}]{space}", values.join(&format!("{space},{space}")));
            let found = cut(&text, false).unwrap();
            let found: Vec<_> = found.iter().map(|row| row.split_once(':').unwrap().1).collect();
            prop_assert_eq!(found, values);
        }
    }
}
