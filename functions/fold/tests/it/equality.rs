//! However events, links and bells arrive, the profile is the fold of all events at once.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use vitrine_domain::profile::Link;
use vitrine_domain::time::{DAY, HOUR, MINUTE};
use vitrine_domain::{Action, Event, Millis, Shop, Visitor};
use vitrine_fold::Bounds;

use crate::support::{NOW, Stack, device, event, oracle, ring, user};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    /// An event reaches the table.
    Put(Box<Event>),
    /// A device and a user are linked.
    Link { device: Visitor, user: Visitor, since: Millis },
    /// Some of the waiting bells are delivered, in any order, some of them twice, and may stay for another time.
    Deliver { seed: u64 },
    /// Time passes.
    Wait { minutes: u64 },
}

fn visitors() -> Vec<Visitor> {
    vec![user("anna"), user("bert"), device("phone"), device("laptop"), device("kiosk")]
}

fn any_event() -> impl Strategy<Value = Event> {
    let actions = vec![
        Action::View,
        Action::View,
        Action::Add,
        Action::Order,
        Action::Refund,
        Action::Page,
        Action::Identify,
        Action::Remove,
    ];
    // Few different times and identifiers with the two escaped characters: ties are where orders differ.
    let time = prop_oneof![
        4 => (0..20_i64).prop_map(|n| -n * 6 * HOUR),
        3 => -40 * DAY..0,
        1 => 0..(20 * HOUR),
    ];
    let id = prop_oneof!["[a-c]", "[a-c#%$&]{1,3}"];
    let who = prop::sample::select(visitors());
    (who, id, time, prop::sample::select(actions), 0..40_u8, -MINUTE..MINUTE).prop_map(
        |(visitor, id, time, action, product, skew)| {
            let mut event = event(&visitor, &id, NOW.plus(time), action, product);
            event.skew = skew;
            if action == Action::Identify {
                event.traits.insert("favourite".to_owned(), product.into());
            }
            event
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    let devices = prop::sample::select(visitors().into_iter().filter(|v| !v.is_known()).collect::<Vec<_>>());
    let users = prop::sample::select(visitors().into_iter().filter(Visitor::is_known).collect::<Vec<_>>());
    let link = (devices, users, -40 * DAY..DAY).prop_map(|(device, user, since)| Step::Link {
        device,
        user,
        since: NOW.plus(since),
    });
    prop_oneof![
        12 => any_event().prop_map(|event| Step::Put(Box::new(event))),
        2 => link,
        4 => any::<u64>().prop_map(|seed| Step::Deliver { seed }),
        1 => (0..3_000_u64).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

/// A small generator for shuffles (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n.max(1)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for n in (1..items.len()).rev() {
            items.swap(n, self.below(n + 1));
        }
    }
}

/// What was sent, as the oracle sees it.
#[derive(Default)]
struct Sent {
    events: Vec<Event>,
    links: BTreeMap<Visitor, BTreeMap<Visitor, Millis>>,
}

impl Sent {
    fn event(&mut self, event: Event) {
        let same = |e: &Event| e.visitor == event.visitor && e.time == event.time && e.id == event.id;
        // First write wins.
        if !self.events.iter().any(same) {
            self.events.push(event);
        }
    }

    fn link(&mut self, device: Visitor, user: Visitor, since: Millis) {
        let earliest = self.links.entry(device).or_default().entry(user).or_insert(since);
        *earliest = since.min(*earliest);
    }

    fn links(&self) -> BTreeMap<Visitor, Vec<Link>> {
        let link = |(other, since): (&Visitor, &Millis)| Link { other: other.clone(), since: *since };
        self.links.iter().map(|(device, users)| (device.clone(), users.iter().map(link).collect())).collect()
    }
}

async fn run(stack: &Stack, shop: &Shop, bounds: Bounds, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let fold = stack.fold().with_bounds(bounds);
    let mut sent = Sent::default();
    let mut waiting = Vec::new();
    let mut dice = Dice(1);
    for step in steps {
        match step {
            Step::Put(event) => {
                stack.table().put_event(shop, &event).await.unwrap();
                sent.event(*event);
            }
            Step::Link { device, user, since } => {
                stack.table().link(shop, &device, &user, since).await.unwrap();
                sent.link(device, user, since);
            }
            Step::Deliver { seed } => {
                dice = Dice(seed | 1);
                waiting.extend(stack.bells().await);
                dice.shuffle(&mut waiting);
                let delivered = waiting.split_off(dice.below(waiting.len() + 1));
                let twice = delivered.iter().filter(|_| dice.below(4) == 0).cloned().collect::<Vec<_>>();
                prop_assert_eq!(ring(&fold, delivered).await, Vec::<String>::new());
                waiting.extend(twice);
            }
            Step::Wait { minutes } => stack.context.clock.advance(Duration::from_secs(60 * minutes)),
        }
    }
    waiting.extend(stack.bells().await);
    dice.shuffle(&mut waiting);
    // The last bells come in three batches at the same time, as from three shards.
    let third = waiting.len().div_ceil(3).max(1);
    let mut batches = waiting.chunks(third).map(<[_]>::to_vec);
    let mut batch = || batches.next().unwrap_or_default();
    let (a, b, c) = (batch(), batch(), batch());
    let (a, b, c) = tokio::join!(ring(&fold, a), ring(&fold, b), ring(&fold, c));
    prop_assert_eq!([a, b, c].concat(), Vec::<String>::new());
    for visitor in visitors() {
        let stored = stack.state(shop, &visitor).await.unwrap_or_default();
        prop_assert_eq!(stored, oracle(&visitor, &sent.events, &sent.links()), "of {}", visitor);
    }
    Ok(())
}

fn check(cases: u32, bounds: impl Fn() -> BoxedStrategy<Bounds>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // More cases are run by setting PROPTEST_CASES.
    let mut config = Config { failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    if config.cases == 256 {
        config.cases = cases;
    }
    let steps = prop::collection::vec(any_step(), 1..90);
    let outcome = TestRunner::new(config).run(&(bounds(), steps), |(bounds, steps)| {
        runtime.block_on(async {
            let stack = Stack::start().await;
            let shop = stack.open_shop("demo").await;
            run(&stack, &shop, bounds, steps).await
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn with_the_shipped_bounds() {
    check(24, || Just(Bounds::default()).boxed());
}

#[test]
fn with_bounds_so_small_that_everything_is_compacted_and_paged() {
    let bounds = (1..8_usize, 4..9_usize, 4..20_usize);
    check(60, move || bounds.clone().prop_map(|(worth, page, memory)| Bounds { worth, page, memory }).boxed());
}
