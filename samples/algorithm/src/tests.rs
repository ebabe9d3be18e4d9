//! The algorithm against counting by hand, and the reasons against the score.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use proptest::prelude::*;
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
use vitrine_learn::{Artifact, Dataset, Interaction, Lineup, Scratch, Settings, Tally, Trainer};

use super::BrandLoyalty;

/// Brand A has three products, B two; the last product has no brand.
const PRODUCTS: [(&str, Option<&str>); 6] =
    [("a1", Some("A")), ("a2", Some("A")), ("a3", Some("A")), ("b1", Some("B")), ("b2", Some("B")), ("c", None)];

/// The part's model of a shop in which each person looks at some products, a minute apart.
fn learn(people: &[&[&str]]) -> Artifact {
    let product = |(id, brand): (&str, Option<&str>)| Product {
        brand: brand.map(str::to_owned),
        ..Product::new(ProductId::new(id).unwrap(), id)
    };
    let products = PRODUCTS.map(product);
    let person = |(number, ids): (usize, &&[&str])| {
        let visitor = Visitor::anonymous(format!("p{number}")).unwrap();
        let look = |(minute, id): (usize, &&str)| {
            let message = MessageId::new(format!("{number}-{minute}")).unwrap();
            let mut event = Event::new(message, visitor.clone(), Millis(minute as i64 * 60_000), Action::View);
            event.lines.push(Line::of(ProductId::new(*id).unwrap()));
            event
        };
        (visitor.clone(), ids.iter().enumerate().map(look).collect())
    };
    let people: Vec<_> = people.iter().enumerate().map(person).collect();
    let settings = Settings { threads: 1, ..Settings::default() };
    let lineup = Lineup::default().only(|_| false).with(BrandLoyalty);
    let data = Dataset::new(&products, &people, &settings.limits).unwrap();
    let trainer = Trainer { lineup: lineup.clone(), settings, ..Trainer::default() };
    let artifact = Artifact::from_bytes(trainer.train(&data, &mut |_, _, _| ()).unwrap().bytes, &lineup).unwrap();
    artifact.verify().unwrap();
    artifact
}

fn look(row: u32) -> Interaction {
    Interaction { row, action: Action::View, age_days: 0.0 }
}

#[test]
fn loyalty_is_the_lift_over_chance() {
    // A: somebody who knew it met 2 + 1 new products, two of them A's; 4 of all 7 meetings were with it. B: 1, none; 2 of 7.
    // Looking at a1 again is no meeting.
    let artifact = learn(&[&["a1", "a2", "a1", "a3"], &["a1", "b1"], &["b1", "c"]]);
    assert_eq!(artifact.numbers::<u32>("brand.at"), [0, 3, 3], "nobody is loyal to B");
    // The most popular first; a3 was looked at a minute after a2.
    assert_eq!(artifact.numbers::<u32>("brand.rows"), [0, 2, 1]);
    let loyalty = ((2.0_f32 + 5.0) / (3.0 * 4.0 / 7.0 + 5.0)).ln();
    let popularity = |row: usize| artifact.popularity()[row].ln_1p() / artifact.popularity()[0].ln_1p();
    for (row, score) in [0, 2, 1].into_iter().zip(artifact.numbers::<f32>("brand.scores")) {
        assert!((score - loyalty * popularity(row)).abs() < 1e-6, "{row}: {score}");
    }
}

#[test]
fn a_visitor_is_told_of_a_brand_by_its_share_of_what_they_did() {
    let artifact = learn(&[&["a1", "a2", "a3"], &["a1", "a3"], &["b1", "b2", "c"], &["c"]]);
    let sums = |history: &[Interaction]| {
        let mut tally = Tally::new(artifact.len());
        artifact.part_tally(0, history, &mut Scratch::default(), &mut tally);
        (0..artifact.len() as u32).map(|row| tally.sum(row)).collect::<Vec<_>>()
    };
    let (a, b) = (sums(&[look(0)]), sums(&[look(3)]));
    assert!(a[..3].iter().all(|sum| *sum > 0.0) && a[3..].iter().all(|sum| *sum == 0.0), "{a:?}");
    assert!(b[3..5].iter().all(|sum| *sum > 0.0) && b[..3].iter().all(|sum| *sum == 0.0), "{b:?}");
    // An order says five times what a look says; a product without a brand takes its share from both.
    let order = Interaction { action: Action::Order, ..look(0) };
    let (all, mixed) = (order.interest() + 2.0, sums(&[order, look(3), look(5)]));
    assert!((mixed[1] - a[1] * order.interest() / all).abs() < 1e-6);
    assert!((mixed[4] - b[4] / all).abs() < 1e-6);
    assert!(sums(&[look(5)]).iter().chain(&sums(&[])).all(|sum| *sum == 0.0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_evidence_of_a_product_adds_up_to_its_score(
        history in proptest::collection::vec((0..8_u32, 0..Action::ALL.len()), 0..30),
    ) {
        let artifact = learn(&[&["a1", "a2", "a3"], &["a1", "a3"], &["b1", "b2", "c"], &["c"]]);
        let history: Vec<_> =
            history.iter().map(|(row, action)| Interaction { action: Action::ALL[*action], ..look(*row) }).collect();
        let mut tally = Tally::new(artifact.len());
        artifact.part_tally(0, &history, &mut Scratch::default(), &mut tally);
        let page: Vec<u32> = (0..artifact.len() as u32).collect();
        let mut sums = vec![0.0; page.len()];
        artifact.part_evidence(0, &history, &page, &mut Scratch::default(), &mut |place, at, amount| {
            assert!(amount > 0.0 && history[at].interest() > 0.0);
            assert_eq!(artifact.brand(history[at].row), artifact.brand(page[place]));
            sums[place] += amount;
        });
        for (row, sum) in page.into_iter().zip(sums) {
            prop_assert!((sum - tally.sum(row)).abs() < 1e-5, "{row}: {sum} of {}", tally.sum(row));
        }
    }
}
