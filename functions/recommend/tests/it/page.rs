//! A page in one call.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vitrine_domain::Action;

use crate::support::{Stack, device, ids};

fn lists(page: &Value) -> &[Value] {
    page["placements"].as_array().unwrap()
}

#[tokio::test]
async fn a_page_reads_the_visitor_once_and_shows_nothing_twice() {
    let stack = Stack::start().await;
    stack.does(&device("anna"), Action::View, 6).await;
    stack.recommend("home", json!({"anonymous_id": "anna"})).await;
    stack.proxy.seen();
    let question = json!({"anonymous_id": "anna", "placements": [
        {"placement": "home", "limit": 6}, {"placement": "trending", "limit": 6},
        {"placement": "product-similar", "product_id": "p07", "limit": 6}, {"placement": "feed", "limit": 8},
    ]});
    let page = stack.post("browser", "/v1/recommendations", question).await.ok();
    let seen = stack.proxy.seen();
    let of_visitor = seen.iter().filter(|(operation, body)| operation == "Query" && body.contains("PROFILE")).count();
    let writes: Vec<&String> =
        seen.iter().map(|(operation, _)| operation).filter(|o| o.contains("Write") || o.starts_with("Put")).collect();
    assert_eq!((of_visitor, writes), (1, vec![&"BatchWriteItem".to_owned()]), "{seen:?}");
    let names: Vec<&Value> = lists(&page.body).iter().map(|list| &list["placement"]).collect();
    assert_eq!(names, ["home", "trending", "product-similar", "feed"]);
    let all: Vec<String> = lists(&page.body).iter().flat_map(ids).collect();
    let unique: BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), unique.len()), (26, 26));
    let decisions: BTreeSet<&str> =
        lists(&page.body).iter().map(|list| list["decision_id"].as_str().unwrap()).collect();
    assert_eq!(decisions.len(), 4);

    // Whatever stood on the page does not come again where its last list goes on.
    let mut cursor = lists(&page.body)[3]["cursor"].clone();
    let mut met: BTreeSet<String> = all.into_iter().collect();
    while !cursor.is_null() {
        let next = stack.recommend("feed", json!({"anonymous_id": "anna", "limit": 8, "cursor": cursor})).await;
        assert!(next.ids().into_iter().all(|id| met.insert(id)), "{}", next.body);
        assert_eq!(stack.replay(&next.body).await.header("vitrine-replay"), "identical");
        cursor = next.body["cursor"].clone();
    }
    assert_eq!(met.len(), 47, "all but the product of the page that was looked at");
}

#[tokio::test]
async fn a_problem_of_one_list_is_the_pages_and_points_at_it() {
    let stack = Stack::start().await;
    let page = |third: Value| {
        let body = json!({"placements": [{"placement": "home"}, {"placement": "trending"}, third]});
        stack.post("browser", "/v1/recommendations", body)
    };
    for (third, expected) in [
        (json!({"placement": "nowhere"}), (404, "not-found", "/placements/2/placement")),
        (json!({"placement": "feed", "filter": "price <"}), (422, "invalid-filter", "/placements/2/filter")),
        (json!({"placement": "feed", "filter": "flavour = 1"}), (422, "invalid-filter", "/placements/2/filter")),
        (json!({"placement": "feed", "limit": 101}), (422, "invalid-limit", "/placements/2/limit")),
        (json!({"placement": "feed", "product_id": ""}), (422, "invalid-identifier", "/placements/2/product_id")),
    ] {
        assert_eq!(page(third.clone()).await.problem(), expected, "{third}");
    }
    for count in [0, 13] {
        let lists = vec![json!({"placement": "home"}); count];
        let answer = stack.post("browser", "/v1/recommendations", json!({ "placements": lists })).await;
        assert_eq!(answer.problem(), (422, "invalid-page", "/placements"));
    }
    assert_eq!(
        stack
            .post("browser", "/v1/recommendations", json!({"placements": [{"placement": "home", "cursor": "x"}]}))
            .await
            .status,
        422
    );
}
