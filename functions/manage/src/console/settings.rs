//! Settings of the shop: the hold-out, what events may be used for, how models are trained; and its keys, for admins.

use axum::extract::Path;
use axum::response::IntoResponse;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};
use vitrine_store::staff::Role;

use super::client::{Answer, Trouble};
use super::fields::{Fields, Sent};
use super::form::{Form, worded};
use super::format::day;
use super::guard::see;
use super::page::{page as whole_page, token};
use super::parts::{list, tag, text};
use super::session::{Desk, Face};

const PURPOSES: [&str; 4] = ["measure", "personalise", "experiment", "market"];
const COUNTS: [&str; 5] = ["keep", "gate_cases", "actions", "memory_mb", "threads"];

pub(super) async fn page(desk: Desk) -> Answer {
    show(&desk, None).await
}

/// The page; with what was sent to one of its forms and refused.
async fn show(desk: &Desk, refused: Option<(&str, &Fields, &Trouble)>) -> Answer {
    let face = &*desk.face;
    let api = &desk.api;
    let (hold_out, attribution, privacy, training, keys) = tokio::join!(
        api.get("/v1/settings/hold-out"),
        api.get("/v1/settings/attribution"),
        api.get("/v1/settings/privacy"),
        api.get("/v1/settings/training"),
        async { if face.is(Role::Admin) { api.find("/v1/keys").await } else { Ok(None) } },
    );
    let (hold_out, attribution, privacy, training, keys) = (hold_out?, attribution?, privacy?, training?, keys?);
    let of = |what: &str, stored: Fields| match refused {
        Some((sent, fields, trouble)) if sent == what => (fields.clone(), Some(trouble)),
        _ => (stored, None),
    };
    let version = |value: &Value| value["version"].as_u64().unwrap_or_default();
    let share = hold_out["share"].as_f64().unwrap_or_default() * 100.0;
    let mut held = Fields::default().with("hold_share", share).with("version", version(&hold_out));
    if hold_out["personalization"] == true {
        held = held.with("unpersonalized", "yes");
    }
    let mut counted = Fields::default().with("version", version(&attribution));
    for name in ["click_days", "view_days"] {
        counted = counted.with(name, attribution[name].as_f64().unwrap_or_default());
    }
    if let Some(margin) = attribution["margin"].as_f64() {
        counted = counted.with("margin", margin * 100.0);
    }
    if let Some(cost) = attribution["cost_per_month"].as_f64() {
        counted = counted.with("cost_per_month", cost);
    }
    counted = counted.with("currency", text(&attribution, "currency"));
    let mut used = Fields::default().with("version", version(&privacy));
    for purpose in list(&privacy, "default_purposes") {
        used = used.with("purposes", purpose.as_str().unwrap_or_default());
    }
    let mut trained = Fields::default().with("version", version(&training));
    for name in COUNTS {
        trained = trained.with(name, &training[name]);
    }
    for name in ["gate", "warm"] {
        if training[name] == true {
            trained = trained.with(name, "yes");
        }
    }
    let body = html! {
        div class="narrow" {
            (section(face, "hold-out", &of("hold-out", held), |form| html! {
                (form.number("hold_share", "/share", ("0", "50", "any"))) (form.check("unpersonalized"))
            }))
            (section(face, "attribution", &of("attribution", counted), |form| html! {
                div class="pair" { (form.number("click_days", "/click_days", ("0", "90", "any"))) (form.number("view_days", "/view_days", ("0", "90", "any"))) }
                (form.line("currency", "text", "/currency"))
                div class="pair" { (form.number("margin", "/margin", ("0", "100", "any"))) (form.number("cost_per_month", "/cost_per_month", ("0", "1000000000", "any"))) }
            }))
            (section(face, "privacy", &of("privacy", used), |form| form.checks("purposes", &worded(face, "purpose", &PURPOSES))))
            (section(face, "training", &of("training", trained), |form| html! {
                (form.check("gate")) (form.check("warm"))
                div class="pair" { (form.number("keep", "/keep", ("1", "20", "1"))) (form.number("gate_cases", "/gate_cases", ("10", "100000", "1"))) }
                div class="pair" { (form.number("actions", "/actions", ("1", "1000000000", "1"))) (form.number("memory_mb", "/memory_mb", ("100", "1000000", "1"))) }
                (form.number("threads", "/threads", ("0", "256", "1")))
            }))
            @if let Some(keys) = &keys { (keys_of(face, keys)) }
        }
    };
    let mut response = whole_page(desk, face.t("nav.settings"), &body);
    *response.status_mut() = refused.map_or(StatusCode::OK, |(_, _, trouble)| trouble.status);
    Ok(response)
}

fn section(
    face: &Face,
    what: &str,
    (fields, trouble): &(Fields, Option<&Trouble>),
    content: impl Fn(&Form<'_>) -> Markup,
) -> Markup {
    let form = Form { face, fields, trouble: *trouble };
    html! {
        section class="card" aria-labelledby=(what) {
            h2 id=(what) { (face.language.word(&format!("settings.{what}"))) }
            p class="muted" { (face.language.word(&format!("settings.{what}.about"))) }
            (form.trouble())
            form method="post" action={ "/console/settings/" (what) } {
                (token(face))
                input type="hidden" name="version" value=(fields.get("version"));
                fieldset class="plain" disabled[!face.edits()] {
                    (content(&form))
                    @if face.edits() { p class="actions" { button { (face.t("form.save")) } } }
                }
            }
        }
    }
}

fn keys_of(face: &Face, keys: &Value) -> Markup {
    html! {
        section class="card" aria-labelledby="keys" {
            h2 id="keys" { (face.t("settings.keys")) }
            p class="muted" { (face.t("settings.keys.about")) }
            div class="wide" { table {
                caption class="hidden" { (face.t("settings.keys")) }
                thead { tr {
                    th scope="col" { (face.t("keys.label")) } th scope="col" { (face.t("keys.scopes")) }
                    th scope="col" { (face.t("keys.made")) } th scope="col" { (face.t("keys.ends")) }
                } }
                tbody {
                    @for key in list(keys, "keys") {
                        tr {
                            th scope="row" {
                                @if let Some(name) = key["staff"].as_str() { (name) " " (tag("quiet", face.t("keys.session"))) }
                                @else { (text(key, "label")) " " code { (text(key, "id")) } " " (tag("", text(key, "kind"))) }
                            }
                            td { (list(key, "scopes").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")) }
                            td { (day(face.language, text(key, "created"))) }
                            td { (key["expires"].as_str().map_or_else(|| "–".to_owned(), |time| day(face.language, time))) }
                        }
                    }
                }
            } }
        }
    }
}

pub(super) async fn save(Path(what): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    let body = match what.as_str() {
        "hold-out" => json!({
            "share": fields.number("hold_share").map(|share| share / 100.0),
            "personalization": fields.has("unpersonalized", "yes"),
        }),
        "attribution" => json!({
            "click_days": fields.number("click_days"),
            "view_days": fields.number("view_days"),
            "margin": fields.number("margin").map(|margin| margin / 100.0),
            "cost_per_month": fields.number("cost_per_month"),
            "currency": Some(fields.get("currency")).filter(|currency| !currency.is_empty()),
        }),
        "privacy" => json!({"default_purposes": fields.all("purposes")}),
        "training" => {
            let mut body = json!({"gate": fields.has("gate", "yes"), "warm": fields.has("warm", "yes")});
            for name in COUNTS {
                body[name] = fields.whole(name).map_or_else(|| fields.get(name).into(), Value::from);
            }
            body
        }
        _ => return Ok(StatusCode::NOT_FOUND.into_response()),
    };
    let version = fields.whole("version").unwrap_or_default();
    match desk.api.put(&format!("/v1/settings/{what}"), version, &body).await {
        Ok(_) => Ok(see("/console/settings?said=saved")),
        Err(trouble) if trouble.is_mendable() => show(&desk, Some((&what, &fields, &trouble))).await,
        Err(trouble) => Err(trouble),
    }
}
