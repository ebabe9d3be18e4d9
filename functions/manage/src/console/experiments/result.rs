//! What came of an experiment, in words that are right for somebody who is no statistician: what was seen, how sure it is, and
//! what may be said of it. The words follow the report's own verdicts; a range is shown as a range, and nothing is called better
//! before it is known to be.

use maud::{Markup, html};
use serde_json::Value;
use vitrine_domain::experiment::Metric;

use super::metric;
use crate::console::format::{change, counted, day_and_time, number, percent, points};
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
    // Of visitors who are divided otherwise than intended nothing is said to be better, whatever the figures are.
    let trusted = report["mismatch"]["alarm"] != true;
    let made = day_and_time(face.language, text(results, "made"));
    let planned = results["planned"].as_f64().map(|planned| number(face.language, planned, 0));
    html! {
        @if !trusted { (notice("bad", html! { (face.t("result.mismatch")) })) }
        (seen(face, experiment, results))
        @if !experiment["bandit"].is_null() { p { (face.t("result.shifted")) } }
        (together(face, experiment, report))
        @for measured in list(report, "metrics") { (of_metric(face, experiment, measured, text(results, "currency"), trusted)) }
        p class="muted" {
            (filled(face.t("result.made"), &[("when", &made)])) " "
            @match planned {
                Some(planned) => (filled(face.t("result.anytime"), &[("visitors", &planned)])),
                None => (face.t("result.unplanned")),
            }
        }
    }
}

/// How many people saw each variant.
fn seen(face: &Face, experiment: &Value, results: &Value) -> Markup {
    html! {
        dl class="facts" {
            @for variant in list(results, "variants") {
                div {
                    dt { (named(face, experiment, text(variant, "id"))) }
                    dd {
                        (counted(face.language, &variant["people"])) " " (face.t("result.people"))
                        " · " (percent(face.language, variant["share"].as_f64().unwrap_or_default(), 0))
                    }
                }
            }
        }
    }
}

/// What people call a variant: its name, of a combination those of its levels.
fn named(face: &Face, experiment: &Value, id: &str) -> String {
    let design = &experiment["design"];
    let name = |of: &[Value], id: &str| {
        of.iter().find(|one| text(one, "id") == id).map_or(id, |one| called(face, one)).to_owned()
    };
    let factors = list(design, "factors");
    if factors.is_empty() {
        return name(list(design, "variants"), id);
    }
    let levels = factors.iter().zip(id.split('.')).map(|(factor, id)| name(list(factor, "levels"), id));
    levels.collect::<Vec<_>>().join(" × ")
}

/// What people call a variant, a factor or a level.
fn called<'a>(face: &'a Face, one: &'a Value) -> &'a str {
    match (text(one, "name"), text(one, "id")) {
        ("", "control") => face.t("experiments.same"),
        ("", id) => id,
        (name, _) => name,
    }
}

/// What is done about looking at several figures at once: who looks at twenty finds one that is better by accident.
fn together(face: &Face, experiment: &Value, report: &Value) -> Markup {
    let metrics = list(report, "metrics");
    let ways = metrics.first().map_or(0, |measured| list(measured, "variants").len().saturating_sub(1));
    let secondary = metrics.iter().filter(|measured| measured["role"]["kind"] == "secondary").count();
    let share = percent(face.language, experiment["alpha"].as_f64().unwrap_or(0.05), 0);
    let told = |word: &str, many: usize| {
        #[allow(clippy::cast_precision_loss, reason = "few")]
        let many = number(face.language, many as f64, 0);
        filled(face.language.word(word), &[("many", &many), ("share", &share)])
    };
    html! {
        @if ways > 1 { p { (told("result.ways", ways)) } }
        @if secondary * ways > 1 { p { (told("result.together", secondary * ways)) } }
    }
}

/// How a metric's values are written.
fn value(face: &Face, metric: &str, value: &Value, currency: &str) -> String {
    let Some(value) = value.as_f64() else { return "–".to_owned() };
    match metric {
        _ if is_share(metric) => percent(face.language, value, 2),
        "adds_per_visitor" => number(face.language, value, 3),
        _ => format!("{} {currency}", number(face.language, value, 2)).trim_end().to_owned(),
    }
}

/// How the difference of two values is written: of two shares in percentage points.
fn difference(face: &Face, metric: &str, difference: &Value, currency: &str) -> String {
    match difference.as_f64() {
        Some(share) if is_share(metric) => points(face.language, share, 2),
        _ => value(face, metric, difference, currency),
    }
}

fn is_share(metric: &str) -> bool {
    serde_json::from_value(metric.into()).is_ok_and(Metric::is_share)
}

/// The figures behind the words.
fn table(face: &Face, experiment: &Value, measured: &Value, currency: &str) -> Markup {
    let name = text(measured, "metric");
    let apart = |one: &Value| difference(face, name, one, currency);
    html! {
        details {
            summary { (face.t("result.figures")) }
            div class="wide" role="region" tabindex="0" aria-label=(metric(face, name)) { table {
                thead { tr {
                    th scope="col" { (face.t("experiments.arm")) }
                    @for word in ["result.value", "result.difference"] { th scope="col" class="number" { (face.language.word(word)) } }
                    th scope="col" { (face.t("factors.range")) }
                    th scope="col" class="number" { (face.t("result.chance")) }
                } }
                tbody { @for variant in list(measured, "variants") {
                    @let absolute = &variant["effect"]["absolute"];
                    tr {
                        th scope="row" { (named(face, experiment, text(variant, "variant"))) }
                        td class="number" { (value(face, name, &variant["estimate"]["value"], currency)) }
                        td class="number" { (apart(&absolute["value"])) }
                        td { @if absolute.is_object() { (apart(&absolute["low"])) " … " (apart(&absolute["high"])) } @else { "–" } }
                        td class="number" { (variant["adjusted_p"].as_f64().map_or_else(|| "–".to_owned(), |p| number(face.language, p, 4))) }
                    }
                } }
            } }
            p class="muted" { (face.t("result.chance.about")) }
        }
    }
}

fn of_metric(face: &Face, experiment: &Value, measured: &Value, currency: &str, trusted: bool) -> Markup {
    let name = text(measured, "metric");
    let role = text(&measured["role"], "kind");
    let variants = list(measured, "variants");
    html! {
        section class="comparison" {
            h3 { (metric(face, name)) " " (tag("quiet", face.language.word(&format!("measure.{role}")))) }
            @if trusted { @for variant in variants.iter().skip(1) { (one(face, experiment, variant)) } }
            (table(face, experiment, measured, currency))
            @if trusted { (causes(face, experiment, measured, currency)) }
        }
    }
}

/// Of a test of several factors what each causes alone, and what two cause together that neither causes alone.
fn causes(face: &Face, experiment: &Value, measured: &Value, currency: &str) -> Markup {
    let contrasts = list(measured, "contrasts");
    let factors = list(&experiment["design"], "factors");
    let step = |step: &Value| {
        let place = |name: &str| step[name].as_u64().and_then(|place| usize::try_from(place).ok()).unwrap_or_default();
        let factor = factors.get(place("factor"))?;
        let level = list(factor, "levels").get(place("level"))?;
        Some(format!("{}: {}", called(face, factor), called(face, level)))
    };
    let told = |value: &Value| difference(face, text(measured, "metric"), value, currency);
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

/// How often the ranges of an experiment hold.
fn sure(face: &Face, experiment: &Value) -> String {
    let share = 1.0 - experiment["alpha"].as_f64().unwrap_or(0.05);
    percent(face.language, share, usize::from((share * 100.0 - (share * 100.0).round()).abs() > 1e-6))
}

/// A variant against the control.
fn one(face: &Face, experiment: &Value, comparison: &Value) -> Markup {
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
            p { strong { (named(face, experiment, text(comparison, "variant"))) } " " (tag(kind, face.language.word(&format!("verdict.{verdict}")))) }
            @if let ((Some(value), Some(low), Some(high)), true) = (bounds, verdict != "too_early") {
                @let range = [("sure", sure(face, experiment)), ("low", change(face.language, low)), ("high", change(face.language, high))];
                @let range: Vec<(&str, &str)> = range.iter().map(|(gap, with)| (*gap, with.as_str())).collect();
                p class="value" { (change(face.language, value)) }
                p { (filled(face.t("result.range"), &range)) }
            }
            p { (face.language.word(&format!("says.{verdict}"))) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::console::words::Language;

    #[test]
    fn a_bandits_figures_are_told_with_their_ranges_and_how_sure_they_are() {
        let face = Face::plain(Language::English);
        let design = json!({"variants": [{"id": "control"}, {"id": "b", "name": "Trends"}]});
        let experiment = json!({"status": "running", "alpha": 0.1, "bandit": {"floor": 0.1}, "design": design});
        let effect = json!({
            "absolute": {"value": 0.0125, "low": -0.005, "high": 0.03},
            "relative": {"value": 0.25, "low": -0.1, "high": 0.6},
        });
        let metric = json!({"metric": "conversion", "role": {"kind": "primary"}, "variants": [
            {"variant": "control", "estimate": {"value": 0.05}, "verdict": "open"},
            {"variant": "b", "estimate": {"value": 0.0625}, "effect": effect, "adjusted_p": 0.2, "verdict": "open"},
        ]});
        let results = json!({"made": "2026-11-22T14:40:00Z", "planned": 4000, "report": {"metrics": [metric]}});
        let page = section(&face, &experiment, Some(&results)).into_string();
        for told in [
            "days of different shares can be compared",
            "With 90% confidence the true change lies between −10.0% and +60.0%.",
            "6.25%",
            "+1.25\u{a0}pp",
            "−0.50\u{a0}pp … +3.00\u{a0}pp",
            "a decision is intended after 4,000 visitors",
        ] {
            assert!(page.contains(told), "{told}: {page}");
        }
        // Divided otherwise than intended: figures, and no word of what is better.
        let mut results = results;
        results["report"]["mismatch"] = json!({"alarm": true});
        results["report"]["metrics"][0]["variants"][1]["verdict"] = json!("better");
        results["planned"] = Value::Null;
        let page = section(&face, &experiment, Some(&results)).into_string();
        for (told, expected) in
            [("6.25%", true), ("confidence", false), ("class=\"verdict\"", false), ("would be narrower", true)]
        {
            assert_eq!(page.contains(told), expected, "{told}: {page}");
        }
    }

    #[test]
    fn what_parts_cause_is_told_by_their_names_and_in_the_unit_of_the_metric() {
        let face = Face::plain(Language::English);
        let levels = json!([{"id": "control"}, {"id": "l1", "name": "Trends"}]);
        let factors = json!([{"id": "f1", "name": "Home page", "levels": levels}, {"id": "f2", "levels": levels}]);
        let experiment = json!({"status": "running", "alpha": 0.05, "design": {"factors": factors}});
        let step = |factor: u8| json!({"factor": factor, "level": 1});
        let effect = json!({"value": 0.0125, "low": 0.005, "high": 0.02});
        let measured = |metric: &str| {
            json!({"metric": metric, "variants": [], "contrasts": [
                {"of": [step(0)], "effect": effect}, {"of": [step(0), step(1)], "effect": effect}]})
        };
        let page = causes(&face, &experiment, &measured("conversion"), "EUR").into_string();
        for told in
            ["Home page: Trends<", "Home page: Trends × f2: Trends", "+1.25\u{a0}pp", "+0.50\u{a0}pp … +2.00\u{a0}pp"]
        {
            assert!(page.contains(told), "{told}: {page}");
        }
        let page = causes(&face, &experiment, &measured("revenue_per_visitor"), "EUR").into_string();
        assert!(page.contains("0.01 EUR"), "{page}");
    }
}
