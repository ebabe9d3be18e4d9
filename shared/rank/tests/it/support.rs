//! A small shop that is trained once, and histories in it.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::json;
use vitrine_domain::{
    Action, Availability, Change, Event, Line, MessageId, Millis, PastAction, Placement, Product, ProductId, Seen,
    Strategy as Fill, Visitor,
};
use vitrine_learn::{Artifact, Dataset, Lineup, Settings, train};
use vitrine_rank::{Answer, Request, Shelf, Workspace, decide};

/// Products of the shop.
pub(crate) const PRODUCTS: usize = 96;
/// The day on which everything happens.
pub(crate) const NOW: Millis = Millis(200 * 86_400_000);

/// A small generator of numbers, so that the shop is always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

pub(crate) fn product(number: usize) -> Product {
    const BRANDS: [&str; 5] = ["Acme", "Borealis", "Corvo", "Dune", "Elan"];
    let (department, aisle) = (number % 3, number % 12);
    let mut product = Product::new(ProductId::new(format!("p{number:02}")).unwrap(), format!("Article {number}"));
    product.category = vec![format!("Department {department}"), format!("Aisle {aisle}")];
    if !number.is_multiple_of(7) {
        product.brand = Some(BRANDS[number % 5].to_owned());
    }
    if !number.is_multiple_of(11) {
        product.price = Some(1.0 + (number % 20) as f64 * 0.75);
        product.cost = Some(0.5 + (number % 13) as f64 * 0.2);
    }
    if number % 4 == 1 {
        product.sale_price = product.price.map(|price| price * 0.8);
    }
    if number % 9 == 5 {
        product.availability = Availability::OutOfStock;
    }
    if number.is_multiple_of(2) {
        product.attributes.insert("colour".into(), json!(["red", "green", "blue"][number % 3]));
    }
    if number % 3 != 1 {
        let sizes: Vec<&str> = ["S", "M", "L", "XL"].into_iter().skip(number % 4).collect();
        product.attributes.insert("sizes".into(), json!(sizes));
    }
    if number % 5 < 3 {
        product.attributes.insert("organic".into(), json!(number % 5 == 1));
    }
    if number.is_multiple_of(6) {
        product.attributes.insert("mixed".into(), if number.is_multiple_of(4) { json!(number) } else { json!("text") });
    }
    product
}

pub(crate) fn products() -> Vec<Product> {
    (0..PRODUCTS).map(product).collect()
}

fn trained() -> Vec<u8> {
    let products = products();
    let mut random = Random(7);
    let mut people = Vec::new();
    for person in 0..160 {
        let visitor = Visitor::known(person.to_string()).unwrap();
        let aisle = random.below(12);
        let mut events = Vec::new();
        for step in 0..14_i64 {
            let order = step % 7 == 6;
            let time = Millis((100 + step / 3) * 86_400_000 + step * 60_000);
            let id = MessageId::new(step.to_string()).unwrap();
            let mut event = Event::new(id, visitor.clone(), time, if order { Action::Order } else { Action::View });
            for _ in 0..if order { 3 } else { 1 } {
                let any = random.below(PRODUCTS);
                let number = if random.below(4) > 0 { any / 12 * 12 + aisle } else { any };
                event.lines.push(Line::of(products[number % PRODUCTS].id.clone()));
            }
            events.push(event);
        }
        people.push((visitor, events));
    }
    let mut settings = Settings::default();
    (settings.encoder.epochs, settings.factors.iterations, settings.seed) = (4, 3, 1);
    let data = Dataset::new(&products, &people, &settings.limits).unwrap();
    train(&data, &settings, &mut |_, _, _| ()).unwrap().0
}

/// The artifact of the shop, without an index: every vector is compared.
pub(crate) static ARTIFACT: LazyLock<Arc<Artifact>> =
    LazyLock::new(|| Arc::new(Artifact::from_bytes(BYTES.clone(), &Lineup::default()).unwrap()));

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(trained);

/// The shelf as it was trained.
pub(crate) static SHELF: LazyLock<Shelf> = LazyLock::new(|| Shelf::new(Some(ARTIFACT.clone()), &[]));

/// The same shelf with codes of one byte, by which most rows are passed over.
pub(crate) static CODED: LazyLock<Shelf> = LazyLock::new(|| {
    let artifact = &**ARTIFACT;
    let queries: Vec<f32> = artifact.vectors().iter().map(|x| x.to_f32()).collect();
    let settings = vitrine_index::Settings { kind: Some(vitrine_index::Kind::Int8), ..Default::default() };
    let built = vitrine_index::build(artifact.vectors(), artifact.dims(), &queries, &settings, 1).unwrap();
    let sections: Vec<_> = built.sections.into_iter().map(|s| (s.name.to_owned(), s.width, s.bytes)).collect();
    let bytes = vitrine_learn::artifact::with_sections(BYTES.clone(), &sections).unwrap();
    let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
    assert!(artifact.section("index.codes").is_some());
    Shelf::new(Some(Arc::new(artifact)), &changes())
});

/// A shelf where some products are different, some gone and some new.
pub(crate) static CHANGED: LazyLock<Shelf> = LazyLock::new(|| Shelf::new(Some(ARTIFACT.clone()), &changes()));

pub(crate) fn change(id: &str, product: Option<Product>) -> Change {
    Change { time: NOW, id: ProductId::new(id).unwrap(), product }
}

/// New prices, sold out, withdrawn, new.
pub(crate) fn changes() -> Vec<Change> {
    let mut changes = Vec::new();
    for number in (0..PRODUCTS).step_by(8) {
        let mut changed = product(number + 3);
        changed.id = product(number).id;
        changes.push(change(changed.id.clone().as_str(), Some(changed)));
    }
    changes.push(change("p02", None));
    for number in 0..12 {
        let mut new = product(number + 30);
        new.id = ProductId::new(format!("new{number:02}")).unwrap();
        new.attributes.insert("season".into(), json!("spring"));
        changes.push(change(new.id.clone().as_str(), Some(new)));
    }
    changes
}

/// What a shelf says of a product, for comparison with what was asked.
pub(crate) fn of_row(shelf: &Shelf, row: u32) -> Product {
    shelf.product(row).unwrap()
}

pub(crate) fn past(number: usize, action: Action, minutes_ago: i64) -> PastAction {
    PastAction {
        product: product(number).id,
        action,
        at: NOW.plus(-minutes_ago * 60_000),
        key: (number as u64) << 32 | minutes_ago.cast_unsigned(),
    }
}

/// Histories, oldest first: looks, dwells, baskets, orders and returns, with several lines at one moment.
pub(crate) fn history() -> impl Strategy<Value = Vec<PastAction>> {
    let action = prop_oneof![
        5 => Just(Action::View),
        2 => Just(Action::Dwell),
        2 => Just(Action::Add),
        2 => Just(Action::Order),
        1 => Just(Action::Remove),
    ];
    prop::collection::vec((0..PRODUCTS, action, prop_oneof![Just(0_i64), 1..40_i64, 200..9_000_i64]), 0..30).prop_map(
        |steps| {
            let mut minutes: i64 = steps.iter().map(|(.., gap)| gap).sum();
            steps
                .into_iter()
                .map(|(number, action, gap)| {
                    minutes -= gap;
                    past(number, action, minutes)
                })
                .collect()
        },
    )
}

/// A placement that lets everything compete.
pub(crate) fn open(limit: usize) -> Placement {
    Placement::new("open", Fill::Personal, limit)
}

/// A placement that asks for what is new.
pub(crate) fn fresh(limit: usize) -> Placement {
    Placement { viewed: Seen::Hide, ..open(limit) }
}

pub(crate) fn answer(shelf: &Shelf, request: &Request<'_>) -> Answer {
    decide(shelf, request, &mut Workspace::default(), &mut |_| ()).unwrap()
}

pub(crate) fn ids<'s>(shelf: &'s Shelf, answer: &Answer) -> Vec<&'s str> {
    answer.items.iter().map(|item| shelf.id(item.row)).collect()
}
