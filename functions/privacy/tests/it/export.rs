//! `GET /v1/visitors/{id}/export`.

use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use vitrine_domain::time::DAY;
use vitrine_domain::{Action, Millis, Visitor};
use vitrine_store::decisions::DecisionKey;
use vitrine_store::lake::Kind;

use crate::support::{NOW, Stack, device, event, user};

async fn shown(stack: &Stack, visitor: &Visitor, minutes_ago: i64, document: &str) {
    let time = NOW.plus(-minutes_ago * 60_000);
    let key = DecisionKey { visitor: Some(visitor.clone()), time, nonce: "abc".to_owned() };
    let document = RawValue::from_string(document.to_owned()).unwrap();
    stack.table().put_decision(&stack.shop, &key, &document).await.unwrap();
}

#[tokio::test]
async fn everything_that_is_held_comes_in_one_answer() {
    let stack = Stack::start().await;
    let (anna, phone) = (user("anna"), device("her phone"));
    stack.table().link(&stack.shop, &phone, &anna, NOW.plus(-3_600_000)).await.unwrap();
    let events = [event(&anna, 5, Action::Order), event(&phone, 80, Action::View)];
    stack.put(&events).await;
    stack.save(&anna, &events).await;
    shown(&stack, &anna, 0, r#"{"i":["tea"]}"#).await;
    shown(&stack, &phone, 1, r#"{"i":["pot"]}"#).await;
    let (status, export) = stack.get("/v1/visitors/anna/export", Some("server")).await;
    assert_eq!(status, StatusCode::OK, "{export}");
    assert_eq!(export["held"]["profile"]["state"]["counts"], json!({"order": 1, "view": 1}));
    assert_eq!(export["events"], json!([events[0]]));
    assert_eq!(export["decisions"][0]["stored"], json!({"i": ["tea"]}));
    assert_eq!(export["devices"][0]["events"], json!([events[1]]));
    assert_eq!(export["devices"][0]["decisions"][0]["stored"], json!({"i": ["pot"]}));
    assert!(export["decisions"][0]["decision_id"].as_str().is_some_and(|id| id.len() > 40), "{export}");
    assert_eq!(export["reasons"], json!(["/v1/visitors/u:anna/decisions", "/v1/visitors/a:her%20phone/decisions"]));
    assert_eq!((&export["next"], &export["refused"]), (&Value::Null, &Value::Null));
    for (key, expected) in [("browser", StatusCode::FORBIDDEN), ("other-server", StatusCode::NOT_FOUND)] {
        assert_eq!(stack.get("/v1/visitors/anna/export", Some(key)).await.0, expected);
    }
}

#[tokio::test]
async fn more_than_an_answer_carries_comes_in_several_and_nothing_is_missing_or_doubled() {
    let stack = Stack::start().await;
    let (anna, phone) = (user("anna"), device("phone"));
    stack.table().link(&stack.shop, &phone, &anna, NOW.plus(-9_000 * 60_000)).await.unwrap();
    let large = |visitor: &Visitor, count: i64| {
        let one = |n: i64| {
            let mut event = event(visitor, n + 1, Action::View);
            event.properties.insert("text".to_owned(), "x".repeat(7_000).into());
            event
        };
        (0..count).map(one).collect::<Vec<_>>()
    };
    for (visitor, count) in [(&anna, 700), (&phone, 400)] {
        for some in large(visitor, count).chunks(50) {
            stack.table().import_events(&stack.shop, some).await.unwrap();
        }
        for minutes in 0..3 {
            shown(&stack, visitor, minutes, r#"{"i":["tea"]}"#).await;
        }
    }
    let (mut after, mut answers) = (String::new(), Vec::new());
    loop {
        let (status, export) = stack.get(&format!("/v1/visitors/u:anna/export{after}"), Some("server")).await;
        assert_eq!(status, StatusCode::OK, "{export}");
        assert!(export.to_string().len() < 6_000_000, "the gateway carries no more");
        let next = export["next"].as_str().map(|next| format!("?after={next}"));
        answers.push(export);
        let Some(next) = next else { break };
        after = next;
    }
    assert!((2..6).contains(&answers.len()), "{}", answers.len());
    let of = |pointer: &str| -> Vec<&Value> {
        answers.iter().filter_map(|answer| answer.pointer(pointer)?.as_array()).flatten().collect()
    };
    for (pointer, count) in
        [("/events", 700), ("/decisions", 3), ("/devices/0/events", 400), ("/devices/0/decisions", 3)]
    {
        let all = of(pointer);
        let distinct: std::collections::BTreeSet<String> = all.iter().map(|one| one.to_string()).collect();
        assert_eq!((all.len(), distinct.len()), (count, count), "{pointer}");
    }
    let (status, problem) = stack.get("/v1/visitors/u:anna/export?after=x", Some("server")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid-page")), "{problem}");
}

#[tokio::test]
async fn of_a_shared_device_only_what_is_theirs_is_told_and_the_rest_is_counted() {
    let stack = Stack::start().await;
    let (anna, bert, tablet) = (user("anna"), user("bert"), device("tablet"));
    for (whose, minutes) in [(&anna, 60), (&bert, 30)] {
        stack.table().link(&stack.shop, &tablet, whose, NOW.plus(-minutes * 60_000)).await.unwrap();
    }
    let (hers, his) = (event(&tablet, 70, Action::View), event(&tablet, 40, Action::Order));
    stack.put(&[hers.clone(), his, event(&anna, 5, Action::View)]).await;
    for (minutes, document) in [(65, r#"{"i":["hers"]}"#), (10, r#"{"i":["his"]}"#)] {
        shown(&stack, &tablet, minutes, document).await;
    }
    let (_, export) = stack.get("/v1/visitors/u:anna/export", Some("server")).await;
    let of_tablet = &export["devices"][0];
    assert_eq!((&of_tablet["events"], &of_tablet["of_others"]), (&json!([hers]), &json!(2)), "{of_tablet}");
    assert_eq!(of_tablet["decisions"].as_array().unwrap().len(), 1);
    assert_eq!(of_tablet["decisions"][0]["stored"], json!({"i": ["hers"]}));
}

#[tokio::test]
async fn a_refusal_is_told_as_long_as_anything_is_held() {
    let stack = Stack::start().await;
    let phone = device("phone");
    stack.refuse(&phone, NOW.plus(-1_000)).await;
    stack.put(&[event(&phone, 0, Action::View)]).await;
    let (_, export) = stack.get("/v1/visitors/a:phone/export", Some("server")).await;
    assert_eq!(export["refused"], json!(Millis(NOW.0 - 1_000).to_rfc3339()), "{export}");
}

/// A decision of so many days ago as the archive writes it.
fn archived(visitor: &Visitor, days_ago: i64, nonce: &str, item: &str) -> String {
    json!({"v": visitor, "t": NOW.0 - days_ago * DAY, "nonce": nonce, "i": [item]}).to_string()
}

async fn write(stack: &Stack, days_ago: i64, name: &str, lines: &[String]) {
    let day = NOW.plus(-days_ago * DAY).day();
    stack.objects().write_lake(&stack.shop, Kind::Decisions, &day, name, lines).await.unwrap();
}

#[tokio::test]
async fn decisions_that_only_the_archive_still_has_are_told_once_and_first() {
    let stack = Stack::start().await;
    let (anna, bert, tablet) = (user("anna"), user("bert"), device("tablet"));
    for (whose, days) in [(&anna, 190), (&bert, 150)] {
        stack.table().link(&stack.shop, &tablet, whose, NOW.plus(-days * DAY)).await.unwrap();
    }
    stack.put(&[event(&anna, 5, Action::View)]).await;
    shown(&stack, &anna, 1, r#"{"i":["new"]}"#).await;
    let hers = archived(&anna, 200, "h", "hers");
    // Goes on with a list of hers.
    let names_her = json!({"v": bert, "t": NOW.0 - 200 * DAY, "nonce": "b", "a": {"v": anna}}).to_string();
    write(&stack, 200, "1", &[hers.clone(), names_her, archived(&tablet, 200, "t", "on the tablet")]).await;
    write(&stack, 200, "2", &[hers]).await;
    write(&stack, 100, "1", &[archived(&tablet, 100, "u", "his")]).await;
    // What is over and not deleted yet.
    let over = stack.retention() / DAY + 1;
    for day in [over, over - 2] {
        write(&stack, day, "1", &[archived(&anna, over, "o", "over")]).await;
    }
    // Made just before midnight and archived after it; then what the table has too.
    write(&stack, 89, "1", &[archived(&anna, 90, "l", "late"), archived(&anna, 89, "n", "not yet")]).await;
    let (status, export) = stack.get("/v1/visitors/u:anna/export", Some("server")).await;
    assert_eq!(status, StatusCode::OK, "{export}");
    let items = |decisions: &Value| -> Vec<Value> {
        decisions.as_array().unwrap().iter().map(|decision| decision["stored"]["i"][0].clone()).collect()
    };
    assert_eq!(items(&export["decisions"]), ["hers", "late", "new"], "{export}");
    let of_tablet = &export["devices"][0];
    assert_eq!((items(&of_tablet["decisions"]), &of_tablet["of_others"]), (vec![json!("on the tablet")], &json!(1)));
    assert_eq!((&export["next"], export["events"].as_array().unwrap().len()), (&Value::Null, 1));
    // His says that he went on with a list, and not with whose.
    let (_, export) = stack.get("/v1/visitors/u:bert/export", Some("server")).await;
    let his = &export["decisions"][0]["stored"];
    assert_eq!((&his["nonce"], &his["a"]), (&json!("b"), &json!({})), "{export}");
    assert!(!export.to_string().contains("anna"), "{export}");
}

#[tokio::test]
async fn many_decisions_of_the_archive_come_in_several_answers_and_nothing_is_missing_or_doubled() {
    let stack = Stack::start().await;
    let anna = user("anna");
    stack.put(&[event(&anna, 5, Action::View)]).await;
    let long = "x".repeat(9_000);
    for days in [120, 110, 100] {
        let line = |n: i64| archived(&anna, days, &format!("{days}n{n}"), &long);
        write(&stack, days, "1", &(0..300).map(line).collect::<Vec<_>>()).await;
    }
    let (mut after, mut answers, mut nonces) = (String::new(), 0, Vec::new());
    loop {
        let (status, export) = stack.get(&format!("/v1/visitors/u:anna/export{after}"), Some("server")).await;
        assert_eq!(status, StatusCode::OK, "{export}");
        assert!(export.to_string().len() < 6_000_000, "the gateway carries no more");
        answers += 1;
        let decisions = export["decisions"].as_array().unwrap();
        nonces.extend(decisions.iter().map(|decision| decision["stored"]["nonce"].as_str().unwrap().to_owned()));
        let Some(next) = export["next"].as_str() else { break };
        after = format!("?after={next}");
    }
    let expected = [120, 110, 100].iter().flat_map(|days| (0..300).map(move |n| format!("{days}n{n}")));
    assert_eq!(nonces, expected.collect::<Vec<_>>());
    assert_eq!(answers, 3, "8.1 MB, 3.5 of them an answer");
}
