//! Taking the erased out of the files of the lake.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;
use vitrine_domain::{Event, Millis, Shop, Span, Visitor, id};

use crate::erasures::Record;
use crate::lake::{Kind, compress, read_lines};
use crate::objects::Objects;
use crate::tombstones::{TombstoneKey, forget_named};
use crate::{Error, Result};

/// Visitors whose hashes are remembered at once.
const MEMORY: usize = 100_000;

/// Whom some erasures reach, by hash.
#[derive(Debug)]
pub struct Erased<'a> {
    key: &'a TombstoneKey,
    shop: &'a Shop,
    reach: HashMap<&'a str, BTreeSet<Span>>,
    /// Hashes are made once for each visitor, not for each line.
    memory: HashMap<String, Option<BTreeSet<Span>>>,
}

/// What becomes of a line.
#[derive(Debug, PartialEq)]
enum Fate {
    Kept,
    Gone,
    Changed(String),
}

/// What is looked at of an event of the lake.
#[derive(Deserialize)]
struct EventLine<'a> {
    #[serde(borrow)]
    v: Cow<'a, str>,
    t: Millis,
    #[serde(rename = "re")]
    received: Millis,
    #[serde(borrow, default)]
    an: Option<Cow<'a, str>>,
    #[serde(default)]
    pp: Previous,
}

#[derive(Deserialize, Default)]
struct Previous {
    #[serde(rename = "previousId", default)]
    id: Option<Value>,
}

/// What is looked at of a decision of the lake.
#[derive(Deserialize)]
struct DecisionLine<'a> {
    #[serde(borrow, default)]
    v: Option<Cow<'a, str>>,
    #[serde(default)]
    t: Millis,
    #[serde(borrow, default)]
    dv: Option<Cow<'a, str>>,
    #[serde(default)]
    a: After,
}

#[derive(Deserialize, Default)]
struct After {
    #[serde(default)]
    v: Option<String>,
}

impl<'a> Erased<'a> {
    /// Those whom some erasures of a shop reach.
    #[must_use]
    pub fn of(key: &'a TombstoneKey, shop: &'a Shop, records: &'a [Record]) -> Self {
        let mut reach: HashMap<&str, BTreeSet<Span>> = HashMap::new();
        for (hash, spans) in records.iter().flat_map(|record| &record.reach) {
            reach.entry(hash).or_default().extend(spans);
        }
        Self { key, shop, reach, memory: HashMap::new() }
    }

    fn spans(&mut self, visitor: &str) -> Option<&BTreeSet<Span>> {
        if self.memory.len() >= MEMORY {
            self.memory.clear();
        }
        if !self.memory.contains_key(visitor) {
            let spans = Visitor::parse(visitor).ok();
            let spans = spans.and_then(|visitor| self.reach.get(self.key.hash(self.shop, &visitor).as_str()).cloned());
            self.memory.insert(visitor.to_owned(), spans);
        }
        self.memory.get(visitor).and_then(Option::as_ref)
    }

    /// Whether what a visitor did at a time is erased: a time of our own clock, as those of decisions are.
    pub fn holds(&mut self, visitor: &str, time: Millis) -> bool {
        self.holds_received(visitor, time, time)
    }

    /// Whether what a visitor did at a time by the client's clock, and was received at another, is erased.
    pub(crate) fn holds_received(&mut self, visitor: &str, time: Millis, received: Millis) -> bool {
        self.spans(visitor).is_some_and(|spans| spans.iter().any(|span| span.holds(time, received)))
    }

    /// Whether a visitor is erased from the first moment on, at a time of our own clock.
    pub(crate) fn is_gone(&mut self, visitor: &str, time: Millis) -> bool {
        self.is_gone_received(visitor, time, time)
    }

    fn is_gone_received(&mut self, visitor: &str, time: Millis, received: Millis) -> bool {
        let whole = |span: &Span| span.from == Span::ALWAYS.from && span.holds(time, received);
        self.spans(visitor).is_some_and(|spans| spans.iter().any(whole))
    }

    /// Whether anything of a visitor is erased.
    pub fn reaches(&mut self, visitor: &str) -> bool {
        self.spans(visitor).is_some()
    }

    /// Whether a visitor is erased for all time.
    pub fn is_whole(&mut self, visitor: &str) -> bool {
        self.spans(visitor).is_some_and(|spans| spans.contains(&Span::ALWAYS))
    }

    /// Takes erased devices out of what an event names. Answers whether it named one.
    pub(crate) fn forget(&mut self, event: &mut Event) -> bool {
        let (time, received) = (event.time, event.received);
        forget_named(event, |id| self.is_gone_received(&format!("a:{id}"), time, received))
    }

    fn event(&mut self, line: &str) -> Result<Fate> {
        let told: EventLine<'_> = serde_json::from_str(line).map_err(|e| Error::corrupt("event of the lake", e))?;
        if self.holds_received(&told.v, told.t, told.received) {
            return Ok(Fate::Gone);
        }
        let mut gone =
            |id: Option<&str>| id.is_some_and(|id| self.is_gone_received(&format!("a:{id}"), told.t, told.received));
        let former = told.pp.id.as_ref().and_then(id::of_value);
        let (device, previous) = (gone(told.an.as_deref()), gone(former.as_deref()));
        if !device && !previous {
            return Ok(Fate::Kept);
        }
        let mut event: Event = serde_json::from_str(line).map_err(|e| Error::corrupt("event of the lake", e))?;
        self.forget(&mut event);
        Ok(Fate::Changed(serde_json::to_string(&event).map_err(|e| Error::corrupt("event of the lake", e))?))
    }

    fn decision(&mut self, line: &str) -> Result<Fate> {
        let told: DecisionLine<'_> =
            serde_json::from_str(line).map_err(|e| Error::corrupt("decision of the lake", e))?;
        let device = told.dv.map(|id| format!("a:{id}"));
        let others = [device.as_deref(), told.a.v.as_deref()];
        let own = told.v.as_deref().is_some_and(|visitor| self.holds(visitor, told.t));
        let gone = own || others.into_iter().flatten().any(|other| self.is_gone(other, told.t));
        Ok(if gone { Fate::Gone } else { Fate::Kept })
    }

    fn fate(&mut self, kind: Kind, line: &str) -> Result<Fate> {
        match kind {
            Kind::Events => self.event(line),
            Kind::Decisions => self.decision(line),
        }
    }
}

impl Objects {
    /// The copies of a shop's erasures that are done.
    ///
    /// # Errors
    /// If the store fails or a copy is damaged.
    pub async fn erasures(&self, shop: &Shop) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for entry in self.list(&format!("shops/{shop}/erasures")).await? {
            let Some(bytes) = self.get(&entry.key).await? else { continue };
            records.push(serde_json::from_slice(&bytes).map_err(|e| Error::corrupt("copy of an erasure", e))?);
        }
        Ok(records)
    }

    /// Takes the erased out of the lake: their lines go, and what others' lines say of their devices. Answers how many lines
    /// were touched. Files that appear meanwhile are looked at too.
    ///
    /// # Errors
    /// If the store fails or a file is damaged; doing it again goes on.
    pub async fn erase_from_lake(&self, shop: &Shop, kind: Kind, erased: &mut Erased<'_>) -> Result<u64> {
        let (mut seen, mut touched) = (HashSet::new(), 0);
        loop {
            let mut new = self.lake_files(shop, kind).await?;
            new.retain(|entry| seen.insert((entry.key.clone(), entry.size)));
            if new.is_empty() {
                return Ok(touched);
            }
            for entry in new {
                touched += self.erase_from_file(&entry.key, kind, erased).await?;
            }
        }
    }

    /// Takes the erased out of one file of the lake.
    ///
    /// # Errors
    /// As for the whole lake.
    pub async fn erase_from_file(&self, file: &str, kind: Kind, erased: &mut Erased<'_>) -> Result<u64> {
        let Some(bytes) = self.get(file).await? else { return Ok(0) };
        let (mut lines, mut touched) = (Vec::new(), 0);
        read_lines(&bytes, &mut |line| {
            match erased.fate(kind, line)? {
                Fate::Kept => lines.push(line.to_owned()),
                Fate::Gone => touched += 1,
                Fate::Changed(line) => {
                    touched += 1;
                    lines.push(line);
                }
            }
            Ok(())
        })?;
        if touched == 0 {
            return Ok(0);
        }
        if lines.is_empty() {
            self.delete(file).await?;
        } else {
            self.put(file, compress(&lines)?).await?;
        }
        Ok(touched)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(key: &TombstoneKey, shop: &Shop, reach: &[(&str, Span)]) -> Record {
        let reach = reach
            .iter()
            .map(|(visitor, span)| (key.hash(shop, &Visitor::parse(visitor).unwrap()), BTreeSet::from([*span])));
        let (requested, touched) = (Millis(0), Default::default());
        Record { id: "1".into(), requested, reach: reach.collect(), touched, completed: None, model: None }
    }

    #[test]
    fn lines_of_the_erased_go_and_other_lines_forget_their_devices() {
        let (key, shop) = (TombstoneKey::new("secret"), Shop::new("demo").unwrap());
        let part = Span { from: Millis(2), to: Millis(4), ahead: None };
        let reach = [
            ("a:phone", Span::ALWAYS),
            ("a:42", Span::ALWAYS),
            ("u:anna", Span::ALWAYS),
            ("a:shared", part),
            ("a:withdrawn", Span::until(Millis(4))),
        ];
        let records = [record(&key, &shop, &reach)];
        let mut erased = Erased::of(&key, &shop, &records);
        let seen = |v: &str, t: i64, re: i64| json!({"m": "1", "v": v, "t": t, "re": re, "k": "view"});
        let event = |v: &str, t: i64, an: &str| {
            let mut event = seen(v, t, t);
            event["an"] = json!(an);
            event
        };
        for (line, gone) in [
            (event("u:anna", 1, "x"), true),
            (event("a:phone", 1, "x"), true),
            (event("u:bert", 1, "tablet"), false),
            (event("a:shared", 1, "x"), false),
            (event("a:shared", 2, "x"), true),
            (event("a:shared", 5, "x"), false),
            (event("u:bert", 3, "shared"), false),
            (event("u:bert", 5, "withdrawn"), false),
            // Late, by a clock that is ahead, and after it by such a clock.
            (seen("a:withdrawn", 3, 9), true),
            (seen("a:withdrawn", 9, 4), true),
            (seen("a:withdrawn", 9, 5), false),
        ] {
            let expected = if gone { Fate::Gone } else { Fate::Kept };
            assert_eq!(erased.event(&line.to_string()).unwrap(), expected, "{line}");
        }
        for (device, former) in [("phone", json!("phone")), ("laptop", json!(42)), ("laptop", json!("42"))] {
            let mut alias = event("u:bert", 1, device);
            (alias["k"], alias["pp"]) = (json!("alias"), json!({"previousId": former, "x": 1}));
            let Fate::Changed(line) = erased.event(&alias.to_string()).unwrap() else { panic!("not changed: {alias}") };
            let forgotten = !line.contains("phone") && !line.contains("previousId");
            assert!(forgotten && line.contains("u:bert") && line.contains(r#""x":1"#), "{line}");
        }
        let mut ahead = seen("u:bert", 9, 4);
        ahead["an"] = json!("withdrawn");
        assert!(
            matches!(erased.event(&ahead.to_string()).unwrap(), Fate::Changed(line) if !line.contains("withdrawn"))
        );
        for (line, gone) in [
            (json!({"v": "u:anna", "t": 1, "i": []}), true),
            (json!({"v": "a:shared", "t": 3, "i": []}), true),
            (json!({"v": "a:shared", "t": 5, "i": []}), false),
            (json!({"v": "u:bert", "t": 1, "dv": "phone"}), true),
            (json!({"v": "u:bert", "t": 1, "a": {"t": 1, "n": "x", "v": "a:phone"}}), true),
            (json!({"i": ["of nobody"]}), false),
        ] {
            let expected = if gone { Fate::Gone } else { Fate::Kept };
            assert_eq!(erased.decision(&line.to_string()).unwrap(), expected, "{line}");
        }
    }
}
