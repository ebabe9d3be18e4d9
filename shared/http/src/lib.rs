//! What every HTTP function shares: errors as problem+json, keys and user tokens, limits, request ids, CORS, sealed
//! identifiers.

pub mod auth;
pub mod body;
pub mod consent;
pub mod describe;
pub mod layers;
pub mod limit;
mod parameters;
pub mod passwords;
pub mod problem;
mod said;
mod traces;

use std::sync::Arc;

pub use auth::{Access, Authenticator, ServerAccess};
pub use body::Body;
pub use limit::Limiter;
pub use parameters::Parameters;
pub use problem::Problem;
pub use said::said;
pub use vitrine_domain::fault::is_word;
use vitrine_runtime::Context;
pub use vitrine_runtime::seal::{self, Sealer};
use vitrine_store::tombstones::Guard;

/// The state of every HTTP function. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// Table, object store, clock, settings.
    pub context: Context,
    /// Checks keys and user tokens.
    pub auth: Arc<Authenticator>,
    /// Counts what keys and visitors ask.
    pub limits: Arc<Limiter>,
    /// Seals decision ids and cursors.
    pub sealer: Sealer,
    /// Remembers for a moment who was not erased.
    pub guard: Arc<Guard>,
    /// What shops' events may be used for when they say nothing themselves.
    pub defaults: Arc<consent::Defaults>,
    /// Where the whole API is reached from here, if that is known: `http://127.0.0.1:8080`. In the cloud each request says it.
    pub endpoint: Option<Arc<str>>,
}

impl App {
    /// Builds the state once, at cold start.
    #[must_use]
    pub fn new(context: Context) -> Self {
        let limits = Arc::new(Limiter::new(&context.limits));
        let auth = Arc::new(Authenticator::new(context.table.clone(), context.clock.clone(), limits.clone()));
        let sealer = Sealer::new(&context.config.secret);
        let guard = Arc::new(Guard::new(context.tombstone_key()));
        Self { context, auth, limits, sealer, guard, defaults: Arc::default(), endpoint: None }
    }

    /// The same, reached at an address.
    #[must_use]
    pub fn at(self, endpoint: &str) -> Self {
        Self { endpoint: Some(endpoint.into()), ..self }
    }
}
