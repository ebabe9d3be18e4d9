//! What personalization brings, told so that the two figures which people mix up stand side by side: what followed a click, and
//! what would not be there without it. Every range says what it is, and nothing is called sure that is not.

use maud::{Markup, html};
use serde_json::Value;

use super::figures::{Shown, dash, money, shown};
use crate::console::format::{counted, day, number, percent};
use crate::console::parts::{list, notice, tag, text};
use crate::console::session::Face;
use crate::console::words::filled;

/// Attributed, and caused.
pub(in crate::console) fn section(face: &Face, results: &Value) -> Markup {
    html! {
        section class="card" aria-labelledby="worth" {
            h2 id="worth" { (face.t("worth.title")) }
            div class="sides" {
                (attributed(face, &results["attributed"], text(results, "currency")))
                (side(face, results))
            }
        }
    }
}

fn days(face: &Face, of: &Value) -> String {
    let (from, to) = (day(face.language, text(of, "from")), day(face.language, text(of, "to")));
    filled(face.t("overview.period"), &[("from", &from), ("to", &to)])
}

fn share(face: &Face, value: &Value) -> String {
    value.as_f64().map_or_else(dash, |value| percent(face.language, value, 1))
}

/// Days as people say them: `1 day`, `7 days`, `0.5 days`.
fn few(face: &Face, value: &Value) -> String {
    let days = value.as_f64().unwrap_or_default();
    let told = number(face.language, days, if days.fract() == 0.0 { 0 } else { 1 });
    filled(face.t(if value.as_f64() == Some(1.0) { "days.one" } else { "days.many" }), &[("days", &told)])
}

/// What followed a click, by the ids of decisions.
fn attributed(face: &Face, of: &Value, currency: &str) -> Markup {
    let told = [
        ("amount", money(face, &of["revenue"], currency, 0)),
        ("days", few(face, &of["click_days"])),
        ("ordered", counted(face.language, &of["ordered"])),
    ];
    let seen = [
        ("share", share(face, &of["seen_share_of_revenue"])),
        ("amount", money(face, &of["seen_revenue"], currency, 0)),
        ("days", few(face, &of["view_days"])),
        ("ordered", counted(face.language, &of["seen_ordered"])),
    ];
    html! {
        section aria-labelledby="attributed" {
            h3 id="attributed" { (face.t("attributed.title")) }
            p class="muted" { (days(face, of)) }
            p class="value" { (share(face, &of["share_of_revenue"])) }
            p { (filled(face.t("attributed.told"), &borrowed(&told))) }
            p { (filled(face.t("attributed.seen"), &borrowed(&seen))) }
            p class="muted" { (face.t("attributed.about")) }
        }
    }
}

fn borrowed<'a>(gaps: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    gaps.iter().map(|(gap, with)| (*gap, with.as_str())).collect()
}

/// What was caused: by personalization; or by all experiments together, where people are held out of these only.
fn side(face: &Face, results: &Value) -> Markup {
    let (personalization, experiments) = (&results["personalization"], &results["experiments"]);
    let currency = text(results, "currency");
    html! {
        section aria-labelledby="caused" {
            @if experiments.is_object() {
                (caused(face, experiments, currency, "together"))
            } @else {
                (caused(face, personalization, currency, "caused"))
            }
            @if personalization.is_null() {
                p { (face.t("caused.none")) }
                @if face.edits() { p { a class="button quiet" href="/console/settings" { (face.t("caused.begin")) } } }
            }
        }
    }
}

/// What would not be there without personalization or experiments, by those who go without; in the words of either.
fn caused(face: &Face, of: &Value, currency: &str, words: &str) -> Markup {
    let word = |name: &str| face.language.word(&format!("{words}.{name}"));
    let (revenue, part, ordered) = (&of["revenue"], &of["share_of_revenue"], &of["share_of_conversion"]);
    let range = |of: &Value, how: Shown| {
        [("low", shown(face, &of["low"], how, currency)), ("high", shown(face, &of["high"], how, currency))]
    };
    let sure = match (part["low"].as_f64(), part["high"].as_f64()) {
        (Some(low), _) if low > 0.0 => ("good", "sure"),
        (_, Some(high)) if high < 0.0 => ("bad", "worse"),
        _ => ("quiet", "open"),
    };
    // Whoever is divided otherwise than by the hash may differ in everything.
    let alarm = of["division"]["alarm"] == true;
    let people = [("served", counted(face.language, &of["served"])), ("held", counted(face.language, &of["held_out"]))];
    html! {
        h3 id="caused" { (word("title")) }
        @if part.is_object() {
            p class="muted" { (days(face, of)) }
            @if alarm {
                (notice("bad", html! { (face.t("result.mismatch")) }))
                p class="value" { (share(face, &part["value"])) }
            } @else {
                p class="value" { (share(face, &part["value"])) " " (tag(sure.0, face.language.word(&format!("caused.{}.tag", sure.1)))) }
            }
            p { (filled(word("told"), &borrowed(&range(part, Shown::Share)))) }
            @if !alarm { p { (word(sure.1)) } }
            dl class="facts" {
                div { dt { (face.t("caused.revenue")) } dd { (between(face, revenue, Shown::Money(0), currency)) } }
                div { dt { (word("ordered")) } dd { (between(face, ordered, Shown::Share, currency)) } }
                div { dt { (face.t("caused.beside")) } dd { (share(face, &of["attributed"]["share_of_revenue"])) } }
            }
            p class="muted" { (filled(word("people"), &borrowed(&people))) }
        }
    }
}

/// A figure with its range.
fn between(face: &Face, of: &Value, how: Shown, currency: &str) -> String {
    if !of.is_object() {
        return dash();
    }
    let told = |member: &str| shown(face, &of[member], how, currency);
    format!("{} ({} … {})", told("value"), told("low"), told("high"))
}

/// What personalization earns and costs a month.
pub(super) fn case(face: &Face, results: &Value) -> Markup {
    let (case, currency) = (&results["business_case"], text(results, "currency"));
    let amount = |value: &Value| money(face, value, currency, 0);
    let (benefit, gain) = (&case["benefit"], &case["gain"]);
    let margin = case["margin"].as_f64().map_or_else(dash, |margin| percent(face.language, margin, 0));
    html! {
        section class="card" aria-labelledby="case" {
            h2 id="case" { (face.t("case.title")) }
            @if gain.is_object() {
                p class="value" { (amount(&gain["value"])) }
                p { (filled(face.t("case.range"), &[("low", &amount(&gain["low"])), ("high", &amount(&gain["high"]))])) }
                p class="muted" { (filled(face.t("case.made"), &[
                    ("benefit", &amount(&benefit["value"])), ("cost", &money(face, &case["cost"], currency, 2)), ("margin", &margin),
                ])) }
            } @else {
                p { (face.t(match (case.is_null(), benefit.is_object()) {
                    (true, _) => "case.none",
                    (false, false) => "case.unknown",
                    (false, true) => "case.rate",
                })) }
                @if face.edits() { p { a class="button quiet" href="/console/settings" { (face.t("case.begin")) } } }
            }
            (cloud(face, case, currency))
        }
    }
}

/// Of what the cost is made.
fn cloud(face: &Face, case: &Value, currency: &str) -> Markup {
    let cloud = &case["cloud"];
    let dollars = money(face, &cloud["dollars"], "USD", 2);
    let amount = if cloud["amount"].is_null() { dollars } else { money(face, &cloud["amount"], currency, 2) };
    let whole = |member: &str| cloud[member].as_f64().map_or_else(dash, |value| number(face.language, value, 0));
    let told = [("decisions", whole("decisions")), ("events", whole("events")), ("amount", amount)];
    let dated = [("day", day(face.language, text(cloud, "as_of"))), ("region", text(cloud, "region").to_owned())];
    html! {
        @if cloud.is_object() {
            p { (filled(face.t("cloud.told"), &borrowed(&told))) }
            p class="muted" {
                (filled(face.t("cloud.dated"), &borrowed(&dated)))
                @if cloud["verified"] != true { " " (face.t("cloud.unverified")) }
            }
            @if !list(cloud, "sources").is_empty() {
                details {
                    summary { (face.t("cloud.sources")) }
                    ul class="sources" { @for page in list(cloud, "sources").iter().filter_map(Value::as_str) { li { a href=(page) rel="noreferrer" { (page) } } } }
                }
            }
        } @else if !case.is_null() { p class="muted" { (face.t("cloud.none")) } }
    }
}

/// Who buys once, and what it would be worth if a few of them came again.
pub(super) fn loyalty(face: &Face, results: &Value) -> Markup {
    let (loyalty, currency) = (&results["loyalty"], text(results, "currency"));
    html! {
        section class="card" aria-labelledby="loyalty" {
            h2 id="loyalty" { (face.t("loyalty.title")) }
            p class="value" { (share(face, &loyalty["one_time_share"])) }
            p { (face.t("loyalty.once")) }
            p { (filled(face.t("loyalty.again"), &[("share", &share(face, &loyalty["repeat_rate"]))])) }
            @if loyalty["one_per_cent"].is_number() {
                p class="muted" { (filled(face.t("loyalty.worth"), &[("amount", &money(face, &loyalty["one_per_cent"], currency, 0))])) }
            }
        }
    }
}
