//! The verdict against closed forms, and the gains against the figures of the validation.

use proptest::prelude::*;
use vitrine_domain::{Action, Event, Line, MessageId, Product, ProductId, Visitor};
use vitrine_learn::validate::{HoldOut, hold_out, judge};
use vitrine_learn::{Settings, train};

use super::*;

#[test]
fn the_interval_is_students() {
    // Quantiles of the t distribution, from tables.
    for (freedom, quantile) in [(9.0, 2.2622), (29.0, 2.0452), (49.0, 2.0096), (999.0, 1.9623)] {
        assert!((t_975(freedom) - quantile).abs() < 1e-3, "{freedom}: {}", t_975(freedom));
    }
    // Differences 0, -.1, ..., -.9: mean -.45, standard deviation .302765, 9 degrees of freedom.
    let candidate: Vec<f64> = (0..10).map(|n| 1.0 - f64::from(n) / 10.0).collect();
    let verdict = decide(&candidate, &[1.0; 10]);
    let half = 2.2622 * 0.302_765 / 10.0_f64.sqrt();
    assert!((verdict.interval[0] + 0.45 + half).abs() < 1e-4 && (verdict.interval[1] + 0.45 - half).abs() < 1e-4);
    assert!((verdict.candidate - 0.55).abs() < 1e-12 && (verdict.live - 1.0).abs() < 1e-12);
    assert!(verdict.refuses());
}

#[test]
fn only_what_is_worse_by_more_than_noise_is_refused() {
    let refuses = |candidate: &[f64], live: &[f64]| decide(candidate, live).refuses();
    // Always a little worse, and sometimes much worse and sometimes much better.
    assert!(refuses(&[0.4; 50], &[0.41; 50]));
    let swing: Vec<f64> = (0..50).map(|n| if n % 2 == 0 { 0.0 } else { 0.9 }).collect();
    assert!(!refuses(&swing, &[0.5; 50]));
    assert!(!refuses(&[0.4; 50], &[0.4; 50]));
    assert!(!refuses(&[0.41; 50], &[0.4; 50]));
    assert!(!refuses(&[], &[]) && !refuses(&[0.0], &[1.0]), "one pair says nothing");
}

proptest! {
    #[test]
    fn the_verdict_turns_with_its_sides_and_pairs_have_no_order(
        pairs in prop::collection::vec((0.0..1.0_f64, 0.0..1.0_f64), 2..60),
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let (there, back) = (decide(&a, &b), decide(&b, &a));
        prop_assert!((there.interval[0] + back.interval[1]).abs() < 1e-12);
        prop_assert!(!(there.refuses() && back.refuses()));
        let (c, d): (Vec<f64>, Vec<f64>) = pairs.into_iter().rev().unzip();
        prop_assert!((decide(&c, &d).interval[1] - there.interval[1]).abs() < 1e-12);
    }
}

/// People who walk along a circle of products, a step at a time.
fn walkers(products: u32, people: u32, from: i64) -> Vec<(Visitor, Vec<Event>)> {
    let person = |number: u32| {
        let visitor = Visitor::anonymous(format!("p{number:04}")).unwrap();
        let event = |step: u32| {
            let id = MessageId::new(format!("{number}-{step}")).unwrap();
            let time = Millis(from + i64::from(step) * 3_600_000);
            let mut event = Event::new(id, visitor.clone(), time, Action::View);
            let product = format!("{:02}", (number * 7 + step) % products);
            event.lines = vec![Line::of(ProductId::new(product).unwrap())];
            event
        };
        (visitor.clone(), (0..5).map(event).collect())
    };
    (0..people).map(person).collect()
}

fn products(count: u32) -> Vec<Product> {
    (0..count).map(|n| Product::new(ProductId::new(format!("{n:02}")).unwrap(), "thing")).collect()
}

/// Parts that cost little to train.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.encoder.epochs = 2;
    settings
}

fn model(data: &Dataset<'_>) -> Artifact {
    let (bytes, _) = train(data, &settings(), &mut |_, _, _| ()).unwrap();
    Artifact::from_bytes(bytes, &Lineup::default()).unwrap()
}

/// Everybody's newest actions.
fn held_out(data: &Dataset<'_>) -> HoldOut {
    hold_out(data, usize::MAX, 0)
}

fn new_products(cases: Vec<Case>) -> Vec<Case> {
    cases.into_iter().filter(|case| case.question == Question::New).collect()
}

#[test]
fn gains_are_those_of_the_validation_also_for_a_model_with_another_catalogue() {
    let (catalogue, people) = (products(24), walkers(24, 120, 0));
    let data = Dataset::new(&catalogue, &people, &Default::default()).unwrap();
    let held = held_out(&data);
    let artifact = model(&data.cut(&held.keep));
    let cases = new_products(held.cases);
    assert_eq!(cases.len(), 120);
    let expected = judge(&data, &artifact, &cases, Question::New, 1, &mut |_| ())["blend"].ndcg20;
    let mean = |gains: &[f64]| gains.iter().sum::<f64>() / gains.len() as f64;
    let gained = gains(&data, &artifact, &cases, 1);
    assert!((mean(&gained) - expected).abs() < 1e-9 && expected > 0.2, "{} {expected}", mean(&gained));
    assert_eq!(gained, gains(&data, &artifact, &cases, 3));

    // The shop sells one product more, whose rows come before all others, and one less.
    let mut other = products(24);
    other.remove(23);
    other.insert(0, Product::new(ProductId::new("!").unwrap(), "new"));
    let mut later = people.clone();
    for (_, events) in later.iter_mut().take(60) {
        events[4].lines = vec![Line::of(ProductId::new("!").unwrap())];
    }
    let moved = Dataset::new(&other, &later, &Default::default()).unwrap();
    let cases = new_products(held_out(&moved).cases);
    let gained = gains(&moved, &artifact, &cases, 2);
    let new = moved.row("!").unwrap();
    let (unknown, known): (Vec<(&Case, &f64)>, Vec<_>) =
        cases.iter().zip(&gained).partition(|(case, _)| case.truth == [new]);
    assert_eq!(unknown.len(), 60);
    assert!(unknown.iter().all(|(_, gain)| **gain == 0.0), "nobody can be shown what the model does not know");
    assert!(mean(&known.iter().map(|(_, gain)| **gain).collect::<Vec<_>>()) > 0.2);
}

#[test]
fn only_what_the_live_model_has_not_seen_is_judged() {
    let (catalogue, people) = (products(10), walkers(10, 40, 0));
    let data = Dataset::new(&catalogue, &people, &Default::default()).unwrap();
    let (bytes, _) = train(&data, &settings(), &mut |_, _, _| ()).unwrap();
    let artifact = || Artifact::from_bytes(bytes.clone(), &Lineup::default()).unwrap();
    let cases = held_out(&data).cases;
    assert!(cases.iter().any(|case| case.question == Question::Any));
    let judged = |seen, least| Opponent { artifact: artifact(), seen, least }.cases(cases.clone());
    let hour = |n: i64| Millis(n * 3_600_000);
    let found = judged(hour(3), 40).unwrap();
    assert_eq!(found.len(), 40, "one of each person");
    assert!(found.iter().all(|case| case.at == hour(4) && case.question == Question::New));
    let reason = judged(hour(4), 10).unwrap_err();
    assert_eq!(reason, Gate::not_judged("0 people to judge by since the live model, 10 are needed"));
    assert!(judged(hour(3), 41).is_err());
}
