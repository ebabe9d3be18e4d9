//! Whether what is known of who asks may be used, and the decision be kept under their name.
//!
//! Not if they refused, in this request (`Sec-GPC: 1`) or before, nor if they were erased; and where the shop's setting does
//! not grant it, only if something is held on them, which is so only of those who agreed. Then the list is made from what the
//! page is about and what others want, and its decision is nobody's. If it cannot be told, it is as if they had refused.

use vitrine_domain::{Purpose, Purposes, Visitor};
use vitrine_http::problem::causes;
use vitrine_store::tombstones::Barred;

use crate::visit::Said;

/// What is known of the consent of who asks.
#[derive(Debug)]
pub(crate) struct Consent {
    /// None if it could not be told.
    barred: Option<Barred>,
    /// None if it could not be told.
    default: Option<Purposes>,
}

/// Reads what is known, if it can be read in time.
pub(crate) async fn read(state: &crate::State, shop: &vitrine_domain::Shop, visitors: &[Visitor]) -> Consent {
    if visitors.is_empty() {
        return Consent { barred: Some(Barred::default()), default: Some(Purposes::ALL) };
    }
    let (context, now) = (&state.app.context, state.app.context.clock.now());
    let table = &context.table;
    let barred = table.barred(&state.app.guard, shop, visitors.iter().cloned(), now);
    let default = state.app.defaults.of(&context.table, shop, now);
    let patience = context.deadlines.visitor;
    let (barred, default) =
        tokio::join!(tokio::time::timeout(patience, barred), tokio::time::timeout(patience, default));
    for error in
        [barred.as_ref().ok().and_then(|b| b.as_ref().err()), default.as_ref().ok().and_then(|d| d.as_ref().err())]
            .into_iter()
            .flatten()
    {
        tracing::warn!(cause = %causes(error), "done without the visitor's consent");
    }
    Consent { barred: barred.ok().and_then(Result::ok), default: default.ok().and_then(Result::ok) }
}

impl Consent {
    /// Whether it could not be told who refused.
    pub(crate) const fn is_unknown(&self) -> bool {
        self.barred.is_none()
    }

    /// Whether what is said of the visitors may be used.
    pub(crate) fn allows(&self, visitors: &[Visitor], said: Option<&Said>) -> bool {
        let Some(barred) = &self.barred else { return false };
        if visitors.iter().any(|visitor| barred.refused(visitor) || barred.is_whole(visitor)) {
            return false;
        }
        self.default.is_some_and(|default| default.allows(Purpose::Personalise))
            || said.is_some_and(|said| !said.is_empty())
    }

    /// What the visitor allows: what their newest event was sent with, or else the shop's setting. Nothing if either could not
    /// be told.
    pub(crate) fn purposes(&self, said: Option<&Said>) -> Purposes {
        let (Some(default), Some(said)) = (self.default, said) else { return Purposes::NONE };
        said.purposes().unwrap_or(default)
    }
}
