//! What a setting was, who made it so, and going back to it.

use axum::extract::Path;
use axum::response::IntoResponse;
use http::Method;
use maud::{Markup, html};
use serde_json::Value;

use super::client::Answer;
use super::fields::{Sent, escaped};
use super::guard::see;
use super::page::token;
use super::parts::{by, list, tag};
use super::session::{Desk, Face};

/// The kinds that have a history, as their addresses are called here and in the API.
const KINDS: [&str; 4] = ["placements", "rules", "segments", "experiments"];

/// The history of a setting, if it has one: what it was, by whom, and for those who may a way back.
pub(super) async fn section(desk: &Desk, kind: &str, id: &str, summary: impl Fn(&Face, &Value) -> String) -> Markup {
    let path = format!("/v1/{kind}/{}/history", escaped(id));
    // A setting as shipped has none; a page is not worth less for it.
    let Ok(history) = desk.api.get(&path).await else { return html! {} };
    let face = &*desk.face;
    let states = list(&history, "states");
    // An experiment that has begun does not become a draft again.
    let begun = kind == "experiments" && states.first().is_some_and(|state| state["value"]["status"] != "draft");
    html! {
        section aria-labelledby="history" {
            h2 id="history" { (face.t("history.title")) }
            ol class="history" {
                @for (place, state) in states.iter().enumerate() {
                    li {
                        div {
                            @if place == 0 { (tag("good", face.t("history.now"))) " " }
                            @if state["value"].is_null() { (face.t("history.gone")) }
                            @else { (summary(face, &state["value"])) }
                            " " (by(face, &state["author"], &state["written"]))
                        }
                        @if place > 0 && face.edits() && !begun {
                            form method="post" action={ "/console/undo/" (kind) "/" (escaped(id)) } {
                                (token(face))
                                input type="hidden" name="revision" value=(state["revision"].as_u64().unwrap_or_default());
                                input type="hidden" name="version" value=(states[0]["version"].as_u64().unwrap_or_default());
                                button class="small quiet" { (face.t("history.back")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) async fn undo(Path((kind, id)): Path<(String, String)>, Sent { desk, fields }: Sent) -> Answer {
    if !KINDS.contains(&kind.as_str()) {
        return Ok(http::StatusCode::NOT_FOUND.into_response());
    }
    let revision = fields.whole("revision").unwrap_or_default();
    let path = format!("/v1/{kind}/{}/undo?revision={revision}", escaped(&id));
    let now = desk.api.send(Method::POST, &path, fields.whole("version"), None).await?;
    let gone = now["value"].is_null();
    Ok(see(&if gone && kind != "placements" && kind != "segments" {
        format!("/console/{kind}?said=undone")
    } else {
        format!("/console/{kind}/{}?said=undone", escaped(&id))
    }))
}
