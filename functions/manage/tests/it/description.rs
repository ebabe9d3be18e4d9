//! Health, the description of the API, and the page to try it.

use super::*;

async fn open(stack: &Stack, path: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let (status, headers, bytes) = stack.send(request).await;
    (status, headers, String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn health_needs_no_key() {
    let stack = Stack::start().await;
    let (status, _, text) = open(&stack, "/health").await;
    assert_eq!((status, text), (StatusCode::OK, r#"{"status":"ok","version":"0.1.0"}"#.to_owned()));
}

#[test]
fn the_committed_document_holds_this_functions_part_as_the_code_has_it() {
    let committed: Value = serde_json::from_str(vitrine_manage::OPENAPI).unwrap();
    let mut own = vitrine_manage::openapi();
    // The whole document says so of every part.
    vitrine_http::describe::complete(&mut own);
    let own = serde_json::to_value(own).unwrap();
    for member in ["openapi", "info", "security"] {
        assert_eq!(committed[member], own[member], "{member}");
    }
    for part in ["/paths", "/components/schemas", "/components/securitySchemes"] {
        let (committed, own) = (committed.pointer(part).unwrap(), own.pointer(part).unwrap());
        for (name, value) in own.as_object().unwrap() {
            assert_eq!(&committed[name], value, "{part} {name}");
        }
    }
}

#[test]
fn operations_and_schemas_have_names_of_their_own() {
    let own = serde_json::to_value(vitrine_manage::openapi()).unwrap();
    let operations: Vec<&str> = own["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let unique: std::collections::BTreeSet<&str> = operations.iter().copied().collect();
    assert_eq!((operations.len(), unique.len()), (54, 54));
    let privacy = own.pointer("/components/schemas/Privacy/allOf").and_then(Value::as_array).unwrap();
    let privacy = privacy.iter().find_map(|part| part.pointer("/properties/default_purposes"));
    let strategy = own.pointer("/components/schemas/NewPlacement/properties/strategy/enum/2");
    assert!(privacy.is_some() && strategy == Some(&Value::from("bought-together")), "{own:#}");
}

#[test]
fn every_response_is_described() {
    let own = serde_json::to_value(vitrine_manage::openapi()).unwrap();
    for (path, operations) in own["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(response["description"].is_string(), "{method} {path} {status}: the standard asks for one");
            }
        }
    }
}

#[tokio::test]
async fn the_document_is_served_as_committed() {
    let stack = Stack::start().await;
    let (status, headers, text) = open(&stack, "/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(text, vitrine_manage::OPENAPI);
    assert!(text.starts_with("{\n  \"openapi\": \"3.1."), "one change a line, so that it can be reviewed");
}

#[tokio::test]
async fn the_page_has_everything_it_needs_in_the_program() {
    let stack = Stack::start().await;
    let (status, headers, _) = open(&stack, "/docs").await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/docs/"));
    let (status, headers, page) = open(&stack, "/docs/").await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "text/html"));
    let mut loaded = 0;
    for part in page.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
        assert!(!part.contains("//"), "{part} is loaded from elsewhere");
        let (status, _, text) = open(&stack, &format!("/docs/{}", part.trim_start_matches("./"))).await;
        assert_eq!(status, StatusCode::OK, "{part}");
        assert!(!text.is_empty(), "{part}");
        loaded += 1;
    }
    assert!(loaded >= 3, "{page}");
    let (_, _, script) = open(&stack, "/docs/swagger-initializer.js").await;
    assert!(script.contains("../openapi.json"), "{script}");
    let (status, headers, _) = open(&stack, "/docs/no-such-file").await;
    assert_eq!(
        (status, headers["content-type"].to_str().unwrap()),
        (StatusCode::NOT_FOUND, "application/problem+json")
    );
}
