//! The console as a client of the public API: one place that asks, and one that turns a refusal into a sentence.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use maud::html;
use reqwest::header::{ACCEPT_LANGUAGE, IF_MATCH};
use serde_json::Value;

use super::page;
use super::parts::notice;
use super::session::{Face, outside};

/// Longest address of the API in bytes; nothing has a longer one. The HTTP library refuses more than 64 KiB in its own way.
const ADDRESS: usize = 32 * 1024;

/// Longer than anything that a page asks takes; a gateway gives up after 29 s.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn http() -> reqwest::Client {
    vitrine_store::choose_tls();
    reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build().unwrap_or_default()
}

/// The API as the session's key opens it.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: reqwest::Client,
    base: Option<String>,
    key: String,
    face: Arc<Face>,
}

/// Why a page cannot be made, or something not be done.
#[derive(Debug)]
pub(super) struct Trouble {
    face: Arc<Face>,
    pub(super) status: StatusCode,
    /// A sentence.
    pub(super) detail: String,
    /// Places in what was sent, and what is wrong there.
    pub(super) faults: Vec<(String, String)>,
}

/// What a handler answers.
pub(super) type Answer = Result<Response, Trouble>;

impl Api {
    pub(super) fn new(http: reqwest::Client, base: Option<String>, key: String, face: Arc<Face>) -> Self {
        Self { http, base, key, face }
    }

    fn trouble(&self, status: StatusCode, detail: &str) -> Trouble {
        Trouble { face: self.face.clone(), status, detail: detail.to_owned(), faults: Vec::new() }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Trouble> {
        self.send(Method::GET, path, None, None).await
    }

    /// The same; nothing where there is nothing, or the session may not see it.
    pub(super) async fn find(&self, path: &str) -> Result<Option<Value>, Trouble> {
        match self.get(path).await {
            Ok(value) => Ok(Some(value)),
            Err(trouble) if matches!(trouble.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        self.send(Method::POST, path, None, Some(body)).await
    }

    /// Writes over a version.
    pub(super) async fn put(&self, path: &str, version: u64, body: &Value) -> Result<Value, Trouble> {
        self.send(Method::PUT, path, Some(version), Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str, version: Option<u64>) -> Result<Value, Trouble> {
        self.send(Method::DELETE, path, version, None).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        version: Option<u64>,
        body: Option<&Value>,
    ) -> Result<Value, Trouble> {
        if path.len() > ADDRESS {
            return Err(self.trouble(StatusCode::NOT_FOUND, self.face.t("trouble.nothing")));
        }
        let unavailable = || self.trouble(StatusCode::SERVICE_UNAVAILABLE, self.face.t("trouble.unavailable"));
        let base = self.base.as_deref().ok_or_else(unavailable)?;
        let mut call = self.http.request(method, format!("{base}{path}")).bearer_auth(&self.key);
        call = call.header(ACCEPT_LANGUAGE, self.face.language.code());
        if let Some(version) = version {
            call = call.header(IF_MATCH, format!("\"{version}\""));
        }
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = call.send().await.map_err(|error| {
            tracing::warn!(cause = %error, "the console does not reach the API");
            unavailable()
        })?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|_| unavailable())?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        Err(self.refusal(status, &value))
    }

    fn refusal(&self, status: StatusCode, problem: &Value) -> Trouble {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let told = |value: &Value| self.face.language.told(value.as_str().unwrap_or_default());
        let detail = match status {
            StatusCode::FORBIDDEN => self.face.t("trouble.forbidden").to_owned(),
            StatusCode::NOT_FOUND => self.face.t("trouble.nothing").to_owned(),
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED | StatusCode::PRECONDITION_REQUIRED
                if matches!(
                    problem["code"].as_str(),
                    Some("conflict" | "precondition-failed" | "precondition-required")
                ) =>
            {
                self.face.t("trouble.changed").to_owned()
            }
            StatusCode::UNPROCESSABLE_ENTITY => self.face.t("trouble.wrong").to_owned(),
            StatusCode::TOO_MANY_REQUESTS => self.face.t("trouble.busy").to_owned(),
            _ if status.is_server_error() => self.face.t("trouble.unavailable").to_owned(),
            _ => told(&problem["detail"]),
        };
        let errors = problem["errors"].as_array().into_iter().flatten();
        // What the API says of JSON of another shape is for those who write JSON.
        let shapeless = problem["code"] == "unexpected-shape";
        let how =
            |error: &Value| if shapeless { self.face.t("trouble.shape").to_owned() } else { told(&error["detail"]) };
        let faults: Vec<_> = errors.map(|error| (text(&error["pointer"]), how(error))).collect();
        // What no place is named for is said as it is.
        let detail = if status == StatusCode::UNPROCESSABLE_ENTITY && faults.is_empty() {
            told(&problem["detail"])
        } else {
            detail
        };
        Trouble { face: self.face.clone(), status, detail, faults }
    }
}

impl Trouble {
    /// There is nothing of this name.
    pub(super) fn nothing(face: &Arc<Face>) -> Self {
        let detail = face.t("trouble.nothing").to_owned();
        Self { face: face.clone(), status: StatusCode::NOT_FOUND, detail, faults: Vec::new() }
    }

    /// The role does not allow it: what the API would say.
    pub(super) fn forbidden(face: &Arc<Face>) -> Self {
        let detail = face.t("trouble.forbidden").to_owned();
        Self { face: face.clone(), status: StatusCode::FORBIDDEN, detail, faults: Vec::new() }
    }

    /// The form was made for another session, or for none.
    pub(super) fn stale(face: &Arc<Face>) -> Self {
        let detail = face.t("trouble.stale").to_owned();
        Self { face: face.clone(), status: StatusCode::FORBIDDEN, detail, faults: Vec::new() }
    }

    /// What was to be new has the name of something else.
    pub(super) fn taken(face: &Arc<Face>) -> Self {
        let detail = face.t("form.taken").to_owned();
        Self { face: face.clone(), status: StatusCode::PRECONDITION_FAILED, detail, faults: Vec::new() }
    }

    /// Of something that was to be new: another one has its name.
    pub(super) fn of_new(self) -> Self {
        if self.status == StatusCode::PRECONDITION_FAILED { Self::taken(&self.face) } else { self }
    }

    /// Whether somebody can mend it in the form.
    pub(super) fn is_mendable(&self) -> bool {
        self.status.is_client_error() && !matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// The sentence, and what is wrong where no field of a form stands.
    pub(super) fn told(&self) -> maud::Markup {
        html! {
            (self.detail)
            @if !self.faults.is_empty() {
                ul class="faults" { @for (place, how) in &self.faults { li { code { (place) } " " (how) } } }
            }
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        if self.status == StatusCode::UNAUTHORIZED {
            return outside(&self.face, true);
        }
        let told = notice("bad", html! { (self.told()) });
        if self.face.part {
            return (self.status, told).into_response();
        }
        let title = self.face.t("trouble.title");
        let body = html! {
            (told)
            p { a class="button quiet" href="/console" { (self.face.t("nav.overview")) } }
        };
        (self.status, page::shell(&self.face, title, &body)).into_response()
    }
}
