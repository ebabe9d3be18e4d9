//! The staff: who is taken in, what their roles open, and how sessions begin and end.

use serde_json::json;

use super::*;

const PASSWORD: &str = "correct horse battery";

/// Takes somebody in.
pub(crate) async fn hire(stack: &Stack, name: &str, role: &str) {
    let body = json!({"role": role, "password": PASSWORD});
    let hired = stack.put(&format!("/v1/staff/{name}"), None, &body).await;
    assert_eq!(hired.status, StatusCode::OK, "{}", hired.body);
    assert!(!hired.body.to_string().contains("argon2"), "{}", hired.body);
}

async fn try_to_sign_in(stack: &Stack, shop: &str, name: &str, password: &str) -> Answer {
    let body = json!({"shop": shop, "name": name, "password": password});
    stack.call("", Method::POST, "/v1/sessions", None, Some(&body)).await
}

/// The key of a new session.
async fn sign_in(stack: &Stack, name: &str) -> String {
    let answer = try_to_sign_in(stack, "demo", name, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.body["key"].as_str().unwrap().to_owned()
}

async fn status(stack: &Stack, key: &str, method: Method, path: &str, body: Option<&Value>) -> u16 {
    stack.call(key, method, path, None, body).await.status.as_u16()
}

#[tokio::test]
async fn roles_open_what_they_say() {
    let stack = Stack::start().await;
    let rule = json!({"effect": {"kind": "pin", "product": "p", "slot": 1}});
    for (role, manages, decides) in [("viewer", 403, 403), ("marketer", 200, 403), ("admin", 200, 200)] {
        hire(&stack, role, role).await;
        let key = sign_in(&stack, role).await;
        for path in ["/v1/rules", "/v1/placements", "/v1/segments", "/v1/experiments", "/v1/settings/hold-out"] {
            assert_eq!(status(&stack, &key, Method::GET, path, None).await, 200, "{role} {path}");
        }
        let path = format!("/v1/rules/by-{role}");
        assert_eq!(status(&stack, &key, Method::PUT, &path, Some(&rule)).await, manages, "{role}");
        for path in ["/v1/keys", "/v1/staff", "/v1/staff/admin"] {
            let expected = if role != "admin" && path == "/v1/staff/admin" { 403 } else { decides };
            assert_eq!(status(&stack, &key, Method::GET, path, None).await, expected, "{role} {path}");
        }
        if manages == 200 {
            let history = stack.get(&format!("{path}/history")).await;
            assert_eq!(history.body["states"][0]["author"], role, "who signed in is the author");
        }
    }
    // Nobody signs in to another shop, and nobody of it is seen there.
    assert_eq!(try_to_sign_in(&stack, "other", "admin", PASSWORD).await.problem(), (401, "wrong-password"));
    let theirs = stack.call("other-server", Method::GET, "/v1/staff", None, None).await;
    assert_eq!(theirs.body, json!({"staff": []}));
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_in_is_not_told() {
    let stack = Stack::start().await;
    hire(&stack, "anna", "viewer").await;
    let wrong = try_to_sign_in(&stack, "demo", "anna", "correct horse batterz").await;
    assert_eq!(wrong.problem(), (401, "wrong-password"));
    for (shop, name) in [("demo", "bert"), ("nowhere", "anna"), ("No Shop", "anna"), ("demo", "a#b")] {
        let other = try_to_sign_in(&stack, shop, name, PASSWORD).await;
        assert_eq!((other.status, &other.body["detail"]), (wrong.status, &wrong.body["detail"]), "{shop} {name}");
    }
    let endless = try_to_sign_in(&stack, "demo", "anna", &"a".repeat(5_000)).await;
    assert_eq!(endless.problem(), (401, "wrong-password"));
}

#[tokio::test]
async fn passwords_cannot_be_tried_without_end() {
    let stack = Stack::start().await;
    hire(&stack, "anna", "viewer").await;
    let mut answers = Vec::new();
    for _ in 0..11 {
        answers.push(try_to_sign_in(&stack, "demo", "anna", "wrong wrong wrong").await.status.as_u16());
    }
    assert_eq!((&answers[..10], answers[10]), (&[401_u16; 10][..], 429));
    let right = try_to_sign_in(&stack, "demo", "anna", PASSWORD).await;
    assert_eq!(right.problem(), (429, "too-many-requests"), "nor is the right one told");
    assert_eq!(right.header("retry-after"), "30");
    // Another name has tries of its own.
    assert_eq!(try_to_sign_in(&stack, "demo", "bert", PASSWORD).await.problem(), (401, "wrong-password"));
}

#[tokio::test]
async fn a_session_ends_by_itself_by_signing_out_and_with_every_change_of_its_owner() {
    let stack = Stack::start().await;
    hire(&stack, "anna", "viewer").await;
    let rules = async |key: &str| status(&stack, key, Method::GET, "/v1/rules", None).await;
    let (one, two) = (sign_in(&stack, "anna").await, sign_in(&stack, "anna").await);
    assert_eq!(status(&stack, &one, Method::DELETE, "/v1/sessions", None).await, 204);
    assert_eq!((rules(&one).await, rules(&two).await), (401, 200));
    assert_eq!(stack.delete("/v1/sessions", None).await.problem(), (409, "no-session"));
    for change in [json!({"role": "marketer"}), json!({"role": "marketer", "password": "another password"})] {
        let key = sign_in(&stack, "anna").await;
        assert_eq!(stack.put("/v1/staff/anna", None, &change).await.status, StatusCode::OK);
        assert_eq!(rules(&key).await, 401, "{change}");
    }
    assert_eq!(try_to_sign_in(&stack, "demo", "anna", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    let anew = try_to_sign_in(&stack, "demo", "anna", "another password").await;
    let key = anew.body["key"].as_str().unwrap().to_owned();
    assert_eq!((rules(&key).await, anew.body["expires"].as_str()), (200, Some("2026-11-22T22:40:00.000Z")));
    let listed = stack.get("/v1/keys").await;
    let session = listed.body["keys"].as_array().unwrap().iter().find(|key| key["staff"] == "anna").unwrap().clone();
    assert_eq!(session["expires"], anew.body["expires"]);
    let path = format!("/v1/keys/{}/rotate", session["id"].as_str().unwrap());
    assert_eq!(stack.post(&path, &json!({})).await.problem(), (409, "session"), "or it would not end");
    assert_eq!(stack.delete("/v1/staff/anna", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(rules(&key).await, 401);
    assert_eq!(stack.delete("/v1/staff/anna", None).await.problem(), (404, "not-found"));
}

#[tokio::test]
async fn nobody_gives_more_than_they_have_or_changes_what_they_are() {
    let stack = Stack::start().await;
    hire(&stack, "root", "admin").await;
    let few = stack.post("/v1/keys", &json!({"kind": "server", "scopes": ["keys", "view", "read"]})).await;
    let few = few.body["key"].as_str().unwrap();
    for (name, role, expected) in [("bert", "viewer", 200), ("bert", "marketer", 403), ("root", "viewer", 403)] {
        let body = json!({"role": role, "password": PASSWORD});
        let path = format!("/v1/staff/{name}");
        assert_eq!(status(&stack, few, Method::PUT, &path, Some(&body)).await, expected, "{name} {role}");
    }
    assert_eq!(status(&stack, few, Method::DELETE, "/v1/staff/root", None).await, 403);
    let root = sign_in(&stack, "root").await;
    let own = stack.call(&root, Method::PUT, "/v1/staff/root", None, Some(&json!({"role": "viewer"}))).await;
    assert_eq!(own.problem(), (409, "own-staff"));
    assert_eq!(stack.call(&root, Method::DELETE, "/v1/staff/root", None, None).await.problem(), (409, "own-staff"));
    let body = json!({"role": "boss", "password": "short"});
    let wrong = stack.put("/v1/staff/Anna", None, &body).await;
    assert_eq!((wrong.problem(), places(&wrong)), ((422, "invalid-staff"), vec!["name", "/role", "/password"]));
    let new = stack.put("/v1/staff/anna", None, &json!({"role": "viewer"})).await;
    assert_eq!(places(&new), ["/password"], "somebody new needs one");
}
