//! The helpers of `samples/tokens` sign what the verifier takes, in every language.
#![allow(clippy::print_stderr, reason = "what was not tried is said")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;
use vitrine_domain::Millis;
use vitrine_http::auth::{read_user_token, sign_user_token};
use vitrine_store::api_keys::derive_token_key;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/tokens")
}

struct Vector {
    key: String,
    user: String,
    expiry: i64,
    token: String,
}

fn vectors() -> Result<Vec<Vector>> {
    let read: Vec<Value> = serde_json::from_slice(&std::fs::read(folder().join("vectors.json"))?)?;
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

#[test]
fn helpers_in_three_languages_sign_the_vectors() -> Result<()> {
    let helpers = [("node", "user_token.mjs"), ("python3", "user_token.py"), ("java", "UserToken.java")];
    let mut ran = 0;
    for (program, file) in helpers {
        if Command::new(program).arg("--version").output().is_err() {
            eprintln!("{program} is not installed: {file} was not tried");
            continue;
        }
        for Vector { key, user, expiry, token } in vectors()? {
            let mut command = Command::new(program);
            command.current_dir(folder()).arg(file).arg(&user).arg(expiry.to_string());
            let output = command.env("VITRINE_KEY", &key).env("LC_ALL", "C.UTF-8").output()?;
            assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(String::from_utf8(output.stdout)?.trim(), token, "{file}");
        }
        ran += 1;
    }
    assert!(ran >= 2, "Node.js and Python are needed for other tests too");
    Ok(())
}
