//! Groups of visitors that nobody has defined: what sets each apart, what it is worth, and one click to a segment of it.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use vitrine_domain::clusters::{FEWEST, Worth};

use super::bar;
use crate::console::fields::escaped;
use crate::console::format::{change, counted, day_and_time, percent};
use crate::console::parts::{list, text};
use crate::console::session::Face;
use crate::console::words::{Language, filled};

/// What groups are ranked by.
#[derive(Debug, Deserialize)]
pub(crate) struct Ranked {
    #[serde(default)]
    pub(super) sort: String,
}

/// One of the names there are; the first for any other.
pub(super) fn worth(sort: &str) -> &'static str {
    Worth::ALL.into_iter().find(|worth| worth.as_str() == sort).unwrap_or_default().as_str()
}

fn ranking(face: &Face, sort: &str) -> Markup {
    html! {
        p {
            (face.t("unknown.sort"))
            @for worth in Worth::ALL.map(Worth::as_str) {
                " " a href={ "/console/segments?sort=" (worth) "#unknown" } aria-current=[(worth == sort).then_some("true")] { (face.t(&format!("unknown.by.{worth}"))) }
            }
        }
    }
}

pub(super) fn section(face: &Face, found: Option<&Value>, sort: &str) -> Markup {
    let Some(found) = found else { return html! {} };
    let groups = list(found, "groups");
    html! {
        section aria-labelledby="unknown" {
            h2 id="unknown" { (face.t("unknown.title")) }
            p class="muted" { (filled(face.t("unknown.about"), &[("when", &day_and_time(face.language, text(found, "made")))])) }
            @if groups.is_empty() { p { (none(face, &found["visitors"])) } } @else { (ranking(face, sort)) }
            @if !groups.is_empty() && found["stable"] == false { p { (face.t("unknown.unstable")) } }
            div class="cards" { @for group in groups { (card(face, group)) } }
        }
    }
}

/// Why there are no groups.
fn none(face: &Face, visitors: &Value) -> String {
    if visitors.as_u64().is_some_and(|visitors| visitors >= FEWEST as u64) {
        return face.t("unknown.none").to_owned();
    }
    let (visitors, fewest) = (counted(face.language, visitors), FEWEST.to_string());
    filled(face.t("unknown.few"), &[("visitors", &visitors), ("fewest", &fewest)])
}

fn card(face: &Face, group: &Value) -> Markup {
    let name = text(group, if face.language == Language::French { "name_fr" } else { "name" });
    let share = group["share"].as_f64().unwrap_or_default();
    let of = |member: &str| percent(face.language, group[member].as_f64().unwrap_or_default(), 0);
    let filter = text(group, "filter");
    html! {
        article class="card" {
            h3 { (name) }
            p class="value" { (percent(face.language, share, 1)) " " span class="muted" { (face.t("unknown.share")) } }
            (bar(share))
            p {
                (filled(face.t("unknown.revenue"), &[("share", &of("revenue_share"))]))
                @if group["margin_share"].is_number() { " · " (filled(face.t("unknown.margin"), &[("share", &of("margin_share"))])) }
                @if let Some(growth) = group["growth"].as_f64() { " · " (change(face.language, growth)) " " (face.t("unknown.growth")) }
            }
            @if filter.is_empty() {
                p class="muted" { (face.t("unknown.nofilter")) }
            } @else {
                p { code class="filter" { (filter) } }
                p class="muted" { (filled(face.t("unknown.fits"), &[("recall", &of("recall")), ("precision", &of("precision"))])) }
                @if face.edits() {
                    p { a class="button quiet" href={ "/console/segments/new?title=" (escaped(name)) "&filter=" (escaped(filter)) } { (face.t("unknown.make")) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn where_visitors_are_too_few_nothing_is_said_of_how_they_fall_into_groups() {
        for (visitors, told) in [(99, "too few visitors to find groups among: 99, of 100"), (100, "that are stable")] {
            let found = json!({"made": "2026-11-22T14:40:00Z", "visitors": visitors, "groups": []});
            let page = section(&Face::plain(Language::English), Some(&found), "revenue").into_string();
            assert!(page.contains(told), "{page}");
        }
    }

    #[test]
    fn groups_that_are_not_stable_are_said_to_be_none() {
        for (stable, said) in [(true, false), (false, true)] {
            let found = json!({"made": "2026-11-22T14:40:00Z", "visitors": 400, "stable": stable,
                "groups": [{"name": "order often", "share": 0.25, "filter": ""}]});
            let page = section(&Face::plain(Language::English), Some(&found), "revenue").into_string();
            assert_eq!(page.contains("No number of groups is stable"), said, "{page}");
        }
    }
}
