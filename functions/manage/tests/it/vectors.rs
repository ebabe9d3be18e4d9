//! Vectors of the shop's own: what is taken, what is refused and where, what is stored.

use serde_json::json;
use vitrine_domain::{ProductId, Visitor};
use vitrine_learn::OwnVectors;
use vitrine_store::erasures::Until;

use super::*;

const LINES: &str = "{\"product_id\": \"b\", \"vector\": [1, 2]}\n{\"user_id\": \"7\", \"vector\": [3, 4]}\n";

async fn put(stack: &Stack, path: &str, body: &[u8]) -> Answer {
    stack.send_bytes(Method::PUT, path, body.to_vec()).await
}

/// A `.npy` file of two rows as NumPy writes it.
fn matrix() -> Vec<u8> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend([1.0_f32, 2.0, 3.0, 4.5].iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

/// What is stored for training.
async fn stored(stack: &Stack) -> Vec<OwnVectors> {
    let mut sets = Vec::new();
    for set in stack.context.table.vector_sets(&shop("demo")).await.unwrap() {
        let bytes = stack.context.objects.get(&set.value.object).await.unwrap().unwrap();
        assert_eq!(bytes.len(), set.value.bytes);
        sets.push(OwnVectors::unpack(&set.id, &bytes).unwrap());
    }
    sets
}

async fn files(stack: &Stack) -> usize {
    stack.context.objects.list("shops/demo/vectors").await.unwrap().len()
}

#[tokio::test]
async fn a_set_is_sent_listed_replaced_and_withdrawn() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/vectors").await.body, json!({"vectors": []}));
    let sent = put(&stack, "/v1/vectors/images", LINES.as_bytes()).await;
    assert_eq!(sent.status, StatusCode::OK, "{:?}", sent.body);
    let mut expected = json!({"name": "images", "dims": 2, "products": 1, "visitors": 1,
        "bytes": sent.body["bytes"], "uploaded": "2026-11-22T14:40:00.000Z", "version": 1});
    assert_eq!(sent.body, expected);
    assert_eq!(stack.get("/v1/vectors").await.body, json!({"vectors": [expected]}));
    assert_eq!(stored(&stack).await[0].products, [(ProductId::new("b").unwrap(), vec![1.0, 2.0])]);

    let again = put(&stack, "/v1/vectors/images", b"{\"product_id\": \"c\", \"vector\": [1, 2, 3]}").await;
    (expected["dims"], expected["visitors"], expected["version"]) = (json!(3), json!(0), json!(2));
    expected["bytes"] = again.body["bytes"].clone();
    assert_eq!(again.body, expected);
    assert_eq!(files(&stack).await, 1, "what was replaced is gone");
    let theirs = stack.call("other-server", Method::GET, "/v1/vectors", None, None).await;
    assert_eq!(theirs.body, json!({"vectors": []}));

    let withdraw = async || stack.call("demo-server", Method::DELETE, "/v1/vectors/images", None, None).await;
    assert_eq!(withdraw().await.status, StatusCode::NO_CONTENT);
    assert_eq!(withdraw().await.problem(), (404, "not-found"));
    assert_eq!((files(&stack).await, stored(&stack).await.len()), (0, 0));
}

#[tokio::test]
async fn a_matrix_finds_its_identifiers_beside_it_or_sent_before() {
    let stack = Stack::start().await;
    let bare = put(&stack, "/v1/vectors/m", &matrix()).await;
    assert_eq!((bare.problem(), &bare.body["errors"][0]["pointer"]), ((422, "invalid-vectors"), &json!("ids")));
    assert_eq!(put(&stack, "/v1/vectors/m?ids=a,b", &matrix()).await.status, StatusCode::OK);
    let first = stored(&stack).await;
    assert_eq!(first[0].products[1], (ProductId::new("b").unwrap(), vec![3.0, 4.5]));

    assert_eq!(put(&stack, "/v1/vectors/m/ids", b"[\"never\", \"used\"]").await.status, StatusCode::NO_CONTENT);
    assert_eq!(put(&stack, "/v1/vectors/m/ids", b"[\"u:a\", \"b,c\"]").await.status, StatusCode::NO_CONTENT);
    assert_eq!(files(&stack).await, 2, "the set, and the last identifiers");
    let visitors = put(&stack, "/v1/vectors/m?of=visitors", &matrix()).await;
    assert_eq!((&visitors.body["products"], &visitors.body["visitors"]), (&json!(0), &json!(2)));
    assert_eq!(stored(&stack).await[0].visitors[0].0.to_string(), "a:b,c");
    // They belonged to that matrix.
    assert_eq!(put(&stack, "/v1/vectors/m", &matrix()).await.problem(), (422, "invalid-vectors"));
    assert_eq!(files(&stack).await, 1);
    assert_eq!(put(&stack, "/v1/vectors/m/ids", b"[1]").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(put(&stack, "/v1/vectors/m?id=a", &matrix()).await.problem(), (400, "invalid-parameters"));
}

#[tokio::test]
async fn who_was_erased_or_refuses_gets_no_vector_again() {
    let stack = Stack::start().await;
    let (table, key, demo) = (&stack.context.table, stack.context.tombstone_key(), shop("demo"));
    let [anna, bert, carl] = ["anna", "bert", "carl"].map(|name| Visitor::known(name).unwrap());
    table.erase(&key, &demo, &anna, Until::Ever, stack.context.clock.now()).await.unwrap();
    table.note_refusal(&key, &demo, &bert, true, stack.context.clock.now()).await.unwrap();
    let line = |visitor: &Visitor| format!("{{\"visitor_id\": \"{visitor}\", \"vector\": [3, 4]}}\n");
    let all = [&anna, &bert, &carl].map(line).concat();
    let sent = put(&stack, "/v1/vectors/images", all.as_bytes()).await;
    assert_eq!((sent.status, &sent.body["visitors"]), (StatusCode::OK, &json!(1)));
    let left: Vec<Visitor> = stored(&stack).await[0].visitors.iter().map(|(visitor, _)| visitor.clone()).collect();
    assert_eq!(left, [carl]);
    let nobody = put(&stack, "/v1/vectors/images", line(&anna).as_bytes()).await;
    assert_eq!(nobody.problem(), (422, "invalid-vectors"));
    assert_eq!(stored(&stack).await[0].visitors.len(), 1, "what was there stays");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_with_its_line_and_changes_nothing() {
    let stack = Stack::start().await;
    put(&stack, "/v1/vectors/images", LINES.as_bytes()).await;
    let before = stored(&stack).await;
    let bad = format!("{LINES}{{\"product_id\": \"c\", \"vector\": [1]}}\n");
    let refused = put(&stack, "/v1/vectors/images", bad.as_bytes()).await;
    assert_eq!(
        (refused.problem(), &refused.body["errors"][0]["pointer"]),
        ((422, "invalid-vectors"), &json!("line 3"))
    );
    let rows = put(&stack, "/v1/vectors/images?ids=a,a", &matrix()).await;
    assert_eq!(rows.body["errors"][0]["pointer"], "row 1");
    for (path, body) in [("/v1/vectors/images", ""), ("/v1/vectors/-x", LINES), ("/v1/vectors/Images", LINES)] {
        assert_eq!(put(&stack, path, body.as_bytes()).await.problem(), (422, "invalid-vectors"), "{path}");
    }
    assert_eq!(stored(&stack).await, before);
    assert_eq!(files(&stack).await, 1);
    for n in 1..8 {
        assert_eq!(put(&stack, &format!("/v1/vectors/set-{n}"), LINES.as_bytes()).await.status, StatusCode::OK);
    }
    assert_eq!(put(&stack, "/v1/vectors/set-8", LINES.as_bytes()).await.problem(), (422, "too-many-vectors"));
    assert_eq!(put(&stack, "/v1/vectors/set-7", LINES.as_bytes()).await.status, StatusCode::OK);
}
