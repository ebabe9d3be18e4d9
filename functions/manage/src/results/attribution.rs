//! By what a shop's results are made.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::Fault;
use vitrine_domain::results::Attribution;
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::settings::{ATTRIBUTION, ONE};

use crate::keep::{self, Change, Kept, One, Standing};

/// The setting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attribution)]
pub(crate) struct View {
    /// The currency of all amounts; none for the one of most orders.
    currency: Option<String>,
    /// Days after a click in which an order of the product is the placement's.
    click_days: f64,
    /// Days after a product was shown, and not clicked, in which an order of it is noted with the placement.
    view_days: f64,
    /// What is left of a unit of revenue when goods and shipping are paid.
    margin: Option<f64>,
    /// What a month costs besides the cloud; all that it costs, without the prices of the cloud.
    cost_per_month: Option<f64>,
    /// What a dollar is in the currency; without it prices of the cloud count for shops that sell in dollars.
    per_dollar: Option<f64>,
    /// How it stands.
    #[serde(flatten)]
    standing: Standing,
}

/// The setting as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewAttribution)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The currency of all amounts, three capital letters; the one of most orders unless said otherwise.
    #[schema(example = "EUR", min_length = 3, max_length = 3)]
    currency: Option<String>,
    /// Days after a click in which an order of the product is the placement's: above 0, at most 90.
    #[schema(exclusive_minimum = 0, maximum = 90, example = 7)]
    click_days: f64,
    /// Days after a product was shown, and not clicked, in which an order of it is noted with the placement: 0 to 90.
    #[schema(minimum = 0, maximum = 90, example = 1)]
    view_days: f64,
    /// What is left of a unit of revenue when goods and shipping are paid: above 0, at most 1. With the cost it makes the business
    /// case.
    #[schema(exclusive_minimum = 0, maximum = 1, example = 0.3)]
    margin: Option<f64>,
    /// What personalization costs a month, in the currency, besides what `/v1/settings/cloud-prices` knows: the people who tend it.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 400)]
    cost_per_month: Option<f64>,
    /// What a dollar is in the currency: above 0, at most 1,000,000. The cloud's prices are in dollars.
    #[schema(exclusive_minimum = 0, maximum = 1_000_000, example = 0.9)]
    per_dollar: Option<f64>,
    /// The version it was made from, unless `If-Match` says it; zero for the setting as shipped.
    version: Option<u64>,
}

impl Wanted {
    pub(crate) fn setting(self) -> Attribution {
        let Self { currency, click_days, view_days, margin, cost_per_month, per_dollar, .. } = self;
        Attribution { currency, click_days, view_days, margin, cost_per_month, per_dollar }
    }
}

impl keep::Wanted for Wanted {
    fn version(&self) -> Option<u64> {
        self.version
    }
}

impl Kept for Attribution {
    const KIND: &'static str = ATTRIBUTION;

    fn show(self, standing: Standing) -> impl Serialize {
        let Self { currency, click_days, view_days, margin, cost_per_month, per_dollar } = self;
        View { currency, click_days, view_days, margin, cost_per_month, per_dollar, standing }
    }

    fn faults_over(&self, _now: Option<&Self>) -> Vec<Fault> {
        self.faults()
    }
}

impl One for Attribution {
    const ID: &'static str = ONE;
    const WRONG: &'static str = "invalid-attribution";

    fn read(stored: Option<Value>) -> serde_json::Result<Self> {
        stored.map_or_else(|| Ok(Self::default()), serde_json::from_value)
    }
}

/// By what results are made
#[utoipa::path(get, path = "/v1/settings/attribution", tag = "manage", operation_id = "get_attribution",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        keep::Reading,
    ))]
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Look>) -> Result<Response, Problem> {
    keep::get_one::<Attribution, _>(&app, &access).await
}

/// Change by what results are made
///
/// Windows and currency hold for all results, those of the past too, from the next training on; what makes the business case holds at once.
#[utoipa::path(put, path = "/v1/settings/attribution", tag = "manage", operation_id = "put_attribution", request_body = Wanted,
    security(("basic" = ["manage"])),
    params(("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes")),
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        keep::Writing,
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Change { wanted, expected }: Change<Wanted>,
) -> Result<Response, Problem> {
    keep::put_one(&app, &access, expected, |_| wanted.setting()).await
}
