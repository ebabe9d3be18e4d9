//! What a key may do.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::KeyKind;

/// One thing that a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Writing events.
    Events,
    /// Asking for recommendations and reading the catalogue; of a server key also for every known user, and signing user
    /// tokens.
    Read,
    /// Writing products, orders and customers.
    Catalogue,
    /// Reading placements, rules, settings, models and results, and trying them out.
    View,
    /// Changing them, which includes reading them; own vectors, trainings, jobs, decisions made again.
    Manage,
    /// What is held on a visitor.
    Privacy,
    /// Making, listing, rotating and revoking keys, and the same of the staff.
    Keys,
}

impl Scope {
    /// Every scope, in declaration order.
    pub const ALL: [Self; 7] =
        [Self::Events, Self::Read, Self::Catalogue, Self::View, Self::Manage, Self::Privacy, Self::Keys];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Read => "read",
            Self::Catalogue => "catalogue",
            Self::View => "view",
            Self::Manage => "manage",
            Self::Privacy => "privacy",
            Self::Keys => "keys",
        }
    }

    /// The scope of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// What a key may do altogether.
pub type Scopes = BTreeSet<Scope>;

/// Whether these include one: whoever may change a shop may look at it, as keys did before looking had a scope of its own.
#[must_use]
pub fn include(scopes: &Scopes, scope: Scope) -> bool {
    scopes.contains(&scope) || (scope == Scope::View && scopes.contains(&Scope::Manage))
}

/// The most that a kind of key can have: what stands in a page neither changes a shop nor reads its customers.
#[must_use]
pub fn all_of(kind: KeyKind) -> Scopes {
    match kind {
        KeyKind::Browser => Scopes::from([Scope::Events, Scope::Read]),
        KeyKind::Server => Scopes::from(Scope::ALL),
    }
}

/// Keys that were stored before there were scopes had all of their kind; [`super::ApiKey::may`] asks for the kind too.
pub(super) fn unsaid() -> Scopes {
    Scopes::from(Scope::ALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_one_name_everywhere() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("everything"), None);
    }
}
