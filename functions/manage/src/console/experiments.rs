//! Experiments: what is tried against what, and what came of it.

mod create;
mod draft;
mod form;
mod result;

use axum::extract::Path;
use maud::{Markup, html};
use serde_json::Value;

use super::client::Answer;
use super::fields::{Fields, Sent, escaped};
use super::format::{day, number, percent};
use super::guard::see;
use super::history;
use super::page::{back, page, token};
use super::parts::{by, confirmed, empty, filter_text, list as elements, named, notice, tag, text};
use super::placements::strategy;
use super::rules::{content, sentence};
use super::session::{Desk, Face};
use super::words::filled;

pub(super) use create::{change, create, edit, new, plan, save};

/// Whether the draft of a form is the same when it is shown and sent again, also after a button of the form was used.
pub(super) fn is_kept(fields: &Fields) -> bool {
    let mut draft = draft::Draft::of(fields);
    let kept = |draft: &draft::Draft| draft::Draft::of(&draft.clone().into_fields(fields)) == *draft;
    let before = kept(&draft);
    draft.edit(fields.get("edit"));
    before && kept(&draft) && draft.design(&[]).is_object()
}

pub(super) async fn list(desk: Desk) -> Answer {
    let face = &*desk.face;
    let answer = desk.api.get("/v1/experiments").await?;
    let experiments = elements(&answer, "experiments");
    let action = face.edits().then(|| ("/console/experiments/new", face.t("experiments.new")));
    let body = html! {
        div class="lead" {
            p { (face.t("experiments.about")) }
            @if let (Some((address, word)), false) = (action, experiments.is_empty()) { a class="button" href=(address) { (word) } }
        }
        @if experiments.is_empty() { (empty(face.t("experiments.none"), face.t("experiments.begin"), action)) }
        @else {
            div class="cards" {
                @for experiment in experiments {
                    article class="card" {
                        h2 { a href={ "/console/experiments/" (escaped(text(experiment, "id"))) } { (named(experiment)) } }
                        (status_tag(face, experiment))
                        p { (text(experiment, "hypothesis")) }
                        p class="muted" { (face.t("experiments.metric")) " " (metric(face, text(&experiment["metrics"], "primary"))) }
                        (span(face, experiment))
                    }
                }
            }
        }
        (history::removed(&desk, "experiments", summary).await)
    };
    Ok(page(&desk, face.t("nav.experiments"), &body))
}

fn status_tag(face: &Face, experiment: &Value) -> Markup {
    let status = text(experiment, "status");
    let kind = if status == "running" { "good" } else { "quiet" };
    tag(kind, face.language.word(&format!("status.{status}")))
}

/// A metric in words.
pub(super) fn metric<'a>(face: &Face, name: &'a str) -> &'a str {
    face.language.find(&format!("metric.{name}")).unwrap_or(name)
}

fn span(face: &Face, experiment: &Value) -> Markup {
    let at = |name: &str| experiment[name].as_str().map(|time| day(face.language, time));
    html! {
        @if let Some(started) = at("started") {
            p class="muted" { (face.t("experiments.since")) " " (started) @if let Some(stopped) = at("stopped") { " – " (stopped) } }
        }
    }
}

/// An experiment in a word.
fn summary(face: &Face, experiment: &Value) -> String {
    face.language.word(&format!("status.{}", text(experiment, "status"))).to_owned()
}

pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Answer {
    let face = &*desk.face;
    let path = format!("/v1/experiments/{}", escaped(&id));
    let results = format!("{path}/results");
    let (experiment, results) = tokio::join!(desk.api.find(&path), desk.api.get(&results));
    let Some(experiment) = experiment? else { return history::gone(&desk, "experiments", &id, summary).await };
    // An experiment is worth looking at where its results cannot be read.
    let results = results.ok();
    let running = text(&experiment, "status") == "running";
    let version = experiment["version"].as_u64().unwrap_or_default();
    let body = html! {
        (back("/console/experiments", face.t("nav.experiments")))
        p { (status_tag(face, &experiment)) " " (by(face, &experiment["author"], &experiment["written"])) }
        (span(face, &experiment))
        @if !text(&experiment, "hypothesis").is_empty() { p class="quote" { (text(&experiment, "hypothesis")) } }
        @for overlap in elements(&experiment, "overlaps") { (notice("warn", html! { (face.language.told(text(overlap, "text"))) })) }
        @if face.edits() { (steps(face, &experiment, &id)) }
        (result::section(face, &experiment, results.as_ref()))
        (setting(face, &experiment))
        (history::section(&desk, "experiments", &id, summary).await)
        @if face.edits() && !running {
            (confirmed(face, &format!("/console/experiments/{}/remove", escaped(&id)), face.t("experiments.remove"),
                face.t("experiments.removing"), &[("version", version.to_string())]))
        }
    };
    Ok(page(&desk, named(&experiment), &body))
}

/// What can be done with it next: start a draft, stop what runs.
fn steps(face: &Face, experiment: &Value, id: &str) -> Markup {
    let action = format!("/console/experiments/{}/status", escaped(id));
    let version = experiment["version"].as_u64().unwrap_or_default().to_string();
    match text(experiment, "status") {
        "draft" => html! {
            form method="post" action=(action) class="actions" {
                (token(face))
                input type="hidden" name="version" value=(version);
                input type="hidden" name="to" value="running";
                button { (face.t("experiments.start")) }
                a class="button quiet" href={ "/console/experiments/" (escaped(id)) "/edit" } { (face.t("experiments.edit")) }
            }
        },
        "running" => {
            let hidden = [("version", version), ("to", "stopped".to_owned())];
            confirmed(face, &action, face.t("experiments.stop"), face.t("experiments.stopping"), &hidden)
        }
        _ => html! {},
    }
}

/// How it is set up: who takes part, what is shown to whom, what counts.
fn setting(face: &Face, experiment: &Value) -> Markup {
    let traffic = percent(face.language, experiment["traffic"].as_f64().unwrap_or(1.0), 0);
    let audience = filter_text(&experiment["audience"]);
    html! {
        section aria-labelledby="setting" {
            h2 id="setting" { (face.t("experiments.setting")) }
            dl class="facts" {
                div { dt { (face.t("experiments.who")) } dd { (filled(face.t("experiments.traffic"), &[("share", &traffic)])) @if !audience.is_empty() { " " code { (audience) } } } }
                div { dt { (face.t("experiments.metric")) } dd { (metric(face, text(&experiment["metrics"], "primary"))) } }
                @for name in elements(&experiment["metrics"], "secondary").iter().filter_map(Value::as_str) {
                    div { dt { (face.t("field.secondary")) } dd { (metric(face, name)) } }
                }
                @for guard in elements(&experiment["metrics"], "guardrails") {
                    @let margin = percent(face.language, guard["margin"].as_f64().unwrap_or_default(), 1);
                    div { dt { (face.t("experiments.guardrail")) } dd { (metric(face, text(guard, "metric"))) " " (filled(face.t("experiments.margin"), &[("margin", &margin)])) } }
                }
                @if let Some(group) = experiment["exclusive"]["group"].as_str() {
                    @let share = |name: &str| percent(face.language, experiment["exclusive"][name].as_f64().unwrap_or_default(), 0);
                    div { dt { (face.t("experiments.groups")) } dd { (group) ", " (share("from")) " – " (share("to")) } }
                }
            }
            div class="wide" { table {
                caption class="hidden" { (face.t("experiments.arms")) }
                thead { tr { th scope="col" { (face.t("experiments.arm")) } th scope="col" class="number" { (face.t("experiments.weight")) } th scope="col" { (face.t("experiments.does")) } } }
                tbody {
                    @for (place, cell) in elements(experiment, "cells").iter().enumerate() {
                        tr {
                            th scope="row" { (text(cell, "id")) }
                            td class="number" { (percent(face.language, cell["weight"].as_f64().unwrap_or_default(), 0)) }
                            td { (changes(face, &changed(&experiment["design"], place))) }
                        }
                    }
                }
            } }
        }
    }
}

/// What is different in a cell: what its variant changes, or the level of each factor, of which the last runs fastest.
fn changed(design: &Value, place: usize) -> Vec<&Value> {
    let factors = elements(design, "factors");
    if factors.is_empty() {
        return elements(design, "variants")
            .get(place)
            .map(|one| elements(one, "changes"))
            .into_iter()
            .flatten()
            .collect();
    }
    let mut rest = place;
    let mut parts = Vec::new();
    for levels in factors.iter().rev().map(|factor| elements(factor, "levels")) {
        parts.push(levels.get(rest % levels.len().max(1)).map(|level| elements(level, "changes")).unwrap_or_default());
        rest /= levels.len().max(1);
    }
    parts.into_iter().rev().flatten().collect()
}

fn changes(face: &Face, changes: &[&Value]) -> Markup {
    html! {
        @if changes.is_empty() { span class="muted" { (face.t("experiments.same")) } }
        @else if let [only] = changes { (told(face, only)) }
        @else { ul { @for change in changes { li { (told(face, change)) } } } }
    }
}

/// What is different, in a sentence.
fn told(face: &Face, change: &Value) -> String {
    let kind = text(change, "kind");
    let rule = &change["rule"];
    let factor = |(part, times): (&String, &Value)| {
        let times = times.as_f64().unwrap_or_default();
        format!("{part} × {}", number(face.language, times, if times.fract() == 0.0 { 0 } else { 2 }))
    };
    let factors: Vec<String> = change["factors"].as_object().into_iter().flatten().map(factor).collect();
    let name = named(rule);
    let gaps = [
        ("placement", text(change, "placement").to_owned()),
        ("strategy", strategy(face, text(change, "strategy")).to_owned()),
        ("factors", factors.join(", ")),
        ("rule", name.to_owned()),
        ("does", if rule.is_null() { String::new() } else { sentence(face, &rule["effect"]) }),
        ("place", text(change, "slot").to_owned()),
        ("content", content(&change["payload"])),
    ];
    let gaps: Vec<(&str, &str)> = gaps.iter().map(|(gap, with)| (*gap, with.as_str())).collect();
    let word = if kind == "rule" && rule["enabled"] == false { "rule_off" } else { kind };
    match face.language.find(&format!("varies.{word}")) {
        Some(words) => filled(words, &gaps),
        None => change.to_string(),
    }
}

pub(super) async fn status(Path(id): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    let path = format!("/v1/experiments/{}", escaped(&id));
    let mut experiment = desk.api.get(&path).await?;
    experiment["status"] = fields.get("to").into();
    desk.api.put(&path, fields.whole("version").unwrap_or_default(), &experiment).await?;
    let said = if fields.get("to") == "running" { "started" } else { "stopped" };
    Ok(see(&format!("/console/experiments/{}?said={said}", escaped(&id))))
}

pub(super) async fn remove(Path(id): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    desk.api.delete(&format!("/v1/experiments/{}", escaped(&id)), fields.whole("version")).await?;
    Ok(see(&format!("/console/experiments/{}?said=removed", escaped(&id))))
}
