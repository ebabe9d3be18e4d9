//! The files that pages load, part of the program. A file's name holds a hash of it, so that a browser keeps it for good and
//! still gets a new one at once.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use vitrine_http::Problem;
use vitrine_store::api_keys::hash;

struct Asset {
    stem: &'static str,
    ending: &'static str,
    kind: &'static str,
    text: &'static str,
}

const STYLE: Asset = Asset {
    stem: "console",
    ending: "css",
    kind: "text/css; charset=utf-8",
    text: concat!(include_str!("assets/base.css"), include_str!("assets/parts.css")),
};
/// htmx 2.0.11 as published; its licence (0BSD) lies beside it.
const HTMX: Asset = Asset {
    stem: "htmx",
    ending: "js",
    kind: "text/javascript; charset=utf-8",
    text: include_str!("assets/htmx-2.0.11.min.js"),
};
const SCRIPT: Asset = Asset {
    stem: "console",
    ending: "js",
    kind: "text/javascript; charset=utf-8",
    text: include_str!("assets/console.js"),
};

/// The names of the files, with their hashes.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) style: String,
    pub(super) htmx: String,
    pub(super) script: String,
}

fn name(asset: &Asset) -> String {
    let digest = hash(asset.text);
    let short = digest.get(..16).unwrap_or_default();
    format!("/console/assets/{}-{short}.{}", asset.stem, asset.ending)
}

pub(super) fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| Names { style: name(&STYLE), htmx: name(&HTMX), script: name(&SCRIPT) })
}

pub(super) async fn get(Path(wanted): Path<String>) -> Response {
    let path = format!("/console/assets/{wanted}");
    let Names { style, htmx, script } = names();
    let known = [(style, &STYLE), (htmx, &HTMX), (script, &SCRIPT)];
    let Some((_, asset)) = known.into_iter().find(|(name, _)| **name == path) else {
        return Problem::not_found("there is no such file").into_response();
    };
    ([(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")], asset.text).into_response()
}
