//! One visitor: who they are as far as they said so, what they did, what they like, and what they would be shown and why.
//! Only whoever may see visitors gets here: the API answers nobody else.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::Query;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use vitrine_domain::Millis;
use vitrine_store::staff::Role;

use super::client::{Answer, Trouble};
use super::fields::escaped;
use super::format::{counted, day_and_time, number};

use super::parts::{empty, figure, list, notice, picture, text};
use super::products::reason_list;
use super::session::{Desk, Face};
use super::words::filled;

/// Products of the list that is shown.
const SHOWN: usize = 8;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    id: String,
}

pub(super) async fn page_of(desk: &Desk, id: &str) -> Result<Markup, Trouble> {
    let face = &*desk.face;
    let Some(held) = desk.api.find(&format!("/v1/visitors/{}", escaped(id))).await? else {
        return Ok(empty(face.t("visitors.none"), face.t("visitors.other"), None));
    };
    let visitor = text(&held, "visitor");
    let mut question = match visitor.strip_prefix("a:") {
        Some(device) => json!({ "anonymous_id": device }),
        None => json!({"visitor_id": visitor.strip_prefix("u:").unwrap_or(visitor)}),
    };
    question["limit"] = SHOWN.into();
    question["language"] = face.language.code().into();
    let home = desk.api.post("/v1/recommendations/home/preview", &question);
    let (shown, titles) = tokio::join!(home, titles(desk, &held));
    Ok(html! {
        (profile(face, &held))
        div class="columns" {
            div { (timeline(face, &held, &titles)) }
            div {
                (affinities(face, &held))
                (segments(face, &held))
                section class="card" aria-labelledby="next" {
                    h2 id="next" { (face.t("visitors.next")) }
                    @match &shown {
                        Ok(answer) => (next(face, &answer["before"])),
                        Err(trouble) => (notice("warn", html! { (trouble.told()) })),
                    }
                }
            }
        }
    })
}

pub(super) async fn page(desk: Desk, Query(Search { id }): Query<Search>) -> Answer {
    let face = &*desk.face;
    let id = id.trim();
    // Who may not see visitors is told so before they ask for one.
    if !face.is(Role::Admin) {
        return Err(Trouble::forbidden(&desk.face));
    }
    let found = if id.is_empty() {
        empty(face.t("visitors.whom"), face.t("visitors.about"), None)
    } else {
        page_of(&desk, id).await?
    };
    let body = html! {
        form role="search" class="search" action="/console/visitors" {
            label for="id" class="hidden" { (face.t("visitors.id")) }
            input id="id" name="id" type="search" value=(id) placeholder=(face.t("visitors.id"));
            button { (face.t("products.find")) }
        }
        (found)
    };
    Ok(super::page::page(&desk, face.t("nav.visitors"), &body))
}

/// What the products of the last actions are called, as far as they are sold.
async fn titles(desk: &Desk, held: &Value) -> BTreeMap<String, String> {
    let actions = list(&held["profile"]["state"], "actions");
    let ids: BTreeSet<&str> = actions.iter().filter_map(|action| action[0].as_str()).collect();
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let filter = format!("id in {}", json!(ids));
    let found = desk.api.get(&format!("/v1/products?limit=100&filter={}", escaped(&filter))).await.unwrap_or_default();
    let named = |product: &Value| (text(product, "id").to_owned(), text(product, "title").to_owned());
    list(&found, "products").iter().map(named).collect()
}

fn moment(face: &Face, value: &Value) -> Option<String> {
    value.as_i64().map(|time| day_and_time(face.language, &Millis(time).to_rfc3339()))
}

fn profile(face: &Face, held: &Value) -> Markup {
    let state = &held["profile"]["state"];
    let counts = |name: &str| counted(face.language, &state["counts"][name]);
    let value = state["value"].as_object().into_iter().flatten();
    let value: Vec<String> = value
        .map(|(currency, sum)| format!("{} {currency}", number(face.language, sum.as_f64().unwrap_or_default(), 2)))
        .collect();
    let none = html! {};
    html! {
        section class="card" aria-labelledby="who" {
            h2 id="who" { (text(held, "visitor")) }
            div class="figures" {
                (figure(face.t("visitors.visits"), &counted(face.language, &state["visits"]), &none))
                (figure(face.t("visitors.views"), &counts("view"), &none))
                (figure(face.t("visitors.orders"), &counts("order"), &none))
                (figure(face.t("visitors.value"), &value.join(", "), &none))
            }
            dl class="facts" {
                @for (word, time) in [("visitors.first", &state["first"]["at"]), ("visitors.last", &state["last"]), ("visitors.lastorder", &state["last_order"])] {
                    @if let Some(time) = moment(face, time) { div { dt { (face.language.word(word)) } dd { (time) } } }
                }
                @for link in list(held, "links") {
                    div { dt { (face.t("visitors.linked")) } dd { a href={ "/console/visitors?id=" (escaped(text(link, "visitor"))) } { (text(link, "visitor")) } } }
                }
                @for (name, value) in state["traits"].as_object().into_iter().flatten() {
                    div { dt { (name) } dd { (value.as_str().map_or_else(|| value.to_string(), str::to_owned)) } }
                }
            }
        }
    }
}

/// The last actions, the newest first.
fn timeline(face: &Face, held: &Value, titles: &BTreeMap<String, String>) -> Markup {
    let actions = list(&held["profile"]["state"], "actions");
    html! {
        section class="card" aria-labelledby="timeline" {
            h2 id="timeline" { (face.t("visitors.timeline")) }
            @if actions.is_empty() { p class="muted" { (face.t("visitors.nothing")) } }
            ol class="timeline" {
                @for action in actions.iter().rev() {
                    @let (product, kind) = (action[0].as_str().unwrap_or_default(), action[1].as_str().unwrap_or_default());
                    li {
                        span class={ "dot " (kind) } aria-hidden="true" {}
                        span { (face.language.find(&format!("action.{kind}")).unwrap_or(kind)) " " a href={ "/console/products/" (escaped(product)) } { (titles.get(product).map_or(product, String::as_str)) } }
                        @if let Some(time) = moment(face, &action[2]) { time { (time) } }
                    }
                }
            }
        }
    }
}

fn affinities(face: &Face, held: &Value) -> Markup {
    html! {
        section class="card" aria-labelledby="likes" {
            h2 id="likes" { (face.t("visitors.likes")) }
            @for (kind, word) in [("category", "products.category"), ("brand", "products.brand"), ("price_band", "products.price")] {
                @let likes = list(&held["affinities"], kind);
                @if !likes.is_empty() {
                    h3 { (face.language.word(word)) }
                    ul class="likes" { @for like in likes.iter().take(5) { li { (text(like, "name")) " " span class="muted" { (number(face.language, like["weight"].as_f64().unwrap_or_default(), 1)) } } } }
                }
            }
        }
    }
}

/// The segments of the last look at the visitor, and the last times they came into one or went out of it.
fn segments(face: &Face, held: &Value) -> Markup {
    let segments = &held["profile"]["segments"];
    let (of, passages) = (list(segments, "of"), list(segments, "passages"));
    html! {
        section class="card" aria-labelledby="segments" {
            h2 id="segments" { (face.t("nav.segments")) }
            @if of.is_empty() { p class="muted" { (face.t("visitors.nosegment")) } }
            p { @for id in of.iter().filter_map(Value::as_str) { a class="tag" href={ "/console/segments/" (escaped(id)) } { (id) } " " } }
            @if !passages.is_empty() {
                ol class="timeline" {
                    @for passage in passages.iter().rev() {
                        @let word = if passage[1] == true { "visitors.entered" } else { "visitors.left" };
                        li {
                            span class="dot" aria-hidden="true" {}
                            span { (filled(face.language.word(word), &[("segment", passage[0].as_str().unwrap_or_default())])) }
                            @if let Some(time) = moment(face, &passage[2]) { time { (time) } }
                        }
                    }
                }
            }
        }
    }
}

fn next(face: &Face, answer: &Value) -> Markup {
    html! {
        ol class="shelf" {
            @for item in list(answer, "items") {
                li {
                    (picture(&item["product"]))
                    div { span class="title" { (text(&item["product"], "title")) } (reason_list(face, item)) }
                }
            }
        }
    }
}
