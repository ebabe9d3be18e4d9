//! A request from its bytes to its answer. The order matters: what is refused for good is refused before anything is
//! written, and the answer comes when everything else is durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, Request};
use http::header::USER_AGENT;
use http::request::Parts;
use vitrine_domain::experiment::exposed_by;
use vitrine_domain::{Event, Millis, Shop, Visitor, robot};
use vitrine_http::auth::{USER_TOKEN, presented_key};
use vitrine_http::consent::of_headers;
use vitrine_http::{Access, App, Problem, body as request_body};
use vitrine_store::api_keys::{KeyKind, Scope};

use crate::accept::{Accepted, Terms, accept};
use crate::agreed::Agreed;
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
    pub(crate) agreed: Arc<Agreed>,
}

impl Collect {
    pub(crate) fn new(app: App) -> Self {
        Self { app, writer: Arc::default(), agreed: Arc::default() }
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
    let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).is_some_and(robot::is_crawler);
    let said = of_headers(&parts.headers);
    let token = parts.headers.get(USER_TOKEN).cloned();
    let bytes = request_body::read(Request::from_parts(parts, inner), state).await?;
    let text = body::text(&bytes)?;
    let envelope = Envelope::parse(&text)?;
    // The body first: a bearer token in the header may be a login of the client's own, with the key in the body.
    let key = envelope.write_key.clone().or(presented).ok_or(Error::NoKey)?;
    let key = state.app.auth.admit(&key, Scope::Events).await?;
    let user = match token {
        // Events come with or without one; only what it would grant is missed.
        Some(token) => state.app.auth.user(&key.shop, token.to_str().unwrap_or_default()).await.ok(),
        None => None,
    };
    let access = Access { shop: key.shop, kind: key.kind, user, personal: true };
    let shop = &access.shop;

    let context = &state.app.context;
    let now = context.clock.now();
    let purposes = state.app.defaults.of(&context.table, shop, now).await?;
    let robot = agent && access.kind == KeyKind::Browser;
    let terms = Terms { now, retention: context.config.retention, purposes, robot, said };
    let sorted = sort(&envelope, address, &terms).inspect_err(|_| metrics::counter!("events_refused").increment(1));
    let (mut accepted, mut rejected) = sorted?;
    // The shop's own servers speak for many visitors, and import what one did in years.
    if access.kind == KeyKind::Browser {
        limit(&state.app, shop, now, &mut accepted, &mut rejected)?;
    }
    let mut accepted: Vec<Accepted> = accepted.into_iter().map(|(_, one)| one).collect();
    for event in accepted.iter_mut().map(|one| &mut one.event) {
        event.drawn =
            event.granted().and_then(exposed_by).map(|id| state.app.sealer.drawn(shop, id)).unwrap_or_default();
    }
    let count = accepted.len();
    let robots = accepted.iter().filter(|one| one.event.robot).count();
    let admitted = privacy::admit(state, &access, now, accepted).await?;
    state.writer.write(&context.table, shop, now, &admitted.events).await?;
    privacy::count(&context.table, shop, &admitted).await;
    metrics::counter!("events_accepted").increment(count as u64);
    metrics::counter!("robots").increment(robots as u64);
    if !rejected.is_empty() {
        metrics::counter!("events_refused").increment(rejected.len() as u64);
        tracing::info!(%shop, accepted = count, rejected = rejected.len(), first = rejected[0].code, "events refused");
    }
    Ok(Json(Answer::without(rejected)))
}

/// Takes out the events of visitors who send too many. They are named as rejected; a request of which nothing else is left
/// fails, so that its client waits and sends it again.
///
/// Events are counted for the device that sent them: a customer's name is not secret, a device's is.
fn limit(
    app: &App,
    shop: &Shop,
    now: Millis,
    accepted: &mut Vec<(usize, Accepted)>,
    rejected: &mut Vec<Rejected>,
) -> Result<(), Problem> {
    let mut of_sender: BTreeMap<Visitor, Result<u32, Problem>> = BTreeMap::new();
    for (_, one) in &*accepted {
        if let Ok(events) = of_sender.entry(sender(&one.event)).or_insert(Ok(0)) {
            *events += 1;
        }
    }
    for (visitor, events) in &mut of_sender {
        if let Ok(count) = *events {
            *events = app.limits.events(shop, visitor, count, now).map(|()| count);
        }
    }
    let refused = of_sender.values().filter_map(|taken| taken.as_ref().err());
    if !of_sender.is_empty() && refused.clone().count() == of_sender.len() {
        // By then everybody's bucket has enough.
        let last = refused.max_by_key(|problem| problem.retry_after).cloned();
        return last.map_or(Ok(()), Err);
    }
    accepted.retain(|(index, one)| match of_sender.get(&sender(&one.event)) {
        Some(Err(problem)) => {
            rejected.push(Rejected { index: *index, code: problem.code, message: problem.detail.clone() });
            false
        }
        _ => true,
    });
    rejected.sort_by_key(|one| one.index);
    Ok(())
}

fn sender(event: &Event) -> Visitor {
    let device = event.device_id.clone().and_then(|device| Visitor::anonymous(device).ok());
    device.unwrap_or_else(|| event.visitor.clone())
}

/// What is taken, each with its place in the request, and what is not.
type Sorted = (Vec<(usize, Accepted)>, Vec<Rejected>);

/// Parts what is taken from what is not. An event that is its whole request fails it.
fn sort(envelope: &Envelope<'_>, address: Option<Kind>, terms: &Terms) -> Result<Sorted, Error> {
    let mut accepted = Vec::new();
    let mut rejected = Vec::new();
    for (index, message) in envelope.messages(address).enumerate() {
        match message.and_then(|message| accept(&message, terms)) {
            Ok(one) => accepted.push((index, one)),
            Err(error) if envelope.is_batch => rejected.push(Rejected::new(index, &error)),
            Err(error) => return Err(error),
        }
    }
    Ok((accepted, rejected))
}
