//! How much one visitor can move: a shop of two thousand people is trained with and without one who sends ten thousand
//! events to push a product, and the lists of both are compared. The figures are printed: `--nocapture` shows them.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "figures for --nocapture; a test fails by panicking")]

use std::sync::Arc;

use vitrine_domain::time::{DAY, HOUR, MINUTE};
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
use vitrine_learn::Settings;
use vitrine_learn::covisitation::{Lists, Pair, count};
use vitrine_learn::dataset::Builder;
use vitrine_learn::log::{Log, Read, Window};
use vitrine_learn::popularity::Popularity;

const NOW: Millis = Millis(1_795_358_400_000);
const PRODUCTS: usize = 200;
const PEOPLE: usize = 2_000;
const EVENTS: usize = 10_000;
/// The product that is pushed, and the one it is shown beside. Both are hardly wanted.
const PUSHED: usize = 190;
const BESIDE: usize = 199;

/// A small generator (splitmix64): the same numbers every time.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Few products are wanted by most.
    fn product(&mut self) -> usize {
        let share = self.below(1 << 20) as f64 / f64::from(1 << 20);
        ((share * share * share) * PRODUCTS as f64) as usize
    }
}

fn id(product: usize) -> ProductId {
    ProductId::new(format!("p{product:03}")).unwrap()
}

fn event(visitor: &Visitor, number: usize, at: Millis, action: Action, product: usize) -> Event {
    let id_of = MessageId::new(format!("{visitor}-{number}")).unwrap();
    let mut event = Event::new(id_of, visitor.clone(), at, action);
    event.lines = vec![Line::of(id(product))];
    event
}

fn honest() -> Vec<Event> {
    let mut draw = Draw(7);
    let mut events = Vec::new();
    for person in 0..PEOPLE {
        let visitor = Visitor::anonymous(format!("person-{person}")).unwrap();
        let mut at = NOW.plus(-(draw.below(28 * DAY as u64) as i64) - DAY);
        for number in 0..4 + draw.below(12) as usize {
            at = at.plus(3_000 + draw.below(2 * MINUTE as u64) as i64);
            let action = if draw.below(10) == 0 { Action::Order } else { Action::View };
            events.push(event(&visitor, number, at, action, draw.product()));
        }
    }
    events
}

/// One visitor who looks at the pushed product and the other one in turns, adds and orders both, at the given pauses.
fn pushing(pauses: impl Fn(usize) -> i64) -> Vec<Event> {
    let visitor = Visitor::anonymous("pushes").unwrap();
    let actions = [Action::View, Action::View, Action::Add, Action::View, Action::Order];
    let total: i64 = (0..EVENTS).map(&pauses).sum();
    let mut at = NOW.plus(-total - MINUTE);
    let one = |number: usize| {
        at = at.plus(pauses(number));
        event(&visitor, number, at, actions[number / 2 % actions.len()], [PUSHED, BESIDE][number % 2])
    };
    (0..EVENTS).map(one).collect()
}

struct Learned {
    popularity: Popularity,
    together: Lists,
    read: Read,
}

fn learn(events: &[Event], settings: &Settings) -> Learned {
    let products: Arc<[Product]> = (0..PRODUCTS).map(|n| Product::new(id(n), "A product")).collect();
    let mut log = Log::new(products.clone(), Window::ending(NOW, 760 * DAY));
    events.iter().for_each(|event| log.push(event));
    let (histories, read) = log.finish();
    let mut builder = Builder::new(&products, &settings.limits).unwrap();
    for (visitor, events) in histories.iter() {
        builder.push(&visitor, &events).unwrap();
    }
    let data = builder.finish();
    let together = count(&data, Pair::ViewView, &settings.covisitation, 1, &mut |_| ());
    Learned { popularity: Popularity::count(&data, &settings.popularity), together, read }
}

impl Learned {
    /// The place of the pushed product among all, from one.
    fn place(&self) -> usize {
        let own = self.popularity.decayed[PUSHED];
        1 + self.popularity.decayed.iter().filter(|other| **other > own).count()
    }

    /// The place of the pushed product among the neighbours of a product, from one.
    fn beside(&self, product: usize) -> Option<usize> {
        self.together.of(product as u32).0.iter().position(|row| *row as usize == PUSHED).map(|at| at + 1)
    }
}

/// Pauses that vary as a person's do, and a night after two hundred events: no rule of the robots meets them.
fn unevenly(number: usize) -> i64 {
    let night = if number % 200 == 199 { 20 * HOUR } else { 1_000 };
    night + ((Draw(number as u64).below(1 << 14) * Draw(number as u64 + 1).below(1 << 14)) >> 12) as i64
}

#[test]
fn ten_thousand_events_of_one_visitor_move_little_and_a_robot_s_nothing() {
    let people = honest();
    let settings = Settings::default();
    let before = learn(&people, &settings);
    let with = |more: Vec<Event>, settings: &Settings| learn(&[people.clone(), more].concat(), settings);

    let robot = with(pushing(|_| 2_000), &settings);
    assert_eq!(robot.read.robots, EVENTS);
    assert_eq!(robot.popularity, before.popularity, "a robot moves nothing");

    let patient = with(pushing(unevenly), &settings);
    assert_eq!(patient.read.robots, 0, "the pauses are a person's");
    let (own, was) = (patient.popularity.decayed[PUSHED], before.popularity.decayed[PUSHED]);
    println!(
        "popularity of the pushed product: {was:.1} before, {own:.1} after, place {} -> {}",
        before.place(),
        patient.place()
    );
    assert!(own - was <= settings.popularity.person * 1.001, "{was} -> {own}");
    // Who is really wanted stays in front.
    let top = |learned: &Learned| {
        let mut rows: Vec<usize> = (0..PRODUCTS).collect();
        rows.sort_by(|a, b| learned.popularity.decayed[*b].total_cmp(&learned.popularity.decayed[*a]));
        rows[..20].to_vec()
    };
    assert_eq!(top(&patient), top(&before));

    // Beside the product that it was pushed beside it is first; beside nothing else it gains a place among the first ten.
    println!("its place beside the other product: {:?} -> {:?}", before.beside(BESIDE), patient.beside(BESIDE));
    let place = |learned: &Learned, product| learned.beside(product).unwrap_or(usize::MAX);
    let gained = |product: &usize| {
        let after = place(&patient, *product);
        ![PUSHED, BESIDE].contains(product) && after <= 10 && after < place(&before, *product)
    };
    let gained = (0..PRODUCTS).filter(gained).count();
    println!("other products beside which it came among the first ten: {gained} of {PRODUCTS}");
    assert_eq!(gained, 0);

    // Without the bounds the same visitor would be most of what is known.
    let mut unbounded = settings.clone();
    unbounded.popularity.person = 1e9;
    unbounded.covisitation.person = 1_000_000;
    let free = with(pushing(unevenly), &unbounded);
    let far = free.popularity.decayed[PUSHED];
    println!(
        "figure: {EVENTS} events of one visitor against {PEOPLE} people: popularity {was:.1} to {own:.1}, place {} to {} of {PRODUCTS} \
         (without bounds {far:.1}, place {}); beside {gained} other products; of a robot nothing",
        before.place(),
        patient.place(),
        free.place()
    );
    println!("without bounds: popularity {far:.1}, place {}", free.place());
    assert!(far - was > 2.0 * (own - was), "{was} -> {far}");
}
