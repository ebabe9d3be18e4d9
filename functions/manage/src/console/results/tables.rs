//! Key figures side by side: of channels, of segments, of days.

use maud::{Markup, html};
use serde_json::Value;

use super::figures::{Figure, Shown, shown};
use crate::console::format::day;
use crate::console::parts::{list, text};
use crate::console::session::Face;

const COLUMNS: [Figure; 10] = [
    ("kpi.visitors", "visitors", Shown::Whole),
    ("kpi.visits", "visit_frequency", Shown::Real),
    ("kpi.conversion", "conversion", Shown::Share),
    ("kpi.orders", "orders", Shown::Whole),
    ("kpi.value", "order_value", Shown::Money(2)),
    ("kpi.revenue", "net", Shown::Money(0)),
    ("kpi.purchases", "purchase_frequency", Shown::Real),
    ("kpi.repeat", "repeat_rate", Shown::Share),
    ("kpi.wait", "days_to_first_order", Shown::Real),
    ("kpi.returns", "return_rate", Shown::Share),
];

/// A table that may be wider than the page; whoever uses the keyboard can move it.
pub(super) fn wide(title: &str, table: Markup) -> Markup {
    html! { div class="wide" role="region" aria-label=(title) tabindex="0" { table { (table) } } }
}

/// By channel, or by segment under its name: those with most visitors first.
pub(super) fn section(face: &Face, results: &Value, by: &str, segments: &Value) -> Markup {
    let Some(all) = results[by].as_object().filter(|all| !all.is_empty()) else { return html! {} };
    let title = face.language.word(&format!("results.{by}"));
    let named = |id: &String| {
        let segment = list(segments, "segments").iter().find(|segment| text(segment, "id") == id);
        let name = segment.map(|segment| text(segment, "name")).filter(|name| !name.is_empty());
        let channel = || face.language.find(&format!("channel.{id}")).filter(|_| by == "channels");
        name.or_else(channel).unwrap_or(id).to_owned()
    };
    let mut rows: Vec<(String, &Value)> = all.iter().map(|(id, of)| (named(id), of)).collect();
    rows.sort_by_key(|(_, of)| std::cmp::Reverse(of["visitors"].as_u64()));
    html! {
        section aria-labelledby={ "by-" (by) } {
            h2 id={ "by-" (by) } { (title) }
            (table(face, results, title, face.language.word(&format!("results.one.{by}")), &rows))
            p class="muted" { (face.language.word(&format!("results.{by}.about"))) }
        }
    }
}

/// Day by day, the newest first.
pub(super) fn days(face: &Face, results: &Value) -> Markup {
    let title = face.t("results.days");
    let rows: Vec<(String, &Value)> =
        list(results, "days").iter().rev().map(|one| (day(face.language, text(one, "day")), one)).collect();
    html! {
        @if !rows.is_empty() {
            details class="card" {
                summary { (title) }
                (table(face, results, title, face.t("results.one.days"), &rows))
            }
        }
    }
}

fn table(face: &Face, results: &Value, title: &str, of: &str, rows: &[(String, &Value)]) -> Markup {
    let currency = text(results, "currency");
    wide(
        title,
        html! {
            caption class="hidden" { (title) }
            thead { tr {
                th scope="col" { (of) }
                @for (word, ..) in COLUMNS { th scope="col" class="number" { (face.language.word(word)) } }
            } }
            tbody { @for (name, of) in rows { tr {
                th scope="row" { (name) }
                @for (_, member, how) in COLUMNS { td class="number" { (shown(face, &of[member], how, currency)) } }
            } } }
        },
    )
}
