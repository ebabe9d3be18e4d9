//! Reads the table's stream and calls `fold` and `archive` with it, in place of event source mappings.
//!
//! Each reader has its own place in the stream, kept in the data folder and moved only past what was done. Failed
//! records are tried again, in halves so that a bad one never fails its neighbours, while the reader goes on with what
//! comes after them; after some tries they go to a dead-letter folder with their reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use aws_lambda_events::event::dynamodb::EventRecord;
use tokio::sync::watch;
use vitrine_runtime::Context;
use vitrine_store::stream::Position;

use crate::letters::{Letter, Letters};
use crate::readers::{Reader, Readers};

/// Records in one call, as the template sets it.
const BATCH: i32 = 1000;
/// Pause when the stream is empty.
const IDLE: Duration = Duration::from_millis(50);
/// Pause after a failed call, doubled up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);
/// Tries before a record goes to the dead letters, no more often than in the cloud: 11 seconds of them.
const TRIES: u32 = 10;
/// Records that wait to be tried again while the reader goes on.
const WAITING: usize = 10_000;

/// What a reader has in hand. Its place stays before all of it.
#[derive(Debug, Default)]
struct Hand {
    /// The last record that was read.
    read: Option<String>,
    /// The last record before which everything was done when the place was kept.
    kept: Option<String>,
    failed: Vec<Part>,
}

/// Records of one batch that are called together.
#[derive(Debug)]
struct Part {
    records: Vec<EventRecord>,
    tries: u32,
    due: Instant,
    /// The last record before the batch that they came in.
    after: Option<String>,
}

impl Hand {
    fn waiting(&self) -> usize {
        self.failed.iter().map(|part| part.records.len()).sum()
    }

    /// The next part that is to be tried again by now.
    fn due(&mut self) -> Option<Part> {
        let now = Instant::now();
        let at = self.failed.iter().position(|part| part.due <= now)?;
        Some(self.failed.swap_remove(at))
    }

    /// The last record before which everything is done; none if that is the beginning.
    fn done(&self) -> Option<&str> {
        let number = |place: &Option<String>| place.as_ref().map_or(0, |place| place.parse::<u128>().unwrap_or(0));
        let first = self.failed.iter().map(|part| &part.after).min_by_key(|place| number(place));
        first.unwrap_or(&self.read).as_deref()
    }
}

/// The stream's readers.
#[derive(Debug)]
pub struct Poller {
    context: Context,
    readers: Readers,
    places: PathBuf,
    dead: Letters,
    /// The last record that each reader has done.
    done: Mutex<BTreeMap<Reader, u128>>,
    read: [AtomicU64; 2],
    idle: [AtomicU64; 2],
    paused: AtomicBool,
}

impl Poller {
    pub(crate) fn new(context: Context, data: &Path) -> Result<Self> {
        Self::calling(Readers::new(context.clone()), context, data)
    }

    fn calling(readers: Readers, context: Context, data: &Path) -> Result<Self> {
        let (places, dead) = (data.join("stream"), Letters::of(data)?);
        std::fs::create_dir_all(&places)?;
        let poller = Self {
            context,
            readers,
            places,
            dead,
            done: Mutex::default(),
            read: Default::default(),
            idle: Default::default(),
            paused: AtomicBool::new(false),
        };
        for reader in Reader::ALL {
            if let Some(number) = poller.place(reader).and_then(|place| place.parse().ok()) {
                poller.note(reader, number);
            }
        }
        Ok(poller)
    }

    fn file(&self, reader: Reader) -> PathBuf {
        self.places.join(reader.name())
    }

    fn place(&self, reader: Reader) -> Option<String> {
        std::fs::read_to_string(self.file(reader)).ok().map(|text| text.trim().to_owned()).filter(|t| !t.is_empty())
    }

    fn note(&self, reader: Reader, number: u128) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(reader, number);
    }

    /// Moves a reader's place: the new file replaces the old one whole.
    fn keep(&self, reader: Reader, sequence: &str) -> Result<()> {
        let file = self.file(reader);
        let part = file.with_extension("part");
        std::fs::write(&part, sequence)?;
        std::fs::rename(&part, &file)?;
        if let Ok(number) = sequence.parse() {
            self.note(reader, number);
        }
        Ok(())
    }

    /// The last record that every reader has done.
    #[must_use]
    pub fn passed(&self) -> Option<u128> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.len() < Reader::ALL.len() { None } else { done.values().min().copied() }
    }

    /// Records that a reader has been given since the start.
    #[must_use]
    pub fn records(&self, reader: Reader) -> u64 {
        self.read[reader as usize].load(Ordering::Relaxed)
    }

    /// Stops reading, to show what does not depend on it.
    pub fn pause(&self) {
        self.paused.store(true, Ordering::SeqCst);
    }

    /// Waits until every reader has met the end of the stream after this call.
    pub async fn caught_up(&self) {
        let before: Vec<u64> = self.idle.iter().map(|count| count.load(Ordering::SeqCst)).collect();
        // The second meeting after the call began after it, so nothing written before the call is left.
        while self.idle.iter().zip(&before).any(|(count, before)| count.load(Ordering::SeqCst) < before + 2) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Reads until it is told to stop.
    pub(crate) async fn run(self: Arc<Self>, reader: Reader, mut stop: watch::Receiver<bool>) {
        let mut pause = PAUSE;
        let place = self.place(reader);
        let mut hand = Hand { read: place.clone(), kept: place, failed: Vec::new() };
        while !*stop.borrow() {
            let read = tokio::select! {
                read = self.follow(reader, &mut hand, stop.clone()) => read,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            if let Err(error) = read {
                tracing::warn!(reader = reader.name(), cause = format!("{error:#}"), "the stream could not be read");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST);
            } else {
                pause = PAUSE;
            }
        }
    }

    /// Follows the stream's shards from the last record that was read. Returns when it is told to stop or a shard ends.
    async fn follow(&self, reader: Reader, hand: &mut Hand, stop: watch::Receiver<bool>) -> Result<()> {
        let table = &self.context.table;
        for shard in table.shards().await? {
            let position = Position { after: hand.read.clone(), ..shard };
            let mut iterator = match table.shard_iterator(&position).await {
                Ok(iterator) => iterator,
                // The place was trimmed away: begin with what is left.
                Err(_) => table.shard_iterator(&Position { after: None, ..position }).await?,
            };
            while let Some(at) = iterator {
                if *stop.borrow() {
                    return Ok(());
                }
                while let Some(part) = hand.due() {
                    self.deliver(reader, hand, part).await?;
                }
                if self.paused.load(Ordering::SeqCst) || hand.waiting() >= WAITING {
                    tokio::time::sleep(IDLE).await;
                    iterator = Some(at);
                    continue;
                }
                let batch = table.read_stream(&at, BATCH).await?;
                iterator = batch.next;
                let Some(last) = batch.event.records.last().and_then(|r| r.change.sequence_number.clone()) else {
                    if hand.failed.is_empty() {
                        self.idle[reader as usize].fetch_add(1, Ordering::SeqCst);
                    }
                    tokio::time::sleep(IDLE).await;
                    continue;
                };
                let count = batch.event.records.len() as u64;
                let part =
                    Part { records: batch.event.records, tries: 0, due: Instant::now(), after: hand.read.take() };
                hand.read = Some(last);
                self.deliver(reader, hand, part).await?;
                self.read[reader as usize].fetch_add(count, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Calls the function once, and moves the reader's place past what is done now. What failed comes back into the hand.
    async fn deliver(&self, reader: Reader, hand: &mut Hand, part: Part) -> Result<()> {
        let Part { records, tries, after, .. } = part;
        let failures = self.readers.call(reader, &records).await;
        let failed = records.into_iter().enumerate().filter_map(|(n, record)| Some((record, failures.reason(n)?)));
        let mut failed: Vec<_> = failed.collect();
        let over = match &failed[..] {
            [] => true,
            [(record, reason)] if tries + 1 >= TRIES => self.bury(reader, record, reason),
            _ => false,
        };
        if !over {
            let due = Instant::now() + (PAUSE * 2_u32.saturating_pow(tries)).min(LONGEST);
            let tries = (tries + 1).min(TRIES - 1);
            let rest = failed.split_off(failed.len().div_ceil(2));
            let parts = [failed, rest].map(|part| part.into_iter().map(|(record, _)| record).collect::<Vec<_>>());
            let parts = parts.into_iter().filter(|records| !records.is_empty());
            hand.failed.extend(parts.map(|records| Part { records, tries, due, after: after.clone() }));
        }
        let place = hand.done().map(str::to_owned);
        if let Some(place) = place.filter(|place| hand.kept.as_ref() != Some(place)) {
            self.keep(reader, &place)?;
            hand.kept = Some(place);
        }
        Ok(())
    }

    /// Writes a dead letter; whether it lies there now.
    fn bury(&self, reader: Reader, record: &EventRecord, reason: &str) -> bool {
        let letter = Letter {
            function: reader,
            reason: reason.to_owned(),
            failed_at: Some(self.context.clock.now().to_rfc3339()),
            record: record.clone(),
        };
        let (written, sequence) = (self.dead.write(&letter), letter.sequence());
        match &written {
            Ok(()) => tracing::error!(reader = reader.name(), sequence, reason, "a record went to the dead letters"),
            Err(error) => {
                tracing::error!(
                    reader = reader.name(),
                    cause = format!("{error:#}"),
                    "a dead letter cannot be written"
                );
            }
        }
        written.is_ok()
    }
}

#[cfg(test)]
mod tests;
