//! Whole trainings of small made-up shops with a known structure.

use std::sync::OnceLock;

use vitrine_domain::{Action, Event, Millis, Product, Visitor};

use super::*;
use crate::dataset::mix;
use crate::dataset::tests::{event, product};
use crate::linear::dot;
use crate::validate::{Past, tests::reasons_add_up};
use crate::{Interaction, Own, OwnVectors, Scratch, Tally, settings};

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

/// People who browse and order within their group, from one product to the next of it: two looks and an order of what
/// comes then in one visit, a day later again. Some order what they ordered before once more.
fn people(numbers: std::ops::Range<u64>) -> Vec<(Visitor, Vec<Event>)> {
    let person = |number: u64| {
        let name = format!("p{number:04}");
        let group = mix(number) as usize % GROUPS;
        let mut place = mix(number ^ 99) as usize;
        let mut ordered = String::new();
        let events = (0..6).map(|step| {
            place += 1 + (mix(number * 10 + step) % 2) as usize;
            let id = format!("{group}-{:02}", place % (PER_GROUP - 1));
            let order = step % 3 == 2;
            let again = order && mix(number ^ 7).is_multiple_of(2) && !ordered.is_empty();
            let lines = [id.as_str(), ordered.as_str()];
            let action = if order { Action::Order } else { Action::View };
            let mut event = event(&name, step as i64, action, &lines[..1 + usize::from(again)]);
            event.time = Millis(1_700_000_000_000 + (step / 3 * 24 * 60 + step % 3 * 10) as i64 * 60_000);
            if order {
                ordered = id;
            }
            event
        });
        (Visitor::anonymous(name.clone()).unwrap(), events.collect())
    };
    numbers.map(person).collect()
}

/// Settings for small shops: little of everything.
pub(crate) fn quick() -> Settings {
    Settings {
        threads: 1,
        factors: settings::Factors { dims: 8, iterations: 4, ..Default::default() },
        encoder: settings::Encoder { dims: 8, inner: 8, epochs: 2, ..Default::default() },
        diffusion: settings::Diffusion { dims: 8, ..Default::default() },
        ..Settings::default()
    }
}

fn trained(products: &[Product], people: &[(Visitor, Vec<Event>)], settings: &Settings) -> (Vec<u8>, Card) {
    let data = Dataset::new(products, people, &settings.limits).unwrap();
    train(&data, settings, &mut |_, _, _| ()).unwrap()
}

/// One training for all tests that only look at what came out.
fn sample() -> (Artifact, &'static Card) {
    static ONCE: OnceLock<(Vec<u8>, Card)> = OnceLock::new();
    let (bytes, card) = ONCE.get_or_init(|| trained(&products(), &people(0..500), &quick()));
    assert_eq!((card.bytes, card.checksum), (bytes.len(), crc32fast::hash(bytes)));
    (Artifact::from_bytes(bytes.clone(), &Lineup::default()).unwrap(), card)
}

/// Vectors of a shop's own that tell groups apart.
fn own() -> OwnVectors {
    let vector = |i: usize| (0..GROUPS).map(|group| if i / PER_GROUP == group { 1.0 } else { 0.0 }).collect();
    let product = |(i, product): (usize, &Product)| (product.id.clone(), vector(i));
    OwnVectors {
        name: "groups".to_owned(),
        dims: GROUPS,
        products: products().iter().enumerate().map(product).collect(),
        visitors: vec![(Visitor::anonymous("p0001").unwrap(), vec![1.0; GROUPS])],
    }
}

#[test]
fn equal_input_gives_equal_bytes_for_any_order_and_number_of_threads() {
    let (products, people) = (products(), people(0..250));
    let learn = |products: &[Product], people: &[(Visitor, Vec<Event>)], settings: Settings| {
        let data = Dataset::new(products, people, &settings.limits).unwrap();
        let lineup = Lineup::default().with(Own::from(own()));
        let trained = Trainer { lineup, settings, ..Trainer::default() }.train(&data, &mut |_, _, _| ()).unwrap();
        assert!(trained.rehearsal.is_some());
        (trained.bytes, trained.card)
    };
    let (bytes, card) = learn(&products, &people, quick());
    let (mut other_products, mut other_people) = (products.clone(), people.clone());
    other_products.reverse();
    other_people
        .sort_by_key(|(visitor, _)| mix(visitor.id().len() as u64 ^ visitor.id().bytes().map(u64::from).sum::<u64>()));
    other_people.reverse();
    for threads in [2, 3] {
        let (other, other_card) = learn(&other_products, &other_people, Settings { threads, ..quick() });
        assert!(other == bytes, "{threads} threads");
        assert_eq!(serde_json::to_string(&other_card).unwrap(), serde_json::to_string(&card).unwrap());
    }
    let (other, _) = learn(&products, &people, Settings { seed: 1, ..quick() });
    assert!(other != bytes, "the seed is used");

    // Equal bytes say nothing of a part that has nothing to say.
    let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
    for part in artifact.parts().iter().filter(|part| part.has_vectors()) {
        let says = (0..artifact.len() as u32)
            .any(|row| artifact.vector(row)[part.range.clone()].iter().any(|x| x.to_f32() != 0.0));
        assert!(says, "{}", part.name);
    }
    for section in ["encoder.weights", "factors.gram", "sessions.gains", "repurchase.rates"] {
        assert!(artifact.numbers::<f32>(section).iter().any(|x| *x > 0.0), "{section}");
    }
}

#[test]
fn every_tally_speaks_and_its_reasons_add_up() {
    let (artifact, _) = sample();
    let (products, people) = (products(), people(0..40));
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let mut scratch = Scratch::default();
    for (at, part) in artifact.parts().iter().enumerate().filter(|(_, part)| !part.has_vectors()) {
        let mut spoken = 0;
        for person in 0..data.people() {
            let steps = data.history(person).len();
            for kept in [1, 2, steps] {
                let case = Case { person, kept, at: data.now(), question: Question::Any, truth: Vec::new() };
                spoken += reasons_add_up(&artifact, at, &Past::of(&data, &case).history, &mut scratch);
            }
        }
        assert!(spoken > 50, "{}: {spoken}", part.name);
    }
}

#[test]
fn what_is_left_of_a_page_without_a_product_is_what_the_whole_tally_says() {
    let (artifact, _) = sample();
    let (products, people) = (products(), people(0..40));
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let page: Vec<u32> = (0..artifact.len() as u32).step_by(2).chain([4]).collect();
    let (mut scratch, mut tally, mut sums) = (Scratch::default(), Tally::new(artifact.len()), vec![7.0; page.len()]);
    let mut changed = 0;
    for person in 0..data.people() {
        let kept = data.history(person).len();
        let case = Case { person, kept, at: data.now(), question: Question::Any, truth: Vec::new() };
        let history = Past::of(&data, &case).history;
        for (at, part) in artifact.parts().iter().enumerate().filter(|(_, part)| !part.has_vectors()) {
            artifact.part_evidence(at, &history, &page, &mut scratch, &mut |_, _, _| ());
            let mut before = None;
            for product in [None, history.last().map(|past| past.row), history.first().map(|past| past.row)] {
                let left: Vec<Interaction> = history.iter().filter(|past| Some(past.row) != product).copied().collect();
                artifact.part_sums(at, &left, &page, &mut scratch, &mut sums);
                tally.clear();
                artifact.part_tally(at, &left, &mut Scratch::default(), &mut tally);
                for (row, sum) in page.iter().zip(&sums) {
                    assert_eq!(sum.to_bits(), tally.sum(*row).to_bits(), "{} of {row}", part.name);
                }
                changed += usize::from(before.as_ref().is_some_and(|before| *before != sums));
                before = Some(sums.clone());
            }
        }
    }
    assert!(changed > 50, "{changed}");
}

#[test]
fn an_earlier_model_is_kept_from_the_rehearsal() {
    let (products, people) = (products(), people(0..250));
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let mut settings = quick();
    settings.encoder.refresh = 0.0;
    let lineup = || Lineup::default().only(|name| ["encoder", "popularity"].contains(&name));
    let learn = |parent: Option<&Artifact>| {
        let trainer = Trainer { lineup: lineup(), settings: settings.clone(), parent, text: None };
        trainer.train(&data, &mut |_, _, _| ()).unwrap()
    };
    let cold = learn(None);
    let parent = Artifact::from_bytes(cold.bytes.clone(), &lineup()).unwrap();
    let warm = learn(Some(&parent));
    assert!(cold.card.validation.is_some());
    assert_eq!((&warm.card.validation, &warm.card.chosen), (&cold.card.validation, &cold.card.chosen));
    assert_eq!(warm.card.parts, cold.card.parts);
    assert!(warm.bytes != cold.bytes, "the last training starts from the earlier model");
}

#[test]
fn a_warm_start_keeps_what_was_learned_and_is_deterministic() {
    let (products, others) = (products(), people(1_000..1_200));
    let lineup = || Lineup::default().only(|name| name == "encoder");
    let learn = |numbers: std::ops::Range<u64>, epochs: usize, threads: usize, parent: Option<&Artifact>| {
        let mut settings = quick();
        settings.threads = threads;
        settings.encoder = settings::Encoder { epochs, batch: 32, learning_rate: 1e-2, ..settings.encoder };
        // Nothing is held out: all learning is the last.
        settings.validation.least_people = 1_000_000;
        let people = people(numbers);
        let data = Dataset::new(&products, &people, &settings.limits).unwrap();
        let trainer = Trainer { lineup: lineup(), settings, parent, text: None };
        let trained = trainer.train(&data, &mut |_, _, _| ()).unwrap();
        assert!(trained.rehearsal.is_none());
        Artifact::from_bytes(trained.bytes, &lineup()).unwrap()
    };
    // How well people are told that no model has seen.
    let data = Dataset::new(&products, &others, &Default::default()).unwrap();
    let cases = validate::hold_out(&data, 1_000, 10).cases;
    let quality =
        |artifact: &Artifact| validate::judge(&data, artifact, &cases, Question::New, 1, &mut |_| ())["encoder"].ndcg20;
    let parent = learn(0..400, 5, 1, None);
    // A short log that would not be enough to learn it from.
    let (cold, warm) = (learn(350..410, 1, 1, None), learn(350..410, 1, 1, Some(&parent)));
    let (before, cold, kept) = (quality(&parent), quality(&cold), quality(&warm));
    assert!(before > cold + 0.1, "{before} {cold}");
    assert!(kept > before - 0.05, "{before} {kept} {cold}");
    let again = learn(350..410, 1, 3, Some(&parent));
    assert!(again.vectors() == warm.vectors());
    assert!(again.numbers::<f32>("encoder.weights") == warm.numbers::<f32>("encoder.weights"));
}

#[test]
fn the_rehearsal_cannot_see_what_is_held_out() {
    let (products, people) = (products(), people(0..150));
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
        let (model, _) = trainer.learn(data, &content, 1, Pass::Last(&Decided::default(), None), &mut |_| ()).unwrap();
        pack(data.products(), &model, false).unwrap()
    };
    assert!(learn(&data.cut(&held.keep)) == learn(&other.cut(&held.keep)));
    assert!(learn(&data) != learn(&other), "the change is one that learning would see");
}

#[test]
fn a_planted_structure_is_found_and_the_card_says_how_well() {
    let (artifact, card) = sample();
    artifact.verify().unwrap();
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
    let text = serde_json::to_string(card).unwrap();
    assert!(text.contains("\"hr@10\"") && !text.contains("threads"), "{text}");
    assert_eq!(serde_json::from_str::<Card>(&text).unwrap().figures(Question::New), card.figures(Question::New));
}

/// Which part of a model one of a name is.
pub(crate) fn place(artifact: &Artifact, name: &str) -> usize {
    artifact.parts().iter().position(|part| part.name == name).unwrap()
}

/// A product's vector in single precision.
fn wide(artifact: &Artifact, row: u32) -> Vec<f32> {
    artifact.vector(row).iter().map(|x| x.to_f32()).collect()
}

#[test]
fn what_nobody_has_met_is_found_by_its_text() {
    let (artifact, _) = sample();
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
        artifact.part_query(place(&artifact, "factors"), &history, &mut Scratch::default(), &mut person);
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
    for people in [Vec::new(), people(0..200)] {
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
    let (products, people) = (products(), people(0..300));
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
    let (products, people) = (products(), people(0..50));
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let mut settings = quick();
    settings.limits.actions = 10;
    let mut stages = 0;
    let error = train(&data, &settings, &mut |_, _, _| stages += 1).unwrap_err();
    assert!(
        matches!(error, Error::Limit { what: "actions", found, limit: 10 } if found == data.counts().actions),
        "{error}"
    );
    settings.factors.iterations = 0;
    assert!(matches!(train(&data, &settings, &mut |_, _, _| stages += 1), Err(Error::Setting { .. })));
    assert_eq!(stages, 0);
}
