//! Groups of visitors that nobody has defined: what sets each apart, what it is worth, and one click to a segment of it.

use maud::{Markup, html};
use serde_json::Value;

use super::bar;
use crate::console::fields::escaped;
use crate::console::format::{change, day_and_time, percent};
use crate::console::parts::{list, text};
use crate::console::session::Face;
use crate::console::words::{Language, filled};

pub(super) fn section(face: &Face, found: Option<&Value>) -> Markup {
    let Some(found) = found else { return html! {} };
    let groups = list(found, "groups");
    html! {
        section aria-labelledby="unknown" {
            h2 id="unknown" { (face.t("unknown.title")) }
            p class="muted" { (filled(face.t("unknown.about"), &[("when", &day_and_time(face.language, text(found, "made")))])) }
            @if groups.is_empty() { p { (face.t("unknown.none")) } }
            div class="cards" { @for group in groups { (card(face, group)) } }
        }
    }
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
