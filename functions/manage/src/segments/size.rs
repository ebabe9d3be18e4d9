//! How large a segment would be, before it is saved.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::Segment;
use vitrine_domain::filter::Person;
use vitrine_domain::segment::{Size, memberships};
use vitrine_http::auth::scope::View;
use vitrine_http::{App, Body, Problem, ServerAccess};

use crate::{filters, keep};

/// A segment that is not saved.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SegmentQuestion)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// Who would be in it: a filter over visitors, text or JSON.
    #[schema(schema_with = filters::schema)]
    filter: Value,
}

/// An estimate of a segment's size.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SegmentSize)]
pub(crate) struct Estimate {
    /// The share of visitors who are in it, 0 to 1.
    share: f64,
    /// How many that makes.
    visitors: u64,
    /// Lower end of the interval that holds the true number in 95 of 100 estimates.
    low: u64,
    /// Its upper end.
    high: u64,
    /// Visitors who were looked at: all, if there are few; the estimate is exact then.
    sample: usize,
    /// Visitors there were.
    of: u64,
    /// When the sample was taken: by the last daily sweep.
    #[schema(format = DateTime)]
    counted: String,
}

/// How large a segment would be
///
/// Estimated from a random sample of at most 1,000 visitors that the daily sweep takes: what they did until then, and where
/// they stand now.
#[utoipa::path(post, path = "/v1/segments/size", tag = "manage", operation_id = "post_segment_size", request_body = Question,
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = Estimate, description = "The size, with its interval"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "There is no sample yet: before the first daily sweep, or after an erasure until the next one"),
        (status = 422, body = Problem, description = "The body is no segment"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn size(
    State(app): State<App>,
    access: ServerAccess<View>,
    Body(question): Body<Question>,
) -> Result<Json<Estimate>, Problem> {
    let wrong = || Problem::unprocessable("invalid-segment", "this is no segment; `errors` says where");
    let filter = filters::read(&question.filter).map_err(|why| wrong().at("/filter", why))?;
    let id = "asked".to_owned();
    let segment = Segment { id: id.clone(), name: String::new(), description: String::new(), filter };
    let faults = segment.faults();
    if !faults.is_empty() {
        return Err(keep::refused("invalid-segment", "this is no segment; `errors` says where", faults));
    }
    let census = app.context.objects.census(&access.shop).await?;
    let none = || {
        let why = "there is no sample of visitors yet: the daily sweep takes one";
        Problem::new(StatusCode::CONFLICT, "no-sample", why)
    };
    let census = census.filter(|census| !census.sample.is_empty()).ok_or_else(none)?;
    let (head, now) = (census.head, app.context.clock.now());
    let is_in = |state: &&vitrine_domain::State| {
        let person = Person { state, now };
        memberships([&segment], person, head.scale.as_ref()) == BTreeSet::from([id.clone()])
    };
    let (found, sample) = (census.sample.iter().filter(is_in).count(), census.sample.len());
    let size = Size::estimate(found as u64, sample as u64, head.visitors).ok_or_else(none)?;
    let Size { share, visitors, low, high } = size;
    Ok(Json(Estimate { share, visitors, low, high, sample, of: head.visitors, counted: head.at.to_rfc3339() }))
}
