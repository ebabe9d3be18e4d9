//! The form of an experiment: what is tried, who takes part, what counts, and how long it takes to know.

use maud::{Markup, html};
use serde_json::Value;

use super::draft::{CHANGES, Draft, Part, Way};
use super::metric;
use crate::console::client::Trouble;
use crate::console::fields::{Fields, escaped};
use crate::console::form::{Choice, Form, worded};
use crate::console::format::{hundredfold, number};
use crate::console::page::token;
use crate::console::parts::{filter_text, list, named, text};
use crate::console::placements::strategy;
use crate::console::segments;
use crate::console::session::{Desk, Face};
use crate::console::words::filled;

const METRICS: [&str; 8] = [
    "conversion",
    "revenue_per_visitor",
    "margin_per_visitor",
    "order_value",
    "click_through",
    "repeat_rate",
    "return_rate",
    "adds_per_visitor",
];
const STRATEGIES: [&str; 6] = ["trending", "personal", "bought-together", "similar", "basket", "recently-viewed"];
/// Guardrails that a form has room for at least.
const GUARDRAILS: usize = 2;

/// What a form offers: the shop's placements and rules, and the parts of the live model's score.
pub(super) struct Around {
    placements: Vec<Choice>,
    segments: Vec<Choice>,
    pub(super) rules: Vec<Value>,
    parts: Vec<String>,
}

pub(super) async fn around(desk: &Desk) -> Result<Around, Trouble> {
    let api = &desk.api;
    let (placements, rules, models, segments) =
        tokio::join!(api.get("/v1/placements"), api.get("/v1/rules"), api.get("/v1/models"), segments::choices(api));
    let (placements, rules) = (placements?, rules?);
    let filled = |one: &Value| {
        let name = text(one, "name").to_owned();
        (name.clone(), format!("{name} ({})", strategy(&desk.face, text(one, "strategy"))))
    };
    // Parts can be typed where no model is told.
    let models = models.unwrap_or_default();
    let parts = list(&models["card"]["model"], "parts").iter().map(|part| text(part, "name").to_owned()).collect();
    Ok(Around {
        placements: list(&placements, "placements").iter().map(filled).collect(),
        segments: segments?,
        rules: list(&rules, "rules").to_vec(),
        parts,
    })
}

/// An experiment that is changed; none for a new one.
pub(super) struct Subject<'a> {
    pub(super) id: &'a str,
    pub(super) version: u64,
}

/// Visitors a day of a shop that has no results yet.
const VISITORS: f64 = 1_000.0;

/// The fields of a new experiment. The planner begins with the share of visitors who order and with how many came a day.
pub(super) fn blank(conversion: f64, visitors: Option<f64>) -> Fields {
    let conversion = (conversion * 10_000.0).round() / 100.0;
    let visitors = visitors.unwrap_or(VISITORS).ceil();
    let fields = Fields::default().with("baseline", conversion).with("effect", 10).with("visitors_per_day", visitors);
    let fields = within(fields, (0.0, 50.0)).with("traffic", 100).with("primary", "conversion");
    Draft::usual().into_fields(&fields)
}

/// Which part of a group of experiments it takes, in per cent.
fn within(fields: Fields, (from, to): (f64, f64)) -> Fields {
    fields.with("group_from", from).with("group_to", to)
}

/// The fields of a stored experiment. Its plan is a number of visitors, of which nothing else is known.
pub(super) fn of(experiment: &Value, around: &Around) -> Fields {
    let share = |value: &Value| hundredfold(value.as_f64().unwrap_or_default());
    let metrics = &experiment["metrics"];
    let mut fields = Fields::default()
        .with("planned", experiment["planned"].as_u64().map(|planned| planned.to_string()).unwrap_or_default())
        .with("title", text(experiment, "name"))
        .with("hypothesis", text(experiment, "hypothesis"))
        .with("audience", filter_text(&experiment["audience"]))
        .with("traffic", share(&experiment["traffic"]))
        .with("primary", text(metrics, "primary"));
    for name in list(metrics, "secondary").iter().filter_map(Value::as_str) {
        fields = fields.with("secondary", name);
    }
    for (at, guard) in list(metrics, "guardrails").iter().enumerate() {
        fields = fields
            .with(&format!("g{at}-guard"), text(guard, "metric"))
            .with(&format!("g{at}-margin_of_guard"), share(&guard["margin"]));
    }
    if !experiment["bandit"].is_null() {
        fields = fields.with("bandit", "yes");
    }
    let group = &experiment["exclusive"];
    fields = if group.is_null() {
        within(fields, (0.0, 50.0))
    } else {
        within(fields.with("group", text(group, "group")), (share(&group["from"]), share(&group["to"])))
    };
    Draft::of_design(&experiment["design"], &around.rules).into_fields(&fields)
}

fn metrics(face: &Face) -> Vec<Choice> {
    METRICS.iter().map(|name| ((*name).to_owned(), metric(face, name).to_owned())).collect()
}

pub(super) fn form(
    face: &Face,
    around: &Around,
    fields: &Fields,
    subject: Option<&Subject<'_>>,
    trouble: Option<&Trouble>,
) -> Markup {
    let form = Form { face, fields, trouble };
    let address = "/console/experiments".to_owned();
    let action = subject.map_or(address.clone(), |subject| format!("{address}/{}", escaped(subject.id)));
    let metrics = metrics(face);
    let none = (String::new(), face.t("experiments.noguard").to_owned());
    let guards: Vec<Choice> = std::iter::once(none).chain(metrics.iter().cloned()).collect();
    let everybody = (String::new(), face.t("experiments.everybody").to_owned());
    let segments: Vec<Choice> = std::iter::once(everybody).chain(around.segments.iter().cloned()).collect();
    let room = (0..).take_while(|at| !fields.under(&format!("g{at}-")).get("guard").is_empty()).count() + 1;
    html! {
        (form.trouble())
        form method="post" action=(action) id="experiment" {
            (token(face))
            // What the key Enter means: the first button of a form.
            button class="hidden" tabindex="-1" aria-hidden="true" { (face.t("experiments.create")) }
            @if let Some(subject) = subject {
                input type="hidden" name="experiment_id" value=(subject.id);
                input type="hidden" name="version" value=(subject.version);
            }
            div class="card" {
                (form.line("title", "text", "/name"))
                (form.area("hypothesis", "/hypothesis", 2))
            }
            (parts(&form, around, None))
            div class="card" {
                h2 { (face.t("experiments.who")) }
                (form.select("of_segment", "", &segments))
                (form.line("audience", "text", "/audience"))
                (form.number("traffic", "/traffic", ("1", "100", "any")))
                details open[!fields.get("group").is_empty()] {
                    summary { (face.t("experiments.groups")) }
                    (form.line("group", "text", "/exclusive/group"))
                    div class="pair" {
                        (form.number("group_from", "/exclusive/from", ("0", "100", "any")))
                        (form.number("group_to", "/exclusive/to", ("0", "100", "any")))
                    }
                }
            }
            div class="card" {
                h2 { (face.t("experiments.counts")) }
                (form.select("primary", "/metrics/primary", &metrics))
                (form.checks("secondary", &metrics))
                @for at in 0..room.max(GUARDRAILS) {
                    div class="pair" {
                        (form.select(&format!("g{at}-guard"), &format!("/metrics/guardrails/{at}/"), &guards))
                        (form.number(&format!("g{at}-margin_of_guard"), &format!("/metrics/guardrails/{at}/margin"), ("0", "100", "any")))
                    }
                }
                (form.check("bandit"))
                p class="hint" { (face.t("experiments.bandit")) }
            }
            div class="card" {
                h2 { (face.t("plan.title")) }
                p class="muted" { (face.t("plan.about")) }
                @if subject.is_some() { (kept(face, fields)) }
                div class="pair" {
                    (form.number("baseline", "", ("0", "1000000", "any")))
                    (form.number("effect", "", ("0.1", "1000", "any")))
                }
                (form.number("visitors_per_day", "", ("1", "1000000000", "1")))
                button class="quiet" formaction="/console/experiments/plan" formnovalidate
                    hx-post="/console/experiments/plan" hx-target="#plan" hx-include="#experiment" { (face.t("plan.show")) }
                div id="plan" aria-live="polite" {}
            }
            p class="actions" { button { (face.t("experiments.create")) } }
        }
    }
}

/// The plan that a draft has.
fn kept(face: &Face, fields: &Fields) -> Markup {
    let planned = fields.number("planned");
    let visitors = planned.map(|planned| number(face.language, planned, 0));
    html! {
        input type="hidden" name="planned" value=(fields.get("planned"));
        p {
            @match &visitors {
                Some(visitors) => (filled(face.t("plan.kept"), &[("visitors", visitors)])),
                None => (face.t("plan.open")),
            }
        }
    }
}

/// A button that adds to what is tried, or takes something out.
fn edits(face: &Face, what: &str, word: &str, kind: &str) -> Markup {
    html! {
        button class={ "small quiet " (kind) } name="edit" value=(what) formaction="/console/experiments/form" formnovalidate
            hx-post="/console/experiments/form" hx-target="#parts" hx-swap="outerHTML" { (face.language.word(word)) }
    }
}

/// What is tried; what was added last is where the keyboard is.
pub(super) fn parts(form: &Form<'_>, around: &Around, new: Option<&str>) -> Markup {
    let face = form.face;
    let draft = Draft::of(form.fields);
    let several = draft.parts.len() > 1;
    html! {
        div id="parts" {
            @for (p, part) in draft.parts.iter().enumerate() {
                section class="card part" {
                    h2 { (face.t(if several { "experiments.part" } else { "experiments.what" })) @if several { " " (p + 1) } }
                    p class="muted" { (face.t("experiments.control")) }
                    @if several { (form.line(&format!("p{p}-part_name"), "text", &format!("/design/factors/{p}/"))) }
                    (ways(form, around, (p, part), several, new))
                    p class="actions" {
                        (edits(face, &format!("add:p{p}"), "experiments.addway", ""))
                        @if several { (edits(face, &format!("drop:p{p}"), "experiments.droppart", "danger")) }
                    }
                }
            }
            div class="card" {
                p { (face.t("experiments.both")) }
                (edits(face, "add:", "experiments.addpart", ""))
            }
        }
    }
}

fn ways(form: &Form<'_>, around: &Around, (p, part): (usize, &Part), several: bool, new: Option<&str>) -> Markup {
    let face = form.face;
    html! {
        @for (w, way) in part.ways.iter().enumerate() {
            @let at = format!("p{p}-w{w}");
            @let pointer = if several { format!("/design/factors/{p}/levels/{}/", w + 1) } else { format!("/design/variants/{}/", w + 1) };
            fieldset class="way" id=(at) tabindex="-1" autofocus[new == Some(&format!("{at}-"))] {
                legend { (face.t("experiments.way")) " " (w + 1) }
                div class="pair" {
                    (form.line(&format!("{at}-way_name"), "text", &pointer))
                    @if !several { (form.number(&format!("{at}-way_share"), "", ("0", "100", "any"))) }
                }
                (changes(form, around, way, &at, new))
                p class="actions" {
                    (edits(face, &format!("add:{at}"), "experiments.addchange", ""))
                    @if part.ways.len() > 1 { (edits(face, &format!("drop:{at}"), "experiments.dropway", "danger")) }
                }
            }
        }
    }
}

fn changes(form: &Form<'_>, around: &Around, way: &Way, at: &str, new: Option<&str>) -> Markup {
    let face = form.face;
    let with = |known: &[String], present: &str| -> Vec<Choice> {
        let mut all: Vec<Choice> = known.iter().map(|one| (one.clone(), one.clone())).collect();
        if !present.is_empty() && !known.iter().any(|one| one == present) {
            all.push((present.to_owned(), present.to_owned()));
        }
        all
    };
    let strategies: Vec<Choice> =
        STRATEGIES.iter().map(|one| ((*one).to_owned(), strategy(face, one).to_owned())).collect();
    let rule = |rule: &Value| {
        let id = text(rule, "id");
        let draft = if rule["enabled"] == false { format!(" ({})", face.t("rules.off")) } else { String::new() };
        (id.to_owned(), format!("{}{draft}", named(rule)))
    };
    let rules: Vec<Choice> = around.rules.iter().map(rule).collect();
    html! {
        @for (c, change) in way.changes.iter().enumerate() {
            @let at = format!("{at}-c{c}");
            @let kinds = if change.get("change") == "other" { &CHANGES[..] } else { &CHANGES[..CHANGES.len() - 1] };
            @let named = |name: &str| format!("{at}-{name}");
            fieldset class="change" id=(at) tabindex="-1" autofocus[new == Some(&format!("{at}-"))] {
                legend class="hidden" { (face.t("experiments.change")) " " (c + 1) }
                (form.select(&named("change"), "", &worded(face, "change", kinds)))
                div class="pair" {
                    (form.select(&named("placement"), "", &around.placements))
                    (form.select(&named("other_strategy"), "", &strategies))
                }
                div class="pair" {
                    @if around.parts.is_empty() { (form.line(&named("part"), "text", "")) }
                    @else { (form.select(&named("part"), "", &with(&around.parts, change.get("part")))) }
                    (form.number(&named("times"), "", ("0", "100", "any")))
                }
                (form.area(&named("layout"), "", 3))
                div class="pair" {
                    (form.select(&named("rule"), "", &rules))
                    (form.select(&named("instead"), "", &rules))
                }
                (form.line(&named("place"), "text", ""))
                (form.area(&named("payload"), "", 3))
                @if kinds.len() == CHANGES.len() { (form.area(&named("raw"), "", 5)) }
                @if way.changes.len() > 1 { p class="actions" { (edits(face, &format!("drop:{at}"), "experiments.dropchange", "danger")) } }
            }
        }
    }
}
