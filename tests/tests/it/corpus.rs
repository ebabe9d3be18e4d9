//! The kept corpus of the fuzz targets, replayed: what was once found, or is known to be awkward, is tried on every run.
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "figures for --nocapture; which file was read last is what matters of a failure"
)]

use std::path::Path;

use anyhow::{Context as _, Result};
use vitrine_tests::parsers::PARSERS;

#[test]
fn every_parser_reads_its_corpus() -> Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let (mut kept, mut inputs) = (0, 0);
    for (name, parser) in PARSERS {
        let mut parser = |bytes: &[u8]| {
            inputs += 1;
            parser(bytes);
        };
        let folder = corpus.join(name);
        let files = std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        let mut count = 0;
        for file in files {
            let file = file?.path();
            let bytes = std::fs::read(&file)?;
            eprintln!("{}", file.display());
            // As it is, cut at every power of two, and with one bit turned at every third of it.
            parser(&bytes);
            (0..).map(|n| 1 << n).take_while(|cut| *cut < bytes.len()).for_each(|cut| parser(&bytes[..cut]));
            for part in 0..3 {
                let mut turned = bytes.clone();
                if let Some(byte) = turned.get_mut(bytes.len() * part / 3) {
                    *byte ^= 1 << part;
                    parser(&turned);
                }
            }
            count += 1;
        }
        assert!(count >= 3, "{name} has {count} files");
        kept += count;
    }
    let targets = std::fs::read_dir(corpus.join("../fuzz_targets"))?.count();
    assert_eq!(PARSERS.len(), targets, "each parser is a fuzz target, and each target is replayed");
    println!("figure: {targets} parsers, {kept} files kept, {inputs} inputs: 0 panics, 0 broken promises");
    Ok(())
}

#[test]
fn the_corpus_reaches_what_parsers_take() {
    // A corpus of nothing but refusals would show little: of each kind there is a file that is taken.
    let read = |path: &str| std::fs::read(format!("{}/fuzz/corpus/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let text = |path: &str| String::from_utf8(read(path)).unwrap();
    let now = vitrine_domain::Millis(1_795_358_400_000);
    let secret = vitrine_store::api_keys::derive_token_key(vitrine_tests::parsers::KEY).1;
    assert_eq!(vitrine_http::auth::read_user_token(&text("token/valid"), &secret, now).as_deref(), Some("853"));
    let sealer = vitrine_http::Sealer::new(vitrine_tests::parsers::SECRET);
    assert_eq!(sealer.open("cursor", &text("sealed/cursor")).as_deref(), Some(&b"a cursor"[..]));
    assert!(vitrine_domain::Filter::parse(&text("filter_text/nested")).is_ok());
    assert!(vitrine_learn::Artifact::from_bytes(read("artifact/small"), &vitrine_learn::Lineup::default()).is_ok());
    assert!(vitrine_learn::vectors::parse_ndjson("own", &read("vectors/lines")).is_ok());
    let tcf = |file: &str| vitrine_domain::consent::tcf::Consent::parse(&text(file));
    let personalises = |file: &str| tcf(file).map(|consent| consent.allows(vitrine_domain::Purpose::Personalise));
    assert_eq!((personalises("consent/everything"), personalises("consent/counting")), (Some(true), Some(false)));
    let record = |file: &str| vitrine_store::stream::decode(&serde_json::from_str(&text(file)).unwrap());
    use vitrine_store::stream::Record::{Decision, Event, Link, Other};
    assert!(matches!(record("stream/event"), Ok(Event { .. })) && matches!(record("stream/link"), Ok(Link { .. })));
    assert!(matches!(record("stream/decision"), Ok(Decision { visitor: Some(_), .. })));
    assert!(matches!(record("stream/decision_of_nobody"), Ok(Decision { visitor: None, .. })));
    assert!(matches!(record("stream/erasure"), Ok(Other)) && matches!(record("stream/removed"), Ok(Other)));
    assert!(record("stream/no_document").is_err() && record("stream/odd_key").is_err());
    for file in ["experiment", "drop", "rule", "numbers", "gaps"] {
        assert!(vitrine_manage::forms::read(&read(&format!("forms/{file}"))).is_some(), "{file} is no form");
    }
    let taken = |read: Vec<(&'static str, bool)>| read.into_iter().filter(|(_, taken)| *taken).map(|(name, _)| name);
    for (file, kind) in [
        ("rule", "rule"),
        ("rule-content", "rule"),
        ("rule-share", "rule"),
        ("rule-pin", "rule"),
        ("segment", "segment"),
        ("segment-of-segments", "segment"),
        ("experiment", "experiment"),
        ("experiment-factorial", "experiment"),
        ("placement", "placement"),
        ("placement-small", "placement"),
        ("training", "training"),
        ("privacy", "privacy"),
        ("hold-out", "hold-out"),
        ("attribution", "attribution"),
        ("key", "key"),
        ("staff", "staff"),
    ] {
        let read = vitrine_manage::bodies::read(&read(&format!("settings/{file}")), now);
        let said: Vec<_> =
            read.iter().filter(|(name, _)| *name == kind).filter_map(|(_, read)| read.as_ref().err()).collect();
        let read = read.iter().map(|(name, read)| (*name, read.is_ok())).collect();
        assert!(taken(read).any(|name| name == kind), "{file} is no {kind}: {said:?}");
    }
    let own = &vitrine_domain::Placement::shipped()[0];
    let shop = vitrine_domain::Shop::new("fuzz").unwrap();
    for (file, kind) in
        [("list", "question"), ("history", "question"), ("page", "page"), ("rank", "rank"), ("preview", "preview")]
    {
        let read = vitrine_recommend::bodies::read(&read(&format!("questions/{file}")), &shop, own);
        let said: Vec<_> =
            read.iter().filter(|(name, _)| *name == kind).filter_map(|(_, read)| read.as_ref().err()).collect();
        let read = read.iter().map(|(name, read)| (*name, read.is_ok())).collect();
        assert!(taken(read).any(|name| name == kind), "{file} is no {kind}: {said:?}");
    }
}

/// The two files that only the code can make: `UPDATE_CORPUS=1` makes them anew when a format has changed.
#[test]
fn files_that_the_code_makes_are_there() {
    use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
    use vitrine_learn::{Dataset, Lineup, Settings, Trainer};
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let sealed = vitrine_http::Sealer::new(vitrine_tests::parsers::SECRET).seal("cursor", b"a cursor").unwrap();
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        let id = |n: usize| ProductId::new(format!("p{n}")).unwrap();
        let products: Vec<Product> = (0..3).map(|n| Product::new(id(n), format!("Product {n}"))).collect();
        let person = |person: usize| {
            let visitor = Visitor::anonymous(format!("v{person}")).unwrap();
            let event = |n: usize| {
                let message = MessageId::new(format!("{person}-{n}")).unwrap();
                let mut event = Event::new(message, visitor.clone(), Millis(n as i64 * 60_000), Action::View);
                event.lines.push(Line::of(id((person + n) % 3)));
                event
            };
            (visitor.clone(), (0..3).map(event).collect())
        };
        let people: Vec<_> = (0..4).map(person).collect();
        let mut settings = Settings { threads: 1, ..Settings::default() };
        (settings.content.dims, settings.factors.dims) = (8, 2);
        let data = Dataset::new(&products, &people, &settings.limits).unwrap();
        // The weights of the encoder are most of an artifact's bytes and the least of its structure.
        let lineup = Lineup::default().only(|name| name != "encoder");
        let trainer = Trainer { lineup, settings, ..Trainer::default() };
        let trained = trainer.train(&data, &mut |_, _, _| ()).unwrap();
        std::fs::write(corpus.join("artifact/small"), trained.bytes).unwrap();
        std::fs::write(corpus.join("sealed/cursor"), &sealed).unwrap();
    }
    assert_eq!(std::fs::read_to_string(corpus.join("sealed/cursor")).unwrap(), sealed);
    assert!(std::fs::metadata(corpus.join("artifact/small")).unwrap().len() < 50_000);
}
