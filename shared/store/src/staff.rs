//! The people who run a shop: name, role and the hash of a password. What they sign in with becomes a session, which is a
//! server key that ends; so whatever they do goes the way every client goes.

use serde::{Deserialize, Serialize};
use vitrine_domain::{Millis, Shop};

use crate::api_keys::{Grant, KeyKind, Scope, Scopes};
use crate::table::{Table, document, item};
use crate::{Result, keys};

/// Most people of a shop.
pub const MAX_STAFF: usize = 200;
/// Longest name, in bytes.
pub const MAX_NAME: usize = 40;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at everything but visitors, and changes nothing.
    Viewer,
    /// Changes placements, rules, segments, experiments and settings too.
    Marketer,
    /// Sees visitors, and decides about keys and staff too.
    Admin,
}

impl Role {
    /// Every role, in the order of what it may do.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Marketer, Self::Admin];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Marketer => "marketer",
            Self::Admin => "admin",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What a session of this role may do.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        let mut scopes = Scopes::from([Scope::View, Scope::Read]);
        if self >= Self::Marketer {
            scopes.insert(Scope::Manage);
        }
        if self >= Self::Admin {
            scopes.extend([Scope::Privacy, Scope::Keys]);
        }
        scopes
    }
}

/// One of a shop's staff.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// Signs in with it, and stands beside every change.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The password's hash, with its salt and cost (a PHC string).
    pub password: String,
    /// When they were taken in.
    pub created: Millis,
    /// When role or password were last changed.
    pub changed: Millis,
}

impl std::fmt::Debug for Staff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staff").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

impl Staff {
    /// What a session of theirs is granted.
    #[must_use]
    pub fn grant(&self) -> Grant {
        let staff = Some(self.name.clone());
        Grant { kind: KeyKind::Server, scopes: self.role.scopes(), label: String::new(), staff }
    }
}

/// Whether somebody can have this name. What looks like a key's id is none: authors of changes are told apart by it.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let is_id = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    begins && name.len() <= MAX_NAME && name.bytes().all(plain) && !is_id
}

impl Table {
    /// One of a shop's staff.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn staff(&self, shop: &Shop, name: &str) -> Result<Option<Staff>> {
        if !is_name(name) {
            return Ok(None);
        }
        let found = self.get(keys::shop_keys(shop), &keys::staff(name)).await?;
        found.map(|item| document(&item, "one of the staff")).transpose()
    }

    /// All of a shop's staff, in the order of their names.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn staff_of(&self, shop: &Shop) -> Result<Vec<Staff>> {
        let items = self.all(&keys::shop_keys(shop), (&keys::staff(""), &keys::staff("~"))).await?;
        items.iter().map(|item| document(item, "one of the staff")).collect()
    }

    /// Takes somebody in, or changes them. Their sessions are ended by whoever calls this, afterwards.
    ///
    /// # Errors
    /// If the table cannot take it.
    pub async fn put_staff(&self, shop: &Shop, staff: &Staff) -> Result<()> {
        self.put(item(keys::shop_keys(shop), keys::staff(&staff.name), "one of the staff", staff)?).await
    }

    /// Removes somebody.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn delete_staff(&self, shop: &Shop, name: &str) -> Result<()> {
        self.delete(keys::shop_keys(shop), &keys::staff(name)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_may_do_what_the_one_before_it_may() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[0].scopes().is_subset(&pair[1].scopes()), "{pair:?}");
        }
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(Role::parse(role.as_str()), Some(role));
            assert_eq!(role.scopes().contains(&Scope::Privacy), role == Role::Admin);
        }
    }

    #[test]
    fn a_name_is_short_plain_and_no_id_of_a_key() {
        for name in ["anna", "a", "anna.b-c_9", &"a".repeat(40), "abcdefabcdefabcg"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "Anna", "9a", "a b", "a#b", "é", &"a".repeat(41), "abcdefabcdefabcd", "-a"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
