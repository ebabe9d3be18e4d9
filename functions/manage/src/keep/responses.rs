//! How requests to read, change and remove settings are refused: the same for every kind.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};
use vitrine_http::describe::problem;

const OF_ALL: [(u16, &str); 3] = [
    (401, "The key is missing or not known"),
    (403, "The key is not a server key"),
    (503, "A store is not available; try again shortly"),
];
const NONE: (u16, &str) = (404, "There is no such setting");
const MOVED: (u16, &str) = (412, "`If-Match` names another version than the stored one");
const WRONG: (u16, &str) = (422, "The body is no such setting, or the shop has too many; or it must stay as it is");

fn all(more: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    OF_ALL.iter().chain(more).map(|(status, why)| (status.to_string(), problem(why))).collect()
}

/// Of reading something that is always there.
pub(crate) struct Reading;

impl IntoResponses for Reading {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[])
    }
}

/// Of reading one of many.
pub(crate) struct Finding;

impl IntoResponses for Finding {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[NONE])
    }
}

/// Of writing.
pub(crate) struct Writing;

impl IntoResponses for Writing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let body = (409, "The body names another version than the stored one");
        all(&[body, MOVED, WRONG, (428, "A stored setting is changed only over a named version")])
    }
}

/// Of removing.
pub(crate) struct Removing;

impl IntoResponses for Removing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[NONE, MOVED, (422, "It cannot be removed as it stands")])
    }
}
