//! Sorting the records of a batch into files.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::dynamodb::EventRecord;
use serde::de::IgnoredAny;
use vitrine_domain::profile::event_key;
use vitrine_domain::{Action, Millis, Shop, Visitor};
use vitrine_runtime::telemetry::{reason, reason_of_panic};
use vitrine_store::lake::Kind;
use vitrine_store::stream::{Failures, Record, decode};

use crate::erased::{self, Erased};

/// A file of the lake, not yet written.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) shop: Shop,
    pub(crate) kind: Kind,
    /// Day on which its records were written to the table.
    pub(crate) day: String,
    pub(crate) lines: Vec<String>,
    /// Their places in the batch.
    pub(crate) records: Vec<usize>,
    /// Their sequence numbers.
    sequence: Vec<String>,
}

/// A line of the lake and the file it belongs to.
struct Line {
    shop: Shop,
    kind: Kind,
    day: String,
    text: String,
}

impl File {
    /// The same for the same records: first and last sequence number, and a digest of all that is in it, because numbers
    /// of different shards may meet. The first number is padded, so that names sort in the order of writing.
    pub(crate) fn name(&self) -> String {
        let ends = (self.sequence.first(), self.sequence.last());
        let (first, last) = (ends.0.map_or("", String::as_str), ends.1.map_or("", String::as_str));
        let parts = self.sequence.iter().chain(&self.lines);
        let digest = parts.fold(0_u64, |digest, part| event_key(Millis(digest.cast_signed()), part));
        format!("{first:0>40}-{last}-{digest:016x}")
    }
}

/// The files of a batch without what belongs to the erased, and the records that cannot be read.
pub(crate) fn read(records: &[EventRecord], erased: &Erased) -> (Vec<File>, Failures) {
    let mut files: BTreeMap<(Shop, Kind, String), File> = BTreeMap::new();
    let mut failed = Failures::default();
    for (index, record) in records.iter().enumerate() {
        let line = std::panic::catch_unwind(AssertUnwindSafe(|| line_of(record, erased)));
        let line = match line.unwrap_or_else(|panic| Err(reason_of_panic(panic.as_ref()))) {
            Ok(Some(line)) => line,
            Ok(None) => continue,
            Err(cause) => {
                tracing::error!(cause, sequence = record.change.sequence_number, "a stream record cannot be read");
                failed.note([index], &cause);
                continue;
            }
        };
        let Line { shop, kind, day, text } = line;
        let file = files.entry((shop.clone(), kind, day.clone())).or_insert_with(|| File {
            shop,
            kind,
            day,
            lines: Vec::new(),
            records: Vec::new(),
            sequence: Vec::new(),
        });
        file.lines.push(text);
        file.records.push(index);
        file.sequence.push(record.change.sequence_number.clone().unwrap_or_default());
    }
    (files.into_values().collect(), failed)
}

/// The line of a record; none of what the lake does not keep, or may not.
fn line_of(record: &EventRecord, erased: &Erased) -> Result<Option<Line>, String> {
    match decode(record).map_err(|error| reason(&error))? {
        // Made from the lake by every training: no source of anything.
        Record::Event { event, .. } if event.action == Action::Audience => Ok(None),
        Record::Event { shop, event } => {
            let Some(event) = erased::admit(erased.of(&shop), *event) else { return Ok(None) };
            let text = serde_json::to_string(&event).map_err(|error| error.to_string())?;
            Ok(Some(Line { shop, kind: Kind::Events, day: day(record, event.received), text }))
        }
        Record::Decision { shop, visitor, time, nonce, document } => {
            if erased::bars(erased.of(&shop), visitor.as_ref(), time, &document) {
                return Ok(None);
            }
            let text = told(visitor.as_ref(), time, &nonce, &one_line(document)?)?;
            Ok(Some(Line { shop, kind: Kind::Decisions, day: day(record, time), text }))
        }
        Record::Link { .. } | Record::Other => Ok(None),
    }
}

/// The day on which a record was written, the same whenever it is delivered. A stream that does not tell is answered
/// with the time that the item itself names.
fn day(record: &EventRecord, fallback: Millis) -> String {
    let written = erased::written(record);
    if written.0 > 0 { written.day() } else { fallback.day() }
}

/// A decision's line with what its key says: whose it is, when it was made, and what tells it apart from others.
fn told(visitor: Option<&Visitor>, time: Millis, nonce: &str, line: &str) -> Result<String, String> {
    let members = line.trim_start().strip_prefix('{').ok_or("the decision is no JSON object")?;
    let comma = if members.trim_start().starts_with('}') { "" } else { "," };
    let visitor = visitor.map(|visitor| serde_json::to_string(visitor).map(|text| format!("\"v\":{text},")));
    let visitor = visitor.transpose().map_err(|error| error.to_string())?.unwrap_or_default();
    let nonce = serde_json::to_string(nonce).map_err(|error| error.to_string())?;
    Ok(format!("{{{visitor}\"t\":{},\"nonce\":{nonce}{comma}{members}", time.0))
}

/// A document as one line of JSON.
fn one_line(document: String) -> Result<String, String> {
    let broken = |_| "the decision is not JSON".to_owned();
    if document.contains(['\n', '\r']) {
        let value: serde_json::Value = serde_json::from_str(&document).map_err(broken)?;
        return Ok(value.to_string());
    }
    serde_json::from_str::<IgnoredAny>(&document).map_err(broken)?;
    Ok(document)
}
