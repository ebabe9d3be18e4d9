//! Groups of visitors that nobody has defined.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vitrine_domain::clusters::{Cluster, Clusters, Trait, Worth};
use vitrine_http::auth::scope::View as Look;
use vitrine_http::{App, Parameters, Problem, ServerAccess};

/// The groups that the shop's visitors fall into.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnknownSegments)]
pub(crate) struct View {
    /// When they were found.
    #[schema(format = DateTime)]
    made: String,
    /// Visitors who were looked at: all, or a random part of many.
    visitors: u64,
    /// How alike two halves of them divide everybody, for each number of groups: 1 is the same, 0 chance. The number of groups is
    /// one that is stable, above .8, if there is one.
    stability: Vec<Stability>,
    /// Whether this number of groups is stable. Where none is, the groups are those of the most stable number: other visitors of the
    /// shop might fall into others.
    stable: bool,
    /// The groups, those that are worth most first; none with fewer than 100 visitors.
    groups: Vec<Group>,
}

/// How stable a number of groups is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnknownStability)]
pub(crate) struct Stability {
    /// So many groups.
    groups: usize,
    /// The mean adjusted Rand index.
    stability: f64,
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnknownSegment)]
pub(crate) struct Group {
    /// Its number, which it keeps as long as it is found again.
    id: u32,
    /// What set it apart when it was first found, in English; it is renamed when that is true no longer.
    name: String,
    /// The same in French.
    name_fr: String,
    /// Its share of the visitors.
    share: f64,
    /// Its share of the revenue.
    revenue_share: f64,
    /// Revenue of each of its visitors.
    revenue_each: f64,
    /// Its share of the margin; null where products say no costs. A group that is sold to at a loss has one below 0.
    margin_share: Option<f64>,
    /// Margin of each of its visitors.
    margin_each: Option<f64>,
    /// Revenue of the last 30 days against the 30 before, less one.
    growth: Option<f64>,
    /// What sets it apart, the clearest first: feature, category, more or less, the mean of the group and of everybody.
    #[schema(value_type = Vec<Object>)]
    traits: Vec<Trait>,
    /// A filter that most of the group pass and few others: `PUT /v1/segments/{id}` makes a segment of it. Empty where none tells the
    /// group from others.
    filter: String,
    /// Of those who pass the filter, the share that is of the group.
    precision: f64,
    /// Of the group, the share that passes the filter.
    recall: f64,
}

impl From<Cluster> for Group {
    fn from(cluster: Cluster) -> Self {
        let [name, name_fr] = cluster.name();
        Self {
            id: cluster.id,
            name,
            name_fr,
            share: cluster.share,
            revenue_share: cluster.revenue_share,
            revenue_each: cluster.revenue_each,
            margin_share: cluster.margin_share,
            margin_each: cluster.margin_each,
            growth: cluster.growth,
            traits: cluster.traits,
            filter: cluster.filter,
            precision: cluster.precision,
            recall: cluster.recall,
        }
    }
}

/// What groups are ranked by.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ranked {
    /// `revenue`, the default, `margin` or `growth`. Groups of which it is not known come last.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    sort: Worth,
}

/// Groups of visitors that nobody has defined
///
/// Found by every training in what visitors do and like, as many as are stable, and ranked by what they are worth.
#[utoipa::path(get, path = "/v1/segments/unknown", tag = "manage", operation_id = "get_unknown_segments", params(Ranked),
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = View, description = "The groups"),
        (status = 400, body = Problem, description = "They are ranked by nothing of this name"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "There are none before the first training"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Look>,
    Parameters(Ranked { sort }): Parameters<Ranked>,
) -> Result<Json<View>, Problem> {
    let why = "there are no groups yet: a training finds them; `POST /v1/retrain` begins one";
    let none = || Problem::new(StatusCode::CONFLICT, "no-results", why);
    let mut found = app.context.objects.clusters(&access.shop).await?.ok_or_else(none)?;
    found.rank(sort);
    let Clusters { at, visitors, stability, stable, groups, .. } = found;
    let numbered = stability.into_iter().zip(2..);
    Ok(Json(View {
        made: at.to_rfc3339(),
        visitors,
        stability: numbered.map(|(stability, groups)| Stability { groups, stability }).collect(),
        stable,
        groups: groups.into_iter().map(Group::from).collect(),
    }))
}
