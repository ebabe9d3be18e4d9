//! Browsing.

use serde_json::json;

use crate::support::Stack;

#[tokio::test]
async fn filters_and_facets_of_what_is_there() {
    let stack = Stack::start().await;
    let all = stack.get("browser", "/v1/products?limit=5").await.ok();
    assert_eq!((all.body["total"].as_u64(), all.body.get("facets")), (Some(48), None));
    let address =
        "/v1/products?category=Aisle%201&filter=price%20%3E%2010%20and%20brand%20!%3D%20%22Brand%203%22&facets=true";
    let some = stack.get("browser", address).await.ok();
    // p13 is Brand 3, p19 Brand 4, p25 Brand 0, p31 Brand 1, p37 Brand 2, p43 Brand 3.
    assert_eq!(some.body["total"], 4);
    let facets = &some.body["facets"];
    assert_eq!(facets["categories"], json!([{"value": "Aisle 1", "products": 4}, {"value": "All", "products": 4}]));
    assert_eq!(facets["brands"][0], json!({"value": "Brand 0", "products": 1}));
    assert_eq!(facets["price"], json!({"min": 20.0, "max": 38.0}));
    let found = stack.get("browser", "/v1/products?q=article%2013").await.ok();
    assert_eq!(found.body["products"][0]["id"], "p13");
    for wrong in ["price%20%3C", "flavour%20%3D%201", "price%20%3C%20context.price"] {
        let refused = stack.get("browser", &format!("/v1/products?filter={wrong}")).await;
        assert_eq!(refused.problem(), (422, "invalid-filter", "filter"), "{wrong}");
    }
}
