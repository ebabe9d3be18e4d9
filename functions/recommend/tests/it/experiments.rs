//! Experiments in decisions: who meets what, what it changes, and that it is logged and can be made again.

use std::collections::BTreeMap;

use http::Request;
use serde_json::{Value, json};
use vitrine_domain::experiment::hash::{bucket, choose, group_place, ranges};
use vitrine_domain::{Action, Event, MessageId, Placement, Purpose, Purposes, Visitor};
use vitrine_http::Sealer;
use vitrine_store::decisions::{open_id, seal_id};

use crate::support::{Answer, Stack, device, fold, is_identical};

fn experiment(id: &str, changes: Value, more: Value) -> Value {
    let mut experiment = json!({
        "id": id, "status": "running", "metrics": {"primary": "conversion"},
        "design": {"kind": "variants", "variants": [{"id": "control"}, {"id": "other", "changes": changes}]},
    });
    experiment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    experiment
}

fn everything() -> Value {
    json!([
        {"kind": "strategy", "placement": "home", "strategy": "trending"},
        {"kind": "rule", "rule": {"id": "pin", "effect": {"kind": "pin", "product": "p40", "slot": 2}}},
        {"kind": "rule", "rule": {"id": "always", "enabled": false, "effect": {"kind": "hide", "filter": "price > 1000"}}},
        {"kind": "layout", "placement": "home", "payload": {"columns": 3}},
        {"kind": "content", "slot": "hero", "payload": "<b>Sale</b>"},
    ])
}

async fn begin(stack: &Stack, experiment: Value) {
    let id = experiment["id"].as_str().unwrap().to_owned();
    stack.set("experiment", &id, experiment).await;
    stack.later(1_100);
}

async fn home(stack: &Stack, device: &str) -> Answer {
    stack.recommend("home", json!({"anonymous_id": device, "limit": 6})).await
}

/// The variants that an answer tells, by experiment.
fn met(answer: &Value) -> BTreeMap<&str, &str> {
    let told = answer["experiments"].as_array().map(Vec::as_slice).unwrap_or_default();
    told.iter().map(|one| (one["id"].as_str().unwrap(), one["variant"].as_str().unwrap())).collect()
}

/// The variant that another SDK of GrowthBook computes.
fn elsewhere(seed: &str, visitor: &str, traffic: f64) -> Option<&'static str> {
    choose(bucket(seed, visitor), &ranges(2, traffic, None)).map(|at| ["control", "other"][at])
}

/// Devices of which some meet each variant.
fn devices() -> impl Iterator<Item = String> {
    (0..24).map(|n| format!("device-{n}"))
}

#[tokio::test]
async fn a_variant_changes_what_is_shown_and_stays_the_visitors() {
    let stack = Stack::start().await;
    stack.set_rule(json!({"id": "always", "effect": {"kind": "hide", "filter": "id = \"p00\""}})).await;
    begin(&stack, experiment("home-order", everything(), json!({}))).await;
    let mut answers: BTreeMap<&str, Vec<Answer>> = BTreeMap::new();
    for name in devices() {
        let answer = home(&stack, &name).await;
        let variant = elsewhere("home-order", &name, 1.0).unwrap();
        assert_eq!(met(&answer.body), BTreeMap::from([("home-order", variant)]), "{name}");
        answers.entry(variant).or_default().push(answer);
    }
    assert!(answers.len() == 2 && answers.values().all(|of| of.len() >= 5));
    for (variant, of) in &answers {
        for answer in of {
            let told = (answer.body.get("layout"), answer.body.get("content"), &answer.body["rules"]);
            if *variant == "other" {
                let content = json!({"hero": "<b>Sale</b>"});
                assert_eq!(told, (Some(&json!({"columns": 3})), Some(&content), &json!(["pin"])));
                assert_eq!((&answer.body["basis"], answer.ids()[1].as_str()), (&json!("popularity"), "p40"));
            } else {
                assert_eq!(told, (None, None, &json!(["always"])));
            }
        }
    }
    // Logging in changes nothing; of a customer without a device the customer's id is hashed.
    let anna = Visitor::known("anna").unwrap();
    let mut ids = devices();
    let name = ids.find(|name| elsewhere("home-order", name, 1.0) != elsewhere("home-order", "anna", 1.0)).unwrap();
    stack.table.link(&stack.shop, &device(&name), &anna, stack.now()).await.unwrap();
    let both = json!({"visitor_id": "anna", "anonymous_id": name});
    for (question, hashed) in [(both, name.as_str()), (json!({"visitor_id": "anna"}), "anna")] {
        let answer = stack.post("server", "/v1/recommendations/home", question).await.ok();
        assert_eq!(met(&answer.body)["home-order"], elsewhere("home-order", hashed, 1.0).unwrap());
        is_identical(&stack, &answer).await;
    }
    // Another placement is not concerned but for the rules and the content, which are everywhere.
    let elsewhere = stack.recommend("trending", json!({"anonymous_id": "device-0"})).await;
    assert_eq!((met(&elsewhere.body).len(), elsewhere.body.get("layout")), (1, None));
    begin(&stack, experiment("home-order", json!([{"kind": "layout", "placement": "home", "payload": 1}]), json!({})))
        .await;
    assert!(met(&stack.recommend("trending", json!({"anonymous_id": "device-0"})).await.body).is_empty());
    // A stopped one divides nobody, and decisions that were made with it are made again as they were.
    begin(&stack, experiment("home-order", everything(), json!({"status": "stopped"}))).await;
    let over = home(&stack, "device-0").await;
    assert_eq!((over.body.get("experiments"), over.body.get("content")), (None, None));
    for answer in answers.values().flatten() {
        is_identical(&stack, answer).await;
    }
}

/// The shop's rule acts in one placement, a variant's of the same id in another: for the variant it acts in the first no more.
#[tokio::test]
async fn a_rule_that_a_variant_moves_elsewhere_does_not_stay() {
    let stack = Stack::start().await;
    let rule = |placement: &str| json!({"id": "spring", "when": {"placements": [placement]}, "effect": {"kind": "pin", "product": "p40", "slot": 1}});
    stack.set_rule(rule("home")).await;
    begin(&stack, experiment("moved", json!([{"kind": "rule", "rule": rule("trending")}]), json!({}))).await;
    for name in devices() {
        let variant = elsewhere("moved", &name, 1.0).unwrap();
        for (placement, with) in [("home", "control"), ("trending", "other")] {
            let answer = stack.recommend(placement, json!({"anonymous_id": name, "limit": 6})).await;
            assert_eq!(met(&answer.body), BTreeMap::from([("moved", variant)]), "{name} in {placement}");
            assert_eq!(answer.ids()[0] == "p40", variant == with, "{name} in {placement}");
        }
    }
}

#[tokio::test]
async fn a_blend_changes_what_counts_and_its_reasons_add_up() {
    let stack = Stack::start().await;
    let factors = json!({"popularity": 100.0, "encoder": 0.0, "factors": 0.0});
    begin(&stack, experiment("blend", json!([{"kind": "blend", "placement": "home", "factors": factors}]), json!({})))
        .await;
    let mut scores: BTreeMap<&str, f64> = BTreeMap::new();
    for name in devices().take(8) {
        stack.does(&device(&name), Action::View, 6).await;
        let answer = home(&stack, &name).await;
        for item in answer.body["items"].as_array().unwrap() {
            let score = item["score"].as_f64().unwrap();
            let sum: f64 =
                item["reasons"].as_array().unwrap().iter().map(|reason| reason["amount"].as_f64().unwrap()).sum();
            assert!((sum - score).abs() < 1e-3 * (1.0 + score.abs()), "{item}");
        }
        let variant = elsewhere("blend", &name, 1.0).unwrap();
        scores.insert(variant, answer.body["items"][0]["score"].as_f64().unwrap());
        is_identical(&stack, &answer).await;
    }
    assert!(scores.len() == 2 && (scores["control"] - scores["other"]).abs() > 1e-3, "{scores:?}");
}

#[tokio::test]
async fn what_an_experiment_found_stays_as_the_placement_says_it() {
    let stack = Stack::start().await;
    let factors = json!({"popularity": 100.0, "encoder": 0.0, "factors": 0.0});
    let changes = json!([{"kind": "blend", "placement": "home", "factors": factors},
        {"kind": "layout", "placement": "home", "payload": {"columns": 3}}]);
    begin(&stack, experiment("blend", changes, json!({}))).await;
    let own = Placement::shipped().into_iter().find(|placement| placement.name == "home").unwrap();
    let blend = serde_json::from_value(factors).unwrap();
    let kept = Placement { name: "kept".to_owned(), blend, layout: Some(json!({"columns": 3})), ..own };
    stack.set_placement(&kept).await;
    let name = devices().find(|name| elsewhere("blend", name, 1.0) == Some("other")).unwrap();
    stack.does(&device(&name), Action::View, 6).await;
    let tried = home(&stack, &name).await;
    let answer = stack.recommend("kept", json!({"anonymous_id": name, "limit": 6})).await;
    assert_eq!((met(&tried.body).len(), met(&answer.body).len()), (1, 0));
    assert_eq!((&answer.body["items"], &answer.body["layout"]), (&tried.body["items"], &json!({"columns": 3})));
    is_identical(&stack, &answer).await;
}

#[tokio::test]
async fn audience_traffic_exclusive_groups_and_the_hold_out_decide_who_takes_part() {
    let stack = Stack::start().await;
    let layout = || json!([{"kind": "layout", "placement": "home", "payload": 1}]);
    let slice = |from: f64, to: f64| json!({"exclusive": {"group": "page", "from": from, "to": to}});
    begin(&stack, experiment("part", layout(), json!({"traffic": 0.5}))).await;
    begin(&stack, experiment("first", layout(), slice(0.0, 0.5))).await;
    begin(&stack, experiment("second", layout(), slice(0.5, 1.0))).await;
    begin(&stack, experiment("draft", layout(), json!({"status": "draft"}))).await;
    begin(&stack, experiment("new", layout(), json!({"audience": "segments = \"new-visitors\" and views_30d > 0"})))
        .await;
    let hold_out = json!({"share": 0.2, "seed": "out"});
    let (mut took, mut left_out) = (0, 0);
    for name in devices() {
        let answer = home(&stack, &name).await;
        let told = met(&answer.body);
        assert_eq!(told.get("part").copied(), elsewhere("part", &name, 0.5), "{name}");
        let first = group_place("page", &name) < 0.5;
        assert_eq!((told.contains_key("first"), told.contains_key("second")), (first, !first), "one of a group");
        assert!(!told.contains_key("draft") && !told.contains_key("new"), "of a stranger nothing is known");
        took += usize::from(told.contains_key("part"));
    }
    assert!((4..=20).contains(&took), "{took}");
    stack.does(&device("device-0"), Action::View, 3).await;
    let known = home(&stack, "device-0").await;
    assert_eq!(met(&known.body).get("new").copied(), elsewhere("new", "device-0", 1.0));
    stack.set("hold-out", "shop", hold_out).await;
    stack.later(1_100);
    for name in devices() {
        let answer = home(&stack, &name).await;
        let out = bucket("out", &name) < 0.2;
        assert_eq!(met(&answer.body).is_empty(), out, "{name}");
        left_out += usize::from(out);
        let decision = format!("/v1/decisions/{}", answer.body["decision_id"].as_str().unwrap());
        assert_eq!(stack.get("server", &decision).await.ok().body["held_out"], json!(out));
        is_identical(&stack, &answer).await;
    }
    assert!(left_out > 0);
    is_identical(&stack, &known).await;
}

#[tokio::test]
async fn whoever_goes_without_personalization_sees_what_everybody_wants_whatever_they_did() {
    let stack = Stack::start().await;
    stack.set("hold-out", "shop", json!({"share": 0.5, "seed": "out", "personalization": true})).await;
    let shown = |answer: &Answer| {
        let items = answer.body["items"].as_array().unwrap();
        items.iter().map(|item| item["product_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let stranger = shown(&home(&stack, "nobody-yet").await);
    let feed = async |device: &str, cursor: &Value| {
        stack.recommend("feed", json!({"anonymous_id": device, "limit": 6, "cursor": cursor})).await
    };
    // Nothing is known of whoever gives a history without anything in it, and nothing that was shown to them.
    let unknown =
        async |cursor: &Value| stack.recommend("feed", json!({"history": [], "limit": 6, "cursor": cursor})).await;
    let strangers = unknown(&Value::Null).await;
    let strangers = [shown(&strangers), shown(&unknown(&strangers.body["cursor"]).await)];
    let (mut without, mut with) = (0, 0);
    for name in devices().take(8) {
        for product in [3, 5, 7] {
            stack.does(&device(&name), Action::View, product).await;
        }
        let answer = home(&stack, &name).await;
        let out = bucket("out", &name) < 0.5;
        assert_eq!(shown(&answer) == stranger, out, "{name}");
        assert_eq!(answer.body["basis"] == "popularity", out, "{}", answer.body["basis"]);
        (without, with) = (without + usize::from(out), with + usize::from(!out));
        is_identical(&stack, &answer).await;
        // Neither a click nor what was shown and passed over changes that.
        stack.does(&device(&name), Action::Click, stranger[2][1..].parse().unwrap()).await;
        let again = home(&stack, &name).await;
        assert_eq!(shown(&again) == stranger, out, "{name}");
        is_identical(&stack, &again).await;
        let first = feed(&name, &Value::Null).await;
        stack.later(5_000);
        let second = feed(&name, &first.body["cursor"]).await;
        assert_eq!([shown(&first), shown(&second)] == strangers, out, "{name}");
        is_identical(&stack, &second).await;
    }
    assert!(without > 0 && with > 0);
}

#[tokio::test]
async fn nobody_is_divided_who_does_not_agree() {
    let stack = Stack::start().await;
    begin(&stack, experiment("e", json!([{"kind": "content", "slot": "hero", "payload": 1}]), json!({}))).await;
    let divided = |answer: &Answer| !met(&answer.body).is_empty();
    assert!(divided(&home(&stack, "phone").await));
    // What the newest event was sent with.
    let phone = device("phone");
    let mut event = Event::new(MessageId::new("m1").unwrap(), phone.clone(), stack.now(), Action::View);
    event.purposes = Purposes::ALL.without(Purpose::Experiment);
    stack.table.put_event(&stack.shop, &event).await.unwrap();
    let refused = home(&stack, "phone").await;
    assert!(!divided(&refused));
    is_identical(&stack, &refused).await;
    fold(&stack, &phone).await;
    assert!(!divided(&home(&stack, "phone").await));
    stack.does(&phone, Action::View, 3).await;
    assert!(divided(&home(&stack, "phone").await), "the last word counts");
    // A browser that asks not to be used, somebody without a name, and a robot.
    let request = Request::builder().method("POST").uri("/v1/recommendations/home");
    let request = request.header("authorization", "Bearer browser").header("sec-gpc", "1");
    let body = axum::body::Body::from(json!({"anonymous_id": "phone"}).to_string());
    assert!(!divided(&stack.send(&stack.router, request.body(body).unwrap()).await.ok()));
    assert!(!divided(&stack.recommend("home", json!({})).await));
    assert!(!divided(&stack.recommend("home", json!({"history": []})).await));
    let mut robot = Event::new(MessageId::new("bot").unwrap(), device("bot"), stack.now(), Action::View);
    robot.robot = true;
    stack.table.put_event(&stack.shop, &robot).await.unwrap();
    assert!(!divided(&home(&stack, "bot").await));
    // Where the shop's own setting does not grant it, who has said nothing is not divided.
    let setting = json!({"default_purposes": ["measure", "personalise"]});
    stack.table.put_setting(&stack.shop, "shop", "privacy", &setting, 0).await.unwrap();
    stack.later(60_000);
    assert!(!divided(&home(&stack, "tablet").await));
    assert!(divided(&home(&stack, "phone").await), "who has agreed is");
}

#[tokio::test]
async fn every_list_of_a_page_and_every_page_of_a_list_is_of_the_same_variant() {
    let stack = Stack::start().await;
    begin(&stack, experiment("e", everything(), json!({}))).await;
    let name = devices().find(|name| elsewhere("e", name, 1.0) == Some("other")).unwrap();
    stack.does(&device(&name), Action::View, 6).await;
    let lists = json!([{"placement": "home", "limit": 4}, {"placement": "trending", "limit": 4}]);
    let page =
        stack.post("browser", "/v1/recommendations", json!({"anonymous_id": name, "placements": lists})).await.ok();
    let lists = page.body["placements"].as_array().unwrap();
    assert!(lists.iter().all(|list| met(list)["e"] == "other" && list["content"]["hero"] == "<b>Sale</b>"));
    assert_eq!((&lists[0]["layout"], lists[1].get("layout")), (&json!({"columns": 3}), None));
    let mut cursor = Value::Null;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = stack.recommend("home", json!({"anonymous_id": name, "limit": 7, "cursor": cursor})).await;
        cursor = answer.body["cursor"].clone();
        answers.push(answer);
    }
    begin(&stack, experiment("e", everything(), json!({"status": "stopped"}))).await;
    for answer in &answers {
        assert_eq!(met(&answer.body)["e"], "other");
        is_identical(&stack, answer).await;
    }
    for list in lists {
        assert_eq!(stack.replay(list).await.ok().header("vitrine-replay"), "identical");
    }
    let ranked = stack.post("browser", "/v1/rank", json!({"anonymous_id": name, "items": ["p01", "p40"]})).await.ok();
    assert!(met(&ranked.body).is_empty());
}

#[tokio::test]
async fn experiments_cost_no_query_more() {
    let stack = Stack::start().await;
    stack.does(&device("phone"), Action::View, 6).await;
    home(&stack, "phone").await;
    stack.later(1_100);
    stack.proxy.seen();
    home(&stack, "phone").await;
    let names = |seen: Vec<(String, String)>| {
        let mut names: Vec<String> = seen.into_iter().map(|(name, _)| name).collect();
        names.sort();
        names
    };
    let without = names(stack.proxy.seen());
    begin(&stack, experiment("e", everything(), json!({"audience": "segments = \"new-visitors\""}))).await;
    stack.set("hold-out", "shop", json!({"share": 0.1})).await;
    stack.later(1_100);
    stack.proxy.seen();
    let answer = home(&stack, "phone").await;
    assert_eq!(names(stack.proxy.seen()), without);
    assert!(!met(&answer.body).is_empty() || bucket("hold-out", "phone") < 0.1);
}

fn sealer(stack: &Stack) -> Sealer {
    Sealer::new(&stack.context.config.secret)
}

/// A list comes into view, which is stored as `collect` does it.
async fn sees(stack: &Stack, visitor: &Visitor, answer: &Answer) {
    stack.later(1_000);
    let decision = answer.body["decision_id"].as_str().unwrap();
    let id = MessageId::new(format!("seen-{}", stack.now().0)).unwrap();
    let mut event = Event::new(id, visitor.clone(), stack.now(), Action::List);
    event.decision_id = Some(decision.to_owned());
    event.drawn = sealer(stack).drawn(&stack.shop, decision);
    stack.table.put_event(&stack.shop, &event).await.unwrap();
}

/// What the log says of the one experiment of a decision.
async fn logged(stack: &Stack, answer: &Answer) -> Value {
    let path = format!("/v1/decisions/{}", answer.body["decision_id"].as_str().unwrap());
    stack.get("server", &path).await.ok().body["experiments"][0].clone()
}

fn shared(shares: [f64; 2]) -> Value {
    let variants =
        json!([{"id": "control", "weight": shares[0]}, {"id": "other", "weight": shares[1], "changes": everything()}]);
    let design = json!({"kind": "variants", "variants": variants});
    experiment("moving", json!([]), json!({"bandit": {"floor": 0.05}, "design": design}))
}

#[tokio::test]
async fn whoever_saw_a_variant_keeps_it_when_shares_move_and_newcomers_follow_those_of_now() {
    let stack = Stack::start().await;
    begin(&stack, shared([0.5, 0.5])).await;
    let mut before = Vec::new();
    for (n, name) in devices().enumerate() {
        let answer = home(&stack, &name).await;
        let place = usize::from(met(&answer.body)["moving"] == "other");
        let drawn = json!({"id": "moving", "place": place, "propensity": 0.5, "remembered": false});
        assert_eq!(logged(&stack, &answer).await, drawn);
        sees(&stack, &device(&name), &answer).await;
        // It is known from the event, and from the profile that took it in.
        if n % 2 == 0 {
            fold(&stack, &device(&name)).await;
        }
        before.push((name, place, answer));
    }
    // One who was asked for, and saw nothing.
    let unseen =
        (0..).map(|n| format!("unseen-{n}")).find(|name| (0.1..0.5).contains(&bucket("moving", name))).unwrap();
    assert_eq!(met(&home(&stack, &unseen).await.body)["moving"], "control");

    begin(&stack, shared([0.1, 0.9])).await;
    let now = |name: &str| choose(bucket("moving", name), &ranges(2, 1.0, Some(&[0.1, 0.9]))).unwrap();
    let moved = before.iter().filter(|(name, place, _)| now(name) != *place).count();
    assert!(moved >= 5, "without a memory {moved} of 24 would be moved");
    for (name, place, first) in &before {
        let again = home(&stack, name).await;
        assert_eq!(met(&again.body), met(&first.body), "{name}");
        let kept = json!({"id": "moving", "place": place, "propensity": 0.5, "remembered": true});
        assert_eq!(logged(&stack, &again).await, kept);
        is_identical(&stack, &again).await;
        is_identical(&stack, first).await;
    }
    assert_eq!(met(&home(&stack, &unseen).await.body)["moving"], "other");
    let mut newcomers = [0, 0];
    for name in (0..24).map(|n| format!("newcomer-{n}")) {
        let answer = home(&stack, &name).await;
        let place = now(&name);
        let propensity = [0.1, 0.9][place];
        let drawn = json!({"id": "moving", "place": place, "propensity": propensity, "remembered": false});
        assert_eq!(logged(&stack, &answer).await, drawn);
        newcomers[place] += 1;
    }
    assert!(newcomers[1] > 15, "{newcomers:?}");
}

#[tokio::test]
async fn whoever_leaves_the_audience_keeps_the_variant_and_so_does_whoever_logs_in_elsewhere() {
    let stack = Stack::start().await;
    let changes = json!([{"kind": "layout", "placement": "home", "payload": 1}]);
    begin(&stack, experiment("newcomers", changes, json!({"audience": "orders = 0"}))).await;
    let (phone, anna) = (device("phone"), Visitor::known("anna").unwrap());
    stack.does(&phone, Action::View, 3).await;
    let first = home(&stack, "phone").await;
    sees(&stack, &phone, &first).await;
    for name in ["phone", "tablet"] {
        stack.does(&device(name), Action::Order, 4).await;
    }
    assert!(met(&home(&stack, "tablet").await.body).is_empty(), "a customer is not of the audience");
    let again = home(&stack, "phone").await;
    assert_eq!(met(&again.body), met(&first.body));
    // The person's profile takes the phone in, and remembers for the tablet too.
    for name in ["phone", "tablet"] {
        stack.table.link(&stack.shop, &device(name), &anna, stack.now()).await.unwrap();
    }
    fold(&stack, &anna).await;
    let both = json!({"visitor_id": "anna", "anonymous_id": "tablet", "limit": 6});
    let elsewhere = stack.post("server", "/v1/recommendations/home", both).await.ok();
    assert_eq!(met(&elsewhere.body), met(&first.body));
    is_identical(&stack, &elsewhere).await;
}

#[tokio::test]
async fn a_decision_from_before_draws_were_noted_is_read_and_made_again_under_its_own_id() {
    let stack = Stack::start().await;
    begin(&stack, experiment("e", everything(), json!({}))).await;
    let answer = home(&stack, "phone").await;
    let sealer = sealer(&stack);
    let id = answer.body["decision_id"].as_str().unwrap();
    let (key, drawn) = open_id(&stack.shop, |purpose| sealer.open(purpose, id)).unwrap();
    assert_eq!(drawn.len(), 1);
    let text = stack.table.decision(&stack.shop, &key).await.unwrap().unwrap();
    let mut record: Value = serde_json::from_str(text.get()).unwrap();
    let place = record["ex"][0][1].clone();
    assert_eq!(record["ex"], json!([["e", place, 500_000]]));
    record["ex"] = json!([["e", place]]);
    let old = serde_json::value::to_raw_value(&record).unwrap();
    stack.table.put_decision(&stack.shop, &key, &old).await.unwrap();
    let id = seal_id(&stack.shop, &key, [], |purpose, clear| sealer.seal(purpose, clear)).unwrap();
    let told = stack.get("server", &format!("/v1/decisions/{id}")).await.ok().body;
    let part = json!({"id": "e", "place": place, "propensity": null, "remembered": false});
    assert_eq!(told["experiments"], json!([part]));
    let again = stack.post("server", &format!("/v1/decisions/{id}/replay"), json!({})).await.ok();
    assert_eq!((again.ids(), &again.body["decision_id"]), (answer.ids(), &json!(id)));
}
