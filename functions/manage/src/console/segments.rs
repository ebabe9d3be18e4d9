//! Segments: whom the shop tells apart, how many they are, and conditions with their size as they are typed.

mod alike;
mod builder;
mod unknown;

use axum::extract::{Path, Query};
use axum::response::IntoResponse;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Answer, Api, Trouble};
use super::fields::{Fields, Sent, escaped, slug_or};
use super::form::{Choice, Form};
use super::format::{day_and_time, number, percent};
use super::guard::see;
use super::history;
use super::page::{back, page, token};
use super::parts::{confirmed, empty, filter_text, filter_value, list as elements, named, notice, tag, text};
use super::session::{Desk, Face};
use super::words::filled;
use builder::{builder, extended};

/// The shop's segments, to choose from.
pub(super) async fn choices(api: &Api) -> Result<Vec<Choice>, Trouble> {
    let all = api.get("/v1/segments").await?;
    let choice = |segment: &Value| (text(segment, "id").to_owned(), named(segment).to_owned());
    Ok(elements(&all, "segments").iter().map(choice).collect())
}

pub(super) async fn list(desk: Desk, Query(unknown::Ranked { sort }): Query<unknown::Ranked>) -> Answer {
    let face = &*desk.face;
    let sort = unknown::worth(&sort);
    let ranked = format!("/v1/segments/unknown?sort={sort}");
    let (answer, groups) = tokio::join!(desk.api.get("/v1/segments"), desk.api.get(&ranked));
    let answer = answer?;
    let visitors = answer["visitors"].as_u64();
    let segments = elements(&answer, "segments");
    let action = face.edits().then(|| ("/console/segments/new", face.t("segments.new")));
    let body = html! {
        div class="lead" {
            p { (face.t("segments.about")) }
            @if let Some((address, word)) = action { a class="button" href=(address) { (word) } }
        }
        p class="muted" {
            @if let (Some(visitors), Some(counted)) = (visitors, answer["counted"].as_str()) {
                (filled(face.t("segments.counted"), &[("visitors", &whole_number(face, visitors)), ("when", &day_and_time(face.language, counted))]))
            } @else { (face.t("segments.uncounted")) }
        }
        @if segments.is_empty() { (empty(face.t("segments.none"), face.t("segments.begin"), action)) }
        div class="cards" {
            @for segment in segments { (card(face, segment, visitors)) }
        }
        // Before the first training there are none.
        (unknown::section(face, groups.as_ref().ok(), sort))
        (history::removed(&desk, "segments", |_, segment| filter_text(&segment["filter"])).await)
    };
    Ok(page(&desk, face.t("nav.segments"), &body))
}

#[allow(clippy::cast_precision_loss, reason = "shown to people")]
fn whole_number(face: &Face, value: u64) -> String {
    number(face.language, value as f64, 0)
}

#[allow(clippy::cast_precision_loss, reason = "shown to people")]
fn card(face: &Face, segment: &Value, visitors: Option<u64>) -> Markup {
    let id = text(segment, "id");
    let members = segment["members"].as_u64();
    let share = members.zip(visitors).filter(|(_, of)| *of > 0).map(|(members, of)| members as f64 / of as f64);
    html! {
        article class="card" {
            h2 { a href={ "/console/segments/" (escaped(id)) } { (named(segment)) } }
            @if segment["shipped"] == true { (tag("quiet", face.t("as.shipped"))) }
            p { (text(segment, "description")) }
            @if let (Some(members), Some(share)) = (members, share) {
                p class="value" { (whole_number(face, members)) " " span class="muted" { (percent(face.language, share, 1)) } }
                (bar(share))
            }
            p { code class="filter" { (filter_text(&segment["filter"])) } }
        }
    }
}

/// A share as a line; the number stands beside it.
fn bar(share: f64) -> Markup {
    html! {
        svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" {
            rect class="all" width="100" height="4" rx="2" {}
            rect class="part" width=(format!("{:.2}", (share * 100.0).clamp(0.5, 100.0))) height="4" rx="2" {}
        }
    }
}

fn form(face: &Face, all: &Value, fields: &Fields, id: Option<&str>, trouble: Option<&Trouble>) -> Markup {
    let form = Form { face, fields, trouble };
    let action = id.map_or_else(|| "/console/segments".to_owned(), |id| format!("/console/segments/{}", escaped(id)));
    html! {
        (form.trouble())
        form method="post" action=(action) {
            (token(face))
            input type="hidden" name="version" value=(fields.get("version"));
            @if let Some(id) = id { input type="hidden" name="segment_id" value=(id); }
            fieldset class="plain" disabled[!face.edits()] {
                div class="card" {
                    (form.line("title", "text", "/name"))
                    (form.line("description", "text", "/description"))
                    (condition(&form))
                    div id="size" class="size" aria-live="polite" {}
                    noscript { p class="muted" { (face.t("segments.noscript")) } }
                }
                @if face.edits() {
                    p class="actions" { button { (face.t("form.save")) } }
                    // Behind the button that the key Enter means: the first one of a form.
                    div class="card" { (builder(&form, all)) }
                }
            }
        }
        details class="card" {
            summary { (face.t("segments.features")) }
            p class="muted" { (face.t("segments.example")) " " code { "orders >= 2 and discounted_share >= 0.25" } }
            @for (name, word) in [("features", "segments.always"), ("windows", "segments.windows")] {
                h3 { (face.language.word(word)) }
                dl class="terms" {
                    @for feature in elements(all, name) {
                        div { dt { code { (text(feature, "name")) } } dd { (face.language.told(text(feature, "meaning"))) } }
                    }
                }
            }
        }
    }
}

/// The condition, which asks for its size whenever it changes.
fn condition(form: &Form<'_>) -> Markup {
    html! {
        div id="condition" hx-post="/console/segments/size" hx-trigger="input changed delay:400ms from:#filter, load" hx-target="#size" hx-include="closest form" {
            (form.area("filter", "/filter", 4))
        }
    }
}

/// The form with a condition more.
pub(super) async fn extend(Sent { desk, fields }: Sent) -> Answer {
    let all = desk.api.get("/v1/segments").await?;
    let filter = extended(&fields, &all);
    let fields = fields.replaced("filter", &filter);
    if desk.face.part {
        return Ok(condition(&Form { face: &desk.face, fields: &fields, trouble: None }).into_response());
    }
    let id = Some(fields.get("segment_id")).filter(|id| !id.is_empty());
    whole(&desk, &fields, id, None, &html! {}).await
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Start {
    #[serde(default)]
    filter: String,
    #[serde(default)]
    title: String,
}

pub(super) async fn new(desk: Desk, Query(start): Query<Start>) -> Answer {
    if !desk.face.edits() {
        return Err(Trouble::forbidden(&desk.face));
    }
    let blank = Fields::default().with("filter", start.filter).with("title", start.title).with("version", 0);
    whole(&desk, &blank, None, None, &html! {}).await
}

async fn whole(desk: &Desk, fields: &Fields, id: Option<&str>, trouble: Option<&Trouble>, more: &Markup) -> Answer {
    let face = &*desk.face;
    let all = desk.api.get("/v1/segments").await?;
    let title = match id {
        None => face.t("segments.new"),
        Some(id) => Some(fields.get("title")).filter(|title| !title.is_empty()).unwrap_or(id),
    };
    let body = html! {
        (back("/console/segments", face.t("nav.segments")))
        div class="narrow" { (form(face, &all, fields, id, trouble)) (more) }
    };
    let mut response = page(desk, title, &body);
    *response.status_mut() = trouble.map_or(StatusCode::OK, |trouble| trouble.status);
    Ok(response)
}

pub(super) async fn edit(desk: Desk, Path(id): Path<String>) -> Answer {
    let face = &*desk.face;
    let summary = |_: &Face, segment: &Value| filter_text(&segment["filter"]);
    let stored = desk.api.find(&format!("/v1/segments/{}", escaped(&id))).await?;
    let Some(stored) = stored else { return history::gone(&desk, "segments", &id, summary).await };
    let version = stored["version"].as_u64().unwrap_or_default();
    let fields = Fields::default()
        .with("title", text(&stored, "name"))
        .with("description", text(&stored, "description"))
        .with("filter", filter_text(&stored["filter"]))
        .with("version", version);
    // There are none before the first training.
    let found = desk.api.get(&format!("/v1/segments/{}/look-alikes", escaped(&id))).await;
    let unknown = elements(&stored, "fields").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let more = html! {
        @if !unknown.is_empty() { (notice("warn", html! { (face.t("segments.fields")) " " code { (unknown) } })) }
        @if face.edits() {
            p { a class="button quiet" href={ "/console/rules/new?segment=" (escaped(&id)) } { (face.t("segments.rule")) } }
        }
        (alike::section(face, named(&stored), found.as_ref().ok()))
        (history::section(&desk, "segments", &id, summary).await)
        @if face.edits() {
            (confirmed(face, &format!("/console/segments/{}/remove", escaped(&id)), face.t("segments.remove"),
                face.t("segments.removing"), &[("version", version.to_string())]))
        }
    };
    whole(&desk, &fields, Some(&id), None, &more).await
}

pub(super) async fn create(Sent { desk, fields }: Sent) -> Answer {
    let id = slug_or(fields.get("title"), "segment");
    put(&desk, &fields, &id, true).await
}

pub(super) async fn save(Path(id): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    put(&desk, &fields, &id, false).await
}

async fn put(desk: &Desk, fields: &Fields, id: &str, is_new: bool) -> Answer {
    let body = json!({
        "name": fields.get("title"),
        "description": fields.get("description"),
        "filter": filter_value(fields.get("filter")),
    });
    let version = fields.whole("version").unwrap_or_default();
    match desk.api.put(&format!("/v1/segments/{}", escaped(id)), version, &body).await {
        Ok(_) => Ok(see(&format!("/console/segments/{}?said=saved", escaped(id)))),
        Err(trouble) if trouble.is_mendable() => {
            let trouble = if is_new { trouble.of_new() } else { trouble };
            whole(desk, fields, (!is_new).then_some(id), Some(&trouble), &html! {}).await
        }
        Err(trouble) => Err(trouble),
    }
}

pub(super) async fn remove(Path(id): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    desk.api.delete(&format!("/v1/segments/{}", escaped(&id)), fields.whole("version")).await?;
    Ok(see(&format!("/console/segments/{}?said=removed", escaped(&id))))
}

/// How many visitors would be in it: a part of a page, asked for as the condition is typed.
pub(super) async fn size(Sent { desk, fields }: Sent) -> Answer {
    let face = &*desk.face;
    let filter = filter_value(fields.get("filter"));
    if filter.is_null() {
        return Ok(html! { p class="muted" { (face.t("segments.type")) } }.into_response());
    }
    let told = match desk.api.post("/v1/segments/size", &json!({ "filter": filter })).await {
        Ok(size) => {
            let of = |name: &str| whole_number(face, size[name].as_u64().unwrap_or_default());
            let share = size["share"].as_f64().unwrap_or_default();
            let gaps = [("low", of("low")), ("high", of("high")), ("of", of("of"))];
            let gaps: Vec<(&str, &str)> = gaps.iter().map(|(gap, with)| (*gap, with.as_str())).collect();
            html! {
                p class="value" { (of("visitors")) " " span class="muted" { (percent(face.language, share, 1)) } }
                (bar(share))
                p class="muted" { (filled(face.t("segments.size"), &gaps)) }
            }
        }
        Err(trouble) if trouble.status == StatusCode::CONFLICT => {
            html! { p class="muted" { (face.t("segments.uncounted")) } }
        }
        Err(trouble) if trouble.is_mendable() => {
            let how = trouble.faults.first().map_or(trouble.detail.as_str(), |(_, how)| how.as_str());
            html! { p class="fault" { (how) } }
        }
        Err(trouble) => return Err(trouble),
    };
    Ok(told.into_response())
}
