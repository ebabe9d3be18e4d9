//! All rules, in the order in which they act.

use maud::{Markup, html};
use serde_json::Value;

use super::shape::{conditions, sentence};
use crate::console::client::Answer;
use crate::console::fields::escaped;
use crate::console::history;
use crate::console::page::{icon, page, token};
use crate::console::parts::{self, count, empty, notice, tag, text};
use crate::console::session::{Desk, Face};

pub(in crate::console) async fn list(desk: Desk) -> Answer {
    let face = &*desk.face;
    let answer = desk.api.get("/v1/rules").await?;
    let rules = parts::list(&answer, "rules");
    let action = face.edits().then(|| ("/console/rules/new", face.t("rules.new")));
    let body = html! {
        div class="lead" {
            p { (face.t("rules.about")) }
            @if let (Some((address, word)), false) = (action, rules.is_empty()) { a class="button" href=(address) { (word) } }
        }
        @if rules.is_empty() { (empty(face.t("rules.none"), face.t("rules.begin"), action)) }
        @else { (table(face, rules)) }
        (history::removed(&desk, "rules", |face, rule| sentence(face, &rule["effect"])).await)
    };
    Ok(page(&desk, face.t("nav.rules"), &body))
}

fn table(face: &Face, rules: &[Value]) -> Markup {
    let ids: Vec<&str> = rules.iter().map(|rule| text(rule, "id")).collect();
    let ids = ids.join(",");
    html! {
        p class="muted" { (count(face, rules.len(), "rules.one", "rules.many")) " · " (face.t("rules.order")) }
        @if face.edits() {
            form id="order" method="post" action="/console/rules/order" {
                (token(face))
                input type="hidden" name="before" value=(ids);
                input type="hidden" name="order" value=(ids);
            }
        }
        ol class="rows" data-order="order" {
            @for (place, rule) in rules.iter().enumerate() { (row(face, rule, place, rules.len(), &ids)) }
        }
    }
}

fn row(face: &Face, rule: &Value, place: usize, of: usize, ids: &str) -> Markup {
    let id = text(rule, "id");
    let name = parts::named(rule);
    let conflicts = parts::list(rule, "conflicts");
    let edits = face.edits();
    html! {
        li data-id=(id) draggable=[edits.then_some("true")] class=[(rule["enabled"] != true).then_some("off")] {
            @if edits {
                span class="handle" aria-hidden="true" title=(face.t("rules.drag")) { (icon("M9 5h.01M15 5h.01M9 12h.01M15 12h.01M9 19h.01M15 19h.01")) }
            }
            span class="place" { (place + 1) }
            div class="what" {
                p class="name" {
                    a href={ "/console/rules/" (escaped(id)) } { (name) }
                    " " (tag("", face.language.word(&format!("effect.{}", text(&rule["effect"], "kind")))))
                    @if rule["enabled"] != true { " " (tag("quiet", face.t("rules.off"))) }
                }
                p { (sentence(face, &rule["effect"])) }
                p class="conditions" { (conditions(face, &rule["when"])) " " (parts::by(face, &rule["author"], &rule["written"])) }
                @for conflict in conflicts { p class="conflict" { (face.language.told(text(conflict, "text"))) } }
                @for warning in parts::list(rule, "warnings") { p class="conflict" { (face.language.told(text(warning, "text"))) } }
            }
            @if edits {
                form method="post" action="/console/rules/order" class="moves" {
                    (token(face))
                    input type="hidden" name="order" value=(ids);
                    @for (word, to, path, possible) in [
                        ("rules.up", "up", "M6 15l6-6 6 6", place > 0),
                        ("rules.down", "down", "M6 9l6 6 6-6", place + 1 < of),
                    ] {
                        button class="round" name="move" value={ (to) ":" (id) } disabled[!possible]
                            aria-label={ (face.language.word(word)) " : " (name) } { (icon(path)) }
                    }
                }
            }
        }
    }
}

/// The rules that a rule gets into, and what it names in vain.
pub(super) fn conflicts(face: &Face, rule: &Value) -> Markup {
    let (conflicts, warnings) = (parts::list(rule, "conflicts"), parts::list(rule, "warnings"));
    if conflicts.is_empty() && warnings.is_empty() {
        return html! {};
    }
    notice(
        "warn",
        html! {
            p { strong { (face.t("rules.conflicts")) } }
            ul {
                @for conflict in conflicts { li { (face.language.told(text(conflict, "text"))) } }
                @for warning in warnings { li { (face.language.told(text(warning, "text"))) } }
            }
        },
    )
}
