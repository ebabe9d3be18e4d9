//! What comes in, in every dialect, and what is answered.

use axum::body::Body;
use serde_json::{Value, json};
use vitrine_domain::consent::Purpose;
use vitrine_domain::experiment::Drawn;
use vitrine_domain::{Action, Purposes, Shop};
use vitrine_store::api_keys::KeyKind;
use vitrine_store::decisions::{DecisionKey, seal_id};

use crate::harness::{NOW, Stack, anonymous, basic, gzip, known, other_shop, page, request, shop};

#[tokio::test]
async fn every_address_takes_its_type_and_answers_the_same() {
    let stack = Stack::start().await;
    let mut expected = Vec::new();
    for (name, action) in [
        ("track", Action::View),
        ("identify", Action::Identify),
        ("page", Action::Page),
        ("screen", Action::Screen),
        ("group", Action::Group),
        ("alias", Action::Alias),
    ] {
        for path in [format!("/v1/{name}"), format!("/v1/{}", &name[..1])] {
            let event = json!({"userId": "u", "messageId": path, "event": "Product Viewed", "previousId": "p"});
            let answer = stack.post(&path, &event).await;
            answer.assert_success();
            assert_eq!(answer.header("content-type"), "application/json");
            expected.push((path, action));
        }
    }
    for path in ["/v1/batch", "/v1/import", "/v1/b"] {
        let event = json!({"type": "page", "userId": "u", "messageId": path});
        stack.post(path, &json!({"batch": [event]})).await.assert_success();
        expected.push((path.to_owned(), Action::Page));
    }
    stack.post("/v1/m", &json!({"series": [{"type": "Counter", "metric": "x", "value": 1}]})).await.assert_success();
    let mut stored: Vec<_> =
        stack.events(&known("u")).await.into_iter().map(|e| (e.id.to_string(), e.action)).collect();
    stored.sort();
    expected.sort();
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn no_content_type_is_believed() {
    let stack = Stack::start().await;
    let body = |id: &str| json!({"batch": [page(id, json!({}))]}).to_string();
    for (id, content_type, encoding, body) in [
        ("1", None, None, body("1").into_bytes()),
        ("2", Some("application/json"), None, body("2").into_bytes()),
        ("3", Some("text/plain"), None, body("3").into_bytes()),
        ("4", Some("application/x-www-form-urlencoded"), Some("gzip"), gzip(&body("4"))),
        ("5", Some("application/json; charset=utf-8"), None, gzip(&body("5"))),
        // A gateway inflated it and left the header.
        ("6", Some("application/json"), Some("gzip"), body("6").into_bytes()),
    ] {
        let mut request = request("/v1/batch", "demo", body);
        if let Some(value) = content_type {
            request.headers_mut().insert("content-type", value.parse().unwrap());
        }
        if let Some(value) = encoding {
            request.headers_mut().insert("content-encoding", value.parse().unwrap());
        }
        stack.send(request).await.assert_success();
        assert!(stack.ids(&anonymous("a")).await.contains(&id.to_owned()), "{id}");
    }
}

#[tokio::test]
async fn the_key_comes_in_several_ways() {
    let stack = Stack::start().await;
    let bearer_of_another = "Bearer eyJhbGciOi.not.ours".to_owned();
    for (id, header, query, in_body) in [
        ("1", Some(basic("demo:")), "", None),
        ("2", Some(basic("demo")), "", None),
        ("3", Some("Bearer demo".to_owned()), "", None),
        ("4", Some(bearer_of_another.clone()), "", Some("demo")),
        ("5", None, "", Some("demo")),
        ("6", None, "?writeKey=demo", None),
        ("7", None, "?key=demo", None),
        ("8", Some(basic("demo-secret:")), "", None),
    ] {
        let mut event = page(id, json!({}));
        if let Some(key) = in_body {
            event["writeKey"] = key.into();
        }
        let mut request = http::Request::post(format!("/v1/page{query}"));
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        stack.send(request.body(Body::from(event.to_string())).unwrap()).await.assert_success();
        assert!(stack.ids(&anonymous("a")).await.contains(&id.to_owned()), "{id}");
    }
    let event = page("9", json!({})).to_string();
    for request in [
        http::Request::post("/v1/page").body(Body::from(event.clone())),
        http::Request::post("/v1/page").header("authorization", bearer_of_another).body(Body::from(event.clone())),
        http::Request::post("/v1/page").header("authorization", basic(":")).body(Body::from(event.clone())),
        http::Request::post("/v1/page").header("authorization", basic("Demo:")).body(Body::from(event)),
    ] {
        let answer = stack.send(request.unwrap()).await;
        assert_eq!(answer.code(), (401, "unknown-key".to_owned()));
        assert!(answer.json()["message"].is_string() && answer.header("content-type").contains("problem+json"));
    }
    assert_eq!(stack.ids(&anonymous("a")).await.len(), 8);
}

#[tokio::test]
async fn one_bad_event_does_not_reject_its_batch() {
    let stack = Stack::start().await;
    let answer = stack
        .batch(&[
            page("good-1", json!({})),
            page("x", json!({"anonymousId": null})),
            json!("nothing"),
            page("x", json!({"type": "video"})),
            page("x", json!({"type": "track"})),
            page("x", json!({"anonymousId": "x".repeat(201)})),
            page("x", json!({"name": "x".repeat(40_000)})),
            page("good-2", json!({"messageId": 7})),
            page("x", json!({"type": "alias", "userId": "u"})),
        ])
        .await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(answer.json());
    assert_eq!(stack.ids(&anonymous("a")).await, ["7", "good-1"]);
    stack.batch(&[]).await.assert_success();
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_says_why() {
    let stack = Stack::start().await;
    let bomb = gzip(&" ".repeat(50 << 20));
    let good = page("m", json!({}));
    let broken_gzip = gzip(&good.to_string())[..20].to_vec();
    let mut told = Vec::new();
    for (what, path, body) in [
        ("no JSON", "/v1/batch", b"{\"batch\":[".to_vec()),
        ("an array", "/v1/batch", b"[]".to_vec()),
        ("nothing", "/v1/track", Vec::new()),
        ("broken gzip", "/v1/batch", broken_gzip),
        ("a gzip bomb", "/v1/batch", bomb),
        ("too large", "/v1/batch", vec![b' '; 500 * 1024 + 1]),
        ("too many", "/v1/batch", json!({"batch": vec![good.clone(); 2501]}).to_string().into_bytes()),
        ("only event of nobody", "/v1/page", b"{}".to_vec()),
        ("only event without a name", "/v1/track", b"{\"userId\":1}".to_vec()),
        ("only event too large", "/v1/page", page("m", json!({"name": "x".repeat(40_000)})).to_string().into_bytes()),
    ] {
        let answer = stack.send(request(path, "demo", body)).await;
        let problem = answer.json();
        assert!(answer.status.is_client_error() && problem["detail"] == problem["message"], "{what}: {problem}");
        assert_eq!(problem["request_id"], answer.header("x-request-id"));
        told.push(json!([what, answer.status.as_u16(), problem["code"], problem["message"]]));
    }
    insta::assert_json_snapshot!(told);
    assert!(stack.events(&anonymous("a")).await.is_empty());
}

#[tokio::test]
async fn more_events_than_are_written_at_once() {
    let stack = Stack::start().await;
    let many: Vec<Value> = (0..150).map(|n| page(&format!("{n:03}"), json!({}))).collect();
    stack.batch(&many).await.assert_success();
    let expected: Vec<String> = (0..150).map(|n| format!("{n:03}")).collect();
    assert_eq!(stack.ids(&anonymous("a")).await, expected);
}

#[tokio::test]
async fn what_a_batch_shares_is_merged_into_its_events() {
    let stack = Stack::start().await;
    let sent_at = crate::harness::NOW.plus(-3_600_000).to_rfc3339();
    let body = json!({
        "sentAt": sent_at, "timestamp": "2020-01-01T00:00:00Z", "integrations": {"All": false},
        "context": {"locale": "fr-FR", "library": {"name": "analytics-node"}, "page": {"path": "/shared"}},
        "batch": [
            page("1", json!({"timestamp": sent_at})),
            page("2", json!({"timestamp": sent_at, "context": {"locale": "de-DE", "page": {"path": "/own"}}})),
        ],
    });
    stack.post("/v1/import", &body).await.assert_success();
    let events = stack.events(&anonymous("a")).await;
    let said: Vec<_> = events
        .iter()
        .map(|e| (e.context.locale.as_deref(), e.context.path.as_deref(), e.channel.as_str(), e.skew))
        .collect();
    let hour = 3_600_000;
    assert_eq!(said, [(Some("fr-FR"), Some("/shared"), "server", hour), (Some("de-DE"), Some("/own"), "server", hour)]);
}

#[tokio::test]
async fn two_shops_never_meet() {
    let stack = Stack::start().await;
    let event = page("m", json!({"userId": "u"}));
    stack.send(request("/v1/page", "demo", event.to_string())).await.assert_success();
    let table = &stack.app.context.table;
    for visitor in [known("u"), anonymous("a")] {
        let (events, links) = table.history(&other_shop(), &visitor, vitrine_domain::Millis(0)).await.unwrap();
        assert!(events.is_empty() && links.is_empty());
    }
    // The same event of another shop is another event, and is linked though this process has linked the pair before.
    stack.send(request("/v1/page", "other", event.to_string())).await.assert_success();
    for shop in [shop(), other_shop()] {
        let (events, links) = table.history(&shop, &known("u"), vitrine_domain::Millis(0)).await.unwrap();
        assert_eq!((events.len(), links.len()), (1, 1), "{shop}");
    }
}

#[tokio::test]
async fn the_key_in_the_body_decides_the_shop() {
    let stack = Stack::start().await;
    let event = page("m", json!({"writeKey": "other"}));
    stack.send(request("/v1/page", "demo", event.to_string())).await.assert_success();
    assert!(stack.events(&anonymous("a")).await.is_empty());
}

#[tokio::test]
async fn without_a_signal_the_setting_of_the_shop_decides() {
    let stack = Stack::start().await;
    let table = &stack.app.context.table;
    let first = |id: &str| {
        let visitor = anonymous(id);
        let stack = &stack;
        async move { stack.events(&visitor).await[0].purposes }
    };
    stack.batch(&[page("1", json!({"anonymousId": "before"}))]).await.assert_success();
    assert_eq!(first("before").await, Purposes::ALL);
    // Another setting of the same kind, of a shape of its own, does no harm.
    table.put_setting(&shop(), "shop", "name", &json!("Demo"), 0).await.unwrap();
    table.put_setting(&shop(), "shop", "privacy", &json!({"default_purposes": ["measure"]}), 0).await.unwrap();
    stack.clock.advance(std::time::Duration::from_secs(31));
    let consent = json!({"consent": {"categoryPreferences": {"Personalization": true}}});
    stack
        .batch(&[
            page("1", json!({"anonymousId": "after"})),
            page("1", json!({"anonymousId": "granted", "context": consent})),
        ])
        .await
        .assert_success();
    let measure = Purposes::NONE.with(Purpose::Measure);
    assert_eq!(first("granted").await, measure.with(Purpose::Personalise));
    assert!(stack.events(&anonymous("after")).await.is_empty(), "who may not be personalised for is not kept");
    assert_eq!(stack.counts("page").await, 1, "but counted");
}

#[tokio::test]
async fn a_refusal_erases_binds_what_says_nothing_and_ends_when_it_is_taken_back() {
    let stack = Stack::start().await;
    let said = |granted: bool| json!({"consent": {"categoryPreferences": {"personalise": granted}}});
    let send = async |id: &str, more: Value| {
        let mut event = page(id, json!({"anonymousId": "anna"}));
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stack.batch(&[event]).await.assert_success();
        stack.events(&anonymous("anna")).await.len()
    };
    assert_eq!(send("1", json!({})).await, 1);
    assert_eq!(send("2", json!({"context": said(false)})).await, 0, "what was known goes with the refusal");
    assert_eq!(send("3", json!({})).await, 0, "what says nothing is bound by it");
    assert_eq!(stack.counts("page").await, 2);
    stack.clock.advance(std::time::Duration::from_secs(60));
    let later = crate::harness::NOW.plus(60_000).to_rfc3339();
    assert_eq!(send("4", json!({"context": said(true), "timestamp": later})).await, 1);
    assert_eq!(send("5", json!({"timestamp": later})).await, 2);
    // A late event of before the refusal does not come back.
    assert_eq!(send("6", json!({"timestamp": crate::harness::NOW.plus(-1000).to_rfc3339()})).await, 2);
    let waiting = stack.app.context.table.waiting_erasures(&shop()).await.unwrap();
    assert_eq!(waiting.len(), 1, "the lake follows");
}

/// Of somebody who was never here there is nothing that the refusal could erase, and nothing of the batch may stay.
#[tokio::test]
async fn what_was_said_in_a_batch_binds_the_rest_of_it() {
    for (said, kept) in [
        (&[Some(false), None][..], 0),
        (&[None, Some(false)], 0),
        (&[Some(true), None, Some(false)], 0),
        (&[Some(false), None, Some(true)], 1),
        (&[Some(true), None], 2),
    ] {
        let stack = Stack::start().await;
        let event = |(n, said): (usize, &Option<bool>)| {
            let mut event = page(&n.to_string(), json!({"anonymousId": "anna"}));
            if let Some(said) = said {
                event["context"] = json!({"consent": {"categoryPreferences": {"personalise": said}}});
            }
            event
        };
        let batch: Vec<Value> = said.iter().enumerate().map(event).collect();
        stack.batch(&batch).await.assert_success();
        assert_eq!(stack.events(&anonymous("anna")).await.len(), kept, "{said:?}");
        stack.batch(&[page("later", json!({"anonymousId": "anna"}))]).await.assert_success();
        let refuses = said.iter().rev().find_map(|said| *said) == Some(false);
        assert_eq!(stack.events(&anonymous("anna")).await.len(), if refuses { 0 } else { kept + 1 }, "{said:?}");
    }
}

#[tokio::test]
async fn a_browser_that_asks_not_to_be_tracked_is_counted_and_not_kept() {
    let stack = Stack::start().await;
    let mut request = request("/v1/page", "demo", page("1", json!({"anonymousId": "anna"})).to_string());
    request.headers_mut().insert("sec-gpc", "1".parse().unwrap());
    stack.send(request).await.assert_success();
    stack.batch(&[page("2", json!({"anonymousId": "anna"}))]).await.assert_success();
    assert!(stack.events(&anonymous("anna")).await.is_empty());
    assert_eq!(stack.counts("page").await, 2);
}

#[tokio::test]
async fn nobody_can_refuse_for_a_user_whom_they_only_name() {
    let stack = Stack::start().await;
    let user = vitrine_domain::Visitor::known("anna").unwrap();
    let of = |id: &str, context: Value| {
        page(id, json!({"userId": "anna", "anonymousId": null, "context": context["context"]}))
    };
    stack.batch(&[of("1", json!({}))]).await.assert_success();
    let refusal = json!({"consent": {"google": "G100"}});
    stack.batch(&[of("2", json!({"context": refusal}))]).await.assert_success();
    stack.batch(&[of("3", json!({}))]).await.assert_success();
    assert_eq!(stack.events(&user).await.len(), 2, "the refusing event alone is not kept");
}

#[tokio::test]
async fn a_new_key_works_at_once() {
    let stack = Stack::start().await;
    stack.app.context.table.put_api_key("fresh", &shop(), KeyKind::Browser, crate::harness::NOW).await.unwrap();
    let event = page("m", json!({"writeKey": "fresh"}));
    stack.send(http::Request::post("/v1/p").body(Body::from(event.to_string())).unwrap()).await.assert_success();
}

/// What was drawn for a decision is in its sealed id, and comes from nowhere else.
#[tokio::test]
async fn an_event_that_proves_a_list_seen_is_stored_with_what_was_drawn_for_it() {
    let stack = Stack::start().await;
    let drawn = vec![Drawn { experiment: 7, cell: 2, propensity: 250_000 }];
    let key = DecisionKey { visitor: Some(anonymous("a")), time: NOW, nonce: "f".repeat(16) };
    let sealer = &stack.app.sealer;
    let of = |shop: &Shop| seal_id(shop, &key, drawn.clone(), |purpose, clear| sealer.seal(purpose, clear)).unwrap();
    let event = |id: &str, decision: &str, more: Value| {
        let properties = json!({"decision_id": decision, "list_id": "home", "products": [{"product_id": "p"}],
            "dr": [[1, 1, 1]], "drawn": [[1, 1, 1]]});
        let mut event = json!({"type": "track", "event": "Product List Viewed", "anonymousId": "a", "messageId": id,
            "properties": properties, "dr": [[1, 1, 1]], "drawn": [[1, 1, 1]]});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let refused = json!({"anonymousId": "b", "context": {"consent": {"categoryPreferences": {"experiment": false}}}});
    let answer = stack
        .batch(&[
            event("1", &of(&shop()), json!({})),
            event("2", "made-up", json!({})),
            event("3", &of(&other_shop()), json!({})),
            event("4", &of(&shop()), refused),
        ])
        .await;
    answer.assert_success();
    let stored = [stack.events(&anonymous("a")).await, stack.events(&anonymous("b")).await].concat();
    let of: Vec<_> = stored.iter().map(|event| (event.id.as_str(), event.drawn.as_slice())).collect();
    assert_eq!(of, [("1", drawn.as_slice()), ("2", &[]), ("3", &[]), ("4", &[])]);
    assert!(stored[3].decision_id.is_some() && !stored[3].purposes.allows(Purpose::Experiment));
}
