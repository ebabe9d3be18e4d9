//! The description of the API is the API.

use anyhow::Result;
use vitrine_tests::Ground;

#[test]
fn the_served_document_is_the_merge_of_all_functions() -> Result<()> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/manage/openapi.json");
    let merged = format!("{}\n", vitrine_local::openapi().to_pretty_json()?);
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(file, &merged)?;
    }
    let committed = std::fs::read_to_string(file)?;
    assert!(
        committed == merged,
        "functions/manage/openapi.json is old: run `UPDATE_OPENAPI=1 cargo test -p vitrine-tests openapi`"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_address_exists() -> Result<()> {
    let ground = Ground::start().await?;
    let document = serde_json::to_value(vitrine_local::openapi())?;
    let http = reqwest::Client::new();
    let mut checked = 0;
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for method in methods.as_object().into_iter().flatten().map(|(name, _)| name).filter(|n| *n != "parameters") {
            let address = format!("{}{}", ground.stack.url(), path.replace(['{', '}'], ""));
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes())?;
            let status = http.request(method.clone(), &address).send().await?.status();
            // Without a key a real address says 401, or answers; an address that does not exist says 404 or 405.
            assert!(status != 404 && status != 405, "{method} {path}: {status}");
            checked += 1;
        }
    }
    assert!(checked >= 30, "{checked}");
    ground.stop().await;
    Ok(())
}
