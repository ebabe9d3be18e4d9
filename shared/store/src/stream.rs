//! Records of the table's stream, as a function receives them and as a poller reads them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_lambda_events::event::dynamodb::{Event as StreamEvent, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use aws_sdk_dynamodbstreams::types::{AttributeValue as StreamValue, ShardIteratorType};
use serde_dynamo::AttributeValue;
use vitrine_domain::{Event, Millis, Shop, Visitor};

use crate::calls::Call;
use crate::error::classify;
use crate::places::Place;
use crate::table::Table;
use crate::{Error, Result, events, keys};

/// What a stream record says was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An event. It is a bell: where the event is, and what it was.
    Event {
        /// Its shop.
        shop: Shop,
        /// The event.
        event: Box<Event>,
    },
    /// A decision, as JSON text.
    Decision {
        /// Its shop.
        shop: Shop,
        /// For whom; none if for nobody in particular.
        visitor: Option<Visitor>,
        /// When it was made.
        time: Millis,
        /// Tells decisions of one millisecond apart.
        nonce: String,
        /// Its document.
        document: String,
    },
    /// A link between a device and a user.
    Link {
        /// Its shop.
        shop: Shop,
        /// The partition it was written to.
        visitor: Visitor,
    },
    /// Something no reader of the stream cares for.
    Other,
}

fn string<'a>(item: &'a serde_dynamo::Item, name: &str) -> Option<&'a str> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

/// Reads a stream record.
///
/// # Errors
/// If it names an event or decision that cannot be read.
pub fn decode(record: &EventRecord) -> Result<Record> {
    if record.event_name == "REMOVE" {
        return Ok(Record::Other);
    }
    let names = &record.change.keys;
    let (Some(pk), Some(sk)) = (string(names, "PK"), string(names, "SK")) else {
        return Err(Error::corrupt("stream record", "no key"));
    };
    let document = || {
        let text = string(&record.change.new_image, "d");
        text.ok_or_else(|| Error::corrupt("stream record", "no document"))
    };
    if sk.starts_with("E#") {
        let (shop, visitor) = keys::parse_visitor(pk).ok_or_else(|| Error::corrupt("stream record", "key"))?;
        let event = Box::new(events::from_document(&visitor, sk, document()?)?);
        return Ok(Record::Event { shop, event });
    }
    if sk.starts_with("L#") {
        let (shop, visitor) = keys::parse_visitor(pk).ok_or_else(|| Error::corrupt("stream record", "key"))?;
        return Ok(Record::Link { shop, visitor });
    }
    // Records of erasures begin so too once they are done, in a partition of their own.
    if sk.starts_with("D#") && Place::of_item(pk, sk) != Some(Place::ErasureRecord) {
        let shop = pk.strip_prefix("S#").and_then(|rest| rest.split_once('#')).and_then(|(s, _)| Shop::new(s).ok());
        let (Some(shop), Some((time, nonce))) = (shop, keys::parse_decision_key(sk)) else {
            return Err(Error::corrupt("stream record", "key"));
        };
        let visitor = keys::parse_visitor(pk).map(|(_, visitor)| visitor);
        return Ok(Record::Decision { shop, visitor, time, nonce, document: document()?.to_owned() });
    }
    Ok(Record::Other)
}

/// The keys of what a record says was written; none for deletions.
#[must_use]
pub fn keys_of(record: &EventRecord) -> Option<(String, String)> {
    if record.event_name == "REMOVE" {
        return None;
    }
    Some((string(&record.change.keys, "PK")?.to_owned(), string(&record.change.keys, "SK")?.to_owned()))
}

/// The visitor in whose partition a record's item was written, and its keys; none for deletions and other partitions.
#[must_use]
pub fn place_of(record: &EventRecord) -> Option<(Shop, Visitor, (String, String))> {
    let place = keys_of(record)?;
    let (shop, visitor) = keys::parse_visitor(&place.0)?;
    Some((shop, visitor, place))
}

/// The shop of a record and what it is, in a word that names nobody.
#[must_use]
pub fn kind_of(record: &EventRecord) -> (Option<Shop>, &'static str) {
    let (pk, sk) = (string(&record.change.keys, "PK"), string(&record.change.keys, "SK"));
    let shop = pk.and_then(|pk| pk.strip_prefix("S#")?.split_once('#')).and_then(|(shop, _)| Shop::new(shop).ok());
    let what = match sk.and_then(|sk| sk.get(..2)) {
        Some("E#") => "event",
        Some("L#") => "link",
        Some("D#") => "decision",
        _ => "record",
    };
    (shop, what)
}

/// The records of a batch that could not be handled, by their place in it, each with its reason, which names nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures(BTreeMap<usize, String>);

impl Failures {
    /// Notes records that failed. The first reason of a record stays.
    pub fn note(&mut self, records: impl IntoIterator<Item = usize>, reason: &str) {
        for record in records {
            self.0.entry(record).or_insert_with(|| reason.to_owned());
        }
    }

    /// Takes in those of a part of the batch that begins at `start`.
    pub fn absorb(&mut self, start: usize, part: Self) {
        self.0.extend(part.0.into_iter().map(|(record, reason)| (start + record, reason)));
    }

    /// Why a record failed; none if it did not.
    #[must_use]
    pub fn reason(&self, record: usize) -> Option<&str> {
        self.0.get(&record).map(String::as_str)
    }

    /// The answer of a function that was invoked with these records: the numbers of those that have to come again.
    #[must_use]
    pub fn answer(&self, records: &[EventRecord]) -> DynamoDbEventResponse {
        let failure = |record: &usize| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = records.get(*record).and_then(|r| r.change.sequence_number.clone());
            failure
        };
        let mut response = DynamoDbEventResponse::default();
        response.batch_item_failures = self.0.keys().map(failure).collect();
        response
    }
}

/// A place in a shard of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The stream.
    pub stream: String,
    /// The shard.
    pub shard: String,
    /// The last record that was read; none for the beginning.
    pub after: Option<String>,
}

/// Records read in one go and where to go on.
#[derive(Debug)]
pub struct Batch {
    /// The records, in the form a function receives them.
    pub event: StreamEvent,
    /// Iterator of the next read; none at the end of a closed shard.
    pub next: Option<String>,
}

impl Table {
    /// The shards of the table's stream, parents first. The stream is asked for by itself: whoever describes a table makes the
    /// embedded engine count all of it.
    ///
    /// # Errors
    /// If there is no stream or the endpoint fails.
    pub async fn shards(&self) -> Result<Vec<Position>> {
        let listed = self.streams.list_streams().table_name(&self.name).ask().await;
        let listed = listed.map_err(|e| classify("ListStreams", e))?;
        // A table that had a stream before is listed with that one too; labels are times.
        let newest = listed.streams().iter().max_by(|a, b| a.stream_label.cmp(&b.stream_label));
        let arn = newest.and_then(|stream| stream.stream_arn.clone());
        let stream = arn.ok_or_else(|| Error::corrupt("table", "it has no stream"))?;
        let described = self.streams.describe_stream().stream_arn(&stream).ask().await;
        let described = described.map_err(|e| classify("DescribeStream", e))?;
        let shards = described.stream_description.and_then(|d| d.shards).unwrap_or_default();
        let position = |shard: String| Position { stream: stream.clone(), shard, after: None };
        Ok(shards.into_iter().filter_map(|s| s.shard_id).map(position).collect())
    }

    /// An iterator that reads on after a position.
    ///
    /// # Errors
    /// If the endpoint fails.
    pub async fn shard_iterator(&self, position: &Position) -> Result<Option<String>> {
        let kind = match position.after {
            Some(_) => ShardIteratorType::AfterSequenceNumber,
            None => ShardIteratorType::TrimHorizon,
        };
        let call = self.streams.get_shard_iterator().stream_arn(&position.stream).shard_id(&position.shard);
        let call = call.shard_iterator_type(kind).set_sequence_number(position.after.clone());
        let answer = call.ask().await.map_err(|e| classify("GetShardIterator", e))?;
        Ok(answer.shard_iterator)
    }

    /// Reads records from an iterator.
    ///
    /// # Errors
    /// If the endpoint fails or the iterator has expired.
    pub async fn read_stream(&self, iterator: &str, limit: i32) -> Result<Batch> {
        let call = self.streams.get_records().shard_iterator(iterator).limit(limit);
        let answer = call.ask().await.map_err(|e| classify("GetRecords", e))?;
        let records = answer.records.unwrap_or_default().into_iter().map(to_record).collect();
        let mut event = StreamEvent::default();
        event.records = records;
        Ok(Batch { event, next: answer.next_shard_iterator })
    }
}

fn to_record(record: aws_sdk_dynamodbstreams::types::Record) -> EventRecord {
    let mut out = EventRecord::default();
    out.event_id = record.event_id.unwrap_or_default();
    out.event_name = record.event_name.map(|n| n.as_str().to_owned()).unwrap_or_default();
    out.event_source = Some("aws:dynamodb".to_owned());
    if let Some(change) = record.dynamodb {
        out.change.keys = to_item(change.keys);
        out.change.new_image = to_item(change.new_image);
        out.change.sequence_number = change.sequence_number;
        out.change.size_bytes = change.size_bytes.unwrap_or_default();
        if let Some(created) = change.approximate_creation_date_time.and_then(|t| SystemTime::try_from(t).ok()) {
            out.change.approximate_creation_date_time = created.into();
        }
    }
    out
}

fn to_item(item: Option<std::collections::HashMap<String, StreamValue>>) -> serde_dynamo::Item {
    let values = item.unwrap_or_default().into_iter().map(|(name, value)| (name, to_value(value)));
    values.collect::<std::collections::HashMap<_, _>>().into()
}

/// Only the kinds of attribute that this crate writes; others read as null.
fn to_value(value: StreamValue) -> AttributeValue {
    match value {
        StreamValue::S(text) => AttributeValue::S(text),
        StreamValue::N(number) => AttributeValue::N(number),
        StreamValue::Bool(flag) => AttributeValue::Bool(flag),
        _ => AttributeValue::Null(true),
    }
}
