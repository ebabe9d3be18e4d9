//! What a shop's events may be used for when they say nothing themselves.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::{Fault, Purpose};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::privacy::{ID, KIND, Privacy};

use crate::keep::{self, Change, Kept, One, Standing};

/// The setting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Privacy)]
pub(crate) struct View {
    /// What events without a consent signal may be used for: `measure`, `personalise`, `experiment`, `market`.
    #[schema(value_type = Vec<String>, example = json!(["measure", "personalise", "experiment", "market"]))]
    default_purposes: Vec<Purpose>,
    /// How it stands.
    #[serde(flatten)]
    standing: Standing,
}

/// The setting as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPrivacy)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// What events without a consent signal may be used for: `measure`, `personalise`, `experiment`, `market`.
    #[schema(value_type = Vec<String>, example = json!(["measure"]))]
    default_purposes: Vec<Purpose>,
    /// The version it was made from, unless `If-Match` says it; zero for the setting as shipped.
    #[serde(default)]
    version: Option<u64>,
}

impl Wanted {
    /// Every purpose once, in one order.
    pub(crate) fn setting(self) -> Privacy {
        Privacy { default_purposes: self.default_purposes }.in_order()
    }
}

impl keep::Wanted for Wanted {
    fn version(&self) -> Option<u64> {
        self.version
    }
}

impl Kept for Privacy {
    const KIND: &'static str = KIND;

    fn show(self, standing: Standing) -> impl Serialize {
        View { default_purposes: self.in_order().default_purposes, standing }
    }

    fn faults_over(&self, _now: Option<&Self>) -> Vec<Fault> {
        Vec::new()
    }
}

impl One for Privacy {
    const ID: &'static str = ID;
    const WRONG: &'static str = "invalid-privacy";

    fn read(stored: Option<Value>) -> serde_json::Result<Self> {
        Ok(Self::read(stored))
    }
}

/// The shop's privacy setting
#[utoipa::path(get, path = "/v1/settings/privacy", tag = "manage", operation_id = "get_privacy",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        keep::Reading,
    ))]
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Look>) -> Result<Response, Problem> {
    keep::get_one::<Privacy, _>(&app, &access).await
}

/// Change the shop's privacy setting
///
/// It holds for events to come; those that were written keep what they were written with. A change takes half a minute
/// to reach every function.
#[utoipa::path(put, path = "/v1/settings/privacy", tag = "manage", operation_id = "put_privacy", request_body = Wanted,
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
