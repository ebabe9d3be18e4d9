//! Key figures of the last days, what each placement did, and what personalization caused.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::chart::{Point, line};
use crate::console::format::{counted, day, day_and_time, number, percent};
use crate::console::parts::{figure, list, tag, text};
use crate::console::session::Face;
use crate::console::words::filled;

pub(super) fn section(face: &Face, results: &Value) -> Markup {
    let total = &results["total"];
    let language = face.language;
    let currency = text(results, "currency");
    let whole = |value: &Value| value.as_f64().map_or_else(dash, |value| number(language, value, 0));
    let share = |value: &Value| value.as_f64().map_or_else(dash, |value| percent(language, value, 1));
    let amount = |value: &Value, decimals| money(face, value.as_f64(), currency, decimals);
    let none = html! {};
    let (from, to) = (day(language, text(results, "from")), day(language, text(results, "to")));
    let per_day = |member: &str, shown: &dyn Fn(&Value) -> String| -> Vec<Point> {
        let point = |one: &Value| Point {
            label: day(language, text(one, "day")),
            value: one[member].as_f64().unwrap_or_default(),
            shown: shown(&one[member]),
        };
        list(results, "days").iter().map(point).collect()
    };
    html! {
        p class="muted" { (filled(face.t("overview.period"), &[("from", &from), ("to", &to)])) }
        section class="figures" aria-label=(face.t("overview.figures")) {
            (figure(face.t("kpi.revenue"), &amount(&total["net"], 0), &none))
            (figure(face.t("kpi.orders"), &whole(&total["orders"]), &none))
            (figure(face.t("kpi.conversion"), &share(&total["conversion"]), &none))
            (figure(face.t("kpi.value"), &amount(&total["order_value"], 2), &none))
            (figure(face.t("kpi.returns"), &share(&total["return_rate"]), &none))
            (figure(face.t("kpi.repeat"), &share(&results["loyalty"]["repeat_rate"]), &none))
        }
        div class="columns halves" {
            section class="card" aria-labelledby="revenue" {
                h2 id="revenue" { (face.t("overview.revenue")) }
                (line(face, face.t("overview.revenue"), &per_day("net", &|value| amount(value, 0))))
            }
            section class="card" aria-labelledby="conversion" {
                h2 id="conversion" { (face.t("overview.conversion")) }
                (line(face, face.t("overview.conversion"), &per_day("conversion", &share)))
            }
        }
        (funnels(face, results, "placements", currency))
        (funnels(face, results, "rules", currency))
        div class="columns halves" { (caused(face, &results["personalization"], currency)) (loyalty(face, &results["loyalty"], currency)) }
        (case(face, &results["business_case"], currency))
    }
}

fn dash() -> String {
    "–".to_owned()
}

fn money(face: &Face, value: Option<f64>, currency: &str, decimals: usize) -> String {
    value.map_or_else(dash, |value| {
        format!("{} {currency}", number(face.language, value, decimals)).trim_end().to_owned()
    })
}

/// What came of each placement, or of the lists of each rule, and where it stands among the others.
fn funnels(face: &Face, results: &Value, of_what: &str, currency: &str) -> Markup {
    let funnels = results[of_what].as_object();
    let language = face.language;
    let title = language.word(&format!("overview.{of_what}"));
    html! {
        @if let Some(funnels) = funnels.filter(|funnels| !funnels.is_empty()) {
            section aria-labelledby={ "funnels-" (of_what) } {
                h2 id={ "funnels-" (of_what) } { (title) }
                div class="wide" { table {
                    caption class="hidden" { (title) }
                    thead { tr {
                        th scope="col" { (language.word(&format!("funnel.{of_what}"))) }
                        @for word in ["funnel.shown", "funnel.clicked", "funnel.rate", "funnel.added", "funnel.ordered", "funnel.revenue"] {
                            th scope="col" class="number" { (language.word(word)) }
                        }
                        th scope="col" { (face.t("funnel.case")) }
                    } }
                    tbody { @for (name, of) in funnels { tr {
                        th scope="row" { (name) }
                        td class="number" { (counted(language, &of["shown"])) }
                        td class="number" { (counted(language, &of["clicked"])) }
                        td class="number" { (of["click_through"].as_f64().map_or_else(dash, |rate| percent(language, rate, 1))) }
                        td class="number" { (counted(language, &of["added"])) }
                        td class="number" { (counted(language, &of["ordered"])) }
                        td class="number" { (money(face, of["revenue"].as_f64(), currency, 0)) }
                        td { @if let Some(case) = of["use_case"].as_str() { (tag("", language.word(&format!("case.{case}")))) } @else { (dash()) } }
                    } } }
                } }
                p class="muted" { (face.t("funnel.about")) }
            }
        }
    }
}

/// What personalization caused, by those who go without it.
fn caused(face: &Face, caused: &Value, currency: &str) -> Markup {
    let revenue = &caused["revenue"];
    let bounds = (revenue["value"].as_f64(), revenue["low"].as_f64(), revenue["high"].as_f64());
    html! {
        section class="card" aria-labelledby="caused" {
            h2 id="caused" { (face.t("caused.title")) }
            @if let (Some(value), Some(low), Some(high)) = bounds {
                p class="value" { (money(face, Some(value), currency, 0)) }
                p { (filled(face.t("caused.range"), &[("low", &money(face, Some(low), currency, 0)), ("high", &money(face, Some(high), currency, 0))])) }
                p class="muted" { (filled(face.t("caused.people"), &[
                    ("served", &counted(face.language, &caused["served"])),
                    ("held", &counted(face.language, &caused["held_out"])),
                ]))
                    @if let Some(since) = caused["since"].as_str() { " " (filled(face.t("caused.since"), &[("when", &day_and_time(face.language, since))])) }
                }
            } @else {
                p { (face.t("caused.none")) }
                @if face.edits() { p { a class="button quiet" href="/console/settings" { (face.t("caused.begin")) } } }
            }
        }
    }
}

/// What personalization earns and costs a month.
fn case(face: &Face, case: &Value, currency: &str) -> Markup {
    let amount = |value: &Value| money(face, value.as_f64(), currency, 0);
    let (benefit, gain) = (&case["benefit"], &case["gain"]);
    html! {
        section class="card" aria-labelledby="case" {
            h2 id="case" { (face.t("case.title")) }
            @if benefit.is_object() {
                p class="value" { (amount(&gain["value"])) }
                p { (filled(face.t("case.range"), &[("low", &amount(&gain["low"])), ("high", &amount(&gain["high"]))])) }
                p class="muted" { (filled(face.t("case.made"), &[
                    ("benefit", &amount(&benefit["value"])), ("cost", &amount(&case["cost"])),
                    ("margin", &case["margin"].as_f64().map_or_else(dash, |margin| percent(face.language, margin, 0))),
                ])) }
            } @else {
                p { (face.t(if case.is_null() { "case.none" } else { "case.unknown" })) }
                @if face.edits() { p { a class="button quiet" href="/console/settings" { (face.t("case.begin")) } } }
            }
        }
    }
}

/// Who buys once, and what it would be worth if a few of them came again.
fn loyalty(face: &Face, loyalty: &Value, currency: &str) -> Markup {
    let once = loyalty["one_time_share"].as_f64().map_or_else(dash, |share| percent(face.language, share, 1));
    html! {
        section class="card" aria-labelledby="loyalty" {
            h2 id="loyalty" { (face.t("loyalty.title")) }
            p class="value" { (once) }
            p { (face.t("loyalty.once")) }
            @if let Some(worth) = loyalty["one_per_cent"].as_f64() {
                p class="muted" { (filled(face.t("loyalty.worth"), &[("amount", &money(face, Some(worth), currency, 0))])) }
            }
        }
    }
}
