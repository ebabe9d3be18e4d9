//! Models: which is live, how good each was on what it had not seen, and going back to another.

use axum::extract::Path;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::chart::{Point, line};
use super::client::Answer;
use super::fields::{Sent, escaped};
use super::format::{day, day_and_time, number, percent};
use super::guard::see;
use super::page::{self, token};
use super::parts::{confirmed, empty, figure, list, tag, text};
use super::session::{Desk, Face};
use super::words::filled;

pub(super) async fn page(desk: Desk) -> Answer {
    let face = &*desk.face;
    let answer = desk.api.get("/v1/models").await?;
    let versions = list(&answer, "versions");
    let body = html! {
        div class="lead" {
            p { (face.t("models.about")) }
            @if face.edits() {
                form method="post" action="/console/models/train" { (token(face)) button { (face.t("models.train")) } }
            }
        }
        @if versions.is_empty() { (empty(face.t("models.none"), face.t("models.begin"), None)) }
        @else {
            (quality(face, versions))
            div class="cards" { @for version in versions { (card(face, version, &answer)) } }
            (live(face, &answer["card"]))
        }
    };
    Ok(page::page(&desk, face.t("nav.models"), &body))
}

/// How good each version was, the oldest first.
pub(super) fn quality(face: &Face, versions: &[Value]) -> Markup {
    let of = |version: &Value| version["figures"]["new"]["hr@10"].as_f64();
    let points: Vec<Point> = versions
        .iter()
        .rev()
        .filter_map(|version| {
            let value = of(version)?;
            let label = day(face.language, text(version, "published"));
            Some(Point { label, value, shown: percent(face.language, value, 1) })
        })
        .collect();
    html! {
        section class="card" aria-labelledby="quality" {
            h2 id="quality" { (face.t("models.quality")) }
            p class="muted" { (face.t("models.hit")) }
            @if points.is_empty() { p { (face.t("models.unmeasured")) } } @else { (line(face, face.t("models.quality"), &points)) }
        }
    }
}

fn card(face: &Face, version: &Value, models: &Value) -> Markup {
    let name = text(version, "version");
    let live = version["live"] == true;
    let share = |question: &str, figure: &str| {
        version["figures"][question][figure]
            .as_f64()
            .map_or_else(|| "–".to_owned(), |value| percent(face.language, value, 1))
    };
    let gate = &version["gate"];
    html! {
        article class="card" {
            h2 { (day_and_time(face.language, text(version, "published"))) }
            @if live {
                (tag("good", face.t("models.live")))
                @if let Some(author) = models["chosen_by"].as_str() {
                    @let when = day_and_time(face.language, text(models, "chosen"));
                    p { (filled(face.t("models.chosen"), &[("author", author), ("when", &when)])) }
                }
            }
            p class="muted" { code { (name) } }
            div class="figures" {
                (figure(face.t("models.new"), &share("new", "hr@10"), &html! {}))
                (figure(face.t("models.any"), &share("any", "hr@10"), &html! {}))
            }
            @if let Some(outcome) = gate["outcome"].as_str() {
                p class="muted" { (face.language.find(&format!("gate.{outcome}")).unwrap_or(outcome)) }
            }
            @if !live && face.edits() {
                (confirmed(face, &format!("/console/models/{}/activate", escaped(name)), face.t("models.activate"), face.t("models.activating"), &[]))
            }
        }
    }
}

/// What the live model was made of.
fn live(face: &Face, card: &Value) -> Markup {
    let model = &card["model"];
    let counts = ["events", "actions", "orders", "people", "products"];
    let parts = list(model, "parts");
    html! {
        @if !model.is_null() {
            section class="card" aria-labelledby="card" {
                h2 id="card" { (face.t("models.card")) }
                dl class="facts" {
                    @for name in counts {
                        @if let Some(value) = model["counts"][name].as_f64() {
                            div { dt { (face.language.word(&format!("counts.{name}"))) } dd { (number(face.language, value, 0)) } }
                        }
                    }
                }
                @if !parts.is_empty() {
                    h3 { (face.t("models.parts")) }
                    ul class="likes" { @for part in parts { li { (text(part, "name")) " " span class="muted" { (number(face.language, part["new"].as_f64().unwrap_or_default(), 2)) } } } }
                }
            }
        }
    }
}

pub(super) async fn activate(Path(version): Path<String>, Sent { desk, .. }: Sent) -> Answer {
    desk.api.post(&format!("/v1/models/{}/activate", escaped(&version)), &json!({})).await?;
    Ok(see("/console/models?said=activated"))
}

pub(super) async fn train(Sent { desk, .. }: Sent) -> Answer {
    desk.api.post("/v1/retrain", &json!({})).await?;
    Ok(see("/console/models?said=training"))
}
