//! API keys and the keys that check user tokens.

use vitrine_store::api_keys::{KeyKind, derive_token_key, generate, hex};

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
