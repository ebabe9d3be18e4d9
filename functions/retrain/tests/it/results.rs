//! What a shop earned, against sums made by hand.

use std::collections::BTreeMap;

use serde_json::json;
use vitrine_domain::experiment::{HoldOut, Metric};
use vitrine_domain::results::Funnel;
use vitrine_domain::statistics::Moments;
use vitrine_domain::time::{DAY, HOUR, MINUTE};
use vitrine_domain::{
    Action, Event, Experiment, Line, MessageId, Product, ProductId, Purpose, Purposes, Shop, Visitor,
};
use vitrine_retrain::results::{HELD, refresh};
use vitrine_runtime::seal::Sealer;
use vitrine_store::decisions::{DecisionKey, seal_id};
use vitrine_store::lake::Kind;
use vitrine_store::results::Stored;
use vitrine_store::settings::{EXPERIMENT, HOLD_OUT, ONE};

use crate::{END, Stack};

/// People of the shop.
const PEOPLE: usize = 600;

fn event(person: usize, n: i64, action: Action) -> Event {
    let visitor = Visitor::anonymous(format!("device-{person}")).unwrap();
    let time = END.plus(-10 * DAY + n * MINUTE);
    let mut event = Event::new(MessageId::new(format!("{person}-{n}")).unwrap(), visitor, time, action);
    let price = (action == Action::Order).then_some(20.0);
    event.lines = vec![Line { price, ..Line::of(ProductId::new("tea").unwrap()) }];
    event.currency = Some("EUR".to_owned());
    event
}

fn out() -> HoldOut {
    HoldOut { seed: "out".to_owned(), share: 0.3, personalization: true, since: vitrine_domain::Millis(0) }
}

/// The variant that somebody sees who is served.
const fn variant(person: usize) -> usize {
    person / 6 % 2
}

/// Who orders: of the served every third, of the others every fourth; of those who see the bolder variant every other one.
fn orders(person: usize, variant: usize) -> bool {
    let held_out = out().holds(&format!("device-{person}"));
    person.is_multiple_of(if held_out { 4 } else { 3 - variant })
}

/// Of those who see the bolder variant, who clicks the banner.
const fn clicks(person: usize) -> bool {
    person % 12 == 6
}

async fn write(stack: &Stack, shop: &Shop, kind: Kind, name: &str, lines: &[String]) {
    stack.context.objects.write_lake(shop, kind, "2026-11-12", name, lines).await.unwrap();
}

fn lines<T: serde::Serialize>(all: &[T]) -> Vec<String> {
    all.iter().map(|one| serde_json::to_string(one).unwrap()).collect()
}

/// People look at a list, which an experiment varies for those who are served, and some order.
async fn visits(stack: &Stack, shop: &Shop) {
    let sealer = Sealer::new(&stack.context.config.secret);
    let (mut events, mut decisions) = (Vec::new(), Vec::new());
    for person in 0..PEOPLE {
        let variant = variant(person);
        let mut seen = event(person, 1, Action::List);
        let key = DecisionKey {
            visitor: Some(seen.visitor.clone()),
            time: seen.time.plus(-1),
            nonce: format!("{person:016x}"),
        };
        let held_out = out().holds(seen.visitor.id());
        let ex = if held_out { json!([]) } else { json!([["bolder", variant]]) };
        let (ru, ct) = if variant == 1 {
            (json!(["banner", "spring", "tried"]), json!({"banner": "hero", "tried": null}))
        } else {
            (json!([]), json!({}))
        };
        decisions.push(
            json!({"v": seen.visitor, "t": key.time.0, "nonce": key.nonce, "p": "home", "ex": ex, "ru": ru, "ct": ct}),
        );
        seen.decision_id = seal_id(shop, &key, [], |purpose, clear| sealer.seal(purpose, clear));
        seen.list = Some("home".to_owned());
        let click = Event { action: Action::Click, ..event(person, 2, Action::Click) };
        let click = Event { decision_id: seen.decision_id.clone(), list: seen.list.clone(), ..click };
        // Whoever was handed the banner saw it too, and some clicked it.
        let promotion = |action: Action, name: &str| Event {
            decision_id: seen.decision_id.clone(),
            list: Some("hero".to_owned()),
            id: MessageId::new(format!("{person}-{name}")).unwrap(),
            lines: Vec::new(),
            // It counts, and nothing is learned of whoever saw it.
            purposes: Purposes::ALL.without(Purpose::Personalise),
            ..event(person, 1, action)
        };
        events.extend((variant == 1).then(|| promotion(Action::PromotionView, "saw")));
        events.extend(clicks(person).then(|| promotion(Action::PromotionClick, "clicked")));
        // Before they saw the list they had been there on the day before.
        let mut before = event(person, -20 * 60, Action::Order);
        before.lines[0].price = Some(5.0);
        events.extend((person % 10 == 0).then_some(before));
        events.extend([seen, click]);
        events.extend(orders(person, variant).then(|| event(person, 3, Action::Order)));
    }
    // A robot that orders counts nowhere.
    events.push(Event { robot: true, ..event(PEOPLE, 1, Action::Order) });
    write(stack, shop, Kind::Events, "a", &lines(&events[..500])).await;
    write(stack, shop, Kind::Events, "b", &lines(&events[400..])).await;
    write(stack, shop, Kind::Decisions, "a", &lines(&decisions)).await;
}

async fn made(stack: &Stack, shop: &Shop, held: usize) -> Stored {
    let mut tea = Product::new(ProductId::new("tea").unwrap(), "Tea");
    tea.cost = Some(15.0);
    refresh(&stack.context, shop, &[tea], None, held).await.unwrap();
    stack.context.objects.results(shop).await.unwrap().unwrap()
}

fn experiment(extra: serde_json::Value) -> Experiment {
    let mut whole = json!({
        "id": "bolder", "status": "running",
        "design": {"kind": "variants", "variants": [{"id": "control"}, {"id": "bold"}]},
        "metrics": {"primary": "conversion", "secondary": ["margin_per_visitor", "click_through"]},
    });
    whole.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

#[tokio::test]
async fn sums_variants_and_the_hold_out_are_what_they_are_by_hand() {
    let stack = Stack::start().await;
    let shop = Shop::new("shop").unwrap();
    stack.context.table.put_setting(&shop, HOLD_OUT, ONE, &out(), 0).await.unwrap();
    stack.context.table.put_setting(&shop, EXPERIMENT, "bolder", &experiment(json!({})), 0).await.unwrap();
    visits(&stack, &shop).await;
    let Stored { head, results } = made(&stack, &shop, HELD).await;
    assert_eq!((head.people, head.robots, head.currency.as_str(), head.held_out), (600, 1, "EUR", Some(0.3)));
    assert!(!head.experiments_only);

    let people = || (0..PEOPLE).map(|person| (person, out().holds(&format!("device-{person}")), variant(person)));
    let ordered = people().filter(|(person, _, variant)| orders(*person, *variant)).count() as u64;
    let sum = results.between("0", "9");
    assert_eq!((sum.all.orders, sum.all.revenue), (ordered + 60, ordered as f64 * 20.0 + 60.0 * 5.0));
    let home = sum.placements["home"];
    assert_eq!((home.shown, home.clicked, home.ordered), (600, 600, ordered));
    let spring = people().filter(|(.., variant)| *variant == 1);
    let bought = spring.clone().filter(|(person, ..)| orders(*person, 1)).count() as u64;
    // A banner has no part in what is clicked in the list beside it.
    assert_eq!(sum.rules.keys().collect::<Vec<_>>(), ["spring"]);
    let rule = sum.rules["spring"];
    assert_eq!((rule.shown, rule.ordered), (spring.clone().count() as u64, bought));
    let clicked: Vec<usize> = people().map(|(person, ..)| person).filter(|person| clicks(*person)).collect();
    let after = clicked.iter().filter(|person| orders(**person, 1)).count() as u64;
    let banner = Funnel {
        decisions: rule.shown,
        shown: rule.shown,
        clicked: clicked.len() as u64,
        ordered: after,
        revenue: after as f64 * 20.0,
        ..Funnel::default()
    };
    assert_eq!(sum.content, BTreeMap::from([("banner".to_owned(), banner)]));
    assert!((home.revenue - ordered as f64 * 20.0).abs() < 1e-9);

    // Every list that was decided on, and every event that is kept, robots' too; in the last 28 days everybody counts once.
    let events = 3 * PEOPLE as u64 - (PEOPLE as u64 - ordered) + 60 + 1 + banner.shown + banner.clicked;
    assert_eq!((sum.decisions, home.decisions, rule.decisions, sum.events), (600, 600, rule.shown, events));
    let (month, week) = (&results.windows[&28], results.windows.get(&7));
    assert_eq!((month.all.visitors, month.all.orders, week), (600, sum.all.orders, None), "ten days ago");

    // Both sides, person by person.
    for (side, of) in [(results.held_out, true), (results.served, false)] {
        let mut expected = Moments::default();
        for (person, _, variant) in people().filter(|(_, held_out, _)| *held_out == of) {
            let did = orders(person, variant) || person % 10 == 0;
            expected.add(f64::from(u8::from(did)), 0.0);
        }
        assert_eq!(side.ordered.n, expected.n);
        assert!((side.ordered.y - expected.y).abs() < 1e-12);
    }

    // Who saw a variant, what they did then, and what they had done.
    let trial = &results.trials["bolder"];
    for variant in [0, 1] {
        let saw: Vec<usize> = people().filter(|(_, out, v)| !out && *v == variant).map(|(person, ..)| person).collect();
        let share = |holds: &dyn Fn(usize) -> bool| {
            saw.iter().filter(|person| holds(**person)).count() as f64 / saw.len() as f64
        };
        assert_eq!(trial.exposed[variant], saw.len() as u64);
        let conversion = trial.metrics[&Metric::Conversion][variant];
        assert!((conversion.y - share(&|person| orders(person, variant))).abs() < 1e-12);
        assert!((conversion.x - share(&|person| person % 10 == 0)).abs() < 1e-12, "what they had done before");
        let margin = trial.metrics[&Metric::MarginPerVisitor][variant];
        assert!((margin.y - 5.0 * conversion.y).abs() < 1e-9);
        assert!((trial.metrics[&Metric::ClickThrough][variant].y - 1.0).abs() < 1e-12);
    }
    assert_eq!(trial.days.keys().map(String::as_str).collect::<Vec<_>>(), [END.plus(-10 * DAY).day()]);

    // In parts, again, and with a file twice it is the same.
    let whole = Stored { head, results };
    let close = |a: &Stored, b: &Stored| {
        assert_eq!((&a.head, a.results.days.len()), (&b.head, b.results.days.len()));
        let sides = |stored: &Stored| [stored.results.served, stored.results.held_out].map(|side| side.revenue);
        for (a, b) in sides(a).iter().zip(sides(b)) {
            assert!(a.n == b.n && (a.y - b.y).abs() < 1e-9 && (a.yy - b.yy).abs() < 1e-6);
        }
        let orders = |stored: &Stored| stored.results.between("0", "9").all.orders;
        assert_eq!(orders(a), orders(b));
        let exposed = |stored: &Stored| -> BTreeMap<String, Vec<u64>> {
            stored.results.trials.iter().map(|(id, trial)| (id.clone(), trial.exposed.clone())).collect()
        };
        assert_eq!(exposed(a), exposed(b));
    };
    let clusters = async || stack.context.objects.clusters(&shop).await.unwrap().unwrap();
    let groups = clusters().await;
    assert_eq!(groups.visitors, 600);
    assert!(groups.groups.len() > 1, "{:?}", groups.stability);
    // Those who order are told apart from those who do not, by a filter that a segment can be made of.
    let ordering = groups.groups.iter().find(|group| group.revenue_share > 0.5).unwrap();
    assert!(ordering.precision > 0.9 && ordering.recall > 0.9, "{}", ordering.filter);
    close(&made(&stack, &shop, 70).await, &whole);
    let ids = |found: &vitrine_domain::clusters::Clusters| found.groups.iter().map(|g| g.id).collect::<Vec<_>>();
    assert_eq!(ids(&clusters().await), ids(&groups), "found again");
    visits(&stack, &shop).await;
    assert_eq!(made(&stack, &shop, HELD).await, whole);
}

/// People are left out of experiments, and see the shop with personalization: what experiments cause together is measured too.
#[tokio::test]
async fn a_hold_out_of_experiments_alone_has_both_sides() {
    let stack = Stack::start().await;
    let shop = Shop::new("shop").unwrap();
    let out = HoldOut { personalization: false, ..out() };
    stack.context.table.put_setting(&shop, HOLD_OUT, ONE, &out, 0).await.unwrap();
    visits(&stack, &shop).await;
    let Stored { head, results } = made(&stack, &shop, HELD).await;
    assert_eq!((head.held_out, head.experiments_only), (Some(0.3), true));
    let held_out = (0..PEOPLE).filter(|person| out.holds(&format!("device-{person}"))).count() as u64;
    assert_eq!((results.held_out.ordered.n, results.served.ordered.n), (held_out, PEOPLE as u64 - held_out));
}

#[tokio::test]
async fn visits_before_a_log_in_are_those_of_whoever_logs_in() {
    let stack = Stack::start().await;
    let shop = Shop::new("shop").unwrap();
    let anna = Visitor::known("anna").unwrap();
    let mut identify = event(1, 60, Action::Identify);
    (identify.device_id, identify.visitor, identify.lines) = (Some("device-1".to_owned()), anna.clone(), Vec::new());
    let order = Event { visitor: anna, ..event(1, 61, Action::Order) };
    write(&stack, &shop, Kind::Events, "a", &lines(&[event(1, 0, Action::View), identify, order])).await;
    let results = made(&stack, &shop, HELD).await;
    let day = &results.results.days[&END.plus(-10 * DAY).day()];
    assert_eq!((results.head.people, day.all.visitors, day.all.newcomers, day.all.new_customers), (1, 1, 1, 1));
    assert_eq!(day.all.waited, 61 * MINUTE);
    assert_eq!(day.all.visits, 2, "an hour passed: {HOUR} ms");
}

#[tokio::test]
async fn a_bandit_gives_more_to_what_is_better_and_keeps_its_floor() {
    let stack = Stack::start().await;
    let shop = Shop::new("shop").unwrap();
    let bandit = experiment(json!({"bandit": {"floor": 0.1}}));
    stack.context.table.put_setting(&shop, EXPERIMENT, "bolder", &bandit, 0).await.unwrap();
    stack.context.table.put_setting(&shop, HOLD_OUT, ONE, &out(), 0).await.unwrap();
    visits(&stack, &shop).await;
    made(&stack, &shop, HELD).await;
    let stored = async || stack.context.table.settings::<Experiment>(&shop, EXPERIMENT).await.unwrap().remove(0);
    let shifted = stored().await;
    let shares: Vec<f64> = shifted.value.cells().iter().map(|cell| cell.weight).collect();
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    // Half of those who saw it order, against a third.
    assert!((shares[0] - 0.1).abs() < 0.01 && shares[1] > 0.88, "{shares:?}");
    assert_eq!((shifted.version, shifted.author), (2, None));
    made(&stack, &shop, HELD).await;
    assert_eq!(stored().await.version, 2, "nothing new was measured");
}

/// Of people whose variants were drawn with other probabilities everybody counts as many times as it was improbable; those of
/// whom it was not noted do not.
#[tokio::test]
async fn what_a_bandit_achieved_is_weighted_by_the_probabilities_that_are_logged() {
    let stack = Stack::start().await;
    let shop = Shop::new("shop").unwrap();
    let bandit = experiment(json!({"bandit": {"floor": 0.1}}));
    stack.context.table.put_setting(&shop, EXPERIMENT, "bolder", &bandit, 0).await.unwrap();
    let sealer = Sealer::new(&stack.context.config.secret);
    let (mut events, mut decisions) = (Vec::new(), Vec::new());
    let (mut sums, mut weights) = ([0.0; 2], [0.0; 2]);
    for person in 0..300 {
        let cell = usize::from(person % 3 > 0);
        let millionths = [None, Some(250_000), Some(800_000)][person / 100];
        let mut seen = event(person, 1, Action::List);
        let key = DecisionKey { visitor: None, time: seen.time, nonce: format!("{person:016x}") };
        let ex = millionths.map_or(json!([["bolder", cell]]), |p| json!([["bolder", cell, p]]));
        decisions.push(json!({"v": seen.visitor, "t": key.time.0, "nonce": key.nonce, "p": "home", "ex": ex}));
        seen.decision_id = seal_id(&shop, &key, [], |purpose, clear| sealer.seal(purpose, clear));
        events.push(seen);
        let ordered = person % 5 == 0 || person >= 200 && cell == 1;
        events.extend(ordered.then(|| event(person, 2, Action::Order)));
        if let Some(millionths) = millionths {
            let weight = 1e6 / f64::from(millionths);
            sums[cell] += if ordered { weight } else { 0.0 };
            weights[cell] += weight;
        }
    }
    write(&stack, &shop, Kind::Events, "a", &lines(&events)).await;
    write(&stack, &shop, Kind::Decisions, "a", &lines(&decisions)).await;
    let results = made(&stack, &shop, HELD).await.results;
    let trial = &results.trials["bolder"];
    assert_eq!(trial.exposed, [100, 200]);
    let study = trial.study(&bandit);
    let told = &study.metrics[0].variants;
    for cell in [0, 1] {
        let expected = sums[cell] / weights[cell];
        assert!((told[cell].y - expected).abs() < 1e-9, "{cell}: {} {expected}", told[cell].y);
    }
    let plain = trial.metrics[&Metric::Conversion][1].y;
    assert!((plain - told[1].y).abs() > 0.05, "the plain mean is another: {plain}");
    assert_eq!((told[0].n, told[1].n), (66, 134));
}
