//! Whole trainings of small made-up shops with a known structure.

use vitrine_domain::{Action, Event, Product, Visitor};

use super::*;
use crate::dataset::mix;
use crate::dataset::tests::{event, product};
use crate::linear::dot;
use crate::{Interaction, Scratch, settings};

const GROUPS: usize = 6;
const PER_GROUP: usize = 12;

/// Groups of products with names of their own; in each group one product that nobody has met.
fn products() -> Vec<Product> {
    let kinds = ["pasta", "soap", "wine", "toys", "bread", "paint"];
    let product = |i: usize| {
        let (group, number) = (i / PER_GROUP, i % PER_GROUP);
        let title = format!("{} {}", ["fine", "plain", "large"][number % 3], kinds[group]);
        product(&format!("{group}-{number:02}"), &title, &["All", kinds[group]])
    };
    (0..GROUPS * PER_GROUP).map(product).collect()
}

/// People who browse and order within their group, from one product to the next of it.
fn people(count: u64) -> Vec<(Visitor, Vec<Event>)> {
    let person = |number: u64| {
        let name = format!("p{number:04}");
        let group = mix(number) as usize % GROUPS;
        let mut place = mix(number ^ 99) as usize;
        let events = (0..6).map(|hour| {
            place += 1 + (mix(number * 10 + hour) % 2) as usize;
            let id = format!("{group}-{:02}", place % (PER_GROUP - 1));
            event(&name, hour as i64 * 5, if hour % 3 == 2 { Action::Order } else { Action::View }, &[&id])
        });
        (Visitor::anonymous(name.clone()).unwrap(), events.collect())
    };
    (0..count).map(person).collect()
}

fn quick() -> Settings {
    let factors = settings::Factors { dims: 8, iterations: 4, ..Default::default() };
    Settings { threads: 1, factors, ..Settings::default() }
}

fn trained(products: &[Product], people: &[(Visitor, Vec<Event>)], settings: &Settings) -> (Vec<u8>, Card) {
    let data = Dataset::new(products, people, &settings.limits).unwrap();
    train(&data, settings, &mut |_, _, _| ()).unwrap()
}

#[test]
fn equal_input_gives_equal_bytes_for_any_order_and_number_of_threads() {
    let (products, people) = (products(), people(300));
    let (bytes, card) = trained(&products, &people, &quick());
    let (mut other_products, mut other_people) = (products.clone(), people.clone());
    other_products.reverse();
    other_people
        .sort_by_key(|(visitor, _)| mix(visitor.id().len() as u64 ^ visitor.id().bytes().map(u64::from).sum::<u64>()));
    other_people.reverse();
    for threads in [2, 3] {
        let (other, other_card) = trained(&other_products, &other_people, &Settings { threads, ..quick() });
        assert!(other == bytes, "{threads} threads");
        assert_eq!(serde_json::to_string(&other_card).unwrap(), serde_json::to_string(&card).unwrap());
    }
    let (other, _) = trained(&products, &people, &Settings { seed: 1, ..quick() });
    assert!(other != bytes, "the seed is used");
}

#[test]
fn the_rehearsal_cannot_see_what_is_held_out() {
    let (products, people) = (products(), people(150));
    let mut changed = people.clone();
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let held = validate::hold_out(&data, 1_000, 10);
    assert!(held.cases.len() >= 10);
    for (person, kept) in &held.keep {
        let Some(step) = data.history(*person).get(*kept) else { continue };
        // Everything from the held-out event on becomes something else, at another time.
        let (visitor, events) = &mut changed[*person];
        events.truncate(step.event as usize);
        events.push(event(visitor.id(), 1_000, Action::Order, &["0-00", "3-01", "5-11"]));
    }
    let other = Dataset::new(&products, &changed, &Default::default()).unwrap();
    let trainer = Trainer::new(&quick());
    let content = Content::of(data.products(), &quick().content, None, 1, &mut |_, _, _| ());
    let learn = |data: &Dataset<'_>| {
        let (model, _) = trainer.learn(data, &content, 1, None, &Decided::default(), &mut |_| ()).unwrap();
        pack(data.products(), &model, false).unwrap()
    };
    assert!(learn(&data.cut(&held.keep)) == learn(&other.cut(&held.keep)));
    assert!(learn(&data) != learn(&other), "the change is one that learning would see");
}

#[test]
fn a_planted_structure_is_found_and_the_card_says_how_well() {
    let (bytes, card) = trained(&products(), &people(600), &quick());
    let artifact = Artifact::from_bytes(bytes.clone(), &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    assert_eq!((card.bytes, card.checksum), (bytes.len(), crc32fast::hash(&bytes)));
    assert_eq!(artifact.parts(), card.parts);
    let outcome = card.validation.as_ref().unwrap();
    for question in Question::ALL {
        let figures = card.figures(question).unwrap();
        let hr = |part: &str| figures[part].hr10;
        assert!(outcome.choosing + outcome.judging > 100 && figures["blend"].people > 50);
        // Of 72 products, 12 are of the person's group and the next two of them are the likely ones.
        assert!(hr("view_view") > 0.6 && hr("factors") > 0.6 && hr("content") > 0.5, "{figures:?}");
        assert!(hr("popularity") < 0.4, "{figures:?}");
        let best = artifact.parts().iter().map(|part| figures[&part.name].ndcg20).fold(0.0, f64::max);
        assert!(figures["blend"].ndcg20 > best - 0.03, "{figures:?}");
    }
    let text = serde_json::to_string(&card).unwrap();
    assert!(text.contains("\"hr@10\"") && !text.contains("threads"), "{text}");
    assert_eq!(serde_json::from_str::<Card>(&text).unwrap().figures(Question::New), card.figures(Question::New));
}

/// A product's vector in single precision.
fn wide(artifact: &Artifact, row: u32) -> Vec<f32> {
    artifact.vector(row).iter().map(|x| x.to_f32()).collect()
}

#[test]
fn what_nobody_has_met_is_found_by_its_text() {
    let (bytes, _) = trained(&products(), &people(600), &quick());
    let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
    let mut visitor = vec![0.0; artifact.dims()];
    for group in 0..GROUPS as u32 {
        let per_group = PER_GROUP as u32;
        let history: Vec<Interaction> = (0..3)
            .map(|i| Interaction { row: group * per_group + i, action: Action::View, age_days: (3 - i) as f32 })
            .collect();
        artifact.visitor_vector(&history, Question::New, &mut Scratch::default(), &mut visitor);
        let score = |row: u32| dot(&visitor, &wide(&artifact, row));
        let new = |group: u32| group * per_group + per_group - 1;
        assert_eq!(artifact.people()[new(group) as usize], 0);
        let best_other = (0..GROUPS as u32).filter(|g| *g != group).map(|g| score(new(g))).fold(f32::MIN, f32::max);
        assert!(score(new(group)) > best_other + 0.05, "{group}: {} {best_other}", score(new(group)));
        // The factors alone know it too, through the map from texts.
        let (mut person, range) = ([0.0; 8], artifact.range("factors"));
        artifact.part_query(0, &history, &mut Scratch::default(), &mut person);
        let taste = |row: u32| dot(&person, &wide(&artifact, row)[range.clone()]);
        let best_other = (0..GROUPS as u32).filter(|g| *g != group).map(|g| taste(new(g))).fold(f32::MIN, f32::max);
        assert!(taste(new(group)) > best_other, "{group}: {} {best_other}", taste(new(group)));
    }
}

#[test]
fn a_shop_without_events_learns_from_its_texts() {
    let (bytes, card) = trained(&products(), &[], &quick());
    let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    assert!(card.validation.is_none() && card.chosen.is_empty());
    let mut visitor = vec![0.0; artifact.dims()];
    artifact.visitor_vector(
        &[Interaction { row: 0, action: Action::View, age_days: 0.0 }],
        Question::New,
        &mut Scratch::default(),
        &mut visitor,
    );
    let mut rows: Vec<u32> = (0..artifact.len() as u32).collect();
    rows.sort_by(|a, b| dot(&visitor, &wide(&artifact, *b)).total_cmp(&dot(&visitor, &wide(&artifact, *a))));
    assert!(rows[..PER_GROUP].iter().all(|row| (*row as usize) < PER_GROUP), "{rows:?}");
    assert!(artifact.popularity().iter().chain(artifact.trending()).all(|x| *x == 0.0));
    assert_eq!(artifact.popular().len(), GROUPS * PER_GROUP);
}

#[test]
fn nothing_at_all_is_an_artifact_too() {
    for people in [Vec::new(), people(200)] {
        let (bytes, card) = trained(&[], &people, &quick());
        let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
        artifact.verify().unwrap();
        assert!(artifact.is_empty() && card.validation.is_none());
        let mut visitor = vec![0.0; artifact.dims()];
        artifact.visitor_vector(
            &[Interaction { row: 0, action: Action::View, age_days: 0.0 }],
            Question::New,
            &mut Scratch::default(),
            &mut visitor,
        );
        assert_eq!((artifact.position("0-00"), artifact.popular()), (None, &[][..]));
    }
}

#[test]
fn a_shop_of_one_product_and_one_person() {
    let products = [product("a", "Soap", &["Bath"])];
    let people = [crate::dataset::tests::person("x", &[(0, Action::Order, &["a"])])];
    let (bytes, card) = trained(&products, &people, &quick());
    let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    assert_eq!((artifact.popularity(), card.counts.orders), (&[5.0][..], 1));
}

#[test]
fn progress_goes_through_the_stages_in_order_and_ends_each() {
    let (products, people) = (products(), people(300));
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let mut heard: Vec<(Stage, u64, u64)> = Vec::new();
    train(&data, &quick(), &mut |stage, done, total| heard.push((stage, done, total))).unwrap();
    let mut stages: Vec<Stage> = heard.iter().map(|(stage, ..)| *stage).collect();
    stages.dedup();
    assert_eq!(stages, Stage::ALL);
    for stage in Stage::ALL {
        let of_stage: Vec<_> = heard.iter().filter(|(s, ..)| *s == stage).collect();
        assert!(of_stage.is_sorted_by_key(|(_, done, _)| *done), "{of_stage:?}");
        assert!(of_stage.last().is_some_and(|(_, done, total)| done == total), "{of_stage:?}");
    }
}

#[test]
fn a_shop_beyond_the_limits_is_refused_before_any_work() {
    let (products, people) = (products(), people(50));
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let mut settings = quick();
    settings.limits.actions = 10;
    let mut stages = 0;
    let error = train(&data, &settings, &mut |_, _, _| stages += 1).unwrap_err();
    assert!(matches!(error, Error::Limit { what: "actions", found: 300, limit: 10 }), "{error}");
    settings.factors.iterations = 0;
    assert!(matches!(train(&data, &settings, &mut |_, _, _| stages += 1), Err(Error::Setting { .. })));
    assert_eq!(stages, 0);
}
