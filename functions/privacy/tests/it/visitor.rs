//! `GET /v1/visitors/{id}`.

use http::StatusCode;
use serde_json::{Value, json};
use vitrine_domain::{Action, Event, Profile};

use crate::support::{NOW, Stack, device, event, user};

fn views(answer: &Value) -> &Value {
    &answer["profile"]["state"]["counts"]["view"]
}

#[tokio::test]
async fn the_answer_as_clients_see_it() {
    let stack = Stack::start().await;
    let (anna, phone) = (user("anna"), device("phone"));
    stack.table().link(&stack.shop, &phone, &anna, NOW.plus(-3_600_000)).await.unwrap();
    let folded = [event(&anna, 90, Action::Order), event(&phone, 80, Action::View)];
    stack.put(&folded).await;
    stack.save(&anna, &folded).await;
    stack.put(&[event(&anna, 5, Action::Add)]).await;
    insta::assert_json_snapshot!(stack.visitor("u:anna").await);
}

#[tokio::test]
async fn only_a_server_key_of_the_shop_sees_anything() {
    let stack = Stack::start().await;
    stack.put(&[event(&user("anna"), 1, Action::View)]).await;
    for (key, expected) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("unknown"), StatusCode::UNAUTHORIZED),
        (Some("browser"), StatusCode::FORBIDDEN),
        (Some("other-server"), StatusCode::NOT_FOUND),
        (Some("server"), StatusCode::OK),
    ] {
        let (status, body) = stack.get("/v1/visitors/u:anna", key).await;
        assert_eq!(status, expected, "{key:?}");
        if status != StatusCode::OK {
            assert_eq!(body["status"], expected.as_u16());
            assert!(body["request_id"].is_string(), "{body}");
        }
    }
    let (status, body) = stack.get("/v1/visitors/u:nobody", Some("server")).await;
    assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("not-found")));
    let (status, body) = stack.get("/v1/visitors/u:", Some("server")).await;
    assert_eq!((status, &body["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid-identifier")));
}

#[tokio::test]
async fn a_bare_identifier_is_a_user_before_it_is_a_device() {
    let stack = Stack::start().await;
    stack.put(&[event(&user("both"), 1, Action::View), event(&device("both"), 1, Action::View)]).await;
    stack.put(&[event(&device("one/two #3"), 1, Action::View)]).await;
    assert_eq!(stack.visitor("both").await["visitor"], "u:both");
    assert_eq!(stack.visitor("a:both").await["visitor"], "a:both");
    assert_eq!(stack.visitor("one%2Ftwo%20%233").await["visitor"], "a:one/two #3");
}

#[tokio::test]
async fn newer_events_are_applied_and_late_ones_are_counted() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let folded: Vec<Event> = [50, 40, 30].map(|minutes| event(&phone, minutes, Action::View)).into();
    stack.put(&folded).await;
    let first = stack.visitor("a:phone").await;
    assert_eq!((views(&first), &first["profile"]["version"]), (&json!(3), &json!(0)), "nothing was folded yet");
    assert_eq!(first["built_from"]["folded"], Value::Null);

    let stored = stack.save(&phone, &folded).await;
    let same = stack.visitor("a:phone").await;
    let version = same["profile"]["version"].as_u64().unwrap();
    assert_eq!(same["profile"], serde_json::to_value(Profile { version, ..stored }).unwrap());
    assert_eq!(same["built_from"]["up_to_date"], true);
    assert_eq!(same["built_from"]["unfolded_events"], 0);

    stack.put(&[event(&phone, 20, Action::View), event(&phone, 10, Action::View)]).await;
    let newer = stack.visitor("a:phone").await;
    assert_eq!(views(&newer), 5);
    assert_eq!(newer["built_from"]["events"], 5);
    assert_eq!(newer["built_from"]["applied_now"], 2);
    assert_eq!(newer["affinities"]["category"][0]["name"], "Tea", "the catalogue speaks where the event is silent");

    stack.put(&[event(&phone, 45, Action::View)]).await;
    let late = stack.visitor("a:phone").await;
    assert_eq!(views(&late), 5, "the late one waits for the fold");
    assert_eq!(late["built_from"]["unfolded_events"], 3);
    assert_eq!(late["built_from"]["applied_now"], 2);
    assert_eq!(late["built_from"]["up_to_date"], false);
}

#[tokio::test]
async fn a_user_has_of_each_device_what_is_theirs() {
    let stack = Stack::start().await;
    let (anna, bert, tablet) = (user("anna"), user("bert"), device("tablet"));
    stack.table().link(&stack.shop, &tablet, &anna, NOW.plus(-100 * 60_000)).await.unwrap();
    stack.table().link(&stack.shop, &tablet, &bert, NOW.plus(-50 * 60_000)).await.unwrap();
    // Before Anna's log-in; between hers and Bert's, twice; after his.
    stack.put(&[120, 90, 70, 20].map(|minutes| event(&tablet, minutes, Action::View))).await;
    assert_eq!(views(&stack.visitor("u:anna").await), 1);
    assert_eq!(views(&stack.visitor("u:bert").await), 3);
    let tablet = stack.visitor("a:tablet").await;
    assert_eq!(views(&tablet), 4);
    assert_eq!(tablet["links"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_device_linked_after_the_fold_makes_the_profile_stale() {
    let stack = Stack::start().await;
    let (anna, phone) = (user("anna"), device("phone"));
    let own = [event(&anna, 30, Action::View)];
    stack.put(&own).await;
    stack.save(&anna, &own).await;
    stack.table().link(&stack.shop, &phone, &anna, NOW).await.unwrap();
    stack.put(&[event(&phone, 60, Action::View)]).await;
    let answer = stack.visitor("u:anna").await;
    assert_eq!((views(&answer), &answer["built_from"]["up_to_date"]), (&json!(1), &json!(false)));
    assert_eq!(answer["links"][0]["visitor"], "a:phone");
}

#[tokio::test]
async fn a_profile_far_behind_is_answered_as_it_is() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let folded = [event(&phone, 5_000, Action::View)];
    stack.put(&folded).await;
    stack.save(&phone, &folded).await;
    let events: Vec<Event> = (0..300).map(|minutes| event(&phone, minutes, Action::View)).collect();
    stack.table().import_events(&stack.shop, &events).await.unwrap();
    let answer = stack.visitor("a:phone").await;
    assert_eq!((views(&answer), &answer["built_from"]["applied_now"]), (&json!(1), &json!(0)));
    assert!(answer["built_from"]["unfolded_events"].as_u64().unwrap() >= 250);
    assert_eq!(answer["built_from"]["up_to_date"], false);
}

#[test]
fn the_document_lists_the_route() {
    let document = serde_json::to_value(vitrine_privacy::openapi()).unwrap();
    let route = &document["paths"]["/v1/visitors/{id}"]["get"];
    assert_eq!(route["tags"], json!(["privacy"]));
    let answers: Vec<&String> = route["responses"].as_object().unwrap().keys().collect();
    assert_eq!(answers, ["200", "401", "403", "404", "422", "503"]);
}
