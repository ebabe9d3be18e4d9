//! Thrift's compact protocol, as far as the directory and the page headers of Parquet need it. It takes less than the
//! Parquet library does, which trusts the types and lengths of a file more: fields out of order, of other types and lists
//! that cannot be are refused, so that whatever both of them read, they read the same.
//!
//! The format: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

use std::io::{self, Read, Take};

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A type of field that is its value as well.
    Bool,
    Byte,
    /// A number of any size, the small ones short.
    Number,
    Double,
    Binary,
    List,
    Struct,
    Other,
}

impl Kind {
    const fn of(byte: u8) -> Self {
        match byte & 0xf {
            1 | 2 => Self::Bool,
            3 => Self::Byte,
            4..=6 => Self::Number,
            7 => Self::Double,
            8 => Self::Binary,
            9 => Self::List,
            12 => Self::Struct,
            _ => Self::Other,
        }
    }
}

/// What the Parquet library takes a field for, whatever a file says of it.
pub(super) enum Shape {
    Of(Kind),
    List(&'static Shape),
    /// The fields from one on that the library knows; others it passes over, and those without a shape.
    Struct(&'static [Option<Shape>]),
}

/// A reader of so many bytes at most.
pub(super) struct Thrift<R>(Take<R>);

pub(super) fn damaged() -> io::Error {
    io::Error::other("it is damaged")
}

impl<R: Read> Thrift<R> {
    pub(super) fn new(input: R, most: u64) -> Self {
        Self(input.take(most))
    }

    /// Bytes that may still be read.
    pub(super) fn left(&self) -> u64 {
        self.0.limit()
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte)?;
        let [byte] = byte;
        Ok(byte)
    }

    /// A number of seven bits a byte, the lowest first.
    pub(super) fn varint(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    /// A number whose lowest bit is its sign.
    pub(super) fn int(&mut self) -> io::Result<i32> {
        let number = self.varint()?;
        let number = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
        i32::try_from(number).map_err(|_| damaged())
    }

    /// A number that is never negative.
    pub(super) fn number(&mut self) -> io::Result<u64> {
        u64::try_from(self.int()?).map_err(|_| damaged())
    }

    /// The number of the next field of a structure and what it holds, if the one before was `last`; none at the end.
    pub(super) fn field(&mut self, last: i16) -> io::Result<Option<(i16, Kind)>> {
        let byte = self.byte()?;
        if byte & 0xf == 0 {
            return Ok(None);
        }
        let step = i16::from(byte >> 4);
        let id = if step > 0 { last.checked_add(step) } else { i16::try_from(self.int()?).ok() };
        id.filter(|id| *id > last).map(|id| Some((id, Kind::of(byte)))).ok_or_else(damaged)
    }

    /// Reads a structure, each of its fields with `read`.
    pub(super) fn fields(&mut self, read: impl FnMut(&mut Self, i16, Kind) -> io::Result<()>) -> io::Result<()> {
        self.fields_after(0, read)
    }

    /// Reads a structure whose fields up to `last` are read.
    pub(super) fn fields_after(
        &mut self,
        mut last: i16,
        mut read: impl FnMut(&mut Self, i16, Kind) -> io::Result<()>,
    ) -> io::Result<()> {
        while let Some((id, kind)) = self.field(last)? {
            read(self, id, kind)?;
            last = id;
        }
        Ok(())
    }

    /// Reads a structure whose first fields are numbers that are never negative.
    pub(super) fn numbers<const N: usize>(&mut self) -> io::Result<[u64; N]> {
        let mut numbers = [0; N];
        self.fields(|thrift, id, kind| {
            match usize::try_from(id - 1).ok().and_then(|at| numbers.get_mut(at)) {
                Some(number) if kind == Kind::Number => *number = thrift.number()?,
                Some(_) => return Err(damaged()),
                None => thrift.skip(kind)?,
            }
            Ok(())
        })?;
        Ok(numbers)
    }

    /// What a list holds, and how many, which follow.
    pub(super) fn list(&mut self) -> io::Result<(Kind, u64)> {
        let byte = self.byte()?;
        let length = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
        Ok((Kind::of(byte), length))
    }

    /// Passes over what a field holds if the library takes it for the same.
    pub(super) fn check(&mut self, kind: Kind, shape: Option<&Shape>) -> io::Result<()> {
        match (kind, shape) {
            (_, None) => self.skip(kind),
            (Kind::Struct, Some(Shape::Struct(fields))) => {
                self.fields(|thrift, id, kind| thrift.check(kind, numbered(fields, id)))
            }
            (Kind::List, Some(Shape::List(shape))) => {
                let (kind, length) = self.list()?;
                (0..length).try_for_each(|_| self.check(kind, Some(shape)))
            }
            (_, Some(Shape::Of(due))) if *due == kind => self.skip(kind),
            _ => Err(damaged()),
        }
    }

    /// Passes over what a field holds.
    pub(super) fn skip(&mut self, kind: Kind) -> io::Result<()> {
        self.skip_within(kind, 16)
    }

    fn skip_within(&mut self, kind: Kind, depth: u8) -> io::Result<()> {
        match kind {
            Kind::Bool => Ok(()),
            Kind::Byte => self.byte().map(drop),
            Kind::Number => self.varint().map(drop),
            Kind::Double => self.pass(8),
            Kind::Binary => {
                let length = self.varint()?;
                self.pass(length)
            }
            Kind::Struct if depth > 0 => self.fields(|thrift, _, kind| thrift.skip_within(kind, depth - 1)),
            Kind::List if depth > 0 => match self.list()? {
                // The library passes over these without reading a byte of them, as many as there are said to be.
                (Kind::Bool, 1..) => Err(damaged()),
                (kind, length) => (0..length).try_for_each(|_| self.skip_within(kind, depth - 1)),
            },
            Kind::Struct | Kind::List | Kind::Other => Err(damaged()),
        }
    }

    pub(super) fn pass(&mut self, bytes: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.0.by_ref().take(bytes), &mut io::sink())?;
        if passed == bytes { Ok(()) } else { Err(damaged()) }
    }
}

/// The shape of a field of a structure.
pub(super) fn numbered(fields: &[Option<Shape>], id: i16) -> Option<&Shape> {
    usize::try_from(id - 1).ok().and_then(|at| fields.get(at)).and_then(Option::as_ref)
}
