//! What a visitor was shown, with the reasons of every product.

use http::Method;
use serde_json::{Value, json};
use vitrine_domain::{Action, Visitor};
use vitrine_store::decisions::DecisionKey;

use crate::support::{ARTIFACTS, Stack, device};

fn reasons(list: &Value) -> Vec<Value> {
    list["items"].as_array().unwrap().iter().map(|item| item["reasons"].clone()).collect()
}

#[tokio::test]
async fn every_decision_carries_its_reasons_page_by_page_also_where_nobody_was_told_them() {
    let stack = Stack::start().await.patient();
    let control = json!({"id": "control"});
    stack
        .set(
            "experiment",
            "trial",
            json!({"id": "trial", "status": "running", "metrics": {"primary": "conversion"}, "design": {"kind": "variants",
            "variants": [control, {"id": "other", "changes": [{"kind": "strategy", "placement": "home", "strategy": "trending"}]}]}}),
        )
        .await;
    stack.later(1_100);
    let phone = device("phone");
    for number in [1, 6, 13] {
        stack.does(&phone, Action::View, number).await;
    }
    let mut told = Vec::new();
    for question in [json!({"limit": 5}), json!({"limit": 7, "language": "fr"}), json!({"limit": 6})] {
        let mut question = question;
        question["anonymous_id"] = json!("phone");
        told.push(stack.recommend("home", question).await.body);
        stack.later(700);
    }
    let silent = stack.recommend("home", json!({"anonymous_id": "phone", "audience": "nobody", "limit": 6})).await.body;
    assert!(reasons(&silent).iter().all(|reasons| *reasons == json!([])));
    stack.does(&phone, Action::Order, 30).await;
    stack.publish("v2", &ARTIFACTS[1]).await;
    stack.later(2_000);

    let (mut all, mut before, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = stack.get("server", &format!("/v1/visitors/a:phone/decisions?limit=3{before}")).await.ok().body;
        all.extend(page["decisions"].as_array().unwrap().clone());
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        before = format!("&before={next}");
    }
    assert_eq!((all.len(), pages), (4, 2));
    for (one, answer) in all.iter().skip(1).zip(told.iter().rev()) {
        assert_eq!(one["decision_id"], answer["decision_id"]);
        assert_eq!(one["reasons"], json!(reasons(answer)), "those that were told then");
        assert!(reasons(answer).iter().all(|reasons| !reasons.as_array().unwrap().is_empty()), "{answer}");
        assert_eq!(one["different"], Value::Null);
        assert_eq!(one["variants"], json!([{"experiment": "trial", "variant": answer["experiments"][0]["variant"]}]));
        let ids = |list: &Value| {
            list["items"].as_array().unwrap().iter().map(|i| i["product_id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&one["decision"]), ids(answer));
    }
    // What nobody was told then is what the same list would have told.
    assert_eq!(all[0]["decision_id"], silent["decision_id"]);
    let of_silent = all[0]["reasons"].as_array().unwrap();
    assert!(of_silent.len() == 6 && of_silent.iter().all(|of| of[0]["text"].is_string()), "{}", all[0]);
}

#[tokio::test]
async fn what_cannot_be_made_again_says_so_and_is_told_as_it_is_stored() {
    let stack = Stack::start().await.patient();
    let phone = device("phone");
    stack.does(&phone, Action::View, 3).await;
    stack.recommend("home", json!({"anonymous_id": "phone", "limit": 4})).await;
    let key = DecisionKey { visitor: Some(phone.clone()), time: stack.now().plus(-5_000), nonce: "00".to_owned() };
    let old = serde_json::value::to_raw_value(&json!({"placement": "home", "items": ["p01"]})).unwrap();
    stack.table.put_decision(&stack.shop, &key, &old).await.unwrap();
    let live = stack.table.live_model(&stack.shop).await.unwrap().unwrap();
    stack.publish("v2", &ARTIFACTS[1]).await;
    stack.table.forget_model(&stack.shop, &live.0.version, live.1 + 1).await.unwrap();
    let page = stack.get("server", "/v1/visitors/a:phone/decisions").await.ok().body;
    let [newer, older] = page["decisions"].as_array().unwrap().as_slice() else { panic!("{page}") };
    assert_eq!(newer["decision"]["items"].as_array().unwrap().len(), 4);
    assert!(newer["different"].as_str().unwrap().contains("model v1 is no longer kept"), "{newer}");
    assert_eq!((&older["decision"], &older["stored"]["items"]), (&Value::Null, &json!(["p01"])));
    assert!(older["different"].as_str().unwrap().contains("older version"), "{older}");
    for one in [newer, older] {
        assert_eq!((&one["reasons"], &one["variants"]), (&Value::Null, &Value::Null));
    }
}

#[tokio::test]
async fn only_a_server_key_sees_them_and_pages_are_the_visitors_own() {
    let stack = Stack::start().await.patient();
    let anna = Visitor::known("anna").unwrap();
    stack.does(&anna, Action::View, 3).await;
    let hers = stack.post("server", "/v1/recommendations/home", json!({"visitor_id": "anna"})).await.ok().body;
    let page = async |key: &str, path: &str| stack.call(key, Method::GET, path, None).await;
    assert_eq!(page("browser", "/v1/visitors/u:anna/decisions").await.status, 403);
    let empty = page("server", "/v1/visitors/a:nobody/decisions").await.ok().body;
    assert_eq!(empty, json!({"decisions": [], "next": null}));
    let id = hers["decision_id"].as_str().unwrap();
    for (path, code) in [
        (format!("/v1/visitors/a:nobody/decisions?before={id}"), "invalid-page"),
        ("/v1/visitors/u:anna/decisions?before=x".to_owned(), "invalid-page"),
        ("/v1/visitors/u:anna/decisions?limit=0".to_owned(), "invalid-limit"),
        ("/v1/visitors/u:anna/decisions?limit=51".to_owned(), "invalid-limit"),
        ("/v1/visitors/anna/decisions".to_owned(), "invalid-identifier"),
    ] {
        let answer = page("server", &path).await;
        assert_eq!((answer.status.as_u16(), answer.problem().1), (422, code), "{path}");
    }
    assert!(
        page("server", &format!("/v1/visitors/u:anna/decisions?before={id}")).await.ok().body["decisions"] == json!([])
    );
}
