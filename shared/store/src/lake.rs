//! The event lake: immutable files in the object store, from which everything is learned.
//!
//! A file is zstd-compressed NDJSON under `shops/<shop>/<kind>/<day of archiving>/`; names sort in the order of writing. A
//! decision says with `v`, `t` and `nonce` whose it is, when it was made and which, so that it can be erased and found by its id. Delivery is at least once, so an event may stand in two files, and an import may have corrected it; readers go from
//! the newest line to the oldest and keep the first of each identity. Compaction merges a day's files into one, or into
//! several of a bounded size, so that neither merging nor reading holds more than that at once.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vitrine_domain::profile::event_key;
use vitrine_domain::{Event, Shop};

use crate::api_keys::hex;
use crate::objects::{Entry, Objects};
use crate::{Error, Result};

/// What a file of the lake holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Events.
    Events,
    /// Decisions.
    Decisions,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Events, Self::Decisions];

    const fn folder(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Decisions => "decisions",
        }
    }
}

/// A file that was made of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Its key.
    pub file: String,
    /// Of how many it was made.
    pub of: usize,
}

/// What the lake looked like. Two equal marks are the same files, so nothing has come or gone between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mark {
    /// How many files.
    pub files: usize,
    /// Their size together.
    pub bytes: u64,
    /// A hash of their names and sizes.
    pub digest: String,
}

impl Mark {
    /// The mark of some files, in the order of their keys.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Self {
        let mut hash = Sha256::new();
        for entry in entries {
            hash.update(format!("{} {}\n", entry.key, entry.size));
        }
        let bytes = entries.iter().map(|entry| entry.size).sum();
        let digest = hex(&hash.finalize()).chars().take(32).collect();
        Self { files: entries.len(), bytes, digest }
    }
}

/// Compression level: the default, three times faster than what saves a tenth more.
const LEVEL: i32 = 3;
/// Files of a day from which on compaction is worth a read and a write.
const MANY: usize = 8;
/// Bytes of lines from which on a merged file is full, and is not merged again: what a reader holds of a day at once.
const FULL: usize = 64 << 20;
/// How the names of full files begin, and of the one that is merged again with what comes later. They sort in this order, and
/// before every file of a batch, because what comes to the same day later is newer.
const FULL_NAME: &str = "-full-";
const MERGED_NAME: &str = "-merged-";
/// Largest line that is read back; an event is far smaller.
const MAX_LINE: usize = 1 << 20;

fn prefix(shop: &Shop, kind: Kind) -> String {
    format!("shops/{shop}/{}", kind.folder())
}

/// A file that is being made, compressed line by line.
struct Packed {
    encoder: zstd::Encoder<'static, Vec<u8>>,
    /// Bytes of its lines.
    bytes: usize,
}

impl Packed {
    fn new() -> Result<Self> {
        let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self { encoder, bytes: 0 })
    }

    fn push(&mut self, line: &str) -> Result<()> {
        self.encoder.write_all(line.as_bytes())?;
        self.encoder.write_all(b"\n")?;
        self.bytes += line.len() + 1;
        Ok(())
    }

    fn finish(self) -> Result<Vec<u8>> {
        Ok(self.encoder.finish()?)
    }
}

pub(crate) fn compress(lines: &[String]) -> Result<Vec<u8>> {
    let mut packed = Packed::new()?;
    for line in lines {
        packed.push(line)?;
    }
    packed.finish()
}

pub(crate) fn read_lines(bytes: &[u8], each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let mut reader = BufReader::new(zstd::Decoder::new(bytes)?);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.len() > MAX_LINE {
            return Err(Error::TooLarge { what: "line of the lake", bytes: line.len(), max: MAX_LINE });
        }
        let text = line.trim_end();
        if !text.is_empty() {
            each(text)?;
        }
    }
}

impl Objects {
    /// Writes one file and answers its key. The same name writes the same file again, which is how redelivery stays harmless.
    /// Only an erasure changes a file.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn write_lake(&self, shop: &Shop, kind: Kind, day: &str, name: &str, lines: &[String]) -> Result<String> {
        let key = format!("{}/{day}/{name}.ndjson.zst", prefix(shop, kind));
        self.put(&key, compress(lines)?).await?;
        Ok(key)
    }

    /// The files of the lake, in the order of their keys.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lake_files(&self, shop: &Shop, kind: Kind) -> Result<Vec<Entry>> {
        self.list(&prefix(shop, kind)).await
    }

    /// What a shop's events look like.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lake_mark(&self, shop: &Shop) -> Result<Mark> {
        Ok(Mark::of(&self.lake_files(shop, Kind::Events).await?))
    }

    /// Hands every event of the lake over once, as it was written last; the newest come first.
    ///
    /// # Errors
    /// If the store fails or a file is damaged.
    pub async fn read_events(&self, shop: &Shop, each: &mut (dyn FnMut(Event) + Send)) -> Result<usize> {
        let mut seen = HashSet::new();
        for entry in self.list(&prefix(shop, Kind::Events)).await?.iter().rev() {
            let Some(bytes) = self.get(&entry.key).await? else { continue };
            let mut events: Vec<Event> = Vec::new();
            read_lines(&bytes, &mut |line| {
                events.push(serde_json::from_str(line).map_err(|e| Error::corrupt("event of the lake", e))?);
                Ok(())
            })?;
            for event in events.into_iter().rev() {
                if seen.insert((event_key(event.time, event.id.as_str()), visitor_key(&event))) {
                    each(event);
                }
            }
        }
        Ok(seen.len())
    }

    /// Hands the line of every decision of the lake over; a decision may come twice.
    ///
    /// # Errors
    /// If the store fails or a file is damaged.
    pub async fn read_decisions(&self, shop: &Shop, each: &mut (dyn FnMut(&str) + Send)) -> Result<()> {
        for entry in self.lake_files(shop, Kind::Decisions).await? {
            self.read_lake_file(&entry.key, each).await?;
        }
        Ok(())
    }

    /// Hands the lines of one file of the lake over, none if it is gone.
    ///
    /// # Errors
    /// If the store fails or the file is damaged.
    pub async fn read_lake_file(&self, key: &str, each: &mut (dyn FnMut(&str) + Send)) -> Result<()> {
        let Some(bytes) = self.get(key).await? else { return Ok(()) };
        read_lines(&bytes, &mut |line| {
            each(line);
            Ok(())
        })
    }

    /// Shops that have anything in the object store.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn shops(&self) -> Result<Vec<Shop>> {
        Ok(self.folders("shops").await?.into_iter().filter_map(|name| Shop::new(name).ok()).collect())
    }

    /// Deletes the files of the days before one. Answers how many.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn expire_lake(&self, shop: &Shop, kind: Kind, before: &str) -> Result<usize> {
        let mut deleted = 0;
        for entry in self.lake_files(shop, kind).await? {
            if day_of(&entry.key).is_some_and(|day| day < before) {
                self.delete(&entry.key).await?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Merges the files of each day where there are many, and answers what became of how many. A kill between write and delete
    /// leaves the same events twice, which readers drop.
    ///
    /// # Errors
    /// If the store fails or a file is damaged.
    pub async fn compact_lake(&self, shop: &Shop, kind: Kind) -> Result<Vec<Merged>> {
        self.compact_into(shop, kind, FULL).await
    }

    /// The same with files that are full from so many bytes of lines on.
    async fn compact_into(&self, shop: &Shop, kind: Kind, full: usize) -> Result<Vec<Merged>> {
        let mut days: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in self.list(&prefix(shop, kind)).await? {
            if let Some((day, name)) = entry.key.rsplit_once('/') {
                days.entry(day.to_owned()).or_default().push(name.to_owned());
            }
        }
        let mut merged = Vec::new();
        for (day, names) in days {
            let (mut done, open): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.starts_with(FULL_NAME));
            if open.len() < MANY {
                continue;
            }
            let mut rest = open.as_slice();
            while !rest.is_empty() {
                let made = self.merge(&day, rest, &done, full).await?;
                rest = rest.get(made.of..).unwrap_or_default();
                done.extend(made.file.rsplit('/').next().map(str::to_owned));
                merged.push(made);
            }
        }
        Ok(merged)
    }

    /// Merges the first files of a day, oldest first, until they are a full one. Nothing is held of them but what their lines
    /// are compressed to, and hashes by which a line that comes again is known.
    async fn merge(&self, day: &str, names: &[String], done: &[String], full: usize) -> Result<Merged> {
        let (mut packed, mut seen, mut of) = (Packed::new()?, HashSet::new(), 0);
        for name in names {
            of += 1;
            let Some(bytes) = self.get(&format!("{day}/{name}")).await? else { continue };
            read_lines(&bytes, &mut |line| if seen.insert(line_key(line)) { packed.push(line) } else { Ok(()) })?;
            if packed.bytes >= full {
                break;
            }
        }
        let (used, _) = names.split_at(of);
        let used: Vec<String> = used.iter().map(|name| format!("{day}/{name}")).collect();
        let name = merged_name(&used, done, packed.bytes >= full);
        let file = format!("{day}/{name}");
        self.put(&file, packed.finish()?).await?;
        for used in used.iter().filter(|used| **used != file) {
            self.delete(used).await?;
        }
        Ok(Merged { file, of })
    }
}

/// What a merged file is called. The name says what it was made of, so that merging again after a kill writes the same file; a
/// full one has a number before that, which keeps the files of a day in the order of writing.
fn merged_name(of: &[String], done: &[String], full: bool) -> String {
    let digest = crate::api_keys::hash(&of.join("\n"));
    let end = format!("{}.ndjson.zst", digest.get(..16).unwrap_or_default());
    if !full {
        return format!("{MERGED_NAME}{end}");
    }
    if let Some(same) = done.iter().find(|name| name.ends_with(&end)) {
        return same.clone();
    }
    let number = |name: &String| name.strip_prefix(FULL_NAME)?.split('-').next()?.parse::<u32>().ok();
    let last = done.iter().filter_map(number).max().unwrap_or_default();
    format!("{FULL_NAME}{:06}-{end}", last + 1)
}

/// What a line is known by: half of a hash that nobody finds a second line for.
fn line_key(line: &str) -> [u8; 16] {
    let mut key = [0; 16];
    key.iter_mut().zip(Sha256::digest(line)).for_each(|(to, from)| *to = from);
    key
}

/// The day of a file of the lake.
#[must_use]
pub fn day_of(key: &str) -> Option<&str> {
    key.rsplit('/').nth(1).filter(|day| is_day(day))
}

fn is_day(name: &str) -> bool {
    name.len() == 10
        && name
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

fn visitor_key(event: &Event) -> u64 {
    event_key(event.time, &event.visitor.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "2026-09-21";

    async fn write(objects: &Objects, shop: &Shop, numbers: std::ops::Range<usize>) {
        for n in numbers {
            // The second line of each file is the first one of the next, as if it had been delivered twice.
            let lines = [n, n + 1].map(|n| format!("line {n:04}"));
            objects.write_lake(shop, Kind::Decisions, DAY, &format!("{n:04}"), &lines).await.unwrap();
        }
    }

    /// The names of the files and their lines.
    async fn files(objects: &Objects, shop: &Shop) -> Vec<(String, Vec<String>)> {
        let mut files = Vec::new();
        for entry in objects.lake_files(shop, Kind::Decisions).await.unwrap() {
            let mut lines = Vec::new();
            let push = &mut |line: &str| {
                lines.push(line.to_owned());
                Ok(())
            };
            read_lines(&objects.get(&entry.key).await.unwrap().unwrap(), push).unwrap();
            files.push((entry.key.rsplit('/').next().unwrap().to_owned(), lines));
        }
        files
    }

    fn lines_of(files: &[(String, Vec<String>)]) -> Vec<&str> {
        files.iter().flat_map(|(_, lines)| lines).map(String::as_str).collect()
    }

    #[tokio::test]
    async fn a_large_day_becomes_files_of_a_bounded_size_in_the_order_of_writing() {
        let folder = tempfile::tempdir().unwrap();
        let (objects, shop) = (Objects::folder(folder.path()).unwrap(), Shop::new("demo").unwrap());
        // Ten bytes a line: full are four lines, which are three files.
        let full = 40;
        let compact = async || objects.compact_into(&shop, Kind::Decisions, full).await.unwrap();
        let counts = |made: Vec<Merged>| made.into_iter().map(|merged| merged.of).collect::<Vec<_>>();
        write(&objects, &shop, 0..11).await;
        assert_eq!(counts(compact().await), [3, 3, 3, 2]);
        let made = files(&objects, &shop).await;
        let names: Vec<&str> = made.iter().map(|(name, _)| name.get(..13).unwrap()).collect();
        assert_eq!(names.get(..3).unwrap(), ["-full-000001-", "-full-000002-", "-full-000003-"]);
        assert!(names.len() == 4 && names.last().unwrap().starts_with(MERGED_NAME), "{names:?}");
        let numbers = [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11];
        assert_eq!(lines_of(&made), numbers.map(|n| format!("line {n:04}")));
        assert_eq!(compact().await, [], "a full file is not merged again");

        // What comes later goes behind, together with the file that was not full.
        write(&objects, &shop, 11..18).await;
        assert_eq!(counts(compact().await), [2, 3, 3]);
        let later = files(&objects, &shop).await;
        assert_eq!(later.get(..3), made.get(..3));
        assert_eq!(later.iter().filter(|(name, _)| name.starts_with(FULL_NAME)).count(), 6);
        let lines = lines_of(&later);
        assert!(lines.is_sorted() && lines.first() == Some(&"line 0000") && lines.last() == Some(&"line 0018"));
        let mut once = lines.clone();
        once.dedup();
        assert_eq!(once.len(), 19, "none is missing: {lines:?}");
    }

    #[tokio::test]
    async fn a_full_file_that_was_written_before_a_kill_is_written_again_and_is_not_twice() {
        let folder = tempfile::tempdir().unwrap();
        let (objects, shop) = (Objects::folder(folder.path()).unwrap(), Shop::new("demo").unwrap());
        write(&objects, &shop, 0..9).await;
        objects.compact_into(&shop, Kind::Decisions, 40).await.unwrap();
        let made = files(&objects, &shop).await;
        assert_eq!(made.len(), 3);
        // As if nothing had been deleted.
        write(&objects, &shop, 0..9).await;
        objects.compact_into(&shop, Kind::Decisions, 40).await.unwrap();
        assert_eq!(files(&objects, &shop).await, made);
    }
}
