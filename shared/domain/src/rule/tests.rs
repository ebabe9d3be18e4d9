use serde_json::json;

use super::*;
use crate::filter::Person;
use crate::{Product, State};

fn rule(id: &str, effect: serde_json::Value) -> Rule {
    serde_json::from_value(json!({ "id": id, "effect": effect })).unwrap()
}

fn products(id: &str) -> Option<Product> {
    let mut product = Product::new(ProductId::new(id).unwrap(), id);
    product.brand = Some("Acme".into());
    Some(product)
}

fn kinds(rule: &Rule, others: &[Rule]) -> Vec<ConflictKind> {
    conflicts(rule, others, &products).into_iter().map(|conflict| conflict.kind).collect()
}

#[test]
fn a_rule_acts_where_all_its_conditions_hold() {
    let mut state = State::default();
    state.traits.insert("segments".into(), json!("gold"));
    state.traits.insert("age".into(), json!(30));
    let found = std::collections::BTreeSet::from(["deal-hunters".to_owned()]);
    let person = Person { state: &state, now: Millis(50) };
    let visitor = Some(Known { segments: Some(&found), ..Known::of(person) });
    let base = Situation { placement: "home", categories: &["Grocery", "Pasta"], visitor, now: Millis(50) };
    let when = |when: serde_json::Value, situation: &Situation<'_>| {
        let mut rule = rule("r", json!({"kind": "hide", "filter": "price > 5"}));
        rule.when = serde_json::from_value(when).unwrap();
        assert!(rule.faults().is_empty());
        rule.acts(situation)
    };
    for (conditions, expected) in [
        (json!({}), true),
        (json!({"placements": ["home", "feed"]}), true),
        (json!({"placements": ["feed"]}), false),
        (json!({"segments": ["silver", "gold"]}), true),
        (json!({"segments": ["silver"]}), false),
        (json!({"segments": ["silver", "deal-hunters"]}), true),
        (json!({"visitor": "segments = \"deal-hunters\" and age < 40"}), true),
        (json!({"categories": ["Pasta"]}), true),
        (json!({"categories": ["Soap"]}), false),
        (json!({"from": 50, "until": 51}), true),
        (json!({"from": 51}), false),
        (json!({"until": 50}), false),
        (json!({"visitor": "age >= 18"}), true),
        (json!({"visitor": "age >= 40"}), false),
        (json!({"visitor": "age = \"thirty\""}), false),
        (json!({"visitor": "height > 1"}), false),
    ] {
        assert_eq!(when(conditions.clone(), &base), expected, "{conditions}");
        if conditions.get("segments").or(conditions.get("visitor")).is_some() {
            assert!(!when(conditions, &Situation { visitor: None, ..base }), "of nobody nothing is known");
        }
    }
}

#[test]
fn rules_act_in_the_order_of_their_priority() {
    let effect = json!({"kind": "at_most", "attribute": "brand", "count": 1});
    let mut rules = ["b", "a", "c"].map(|id| rule(id, effect.clone()));
    rules[2].priority = 5;
    let situation = Situation { placement: "home", categories: &[], visitor: None, now: Millis(0) };
    let order: Vec<&str> = acting(&rules, &situation).iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(order, ["c", "a", "b"]);
    rules[0].enabled = false;
    assert_eq!(acting(&rules, &situation).len(), 2);
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    let faults = |rule: &Rule| rule.faults().into_iter().map(|fault| fault.at).collect::<Vec<_>>();
    let pin = json!({"kind": "pin", "product": "1", "slot": 0});
    assert_eq!(faults(&rule("-x", pin)), ["id", "/effect/slot"]);
    assert_eq!(faults(&rule("x", json!({"kind": "boost", "filter": "a = 1", "factor": 0.5}))), ["/effect/factor"]);
    assert_eq!(faults(&rule("x", json!({"kind": "share", "filter": "a = 1", "share": 1.5}))), ["/effect/share"]);
    let mut late = rule("x", json!({"kind": "hide", "filter": "a = 1"}));
    late.when.from = Some(Millis(5));
    late.when.until = Some(Millis(5));
    late.when.visitor = Some(Filter::parse("age > context.age").unwrap());
    assert_eq!(faults(&late), ["/when/until", "/when/visitor"]);
}

#[test]
fn conflicts_are_found_and_named() {
    let pin = |id: &str, product: &str, slot: usize| rule(id, json!({"kind": "pin", "product": product, "slot": slot}));
    let of = |id: &str, kind: &str, filter: &str| rule(id, json!({"kind": kind, "filter": filter}));
    let factor = |id: &str, kind: &str, filter: &str| rule(id, json!({"kind": kind, "filter": filter, "factor": 2.0}));
    let share = |id: &str, share: f32| rule(id, json!({"kind": "share", "filter": "a = 1", "share": share}));
    for (a, b, expected) in [
        (pin("a", "1", 1), pin("b", "2", 1), Some(ConflictKind::SameSlot)),
        (pin("a", "1", 1), pin("b", "1", 2), Some(ConflictKind::SameProduct)),
        (pin("a", "1", 1), pin("b", "2", 2), None),
        (pin("a", "1", 1), of("b", "hide", "brand = \"Acme\""), Some(ConflictKind::PinnedAndHidden)),
        (pin("a", "1", 1), of("b", "hide", "brand = \"Other\""), None),
        (pin("a", "1", 1), of("b", "include_only", "brand = \"Other\""), Some(ConflictKind::PinnedAndHidden)),
        (factor("a", "boost", "x = 1"), factor("b", "bury", "x = 1"), Some(ConflictKind::BoostedAndBuried)),
        (factor("a", "boost", "brand = \"A\""), factor("b", "bury", "brand = \"B\""), None),
        (factor("a", "boost", "x = 1"), of("b", "hide", "x = 1"), Some(ConflictKind::FavouredAndHidden)),
        (
            of("a", "include_only", "brand = \"A\""),
            of("b", "include_only", "brand = \"B\""),
            Some(ConflictKind::NothingLeft),
        ),
        (of("a", "include_only", "category = \"A\""), of("b", "include_only", "category = \"B\""), None),
        (share("a", 0.6), share("b", 0.5), Some(ConflictKind::SharesOverOne)),
        (share("a", 0.5), share("b", 0.5), None),
    ] {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(kinds(&a, std::slice::from_ref(&b)), expected, "{a:?} {b:?}");
        assert_eq!(kinds(&b, std::slice::from_ref(&a)), expected, "both ways: {a:?} {b:?}");
    }
}

#[test]
fn shares_are_added_only_where_all_of_them_act() {
    let share = |id: &str, share: f32, when: serde_json::Value| {
        let effect = json!({"kind": "share", "filter": "a = 1", "share": share});
        serde_json::from_value::<Rule>(json!({"id": id, "effect": effect, "when": when})).unwrap()
    };
    let everywhere = share("a", 0.4, json!({}));
    let home = share("b", 0.4, json!({"placements": ["home", "feed"]}));
    let basket = share("c", 0.4, json!({"placements": ["basket"]}));
    assert_eq!(kinds(&everywhere, &[home.clone(), basket.clone()]), []);
    let feed = share("d", 0.3, json!({"placements": ["feed"], "from": 5}));
    let all = [everywhere.clone(), home.clone(), basket, feed.clone()];
    for (rule, with) in [(&everywhere, "b, d"), (&home, "a, d"), (&feed, "a, b")] {
        let found = conflicts(rule, &all, &products);
        assert_eq!((found.len(), found[0].with.as_str()), (1, with), "{found:?}");
        assert!(found[0].text.contains("110 %"), "{found:?}");
    }
    let before = share("b", 0.4, json!({"placements": ["home", "feed"], "until": 5}));
    assert_eq!(kinds(&everywhere, &[before, feed]), []);
    // Ten tenths are one, whatever the rounding.
    let tenths: Vec<Rule> = (0..10).map(|n| share(&format!("t{n}"), 0.1, json!({}))).collect();
    assert_eq!(kinds(&tenths[0], &tenths), []);
}

#[test]
fn rules_that_never_meet_do_not_conflict() {
    let pin = |id: &str| rule(id, json!({"kind": "pin", "product": id, "slot": 1}));
    let (mut a, mut b) = (pin("a"), pin("b"));
    assert_eq!(kinds(&a, &[b.clone()]), [ConflictKind::SameSlot]);
    a.when.placements = vec!["home".into()];
    b.when.placements = vec!["feed".into()];
    assert!(kinds(&a, &[b.clone()]).is_empty());
    b.when.placements.clear();
    a.when.until = Some(Millis(10));
    b.when.from = Some(Millis(10));
    assert!(kinds(&a, &[b.clone()]).is_empty());
    b.when.from = Some(Millis(9));
    assert_eq!(kinds(&a, &[b.clone()]).len(), 1);
    b.enabled = false;
    assert!(kinds(&a, &[b.clone()]).is_empty());
    // A draft tells what it will meet.
    assert_eq!(kinds(&b, &[a]).len(), 1);
}
