//! Segments in decisions: found as of this moment, for rules and for filters.

use serde_json::{Value, json};
use vitrine_domain::{Action, Event, MessageId};

use crate::support::{Stack, device, fold, id, is_identical, product};

async fn segment(stack: &Stack, id: &str, filter: &str) {
    stack.set("segment", id, json!({"id": id, "filter": filter})).await;
}

async fn home(stack: &Stack) -> crate::support::Answer {
    stack.later(1_100);
    stack.recommend("home", json!({"anonymous_id": "phone", "limit": 5})).await
}

#[tokio::test]
async fn the_answer_after_an_event_knows_the_segment_that_it_leads_to() {
    let stack = Stack::start().await;
    let phone = device("phone");
    segment(&stack, "keen", "views_30d >= 2 and orders = 0").await;
    let pin = json!({"kind": "pin", "product": "p40", "slot": 1});
    stack.set_rule(json!({"id": "for-keen", "when": {"segments": ["keen"]}, "effect": pin})).await;
    stack.does(&phone, Action::View, 1).await;
    let before = home(&stack).await;
    assert_eq!(before.body["rules"], json!([]));
    stack.does(&phone, Action::View, 7).await;
    let keen = home(&stack).await;
    assert_eq!((&keen.body["rules"], keen.ids()[0].as_str()), (&json!(["for-keen"]), "p40"), "no fold was needed");
    fold(&stack, &phone).await;
    assert_eq!(home(&stack).await.body["rules"], json!(["for-keen"]));
    let nobody = stack.recommend("home", json!({"limit": 5})).await;
    assert_eq!(nobody.body["rules"], json!([]));
    stack.does(&phone, Action::Order, 1).await;
    assert_eq!(home(&stack).await.body["rules"], json!([]), "who orders is not one of them any more");

    // A decision made again goes by the definitions of that time, whatever became of them.
    segment(&stack, "keen", "orders > 99").await;
    stack.later(60_000);
    for answer in [&before, &keen] {
        is_identical(&stack, answer).await;
    }
}

#[tokio::test]
async fn conditions_and_filters_ask_for_segments_shipped_own_and_given() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let for_some = |number: usize, whom: &str| {
        let mut product = product(number, "");
        product.attributes.insert("whom".into(), json!([whom]));
        product
    };
    stack.sell(&[for_some(1, "new-visitors"), for_some(2, "vip"), for_some(3, "nobody")]).await;
    stack.does(&phone, Action::View, 9).await;
    let mut said = Event::new(MessageId::new("traits").unwrap(), phone.clone(), stack.now(), Action::Identify);
    said.traits.insert("segments".into(), json!(["vip"]));
    stack.table.put_event(&stack.shop, &said).await.unwrap();
    stack.later(1_100);
    let of = |filter: &'static str| {
        let stack = &stack;
        async move {
            let question = json!({"anonymous_id": "phone", "filter": filter, "limit": 9});
            let answer = stack.recommend("category", question).await;
            is_identical(stack, &answer).await;
            let mut ids = answer.ids();
            ids.sort();
            ids
        }
    };
    assert_eq!(of("whom in visitor.segments").await, ["p01", "p02"]);
    let condition = |visitor: &str| json!({"id": "c", "when": {"visitor": visitor}, "effect": {"kind": "hide", "filter": "id = \"p01\""}});
    stack.set_rule(condition("segments in [\"new-visitors\"] and segments = \"vip\"")).await;
    stack.later(1_100);
    assert_eq!(of("whom in visitor.segments").await, ["p02"]);
    // The shop does not want the shipped one any more.
    stack.set("segment", "new-visitors", Value::Null).await;
    stack.later(1_100);
    assert_eq!(of("whom in visitor.segments").await, ["p02"]);
    assert_eq!(of("id in [\"p01\", \"p03\"]").await, ["p01", "p03"]);
}

#[tokio::test]
async fn grades_need_the_shops_scale_and_robots_are_in_no_segment() {
    let stack = Stack::start().await;
    let (phone, crawler) = (device("phone"), device("crawler"));
    let pin = |id: &str, slot: usize, segment: &str| {
        let effect = json!({"kind": "pin", "product": format!("p4{slot}"), "slot": slot});
        json!({"id": id, "when": {"segments": [segment]}, "effect": effect})
    };
    stack.set_rule(pin("big", 1, "big-spenders")).await;
    stack.set_rule(pin("new", 2, "new-visitors")).await;
    stack.does(&crawler, Action::View, 1).await;
    let mut declared = Event::new(MessageId::new("bot").unwrap(), crawler.clone(), stack.now(), Action::View);
    declared.robot = true;
    stack.table.put_event(&stack.shop, &declared).await.unwrap();
    let mut order = Event::new(MessageId::new("order").unwrap(), phone.clone(), stack.now(), Action::Order);
    order.lines = vec![vitrine_domain::Line { price: Some(90.0), ..vitrine_domain::Line::of(id(3)) }];
    stack.table.put_event(&stack.shop, &order).await.unwrap();
    assert_eq!(home(&stack).await.body["rules"], json!([]));
    let scale =
        json!({"recency": [1.0, 2.0, 3.0, 4.0], "frequency": [1.0, 1.0, 2.0, 3.0], "money": [5.0, 9.0, 20.0, 80.0]});
    stack.set("rfm", "shop", scale).await;
    let graded = home(&stack).await;
    assert_eq!(graded.body["rules"], json!(["big"]));
    is_identical(&stack, &graded).await;
    let robot = stack.recommend("home", json!({"anonymous_id": "crawler"})).await;
    assert_eq!(robot.body["rules"], json!([]));
    let person = stack.recommend("home", json!({"anonymous_id": "somebody new"})).await;
    assert_eq!(person.body["rules"], json!([]), "of whom nothing is known");
}

#[tokio::test]
async fn content_is_handed_to_those_whom_a_rule_is_for_and_of_two_the_first_is_heard() {
    let stack = Stack::start().await;
    let phone = device("phone");
    segment(&stack, "keen", "views_30d >= 2").await;
    let banner = |id: &str, priority: i32, whom: Value, slot: &str| {
        let effect = json!({"kind": "content", "slot": slot, "payload": {"title": id}});
        json!({"id": id, "priority": priority, "when": {"placements": ["home"], "segments": whom}, "effect": effect})
    };
    let rules =
        [("all", 0, json!([]), "hero"), ("keen", 5, json!(["keen"]), "hero"), ("foot", 0, json!(["keen"]), "foot")];
    for (id, priority, whom, slot) in rules {
        stack.set_rule(banner(id, priority, whom, slot)).await;
    }
    stack.does(&phone, Action::View, 1).await;
    let usual = home(&stack).await;
    assert_eq!(usual.body["content"], json!({"hero": {"title": "all"}}));
    assert_eq!(usual.body["rules"], json!(["all"]));
    stack.does(&phone, Action::View, 7).await;
    let keen = home(&stack).await;
    assert_eq!(keen.body["content"], json!({"hero": {"title": "keen"}, "foot": {"title": "foot"}}));
    // What nobody sees has not acted.
    assert_eq!(keen.body["rules"], json!(["foot", "keen"]));
    is_identical(&stack, &keen).await;
    let elsewhere = stack.recommend("trending", json!({"anonymous_id": "phone"})).await;
    assert_eq!(elsewhere.body.get("content"), None);
}
