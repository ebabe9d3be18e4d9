//! Segments: those every shop starts with, its own, and how large one would be.

use serde_json::json;
use vitrine_domain::segment::{MAX_SEGMENTS, Segment, shipped};
use vitrine_domain::{State, Visitor};
use vitrine_store::census::{Counting, Seen};

use super::*;

fn ids(answer: &Answer) -> Vec<&str> {
    let all = answer.body["segments"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
    all.iter().map(|segment| segment["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_shop_starts_with_definitions_that_it_changes_removes_and_takes_back() {
    let stack = Stack::start().await;
    let first = stack.get("/v1/segments").await;
    let mut expected: Vec<String> = shipped().into_iter().map(|segment| segment.id).collect();
    expected.sort();
    assert_eq!(ids(&first), expected);
    assert_eq!((&first.body["visitors"], &first.body["segments"][0]["shipped"]), (&Value::Null, &json!(true)));
    assert!(first.body["features"].as_array().unwrap().iter().any(|feature| feature["name"] == "brand_share"));
    let windows = first.body["windows"].as_array().unwrap();
    let of = |name: &str| windows.iter().find(|window| window["name"] == name).map(|window| window["type"].clone());
    assert_eq!((of("orders"), of("ordered_category")), (Some(json!("number")), Some(json!("text"))));
    let path = "/v1/segments/deal-hunters";
    let mut read = stack.get(path).await;
    assert_eq!((read.header("etag"), &read.body["author"]), ("\"0\"", &Value::Null));

    // What was read can be sent back as it is, with a change.
    read.body["filter"] = json!("coupons >= 1 or hunts = true");
    let changed = stack.put(path, None, &read.body).await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"1\""), "{}", changed.body);
    assert_eq!((&changed.body["fields"], &changed.body["shipped"]), (&json!(["hunts"]), &json!(false)));
    assert_eq!(stack.put(path, None, &json!({"filter": "orders > 0"})).await.problem(), (428, "precondition-required"));
    let own = stack.get(path).await;
    assert!(own.body["author"].is_string() && own.body["written"].is_string(), "{}", own.body);
    assert_eq!((ids(&stack.get("/v1/segments").await).len(), own.header("etag")), (expected.len(), "\"1\""));

    assert_eq!(stack.delete(path, Some("\"7\"")).await.problem(), (412, "precondition-failed"));
    assert_eq!(stack.delete(path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stack.get(path).await.problem(), (404, "not-found"));
    assert_eq!(stack.delete(path, None).await.problem(), (404, "not-found"));
    assert_eq!(ids(&stack.get("/v1/segments").await).len(), expected.len() - 1);
    let undo = format!("{path}/undo");
    assert_eq!(stack.post(&undo, &Value::Null).await.body["value"]["filter"], "coupons >= 1 or hunts = true");
    assert_eq!(stack.post(&format!("{undo}?revision=0"), &Value::Null).await.body["value"], Value::Null);
    assert_eq!(stack.get(path).await.body["shipped"], true);
}

#[tokio::test]
async fn a_shop_has_segments_of_its_own_and_only_so_many() {
    let stack = Stack::start().await;
    let vip = json!({"name": "VIP", "description": "Those we know.", "filter": {"and": [
        {"attribute": "loyalty", "op": "=", "value": "gold"},
        {"not": {"or": [{"attribute": "orders_30d", "op": ">", "value": 3}, {"attribute": "region", "op": "in", "value": ["FR"]}]}},
    ]}});
    let made = stack.put("/v1/segments/vip", None, &vip).await.body;
    assert_eq!(made["filter"], "loyalty = \"gold\" and not (orders_30d > 3 or region in [\"FR\"])");
    assert_eq!(stack.get("/v1/segments/vip").await.body["fields"], json!(["loyalty"]));
    let theirs = stack.call("other-server", Method::GET, "/v1/segments/vip", None, None).await;
    assert_eq!(theirs.problem(), (404, "not-found"));
    assert_eq!(stack.delete("/v1/segments/vip", Some("\"1\"")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stack.get("/v1/segments/vip").await.problem(), (404, "not-found"));

    let segment: Segment = serde_json::from_value(json!({"id": "s", "filter": "orders > 0"})).unwrap();
    for n in 0..MAX_SEGMENTS - shipped().len() {
        let segment = Segment { id: format!("s{n}"), ..segment.clone() };
        stack.context.table.put_setting(&shop("demo"), "segment", &segment.id, &segment, 0).await.unwrap();
    }
    assert_eq!(stack.put("/v1/segments/more", None, &vip).await.problem(), (422, "too-many"));
    assert_eq!(stack.put("/v1/segments/s7", Some("\"1\""), &vip).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_segment_is_said_with_its_place() {
    let stack = Stack::start().await;
    for (id, body, expected) in [
        ("a", json!({"filter": "orders >"}), vec!["/filter"]),
        ("a", json!({"filter": "orders_500d > 1"}), vec!["/filter"]),
        ("a", json!({"filter": "orders = 1 and device > 5"}), vec!["/filter/and/1"]),
        ("a", json!({"filter": "price < context.price"}), vec!["/filter"]),
        ("-a", json!({"filter": "orders > 1", "id": "b"}), vec!["/id", "/id"]),
        ("a", json!({"filter": "orders > 1", "name": "x".repeat(201)}), vec!["/name"]),
    ] {
        let answer = stack.put(&format!("/v1/segments/{id}"), None, &body).await;
        assert_eq!((answer.problem(), places(&answer)), ((422, "invalid-segment"), expected), "{body}");
    }
    assert_eq!(stack.put("/v1/segments/a", None, &json!({})).await.problem(), (422, "unexpected-shape"));
    let reserved = stack.put("/v1/segments/size", None, &json!({"filter": "orders > 1"})).await;
    assert_eq!(reserved.problem(), (405, "method-not-allowed"), "an address of its own");
}

/// A census of a shop as the sweep takes it, of visitors of whom each third has ordered.
async fn count(stack: &Stack, visitors: u64) {
    let mut counting = Counting::default();
    for n in 0..visitors {
        let visitor = Visitor::anonymous(format!("device-{n}")).unwrap();
        let mut state = State { visits: 1, ..State::default() };
        if n % 3 == 0 {
            state.counts.insert(vitrine_domain::Action::Order, 2);
        }
        let of = ["buyers".to_owned()];
        counting.add(&visitor, &state, None, of.iter().filter(|_| n % 3 == 0)).unwrap();
    }
    stack.context.objects.put_census(&shop("demo"), NOW, Seen::default(), counting).await.unwrap();
}

#[tokio::test]
async fn a_size_is_exact_of_few_and_an_interval_of_many() {
    let stack = Stack::start().await;
    let ask = |filter: &'static str| {
        let stack = &stack;
        async move { stack.post("/v1/segments/size", &json!({ "filter": filter })).await }
    };
    assert_eq!(ask("orders > 1").await.problem(), (409, "no-sample"));
    assert_eq!(ask("orders >").await.problem(), (422, "invalid-segment"));
    count(&stack, 300).await;
    let few = ask("orders > 1").await.body;
    assert_eq!(
        few,
        json!({"share": 100.0 / 300.0, "visitors": 100, "low": 100, "high": 100, "sample": 300, "of": 300,
            "counted": "2026-11-22T14:40:00.000Z"})
    );
    assert_eq!(ask("orders > 5").await.body["visitors"], 0);
    count(&stack, 9_000).await;
    let many = ask("orders > 1").await.body;
    let number = |name: &str| many[name].as_u64().unwrap();
    assert_eq!((number("sample"), number("of")), (1_000, 9_000));
    assert!((number("low")..=number("high")).contains(&3_000) && number("low") < number("high"), "{many}");
    // Of those that are saved the sweep counts every one.
    stack.put("/v1/segments/buyers", None, &json!({"filter": "orders > 1"})).await;
    let all = stack.get("/v1/segments").await.body;
    let buyers = all["segments"].as_array().unwrap().iter().find(|segment| segment["id"] == "buyers").unwrap();
    assert_eq!((&buyers["members"], &all["visitors"]), (&json!(3_000), &json!(9_000)));
}

#[tokio::test]
async fn groups_that_nobody_defined_are_told_and_one_becomes_a_segment() {
    use vitrine_domain::clusters::{Clusters, FEATURES, Member};

    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/segments/unknown").await.problem(), (409, "no-results"));
    let orders = FEATURES.iter().position(|name| *name == "orders").unwrap();
    let member = |n: usize| {
        let mut member = Member { numbers: vec![1.0; FEATURES.len()], ..Member::default() };
        (member.numbers[orders], member.revenue) = if n.is_multiple_of(4) { (9.0, 90.0) } else { (0.0, 0.0) };
        member.margin = Some(if n.is_multiple_of(4) { -1.0 } else { 1.0 });
        member
    };
    let found = Clusters::find(&(0..400).map(member).collect::<Vec<_>>(), None, NOW);
    stack.context.objects.put_clusters(&shop("demo"), &found).await.unwrap();
    let told = stack.get("/v1/segments/unknown").await.body;
    assert_eq!((&told["visitors"], &told["stability"][0]["groups"]), (&json!(400), &json!(2)));
    let first = &told["groups"][0];
    assert_eq!((&first["share"], &first["revenue_share"]), (&json!(0.25), &json!(1.0)));
    assert_eq!((&first["name"], &first["name_fr"]), (&json!("order often"), &json!("commandent souvent")));
    assert_eq!((&first["precision"], &first["recall"]), (&json!(1.0), &json!(1.0)));
    // Ranked by what is left when goods are paid, the others come first.
    let by = async |sort: &str| stack.get(&format!("/v1/segments/unknown?sort={sort}")).await;
    let margin = by("margin").await.body;
    assert_eq!((&margin["groups"][1], &margin["groups"][0]["share"]), (first, &json!(0.75)));
    assert_eq!((&first["margin_share"], &first["margin_each"]), (&json!(-0.5), &json!(-1.0)));
    assert_eq!(by("growth").await.body["groups"].as_array().unwrap().len(), 2);
    assert_eq!(by("profit").await.problem(), (400, "invalid-parameters"));
    // Where no number of groups is stable the most stable one is told, and is not said to be.
    assert_eq!(told["stable"], true);
    stack.context.objects.put_clusters(&shop("demo"), &Clusters { stable: false, ..found }).await.unwrap();
    let doubtful = stack.get("/v1/segments/unknown").await.body;
    assert_eq!((&doubtful["stable"], &doubtful["groups"]), (&json!(false), &told["groups"]));
    let saved = stack.put("/v1/segments/often", None, &json!({"name": first["name"], "filter": first["filter"]})).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let put = stack.put("/v1/segments/unknown", None, &json!({"filter": "orders > 1"})).await;
    assert_eq!(put.problem(), (405, "method-not-allowed"), "an address of its own");
}

#[tokio::test]
async fn look_alikes_are_told_by_size_and_become_a_segment() {
    use vitrine_domain::alike::{Code, Crowd};
    use vitrine_store::results::Audiences;

    let stack = Stack::start().await;
    let path = "/v1/segments/deal-hunters/look-alikes";
    assert_eq!(stack.get(path).await.problem(), (409, "no-results"));
    assert_eq!(stack.get("/v1/segments/nobody/look-alikes").await.problem(), (404, "not-found"));
    // Half of everybody looks one way; half of these are in the segment.
    let code = |n: i16| Code::from(&[if n % 2 == 0 { 1.0 } else { -1.0 }, f32::from(n) / 1_000.0][..]);
    let crowd: Crowd = (0..200).map(code).collect();
    let found = crowd.look_alikes(&(0..200).map(|n| n % 4 == 0).collect::<Vec<_>>()).unwrap();
    let segments = [("deal-hunters".to_owned(), found)].into();
    let all = Audiences { at: NOW, visitors: 200, segments, ..Audiences::default() };
    stack.context.objects.put_audiences(&shop("demo"), &all).await.unwrap();
    let told = stack.get(path).await.body;
    assert_eq!((&told["visitors"], &told["members"]), (&json!(200), &json!(50)));
    let sizes = told["sizes"].as_array().unwrap();
    let visitors: Vec<u64> = sizes.iter().map(|size| size["visitors"].as_u64().unwrap()).collect();
    assert_eq!(visitors, [2, 4, 10, 20, 40]);
    assert!(sizes.iter().all(|size| size["similarity"].as_f64().unwrap() > 0.98), "{told}");
    assert_eq!(sizes[2]["filter"], r#"alike = "deal-hunters-5""#);
    let saved = stack.put("/v1/segments/like-hunters", None, &json!({"filter": sizes[2]["filter"]})).await;
    assert_eq!((saved.status, &saved.body["fields"]), (StatusCode::OK, &json!([])), "{}", saved.body);
    // Of a segment that no training has seen, nothing is known.
    let none = stack.get("/v1/segments/like-hunters/look-alikes").await.body;
    assert_eq!((&none["members"], &none["sizes"]), (&json!(0), &json!([])));
}
