//! What it costs to find the segments of one visitor, as a decision does: a profile with everything in it, the shipped
//! segments, and as many as a shop may have.
//!
//! ```text
//! cargo bench -p vitrine-domain --bench segments
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

use vitrine_domain::filter::Person;
use vitrine_domain::profile::{Facts, TRAITS};
use vitrine_domain::segment::{MAX_SEGMENTS, Scale, Segment, memberships, shipped};
use vitrine_domain::time::{DAY, MINUTE};
use vitrine_domain::{Action, Event, Filter, Line, MessageId, Millis, ProductId, State, Visitor};

const NOW: Millis = Millis(1_790_000_000_000);
const ROUNDS: u32 = 2_000;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Half a year of somebody who comes often and buys now and then.
fn state() -> Result<State> {
    let visitor = Visitor::anonymous("somebody")?;
    let mut events = Vec::new();
    let mut facts = BTreeMap::new();
    for n in 0..1_000_i64 {
        let time = NOW.plus(-180 * DAY + n / 8 * DAY + n % 8 * MINUTE);
        let action = if n % 29 == 0 { Action::Order } else { Action::View };
        let mut event = Event::new(MessageId::new(format!("m{n}"))?, visitor.clone(), time, action);
        let product = format!("p{}", n * 7 % 300);
        event.lines = vec![Line { price: Some(4.0), ..Line::of(ProductId::new(product.as_str())?) }];
        event.traits.insert(format!("field_{}", n % TRAITS as i64), n.into());
        let (category, brand) = (Some(format!("category {}", n % 60)), Some(format!("brand {}", n % 50)));
        facts.insert(product, Facts { category, brand, price: Some(4.0) });
        events.push(event);
    }
    Ok(State::default().fold(&events, &facts))
}

/// Segments of ten conditions each, over features, windows and fields.
fn own(n: usize) -> Result<Segment> {
    let filter = format!(
        "orders_{}d > 3 and (visits_60d >= {n} or views_90d > 40) and not (spend_365d < 10) and category in [\"category 3\", \
         \"category {n}\"] and brand_share < 0.9 and (field_{} > 5 or device = \"phone\") and days_known > 10 and \
         seconds_per_page > 1",
        n % 300 + 1,
        n % 64
    );
    Ok(Segment {
        id: format!("s{n}"),
        name: String::new(),
        description: String::new(),
        filter: Filter::parse(&filter)?,
    })
}

fn main() -> Result<()> {
    let state = state()?;
    let scale =
        Scale { recency: [1.0, 5.0, 20.0, 90.0], frequency: [1.0, 2.0, 4.0, 8.0], money: [9.0, 20.0, 50.0, 99.0] };
    let shipped = shipped();
    let own = (0..MAX_SEGMENTS).map(own).collect::<Result<Vec<_>>>()?;
    let person = Person { state: &state, now: NOW };
    for (what, segments) in [("shipped", &shipped), ("of ten conditions", &own)] {
        let mut micros: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                std::hint::black_box(memberships(segments, person, Some(&scale)));
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        micros.sort_by(f64::total_cmp);
        let at = |share: f64| micros[(share * f64::from(ROUNDS)) as usize];
        let found = memberships(segments, person, Some(&scale)).len();
        let count = segments.len();
        writeln!(
            std::io::stdout(),
            "{count} segments {what}: p50 {:.1} µs, p99 {:.1} µs, in {found}",
            at(0.5),
            at(0.99)
        )?;
    }
    Ok(())
}
