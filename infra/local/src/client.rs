//! Imports from the command line, through the API of any stack.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Sends a file to an import route and gives its report back.
///
/// # Errors
/// If the file cannot be read, the stack does not answer, or it refuses.
pub async fn import(endpoint: &str, key: &str, kind: &str, file: &Path, query: &[(&str, String)]) -> Result<Value> {
    let bytes = tokio::fs::read(file).await.with_context(|| format!("{} cannot be read", file.display()))?;
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let address = format!("{}/v1/{kind}/import", endpoint.trim_end_matches('/'));
    let mut all = vec![("filename", name)];
    all.extend(query.iter().map(|(name, value)| (*name, value.clone())));
    let answer = reqwest::Client::new().post(&address).bearer_auth(key).query(&all).body(bytes).send().await;
    let answer = answer.with_context(|| format!("{address} does not answer"))?;
    let status = answer.status();
    let report: Value = answer.json().await.context("the answer is not JSON")?;
    if !status.is_success() {
        bail!("{status}: {}", report["detail"].as_str().unwrap_or("no reason given"));
    }
    Ok(report)
}

/// Asks for a training and waits for it.
///
/// # Errors
/// If the stack does not answer, refuses, or the training fails.
pub async fn retrain(endpoint: &str, key: &str) -> Result<Value> {
    let client = reqwest::Client::new();
    let base = endpoint.trim_end_matches('/');
    let asked = client.post(format!("{base}/v1/retrain")).bearer_auth(key).send().await?;
    let status = asked.status();
    let asked: Value = asked.json().await?;
    if !status.is_success() {
        bail!("{status}: {}", asked["detail"].as_str().unwrap_or("no reason given"));
    }
    let id = asked["job_id"].as_str().context("the answer names no job")?.to_owned();
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let job: Value = client.get(format!("{base}/v1/jobs/{id}")).bearer_auth(key).send().await?.json().await?;
        match job["state"].as_str() {
            Some("done") => return Ok(job["result"].clone()),
            Some("failed") => bail!("the training failed: {}", job["result"]),
            _ => {}
        }
    }
}
