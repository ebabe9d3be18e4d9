//! A decision made again is the same, whatever happened since.

use serde_json::{Value, json};
use vitrine_domain::{Action, Exploration, Placement, Product, Strategy, Visitor};

use crate::support::{ARTIFACTS, Stack, device, fold, id, is_identical, product};

/// Everything that can change, changes.
async fn changes(stack: &Stack, visitors: &[Visitor]) {
    for visitor in visitors {
        for number in [30, 31, 32] {
            stack.does(visitor, Action::Order, number).await;
        }
        fold(stack, visitor).await;
    }
    let dearer = |number: usize| Product { price: Some(900.0), ..product(number, " dearer") };
    stack
        .sell(&[dearer(6), dearer(12), Product { id: vitrine_domain::ProductId::new("aaa").unwrap(), ..dearer(7) }])
        .await;
    stack.set_rule(json!({"id": "pin", "effect": {"kind": "pin", "product": "p41", "slot": 1}})).await;
    stack.set_placement(&Placement::new("home", Strategy::Trending, 3)).await;
    stack.later(2_000);
    stack.publish("v2", &ARTIFACTS[1]).await;
    stack.later(2_000);
    // Everybody is shown what there is now.
    let now = stack.recommend("home", json!({"anonymous_id": "phone"})).await;
    assert_eq!((now.ids()[0].as_str(), &now.body["model"]), ("p41", &json!("v2")));
}

#[tokio::test]
async fn after_events_prices_rules_trainings_and_folds_the_bytes_are_the_same() {
    let stack = Stack::start().await;
    let (anna, phone, tablet) = (Visitor::known("anna").unwrap(), device("phone"), device("tablet"));
    stack
        .sell(&[
            product(5, " changed"),
            Product { id: vitrine_domain::ProductId::new("new").unwrap(), ..product(9, "") },
        ])
        .await;
    stack
        .set_rule(json!({"id": "up", "effect": {"kind": "boost", "filter": "brand = \"Brand 2\"", "factor": 3.0}}))
        .await;
    stack.set_rule(json!({"id": "likes", "when": {"visitor": "visits > 0"}, "effect": {"kind": "bury", "filter": "category = \"Aisle 1\"", "factor": 3.0}})).await;
    let chance = Placement {
        exploration: Exploration::Softmax { temperature: 0.3 },
        per_category: 2,
        ..Placement::new("chance", Strategy::Personal, 10)
    };
    stack.set_placement(&chance).await;
    for (number, visitor) in [(1, &phone), (6, &phone), (13, &tablet), (12, &anna)] {
        stack.does(visitor, Action::View, number).await;
    }
    for linked in [&phone, &tablet] {
        stack.table.link(&stack.shop, linked, &anna, stack.now()).await.unwrap();
    }
    stack.later(1_000);
    fold(&stack, &phone).await;
    fold(&stack, &anna).await;
    stack.does(&phone, Action::Add, 18).await;

    let mut answers = Vec::new();
    let questions = [
        ("browser", "home", json!({"anonymous_id": "phone"})),
        ("browser", "home", json!({"anonymous_id": "phone", "language": "fr", "limit": 20})),
        ("server", "home", json!({"visitor_id": "anna", "audience": "merchandiser"})),
        ("server", "home", json!({"visitor_id": "anna", "audience": "nobody"})),
        (
            "server",
            "feed",
            json!({"visitor_id": "anna", "anonymous_id": "phone", "filter": {"attribute": "price", "op": "<", "value": 40}}),
        ),
        ("browser", "chance", json!({"anonymous_id": "phone"})),
        ("browser", "product-similar", json!({"product_id": "p05", "basket": ["p07"], "category": "Aisle 5"})),
        ("browser", "basket", json!({"anonymous_id": "tablet", "basket": ["p07", "new", "gone"]})),
        ("browser", "recently-viewed", json!({"anonymous_id": "phone", "filter": "brand != visitor.brand"})),
        ("browser", "trending", json!({})),
    ];
    for (key, placement, question) in questions {
        answers.push(stack.post(key, &format!("/v1/recommendations/{placement}"), question).await.ok());
        stack.later(700);
    }
    let (mut cursor, mut pages) = (Value::Null, 0);
    while pages < 4 {
        let answer = stack.recommend("chance", json!({"anonymous_id": "phone", "limit": 7, "cursor": cursor})).await;
        cursor = answer.body["cursor"].clone();
        answers.push(answer);
        pages += 1;
    }
    for answer in &answers {
        is_identical(&stack, answer).await;
    }
    assert!(
        answers.iter().any(|answer| answer.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|item| item["propensity"] != 1.0))
    );
    changes(&stack, std::slice::from_ref(&phone)).await;
    for answer in &answers {
        is_identical(&stack, answer).await;
    }
}

#[tokio::test]
async fn every_list_of_a_page_is_made_again_with_its_cursor() {
    let stack = Stack::start().await;
    let phone = device("phone");
    stack.does(&phone, Action::View, 6).await;
    let page = json!({"anonymous_id": "phone", "placements": [
        {"placement": "trending", "limit": 4}, {"placement": "home", "limit": 5, "filter": "price > 3"}, {"placement": "feed", "limit": 6},
    ]});
    let page = stack.post("browser", "/v1/recommendations", page).await.ok();
    changes(&stack, &[phone]).await;
    for list in page.body["placements"].as_array().unwrap() {
        let replayed = stack.replay(list).await.ok();
        assert_eq!(replayed.header("vitrine-replay"), "identical");
        // The bytes stand in the page as they are.
        assert!(page.bytes.windows(replayed.bytes.len()).any(|part| part == replayed.bytes));
    }
}

#[tokio::test]
async fn what_is_no_longer_kept_is_said() {
    let stack = Stack::start().await;
    let phone = device("phone");
    stack.does(&phone, Action::View, 6).await;
    let answer = stack.recommend("home", json!({"anonymous_id": "phone"})).await;
    stack.publish("v2", &ARTIFACTS[1]).await;
    std::fs::remove_file(stack.file("shops/demo/models/v1/artifact.vitrine")).unwrap();
    let gone = stack.replay(&answer.body).await;
    assert_eq!(gone.problem(), (410, "no-longer-kept", ""));
    assert!(gone.body["detail"].as_str().unwrap().contains("model v1"), "{}", gone.body);
    let (_, seen) = stack.table.live_model(&stack.shop).await.unwrap().unwrap();
    stack.table.forget_model(&stack.shop, "v1", seen).await.unwrap();
    assert_eq!(stack.replay(&answer.body).await.problem(), (410, "no-longer-kept", ""));
}

#[tokio::test]
async fn a_delta_or_events_that_are_gone_are_said() {
    let stack = Stack::start().await;
    stack.sell(&[product(5, " changed")]).await;
    stack.later(1_000);
    let answer = stack.recommend("home", json!({})).await;
    is_identical(&stack, &answer).await;
    stack.later(1_000);
    stack.table.forget_changes_before(&stack.shop, stack.now()).await.unwrap();
    let gone = stack.replay(&answer.body).await;
    assert!(gone.status == 410 && gone.body["detail"].as_str().unwrap().contains("changes"), "{}", gone.body);
}

#[tokio::test]
async fn late_events_are_told_from_those_that_were_known() {
    let stack = Stack::start().await;
    let phone = device("phone");
    stack.does(&phone, Action::View, 6).await;
    let answer = stack.recommend("recently-viewed", json!({"anonymous_id": "phone"})).await;
    // It happened before and came after.
    let message = vitrine_domain::MessageId::new("late").unwrap();
    let mut late = vitrine_domain::Event::new(message, phone.clone(), stack.now().plus(-5_000), Action::View);
    late.lines = vec![vitrine_domain::Line::of(id(8))];
    stack.later(60_000);
    late.received = stack.now();
    stack.table.put_event(&stack.shop, &late).await.unwrap();
    is_identical(&stack, &answer).await;
    // Of one that claims to have come before it cannot be told, but that something is not as it was can.
    late.id = vitrine_domain::MessageId::new("later").unwrap();
    late.received = stack.now().plus(-62_000);
    stack.table.put_event(&stack.shop, &late).await.unwrap();
    let different = stack.replay(&answer.body).await.ok();
    let why = "different; why=\"the visitor's history is not what it was\"";
    assert_eq!((different.header("vitrine-replay"), different.ids().len()), (why, 2));
}

#[tokio::test]
async fn a_decision_is_read_by_the_shop_and_by_whom_it_was_for() {
    let stack = Stack::start().await;
    let token = vitrine_http::auth::sign_user_token("server", "anna", stack.now().plus(60_000)).unwrap();
    let answer = stack
        .post(
            "server",
            "/v1/recommendations/home",
            json!({"visitor_id": "anna", "category": "Aisle 1", "limit": 2, "filter": "price>3"}),
        )
        .await
        .ok();
    let address = format!("/v1/decisions/{}", answer.body["decision_id"].as_str().unwrap());
    let decision = stack.get("server", &address).await.ok();
    assert_eq!(decision.body["visitor"], "u:anna");
    assert_eq!(
        decision.body["asked"],
        json!({"product_id": null, "category": "Aisle 1", "basket": [], "filter": "price > 3",
        "limit": 2, "offset": 0, "language": "en", "audience": "shopper"})
    );
    assert_eq!(crate::support::ids(&decision.body), answer.ids());
    assert_eq!(decision.body["items"][0]["propensity"], 1.0);
    assert_eq!(stack.get("browser", &address).await.problem(), (404, "not-found", ""));
    let own = http::Request::builder()
        .uri(&address)
        .header("authorization", "Bearer browser")
        .header("x-vitrine-user", &token);
    let own = stack.send(&stack.router, own.body(axum::body::Body::empty()).unwrap()).await.ok();
    assert_eq!(own.body, decision.body);
    assert_eq!(stack.post("browser", &format!("{address}/replay"), json!({})).await.status, 403);
    for other in ["nonsense", &answer.body["decision_id"].as_str().unwrap()[1..]] {
        assert_eq!(stack.get("server", &format!("/v1/decisions/{other}")).await.problem(), (404, "not-found", ""));
    }
}
