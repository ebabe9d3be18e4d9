//! The description of the whole API, and a page to try it.
//!
//! The document is committed: what leaves the program is seen in review when it changes. It is the merge of all
//! functions' parts; the stack on one machine, which knows them all, tests that it is.

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};
use vitrine_http::App;

/// The OpenAPI 3.1 document of all functions.
pub const OPENAPI: &str = include_str!("../openapi.json");

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vitrine",
        description = "Personalization for shops: events in, recommendations out.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags((name = "manage", description = "Running a shop: training, models, placements, rules, segments, experiments, settings")),
    modifiers(&Keys)
)]
pub(crate) struct Document;

/// The ways to present a key.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let http =
            |scheme, text| SecurityScheme::Http(HttpBuilder::new().scheme(scheme).description(Some(text)).build());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("basic", http(HttpAuthScheme::Basic, "The key as user name, no password. The scopes that it needs stand beside; without `query` it has to be a server key."));
        components.add_security_scheme("bearer", http(HttpAuthScheme::Bearer, "The key as token."));
        let query = ApiKeyValue::with_description("key", "A browser key, where a page cannot set headers.");
        components.add_security_scheme("query", SecurityScheme::ApiKey(ApiKey::Query(query)));
    }
}

/// The description of this API
#[utoipa::path(get, path = "/openapi.json", tag = "manage", operation_id = "openapi", security(()),
    responses(
        (status = 200, description = "An OpenAPI 3.1 document", content_type = "application/json"),
    ))]
pub(crate) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "max-age=300")], OPENAPI).into_response()
}

/// The page at `/docs`; all its files are in the program.
pub(crate) fn page() -> Router<App> {
    let config = Config::new(["../openapi.json"]).persist_authorization(true).try_it_out_enabled(true);
    SwaggerUi::new("/docs").config(config).into()
}
