//! `GET /v1/visitors/{id}`: the profile and what it was built from.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use vitrine_domain::profile::Decayed;
use vitrine_domain::{Millis, Profile, Visitor};
use vitrine_http::auth::scope::Privacy;
use vitrine_http::{App, Problem, ServerAccess};

use crate::fresh::{self, Fresh};

/// A visitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitorHeld)]
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
    links: Vec<Linked>,
    /// Interest as it stands now, the strongest first.
    affinities: Affinities,
}

/// What a profile was built from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sources {
    /// Events in the profile as answered.
    events: u64,
    /// Devices whose events were folded in besides the visitor's own.
    #[schema(value_type = Vec<String>)]
    partitions: Vec<Visitor>,
    /// When it was last folded; null if it never was.
    #[schema(example = "2026-11-22T14:40:00.123Z")]
    folded: Option<String>,
    /// Events that the fold had not seen when this was answered; when it is far behind, those that were met.
    unfolded_events: usize,
    /// Those of them that came after everything folded and are in the profile as answered.
    applied_now: usize,
    /// Whether the profile as answered holds every event. If not, the fold is about to mend it.
    up_to_date: bool,
}

/// The other side of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Linked {
    /// A device of the user, or a user of the device.
    #[schema(value_type = String, example = "a:2f6f9c1e-55c8-4a53-8f43-0d6c2b7f9a11")]
    visitor: Visitor,
    /// Time of the earliest event that named both.
    #[schema(example = "2026-11-22T14:40:00.123Z")]
    since: String,
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
    #[schema(example = "Pasta")]
    name: String,
    /// How strong: a view a moment ago is 1, an order 5; half of it is left after 30 days.
    #[schema(example = 3.5)]
    weight: f64,
}

/// What is held on a visitor
///
/// The profile, what it was built from, links and affinities. Events that came after the last fold are applied for the
/// answer, so it is as fresh as a recommendation.
#[utoipa::path(get, path = "/v1/visitors/{id}", tag = "privacy",
    security(("basic" = ["privacy"])),
    params(("id" = String, Path, description = "`u:<user id>`, `a:<anonymous id>`, or either without its prefix: users come first")),
    responses(
        (status = 200, description = "What is held", body = Answer),
        (status = 401, description = "The key is missing or unknown", body = Problem),
        (status = 403, description = "The key is not a server key", body = Problem),
        (status = 404, description = "Nothing is held on this visitor", body = Problem),
        (status = 422, description = "This cannot be a visitor's identifier", body = Problem),
        (status = 503, description = "The table is not available", body = Problem)))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Privacy>,
    Path(id): Path<String>,
) -> Result<Json<Answer>, Problem> {
    let now = app.context.clock.now();
    for visitor in candidates(id)? {
        if let Some(fresh) = fresh::read(&app.context.table, &access.shop, &visitor, now).await? {
            return Ok(Json(answer(visitor, fresh, now)));
        }
    }
    Err(Problem::not_found("nothing is held on a visitor of this name"))
}

pub(crate) fn candidates(id: String) -> Result<Vec<Visitor>, Problem> {
    if id.starts_with("u:") || id.starts_with("a:") {
        return Ok(vec![Visitor::parse(&id)?]);
    }
    Ok(vec![Visitor::known(id.clone())?, Visitor::anonymous(id)?])
}

pub(crate) fn answer(visitor: Visitor, fresh: Fresh, now: Millis) -> Answer {
    let Fresh { profile, folded, mut links, unfolded, applied, up_to_date } = fresh;
    links.sort_by(|a, b| (b.since, &b.other).cmp(&(a.since, &a.other)));
    let affinities = &profile.state.affinities;
    Answer {
        visitor,
        built_from: Sources {
            events: profile.state.counts.values().map(|count| u64::from(*count)).sum(),
            partitions: profile.linked.clone(),
            folded: folded.map(Millis::to_rfc3339),
            unfolded_events: unfolded,
            applied_now: applied,
            up_to_date,
        },
        links: links.into_iter().map(|link| Linked { visitor: link.other, since: link.since.to_rfc3339() }).collect(),
        affinities: Affinities {
            category: strongest(&affinities.category, now),
            brand: strongest(&affinities.brand, now),
            price_band: strongest(&affinities.price_band, now),
        },
        profile,
    }
}

fn strongest(interests: &BTreeMap<String, Decayed>, now: Millis) -> Vec<Affinity> {
    let weigh = |(name, interest): (&String, &Decayed)| Affinity {
        name: name.clone(),
        weight: (interest.value(now) * 1e4).round() / 1e4,
    };
    let mut all: Vec<Affinity> = interests.iter().map(weigh).collect();
    all.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.name.cmp(&b.name)));
    all
}
