//! Imports, trainings, going back to a model and making a decision again from the command line, through the API of any stack.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

fn client() -> reqwest::Client {
    vitrine_store::choose_tls();
    reqwest::Client::new()
}

/// Files larger than this go by an upload address: a function's request is bounded at 6 MB, and base64 adds a third.
const DIRECT: usize = 4 << 20;

/// Sends a file to an import route and gives its report back.
///
/// # Errors
/// If the file cannot be read, the stack does not answer, or it refuses.
pub async fn import(endpoint: &str, key: &str, kind: &str, file: &Path, query: &[(&str, String)]) -> Result<Value> {
    let bytes = tokio::fs::read(file).await.with_context(|| format!("{} cannot be read", file.display()))?;
    let base = endpoint.trim_end_matches('/');
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let address = format!("{base}/v1/{kind}/import");
    let mut all = vec![("filename", name)];
    all.extend(query.iter().map(|(name, value)| (*name, value.clone())));
    if bytes.len() > DIRECT {
        return upload(base, key, kind, &all, bytes).await;
    }
    let answer = client().post(&address).bearer_auth(key).query(&all).body(bytes).send().await;
    checked(answer.with_context(|| format!("{address} does not answer"))?).await
}

/// The JSON of an answer that says yes.
async fn checked(answer: reqwest::Response) -> Result<Value> {
    let status = answer.status();
    let value: Value = answer.json().await.context("the answer is not JSON")?;
    if !status.is_success() {
        bail!("{status}: {}", value["detail"].as_str().unwrap_or("no reason given"));
    }
    Ok(value)
}

/// Asks for an upload address, sends the file there and waits for its job.
async fn upload(base: &str, key: &str, kind: &str, query: &[(&str, String)], bytes: Vec<u8>) -> Result<Value> {
    let address = format!("{base}/v1/imports/{kind}");
    let asked = client().post(&address).bearer_auth(key).query(query).send().await;
    let asked = checked(asked.with_context(|| format!("{address} does not answer"))?).await?;
    let to = asked["upload"]["url"].as_str().context("the answer names no address to upload to")?;
    let sent = client().put(to).body(bytes).send().await.context("the upload was refused")?;
    if !sent.status().is_success() {
        bail!("the upload was refused: {}", sent.status());
    }
    job(base, key, &asked).await
}

/// Waits for a job that was just asked for.
async fn job(base: &str, key: &str, asked: &Value) -> Result<Value> {
    let id = asked["job_id"].as_str().context("the answer names no job")?;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let job = client().get(format!("{base}/v1/jobs/{id}")).bearer_auth(key).send().await?;
        let job = checked(job).await?;
        match job["state"].as_str() {
            Some("done") => return Ok(job["result"].clone()),
            Some("failed") => bail!("the job failed: {}", job["result"]),
            _ => {}
        }
    }
}

/// Asks for a training and waits for it.
///
/// # Errors
/// If the stack does not answer, refuses, or the training fails.
pub async fn retrain(endpoint: &str, key: &str) -> Result<Value> {
    let base = endpoint.trim_end_matches('/');
    let asked = client().post(format!("{base}/v1/retrain")).bearer_auth(key).send().await;
    let asked = checked(asked.with_context(|| format!("{base} does not answer"))?).await?;
    job(base, key, &asked).await
}

/// Makes a kept version of a shop's model live: the one that is named, or the newest that is older than the live one.
/// Gives back what the stack answers, or says that nothing older is kept.
///
/// # Errors
/// If the stack does not answer, the key is of another shop, no such version is kept, or another became live meanwhile.
pub async fn rollback(endpoint: &str, key: &str, shop: &str, version: Option<&str>) -> Result<Value> {
    let base = endpoint.trim_end_matches('/');
    let answer = client().get(format!("{base}/v1/models")).bearer_auth(key).send().await;
    let models = checked(answer.with_context(|| format!("{base} does not answer"))?).await?;
    let of = models["shop"].as_str().unwrap_or_default();
    if of != shop {
        bail!("this key is of the shop `{of}`, not of `{shop}`");
    }
    let version = match version {
        Some(version) => version.to_owned(),
        None => before_live(&models).context("no version is kept that is older than the live one")?,
    };
    let answer = client().post(format!("{base}/v1/models/{version}/activate")).bearer_auth(key).send().await?;
    checked(answer).await
}

/// A decision that was made again.
#[derive(Debug)]
pub struct Replayed {
    /// What the stack says of it: `identical`, or `different` and why.
    pub verdict: String,
    /// The answer.
    pub answer: Value,
}

/// Makes a decision again.
///
/// # Errors
/// If the stack does not answer, knows no such decision, or no longer keeps what it was made from.
pub async fn replay(endpoint: &str, key: &str, decision: &str) -> Result<Replayed> {
    let base = endpoint.trim_end_matches('/');
    let asked = client().post(format!("{base}/v1/decisions/{decision}/replay")).bearer_auth(key).send().await;
    let asked = asked.with_context(|| format!("{base} does not answer"))?;
    let verdict = asked.headers().get("vitrine-replay").and_then(|value| value.to_str().ok());
    let verdict = verdict.unwrap_or_default().to_owned();
    Ok(Replayed { verdict, answer: checked(asked).await? })
}

impl Replayed {
    /// Whether the bytes are those that were answered.
    #[must_use]
    pub fn is_identical(&self) -> bool {
        self.verdict == "identical"
    }

    /// The list for a person: each product with its reasons.
    #[must_use]
    pub fn told(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
        let answer = &self.answer;
        let head = ["placement", "basis", "model"].map(|member| format!("{member} {}", text(&answer[member])));
        let mut lines = vec![head.join(", ")];
        for item in answer["items"].as_array().into_iter().flatten() {
            let title = item["product"]["title"].as_str().unwrap_or_default();
            let (place, score) = (item["position"].as_u64().unwrap_or_default(), item["score"].as_f64());
            let score = score.unwrap_or_default();
            let id = text(&item["product_id"]);
            lines.push(format!("{place:>3}. {id:<16} {score:>8.3}  {title}").trim_end().to_owned());
            let reasons = item["reasons"].as_array().into_iter().flatten();
            lines.extend(reasons.map(|reason| format!("     {}", text(&reason["text"]))));
        }
        lines.join("\n")
    }
}

/// The newest of the versions that are older than the live one; they are listed with the newest first.
fn before_live(models: &Value) -> Option<String> {
    let mut from_live = models["versions"].as_array()?.iter().skip_while(|version| version["live"] != true);
    Some(from_live.nth(1)?["version"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_decision_is_told_with_its_reasons() {
        let reasons = json!([{"text": "Because you looked at Penne"}]);
        let item = json!({"position": 1, "product_id": "873902", "score": 0.5, "product": {"title": "Fusilli"}, "reasons": reasons});
        let answer = json!({"placement": "home", "basis": "history", "model": null, "items": [item]});
        let replayed = Replayed { verdict: "identical".into(), answer };
        let told = "placement home, basis history, model none\n  1. 873902              0.500  Fusilli\n     Because you looked at Penne";
        assert_eq!((replayed.told().as_str(), replayed.is_identical()), (told, true));
    }

    #[test]
    fn one_step_back_is_the_next_older_version() {
        let versions = |live: Option<&str>| {
            let versions = ["c", "b", "a"].map(|name| json!({"version": name, "live": Some(name) == live}));
            before_live(&json!({ "versions": versions }))
        };
        assert_eq!(versions(Some("c")).as_deref(), Some("b"));
        assert_eq!(versions(Some("b")).as_deref(), Some("a"));
        assert_eq!((versions(Some("a")), versions(None)), (None, None));
        assert_eq!(before_live(&json!({})), None);
    }
}
