//! The vectors of `samples/tokens` are what the verifier takes; `samples/tokens/try.mjs` holds the helpers against them.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;
use vitrine_domain::Millis;
use vitrine_http::auth::{read_user_token, sign_user_token};
use vitrine_store::api_keys::derive_token_key;

struct Vector {
    key: String,
    user: String,
    expiry: i64,
    token: String,
}

fn vectors() -> Result<Vec<Vector>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/tokens/vectors.json");
    let read: Vec<Value> = serde_json::from_slice(&std::fs::read(path)?)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
    let one = |v: &Value| {
        let expiry = v["expiry"].as_i64().context("no time")?;
        Ok(Vector { key: text(&v["server_key"])?, user: text(&v["user"])?, expiry, token: text(&v["token"])? })
    };
    read.iter().map(one).collect()
}

#[test]
fn the_vectors_are_what_the_verifier_takes_and_for_one_user_and_time_alone() -> Result<()> {
    let vectors = vectors()?;
    assert!(vectors.len() >= 3);
    for Vector { key, user, expiry, token } in vectors {
        assert_eq!(sign_user_token(&key, &user, Millis(expiry * 1000)), Some(token.clone()));
        let (id, secret) = derive_token_key(&key);
        let read = |token: &str, secret: &[u8], now| read_user_token(token, secret, now);
        let before = Millis(expiry * 1000 - 1);
        assert_eq!(token.split('.').nth(1), Some(id.as_str()));
        assert_eq!(read(&token, &secret, before).as_deref(), Some(user.as_str()));
        assert_eq!(read(&token, &secret, Millis(expiry * 1000)), None, "it is over");
        assert_eq!(read(&token, &derive_token_key("another").1, before), None);
        for place in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(&String::from_utf8(forged)?, &secret, before), None, "{place}");
        }
    }
    Ok(())
}
