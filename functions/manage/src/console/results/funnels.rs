//! What came of what each placement showed, of the lists that each rule acted on, and of the content that rules showed.

use maud::{Markup, html};
use serde_json::Value;

use super::figures::{Shown, money, shown};
use super::tables::wide;
use crate::console::format::counted;
use crate::console::parts::{tag, text};
use crate::console::session::Face;

/// The four places of a use case: by what it gives to visitors and what it brings to the shop.
const USES: [&str; 4] = ["pleaser", "star", "question", "earner"];

pub(super) fn section(face: &Face, results: &Value, of_what: &str) -> Markup {
    let language = face.language;
    let currency = text(results, "currency");
    let Some(funnels) = results[of_what].as_object().filter(|funnels| !funnels.is_empty()) else { return html! {} };
    let title = language.word(&format!("overview.{of_what}"));
    let costs = funnels.values().any(|funnel| !funnel["cost"].is_null());
    // Content is no product, which could be ordered without a click.
    let products = of_what != "content";
    let mut words = vec!["funnel.shown", "funnel.clicked", "funnel.added", "funnel.ordered", "funnel.revenue"];
    if products {
        words.push("funnel.seen");
    }
    if costs {
        words.push("funnel.cost");
    }
    html! {
        section aria-labelledby={ "funnels-" (of_what) } {
            h2 id={ "funnels-" (of_what) } { (title) }
            (wide(title, html! {
                caption class="hidden" { (title) }
                thead { tr {
                    th scope="col" { (language.word(&format!("funnel.{of_what}"))) }
                    @for word in words { th scope="col" class="number" { (language.word(word)) } }
                } }
                tbody { @for (name, of) in funnels { tr {
                    th scope="row" { (name) @if let Some(case) = of["use_case"].as_str() { " " (tag("quiet", language.word(&format!("case.{case}")))) } }
                    td class="number" { (counted(language, &of["shown"])) }
                    td class="number" {
                        (counted(language, &of["clicked"]))
                        span class="part" { (shown(face, &of["click_through"], Shown::Share, currency)) }
                    }
                    td class="number" { (counted(language, &of["added"])) }
                    td class="number" { (counted(language, &of["ordered"])) }
                    td class="number" { (money(face, &of["revenue"], currency, 0)) }
                    @if products { td class="number" {
                        (money(face, &of["seen_revenue"], currency, 0))
                        span class="part" { (counted(language, &of["seen_ordered"])) " " (face.t("funnel.products")) }
                    } }
                    @if costs { td class="number" { (money(face, &of["cost"], currency, 2)) } }
                } } }
            }))
            p class="muted" { (face.t(if products { "funnel.about" } else { "funnel.clicks" })) @if costs { " " (face.t("funnel.costs")) } }
        }
    }
}

/// Placements, rules and content by what they give to visitors and what they bring to the shop.
pub(super) fn uses(face: &Face, results: &Value) -> Markup {
    let of_kind = |kind: &'static str, case: &str| -> Vec<(&str, &'static str)> {
        let funnels = results[kind].as_object().into_iter().flatten();
        funnels.filter(|(_, of)| of["use_case"] == case).map(|(name, _)| (name.as_str(), kind)).collect()
    };
    let named = |case: &str| [of_kind("placements", case), of_kind("rules", case), of_kind("content", case)].concat();
    if USES.iter().all(|case| named(case).is_empty()) {
        return html! {};
    }
    html! {
        section aria-labelledby="uses" {
            h2 id="uses" { (face.t("uses.title")) }
            p class="muted" { (face.t("uses.about")) }
            div class="uses" {
                @for case in USES {
                    article class={ "card " (case) } {
                        h3 { (face.language.word(&format!("case.{case}"))) }
                        p class="muted" { (face.language.word(&format!("uses.{case}"))) }
                        ul {
                            @for (name, kind) in named(case) {
                                li { (name) @if kind != "placements" { " " (tag("quiet", face.language.word(&format!("funnel.{kind}")))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
