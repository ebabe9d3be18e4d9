//! Key figures of a period, and how they went day by day.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::chart::{Point, line};
use crate::console::format::{day, number, percent};
use crate::console::parts::{figure, list, text};
use crate::console::session::Face;
use crate::console::words::filled;

/// How a figure is written.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    Whole,
    /// With two decimals.
    Real,
    Share,
    /// In the currency, with so many decimals.
    Money(usize),
}

/// What a figure is called, where it stands in an answer, and how it is written.
pub(super) type Figure = (&'static str, &'static str, Shown);

const FIRST: [Figure; 6] = [
    ("kpi.revenue", "net", Shown::Money(0)),
    ("kpi.orders", "orders", Shown::Whole),
    ("kpi.conversion", "conversion", Shown::Share),
    ("kpi.value", "order_value", Shown::Money(2)),
    ("kpi.returns", "return_rate", Shown::Share),
    ("kpi.repeat", "repeat_rate", Shown::Share),
];
const MORE: [Figure; 4] = [
    ("kpi.visitors", "visitors", Shown::Whole),
    ("kpi.visits", "visit_frequency", Shown::Real),
    ("kpi.purchases", "purchase_frequency", Shown::Real),
    ("kpi.wait", "days_to_first_order", Shown::Real),
];
const CHARTS: [Figure; 4] = [
    ("overview.revenue", "net", Shown::Money(0)),
    ("overview.conversion", "conversion", Shown::Share),
    ("results.visitors", "visitors", Shown::Whole),
    ("results.value", "order_value", Shown::Money(2)),
];

pub(super) fn dash() -> String {
    "–".to_owned()
}

pub(super) fn money(face: &Face, value: &Value, currency: &str, decimals: usize) -> String {
    value.as_f64().map_or_else(dash, |value| {
        format!("{} {currency}", number(face.language, value, decimals)).trim_end().to_owned()
    })
}

/// A figure as people write it; a dash where there is none.
pub(super) fn shown(face: &Face, value: &Value, how: Shown, currency: &str) -> String {
    let Some(number_of) = value.as_f64() else { return dash() };
    match how {
        Shown::Whole => number(face.language, number_of, 0),
        Shown::Real => number(face.language, number_of, 2),
        Shown::Share => percent(face.language, number_of, 1),
        Shown::Money(decimals) => money(face, value, currency, decimals),
    }
}

/// Which days these are, and how people count in them.
pub(in crate::console) fn told(face: &Face, results: &Value) -> Markup {
    let (from, to) = (day(face.language, text(results, "from")), day(face.language, text(results, "to")));
    let once = face.t(if results["last"].is_null() { "period.daily" } else { "period.once" });
    html! { p class="muted" { (filled(face.t("overview.period"), &[("from", &from), ("to", &to)])) ". " (once) } }
}

/// The figures at a glance; with those of which not everybody asks.
pub(in crate::console) fn key(face: &Face, results: &Value, all: bool) -> Markup {
    let currency = text(results, "currency");
    let total = &results["total"];
    html! {
        section class="figures" aria-label=(face.t("overview.figures")) {
            @for (word, member, how) in FIRST.iter().chain(MORE.iter().filter(|_| all)) {
                (figure(face.language.word(word), &shown(face, &total[*member], *how, currency), &html! {}))
            }
        }
    }
}

pub(in crate::console) fn charts(face: &Face, results: &Value) -> Markup {
    html! {
        @for pair in CHARTS.chunks(2) { (pair_of(face, results, pair)) }
    }
}

/// Revenue and conversion.
pub(in crate::console) fn two(face: &Face, results: &Value) -> Markup {
    pair_of(face, results, &CHARTS[..2])
}

fn pair_of(face: &Face, results: &Value, pair: &[Figure]) -> Markup {
    let currency = text(results, "currency");
    html! {
        div class="columns halves" {
            @for (word, member, how) in pair {
                @let title = face.language.word(word);
                section class="card" aria-labelledby={ "chart-" (member) } {
                    h2 id={ "chart-" (member) } { (title) }
                    (line(face, title, &points(face, results, member, *how, currency)))
                }
            }
        }
    }
}

fn points(face: &Face, results: &Value, member: &str, how: Shown, currency: &str) -> Vec<Point> {
    let point = |one: &Value| Point {
        label: day(face.language, text(one, "day")),
        value: one[member].as_f64().unwrap_or_default(),
        shown: shown(face, &one[member], how, currency),
    };
    list(results, "days").iter().map(point).collect()
}
