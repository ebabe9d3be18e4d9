//! What is packed is what is read, and damage of any kind is found and never fatal.

mod damage;

use std::collections::BTreeSet;

use serde_json::json;
use vitrine_domain::{Action, Availability, Kind, Millis, Product, ProductId, Visitor};

use super::container::Writer;
use super::*;
use crate::algorithm::{Learned, Lesson, Numbers};
use crate::dataset::tests::{letters, person, product};
use crate::train::tests::{place, quick};
use crate::{Dataset, Interaction, Own, OwnVectors, Question, Scratch, Trainer, train};

fn shop() -> Vec<Product> {
    let mut products = letters(5);
    products[0].category = vec!["Grocery".into(), "Pasta".into()];
    products[1].category = vec!["Grocery".into(), "Sauce".into()];
    products[2].category = Vec::new();
    products[0].brand = Some("Zita".into());
    products[1].brand = Some("Anna".into());
    products[0].price = Some(2.5);
    products[0].sale_price = Some(1.5);
    products[1].availability = Availability::OutOfStock;
    products[3].kind = Kind::Content;
    products[0].cost = Some(0.25);
    let attributes = &mut products[0].attributes;
    attributes.insert("colour".into(), json!(["red", "white"]));
    attributes.insert("organic".into(), json!(true));
    attributes.insert("sizes".into(), json!([36, 37.5]));
    products[4].attributes.insert("colour".into(), json!("red"));
    products[4].attributes.insert("sizes".into(), json!(40));
    products
}

fn bytes() -> Vec<u8> {
    static ONCE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    ONCE.get_or_init(trained).clone()
}

/// Every part of the line-up, and vectors of the shop's own.
fn trained() -> Vec<u8> {
    let products = shop();
    let mut people = [
        person("x", &[(0, Action::View, &["a"]), (1, Action::View, &["b"]), (2, Action::Order, &["a", "b"])]),
        person("y", &[(0, Action::View, &["a"]), (1, Action::View, &["b"]), (2, Action::Order, &["c"])]),
        person("z", &[(0, Action::Order, &["e"]), (1, Action::Order, &["c"])]),
    ];
    // Six minutes for an hour, so that what a person did is one session.
    for event in people.iter_mut().flat_map(|(_, events)| events) {
        event.time = Millis(1_700_000_000_000 + (event.time.0 - 1_700_000_000_000) / 10);
    }
    let id = |name: &str| ProductId::new(name).unwrap();
    let visitor = |name: &str| Visitor::known(name).unwrap();
    let images = OwnVectors {
        name: "images".to_owned(),
        dims: 2,
        products: vec![(id("a"), vec![1.0, 0.0]), (id("b"), vec![0.5, 0.5])],
        visitors: vec![(visitor("x"), vec![1.0, 0.0]), (visitor("y"), vec![0.0, 1.0])],
    };
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let mut settings = quick();
    settings.factors.dims = 4;
    settings.content.dims = 8;
    let lineup = Lineup::default().with(Own::from(images));
    Trainer { lineup, settings, ..Trainer::default() }.train(&data, &mut |_, _, _| ()).unwrap().bytes
}

fn artifact() -> Artifact {
    let artifact = Artifact::from_bytes(bytes(), &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    artifact
}

#[test]
fn what_is_packed_is_what_is_read() {
    let (artifact, products) = (artifact(), shop());
    assert_eq!((artifact.len(), artifact.is_empty(), artifact.dims()), (5, false, artifact.dims()));
    for (row, product) in (0..).zip(&products) {
        assert_eq!(artifact.id(row), product.id.as_str());
        assert_eq!(artifact.position(product.id.as_str()), Some(row));
        assert_eq!(serde_json::from_str::<Product>(artifact.product_json(row)).unwrap(), product.shown());
        assert_eq!(artifact.sellable(row), product.is_sellable());
        assert_eq!(artifact.is_content(row), product.kind == Kind::Content);
        assert_eq!(artifact.price(row), product.current_price().map(|price| price as f32));
        assert_eq!(artifact.vector(row), &artifact.vectors()[row as usize * artifact.dims()..][..artifact.dims()]);
        let path: Vec<_> = artifact.categories(row).iter().map(|c| artifact.category_name(*c)).collect();
        assert_eq!(path, product.category);
        let brands: Vec<_> = artifact.brand_names().collect();
        assert_eq!(artifact.brand(row).map(|brand| brands[brand as usize]), product.brand.as_deref());
    }
    assert_eq!(artifact.category_names().collect::<Vec<_>>(), ["Grocery", "Pasta", "Sauce", "Things"]);
    assert_eq!((artifact.position("aa"), artifact.position(""), artifact.position("z")), (None, None, None));
    let parts: Vec<_> = artifact.parts().iter().map(|part| (part.name.as_str(), part.range.len())).collect();
    let vectors = [("encoder", 8), ("factors", 4), ("paths", 8), ("content", 8), ("popularity", 1), ("latest", 1)];
    let tallies = ["view_view", "view_order", "order_together", "order_next", "sessions", "repurchase"];
    let tallies: Vec<_> = tallies.map(|name| (name, 0)).into();
    assert_eq!(parts, [&vectors[..], &tallies, &[("own:images", 2)]].concat());
    assert_eq!(artifact.parts().iter().map(|part| part.range.len()).sum::<usize>(), artifact.dims());
    assert!(artifact.numbers::<u32>("sessions.rows").len() > 3);

    assert_eq!(artifact.neighbours(Pair::ViewView, 0).0, [1]);
    assert_eq!(artifact.neighbours(Pair::OrderTogether, 1).0, [0]);
    assert_eq!(artifact.people(), [2, 2, 2, 0, 1]);
    // c: two orders; a, b and e behind it by what was last looked at and ordered; d: nobody.
    assert_eq!((artifact.popular()[0], artifact.popular()[4]), (2, 3));
    assert_eq!(artifact.popular_in(0).len(), 2);
    assert_eq!(artifact.popular_in(3), [4, 3]);
}

fn past(row: u32) -> Interaction {
    Interaction { row, action: Action::View, age_days: 0.0 }
}

#[test]
fn rows_that_do_not_exist_are_empty() {
    let artifact = artifact();
    damage::exercise(&artifact);
    for row in [5, u32::MAX] {
        assert_eq!((artifact.id(row), artifact.product_json(row), artifact.vector(row)), ("", "", &[][..]));
        assert_eq!((artifact.brand(row), artifact.price(row), artifact.sellable(row)), (None, None, false));
        assert_eq!(artifact.neighbours(Pair::ViewView, row), (&[][..], &[][..]));
    }
}

#[test]
fn a_mapped_file_is_what_its_bytes_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    std::fs::write(&path, bytes()).unwrap();
    let (mapped, owned) = (Artifact::open(&path, &Lineup::default()).unwrap(), artifact());
    mapped.verify().unwrap();
    assert_eq!(mapped.vectors(), owned.vectors());
    assert_eq!(mapped.vectors().as_ptr().align_offset(64), 0, "sections of a mapped file are aligned for wide loads");

    std::fs::write(&path, b"").unwrap();
    assert!(matches!(Artifact::open(&path, &Lineup::default()), Err(Error::Magic)));
    assert!(matches!(Artifact::open(folder.path().join("none"), &Lineup::default()), Err(Error::Read(_))));
}

#[test]
fn threads_may_share_an_artifact() {
    fn shared<T: Send + Sync>() {}
    shared::<Artifact>();
}

#[test]
fn the_format_stays_what_is_documented() {
    let bytes = bytes();
    let head: Vec<u8> = [&b"VITRINE\x1a"[..], &[3, 0, 0, 0], &[82, 0, 0, 0]].concat();
    assert_eq!(bytes[..16], head);
    assert_eq!(bytes[16..24], (bytes.len() as u64).to_le_bytes());
    let sections = container::read(&bytes).unwrap();
    // Columns are documented by their forms, whatever their number.
    let (columns, others): (Vec<_>, Vec<_>) = sections.iter().partition(|section| section.name.starts_with("column."));
    let named = |name: &str, width| format!("{name} {width}");
    let names: Vec<String> = others.iter().map(|section| named(&section.name, section.width)).collect();
    let general = |name: &str| {
        let words = name.split('.').map(|word| if word.parse::<u32>().is_ok() { "K" } else { word });
        words.collect::<Vec<_>>().join(".")
    };
    let columns: BTreeSet<String> = columns.iter().map(|s| named(&general(&s.name), s.width)).collect();
    let document = include_str!("../../ARTIFACT.md");
    let mut documented: Vec<String> = Vec::new();
    for row in document.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let width = match cells[2] {
            "text" => 1,
            "f16" => 2,
            "u32" | "f32" => 4,
            "u64" | "f64" => 8,
            other => panic!("{other}"),
        };
        documented.push(format!("{} {width}", cells[1].trim_matches('`')));
    }
    let (forms, documented): (Vec<_>, Vec<_>) = documented.into_iter().partition(|name| name.starts_with("column."));
    assert_eq!(names, documented);
    assert_eq!(columns, forms.into_iter().collect());
    assert!(sections.iter().all(|section| section.bytes.start % 64 == 0));
}

#[test]
fn a_product_seen_twice_is_one_product_of_twice_the_interest() {
    let artifact = artifact();
    let range = artifact.range("factors");
    let mut twice = [0.0; 4];
    artifact.part_query(place(&artifact, "factors"), &[past(1), past(0), past(1)], &mut Scratch::default(), &mut twice);
    let vector = |row| artifact.vector(row)[range.clone()].iter().map(|x| x.to_f32()).collect::<Vec<_>>();
    let (seen, confidence) = ([(vector(1), 2.0), (vector(0), 1.0)], artifact.numbers::<f32>("factors.confidence"));
    let confidence = crate::factors::Confidence { scale: confidence[0], half_life_days: confidence[1] };
    let mut expected = [0.0; 4];
    let seen = seen.iter().map(|(vector, interest)| (&vector[..], *interest));
    crate::factors::fold_in(artifact.numbers("factors.gram"), confidence, seen, &mut expected);
    assert_eq!(twice, expected);
    assert!(twice.iter().any(|x| *x != 0.0));
}

#[test]
fn without_a_history_only_what_everybody_wants_is_left() {
    let artifact = artifact();
    for question in Question::ALL {
        let ask = |history: &[Interaction], out: &mut [f32]| {
            artifact.visitor_vector(history, question, &mut Scratch::default(), out);
        };
        let mut only = vec![0.0; artifact.dims()];
        for name in ["popularity", "latest"] {
            let part = &artifact.parts()[place(&artifact, name)];
            assert!(part.weight(question) > 0.0);
            only[part.range.start] = part.weight(question);
        }
        for history in [&[][..], &[Interaction { row: 0, action: Action::Refund, age_days: 1.0 }]] {
            let mut out = vec![9.0; artifact.dims()];
            ask(history, &mut out);
            // The encoder alone has something to say of a return: it is told what kind of action it was.
            if !history.is_empty() {
                out[artifact.range("encoder")].fill(0.0);
            }
            assert_eq!(out, only);
        }
        let mut short = vec![9.0; artifact.dims() - 1];
        ask(&[past(0)], &mut short);
        assert!(short.iter().all(|x| *x == 0.0));
    }
}

#[test]
fn a_part_that_nobody_answers_for_is_refused_by_name() {
    for name in ["encoder", "paths", "sessions"] {
        let lineup = Lineup::default().only(|known| known != name);
        let error = Artifact::from_bytes(bytes(), &lineup).unwrap_err();
        assert!(matches!(&error, Error::Part(part) if part == name), "{error}");
    }
    // What anybody's own vectors are is known.
    let opened = Artifact::from_bytes(bytes(), &Lineup::default()).unwrap();
    assert_eq!(opened.range("own:images").len(), 2);
}

/// Writes one section.
#[derive(Debug)]
struct Writes(&'static str, &'static str);

impl Algorithm for Writes {
    fn name(&self) -> &str {
        self.0
    }

    fn learn(&self, _: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        Ok(Learned { sections: vec![(self.1, Numbers::U32(vec![7]))], ..Learned::default() })
    }
}

#[test]
fn sections_with_names_that_cannot_be_written_are_refused() {
    let train = |part: &'static str, section: &'static str| {
        let products = letters(2);
        let data = Dataset::new(&products, &[], &Default::default()).unwrap();
        let lineup = Lineup::default().only(|_| false).with(Writes(part, section));
        Trainer { lineup, settings: quick(), ..Trainer::default() }.train(&data, &mut |_, _, _| ())
    };
    let opened = |part, section| {
        let lineup = Lineup::default().with(Writes(part, section));
        Artifact::from_bytes(train(part, section).unwrap().bytes, &lineup).unwrap()
    };
    assert_eq!(opened("mine", "numbers").numbers::<u32>("mine.numbers"), [7]);
    let longest = "abcdefghijklmnopqrstuvwxyz0123456789";
    assert_eq!(longest.len(), 36);
    assert_eq!(opened("abc", longest).numbers::<u32>(&format!("abc.{longest}")), [7]);
    for (part, section) in [("abcd", longest), ("ids", "at"), ("ü", "x"), ("a b", "x")] {
        let error = train(part, section).unwrap_err();
        assert!(matches!(&error, Error::Section(name) if *name == format!("{part}.{section}")), "{error}");
    }
}

#[test]
fn names_of_products_may_be_anything() {
    let products = [product("π", "Törtchen", &["Süßes"]), product("a b/c", "", &[""])];
    let data = Dataset::new(&products, &[], &Default::default()).unwrap();
    let (bytes, _) = train(&data, &quick(), &mut |_, _, _| ()).unwrap();
    let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    assert_eq!((artifact.position("π"), artifact.position("a b/c")), (Some(1), Some(0)));
    assert_eq!(artifact.category_names().collect::<Vec<_>>(), ["", "Süßes"]);
}

#[test]
fn more_sections_can_be_appended_and_nothing_else_changes() {
    let more = [("index.about".to_owned(), 1, b"lists".to_vec()), ("index.rows".to_owned(), 4, vec![7, 0, 0, 0])];
    let bytes = with_sections(bytes(), &more).unwrap();
    let (grown, before) = (Artifact::from_bytes(bytes.clone(), &Lineup::default()).unwrap(), artifact());
    grown.verify().unwrap();
    assert_eq!((grown.section("index.about"), grown.numbers::<u32>("index.rows")), (Some(&b"lists"[..]), &[7][..]));
    for section in container::read(&self::bytes()).unwrap() {
        assert_eq!(grown.section(&section.name), before.section(&section.name), "{}", section.name);
    }
    // As if they had been written with the others, in one step or in two.
    let (first, second) = more.split_at(1);
    let twice = with_sections(with_sections(self::bytes(), first).unwrap(), second).unwrap();
    assert_eq!((&twice, with_sections(self::bytes(), &more).unwrap()), (&bytes, twice.clone()));
    assert_eq!(with_sections(self::bytes(), &[]).unwrap(), self::bytes());
}

#[test]
fn sections_that_cannot_be_appended_are_refused() {
    let refused = |name: &str, width: u32, content: &[u8]| {
        let error = with_sections(bytes(), &[(name.to_owned(), width, content.to_vec())]).unwrap_err();
        assert!(matches!(&error, Error::Section(section) if section == name), "{error}");
    };
    refused("ids", 1, b"");
    refused("", 1, b"");
    refused(&"n".repeat(41), 1, b"");
    refused("rows", 4, b"123");
    refused("rows", 3, b"123");
    assert!(matches!(with_sections(vec![1, 2], &[]), Err(Error::Magic)));
    let twice = [("a".to_owned(), 1, vec![]), ("a".to_owned(), 1, vec![])];
    assert!(matches!(with_sections(bytes(), &twice), Err(Error::Section(_))));
}
