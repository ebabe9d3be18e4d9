//! A client and a stack for the acceptance tests: everything goes over HTTP, as a shop's own programs do it.

pub mod parsers;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use vitrine_local::{Options, Stack, shops};

/// A stack of its own for a test, on a free port, in a folder that goes with it.
#[derive(Debug)]
pub struct Ground {
    /// The running stack.
    pub stack: Stack,
    folder: TempDir,
}

impl Ground {
    /// Starts a stack without shops.
    ///
    /// # Errors
    /// If it cannot start.
    pub async fn start() -> Result<Self> {
        Self::start_with(|options| options).await
    }

    /// Starts a stack with other options.
    ///
    /// # Errors
    /// If it cannot start.
    pub async fn start_with(change: impl FnOnce(Options) -> Options) -> Result<Self> {
        let folder = TempDir::new()?;
        let stack = Stack::start(change(Options::bare(folder.path()))).await?;
        Ok(Self { stack, folder })
    }

    /// Stops the stack and starts it again on the same folder.
    ///
    /// # Errors
    /// If it cannot start.
    pub async fn restart(self) -> Result<Self> {
        self.stack.stop().await;
        let stack = Stack::start(Options::bare(self.folder.path())).await?;
        Ok(Self { stack, folder: self.folder })
    }

    /// Makes a shop.
    ///
    /// # Errors
    /// If the table does not take its keys.
    pub async fn shop(&self, name: &str) -> Result<Shop> {
        let keys = shops::create(&self.stack.context.table, name, self.stack.context.clock.now()).await?;
        Ok(Shop { url: self.stack.url(), browser: keys.browser, server: keys.server, http: reqwest::Client::new() })
    }

    /// The folder of everything that is kept.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Stops the stack.
    pub async fn stop(self) {
        self.stack.stop().await;
    }

    /// Stops the stack and leaves its folder, which goes with what is answered.
    pub async fn stop_and_keep(self) -> TempDir {
        self.stack.stop().await;
        self.folder
    }
}

/// A shop, as its own programs see it.
#[derive(Debug, Clone)]
pub struct Shop {
    url: String,
    /// Its browser key.
    pub browser: String,
    /// Its server key.
    pub server: String,
    http: reqwest::Client,
}

impl Shop {
    /// A shop of a stack at an address, by its keys.
    #[must_use]
    pub fn at(url: &str, browser: &str, server: &str) -> Self {
        let (url, browser, server) = (url.to_owned(), browser.to_owned(), server.to_owned());
        Self { url, browser, server, http: reqwest::Client::new() }
    }

    /// The status of a recommendation that is asked for with a user's token alone.
    ///
    /// # Errors
    /// If the stack does not answer.
    pub async fn with_token(&self, token: &str, placement: &str) -> Result<StatusCode> {
        let address = format!("{}/v1/recommendations/{placement}", self.url);
        let request = self.http.post(address).basic_auth(&self.browser, Some("")).json(&json!({}));
        Ok(request.header(vitrine_http::auth::USER_TOKEN, token).send().await?.status())
    }

    /// Sends a request; the status and the JSON of the answer.
    ///
    /// # Errors
    /// If the stack does not answer, or not with JSON.
    pub async fn call(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).basic_auth(key, Some(""));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.with_context(|| format!("{path} did not answer"))?;
        let status = answer.status();
        let text = answer.text().await?;
        let value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).context(text)? };
        Ok((status, value))
    }

    /// As [`call`](Self::call), for a call that must succeed.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ok(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let (status, value) = self.call(key, method, path, body).await?;
        if !status.is_success() {
            bail!("{path}: {status} {value}");
        }
        Ok(value)
    }

    /// Sends a body as it is with the server key, for a call that must succeed.
    ///
    /// # Errors
    /// If it does not.
    pub async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Result<Value> {
        let request = self.http.request(method, format!("{}{path}", self.url)).basic_auth(&self.server, Some(""));
        let answer = request.body(body).send().await.with_context(|| format!("{path} did not answer"))?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("{path}: {status} {text}");
        }
        serde_json::from_str(&text).context(text)
    }

    /// Sends an event as a browser does.
    ///
    /// # Errors
    /// If it is not accepted.
    pub async fn track(&self, anonymous_id: &str, event: &str, properties: Value) -> Result<()> {
        let body = json!({"type": "track", "event": event, "anonymousId": anonymous_id, "properties": properties});
        let answer = self.ok(&self.browser, Method::POST, "/v1/t", Some(body)).await?;
        if answer != json!({"success": true}) {
            bail!("not accepted: {answer}");
        }
        Ok(())
    }

    /// A view of a product.
    ///
    /// # Errors
    /// If it is not accepted.
    pub async fn view(&self, anonymous_id: &str, product: &str) -> Result<()> {
        self.track(anonymous_id, "Product Viewed", json!({"product_id": product})).await
    }

    /// Asks for recommendations with the browser key.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn recommend(&self, placement: &str, question: Value) -> Result<Value> {
        let path = format!("/v1/recommendations/{placement}");
        self.ok(&self.browser, Method::POST, &path, Some(question)).await
    }

    /// The same shop at another address.
    #[must_use]
    pub fn moved_to(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// Writes products.
    ///
    /// # Errors
    /// If they are refused.
    pub async fn stock(&self, products: &Value) -> Result<Value> {
        self.ok(&self.server, Method::PUT, "/v1/products", Some(products.clone())).await
    }

    /// Trains the shop and waits for it.
    ///
    /// # Errors
    /// If the training fails.
    pub async fn retrain(&self) -> Result<Value> {
        vitrine_local::client::retrain(&self.url, &self.server).await
    }

    /// Asks until an answer is as expected, for at most half a minute.
    ///
    /// # Errors
    /// If it never is; the last answer is named.
    pub async fn eventually(&self, path: &str, expected: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        for _ in 0..600 {
            let (status, value) = self.call(&self.server, Method::GET, path, None).await?;
            if status.is_success() && expected(&value) {
                return Ok(value);
            }
            last = value;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("{path} never became as expected; it was {last}")
    }
}

/// The product ids of an answer.
#[must_use]
pub fn ids(answer: &Value) -> Vec<String> {
    let items = answer["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| item["product_id"].as_str().map(str::to_owned)).collect()
}

/// A small catalogue: `per` products in each category, named `<category>-<n>`.
#[must_use]
pub fn catalogue(categories: &[&str], per: usize) -> Value {
    let product = |category: &&str, n: usize| {
        json!({
            "id": format!("{category}-{n}"), "title": format!("{category} number {n}"), "category": ["All", category],
            "brand": format!("Brand {}", n % 3), "price": 1.0 + n as f64, "currency": "EUR",
            "attributes": {"colour": if n.is_multiple_of(2) { "red" } else { "blue" }},
        })
    };
    categories.iter().flat_map(|category| (0..per).map(move |n| product(category, n))).collect()
}
