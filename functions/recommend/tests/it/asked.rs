//! What can be asked, and what is refused.

use serde_json::{Value, json};
use vitrine_domain::{Action, Placement, Strategy};

use crate::support::{Answer, Stack, device};

#[tokio::test]
async fn the_answer_says_what_it_is_and_where_the_time_went() {
    let stack = Stack::start().await;
    stack.does(&device("anna"), Action::View, 6).await;
    let answer = stack.recommend("home", json!({"anonymous_id": "anna", "limit": 3})).await;
    let members: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["basis", "cursor", "decision_id", "fallback", "items", "model", "placement", "rules"]);
    let item: Vec<&String> = answer.body["items"][0].as_object().unwrap().keys().collect();
    assert_eq!(item, ["position", "product", "product_id", "propensity", "reasons", "score"]);
    assert_eq!((&answer.body["basis"], &answer.body["items"][0]["propensity"]), (&json!("history"), &json!(1.0)));
    let timing = answer.header("server-timing");
    for stage in ["read", "filter", "query", "search", "order", "reasons", "render", "log", "total"] {
        assert!(timing.contains(&format!("{stage};dur=")), "{timing}");
    }
    let server = stack.post("server", "/v1/recommendations/home", json!({"anonymous_id": "anna"})).await.ok();
    assert_eq!(server.body["idle_rules"], json!([]));
}

#[tokio::test]
async fn reasons_are_told_in_the_language_and_to_the_reader_that_is_asked_for() {
    let stack = Stack::start().await;
    stack.does(&device("anna"), Action::View, 6).await;
    let text = |answer: &Answer| answer.body["items"][0]["reasons"][0]["text"].as_str().unwrap().to_owned();
    let ask = |more: Value| {
        let mut question = json!({"anonymous_id": "anna"});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stack.post("server", "/v1/recommendations/home", question)
    };
    let english = text(&ask(json!({})).await.ok());
    let french = text(&ask(json!({"language": "fr"})).await.ok());
    let told = text(&ask(json!({"audience": "merchandiser"})).await.ok());
    assert_ne!(english, french);
    assert!(told.starts_with(&english) && told.contains('%'), "{told}");
    let request = http::Request::builder().uri("/v1/recommendations/home?anonymous_id=anna");
    let request = request.header("authorization", "Bearer browser").header("accept-language", "fr-CA,fr;q=0.8");
    let accepted = stack.send(&stack.router, request.body(axum::body::Body::empty()).unwrap()).await.ok();
    assert_eq!(text(&accepted), french);
    let address = "/v1/recommendations/home?anonymous_id=anna&audience=merchandiser";
    assert_eq!(stack.get("browser", address).await.problem(), (403, "key-not-sufficient", ""));
    assert_eq!(ask(json!({"language": "de"})).await.problem(), (422, "invalid-language", "language"));
    assert_eq!(ask(json!({"audience": "me"})).await.problem(), (422, "invalid-audience", "audience"));
}

#[tokio::test]
async fn a_history_in_the_body_is_used_and_nothing_is_read_or_stored_of_anybody() {
    let stack = Stack::start().await;
    stack.recommend("home", json!({})).await;
    stack.proxy.seen();
    let view =
        |number: usize| json!({"product_id": format!("p{number:02}"), "action": "view", "timestamp": stack.now().0});
    let answer = stack.recommend("recently-viewed", json!({"history": [view(6), view(12)]})).await;
    assert_eq!((answer.ids(), &answer.body["decision_id"]), (vec!["p12".to_owned(), "p06".to_owned()], &Value::Null));
    let page = json!({"history": [view(6)], "placements": [{"placement": "home"}, {"placement": "recently-viewed"}]});
    let page = stack.post("browser", "/v1/recommendations", page).await.ok();
    assert_eq!(page.body["placements"][0]["basis"], "history");
    let seen = stack.proxy.seen();
    assert!(!seen.iter().any(|(operation, body)| operation.starts_with("Put") || body.contains("#V#")), "{seen:?}");
    // The next page goes on without anybody, too.
    let cursor = stack.recommend("feed", json!({"history": [view(6)], "limit": 5})).await;
    let next = json!({"history": [view(6)], "limit": 5, "cursor": cursor.body["cursor"]});
    let next = stack.recommend("feed", next).await;
    assert!(next.ids().iter().all(|id| !cursor.ids().contains(id)));

    let refused =
        stack.post("browser", "/v1/recommendations/home", json!({"history": [view(1)], "anonymous_id": "a"})).await;
    assert_eq!(refused.problem(), (422, "history-and-visitor", "/history"));
    let wrong = json!({"history": [view(1), {"product_id": "p01", "action": "sing", "timestamp": 1}, {"product_id": "p01", "action": "view", "timestamp": "soon"}]});
    let refused = stack.post("browser", "/v1/recommendations/home", wrong).await;
    assert_eq!(refused.problem(), (422, "invalid-history", "/history/1/action"));
    assert_eq!(refused.body["errors"][1]["pointer"], "/history/2/timestamp");
    let many: Vec<Value> = (0..201).map(|_| view(1)).collect();
    let refused = stack.post("browser", "/v1/recommendations/home", json!({"history": many})).await;
    assert_eq!(refused.problem(), (422, "history-too-long", "/history"));
}

#[tokio::test]
async fn rules_act_within_a_second_and_speak_of_the_visitor_and_of_the_category() {
    let stack = Stack::start().await;
    let anna = device("anna");
    stack.does(&anna, Action::Order, 6).await;
    stack.recommend("category", json!({"anonymous_id": "anna"})).await;
    stack.set_rule(json!({"id": "loyal", "when": {"visitor": "orders > 0"}, "effect": {"kind": "pin", "product": "p47", "slot": 1}})).await;
    stack.set_rule(json!({"id": "aisle", "when": {"categories": ["Aisle 3"]}, "effect": {"kind": "hide", "filter": "brand = \"Brand 1\""}})).await;
    stack
        .set_rule(json!({"id": "lost", "effect": {"kind": "boost", "filter": "flavour = \"mint\"", "factor": 2.0}}))
        .await;
    stack.later(1_000);
    let answer = stack.recommend("category", json!({"anonymous_id": "anna"})).await;
    assert_eq!(answer.ids()[0], "p47");
    assert!(answer.body["rules"].as_array().unwrap().contains(&json!("loyal")), "{}", answer.body);
    assert_eq!(answer.body.get("idle_rules"), None);
    let nobody =
        stack.post("server", "/v1/recommendations/category", json!({"category": "Aisle 3", "limit": 100})).await;
    assert!(!nobody.body["rules"].as_array().unwrap().contains(&json!("loyal")));
    assert_eq!(nobody.body["idle_rules"], json!(["lost"]));
    let brands = nobody.body["items"].as_array().unwrap();
    assert!(brands.iter().all(|item| item["product"]["brand"] != "Brand 1"));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_place() {
    let stack = Stack::start().await;
    for (question, expected) in [
        (json!({"limit": 0}), (422, "invalid-limit", "limit")),
        (json!({"category": ""}), (422, "invalid-category", "category")),
        (json!({"basket": ["p01", ""]}), (422, "invalid-identifier", "basket/1")),
        (json!({"filter": "price <"}), (422, "invalid-filter", "filter")),
        (json!({"filter": "flavour = \"mint\""}), (422, "invalid-filter", "filter")),
        (json!({"cursor": "none"}), (422, "invalid-cursor", "cursor")),
        (json!({"visitor_id": "anna"}), (404, "not-found", "")),
    ] {
        let answer = stack.post("browser", "/v1/recommendations/home", question.clone()).await;
        assert_eq!(answer.problem(), expected, "{question}");
    }
    let mut own = Placement::new("own", Strategy::Personal, 5);
    own.filter = Some(vitrine_domain::Filter::parse("flavour = \"mint\"").unwrap());
    stack.set_placement(&own).await;
    stack.later(1_000);
    let answer = stack.post("browser", "/v1/recommendations/own", json!({"filter": "price > 1"})).await;
    assert_eq!(answer.problem(), (422, "invalid-filter", "placement"));
    assert_eq!(stack.get("browser", "/v1/recommendations/nowhere").await.problem(), (404, "not-found", "placement"));
}
