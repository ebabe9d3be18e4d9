//! A shop whose customers are loyal to brands, with the own algorithm in the line-up: learned, weighed, and served.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use serde_json::{Value, json};
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
use vitrine_learn::dataset::stable_hash;
use vitrine_learn::validate::Judge;
use vitrine_learn::{Artifact, Card, Dataset, Error, Interaction, Lineup, Question, Scratch, Settings, Trainer};
use vitrine_local::Options;
use vitrine_sample_algorithm::BrandLoyalty;
use vitrine_tests::{Ground, ids};

const BRANDS: usize = 12;
const PER_BRAND: usize = 15;

fn own() -> Lineup {
    Lineup::default().with(BrandLoyalty)
}

fn draw(seed: usize, below: usize) -> usize {
    stable_hash(seed.to_le_bytes()) as usize % below
}

/// A product of a brand; the smaller its number, the more it is wanted.
fn id(brand: usize, number: usize) -> String {
    format!("{brand:02}-{number:02}")
}

fn products() -> Vec<Product> {
    let product = |at: usize| Product {
        brand: Some(format!("Brand {}", at / PER_BRAND)),
        ..Product::new(ProductId::new(id(at / PER_BRAND, at % PER_BRAND)).unwrap(), format!("Thing {at}"))
    };
    (0..BRANDS * PER_BRAND).map(product).collect()
}

/// What a person looks at: three times out of four their own brand.
fn looks(person: usize) -> Vec<String> {
    let look = |step: usize| {
        let seed = person * 100 + step * 4;
        let brand = if draw(seed, 4) < 3 { draw(person, BRANDS) } else { draw(seed + 1, BRANDS) };
        id(brand, draw(seed + 2, PER_BRAND).min(draw(seed + 3, PER_BRAND)))
    };
    (0..6).map(look).collect()
}

fn history(person: usize) -> (Visitor, Vec<Event>) {
    let visitor = Visitor::anonymous(format!("p{person:04}")).unwrap();
    let event = |(hour, id): (usize, String)| {
        let message = MessageId::new(format!("{person}-{hour}")).unwrap();
        let mut event = Event::new(message, visitor.clone(), Millis(hour as i64 * 3_600_000), Action::View);
        event.lines.push(Line::of(ProductId::new(id).unwrap()));
        event
    };
    (visitor.clone(), looks(person).into_iter().enumerate().map(event).collect())
}

fn trained(lineup: Lineup) -> (Vec<u8>, Card) {
    let mut settings = Settings::default();
    (settings.factors.dims, settings.factors.iterations, settings.encoder.epochs) = (8, 4, 2);
    let (products, people) = (products(), (0..400).map(history).collect::<Vec<_>>());
    let data = Dataset::new(&products, &people, &settings.limits).unwrap();
    let trained = Trainer { lineup, settings, ..Trainer::default() }.train(&data, &mut |_, _, _| ()).unwrap();
    (trained.bytes, trained.card)
}

#[test]
fn it_is_weighed_against_the_others_and_makes_the_blend_better() {
    let ((bytes, card), (_, without)) = (trained(own()), trained(Lineup::default()));
    let place = card.parts.iter().position(|part| part.name == "brand").unwrap();
    assert!(card.parts[place].new > 0.0, "{:?}", card.parts);
    assert!(without.parts.iter().all(|part| part.name != "brand"));
    let quality = |card: &Card, part: &str| card.figures(Question::New).unwrap()[part].ndcg20;
    assert!(quality(&card, "brand") > 2.0 * quality(&card, "popularity"), "{:?}", card.validation);
    assert!(
        quality(&card, "blend") > quality(&without, "blend"),
        "{} {}",
        quality(&card, "blend"),
        quality(&without, "blend")
    );

    let refused = Artifact::from_bytes(bytes.clone(), &Lineup::default()).unwrap_err();
    assert!(matches!(&refused, Error::Part(name) if name == "brand"));
    assert_eq!(refused.to_string(), "the artifact has a part `brand` that this program knows no algorithm for");

    let artifact = Artifact::from_bytes(bytes, &own()).unwrap();
    artifact.verify().unwrap();
    let met = artifact.position(&id(7, 14)).unwrap();
    let judge = Judge::new(&artifact);
    let mut scores = judge.scores();
    scores.fill(&[Interaction { row: met, action: Action::View, age_days: 0.0 }], 0);
    let (best, other) = (artifact.position(&id(7, 0)).unwrap(), artifact.position(&id(8, 0)).unwrap());
    assert!(scores.part(place)[best as usize] > 0.0 && scores.part(place)[other as usize] == 0.0);
    let mut said = Vec::new();
    let history = [Interaction { row: met, action: Action::View, age_days: 0.0 }];
    let said_of = &mut |_, at, amount| said.push((at, amount));
    artifact.part_evidence(place, &history, &[best], &mut Scratch::default(), said_of);
    assert_eq!(said, [(0, scores.part(place)[best as usize])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_trains_it_serves_it_and_says_why() -> anyhow::Result<()> {
    // The own algorithm alone with popularity, so that the reason can be nothing else.
    let lineup = own().only(|name| name == "brand" || name == "popularity");
    let ground = Ground::start_with(|options| Options { lineup, ..options }).await?;
    let shop = ground.shop("loyal").await?;
    shop.stock(&serde_json::to_value(products())?).await?;
    for person in 0..30 {
        for id in looks(person) {
            shop.view(&format!("p{person}"), &id).await?;
        }
    }
    ground.stack.poller.caught_up().await;
    shop.retrain().await?;

    let seen = id(draw(0, BRANDS), PER_BRAND - 1);
    shop.view("newcomer", &seen).await?;
    let answer = shop.recommend("home", json!({"anonymous_id": "newcomer", "limit": 5})).await?;
    let brand = seen.split('-').next().unwrap_or_default();
    assert!(ids(&answer)[0].starts_with(brand), "{seen} {answer}");
    let reasons = answer["items"][0]["reasons"].as_array().cloned().unwrap_or_default();
    let named = |reason: &Value| reason["kind"] == "viewed" && reason["product_id"] == seen.as_str();
    assert!(reasons.iter().any(named), "{answer}");
    ground.stop().await;
    Ok(())
}
