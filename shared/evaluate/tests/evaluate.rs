//! Whole evaluations on small generated files of every format, and what must not leak.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use vitrine_domain::time::{DAY, HOUR};
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
use vitrine_evaluate::progress::Progress;
use vitrine_evaluate::read::{archive, baskets, cold, sequences, sessions};
use vitrine_evaluate::{Options, Task, data::Split, evaluate};
use vitrine_learn::{Settings, train};

const PLAIN: sequences::Options = sequences::Options { attributes: true, repeats: false };

/// Small models: what is checked here is not how good they are.
fn small() -> Settings {
    let mut settings = Settings::default();
    (settings.content.dims, settings.factors.dims, settings.factors.iterations) = (16, 8, 3);
    (settings.encoder.dims, settings.encoder.inner, settings.encoder.epochs) = (8, 8, 2);
    settings.diffusion.dims = 8;
    settings
}

fn options() -> Options {
    Options { settings: small(), resamples: 50, ..Options::default() }
}

/// A person walks along a ring of products, so the next one can be known.
fn walk(person: usize, length: usize, products: usize) -> Vec<usize> {
    (0..length).map(|step| 100 + (person * 7 + step) % products).collect()
}

fn words(products: &[usize]) -> String {
    products.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
}

fn write_sequences(folder: &Path, people: usize) -> std::path::PathBuf {
    let mut text = String::new();
    for person in 0..people {
        writeln!(text, "{person} {}", words(&walk(person, 8, 40))).unwrap();
    }
    let path = folder.join("ring.txt");
    std::fs::write(&path, text).unwrap();
    path
}

fn figure(report: &Value, model: &str, name: &str) -> f64 {
    report["models"][model][name].as_f64().unwrap_or_else(|| panic!("{model} has no {name}"))
}

/// The shape that programs read.
fn check_shape(report: &Value, cuts: &[usize]) {
    for (name, model) in report["models"].as_object().unwrap() {
        for kind in ["hr", "recall", "ndcg", "mrr"] {
            for k in cuts {
                let value = figure(report, name, &format!("{kind}@{k}"));
                let ci: Vec<f64> = serde_json::from_value(model[format!("{kind}@{k}_ci")].clone()).unwrap();
                assert!(ci.len() == 2 && ci[0] <= ci[1], "{name} {kind}@{k} {ci:?}");
                assert!((0.0..=1.0).contains(&value) && ci[0] - 1e-6 <= value.max(ci[0]), "{name} {kind}@{k} {value}");
            }
        }
        let coverage = figure(report, name, "coverage@10");
        assert!((0.0..=1.0).contains(&coverage));
    }
    for name in ["cases", "products", "actions_trained_on"] {
        assert!(report["data"][name].as_u64().unwrap() > 0, "{name}");
    }
    assert!(report["training"]["wall_seconds"].as_f64().unwrap() > 0.0);
    let settings = &report["settings"];
    assert!(settings["learn"].is_object() && settings["chosen"].is_object());
    let parts = settings["parts"].as_array().unwrap();
    assert!(!parts.is_empty());
    for part in parts {
        assert!(part["name"].is_string() && part["new"].is_number() && part["any"].is_number(), "{part}");
    }
    if cfg!(target_os = "linux") {
        assert!(report["training"]["cpu_seconds"].as_f64().unwrap() > 0.0);
        assert!(report["training"]["peak_megabytes"].as_f64().unwrap() > 1.0);
    }
}

#[test]
fn sequences_are_learned_and_ranked() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::Sequences(write_sequences(folder.path(), 150), PLAIN);
    let report = evaluate(&task, &options(), &Progress::hidden()).unwrap();
    let json = report.to_json();
    check_shape(&json, &[5, 10, 20]);
    assert_eq!(json["data"]["cases"], 150);
    assert!(figure(&json, "blend", "hr@5") > 0.9, "{}", figure(&json, "blend", "hr@5"));
    assert_eq!(figure(&json, "blend", "hr@10"), figure(&json, "blend", "recall@10"), "one truth each");
    assert!(json.get("segments").is_none());
    let text = report.to_text();
    assert!(text.contains("HR@10") && text.contains("\nblend ") && text.contains("150 questions"), "{text}");

    // Figures do not depend on threads; one model alone has the figures it has among all.
    let settings = Settings { threads: 3, ..small() };
    let few = Options { settings, models: vec!["popularity".into(), "blend".into()], ..options() };
    let again = evaluate(&task, &few, &Progress::hidden()).unwrap().to_json();
    assert_eq!(again["models"].as_object().unwrap().len(), 2);
    assert_eq!(again["models"]["blend"], json["models"]["blend"]);

    let unknown = Options { models: vec!["magic".into()], ..options() };
    let error = evaluate(&task, &unknown, &Progress::hidden()).unwrap_err().to_string();
    assert!(error.starts_with("there is no model `magic`; there are blend, "), "{error}");
}

#[test]
fn sessions_are_learned_and_ranked() {
    let folder = tempfile::tempdir().unwrap();
    let train: String = (0..200).fold(String::new(), |text, person| text + &words(&walk(person, 5, 40)) + "\n");
    let mut test = String::new();
    for person in 0..40 {
        let session = walk(person * 3 + 1, 4, 40);
        writeln!(test, "{}\t{}", words(&session[..3]), session[3]).unwrap();
        writeln!(test, "{}\t{}", words(&session[..2]), session[2]).unwrap();
    }
    writeln!(test, "100\t999").unwrap();
    std::fs::write(folder.path().join("train_sessions.txt"), train).unwrap();
    std::fs::write(folder.path().join("test_cases.txt"), test).unwrap();
    let report = evaluate(&Task::Sessions(folder.path().into()), &options(), &Progress::hidden()).unwrap().to_json();
    check_shape(&report, &[5, 10, 20]);
    assert_eq!(report["data"]["cases"], 81);
    assert_eq!(report["data"]["truths_never_trained_on"], 1);
    assert!(figure(&report, "blend", "mrr@20") > 0.3);
    assert!(report["data"]["notes"][0].as_str().unwrap().starts_with("1 questions"));
}

#[test]
fn baskets_are_learned_and_ranked_with_what_was_bought_before() {
    let folder = tempfile::tempdir().unwrap();
    let basket = |person: usize, week: usize| json!([person % 10, 20 + (person + week) % 10, 40 + week % 3]);
    let (mut history, mut future) = (serde_json::Map::new(), serde_json::Map::new());
    for person in 0..120 {
        let baskets: Vec<Value> = (0..5).map(|week| basket(person, week)).collect();
        let mark = || vec![json!([-1])];
        history.insert(person.to_string(), json!([mark(), baskets, mark()].concat()));
        future.insert(person.to_string(), json!([[-1], basket(person, 5), [-1]]));
    }
    std::fs::write(folder.path().join("made_up_history.json"), json!(history).to_string()).unwrap();
    std::fs::write(folder.path().join("made_up_future.json"), json!(future).to_string()).unwrap();
    let report = evaluate(&Task::Baskets(folder.path().into()), &options(), &Progress::hidden()).unwrap();
    assert!(report.to_text().contains("RECALL@10"), "several truths");
    let report = report.to_json();
    check_shape(&report, &[5, 10, 20]);
    assert_eq!((&report["data"]["cases"], &report["data"]["truths"]), (&json!(120), &json!(360)));
    assert!(figure(&report, "popularity", "recall@20") > 0.0);
}

#[test]
fn products_held_out_are_ranked_among_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = ["screw", "lamp", "paint", "cable", "glove"];
    let items: serde_json::Map<String, Value> = (0..100)
        .map(|id| {
            (id.to_string(), json!({"title": format!("{} number {id}", kinds[id % 5]), "description": "", "brand": ""}))
        })
        .collect();
    std::fs::write(folder.path().join("shop.item.json"), json!(items).to_string()).unwrap();
    let mut rows = "user_id,history_item_id,item_id\n".to_owned();
    for person in 0..150 {
        // Everybody keeps to one kind.
        let ids: Vec<String> =
            (0..6).map(|step| ((person % 5) + 5 * ((person / 5 + step * 7) % 20)).to_string()).collect();
        writeln!(rows, "u{person},\"[{}]\",{}", ids[..5].join(", "), ids[5]).unwrap();
    }
    std::fs::write(folder.path().join("shop.test.csv"), rows).unwrap();
    let mut options = options();
    options.settings.content.dims = 64;
    let report = evaluate(&Task::Cold(folder.path().into()), &options, &Progress::hidden()).unwrap().to_json();
    check_shape(&report, &[5, 10, 20, 50]);
    assert_eq!((&report["data"]["candidates"], &report["data"]["chance_recall@10"]), (&json!(20), &json!(0.5)));
    // Four products of each kind are held out on average. The texts say which kind and no more, so that the answer stands
    // behind the others of its kind.
    assert!(figure(&report, "content", "hr@10") > 0.95, "{}", figure(&report, "content", "hr@10"));
    assert_eq!(figure(&report, "popularity", "hr@5"), 0.0, "nobody has acted on any of them: all tie");
}

fn bytes(split: &Split) -> Vec<u8> {
    let settings = small();
    let data = split.training.dataset(&settings.limits).unwrap();
    train(&data, &settings, &mut |_, _, _| ()).unwrap().0
}

/// Moves every item to the place of the next.
fn rotate<T: Clone>(items: &mut [T]) {
    items.rotate_left(1);
}

#[test]
fn what_is_held_out_of_sequences_changes_no_byte_of_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.txt");
    let people: Vec<Vec<usize>> = (0..120).map(|person| walk(person, 6, 30)).collect();
    // Two people with one product each make all products known that anybody is asked for.
    let train = |labels: &[usize]| {
        let mut text = "x 500\ny 501\n".to_owned();
        for (person, (walk, label)) in people.iter().zip(labels).enumerate() {
            writeln!(text, "{person} {} {label}", words(walk)).unwrap();
        }
        std::fs::write(&path, text).unwrap();
        let split = sequences::read(&path, PLAIN).unwrap();
        (bytes(&split), split)
    };
    let mut labels: Vec<usize> = (0..120).map(|person| 100 + person * 11 % 30).collect();
    let (first, split) = train(&labels);
    rotate(&mut labels);
    let (permuted, other) = train(&labels);
    assert_ne!(split.cases, other.cases);
    assert_eq!(split.training, other.training);
    assert!(first == permuted);
    // A planted favourite: what everybody turns to next, and nobody had before.
    let (planted, other) = train(&[500; 120]);
    assert!(other.cases.iter().all(|case| case.truth == other.cases[0].truth));
    assert!(first == planted);
    // The same plant one step earlier is no secret.
    let seen: Vec<Vec<usize>> = people.iter().map(|walk| [walk.as_slice(), &[500]].concat()).collect();
    let mut text = "x 500\ny 501\n".to_owned();
    seen.iter().enumerate().for_each(|(person, walk)| writeln!(text, "{person} {} 501", words(walk)).unwrap());
    std::fs::write(&path, text).unwrap();
    assert!(first != bytes(&sequences::read(&path, PLAIN).unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the answers are, there is one training.
    #[test]
    fn training_is_a_function_of_what_is_not_asked(
        labels in prop::collection::vec(0_usize..8, 6),
        others in prop::collection::vec(0_usize..8, 6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let all = "1 2 3 4 5 6 7 0";
        let read = |labels: &[usize]| {
            let to = |name: &str| folder.path().join(name);
            let lines = |sep: &str| labels.iter().enumerate().fold(String::new(), |t, (i, l)| t + &format!("{i} {}{sep}{l}\n", i + 1));
            std::fs::write(to("a.txt"), format!("all {all} 0\n{}", lines(" "))).unwrap();
            std::fs::write(to("train_sessions.txt"), all).unwrap();
            std::fs::write(to("test_cases.txt"), lines("\t")).unwrap();
            let people = |of: &dyn Fn(usize, usize) -> Value| -> String {
                let people = labels.iter().enumerate().map(|(i, l)| (i.to_string(), of(i, *l)));
                json!(people.collect::<serde_json::Map<_, _>>()).to_string()
            };
            std::fs::write(to("b_history.json"), people(&|i, _| json!([[0, 1, 2, 3], [4, 5, 6, 7], [i]]))).unwrap();
            std::fs::write(to("b_future.json"), people(&|_, label| json!([[label]]))).unwrap();
            [
                sequences::read(&to("a.txt"), PLAIN).unwrap(),
                sessions::read(folder.path()).unwrap(),
                baskets::read(folder.path()).unwrap(),
            ]
        };
        for (one, other) in read(&labels).into_iter().zip(read(&others)) {
            prop_assert_eq!(one.training, other.training);
            prop_assert_eq!(one.cases == other.cases, labels == others);
        }
    }
}

const SPLIT: Millis = Millis(100 * DAY);

fn event(visitor: &Visitor, time: Millis, action: Action, products: &[&str]) -> Event {
    let id = MessageId::new(format!("{visitor}-{}-{}", time.0, products.join("-"))).unwrap();
    let mut event = Event::new(id, visitor.clone(), time, action);
    event.received = time;
    event.lines = products.iter().map(|id| Line::of(ProductId::new(*id).unwrap())).collect();
    event
}

fn catalogue() -> Vec<Product> {
    (0..30).map(|id| Product::new(ProductId::new(format!("p{id:02}")).unwrap(), format!("thing {id}"))).collect()
}

fn compress(path: &Path, lines: &[String]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, zstd::encode_all(lines.join("\n").as_bytes(), 3).unwrap()).unwrap();
}

/// An archive as a shop's stack writes it, with a model of everything in it.
fn write_archive(folder: &Path, events: &[Event], settings: &Settings, newest: Millis) {
    let lines: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    let half = lines.len() / 2;
    compress(&folder.join("events/2026-01-01/a.ndjson.zst"), &lines[..half]);
    // Delivery is at least once.
    compress(&folder.join("events/2026-01-02/b.ndjson.zst"), &lines[half.saturating_sub(3)..]);
    let version = folder.join("models/20260102T000000-00000000");
    let products: Vec<String> = catalogue().iter().map(|product| serde_json::to_string(product).unwrap()).collect();
    compress(&version.join("catalogue.ndjson.zst"), &products);
    let card = json!({"model": {"newest": newest, "settings": settings}});
    std::fs::write(version.join("card.json"), card.to_string()).unwrap();
    let products = catalogue();
    let data = vitrine_learn::Dataset::new(&products, &[], &settings.limits).unwrap();
    std::fs::write(version.join("artifact.bin"), train(&data, settings, &mut |_, _, _| ()).unwrap().0).unwrap();
}

/// A hundred people walk along the ring before the split, and go on after it.
fn shop_events() -> Vec<Event> {
    let product = |step: usize| format!("p{:02}", step % 30);
    let mut events = Vec::new();
    for person in 0..100 {
        let known = person % 2 == 0;
        let name = format!("n{person}");
        let visitor = if known { Visitor::known(&*name) } else { Visitor::anonymous(&*name) }.unwrap();
        for step in 0..person % 14 {
            let time = SPLIT.plus(-((20 - step) as i64) * HOUR);
            events.push(event(&visitor, time, Action::View, &[&product(person + step)]));
        }
        // First what they had last, then the next one.
        let last = person + (person % 14).saturating_sub(1);
        events.push(event(&visitor, SPLIT.plus(HOUR), Action::View, &[&product(last)]));
        events.push(event(&visitor, SPLIT.plus(2 * HOUR), Action::Order, &[&product(last + 1)]));
    }
    events
}

#[test]
fn a_log_is_split_by_time_and_judged_by_segment() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive::Options { at: Some(SPLIT), ..archive::Options::default() };
    let task = Task::Log(folder.path().into(), archive);
    let run = || evaluate(&task, &options(), &Progress::hidden()).unwrap().to_json();

    write_archive(folder.path(), &shop_events(), &small(), SPLIT.plus(2 * HOUR));
    let report = run();
    check_shape(&report, &[5, 10, 20]);
    assert_eq!(report["data"]["cases"], 100);
    let cases = |name: &str| report["segments"][name]["cases"].as_u64().unwrap_or(0);
    assert_eq!(cases("any product"), 100);
    assert_eq!(cases("known visitors") + cases("anonymous visitors"), 100);
    assert_eq!(cases("known visitors"), 50);
    // Who had nothing before is new; the first product after the split is then new to them.
    assert_eq!(cases("new visitors"), (0..100).filter(|person| person % 14 == 0).count() as u64);
    let few = cases("visitors with 1 to 9 actions");
    assert_eq!(few + cases("visitors with 10 actions or more") + cases("new visitors"), 100);
    assert!(report["data"]["notes"][0].as_str().unwrap().contains("it has these settings"), "{report:#}");

    // A live model of other settings is trained anew; one that ends before the split is judged as it is.
    let mut other = small();
    other.factors.dims = 4;
    write_archive(folder.path(), &shop_events(), &other, SPLIT.plus(2 * HOUR));
    let retrained = run();
    assert!(figure(&retrained, "live", "hr@10") > 0.0);
    assert!(retrained["segments"]["known visitors"]["models"]["live"].is_object());
    write_archive(folder.path(), &shop_events(), &other, SPLIT.plus(-HOUR));
    let judged = run();
    assert!(judged["data"]["notes"][0].as_str().unwrap().contains("has seen nothing that is asked for"));
    assert_ne!(figure(&judged, "live", "ndcg@20"), figure(&retrained, "live", "ndcg@20"));
}

#[test]
fn nothing_after_the_split_reaches_training() {
    let read = |events: &[Event]| {
        let folder = tempfile::tempdir().unwrap();
        write_archive(folder.path(), events, &small(), SPLIT);
        let options = archive::Options { at: Some(SPLIT), ..archive::Options::default() };
        archive::read(folder.path(), &options, 1_000_000).unwrap().0
    };
    let events = shop_events();
    let split = read(&events);
    // Afterwards everybody turns to one product, a device turns out to be somebody's, and strangers come.
    let mut planted: Vec<Event> = events.iter().filter(|event| event.time < SPLIT).cloned().collect();
    for person in 0..100 {
        let visitor = Visitor::known(format!("n{person}")).unwrap();
        let mut log_in = event(&visitor, SPLIT.plus(HOUR), Action::View, &["p29"]);
        log_in.device_id = Some(format!("n{}", person + 1));
        planted.push(log_in);
        planted.push(event(&Visitor::anonymous(format!("s{person}")).unwrap(), SPLIT, Action::Order, &["p28"]));
    }
    let other = read(&planted);
    assert_ne!(split.cases, other.cases);
    assert_eq!(split.training, other.training);
    assert!(bytes(&split) == bytes(&other));
    // What a case is asked with lies before its question.
    for case in split.cases.iter().chain(&other.cases) {
        assert!(case.at >= SPLIT && case.history.iter().all(|act| act.at <= case.at));
        assert!(case.truth.iter().all(|row| case.excluded.binary_search(row).is_err()));
    }
}

#[test]
fn an_archive_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |expected: &str| {
        let error = archive::read(folder.path(), &archive::Options::default(), 1_000).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    fails("there is no model");
    write_archive(folder.path(), &[], &small(), SPLIT);
    fails("the archive has no action on a product of the catalogue");
    let day = folder.path().join("events/2026-01-03/c.ndjson.zst");
    compress(&day, &["{}".to_owned()]);
    fails("c.ndjson.zst, line 1: missing field");
    std::fs::write(&day, "not zstd").unwrap();
    fails("c.ndjson.zst cannot be read");
}

#[test]
fn a_cold_split_never_trains_on_what_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let items: serde_json::Map<String, Value> =
        (0..50).map(|id| (id.to_string(), json!({"title": format!("thing {id}")}))).collect();
    std::fs::write(folder.path().join("item.json"), json!(items).to_string()).unwrap();
    let read = |swap: &dyn Fn(usize) -> usize| {
        let mut rows = "user_id,history_item_id,item_id\n".to_owned();
        for person in 0..60 {
            let ids: Vec<usize> = (0..8).map(|step| swap((person * 3 + step * 5) % 50)).collect();
            writeln!(rows, "u{person},\"{ids:?}\",{}", swap((person * 3 + 40) % 50)).unwrap();
        }
        std::fs::write(folder.path().join("test.csv"), rows).unwrap();
        cold::read(folder.path(), 5).unwrap()
    };
    let split = read(&|id| id);
    let ids: Vec<usize> = split
        .candidates
        .iter()
        .flatten()
        .map(|row| split.training.catalogue()[*row as usize].id.as_str().parse().unwrap())
        .collect();
    // The products held out change places among themselves.
    let other = read(&|id| ids.iter().position(|held| *held == id).map_or(id, |place| ids[(place + 1) % ids.len()]));
    assert_ne!(split.cases, other.cases);
    assert_eq!(split.training, other.training);
}
