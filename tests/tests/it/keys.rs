//! Keys over their life: scopes, rotation, revocation, and the user tokens that are signed with them.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_domain::Millis;
use vitrine_http::auth::sign_user_token;
use vitrine_tests::{Ground, Shop};

async fn status(shop: &Shop, key: &str, method: Method, path: &str, body: Option<Value>) -> Result<u16> {
    Ok(shop.call(key, method, path, body).await?.0.as_u16())
}

/// One call of each scope, with what it answers if the scope is there.
fn calls() -> [(&'static str, Method, &'static str, Option<Value>); 7] {
    let event = json!({"type": "page", "anonymousId": "v"});
    [
        ("events", Method::POST, "/v1/page", Some(event)),
        ("read", Method::POST, "/v1/recommendations/home", Some(json!({"visitor_id": "anna"}))),
        ("catalogue", Method::PUT, "/v1/products", Some(json!([{"id": "tea", "title": "Tea"}]))),
        ("view", Method::GET, "/v1/rules", None),
        ("manage", Method::PUT, "/v1/segments/scoped", Some(json!({"filter": "orders > 0"}))),
        ("privacy", Method::GET, "/v1/visitors/u:anna", None),
        ("keys", Method::GET, "/v1/keys", None),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_key_opens_what_its_scopes_say_and_nothing_else() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("scopes").await?;
    let identify = json!({"type": "identify", "userId": "anna", "traits": {"tier": "gold"}});
    shop.ok(&shop.server, Method::POST, "/v1/identify", Some(identify)).await?;
    shop.eventually("/v1/visitors/u:anna", |held| held["visitor"] == "u:anna").await?;
    for (scope, ..) in calls() {
        let wanted = json!({"kind": "server", "scopes": [scope], "label": format!("only {scope}")});
        let made = shop.ok(&shop.server, Method::POST, "/v1/keys", Some(wanted)).await?;
        let key = made["key"].as_str().unwrap();
        for (of, method, path, body) in calls() {
            let (status, answer) = shop.call(key, method, path, body).await?;
            // Whoever may change a shop may look at it.
            if of == scope || (of, scope) == ("view", "manage") {
                assert_eq!(status, 200, "{scope}: {path} {answer}");
            } else {
                assert_eq!((status.as_u16(), &answer["code"]), (403, &json!("key-not-sufficient")), "{scope}: {path}");
                assert!(answer["detail"].as_str().unwrap().contains(&format!("`{of}`")), "{answer}");
            }
        }
    }
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_and_its_tokens_work_beside_the_new_ones_until_it_is_revoked() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("rotation").await?;
    let other = ground.shop("rotation-2").await?;
    let keys = shop.ok(&shop.server, Method::GET, "/v1/keys", None).await?;
    let list = keys["keys"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert!(!keys.to_string().contains(&shop.server) && !keys.to_string().contains(&shop.browser));
    let own = list.iter().find(|key| key["own"] == true).unwrap();
    let id = own["id"].as_str().unwrap();
    assert_eq!((&own["kind"], &own["expires"]), (&json!("server"), &Value::Null));

    let rotate = format!("/v1/keys/{id}/rotate");
    assert_eq!(status(&other, &other.server, Method::POST, &rotate, Some(json!({}))).await?, 404, "another shop's");
    let made = shop.ok(&shop.server, Method::POST, &rotate, Some(json!({"hours": 24}))).await?;
    let new = made["key"].as_str().unwrap().to_owned();
    assert!(new.starts_with("vs_") && new != shop.server);

    let http = reqwest::Client::new();
    let expiry = Millis(vitrine_runtime::Clock::system().now().0 + 600_000);
    let asks = async |token: &str| {
        let request = http.post(format!("{}/v1/recommendations/home", ground.stack.url())).bearer_auth(&shop.browser);
        let request = request.header("x-vitrine-user", token).json(&json!({"visitor_id": "anna"}));
        Ok::<_, anyhow::Error>(request.send().await?.status().as_u16())
    };
    let (old_token, new_token) =
        (sign_user_token(&shop.server, "anna", expiry).unwrap(), sign_user_token(&new, "anna", expiry).unwrap());
    for key in [&shop.server, &new] {
        assert_eq!(status(&shop, key, Method::GET, "/v1/rules", None).await?, 200);
    }
    assert_eq!((asks(&old_token).await?, asks(&new_token).await?), (200, 200));
    let keys = shop.ok(&new, Method::GET, "/v1/keys", None).await?;
    let ends =
        |id: &str| keys["keys"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap()["expires"].clone();
    assert!(ends(id).is_string() && ends(made["id"].as_str().unwrap()).is_null(), "{keys}");

    // Taken back before its time: it and its tokens are refused at once here, the new ones are not.
    let revoke = format!("/v1/keys/{id}");
    assert_eq!(status(&shop, &shop.server, Method::DELETE, &revoke, None).await?, 409, "a key does not revoke itself");
    assert_eq!(status(&shop, &new, Method::DELETE, &revoke, None).await?, 204);
    assert_eq!(status(&shop, &shop.server, Method::GET, "/v1/rules", None).await?, 401);
    assert_eq!((asks(&old_token).await?, asks(&new_token).await?), (401, 200));
    assert_eq!(status(&shop, &new, Method::DELETE, &revoke, None).await?, 404);

    // With no hours left it is over at once.
    let rotate = format!("/v1/keys/{}/rotate", made["id"].as_str().unwrap());
    let last = shop.ok(&new, Method::POST, &rotate, Some(json!({"hours": 0}))).await?;
    assert_eq!(status(&shop, &new, Method::GET, "/v1/rules", None).await?, 401);
    assert_eq!(asks(&new_token).await?, 401);
    assert_eq!(status(&shop, last["key"].as_str().unwrap(), Method::GET, "/v1/rules", None).await?, 200);
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_more_by_making_a_key() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("escalation").await?;
    let wanted = json!({"kind": "server", "scopes": ["keys", "events"]});
    let made = shop.ok(&shop.server, Method::POST, "/v1/keys", Some(wanted)).await?;
    let small = made["key"].as_str().unwrap();
    let list = shop.ok(small, Method::GET, "/v1/keys", None).await?;
    let id_of = |kind: &str| {
        let keys = list["keys"].as_array().unwrap();
        keys.iter().find(|key| key["kind"] == kind && key["own"] == false).unwrap()["id"].as_str().unwrap().to_owned()
    };
    for scopes in [json!(["privacy"]), json!(["events", "manage"]), Value::Null] {
        let wanted = json!({"kind": "server", "scopes": scopes});
        assert_eq!(status(&shop, small, Method::POST, "/v1/keys", Some(wanted)).await?, 403);
    }
    for id in [id_of("server"), id_of("browser")] {
        assert_eq!(status(&shop, small, Method::POST, &format!("/v1/keys/{id}/rotate"), Some(json!({}))).await?, 403);
        assert_eq!(status(&shop, small, Method::DELETE, &format!("/v1/keys/{id}"), None).await?, 403);
    }
    let wanted = json!({"kind": "server", "scopes": ["events"]});
    assert_eq!(status(&shop, small, Method::POST, "/v1/keys", Some(wanted)).await?, 201);
    // A key that may not read signs no tokens: they would read for it.
    let token = sign_user_token(small, "anna", Millis(4_000_000_000_000)).unwrap();
    let request = reqwest::Client::new().get(format!("{}/v1/recommendations/home?visitor_id=anna", ground.stack.url()));
    assert_eq!(request.bearer_auth(&shop.browser).header("x-vitrine-user", token).send().await?.status(), 401);
    for (wrong, pointer) in [
        (json!({"kind": "admin"}), "/kind"),
        (json!({"kind": "browser", "scopes": ["privacy"]}), "/scopes/0"),
        (json!({"kind": "server", "scopes": []}), "/scopes"),
        (json!({"kind": "server", "label": "x".repeat(101)}), "/label"),
    ] {
        let (status, problem) = shop.call(&shop.server, Method::POST, "/v1/keys", Some(wrong)).await?;
        assert_eq!((status.as_u16(), &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{problem}");
    }
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_does_what_the_api_does() -> Result<()> {
    use vitrine_local::keys::{Command, Kind, run};
    use vitrine_store::api_keys::Scope;
    let ground = Ground::start().await?;
    let shop = ground.shop("command").await?;
    let (table, now) = (&ground.stack.context.table, ground.stack.context.clock.now());
    let name = || "command".to_owned();
    let scopes = vec![Scope::Manage];
    let create = Command::Create { shop: name(), kind: Kind::Server, scopes, label: "rules desk".to_owned() };
    let told = run(table, create, now).await?;
    let field = |told: &str, name: &str| {
        let line = told.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let (key, id) = (field(&told, "key"), field(&told, "id"));
    assert_eq!(status(&shop, &key, Method::GET, "/v1/rules", None).await?, 200);
    assert_eq!(status(&shop, &key, Method::GET, "/v1/keys", None).await?, 403);
    let listed = run(table, Command::List { shop: name() }, now).await?;
    assert!(listed.contains(&id) && listed.contains("rules desk") && !listed.contains(&key), "{listed}");
    let told = run(table, Command::Rotate { shop: name(), id: id.clone(), hours: 1 }, now).await?;
    let new = field(&told, "key");
    for key in [&key, &new] {
        assert_eq!(status(&shop, key, Method::GET, "/v1/rules", None).await?, 200);
    }
    run(table, Command::Revoke { shop: name(), id: id.clone() }, now).await?;
    assert!(run(table, Command::Revoke { shop: name(), id }, now).await.is_err());
    assert_eq!(table.api_key(&key).await?, None, "a running stack asks again within half a minute");
    let wrong =
        Command::Create { shop: name(), kind: Kind::Browser, scopes: vec![Scope::Privacy], label: String::new() };
    assert!(run(table, wrong, now).await.is_err());
    ground.stop().await;
    Ok(())
}
