//! API keys and the keys that check user tokens.

use vitrine_store::api_keys::{
    Grant, KeyKind, MAX_SESSIONS, Scope, Scopes, all_of, derive_token_key, generate, hash, hex,
};
use vitrine_store::staff::{Role, Staff};

use crate::support::{NOW, Stack, shop};

#[tokio::test]
async fn a_key_is_found_by_itself_alone_and_stored_as_a_hash() {
    let stack = Stack::start().await;
    let (browser, server) = (generate(KeyKind::Browser).unwrap(), generate(KeyKind::Server).unwrap());
    assert!(browser.starts_with("vb_") && server.starts_with("vs_") && browser[3..] != server[3..]);
    stack.table.put_api_key(&browser, &shop(), KeyKind::Browser, NOW).await.unwrap();
    stack.table.put_api_key(&server, &shop(), KeyKind::Server, NOW).await.unwrap();
    let found = stack.table.api_key(&browser).await.unwrap().unwrap();
    assert_eq!((found.shop, found.kind, found.created, found.token_key), (shop(), KeyKind::Browser, NOW, None));
    let found = stack.table.api_key(&server).await.unwrap().unwrap();
    let (id, secret) = derive_token_key(&server);
    assert_eq!((found.kind, found.token_key.as_ref()), (KeyKind::Server, Some(&id)));
    let token_key = stack.table.token_key(&id).await.unwrap().unwrap();
    assert_eq!((token_key.shop, token_key.secret), (shop(), hex(&secret)));

    for unknown in ["", "vb_", &browser[..browser.len() - 1], &browser.to_uppercase()] {
        assert_eq!(stack.table.api_key(unknown).await.unwrap(), None, "{unknown}");
    }
    assert!(stack.table.token_key(&derive_token_key(&browser).0).await.unwrap().is_none(), "browsers sign nothing");
    let everything = serde_json::to_string(&stack.dump().await).unwrap();
    assert!(!everything.contains(&browser) && !everything.contains(&server));
}

#[tokio::test]
async fn a_key_from_before_scopes_has_all_of_its_kind() {
    let stack = Stack::start().await;
    let all = "{\"shop\":\"demo\",\"kind\":\"KIND\",\"created\":1790000000000}";
    for (key, kind) in [("vs_old", KeyKind::Server), ("vb_old", KeyKind::Browser)] {
        stack.table.put_api_key(key, &shop(), kind, NOW).await.unwrap();
        let name = serde_json::to_value(kind).unwrap();
        let old = all.replace("KIND", name.as_str().unwrap());
        stack.damage(&format!("K#{}", hash(key)), "KEY", &old).await;
        let found = stack.table.api_key(key).await.unwrap().unwrap();
        let may: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| found.may(*scope)).collect();
        assert_eq!(may, all_of(kind).into_iter().collect::<Vec<_>>());
        assert_eq!(found.expires, None);
    }
}

#[tokio::test]
async fn a_key_is_listed_rotated_and_revoked() {
    let stack = Stack::start().await;
    let table = &stack.table;
    let grant = Grant { scopes: Scopes::from([Scope::Read, Scope::Manage]), ..Grant::all(KeyKind::Server) };
    let (old_key, old) = table.create_key(&shop(), grant.clone(), NOW).await.unwrap();
    let ends = NOW.plus(1_000);
    let (new_key, new) = table.rotate_key(&shop(), &old, ends, NOW.plus(1)).await.unwrap();
    assert_eq!((&new.grant, new.expires), (&grant, None));
    let (before, after) =
        (table.api_key(&old_key).await.unwrap().unwrap(), table.api_key(&new_key).await.unwrap().unwrap());
    assert_eq!((before.expires, after.expires, before.scopes), (Some(ends), None, grant.scopes));
    let token = table.token_key(&derive_token_key(&old_key).0).await.unwrap().unwrap();
    assert_eq!((token.expires, token.secret), (Some(ends), hex(&derive_token_key(&old_key).1)));
    // A second rotation does not put the end off.
    let old = table.key_entry(&shop(), &old.id, NOW).await.unwrap().unwrap();
    let (_, third) = table.rotate_key(&shop(), &old, ends.plus(9), NOW.plus(2)).await.unwrap();
    assert_eq!(table.api_key(&old_key).await.unwrap().unwrap().expires, Some(ends));
    let ids =
        async |now| table.keys_of(&shop(), now).await.unwrap().into_iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(NOW).await, [&*third.id, &*new.id, &*old.id]);
    assert_eq!(ids(ends).await, [&*third.id, &*new.id], "it is over");
    assert_eq!(table.key_entry(&shop(), &old.id, ends).await.unwrap(), None);

    table.revoke_key(&shop(), &new).await.unwrap();
    assert_eq!(table.api_key(&new_key).await.unwrap(), None);
    assert!(table.token_key(&derive_token_key(&new_key).0).await.unwrap().is_none());
    assert_eq!(ids(ends).await, [&*third.id]);
    let everything = serde_json::to_string(&stack.dump().await).unwrap();
    assert!(!everything.contains(&old_key) && !everything.contains(&new_key) && !everything.contains(&new.id));
    for wrong in ["", "K#t:x", &"a".repeat(5_000), &"g".repeat(16)] {
        assert_eq!(table.key_entry(&shop(), wrong, NOW).await.unwrap(), None, "{wrong}");
    }
}

#[tokio::test]
async fn sessions_end_by_themselves_with_their_owner_and_when_there_are_too_many() {
    let stack = Stack::start().await;
    let table = &stack.table;
    let anna = Staff { name: "anna".into(), role: Role::Admin, password: String::new(), created: NOW, changed: NOW };
    let bert = Staff { name: "bert".into(), role: Role::Viewer, ..anna.clone() };
    for staff in [&anna, &bert] {
        table.put_staff(&shop(), staff).await.unwrap();
    }
    assert_eq!(table.staff_of(&shop()).await.unwrap(), [anna.clone(), bert.clone()]);
    assert_eq!(table.staff(&shop(), "anna").await.unwrap(), Some(anna.clone()));
    assert_eq!(table.staff(&shop(), &"a".repeat(5_000)).await.unwrap(), None);

    let ends = NOW.plus(1_000);
    let (key, entry) = table.create_session(&shop(), bert.grant(), ends, NOW).await.unwrap();
    let found = table.api_key(&key).await.unwrap().unwrap();
    assert_eq!((found.author(), found.expires, &found.token_key), ("bert", Some(ends), &None));
    assert_eq!((&found.scopes, entry.grant.label), (&Role::Viewer.scopes(), String::new()));
    assert!(table.token_key(&derive_token_key(&key).0).await.unwrap().is_none(), "people sign no user tokens");
    let mut first = String::new();
    for n in 0..=MAX_SESSIONS {
        let (key, _) = table.create_session(&shop(), anna.grant(), ends, NOW.plus(n as i64)).await.unwrap();
        if n == 0 {
            first = key;
        }
    }
    assert_eq!(table.api_key(&first).await.unwrap(), None, "the oldest made room");
    assert_eq!(table.sessions_of(&shop(), "anna", NOW).await.unwrap().len(), MAX_SESSIONS);
    table.end_sessions(&shop(), "anna", NOW).await.unwrap();
    table.delete_staff(&shop(), "anna").await.unwrap();
    let left: Vec<_> = table.keys_of(&shop(), NOW).await.unwrap().into_iter().map(|entry| entry.id).collect();
    assert_eq!(left, [entry.id], "nobody else's session was ended");
    assert!(table.keys_of(&shop(), ends).await.unwrap().is_empty());
}
