//! `GET /v1/visitors/{id}`: the profile and what it was built from.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use vitrine_domain::profile::{Decayed, Link, event_key};
use vitrine_domain::{Event, Millis, Profile, Shop, State as Folded, Visitor};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::Table;
use vitrine_store::profiles::Recent;

/// A visitor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answer {
    /// `u:<user id>` or `a:<anonymous id>`.
    #[schema(value_type = String, example = "u:853")]
    visitor: Visitor,
    /// The profile: counts, value, first touch, visits, affinities, attributes, the last actions.
    #[schema(value_type = Object)]
    profile: Profile,
    /// What the profile was built from.
    built_from: Sources,
    /// Devices of a user, or users of a device.
    #[schema(value_type = Vec<Object>)]
    links: Vec<Link>,
    /// Interest as it stands now, the strongest first.
    affinities: Affinities,
}

/// What a profile was built from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sources {
    /// Events in the profile.
    events: u32,
    /// Devices whose events were folded in besides the visitor's own.
    #[schema(value_type = Vec<String>)]
    partitions: Vec<Visitor>,
    /// When it was last folded; null if it never was.
    folded: Option<String>,
    /// Events that came after that and were applied for this answer.
    applied_now: usize,
}

/// Interest by what it is in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Affinities {
    category: Vec<Affinity>,
    brand: Vec<Affinity>,
    price_band: Vec<Affinity>,
}

/// One interest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Affinity {
    /// In what.
    name: String,
    /// How strong: a view a moment ago is 1, an order 5; half of it is left after 30 days.
    weight: f64,
}

/// What is held on a visitor
#[utoipa::path(get, path = "/v1/visitors/{id}", tag = "privacy",
    params(("id" = String, Path, description = "`u:<user id>`, `a:<anonymous id>`, or either without its prefix: users come first")),
    responses((status = 200, body = Answer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess,
    Path(id): Path<String>,
) -> Result<Json<Answer>, Problem> {
    let table = &app.context.table;
    let now = app.context.clock.now();
    for visitor in candidates(id)? {
        let recent = table.recent(&access.shop, &visitor).await?;
        if recent.profile.is_some() || !recent.events.is_empty() {
            return answer(table, &access.shop, visitor, recent, now).await.map(Json);
        }
    }
    Err(Problem::not_found("nothing is held on a visitor of this name"))
}

fn candidates(id: String) -> Result<Vec<Visitor>, Problem> {
    if id.starts_with("u:") || id.starts_with("a:") {
        return Ok(vec![Visitor::parse(&id)?]);
    }
    Ok(vec![Visitor::known(id.clone())?, Visitor::anonymous(id)?])
}

async fn answer(table: &Table, shop: &Shop, visitor: Visitor, recent: Recent, now: Millis) -> Result<Answer, Problem> {
    let links = recent.links.clone();
    let folded = recent.profile.as_ref().map(|profile| profile.folded.to_rfc3339());
    let newer = newer(&recent);
    let applied_now = newer.len();
    let mut profile = recent.profile.unwrap_or_else(|| Profile {
        visitor: visitor.clone(),
        version: 0,
        state: Folded::default(),
        linked: Vec::new(),
        folded: now,
        compacted: None,
    });
    if !newer.is_empty() {
        let catalogue = facts(table, shop, &newer).await?;
        for event in &newer {
            profile.state.apply(event, &catalogue);
        }
    }
    Ok(Answer {
        visitor,
        built_from: Sources {
            events: profile.state.counts.values().sum(),
            partitions: profile.linked.clone(),
            folded,
            applied_now,
        },
        links,
        affinities: Affinities {
            category: strongest(&profile.state.affinities.category, now),
            brand: strongest(&profile.state.affinities.brand, now),
            price_band: strongest(&profile.state.affinities.price_band, now),
        },
        profile,
    })
}

/// Events after everything that is folded. What arrived late among folded ones waits for the fold, which alone can put
/// it in its place.
fn newer(recent: &Recent) -> Vec<Event> {
    let latest = recent.profile.as_ref().map_or(&[][..], |profile| &profile.state.latest);
    let known = |event: &Event| latest.contains(&event_key(event.time, event.id.as_str()));
    let after = recent.events.iter().rposition(known).map_or(0, |last| last + 1);
    recent.events.iter().skip(after).cloned().collect()
}

/// What the catalogue says of the products that events name.
async fn facts(
    table: &Table,
    shop: &Shop,
    events: &[Event],
) -> Result<BTreeMap<String, vitrine_domain::profile::Facts>, Problem> {
    let ids: Vec<_> = events.iter().flat_map(|event| event.lines.iter().map(|line| line.product.clone())).collect();
    let products = table.products(shop, &ids).await?;
    let facts = |product: &vitrine_domain::Product| vitrine_domain::profile::Facts {
        category: product.leaf_category().map(str::to_owned),
        brand: product.brand.clone(),
        price: product.current_price(),
    };
    Ok(products.iter().map(|(id, product)| (id.to_string(), facts(product))).collect())
}

fn strongest(interests: &BTreeMap<String, Decayed>, now: Millis) -> Vec<Affinity> {
    let mut all: Vec<Affinity> = interests
        .iter()
        .map(|(name, interest)| Affinity { name: name.clone(), weight: (interest.value(now) * 1e4).round() / 1e4 })
        .collect();
    all.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.name.cmp(&b.name)));
    all
}
