//! Next product, full ranking: trains on a file of sequences and says how good every part and the blend are.
//!
//! ```text
//! cargo run --release -p vitrine-learn --example sequences -- FILE [SETTINGS AS JSON] [--strict]
//! ```
//!
//! One person a line: `person product product ...`, oldest first. The last product of each person is held out; the model
//! is trained on all others (its own validation takes from those), given everything before the last product, and ranks
//! the whole catalogue without the person's own products. Ties count against the truth. With `--strict` the second last
//! product is no part of the training either, only of what is given.

use std::collections::BTreeSet;
use std::io::Write;

use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor, time::HOUR};
use vitrine_learn::validate::{Case, judge};
use vitrine_learn::{Artifact, Dataset, Lineup, Question, Settings, train};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Everybody's events.
type People = Vec<(Visitor, Vec<Event>)>;

fn read(path: &str) -> Result<(Vec<Product>, People)> {
    let mut names = BTreeSet::new();
    let mut people = Vec::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let mut words = line.split_whitespace();
        let Some(person) = words.next() else { continue };
        let visitor = Visitor::known(person)?;
        let mut events = Vec::new();
        let words: Vec<&str> = words.collect();
        for (at, name) in words.iter().enumerate() {
            let hour = 1_000_000 - (words.len() - at) as i64;
            let id = ProductId::new(*name)?;
            names.insert(id.clone());
            let mut event =
                Event::new(MessageId::new(hour.to_string())?, visitor.clone(), Millis(hour * HOUR), Action::View);
            event.lines.push(Line::of(id));
            events.push(event);
        }
        people.push((visitor, events));
    }
    // The files have no titles; identifiers say nothing.
    Ok((names.into_iter().map(|id| Product::new(id, "")).collect(), people))
}

fn main() -> Result<()> {
    let (flags, words): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let Some(path) = words.first() else { return Err("name a file of sequences".into()) };
    let settings = words.get(1).map_or(Ok(Settings::default()), |json| serde_json::from_str(json))?;
    let unseen = usize::from(flags.iter().any(|flag| flag == "--strict"));
    let (products, people) = read(path)?;
    let data = Dataset::new(&products, &people, &settings.limits)?;
    let last = |person: usize| {
        let history = data.history(person);
        let (test, before) = history.split_last()?;
        let known = before.iter().any(|step| step.row == test.row);
        (!before.is_empty() && !known).then(|| Case {
            person,
            kept: before.len(),
            at: test.at,
            truth: vec![test.row],
            question: Question::New,
        })
    };
    let cases: Vec<Case> = (0..data.people()).filter_map(last).collect();
    let keep: Vec<_> = cases.iter().map(|case| (case.person, case.kept - unseen)).collect();

    let (mut out, mut stage) = (std::io::stdout().lock(), None);
    let start = std::time::Instant::now();
    let (bytes, card) = train(&data.cut(&keep), &settings, &mut |now, done, _| {
        if now != vitrine_learn::Stage::Validation
            && now != vitrine_learn::Stage::Content
            && stage != Some((now, done / 20))
        {
            stage = Some((now, done / 20));
            let _ = writeln!(out, "{:6.2} s  {} {}", start.elapsed().as_secs_f64(), now.as_str(), done);
        }
    })?;
    writeln!(
        out,
        "{:6.2} s  trained: {} bytes, {:#?} {:?}",
        start.elapsed().as_secs_f64(),
        bytes.len(),
        card.parts,
        card.chosen
    )?;
    writeln!(out, "{:?}", card.validation.as_ref().map(|v| (v.choosing, v.judging)))?;
    for (name, f) in card.figures(Question::New).into_iter().flatten() {
        writeln!(out, "   validation {name:16} {:7.4} {:8.4}", f.hr10, f.ndcg10)?;
    }
    let artifact = Artifact::from_bytes(bytes, &Lineup::default())?;
    let figures = judge(&data, &artifact, &cases, Question::New, 2, &mut |_| ());
    writeln!(
        out,
        "{:6.2} s  ranked {} people x {} products",
        start.elapsed().as_secs_f64(),
        cases.len(),
        data.products().len()
    )?;
    writeln!(out, "{:16} {:>7} {:>8} {:>7} {:>8}", "", "HR@10", "NDCG@10", "HR@20", "NDCG@20")?;
    for (name, f) in figures {
        writeln!(out, "{name:16} {:7.4} {:8.4} {:7.4} {:8.4}", f.hr10, f.ndcg10, f.hr20, f.ndcg20)?;
    }
    Ok(())
}
