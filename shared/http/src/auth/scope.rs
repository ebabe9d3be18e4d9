//! What an address needs of a server key, as types: a handler cannot be written without saying it.

use vitrine_store::api_keys::{ApiKey, Scope};

/// What is needed of a key.
pub trait Needed {
    /// The scope that the key lacks, if it lacks one.
    fn lacking(key: &ApiKey) -> Option<Scope>;
}

fn lacks(key: &ApiKey, scope: Scope) -> Option<Scope> {
    (!key.may(scope)).then_some(scope)
}

/// Every scope there is.
#[derive(Debug, Clone, Copy)]
pub enum All {}

impl Needed for All {
    fn lacking(key: &ApiKey) -> Option<Scope> {
        Scope::ALL.into_iter().find_map(|scope| lacks(key, scope))
    }
}

/// What became of a job: for whoever may begin one.
#[derive(Debug, Clone, Copy)]
pub enum Jobs {}

impl Needed for Jobs {
    fn lacking(key: &ApiKey) -> Option<Scope> {
        lacks(key, Scope::Manage).filter(|_| !key.may(Scope::Catalogue))
    }
}

/// [`Scope::Catalogue`].
#[derive(Debug, Clone, Copy)]
pub enum Catalogue {}

/// [`Scope::View`].
#[derive(Debug, Clone, Copy)]
pub enum View {}

/// [`Scope::Manage`].
#[derive(Debug, Clone, Copy)]
pub enum Manage {}

/// [`Scope::Privacy`].
#[derive(Debug, Clone, Copy)]
pub enum Privacy {}

/// [`Scope::Keys`].
#[derive(Debug, Clone, Copy)]
pub enum Keys {}

macro_rules! needs_the_one_of_its_name {
    ($($name:ident),*) => {
        $(impl Needed for $name {
            fn lacking(key: &ApiKey) -> Option<Scope> {
                lacks(key, Scope::$name)
            }
        })*
    };
}

needs_the_one_of_its_name!(Catalogue, View, Manage, Privacy, Keys);
