//! A request from its bytes to its answer. The order matters: what is refused for good is refused before anything is
//! written, and the answer comes when everything else is durable.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, Request};
use http::request::Parts;
use vitrine_http::auth::USER_TOKEN;
use vitrine_http::auth::presented_key;
use vitrine_http::consent::of_headers;
use vitrine_http::{Access, App, Problem, body as request_body};

use crate::accept::{Accepted, Terms, accept};
use crate::envelope::Envelope;
use crate::message::Kind;
use crate::schema::{Answer, Rejected};
use crate::write::Writer;
use crate::{Error, body, privacy};

/// What the handlers share.
#[derive(Debug, Clone)]
pub(crate) struct Collect {
    pub(crate) app: App,
    writer: Arc<Writer>,
}

impl Collect {
    pub(crate) fn new(app: App) -> Self {
        Self { app, writer: Arc::default() }
    }
}

impl FromRef<Collect> for App {
    fn from_ref(state: &Collect) -> Self {
        state.app.clone()
    }
}

/// The key in the headers, or in the address: beacons cannot set headers.
pub(crate) fn key_of(parts: &Parts) -> Option<String> {
    let in_address = || {
        let query = parts.uri.query()?;
        query.split('&').find_map(|pair| pair.strip_prefix("writeKey=")).map(str::to_owned)
    };
    presented_key(parts).or_else(in_address).filter(|key| !key.is_empty())
}

/// Takes a request in. `address` is the type that its address stands for.
pub(crate) async fn take(state: &Collect, request: Request, address: Option<Kind>) -> Result<Json<Answer>, Problem> {
    let (parts, inner) = request.into_parts();
    let presented = key_of(&parts);
    let said = of_headers(&parts.headers);
    let token = parts.headers.get(USER_TOKEN).cloned();
    let bytes = request_body::read(Request::from_parts(parts, inner), state).await?;
    let text = body::text(&bytes)?;
    let envelope = Envelope::parse(&text)?;
    // The body first: a bearer token in the header may be a login of the client's own, with the key in the body.
    let key = envelope.write_key.clone().or(presented).ok_or(Error::NoKey)?;
    let known = state.app.auth.key(&key).await?;
    let user = match token {
        // Events come with or without one; only what it would grant is missed.
        Some(token) => state.app.auth.user(&known.shop, token.to_str().unwrap_or_default()).await.ok(),
        None => None,
    };
    let access = Access { shop: known.shop, kind: known.kind, user };
    let shop = &access.shop;

    let context = &state.app.context;
    let now = context.clock.now();
    let purposes = state.app.defaults.of(&context.table, shop, now).await?;
    let terms = Terms { now, retention: context.config.retention, purposes, said };
    let (accepted, rejected) = sort(&envelope, address, &terms)?;
    let count = accepted.len();
    let admitted = privacy::admit(state, &access, now, accepted).await?;
    state.writer.write(&context.table, shop, now, &admitted).await?;
    metrics::counter!("events_accepted").increment(count as u64);
    if !rejected.is_empty() {
        metrics::counter!("events_refused").increment(rejected.len() as u64);
        tracing::info!(%shop, accepted = count, rejected = rejected.len(), first = rejected[0].code, "events refused");
    }
    Ok(Json(Answer::without(rejected)))
}

/// Parts what is taken from what is not. An event that is its whole request fails it.
fn sort(
    envelope: &Envelope<'_>,
    address: Option<Kind>,
    terms: &Terms,
) -> Result<(Vec<Accepted>, Vec<Rejected>), Error> {
    let mut accepted = Vec::new();
    let mut rejected = Vec::new();
    for (index, message) in envelope.messages(address).enumerate() {
        match message.and_then(|message| accept(&message, terms)) {
            Ok(one) => accepted.push(one),
            Err(error) if envelope.is_batch => rejected.push(Rejected::new(index, &error)),
            Err(error) => return Err(error),
        }
    }
    Ok((accepted, rejected))
}
