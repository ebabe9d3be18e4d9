use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::profile::Affinities;
use crate::time::{DAY, MINUTE, SECOND};
use crate::{Action, Channel, Event, Line, MessageId, Millis, Order, ProductId, State, Visitor};

const NOW: Millis = Millis(1_790_000_000_000);

/// What somebody did, in the order of time.
#[derive(Default)]
struct Story(Vec<Event>);

impl Story {
    fn at(&mut self, ago: i64, action: Action) -> &mut Event {
        let id = MessageId::new(format!("m{}", self.0.len())).unwrap();
        self.0.push(Event::new(id, Visitor::anonymous("device").unwrap(), NOW.plus(-ago), action));
        self.0.last_mut().unwrap()
    }

    fn page(&mut self, ago: i64, path: &str) {
        self.at(ago, Action::Page).context.path = Some(path.to_owned());
    }

    fn product(&mut self, ago: i64, action: Action, product: &str, brand: &str) -> &mut Event {
        let event = self.at(ago, action);
        event.lines = vec![Line {
            price: Some(20.0),
            brand: Some(brand.to_owned()),
            ..Line::of(ProductId::new(product).unwrap())
        }];
        event
    }

    fn order(&mut self, ago: i64, value: f64, discount: Option<f64>) {
        let event = self.product(ago, Action::Order, "shoe", "Acme");
        event.currency = Some("EUR".into());
        event.order = Some(Order { revenue: Some(value), discount, ..Order::default() });
    }

    fn state(mut self) -> State {
        crate::profile::in_fold_order(&mut self.0);
        State::default().fold(&self.0, &())
    }
}

/// Three visits that go round in circles, six seconds a page.
fn browser() -> State {
    let mut story = Story::default();
    for visit in 1..=3 {
        for page in 0..12 {
            story.page(visit * DAY - page * 6 * SECOND, &format!("/p/{}", page % 4));
        }
    }
    story.state()
}

fn loyal() -> State {
    let mut story = Story::default();
    for month in 1..=6 {
        story.product(month * 30 * DAY + MINUTE, Action::View, "shoe", "Acme");
        story.order(month * 30 * DAY, 50.0, None);
    }
    story.at(DAY, Action::Search).query = Some("ACME boots".into());
    story.state()
}

fn hunter() -> State {
    let mut story = Story::default();
    for week in 1..=4 {
        story.at(week * 7 * DAY + 3 * MINUTE, Action::PromotionView);
        story.at(week * 7 * DAY + 2 * MINUTE, Action::PromotionClick);
        story.product(week * 7 * DAY + MINUTE, Action::View, "hat", &format!("Brand {week}"));
        story.order(week * 7 * DAY, 12.0, Some(3.0));
    }
    story.state()
}

fn newcomer() -> State {
    let mut story = Story::default();
    story.page(2 * DAY, "/");
    story.state()
}

fn lapsing() -> State {
    let mut story = Story::default();
    for order in 0..4 {
        story.order((120 + 30 * order) * DAY, 30.0, None);
    }
    story.state()
}

fn person(state: &State) -> Person<'_> {
    Person { state, now: NOW }
}

fn one(state: &State, name: &str) -> Value {
    person(state).values(name).first().cloned().unwrap_or(Value::Null)
}

fn holds(state: &State, filter: &str) -> bool {
    Filter::parse(filter).unwrap().holds(&person(state)).unwrap()
}

#[test]
fn each_shipped_segment_finds_its_own() {
    let shipped = shipped();
    let of = |state: &State| memberships(&shipped, person(state), None).into_iter().collect::<Vec<_>>();
    assert_eq!(of(&browser()), ["just-browsing", "new-visitors"]);
    assert_eq!(of(&loyal()), ["brand-loyal"]);
    assert_eq!(of(&hunter()), ["deal-hunters", "new-customers"]);
    assert_eq!(of(&newcomer()), ["new-visitors"]);
    assert_eq!(of(&lapsing()), ["brand-loyal", "lapsing"]);
    assert_eq!(of(&State::default()), [""; 0]);
}

#[test]
fn features_are_computed_from_what_was_done() {
    let state = browser();
    for (name, expected) in [
        ("pages_per_visit", json!(12.0)),
        ("seconds_per_page", json!(6.0)),
        // Of twelve pages the first four are new.
        ("revisit_share", json!(8.0 / 12.0)),
        ("pages_2d", json!(24.0)),
        ("visits_365d", json!(3.0)),
        ("orders_30d", json!(0.0)),
        ("order_value", Value::Null),
        ("overdue", Value::Null),
        ("pages_0d", Value::Null),
        ("pages_07d", Value::Null),
        ("pages_366d", Value::Null),
        ("channel", json!("web")),
    ] {
        assert_eq!(one(&state, name), expected, "{name}");
    }
    let state = hunter();
    for (name, expected) in [
        ("discounted_share", json!(1.0)),
        ("promotion_rate", json!(1.0)),
        ("spend", json!(48.0)),
        ("order_value", json!(12.0)),
        ("spend_15d", json!(24.0)),
        ("discounted_orders_8d", json!(1.0)),
        ("units_365d", json!(4.0)),
        ("order_gap_days", json!(7.0)),
        ("overdue", json!(1.0)),
        ("views_8d", json!(1.0)),
    ] {
        assert_eq!(one(&state, name), expected, "{name}");
    }
    assert_eq!(one(&loyal(), "brand_share"), json!(1.0));
    assert_eq!(one(&loyal(), "brand_searches"), json!(1.0));
}

#[test]
fn where_and_how_somebody_came() {
    let mut story = Story::default();
    let first = story.at(DAY, Action::Screen);
    first.channel = Channel::Mobile;
    first.context.campaign = Some("mail/spring".into());
    first.context.device = Some("phone".into());
    first.context.locale = Some("zh-Hant-tw".into());
    first.traits = json!({"loyalty": "gold", "city": "Lyon", "age": "41"}).as_object().unwrap().clone();
    let state = story.state();
    assert!(holds(
        &state,
        "entry_channel = \"mobile\" and entry_campaign = \"mail/spring\" and device = \"phone\" and language = \"zh\" \
         and region = \"TW\" and loyalty in [\"gold\", \"silver\"] and not (city != \"Lyon\" or days_known > 2)"
    ));
    let mut story = Story::default();
    let at = |event: &mut Event, country: Option<&str>, city: Option<&str>| {
        event.context.country = country.map(str::to_owned);
        event.context.city = city.map(str::to_owned);
    };
    at(story.at(3 * DAY, Action::Page), Some("France"), Some("Lyon"));
    at(story.at(2 * DAY, Action::Page), None, None);
    let text = "located_country = \"France\" and located_city = \"Lyon\"";
    let mut later = Story(story.0.clone());
    assert!(holds(&story.state(), text));
    at(later.at(DAY, Action::Page), Some("Italy"), None);
    let story = later;
    assert!(holds(&story.state(), "located_country = \"Italy\" and located_city is missing"), "no Lyon in Italy");
    // A field of another type than was expected makes nobody a member, and is no error of the visitor's.
    let segment: Segment = serde_json::from_value(json!({"id": "adults", "filter": "age >= 18"})).unwrap();
    assert!(!segment.holds(&person(&state)));
}

#[test]
fn refunds_subtract_within_their_window() {
    let mut story = Story::default();
    story.order(10 * DAY, 80.0, None);
    let back = story.product(2 * DAY, Action::Refund, "shoe", "Acme");
    back.currency = Some("EUR".into());
    let state = story.state();
    assert_eq!(one(&state, "spend_30d"), json!(60.0));
    assert_eq!(one(&state, "spend_5d"), json!(-20.0));
    assert_eq!((one(&state, "orders_30d"), one(&state, "refunds_30d")), (json!(1.0), json!(1.0)));
    assert_eq!(one(&state, "units_30d"), json!(0.0));
}

#[test]
fn customers_are_graded_among_all() {
    let customers: Vec<Customer> = (1..=100)
        .map(f64::from)
        .map(|n| Customer { days_since_order: n, orders: (n / 10.0).ceil(), spend: n * 10.0 })
        .collect();
    let scale = Scale::of(&customers).unwrap();
    let mut counts = BTreeMap::<[u8; 3], u32>::new();
    customers.iter().for_each(|customer| *counts.entry(scale.grades(customer)).or_default() += 1);
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [20; 5]);
    assert_eq!(scale.grades(&customers[0]), [5, 1, 1]);
    assert_eq!(scale.grades(&customers[99]), [1, 5, 5]);
    assert_eq!(Scale::of(&[]), None);
    // Most order once: they all have the lowest grade, and who orders twice a high one.
    let once = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 5.0];
    let few: Vec<Customer> = once.map(|orders| Customer { days_since_order: 1.0, orders, spend: 1.0 }).to_vec();
    let scale = Scale::of(&few).unwrap();
    assert_eq!(once.map(|orders| scale.grades(&Customer { orders, ..few[0] })[1]), [1, 1, 1, 1, 1, 1, 1, 4, 4, 5]);

    let state = hunter();
    let scale =
        Scale { recency: [1.0, 2.0, 3.0, 4.0], frequency: [1.0, 1.0, 2.0, 3.0], money: [10.0, 20.0, 30.0, 40.0] };
    let known = Known { person: person(&state), scale: Some(&scale), segments: None };
    assert_eq!(known.values("rfm"), [json!("155")]);
    let members = memberships(&shipped(), person(&state), Some(&scale));
    assert!(members.contains("big-spenders") && members.contains("at-risk") && !members.contains("champions"));
    assert!(Known { scale: None, ..known }.values("rfm").is_empty());
}

#[test]
fn segments_found_are_seen_by_what_asks_for_them() {
    let mut state = browser();
    state.traits.insert("segments".into(), json!("gold"));
    let found = memberships(&shipped(), person(&state), None);
    let known = Known { segments: Some(&found), ..Known::of(person(&state)) };
    let both = Filter::parse("segments = \"just-browsing\" and segments = \"gold\"").unwrap();
    assert_eq!(both.holds(&known), Ok(true));
    assert_eq!(both.holds(&Known::of(person(&state))), Ok(false));
}

#[test]
fn faults_say_where_and_how() {
    let faults = |definition: Value| {
        let segment: Segment = serde_json::from_value(definition).unwrap();
        segment.faults().into_iter().map(|fault| (fault.at, fault.how)).collect::<Vec<_>>()
    };
    assert_eq!(faults(json!({"id": "gold", "filter": "loyalty = \"gold\" and orders_30d >= 2"})), []);
    let found = faults(json!({"id": "Gold", "name": "x".repeat(201), "filter": "orders > 1"}));
    assert_eq!(found.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["/id", "/name"]);
    let found =
        faults(json!({"id": "x", "filter": "not (orders_7d = \"many\" or device in [1, 2] or overdue > visitor.x)"}));
    assert_eq!(
        found,
        [
            ("/filter/not/or/0".to_owned(), "a number to compare `orders_7d` with".to_owned()),
            ("/filter/not/or/1".to_owned(), "text to compare `device` with".to_owned()),
            ("/filter/not/or/2".to_owned(), "a value to compare with, not `context`, `basket` or `visitor`".to_owned()),
        ]
    );
    assert!(serde_json::from_value::<Segment>(json!({"id": "x", "filter": "orders > 1", "more": 1})).is_err());
    let found = faults(json!({"id": "x", "filter": "orders_500d > 1 or spend_007d > 1"}));
    assert_eq!(found[0].1, "a window of 1 to 365 days, such as `orders_30d`");
    assert_eq!(found.len(), 2);
    let segment: Segment =
        serde_json::from_value(json!({"id": "x", "filter": "order_30d > 1 and orders > 1"})).unwrap();
    assert_eq!(segment.fields(), BTreeSet::from(["order_30d"]));
}

#[test]
fn a_size_has_an_interval() {
    // Newcombe, "Two-Sided Confidence Intervals for the Single Proportion", Statistics in Medicine 1998, table I, method 3.
    for (found, asked, low, high) in
        [(81, 263, 2_553, 3_662), (15, 148, 624, 1_605), (0, 20, 0, 1_611), (1, 29, 61, 1_718)]
    {
        let size = Size::estimate(found, asked, 100_000_000).unwrap();
        let in_ten_thousand = |visitors: u64| (visitors + 5_000) / 10_000;
        assert_eq!((in_ten_thousand(size.low), in_ten_thousand(size.high)), (low, high), "{found} of {asked}");
    }
    let all = Size::estimate(10, 100, 100).unwrap();
    assert_eq!((all.low, all.visitors, all.high), (10, 10, 10));
    assert_eq!((Size::estimate(0, 50, 1_000).unwrap().low, Size::estimate(50, 50, 1_000).unwrap().high), (0, 1_000));
    assert!([Size::estimate(0, 0, 5), Size::estimate(6, 5, 9), Size::estimate(1, 5, 4)].iter().all(Option::is_none));
}

#[test]
fn every_feature_is_one_of_a_customer_with_a_history() {
    let mut story = Story::default();
    for week in 1..=3 {
        story.at(week * 7 * DAY + 3 * MINUTE, Action::PromotionView);
        story.page(week * 7 * DAY + 2 * MINUTE, "/");
        story.product(week * 7 * DAY + MINUTE, Action::View, "hat", "Acme").lines[0].category = Some("Hats".into());
        story.order(week * 7 * DAY, 12.0, None);
        story.0.last_mut().unwrap().lines[0].category = Some("Shoes".into());
    }
    let context = &mut story.0[0].context;
    context.campaign = Some("mail/spring".into());
    context.referrer = Some("example.org".into());
    context.device = Some("phone".into());
    context.locale = Some("fr_FR".into());
    (context.country, context.city) = (Some("France".into()), Some("Lyon".into()));
    // The first event is the one of the third week.
    story.0[8].context = story.0[0].context.clone();
    let mut state = story.state();
    state.traits.insert("segments".into(), json!(["gold"]));
    state.traits.insert("alike".into(), json!(["gold-5"]));
    let scale = Scale { recency: [1.0; 4], frequency: [1.0; 4], money: [1.0; 4] };
    let known = Known { scale: Some(&scale), ..Known::of(person(&state)) };
    let windows: Vec<(String, FeatureType)> = WINDOWS.iter().map(|f| (format!("{}_30d", f.name), f.of)).collect();
    for (name, of) in FEATURES.iter().map(|f| (f.name.to_owned(), f.of)).chain(windows) {
        let values = known.values(&name);
        let fits = |value: &Value| if of == FeatureType::Number { value.is_number() } else { value.is_string() };
        assert!(!values.is_empty() && values.iter().all(fits), "{name}: {values:?}");
        assert_eq!(features::of(&name), Some(of));
    }
    assert_eq!(features::of("loyalty"), None);
}

#[test]
fn a_window_names_the_categories_and_brands_of_what_was_looked_at_and_ordered() {
    let mut story = Story::default();
    for (ago, action, category, brand) in [
        (50, Action::Order, "Hats", "Acme"),
        (40, Action::View, "Hats", "Acme"),
        (20, Action::Order, "Shoes", "Bolt"),
        (10, Action::View, "Coats", "Acme"),
        (5, Action::Search, "Socks", "Acme"),
    ] {
        story.product(ago * DAY, action, category, brand).lines[0].category = Some(category.into());
        if action == Action::Order {
            story.0.last_mut().unwrap().order = Some(Order { id: Some(format!("of {category}")), ..Order::default() });
        }
    }
    // The page of the order of shoes, opened again.
    let again = story.product(DAY, Action::Order, "Shoes", "Bolt");
    again.lines[0].category = Some("Shoes".into());
    again.order = Some(Order { id: Some("of Shoes".into()), ..Order::default() });
    let state = story.state();
    let holds = |filter: &str| Filter::parse(filter).unwrap().holds(&person(&state));
    for (filter, expected) in [
        ("category_9d = \"Coats\"", false),
        ("category_11d = \"Coats\"", true),
        ("category_30d = \"Shoes\" and category_30d = \"Coats\"", true),
        ("category_30d = \"Hats\"", false),
        ("category_41d = \"Hats\" and ordered_category_41d = \"Hats\"", false),
        ("ordered_category_51d = \"Hats\" and not (ordered_category_49d = \"Hats\")", true),
        ("ordered_category_30d in [\"Hats\", \"Coats\"]", false),
        ("ordered_brand_30d = \"Bolt\" and not (ordered_brand_30d = \"Acme\")", true),
        ("brand_30d = \"Acme\"", true),
        ("ordered_category_365d = \"Socks\"", false),
        ("ordered_category_19d is missing", true),
        ("category_2d = \"Shoes\"", true),
    ] {
        assert_eq!(holds(filter), Ok(expected), "{filter}");
    }
    // As it is stored, and as it was before orders were noted.
    let stored = serde_json::to_string(&state.affinities).unwrap();
    assert_eq!(serde_json::from_str::<Affinities>(&stored).unwrap(), state.affinities);
    let older: Affinities = serde_json::from_str(r#"{"category": {"Hats": [2.5, 1000]}}"#).unwrap();
    assert_eq!((older.category["Hats"].last(), older.category["Hats"].last_order()), (Millis(1000), None));
}

fn any_story() -> impl Strategy<Value = State> {
    let action = prop::sample::select(Action::ALL.to_vec());
    prop::collection::vec((0..400 * DAY, action, 0..6_u8), 0..60).prop_map(|events| {
        let mut story = Story::default();
        for (ago, action, product) in events {
            story.product(ago, action, &format!("p{product}"), &format!("Brand {product}"));
        }
        story.state()
    })
}

proptest! {
    #[test]
    fn a_longer_window_holds_no_less(state in any_story(), less in 1..=365_u16, more in 1..=365_u16) {
        let (less, more) = (less.min(more), less.max(more));
        for what in ["orders", "discounted_orders", "refunds", "visits", "pages", "views", "adds"] {
            let count = |days: u16| one(&state, &format!("{what}_{days}d")).as_f64().unwrap();
            prop_assert!(count(less) <= count(more), "{what}");
        }
    }

    #[test]
    fn entering_and_leaving_lead_from_one_membership_to_the_next(
        before in any_story(), after in any_story(),
    ) {
        let of = |state: &State| memberships(&shipped(), person(state), None);
        let (before, after) = (of(&before), of(&after));
        let transitions = Transitions::between(&before, &after);
        let mut walked = before.clone();
        walked.extend(transitions.entered.clone());
        walked.retain(|segment| !transitions.left.contains(segment));
        prop_assert_eq!(&walked, &after);
        prop_assert!(transitions.entered.is_disjoint(&before) && transitions.left.is_subset(&before));
        prop_assert_eq!(transitions.is_empty(), before == after);
    }

    #[test]
    fn and_or_and_not_mean_what_they_say(state in any_story(), orders in 0..4_u32, days in 1..=365_u16) {
        let (a, b) = (format!("orders >= {orders}"), format!("visits_{days}d > 1"));
        let (x, y) = (holds(&state, &a), holds(&state, &b));
        prop_assert_eq!(holds(&state, &format!("{a} and {b}")), x && y);
        prop_assert_eq!(holds(&state, &format!("{a} or {b}")), x || y);
        prop_assert_eq!(holds(&state, &format!("not ({a})")), !x);
    }

    #[test]
    fn a_size_lies_in_its_interval(asked in 1..500_u64, share in 0.0..=1.0_f64, more in 0..10_000_u64) {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let found = (asked as f64 * share) as u64;
        let size = Size::estimate(found, asked, asked + more).unwrap();
        prop_assert!(size.low <= size.visitors && size.visitors <= size.high && size.high <= asked + more, "{size:?}");
    }
}

/// Somebody who orders, sends back and comes far more often than a profile keeps one by one: each window against a count over
/// all events. On the edge of a window a day, and beyond five weeks a week, counts wholly or not at all.
#[test]
fn windows_of_the_most_faithful_customer_are_those_of_all_events() {
    let (mut story, mut ago) = (Story::default(), Vec::new());
    for n in 0..220_i64 {
        // Most in the last months, at changing hours of the day.
        let at = n * n * 10 * DAY / 1_100 + (n * 7 % 11) * 60 * MINUTE;
        ago.push(at);
        // A tenth off is no discounted order, a third is.
        story.order(at, 10.0, Some(if n % 3 == 0 { 5.0 } else { 1.0 }));
        story.product(at, Action::View, "shoe", "Acme");
        if n % 5 == 0 {
            let event = story.product(at, Action::Refund, "shoe", "Acme");
            (event.currency, event.order) =
                (Some("EUR".into()), Some(Order { revenue: Some(4.0), ..Order::default() }));
        }
    }
    let state = story.state();
    assert!(state.behaviour.older_trades.len() > 40 && state.behaviour.older_trades.len() <= crate::profile::OLDER);
    let stored = serde_json::to_string(&state).unwrap();
    assert!(stored.len() < 12_000, "{}", stored.len());
    assert_eq!(serde_json::from_str::<State>(&stored).unwrap(), state);
    let number = |name: &str| one(&state, name).as_f64().unwrap();
    for days in [1, 7, 20, 30, 60, 90, 180, 364, 365] {
        let within = |ago: &i64, days: f64| (*ago as f64) < days * DAY as f64;
        let orders = |days: f64| ago.iter().filter(|ago| within(ago, days)).count() as f64;
        let edge = if days <= 30 { 0.5 } else { 3.5 };
        let (least, most) = (orders(f64::from(days) - edge - 0.5), orders(f64::from(days) + edge));
        let found = number(&format!("orders_{days}d"));
        assert!((least..=most).contains(&found), "{days} days: {found}, {least} to {most}");
        let returns = number(&format!("refunds_{days}d"));
        assert!((returns - found / 5.0).abs() <= 1.0, "{days} days: {returns} of {found}");
        assert!((number(&format!("spend_{days}d")) - (10.0 * found - 4.0 * returns)).abs() < 1e-6);
        assert!((number(&format!("discounted_orders_{days}d")) - found / 3.0).abs() <= 1.0);
        assert_eq!(number(&format!("units_{days}d")), found - returns);
        let views = number(&format!("views_{days}d"));
        assert!((least..=most).contains(&views) && number(&format!("visits_{days}d")) <= views, "{views}");
    }
    assert!(holds(&state, "orders_365d >= 150 and orders_30d > 16 and visits_365d > 100"));
    // A profile from before has no sums, and is read.
    let mut old: Value = serde_json::from_str(&stored).unwrap();
    let behaviour = old["behaviour"].as_object_mut().unwrap();
    behaviour.remove("older_trades");
    behaviour.remove("older_visits");
    let old: State = serde_json::from_value(old).unwrap();
    assert_eq!(one(&old, "orders_365d").as_f64().map(|orders| orders < 16.5), Some(true));
}
