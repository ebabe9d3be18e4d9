//! What a setting was, who made it so, and going back to it; and what was removed.

use axum::extract::Path;
use axum::response::IntoResponse;
use http::Method;
use maud::{Markup, html};
use serde_json::Value;

use super::client::{Answer, Trouble};
use super::fields::{Sent, escaped};
use super::guard::see;
use super::page::{back, page, token};
use super::parts::{by, list, named, tag, text};
use super::session::{Desk, Face};

/// The kinds that have a history, as their addresses are called here and in the API; the last are parts of one page.
const KINDS: [&str; 5] = ["placements", "rules", "segments", "experiments", SETTINGS];
/// Settings that there is one of, each with its name.
pub(super) const SETTINGS: &str = "settings";

fn path(kind: &str, id: &str) -> String {
    format!("/v1/{kind}/{}/history", escaped(id))
}

/// A form of one button: from how something stands now to what it was.
fn undo_form(face: &Face, (kind, id): (&str, &str), (now, was): (&Value, &Value), button: &Markup) -> Markup {
    html! {
        form method="post" action={ "/console/undo/" (kind) "/" (escaped(id)) } {
            (token(face))
            input type="hidden" name="revision" value=(was["revision"].as_u64().unwrap_or_default());
            input type="hidden" name="version" value=(now["version"].as_u64().unwrap_or_default());
            (button)
        }
    }
}

fn small(word: &str) -> Markup {
    html! { button class="small quiet" { (word) } }
}

/// States, newest first, each with a way back for those who may.
fn told(face: &Face, (kind, id): (&str, &str), states: &[Value], summary: impl Fn(&Face, &Value) -> String) -> Markup {
    // An experiment that has begun does not become a draft again.
    let status = states.first().and_then(|state| state["value"]["status"].as_str());
    let begun = kind == "experiments" && status.is_some_and(|status| status != "draft");
    // And none starts by going back.
    let starts = |state: &Value| kind == "experiments" && state["value"]["status"] == "running";
    html! {
        ol class="history" {
            @for (place, state) in states.iter().enumerate() {
                li {
                    div {
                        @if place == 0 { (tag("good", face.t("history.now"))) " " }
                        @if !state["value"].is_null() { (summary(face, &state["value"])) }
                        @else if kind == SETTINGS { (face.t("as.shipped")) }
                        @else { (face.t("history.gone")) }
                        " " (by(face, &state["author"], &state["written"]))
                    }
                    @if place > 0 && face.edits() && !begun && !starts(state) {
                        (undo_form(face, (kind, id), (&states[0], state), &small(face.t("history.back"))))
                    }
                }
            }
        }
    }
}

/// The history of a setting, if it has one: what it was, by whom, and for those who may a way back.
pub(super) async fn section(desk: &Desk, kind: &str, id: &str, summary: impl Fn(&Face, &Value) -> String) -> Markup {
    // A setting as shipped has none; a page is not worth less for it.
    let Ok(history) = desk.api.get(&path(kind, id)).await else { return html! {} };
    let (face, states) = (&*desk.face, told(&desk.face, (kind, id), list(&history, "states"), summary));
    if kind == SETTINGS {
        return html! { details class="past" { summary { (face.t("history.title")) } (states) } };
    }
    html! {
        section aria-labelledby="history" {
            h2 id="history" { (face.t("history.title")) }
            (states)
        }
    }
}

/// What people called a setting that is not there; nothing is left of one that was as shipped.
fn called<'a>(value: &'a Value, id: &'a str) -> &'a str {
    if value.is_null() { id } else { named(value) }
}

/// The page of something that was removed, with the way back. There is none of what never was.
pub(super) async fn gone(desk: &Desk, kind: &str, id: &str, summary: impl Fn(&Face, &Value) -> String) -> Answer {
    let face = &*desk.face;
    let history = desk.api.get(&path(kind, id)).await?;
    let states = list(&history, "states");
    let (Some(now), Some(was)) = (states.first(), states.get(1)) else { return Err(Trouble::nothing(&desk.face)) };
    let body = html! {
        (back(&format!("/console/{kind}"), face.language.word(&format!("nav.{kind}"))))
        div class="card" {
            p { (face.t("removed.it")) " " (by(face, &now["author"], &now["written"])) }
            @if face.edits() { (undo_form(face, (kind, id), (now, was), &html! { button { (face.t("removed.back")) } })) }
        }
        section aria-labelledby="history" {
            h2 id="history" { (face.t("history.title")) }
            (told(face, (kind, id), states, summary))
        }
    };
    Ok(page(desk, called(&was["value"], id), &body))
}

/// What was removed of a kind, if anything was: below the list of what is there.
pub(super) async fn removed(desk: &Desk, kind: &str, summary: impl Fn(&Face, &Value) -> String) -> Markup {
    let Ok(answer) = desk.api.get(&format!("/v1/removed/{kind}")).await else { return html! {} };
    let (face, removed) = (&*desk.face, list(&answer, "removed"));
    html! {
        @if !removed.is_empty() {
            details class="past" {
                summary { (face.t("removed.title")) " (" (removed.len()) ")" }
                ol class="history" {
                    @for one in removed {
                        @let id = text(one, "id");
                        li {
                            div {
                                a href={ "/console/" (kind) "/" (escaped(id)) } { (called(&one["was"]["value"], id)) }
                                " " @if !one["was"]["value"].is_null() { (summary(face, &one["was"]["value"])) }
                                " " (by(face, &one["now"]["author"], &one["now"]["written"]))
                            }
                            @if face.edits() {
                                (undo_form(face, (kind, id), (&one["now"], &one["was"]), &small(face.t("removed.back"))))
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
    desk.api.send(Method::POST, &path, fields.whole("version"), None).await?;
    let to = if kind == SETTINGS { kind } else { format!("{kind}/{}", escaped(&id)) };
    Ok(see(&format!("/console/{to}?said=undone")))
}
