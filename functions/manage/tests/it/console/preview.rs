//! What a preview asks of the function that recommends.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::Path;
use vitrine_domain::experiment::HoldOut;

use super::*;

/// A function that recommends: it answers nothing, and notes what it is asked.
fn recommending() -> (Router, Arc<Mutex<Vec<Value>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let answer = move |Json(question): Json<Value>| {
        noted.lock().unwrap().push(question);
        let nothing = json!({"items": []});
        // A rule of this name asks for something that no product has.
        let idle = json!({"items": [], "idle_rules": ["odd"]});
        async move { Json(json!({"before": nothing, "after": idle, "moved": []})) }
    };
    (Router::new().route("/v1/recommendations/{placement}/preview", axum::routing::post(answer)), asked)
}

#[tokio::test]
async fn of_a_product_that_is_not_shown_it_is_told_what_keeps_it_out() {
    // What would bring it back, by the product's id.
    let answer = |Json(question): Json<Value>| async move {
        let item = |id: &str, position: u8| json!({"product_id": id, "position": position, "reasons": []});
        let brought = match (question.get("rules"), question.get("placement")) {
            (Some(rules), None) if *rules == json!([]) => vec![item("hidden", 4)],
            (None, Some(placement)) if placement["filter"].is_null() && placement["bought"] == "allow" => {
                vec![item("filtered", 7), item("hidden", 9)]
            }
            _ => vec![],
        };
        let before = json!({"items": [item("shown", 1)], "rules": ["no-tea", "spring"]});
        Json(json!({"before": before, "after": {"items": brought}, "moved": []}))
    };
    let products = |Path(id): Path<String>| async move { Json(json!({"id": id, "title": id})) };
    let others = Router::new()
        .route("/v1/recommendations/{placement}/preview", axum::routing::post(answer))
        .route("/v1/products/{id}", axum::routing::get(products));
    let (stack, browser) = beside(others).await;
    hire(&stack, "vera", "viewer").await;
    let vera = another(&browser).sign_in("vera").await;
    for (id, told) in [
        ("shown", "It stands in place 1."),
        ("hidden", "without them it would stand in place 4. Here act: no-tea, spring."),
        ("filtered", "otherwise it would stand in place 7."),
        ("lower", "others stand before it"),
    ] {
        let page = vera.get(&format!("/console/products/{id}?at_placement=home")).await.text;
        assert!(page.contains(told), "{id}: {page}");
        assert_eq!(page.contains("not among the first 1"), id != "shown", "{id}: {page}");
    }
}

#[tokio::test]
async fn a_preview_is_asked_for_as_a_storefront_asks_and_of_the_rule_as_it_would_act() {
    let (recommending, asked) = recommending();
    let (stack, browser) = beside(recommending).await;
    stack.put("/v1/settings/hold-out", None, &json!({"share": 0.5, "personalization": true})).await;
    for (name, role) in [("anna", "marketer"), ("vera", "viewer")] {
        hire(&stack, name, role).await;
    }
    let anna = another(&browser).sign_in("anna").await;
    let token = anna.get("/console/rules/new").await.token();
    let preview = async |one: &Browser, path: &str, fields: &[(&str, &str)]| -> Value {
        let page = one.post(path, fields).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        asked.lock().unwrap().pop().unwrap_or_else(|| panic!("{path}: {}", page.text))
    };
    let rule = [
        ("token", &*token),
        ("kind", "pin"),
        ("product", "p"),
        ("slot", "12"),
        ("categories", "Tea\nCoffee"),
        ("from", "2036-01-01T00:00"),
        ("until", "2036-02-01T00:00"),
        ("at_placement", "home"),
    ];
    let of_rule =
        async |more: &[(&str, &str)]| preview(&anna, "/console/rules/preview", &[&rule[..], more].concat()).await;
    let question = of_rule(&[]).await;
    assert_eq!(question["rule"]["enabled"], true);
    assert_eq!(question["rule"]["when"]["categories"], json!(["Tea", "Coffee"]));
    for (object, member) in [
        (&question["rule"]["when"], "from"),
        (&question["rule"]["when"], "until"),
        (&question, "limit"),
        (&question, "history"),
        (&question, "product_id"),
    ] {
        assert_eq!(object.get(member), None, "{member}: {question}");
    }
    assert_eq!(question["category"], "Tea", "elsewhere it would not act");
    let question = of_rule(&[("at_product", "q"), ("at_basket", "a, b,"), ("as_visitor", "a:phone")]).await;
    let page = (&question["product_id"], question.get("category"), &question["basket"]);
    assert_eq!(page, (&json!("q"), None, &json!(["a", "b"])));
    assert_eq!(question["anonymous_id"], "phone");

    // Strangers: each another one, and none of those who are held out.
    let held_out = HoldOut { share: 0.5, ..HoldOut::default() };
    let mut strangers = BTreeSet::new();
    for _ in 0..20 {
        let question = of_rule(&[]).await;
        let id = question["anonymous_id"].as_str().unwrap_or_else(|| panic!("{question}")).to_owned();
        assert!(!held_out.holds(&id), "{id}");
        strangers.insert(id);
    }
    assert_eq!(strangers.len(), 20);

    let placement = [("placement_name", "home"), ("strategy", "trending"), ("limit", "20"), ("as_visitor", "u:x")];
    let of_placement = async |one: &Browser, token: &str| {
        preview(one, "/console/preview/placement", &[&placement[..], &[("token", token)]].concat()).await
    };
    let question = of_placement(&anna, &token).await;
    assert_eq!((&question["placement"]["limit"], question.get("limit")), (&json!(20), None));
    assert_eq!(question["visitor_id"], "x");
    // A viewer looks at it as it is.
    let vera = another(&browser).sign_in("vera").await;
    let page = vera.get("/console/placements/home").await;
    assert!(page.text.contains("Show before and after"), "{}", page.text);
    assert_eq!(of_placement(&vera, &page.token()).await.get("placement"), None);
}

#[tokio::test]
async fn a_rule_for_a_segment_is_shown_to_somebody_who_is_in_it() {
    let (recommending, asked) = recommending();
    let (stack, browser) = beside(recommending).await;
    hire(&stack, "anna", "marketer").await;
    let anna = another(&browser).sign_in("anna").await;
    let token = anna.get("/console/rules/new").await.token();
    let rule = [("token", &*token), ("kind", "hide"), ("filter", "brand = \"Acme\""), ("at_placement", "home")];
    for (more, segments, told) in [
        (&[][..], Value::Null, None),
        (&[("segments", "deal-hunters"), ("segments", "lapsing")], json!(["deal-hunters"]), Some("Deal hunters")),
        (&[("segments", "deal-hunters"), ("in_segment", "lapsing")], json!(["lapsing"]), Some("Lapsing")),
        (&[("segments", "deal-hunters"), ("as_visitor", "a:phone")], Value::Null, None),
        (&[("segments", "given-by-the-till")], json!(["given-by-the-till"]), Some("given-by-the-till")),
    ] {
        let page = anna.post("/console/rules/preview", &[&rule[..], more].concat()).await;
        let question = asked.lock().unwrap().pop().unwrap();
        assert_eq!(question["segments"], segments, "{more:?}");
        let said = page.text.split_once("As somebody in the segment ").map(|(_, rest)| rest.split('.').next().unwrap());
        assert_eq!(said, told, "{more:?}");
    }
}

#[tokio::test]
async fn what_a_form_does_not_offer_stays_in_the_rule_that_is_saved() {
    let (stack, browser) = listening().await;
    let rule = json!({"name": "Old", "effect": {"kind": "hide", "filter": "price > 9"},
        "when": {"segments": ["given-by-the-till"], "placements": ["removed-since"]}});
    stack.put("/v1/rules/old", None, &rule).await;
    hire(&stack, "anna", "marketer").await;
    let anna = browser.sign_in("anna").await;
    let page = anna.get("/console/rules/old").await;
    assert!(page.text.contains("the shop has no segment given-by-the-till"), "{}", page.text);
    // What is checked there is what a browser sends.
    let checked: Vec<(&str, &str)> = ["segments", "placements"]
        .into_iter()
        .flat_map(|name| {
            let inputs = page.text.split("<input").filter(move |input| input.contains(&format!(" name=\"{name}\"")));
            let checked = inputs.filter(|input| input.split('>').next().unwrap().contains(" checked"));
            checked.map(move |input| (name, input.split(" value=\"").nth(1).unwrap().split('"').next().unwrap()))
        })
        .collect();
    assert_eq!(checked, [("segments", "given-by-the-till"), ("placements", "removed-since")]);
    let token = page.token();
    let fields = [("token", &*token), ("title", "New"), ("kind", "hide"), ("filter", "price > 8"), ("version", "1")];
    let saved = anna.post("/console/rules/old", &[&fields[..], &checked].concat()).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let stored = stack.get("/v1/rules/old").await.body;
    assert_eq!((&stored["name"], &stored["when"]["segments"]), (&json!("New"), &json!(["given-by-the-till"])));
    assert_eq!(stored["when"]["placements"], json!(["removed-since"]));
}

#[tokio::test]
async fn a_rule_that_asks_for_what_no_product_has_is_saved_with_a_warning() {
    let (recommending, _) = recommending();
    let (stack, browser) = beside(recommending).await;
    hire(&stack, "anna", "marketer").await;
    let anna = another(&browser).sign_in("anna").await;
    let token = anna.get("/console/rules/new").await.token();
    let rule = [("token", &*token), ("kind", "hide"), ("filter", "barnd = \"Acme\""), ("version", "0")];
    for (title, enabled, leads) in [
        ("Odd", "yes", "/console/rules/odd?said=idle"),
        ("Sound", "yes", "/console/rules?said=saved"),
        ("Draft", "no", "/console/rules?said=saved"),
    ] {
        let saved = anna.post("/console/rules", &[&rule[..], &[("title", title), ("enabled", enabled)]].concat()).await;
        assert_eq!((saved.status, saved.header("location")), (303, leads), "{}", saved.text);
    }
    let page = anna.get("/console/rules/odd?said=idle").await;
    assert!(page.text.contains("asks for something that no product has"), "{}", page.text);
    let preview = anna.post("/console/rules/preview", &[&rule[..], &[("at_placement", "home")]].concat()).await;
    assert!(preview.text.contains("asks for something that no product has"), "{}", preview.text);
}

#[tokio::test]
async fn a_placement_is_looked_at_before_it_is_there() {
    let (recommending, asked) = recommending();
    let (stack, browser) = beside(recommending).await;
    hire(&stack, "anna", "marketer").await;
    let anna = another(&browser).sign_in("anna").await;
    let page = anna.get("/console/placements/new").await;
    assert!(page.text.contains("Show before and after"), "{}", page.text);
    let token = page.token();
    let fields =
        [("token", &*token), ("new", "yes"), ("placement_name", "Été"), ("strategy", "trending"), ("limit", "4")];
    let page = anna.post("/console/preview/placement", &fields).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(asked.lock().unwrap().pop().unwrap()["placement"]["limit"], 4);
    assert!(page.text.contains("name=\"placement_name\" type=\"text\" value=\"Été\""), "{}", page.text);
}
