//! What the cloud takes, as `vitrine-cost` says it.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::Fault;
use vitrine_domain::results::CloudPrices;
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::settings::{CLOUD_PRICES, ONE};

use crate::keep::{self, Change, Kept, One, Standing};

/// The setting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CloudPrices)]
pub(crate) struct View {
    /// The prices; null until they are told.
    #[schema(value_type = Option<Object>)]
    prices: Option<CloudPrices>,
    /// How it stands.
    #[serde(flatten)]
    standing: Standing,
}

/// The prices as `vitrine-cost --json` prints them.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewCloudPrices)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Where.
    #[schema(example = "eu-west-3")]
    region: String,
    /// For which day the oldest of the prices is known.
    #[schema(format = Date, example = "2026-11-01")]
    as_of: String,
    /// Whether all of them were compared with the pages that they are from.
    verified: bool,
    /// These pages: 20 at most.
    #[serde(default)]
    sources: Vec<String>,
    /// Which run was multiplied.
    #[schema(example = "2026-11-29, the sample shop")]
    recorded: String,
    /// Dollars for a million lists.
    #[schema(minimum = 0, maximum = 1_000_000, example = 6.1)]
    million_decisions: f64,
    /// Dollars for a million events.
    #[schema(minimum = 0, maximum = 1_000_000, example = 3.9)]
    million_events: f64,
    /// Dollars of a month in which nobody comes: storage, schedules, trainings.
    #[schema(minimum = 0, maximum = 1_000_000, example = 2.5)]
    month: f64,
}

impl keep::Wanted for Wanted {
    fn version(&self) -> Option<u64> {
        None
    }
}

/// The prices, if they were told.
impl Kept for Option<CloudPrices> {
    const KIND: &'static str = CLOUD_PRICES;

    fn show(self, standing: Standing) -> impl Serialize {
        View { prices: self, standing }
    }

    fn faults_over(&self, _now: Option<&Self>) -> Vec<Fault> {
        self.as_ref().map(CloudPrices::faults).unwrap_or_default()
    }
}

impl One for Option<CloudPrices> {
    const ID: &'static str = ONE;
    const WRONG: &'static str = "invalid-prices";
    /// A command prints them, from what it measured and not from what was stored.
    const WHOLE: bool = true;

    fn read(stored: Option<Value>) -> serde_json::Result<Self> {
        stored.map_or(Ok(None), serde_json::from_value)
    }
}

/// What the cloud takes
#[utoipa::path(get, path = "/v1/settings/cloud-prices", tag = "manage", operation_id = "get_cloud_prices",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = View, description = "The prices as they are now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        keep::Reading,
    ))]
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Look>) -> Result<Response, Problem> {
    keep::get_one::<Option<CloudPrices>, _>(&app, &access).await
}

/// Tell what the cloud takes
///
/// The body is what `vitrine-cost --json --region REGION` prints. The business case of `/v1/results` multiplies it at once by the
/// lists and events that were measured. What was told before is replaced, unless `If-Match` names another version.
#[utoipa::path(put, path = "/v1/settings/cloud-prices", tag = "manage", operation_id = "put_cloud_prices", request_body = Wanted,
    security(("basic" = ["manage"])),
    params(("If-Match" = Option<String>, Header, description = "The version to replace, in quotes; whatever there is unless it is said")),
    responses(
        (status = 200, body = View, description = "The prices as they are now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        keep::Writing,
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Change { wanted, expected }: Change<Wanted>,
) -> Result<Response, Problem> {
    let Wanted { region, as_of, verified, sources, recorded, million_decisions, million_events, month } = wanted;
    let prices = CloudPrices { region, as_of, verified, sources, recorded, million_decisions, million_events, month };
    keep::put_one(&app, &access, expected, |_| Some(prices)).await
}
