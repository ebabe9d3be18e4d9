//! A vector server searches in place of the model's own index: the double, or a stock one where `QDRANT_URL` is set and nothing
//! has to go wrong. Whatever it does, nobody is shown anything else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use serde_json::{Value, json};
use vitrine_domain::{Action, Exploration, Placement, Product, ProductId, Strategy};
use vitrine_http::{App, layers};
use vitrine_index::testing::Double;
use vitrine_index::{Remote, RemoteSettings};
use vitrine_runtime::VectorServer;

use crate::support::{ARTIFACTS, Answer, PRODUCTS, Stack, device, is_identical, product};

/// Names that no other test or run uses.
fn server(url: String, api_key: Option<&str>) -> VectorServer {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let prefix = format!("vitrine-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    VectorServer { url, api_key: api_key.map(str::to_owned), prefix, visitors: 0 }
}

/// The stock server, or a double.
#[allow(clippy::disallowed_methods, reason = "which server to test against is no configuration of the product")]
async fn any() -> VectorServer {
    match std::env::var("QDRANT_URL") {
        Ok(url) => server(url, std::env::var("QDRANT_API_KEY").ok().as_deref()),
        Err(_) => server(Double::default().serve().await.unwrap(), None),
    }
}

/// A stack with a model that a double carries, somebody who has looked at something, and the same without a server.
async fn doubled() -> (Double, String, Stack, Router) {
    let double = Double::default();
    let mut stack = Stack::start().await;
    let names = server(double.serve().await.unwrap(), None);
    let collection = names.collection(&stack.shop, "v1");
    let embedded = stack.asking(names, &[("v1", &ARTIFACTS[0])]).await;
    stack.does(&device("anna"), Action::View, 6).await;
    stack.later(1_000);
    (double, collection, stack, layers::surround(vitrine_recommend::router(App::new(embedded))))
}

fn word(answer: &Answer) -> &str {
    answer.body["degraded"].as_str().unwrap_or_default()
}

/// What is shown, and why, without what names the decision.
fn shown(answer: &Answer) -> Value {
    json!([answer.body["items"], answer.body["basis"], answer.body["rules"], answer.body["model"]])
}

/// The same asked of a function without a server.
async fn by(stack: &Stack, router: &Router, placement: &str, question: &Value) -> Answer {
    let request = axum::http::Request::builder()
        .method("POST")
        .uri(format!("/v1/recommendations/{placement}"))
        .header("authorization", "Bearer browser");
    stack.send(router, request.body(question.to_string().into()).unwrap()).await.ok()
}

async fn home(stack: &Stack) -> Answer {
    stack.recommend("home", json!({"anonymous_id": "anna"})).await
}

#[tokio::test]
async fn answers_are_those_of_the_models_own_index_and_can_be_made_again_without_the_server() {
    let mut stack = Stack::start().await;
    let names = any().await;
    let settings = RemoteSettings { api_key: names.api_key.clone(), ..RemoteSettings::at(&names.url) };
    let (remote, collection) = (Remote::new(settings).unwrap(), names.collection(&stack.shop, "v1"));
    let embedded = stack.asking(names, &[("v1", &ARTIFACTS[0])]).await;
    let alone = layers::surround(vitrine_recommend::router(App::new(embedded)));
    let anna = device("anna");
    for number in [6, 12, 13] {
        stack.does(&anna, Action::View, number).await;
    }
    // Some are other products now, sold out, or new.
    let dear = Product { price: Some(900.0), category: vec!["All".into(), "Aisle 2".into()], ..product(3, " dear") };
    let gone = Product { availability: vitrine_domain::Availability::OutOfStock, ..product(4, "") };
    let new = Product { id: ProductId::new("new").unwrap(), ..product(9, " new") };
    stack.sell(&[dear, gone, new]).await;
    let rule = json!({"id": "up", "effect": {"kind": "boost", "filter": "brand = \"Brand 2\"", "factor": 3.0}});
    stack.set_rule(rule).await;
    stack.set_rule(json!({"id": "not", "effect": {"kind": "hide", "filter": "id = \"p10\""}})).await;
    let chance = Placement {
        exploration: Exploration::Share { share: 0.3 },
        per_category: 2,
        diversity: 0.3,
        filter: Some(vitrine_domain::Filter::parse("price > 2").unwrap()),
        ..Placement::new("chance", Strategy::Personal, 8)
    };
    stack.set_placement(&chance).await;
    stack.later(1_000);
    let filters = [
        "category = \"Aisle 2\"",
        "category in [\"Aisle 1\", \"Aisle 3\"] and price < 30",
        "brand != \"Brand 1\" and not (price >= 10 and price <= 20)",
        "price > 100",
        "id in [\"p02\", \"p03\", \"new\", \"nothing\"]",
        "title < \"Article 3\" or brand = \"Brand 4\"",
        "title < \"Article 3\" and brand = \"Brand 4\"",
        "not (brand is missing)",
        "brand = \"Nobody\"",
    ];
    let mut answers = Vec::new();
    let questions = filters.iter().map(|filter| ("feed", json!({"anonymous_id": "anna", "filter": filter})));
    let more = [
        ("home", json!({"anonymous_id": "anna"})),
        ("home", json!({})),
        ("product-similar", json!({"product_id": "p05"})),
        ("category", json!({"anonymous_id": "anna", "category": "Aisle 3", "limit": 48})),
    ];
    for (placement, question) in questions.chain(more) {
        let answer = stack.recommend(placement, question.clone()).await;
        assert_eq!(word(&answer), "", "{question}");
        let same = by(&stack, &alone, placement, &question).await;
        assert_eq!(shown(&answer), shown(&same), "{question}");
        answers.push(answer);
    }
    // Page after page; chance is drawn anew in each decision, so only the candidates are the same.
    let mut cursor = Value::Null;
    for _ in 0..4 {
        let answer = stack.recommend("chance", json!({"anonymous_id": "anna", "cursor": cursor})).await;
        assert_eq!((word(&answer), answer.ids().len()), ("", 8));
        cursor = answer.body["cursor"].clone();
        answers.push(answer);
    }
    let page = json!({"anonymous_id": "anna", "placements": [{"placement": "home"}, {"placement": "feed"}]});
    let page = stack.post("browser", "/v1/recommendations", page).await.ok();
    assert!(page.body["placements"].as_array().unwrap().iter().all(|list| list.get("degraded").is_none()));
    for answer in &answers {
        is_identical(&stack, answer).await;
    }
    // The server loses everything, and a function that asks none makes the decisions again.
    remote.remove(&collection).await.unwrap();
    stack.router = alone;
    for answer in &answers {
        is_identical(&stack, answer).await;
    }
}

#[tokio::test]
async fn a_server_that_is_gone_or_has_another_key_is_done_without_and_that_is_told() {
    let keyed = Double::with_key("open sesame");
    let url = keyed.serve().await.unwrap();
    let nowhere = "http://127.0.0.1:9".to_owned();
    for (url, key) in [(nowhere, None), (url.clone(), None), (url, Some("wrong"))] {
        let mut stack = Stack::start().await.patient();
        stack.does(&device("anna"), Action::View, 6).await;
        stack.later(1_000);
        let expected = home(&stack).await;
        stack.asking(server(url, key), &[]).await;
        let answer = home(&stack).await;
        assert_eq!((word(&answer), shown(&answer)), ("index", shown(&expected)));
        is_identical(&stack, &answer).await;
        // What is not searched by vectors needs no server.
        let answer = stack.recommend("trending", json!({"anonymous_id": "anna"})).await;
        assert_eq!(word(&answer), "");
    }
}

#[tokio::test]
async fn a_server_that_passes_by_once_is_asked_again_within_the_request() {
    let (double, _, stack, _) = doubled().await;
    home(&stack).await;
    double.unavailable.store(1, Ordering::SeqCst);
    assert_eq!(word(&home(&stack).await), "");
}

#[tokio::test]
async fn a_silent_server_is_waited_for_until_the_deadline_and_then_left_alone_for_a_while() {
    let (double, _, mut stack, alone) = doubled().await;
    let expected = by(&stack, &alone, "home", &json!({"anonymous_id": "anna"})).await;
    stack.context.deadlines.index = Duration::from_millis(60);
    stack.router = stack.restarted();
    double.silent.store(usize::MAX, Ordering::SeqCst);
    stack.recommend("trending", json!({})).await;
    for _ in 0..5 {
        let began = Instant::now();
        let answer = home(&stack).await;
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
        assert_eq!((word(&answer), shown(&answer)), ("index", shown(&expected)));
    }
    let before = double.calls.load(Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(word(&home(&stack).await), "index");
    }
    assert_eq!(double.calls.load(Ordering::SeqCst), before, "nobody asks");
    // It answers again, and after the pause somebody notices.
    double.silent.store(0, Ordering::SeqCst);
    assert_eq!(word(&home(&stack).await), "index");
    stack.later(10_000);
    let mut words = Vec::new();
    for _ in 0..20 {
        words.push(word(&home(&stack).await).to_owned());
        stack.later(10_000);
    }
    assert!(words.contains(&String::new()), "{words:?}");
}

#[tokio::test]
async fn a_page_waits_for_a_silent_server_once() {
    let (double, _, stack, _) = doubled().await;
    home(&stack).await;
    double.silent.store(usize::MAX, Ordering::SeqCst);
    let before = double.searches.load(Ordering::SeqCst);
    let page = json!({"anonymous_id": "anna", "placements": [{"placement": "home"}, {"placement": "feed"}, {"placement": "category"}]});
    let page = stack.post("browser", "/v1/recommendations", page).await.ok();
    let lists = page.body["placements"].as_array().unwrap();
    assert!(lists.iter().all(|list| list["degraded"] == "index"), "{lists:?}");
    // Two tries, each of which the client may repeat on a fresh connection.
    assert!(double.searches.load(Ordering::SeqCst) - before <= 4);
}

#[tokio::test]
async fn a_collection_that_is_missing_or_not_whole_is_not_asked_until_it_was_looked_at_again() {
    let (double, collection, mut stack, alone) = doubled().await;
    let expected = by(&stack, &alone, "home", &json!({"anonymous_id": "anna"})).await;
    let searches = double.searches.load(Ordering::SeqCst);
    double.lose(&collection, 7);
    for _ in 0..7 {
        let answer = home(&stack).await;
        assert_eq!((word(&answer), shown(&answer)), ("index", shown(&expected)));
    }
    assert_eq!(double.searches.load(Ordering::SeqCst), searches, "only counted");
    double.drop_collection(&collection);
    stack.later(10_000);
    assert_eq!(word(&home(&stack).await), "index");
    let server = stack.context.config.vectors.clone().unwrap();
    let router = stack.router.clone();
    stack.asking(server, &[("v1", &ARTIFACTS[0])]).await;
    stack.router = router;
    assert_eq!(word(&home(&stack).await), "index", "nobody has looked yet");
    stack.later(10_000);
    assert_eq!(word(&home(&stack).await), "");
    assert_eq!(double.points(&collection), PRODUCTS);
}

#[tokio::test]
async fn a_version_is_asked_for_by_its_name_wherever_the_alias_points() {
    let (double, first, mut stack, alone) = doubled().await;
    let server = stack.context.config.vectors.clone().unwrap();
    let remote = Remote::new(RemoteSettings::at(&server.url)).unwrap();
    let (alias, second) = (server.alias(&stack.shop), server.collection(&stack.shop, "v2"));
    stack.asking(server, &[("v2", &ARTIFACTS[1])]).await;
    for collection in [&first, &second] {
        remote.switch(&alias, collection).await.unwrap();
        let answer = home(&stack).await;
        let same = by(&stack, &alone, "home", &json!({"anonymous_id": "anna"})).await;
        assert_eq!((word(&answer), shown(&answer)), ("", shown(&same)));
    }
    // The next page of a feed stays with the version that it began with.
    let feed = stack.recommend("feed", json!({"anonymous_id": "anna", "limit": 5})).await;
    stack.publish("v2", &ARTIFACTS[1]).await;
    stack.later(1_000);
    let answer = home(&stack).await;
    assert_eq!((word(&answer), &answer.body["model"]), ("", &json!("v2")));
    let next = json!({"anonymous_id": "anna", "limit": 5, "cursor": feed.body["cursor"]});
    let next = stack.recommend("feed", next).await;
    assert_eq!((word(&next), &next.body["model"]), ("", &json!("v1")));
    // A version that was published without the server is shown without it.
    double.drop_collection(&second);
    stack.router = stack.restarted();
    let answer = home(&stack).await;
    assert_eq!((word(&answer), &answer.body["model"]), ("index", &json!("v2")));
    is_identical(&stack, &next).await;
}
