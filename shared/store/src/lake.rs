//! The event lake: immutable files in the object store, from which everything is learned.
//!
//! A file is zstd-compressed NDJSON under `shops/<shop>/<kind>/<day of archiving>/`; names sort in the order of writing. A
//! decision says with `v`, `t` and `nonce` whose it is, when it was made and which, so that it can be erased and found by its id. Delivery is at least once, so an event may stand in two files, and an import may have corrected it; readers go from
//! the newest line to the oldest and keep the first of each identity. Compaction merges a day's files into one.

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
/// Largest line that is read back; an event is far smaller.
const MAX_LINE: usize = 1 << 20;

fn prefix(shop: &Shop, kind: Kind) -> String {
    format!("shops/{shop}/{}", kind.folder())
}

pub(crate) fn compress(lines: &[String]) -> Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    encoder.include_checksum(true)?;
    for line in lines {
        encoder.write_all(line.as_bytes())?;
        encoder.write_all(b"\n")?;
    }
    Ok(encoder.finish()?)
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
            let Some(bytes) = self.get(&entry.key).await? else { continue };
            read_lines(&bytes, &mut |line| {
                each(line);
                Ok(())
            })?;
        }
        Ok(())
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
            let day = entry.key.rsplit('/').nth(1).unwrap_or_default();
            if is_day(day) && day < before {
                self.delete(&entry.key).await?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Merges the files of each day into one where there are many, and answers what became of how many. A kill between write
    /// and delete leaves the same events twice, which readers drop.
    ///
    /// # Errors
    /// If the store fails or a file is damaged.
    pub async fn compact_lake(&self, shop: &Shop, kind: Kind) -> Result<Vec<Merged>> {
        let mut days: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in self.list(&prefix(shop, kind)).await? {
            if let Some((day, _)) = entry.key.rsplit_once('/') {
                days.entry(day.to_owned()).or_default().push(entry.key.clone());
            }
        }
        let mut merged = Vec::new();
        for (day, files) in days.into_iter().filter(|(_, files)| files.len() >= MANY) {
            merged.push(Merged { file: self.merge(&day, &files).await?, of: files.len() });
        }
        Ok(merged)
    }

    async fn merge(&self, day: &str, files: &[String]) -> Result<String> {
        let mut lines = Vec::new();
        let mut seen = HashSet::new();
        for file in files {
            let Some(bytes) = self.get(file).await? else { continue };
            read_lines(&bytes, &mut |line| {
                if seen.insert(line.to_owned()) {
                    lines.push(line.to_owned());
                }
                Ok(())
            })?;
        }
        // The name says what it was made of, so that merging again after a kill writes the same file; and it sorts before
        // every file of a batch, because what comes to the same day later is newer.
        let digest = crate::api_keys::hash(&files.join("\n"));
        let name = format!("{day}/-merged-{}.ndjson.zst", digest.get(..16).unwrap_or_default());
        self.put(&name, compress(&lines)?).await?;
        for file in files.iter().filter(|file| **file != name) {
            self.delete(file).await?;
        }
        Ok(name)
    }
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
