//! Experiments: drafts, starting, what must stay, stopping; plans; and who is held out.

use serde_json::json;
use vitrine_domain::Experiment;
use vitrine_domain::experiment::MAX_EXPERIMENTS;

use super::*;

fn draft() -> Value {
    json!({
        "name": "What many want",
        "hypothesis": "New visitors have no taste yet.",
        "design": {"kind": "variants", "variants": [
            {"id": "control"},
            {"id": "trending", "changes": [
                {"kind": "strategy", "placement": "home", "strategy": "trending"},
                {"kind": "rule", "rule": {"id": "sale", "when": {"from": "2026-11-27T00:00:00Z"},
                    "effect": {"kind": "boost", "filter": "discount > 0.1", "factor": 2.0}}},
            ]},
        ]},
        "audience": "segments in [\"new-visitors\"]",
        "traffic": 0.5,
        "metrics": {"primary": "conversion", "guardrails": [{"metric": "return_rate", "margin": 0.1}]},
    })
}

fn with(change: Value) -> Value {
    let mut body = draft();
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn an_experiment_is_drafted_started_and_stopped_and_never_started_again() {
    let stack = Stack::start().await;
    let path = "/v1/experiments/trending-first";
    assert_eq!(stack.get(path).await.problem(), (404, "not-found"));
    let made = stack.put(path, None, &draft()).await;
    assert_eq!((made.status, made.header("etag")), (StatusCode::OK, "\"1\""), "{}", made.body);
    assert_eq!((&made.body["status"], &made.body["started"]), (&json!("draft"), &Value::Null));
    assert_eq!(made.body["cells"], json!([{"id": "control", "weight": 0.5}, {"id": "trending", "weight": 0.5}]));
    let rule = made.body.pointer("/design/variants/1/changes/1/rule/when/from");
    assert_eq!(rule, Some(&json!("2026-11-27T00:00:00.000Z")));

    // What was read can be sent back as it is, with a change.
    let mut read = stack.get(path).await.body;
    assert_eq!(read["audience"], "segments in [\"new-visitors\"]");
    read["status"] = json!("running");
    stack.context.clock.advance(std::time::Duration::from_secs(60));
    let running = stack.put(path, None, &read).await;
    assert_eq!(running.body["started"], "2026-11-22T14:41:00.000Z", "{}", running.body);
    let mut grown = running.body.clone();
    grown["traffic"] = json!(0.9);
    let grown = stack.put(path, None, &grown).await;
    assert_eq!((grown.status, &grown.body["started"]), (StatusCode::OK, &running.body["started"]));
    for (name, value, at) in [
        ("traffic", json!(0.4), "/traffic"),
        ("audience", Value::Null, "/audience"),
        ("status", json!("draft"), "/status"),
        ("metrics", json!({"primary": "order_value"}), "/metrics"),
        ("seed", json!("other"), "/seed"),
    ] {
        let mut other = grown.body.clone();
        other[name] = value;
        let refused = stack.put(path, None, &other).await;
        assert_eq!((refused.problem(), places(&refused)), ((422, "invalid-experiment"), vec![at]));
    }
    let stored = stack.context.table.settings::<Experiment>(&shop("demo"), "experiment").await.unwrap().remove(0);
    assert_eq!((stored.value.traffic, stored.version, stored.author.is_some()), (0.9, 3, true));

    assert_eq!(stack.delete(path, None).await.problem(), (422, "experiment-runs"));
    let undo = format!("{path}/undo");
    let undone = stack.post(&undo, &Value::Null).await;
    assert_eq!((undone.problem(), places(&undone)), ((422, "cannot-undo"), vec!["/traffic"]));
    for revision in ["0", "1"] {
        let undone = stack.post(&format!("{undo}?revision={revision}"), &Value::Null).await;
        assert_eq!(undone.problem(), (422, "cannot-undo"), "an experiment that runs does not become a draft");
        assert!(places(&undone).contains(&"/status"), "{}", undone.body);
    }
    let mut over = grown.body.clone();
    over["status"] = json!("stopped");
    let over = stack.put(path, None, &over).await;
    assert_eq!((&over.body["status"], &over.body["stopped"]), (&json!("stopped"), &json!("2026-11-22T14:41:00.000Z")));
    let mut again = over.body.clone();
    again["status"] = json!("running");
    assert_eq!(places(&stack.put(path, None, &again).await), ["/status"]);
    assert_eq!(stack.delete(path, Some("\"4\"")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stack.get("/v1/experiments").await.body, json!({"experiments": []}));
}

#[tokio::test]
async fn an_experiment_that_has_begun_is_not_begun_again_after_it_was_removed() {
    let stack = Stack::start().await;
    let (path, undo) = ("/v1/experiments/trending-first", "/v1/experiments/trending-first/undo");
    for (version, status) in ["draft", "running", "stopped"].into_iter().enumerate() {
        let put = stack.put(path, None, &with(json!({"status": status, "version": version}))).await;
        assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    }
    assert_eq!(stack.delete(path, None).await.status, StatusCode::NO_CONTENT);
    // Revisions: none, draft, running, stopped, removed.
    let running = format!("{undo}?revision=2");
    let refused = async |what: &str| {
        let answer = stack.post(&running, &Value::Null).await;
        assert_eq!((answer.problem(), places(&answer)), ((422, "cannot-undo"), vec!["/status"]), "{what}");
    };
    refused("removed").await;
    // Neither by way of its draft.
    assert_eq!(stack.post(&format!("{undo}?revision=1"), &Value::Null).await.body["value"]["status"], "draft");
    refused("a draft again").await;
    let begun = (422, "experiment-has-begun");
    assert_eq!(stack.put(path, None, &with(json!({"status": "running", "version": 1}))).await.problem(), begun);
    assert_eq!(stack.put(path, None, &with(json!({"name": "Only a name", "version": 1}))).await.status, StatusCode::OK);
    assert_eq!(stack.delete(path, None).await.status, StatusCode::NO_CONTENT);
    for status in ["draft", "running"] {
        assert_eq!(stack.put(path, None, &with(json!({"status": status, "seed": "x"}))).await.problem(), begun);
    }
    // What is over may be had back to be read.
    let back = stack.post(&format!("{undo}?revision=3"), &Value::Null).await;
    assert_eq!((back.status, &back.body["value"]["status"]), (StatusCode::OK, &json!("stopped")), "{}", back.body);
    // An id of which there was never more than a draft is free.
    stack.put("/v1/experiments/drafted", None, &draft()).await;
    stack.delete("/v1/experiments/drafted", None).await;
    let anew = stack.put("/v1/experiments/drafted", None, &with(json!({"status": "running"}))).await;
    assert_eq!(anew.status, StatusCode::OK, "{}", anew.body);
}

#[tokio::test]
async fn what_is_no_experiment_is_said_with_its_places() {
    let stack = Stack::start().await;
    for (id, change, expected) in [
        ("a", json!({"status": "stopped"}), vec!["/status"]),
        ("a", json!({"traffic": 0.0, "alpha": 2.0}), vec!["/traffic", "/alpha"]),
        ("a", json!({"audience": "orders >"}), vec!["/audience"]),
        ("a", json!({"audience": "orders_999d > 1"}), vec!["/audience"]),
        ("a", json!({"id": "other"}), vec!["/id"]),
        ("a", json!({"design": {"kind": "variants", "variants": [{"id": "a"}]}}), vec!["/design/variants"]),
        (
            "a",
            json!({"design": {"kind": "variants", "variants": [{"id": "a"}, {"id": "b", "changes": [
                {"kind": "rule", "rule": {"id": "r", "when": {"until": "soon"}, "effect": {"kind": "hide", "filter": "price > 1"}}}
            ]}]}}),
            vec!["/design", "/design"],
        ),
        ("a", json!({"design": {"kind": "magic"}}), vec!["/design"]),
        ("a", json!({"hypothesis": "x".repeat(100_000)}), vec!["", "/hypothesis"]),
        ("a", json!({"bandit": {"floor": 0.9}}), vec!["/bandit/floor"]),
    ] {
        let answer = stack.put(&format!("/v1/experiments/{id}"), None, &with(change.clone())).await;
        assert_eq!((answer.problem(), places(&answer)), ((422, "invalid-experiment"), expected), "{change}");
    }
    assert_eq!(stack.get("/v1/experiments").await.body, json!({"experiments": []}));
}

#[tokio::test]
async fn experiments_that_meet_in_one_visitor_are_told_and_there_are_only_so_many() {
    let stack = Stack::start().await;
    stack.put("/v1/experiments/a", None, &draft()).await;
    let second = stack.put("/v1/experiments/b", None, &draft()).await.body;
    assert_eq!(second["overlaps"][0]["with"], "a", "{second}");
    let slice = |from: f64, to: f64| with(json!({"exclusive": {"group": "home", "from": from, "to": to}}));
    stack.put("/v1/experiments/a", Some("\"1\""), &slice(0.0, 0.5)).await;
    let apart = stack.put("/v1/experiments/b", Some("\"1\""), &slice(0.5, 1.0)).await.body;
    assert_eq!(apart["overlaps"], json!([]));
    let all = stack.get("/v1/experiments").await.body;
    assert_eq!(all["experiments"].as_array().unwrap().len(), 2);

    let stored = stack.context.table.settings::<Experiment>(&shop("demo"), "experiment").await.unwrap().remove(0).value;
    for n in 2..MAX_EXPERIMENTS {
        let id = format!("e{n}");
        stack.context.table.put_setting(&shop("demo"), "experiment", &id, &stored, 0).await.unwrap();
    }
    assert_eq!(stack.put("/v1/experiments/more", None, &draft()).await.problem(), (422, "too-many"));
}

#[tokio::test]
async fn a_plan_says_how_long_it_takes() {
    let stack = Stack::start().await;
    let question = |change: Value| {
        let mut body = json!({"kind": "proportion", "baseline": 0.03, "effect": 0.1, "visitors_per_day": 2000});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    let ask = |change: Value| {
        let (stack, body) = (&stack, question(change));
        async move { stack.post("/v1/experiments/plan", &body).await }
    };
    let once = ask(json!({"any_time": false})).await.body;
    // n = (1.96 + 0.8416)² (p q + p' q') / (p' - p)²
    assert_eq!((&once["per_variant"], &once["days"]), (&json!(53_208), &json!(54)), "{once}");
    assert_eq!(once.get("detectable"), None);
    let always = ask(json!({"days": 54})).await.body;
    assert!(always["visitors"].as_u64() > once["visitors"].as_u64(), "looking at any time costs visitors");
    assert!(always["detectable"].as_f64().unwrap() > 0.1, "{always}");
    for (change, at) in [
        (json!({"baseline": 3}), "/baseline"),
        (json!({"effect": 0}), "/effect"),
        (json!({"traffic": 2}), "/traffic"),
        (json!({"days": 0}), "/days"),
    ] {
        let answer = ask(change).await;
        assert_eq!((answer.problem(), places(&answer)), ((422, "invalid-plan"), vec![at]));
    }
}

#[tokio::test]
async fn who_is_held_out_is_a_setting_like_others() {
    let stack = Stack::start().await;
    let path = "/v1/settings/hold-out";
    let first = stack.get(path).await;
    assert_eq!(
        (first.header("etag"), &first.body),
        ("\"0\"", &json!({"share": 0.0, "seed": "hold-out", "personalization": false, "version": 0}))
    );
    let set = stack.put(path, Some("\"0\""), &json!({"share": 0.05})).await;
    let began = NOW.to_rfc3339();
    let expected = json!({"share": 0.05, "seed": "hold-out", "personalization": false, "since": began, "version": 1});
    assert_eq!(set.setting(), expected);
    assert_eq!(stack.get(path).await.body, set.body);
    assert_eq!(stack.put(path, None, &json!({"share": 0.1})).await.problem(), (428, "precondition-required"));
    let without = stack.put(path, Some("\"1\""), &json!({"share": 0.05, "personalization": true})).await;
    assert_eq!((&without.body["personalization"], &without.body["version"]), (&json!(true), &json!(2)));
    // What is read can be sent back, and begins anew only if others are held out, or of other things.
    stack.context.clock.advance(std::time::Duration::from_secs(60));
    let same = stack.put(path, None, &without.body).await;
    assert_eq!((&same.body["since"], &same.body["version"]), (&json!(began), &json!(3)));
    let larger = stack.put(path, Some("\"3\""), &json!({"share": 0.06, "personalization": true})).await;
    assert_eq!(larger.body["since"], json!(NOW.plus(60_000).to_rfc3339()));
    let wrong = stack.put(path, Some("\"4\""), &json!({"share": 0.9, "seed": ""})).await;
    assert_eq!((wrong.problem(), places(&wrong)), ((422, "invalid-hold-out"), vec!["/share", "/seed"]));
}
