//! The table's stream, and the batches that the template's mappings make of it.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use anyhow::{Context as _, Result};
use aws_lambda_events::event::dynamodb::EventRecord;
use vitrine_domain::time::SECOND;
use vitrine_store::Table;

use crate::record::Kind;

/// Records that the mapping gives to fold and archive at most, and how long it gathers them, as the template says.
const FOLD: (usize, i64) = (1000, SECOND);
const ARCHIVE: (usize, i64) = (10_000, 60 * SECOND);
/// Batches of a shard that fold takes at once, by partition key.
const LANES: u64 = 4;

/// The table's stream, with what its two readers have not been given yet and since when it waits.
#[derive(Debug)]
pub(super) struct Stream {
    table: Table,
    iterator: Option<String>,
    fold: VecDeque<(i64, EventRecord)>,
    archive: VecDeque<(i64, EventRecord)>,
}

/// Partition and sort key of a record.
fn keys(record: &EventRecord) -> (String, String) {
    let document = serde_json::to_value(&record.change.keys).unwrap_or_default();
    let text = |name: &str| document[name]["S"].as_str().unwrap_or_default().to_owned();
    (text("PK"), text("SK"))
}

impl Stream {
    /// The stream of a table, from its beginning.
    pub(super) const fn of(table: Table) -> Self {
        Self { table, iterator: None, fold: VecDeque::new(), archive: VecDeque::new() }
    }

    /// Reads once, what is found waiting from a time on; whether there may be more.
    pub(super) async fn read_at(&mut self, now: i64) -> Result<bool> {
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => {
                let shards = self.table.shards().await?;
                let first = shards.first().context("the stream has no shard")?;
                self.table.shard_iterator(first).await?.context("the stream cannot be read")?
            }
        };
        let batch = self.table.read_stream(&iterator, 1000).await?;
        self.iterator = batch.next;
        let more = !batch.event.records.is_empty();
        for record in batch.event.records {
            let (_, sk) = keys(&record);
            if record.event_name == "REMOVE" {
                continue;
            }
            // The template's filters.
            if sk.starts_with("E#") || sk.starts_with("L#") {
                self.fold.push_back((now, record.clone()));
            }
            if sk.starts_with("E#") || sk.starts_with("D#") {
                self.archive.push_back((now, record));
            }
        }
        Ok(more)
    }

    /// Batches that are full or have waited for as long as they may; with `all` whatever there is.
    pub(super) fn due(&mut self, reader: Kind, all: bool, now: i64) -> Vec<Vec<EventRecord>> {
        let (waiting, (most, window)) = match reader {
            Kind::Fold => (&mut self.fold, FOLD),
            _ => (&mut self.archive, ARCHIVE),
        };
        let mut batches = Vec::new();
        while let Some((since, _)) = waiting.front() {
            if !all && waiting.len() < most && now - since < window {
                break;
            }
            let taken = waiting.drain(..waiting.len().min(most)).map(|(_, record)| record).collect();
            batches.push(taken);
        }
        batches
    }
}

/// Splits a batch by the partitions of its records, as a mapping with several batches of a shard at once does.
pub(super) fn lanes(records: Vec<EventRecord>) -> Vec<Vec<EventRecord>> {
    let mut lanes: BTreeMap<u64, Vec<EventRecord>> = BTreeMap::new();
    for record in records {
        let mut hasher = DefaultHasher::new();
        keys(&record).0.hash(&mut hasher);
        lanes.entry(hasher.finish() % LANES).or_default().push(record);
    }
    lanes.into_values().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(pk: &str) -> EventRecord {
        let text = json!({
            "eventName": "INSERT", "eventID": "1", "eventSource": "aws:dynamodb", "awsRegion": "local",
            "dynamodb": {"Keys": {"PK": {"S": pk}, "SK": {"S": "E#1"}}, "SequenceNumber": "1", "SizeBytes": 1,
                "ApproximateCreationDateTime": 1, "StreamViewType": "NEW_IMAGE"}});
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_partition_stays_in_one_lane() {
        let records: Vec<EventRecord> = (0..100).map(|n| record(&format!("S#demo#V#a:{}", n % 10))).collect();
        let lanes = lanes(records);
        assert!(lanes.len() > 1 && lanes.len() as u64 <= LANES);
        assert_eq!(lanes.iter().map(Vec::len).sum::<usize>(), 100);
        for n in 0..10 {
            let with = lanes.iter().filter(|lane| lane.iter().any(|r| keys(r).0.ends_with(&format!(":{n}")))).count();
            assert_eq!(with, 1);
        }
    }
}
