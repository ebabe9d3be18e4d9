//! What every page has around it: navigation at the side, who has signed in, the language, what was just done.

use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use vitrine_store::staff::Role;

use super::assets::names;
use super::fields::TOKEN;
use super::parts::notice;
use super::session::{Desk, Face};
use super::words::Language;

/// What htmx may do: no style of its own, nothing evaluated, nothing of other sites; refusals are shown where the answer would
/// have stood.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyCacheSize":0,"responseHandling":[{"code":"[2345]..","swap":true}]}"#;

/// Address, word, and a picture of 24 by 24 for each part of the console; the last says who sees it.
const NAVIGATION: [(&str, &str, &str, Role); 11] = [
    ("/console", "nav.overview", "M4 19V9m6 10V5m6 14v-7m4 7H2", Role::Viewer),
    ("/console/results", "nav.results", "M3 20h18M5 16l5-6 4 4 6-9m0 0v5m0-5h-5", Role::Viewer),
    ("/console/placements", "nav.placements", "M3 4h18v6H3zM3 14h8v6H3zM15 14h6v6h-6z", Role::Viewer),
    ("/console/rules", "nav.rules", "M4 7h10m6 0h-2M4 17h2m14 0H10M14 4v6M6 14v6", Role::Viewer),
    ("/console/segments", "nav.segments", "M12 3a9 9 0 1 0 9 9h-9zM16 3.5a9 9 0 0 1 4.5 4.5H16z", Role::Viewer),
    (
        "/console/experiments",
        "nav.experiments",
        "M9 3h6M10 3v6L4.5 19a1.5 1.5 0 0 0 1.3 2h12.4a1.5 1.5 0 0 0 1.3-2L14 9V3M7 15h10",
        Role::Viewer,
    ),
    ("/console/products", "nav.products", "M4 8l8-5 8 5v9l-8 5-8-5zM4 8l8 5 8-5M12 13v9", Role::Viewer),
    (
        "/console/visitors",
        "nav.visitors",
        "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 3.5-6 8-6s8 2 8 6",
        Role::Admin,
    ),
    ("/console/models", "nav.models", "M12 3l9 5-9 5-9-5zM3 12l9 5 9-5M3 16l9 5 9-5", Role::Viewer),
    (
        "/console/settings",
        "nav.settings",
        "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 2v4m0 12v4M2 12h4m12 0h4M5 5l3 3m8 8l3 3M19 5l-3 3m-8 8l-3 3",
        Role::Viewer,
    ),
    (
        "/console/staff",
        "nav.staff",
        "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-4 3-6 7-6s7 2 7 6M17 4a4 4 0 0 1 0 7m2 4c2 .8 3 2.600 3 6",
        Role::Admin,
    ),
];

pub(super) fn icon(path: &str) -> Markup {
    html! { svg class="icon" viewBox="0 0 24 24" aria-hidden="true" { path d=(path); } }
}

/// The field that shows that a form is the console's own.
pub(super) fn token(face: &Face) -> Markup {
    html! { input type="hidden" name=(TOKEN) value=(face.token); }
}

/// Whether a part of the console is the one that a page belongs to.
fn is_here(address: &str, path: &str) -> bool {
    path == address || (address != "/console" && path.starts_with(address))
}

fn languages(face: &Face) -> Markup {
    html! {
        p class="languages" {
            @for language in Language::ALL {
                @if language == face.language { span aria-current="true" { (language.name()) } }
                @else { a href={ "?lang=" (language.code()) } lang=(language.code()) hreflang=(language.code()) { (language.name()) } }
            }
        }
    }
}

fn side(face: &Face) -> Markup {
    let Some(ticket) = &face.ticket else { return html! {} };
    html! {
        header class="side" {
            a class="logo" href="/console" { span aria-hidden="true" {} "Vitrine" }
            p class="shop" { (ticket.shop) }
            nav aria-label=(face.t("nav.label")) {
                ul {
                    @for (address, word, picture, role) in NAVIGATION {
                        @if face.is(role) {
                            li { a href=(address) aria-current=[is_here(address, &face.path).then_some("page")] { (icon(picture)) span { (face.t(word)) } } }
                        }
                    }
                }
            }
            div class="who" {
                p { strong { (ticket.name) } " " span class="muted" { (face.t(role_word(ticket.role))) } }
                (languages(face))
                form method="post" action="/console/sign-out" { (token(face)) button class="link" { (face.t("nav.leave")) } }
            }
        }
    }
}

pub(super) const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "role.viewer",
        Role::Marketer => "role.marketer",
        Role::Admin => "role.admin",
    }
}

/// A whole page.
pub(super) fn shell(face: &Face, title: &str, body: &Markup) -> Markup {
    let names = names();
    let said = face.said.as_deref().and_then(|word| face.language.find(&format!("said.{word}")));
    html! {
        (DOCTYPE)
        html lang=(face.language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                meta name="htmx-config" content=(HTMX);
                title { (title) " · Vitrine" }
                link rel="stylesheet" href=(names.style);
                link rel="icon" href="data:,";
                script src=(names.htmx) defer {}
                script src=(names.script) defer {}
            }
            body class=(if face.ticket.is_some() { "desk" } else { "door" }) {
                a class="skip" href="#main" { (face.t("nav.skip")) }
                (side(face))
                main id="main" tabindex="-1" {
                    h1 { (title) }
                    @if let Some(said) = said { (notice("good", html! { (said) })) }
                    (body)
                    @if face.ticket.is_none() { (languages(face)) }
                }
            }
        }
    }
}

/// The answer with a page of somebody who has signed in.
pub(super) fn page(desk: &Desk, title: &str, body: &Markup) -> Response {
    shell(&desk.face, title, body).into_response()
}

/// A line that leads back, above the title's own content.
pub(super) fn back(address: &str, word: &str) -> Markup {
    html! { p class="back" { a href=(address) { (PreEscaped("&larr; ")) (word) } } }
}
