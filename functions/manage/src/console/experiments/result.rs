//! What came of an experiment, in words that are right for somebody who is no statistician: what was seen, how sure it is, and
//! what may be said of it. The words follow the report's own verdicts; a range is shown as a range, and nothing is called better
//! before it is known to be.

use maud::{Markup, html};
use serde_json::Value;

use super::metric;
use crate::console::format::{change, counted, day_and_time, number, percent};
use crate::console::parts::{list, notice, tag, text};
use crate::console::session::Face;
use crate::console::words::filled;

pub(super) fn section(face: &Face, experiment: &Value, results: Option<&Value>) -> Markup {
    let draft = text(experiment, "status") == "draft";
    html! {
        section class="card" aria-labelledby="result" {
            h2 id="result" { (face.t("result.title")) }
            @match results.filter(|_| !draft) {
                None => p class="muted" { @if draft { (face.t("result.draft")) } @else { (face.t("result.none")) } },
                Some(results) => (told(face, experiment, results)),
            }
        }
    }
}

fn told(face: &Face, experiment: &Value, results: &Value) -> Markup {
    let report = &results["report"];
    let made = day_and_time(face.language, text(results, "made"));
    let planned = results["planned"].as_f64().map(|planned| number(face.language, planned, 0));
    html! {
        @if report["mismatch"]["alarm"] == true { (notice("bad", html! { (face.t("result.mismatch")) })) }
        (seen(face, results))
        // Where traffic is shifted, days of different shares are mixed: the shares themselves say what does best.
        @let shifted = !experiment["bandit"].is_null();
        @if shifted { p { (face.t("result.shifted")) } }
        @for measured in list(report, "metrics").iter().filter(|_| !shifted) { (of_metric(face, experiment, measured)) }
        p class="muted" {
            (filled(face.t("result.made"), &[("when", &made)])) " "
            @if !shifted { @match planned {
                Some(planned) => (filled(face.t("result.anytime"), &[("visitors", &planned)])),
                None => (face.t("result.onelook")),
            } }
        }
    }
}

/// How many people saw each variant.
fn seen(face: &Face, results: &Value) -> Markup {
    html! {
        dl class="facts" {
            @for variant in list(results, "variants") {
                div {
                    dt { (text(variant, "id")) }
                    dd {
                        (counted(face.language, &variant["people"])) " " (face.t("result.people"))
                        " · " (percent(face.language, variant["share"].as_f64().unwrap_or_default(), 0))
                    }
                }
            }
        }
    }
}

fn of_metric(face: &Face, experiment: &Value, measured: &Value) -> Markup {
    let name = text(measured, "metric");
    let role = text(&measured["role"], "kind");
    let variants = list(measured, "variants");
    html! {
        section class="comparison" {
            h3 { (metric(face, name)) " " (tag("quiet", face.language.word(&format!("measure.{role}")))) }
            @for variant in variants.iter().skip(1) { (one(face, variant)) }
            (causes(face, experiment, measured))
        }
    }
}

/// Of a test of several factors what each causes alone, and what two cause together that neither causes alone.
fn causes(face: &Face, experiment: &Value, measured: &Value) -> Markup {
    let contrasts = list(measured, "contrasts");
    let factors = list(&experiment["design"], "factors");
    let step = |step: &Value| {
        let place = |name: &str| step[name].as_u64().and_then(|place| usize::try_from(place).ok()).unwrap_or_default();
        let factor = factors.get(place("factor"))?;
        let level = list(factor, "levels").get(place("level"))?;
        Some(format!("{}: {}", text(factor, "id"), text(level, "id")))
    };
    let told = |value: &Value| value.as_f64().map_or_else(|| "–".to_owned(), |value| number(face.language, value, 4));
    let early = list(measured, "variants").iter().any(|variant| variant["verdict"] == "too_early");
    html! {
        @if !contrasts.is_empty() && !early {
            div class="wide" { table {
                caption { (face.t("factors.title")) }
                thead { tr {
                    th scope="col" { (face.t("factors.what")) }
                    th scope="col" class="number" { (face.t("factors.effect")) }
                    th scope="col" { (face.t("factors.range")) }
                    th scope="col" { (face.t("factors.sure")) }
                } }
                tbody { @for contrast in contrasts {
                    @let effect = &contrast["effect"];
                    @let steps: Vec<String> = list(contrast, "of").iter().filter_map(step).collect();
                    @let sure = effect["low"].as_f64().is_some_and(|low| low > 0.0) || effect["high"].as_f64().is_some_and(|high| high < 0.0);
                    tr {
                        th scope="row" { (steps.join(" × ")) }
                        td class="number" { (told(&effect["value"])) }
                        td { (told(&effect["low"])) " … " (told(&effect["high"])) }
                        td { (tag(if sure { "" } else { "quiet" }, face.t(if sure { "factors.yes" } else { "factors.no" }))) }
                    }
                } }
            } }
            p class="muted" { (face.t("factors.about")) }
        }
    }
}

/// A variant against the control.
fn one(face: &Face, comparison: &Value) -> Markup {
    let verdict = text(comparison, "verdict");
    let relative = &comparison["effect"]["relative"];
    let kind = match verdict {
        "better" | "safe" => "good",
        "worse" => "bad",
        _ => "quiet",
    };
    let bounds = (relative["value"].as_f64(), relative["low"].as_f64(), relative["high"].as_f64());
    html! {
        div class="verdict" {
            p { strong { (text(comparison, "variant")) } " " (tag(kind, face.language.word(&format!("verdict.{verdict}")))) }
            @if let ((Some(value), Some(low), Some(high)), true) = (bounds, verdict != "too_early") {
                @let range = [("low", change(face.language, low)), ("high", change(face.language, high))];
                @let range: Vec<(&str, &str)> = range.iter().map(|(gap, with)| (*gap, with.as_str())).collect();
                p class="value" { (change(face.language, value)) }
                p { (filled(face.t("result.range"), &range)) }
            }
            p { (face.language.word(&format!("says.{verdict}"))) }
        }
    }
}
