//! The container: a header, a table of sections, the sections. It knows names, places, sizes and checksums, nothing of
//! what a section means.

use std::ops::Range;

use half::f16;

use crate::Error;
use crate::algorithm::Numbers;

/// What the first eight bytes say.
pub(crate) const MAGIC: [u8; 8] = *b"VITRINE\x1a";
/// The format that is written and read.
pub const VERSION: u32 = 3;
/// Sections start at multiples of this.
pub(crate) const ALIGNMENT: usize = 64;
const HEADER: usize = 64;
const ENTRY: usize = 64;
/// Longest name of a section.
pub(crate) const NAME: usize = 40;
/// Where the checksum of header and table stands.
const CHECKSUM: Range<usize> = 24..28;
/// More sections than any version will have: a bound for reading damaged headers.
const MOST_SECTIONS: usize = 4_096;

/// One entry of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    /// Where it lies in the file.
    pub(crate) bytes: Range<usize>,
    pub(crate) checksum: u32,
    /// Bytes of one number; 1 for text.
    pub(crate) width: u32,
}

/// Collects sections and writes the file.
#[derive(Default)]
pub(crate) struct Writer {
    sections: Vec<(String, u32, Vec<u8>)>,
}

impl Writer {
    /// Whether another section may have a name.
    pub(crate) fn takes(&self, name: &str) -> bool {
        is_name(name) && self.sections.iter().all(|(known, ..)| known != name)
    }

    pub(crate) fn text(&mut self, name: impl Into<String>, bytes: Vec<u8>) {
        self.sections.push((name.into(), 1, bytes));
    }

    pub(crate) fn u32s(&mut self, name: impl Into<String>, numbers: impl IntoIterator<Item = u32>) {
        self.sections.push((name.into(), 4, numbers.into_iter().flat_map(u32::to_le_bytes).collect()));
    }

    pub(crate) fn u64s(&mut self, name: impl Into<String>, numbers: impl IntoIterator<Item = u64>) {
        self.sections.push((name.into(), 8, numbers.into_iter().flat_map(u64::to_le_bytes).collect()));
    }

    pub(crate) fn f32s(&mut self, name: impl Into<String>, numbers: &[f32]) {
        self.sections.push((name.into(), 4, numbers.iter().flat_map(|x| x.to_le_bytes()).collect()));
    }

    pub(crate) fn f64s(&mut self, name: impl Into<String>, numbers: impl IntoIterator<Item = f64>) {
        self.sections.push((name.into(), 8, numbers.into_iter().flat_map(f64::to_le_bytes).collect()));
    }

    pub(crate) fn f16s(&mut self, name: impl Into<String>, numbers: &[f16]) {
        self.sections.push((name.into(), 2, numbers.iter().flat_map(|x| x.to_le_bytes()).collect()));
    }

    pub(crate) fn numbers(&mut self, name: impl Into<String>, numbers: &Numbers) {
        match numbers {
            Numbers::U32(numbers) => self.u32s(name, numbers.iter().copied()),
            Numbers::U64(numbers) => self.u64s(name, numbers.iter().copied()),
            Numbers::F32(numbers) => self.f32s(name, numbers),
            Numbers::F16(numbers) => self.f16s(name, numbers),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let table = HEADER + self.sections.len() * ENTRY;
        let total: usize = aligned(table) + self.sections.iter().map(|(.., bytes)| aligned(bytes.len())).sum::<usize>();
        let mut table = Table::new(self.sections.len(), total);
        for (name, width, bytes) in &self.sections {
            table.add(name, *width, bytes.len(), crc32fast::hash(bytes));
        }
        let mut file = table.finish();
        for (.., bytes) in &self.sections {
            file.extend(bytes);
            file.resize(aligned(file.len()), 0);
        }
        file
    }
}

/// Header and table of a file in the making.
struct Table {
    file: Vec<u8>,
    /// Where the next section starts.
    start: usize,
}

impl Table {
    /// Of so many sections and bytes in all.
    fn new(sections: usize, total: usize) -> Self {
        let mut file = Vec::with_capacity(total);
        file.extend(MAGIC);
        file.extend(VERSION.to_le_bytes());
        file.extend((sections as u32).to_le_bytes());
        file.extend((total as u64).to_le_bytes());
        file.resize(HEADER, 0);
        Self { file, start: aligned(HEADER + sections * ENTRY) }
    }

    fn add(&mut self, name: &str, width: u32, bytes: usize, checksum: u32) {
        let mut padded = [0; NAME];
        padded.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        self.file.extend(padded);
        self.file.extend((self.start as u64).to_le_bytes());
        self.file.extend((bytes as u64).to_le_bytes());
        self.file.extend(checksum.to_le_bytes());
        self.file.extend(width.to_le_bytes());
        self.start += aligned(bytes);
    }

    /// Signs the table; the sections follow.
    fn finish(self) -> Vec<u8> {
        let mut file = self.file;
        let checksum = crc32fast::hash(&file);
        file[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
        file.resize(aligned(file.len()), 0);
        file
    }
}

const fn aligned(len: usize) -> usize {
    len.next_multiple_of(ALIGNMENT)
}

fn is_name(name: &str) -> bool {
    (1..=NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

/// Reads header and table: magic, version, length, their checksum, and that every section lies in the file, aligned, in
/// order and clear of the others.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Section>, Error> {
    if number::<8>(file, 0) != Some(MAGIC) {
        return Err(Error::Magic);
    }
    let short = || Error::Length { found: file.len() as u64, expected: HEADER as u64 };
    let version = u32::from_le_bytes(number(file, 8).ok_or_else(short)?);
    if version != VERSION {
        return Err(Error::Version { found: version, supported: VERSION });
    }
    let count = u32::from_le_bytes(number(file, 12).ok_or_else(short)?) as usize;
    let expected = u64::from_le_bytes(number(file, 16).ok_or_else(short)?);
    if expected != file.len() as u64 {
        return Err(Error::Length { found: file.len() as u64, expected });
    }
    let checksum = u32::from_le_bytes(number(file, CHECKSUM.start).ok_or_else(short)?);
    let table = HEADER + count.min(MOST_SECTIONS) * ENTRY;
    let head = file.get(..table).filter(|_| version > 0 && count <= MOST_SECTIONS);
    let mut head = head.ok_or_else(|| Error::damaged("header", "is damaged"))?.to_vec();
    head[CHECKSUM].fill(0);
    if crc32fast::hash(&head) != checksum {
        return Err(Error::damaged("header", "is damaged"));
    }
    let mut sections = Vec::with_capacity(count);
    let mut free = table.next_multiple_of(ALIGNMENT);
    for entry in head[HEADER..].chunks_exact(ENTRY) {
        let section = read_entry(entry, free, file.len())?;
        free = section.bytes.end.next_multiple_of(ALIGNMENT);
        sections.push(section);
    }
    if free != file.len() {
        return Err(Error::damaged("header", "does not fill the file"));
    }
    Ok(sections)
}

fn read_entry(entry: &[u8], free: usize, len: usize) -> Result<Section, Error> {
    let name: String = entry[..NAME].iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect();
    let placed = || {
        let start = usize::try_from(u64::from_le_bytes(number(entry, NAME)?)).ok()?;
        let size = usize::try_from(u64::from_le_bytes(number(entry, NAME + 8)?)).ok()?;
        let checksum = u32::from_le_bytes(number(entry, NAME + 16)?);
        let width = u32::from_le_bytes(number(entry, NAME + 20)?);
        let end = start.checked_add(size)?;
        let fits = start == free && end <= len && matches!(width, 1 | 2 | 4 | 8) && size % width as usize == 0;
        fits.then_some((start..end, checksum, width))
    };
    match placed() {
        Some((bytes, checksum, width)) => Ok(Section { name, bytes, checksum, width }),
        None => Err(Error::damaged(name, "is misplaced")),
    }
}

/// Checks every section against its checksum, and that there is nothing but zeros between them.
pub(crate) fn verify(file: &[u8], sections: &[Section]) -> Result<(), Error> {
    let mut free = HEADER + sections.len() * ENTRY;
    for section in sections {
        let (gap, bytes) = (file.get(free..section.bytes.start), file.get(section.bytes.clone()));
        let whole = gap.is_some_and(is_zero) && bytes.is_some_and(|b| crc32fast::hash(b) == section.checksum);
        if !whole {
            return Err(Error::damaged(&section.name, "is damaged"));
        }
        free = section.bytes.end;
    }
    if !file.get(free..).is_some_and(is_zero) {
        return Err(Error::damaged("end", "is damaged"));
    }
    Ok(())
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// The same artifact with more sections after those it has, given as name, bytes of one number (1 for text) and content:
/// what others than training build from it and serving reads with [`Artifact::section`](super::Artifact::section). Nothing
/// that was there changes but its place. Equal input gives equal bytes.
///
/// # Errors
/// If the bytes are no artifact, or [`Error::Section`] if a name cannot be written or is taken, if the content does not fill
/// whole numbers of the width, or if there are too many sections.
pub fn with_sections(bytes: Vec<u8>, sections: &[(String, u32, Vec<u8>)]) -> Result<Vec<u8>, Error> {
    let known = read(&bytes)?;
    let mut names: Vec<&str> = known.iter().map(|section| section.name.as_str()).collect();
    for (name, width, content) in sections {
        let whole = matches!(width, 1 | 2 | 4 | 8) && content.len() % *width as usize == 0;
        if !whole || !is_name(name) || names.contains(&name.as_str()) || names.len() >= MOST_SECTIONS {
            return Err(Error::Section(name.clone()));
        }
        names.push(name);
    }
    let room = sections.iter().map(|(.., content)| aligned(content.len())).sum::<usize>();
    let old = HEADER + known.len() * ENTRY;
    let mut table = Table::new(known.len() + sections.len(), bytes.len() + sections.len() * ENTRY + room);
    for section in &known {
        table.add(&section.name, section.width, section.bytes.len(), section.checksum);
    }
    for (name, width, content) in sections {
        table.add(name, *width, content.len(), crc32fast::hash(content));
    }
    let mut file = table.finish();
    // Sections stand in the order of the table and at multiples of the alignment, as before.
    file.extend(bytes.get(aligned(old)..).unwrap_or(&[]));
    drop(bytes);
    for (.., content) in sections {
        file.extend(content);
        file.resize(aligned(file.len()), 0);
    }
    Ok(file)
}
