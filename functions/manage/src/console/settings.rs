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
use super::format::{day, hundredfold, number};
use super::guard::see;
use super::history::{self, SETTINGS};
use super::page::{page as whole_page, token};
use super::parts::{list, tag, text};
use super::session::{Desk, Face};
use super::words::filled;

const PURPOSES: [&str; 4] = ["measure", "personalise", "experiment", "market"];
const COUNTS: [&str; 5] = ["keep", "gate_cases", "actions", "memory_mb", "threads"];

pub(super) async fn page(desk: Desk) -> Answer {
    show(&desk, None).await
}

/// The page; with what was sent to one of its forms and refused.
async fn show(desk: &Desk, refused: Option<(&str, &Fields, &Trouble)>) -> Answer {
    let face = &*desk.face;
    let api = &desk.api;
    let (hold_out, attribution, prices, privacy, training, keys) = tokio::join!(
        api.get("/v1/settings/hold-out"),
        api.get("/v1/settings/attribution"),
        api.get("/v1/settings/cloud-prices"),
        api.get("/v1/settings/privacy"),
        api.get("/v1/settings/training"),
        async { if face.is(Role::Admin) { api.find("/v1/keys").await } else { Ok(None) } },
    );
    let (hold_out, attribution, prices) = (hold_out?, attribution?, prices?);
    let (privacy, training, keys) = (privacy?, training?, keys?);
    let of = |what: &str, stored: Fields| match refused {
        Some((sent, fields, trouble)) if sent == what => (fields.clone(), Some(trouble)),
        _ => (stored, None),
    };
    let fields = |what: &str, stored: &Value| of(what, fields_of(what, stored));
    let past =
        async |what| history::section(desk, SETTINGS, what, |face, value| summary(face, &fields_of(what, value))).await;
    let past = tokio::join!(past("hold-out"), past("attribution"), past("privacy"), past("training"));
    let body = html! {
        div class="narrow" {
            (section(face, "hold-out", &fields("hold-out", &hold_out), &past.0, |form| html! {
                (form.number("hold_share", "/share", ("0", "50", "any"))) (form.check("unpersonalized"))
            }))
            (section(face, "attribution", &fields("attribution", &attribution), &past.1, |form| html! {
                div class="pair" { (form.number("click_days", "/click_days", ("0", "90", "any"))) (form.number("view_days", "/view_days", ("0", "90", "any"))) }
                div class="pair" { (form.line("currency", "text", "/currency")) (form.number("margin", "/margin", ("0", "100", "any"))) }
                div class="pair" { (form.number("cost_per_month", "/cost_per_month", ("0", "1000000000", "any"))) (form.number("per_dollar", "/per_dollar", ("0", "1000000", "any"))) }
                p class="hint" { (cloud_prices(face, &prices["prices"])) }
            }))
            (section(face, "privacy", &fields("privacy", &privacy), &past.2, |form| form.checks("purposes", &worded(face, "purpose", &PURPOSES))))
            (section(face, "training", &fields("training", &training), &past.3, |form| html! {
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

/// What the cloud takes, as far as it was told; and who tells it.
fn cloud_prices(face: &Face, prices: &Value) -> String {
    if prices.is_null() {
        return face.t("settings.cloud.none").to_owned();
    }
    let dollars = |name: &str| number(face.language, prices[name].as_f64().unwrap_or_default(), 2);
    filled(
        face.t("settings.cloud"),
        &[
            ("decisions", &dollars("million_decisions")),
            ("events", &dollars("million_events")),
            ("month", &dollars("month")),
            ("region", text(prices, "region")),
            ("day", &day(face.language, text(prices, "as_of"))),
        ],
    )
}

/// A setting as its form shows it.
fn fields_of(what: &str, stored: &Value) -> Fields {
    let mut fields = Fields::default().with("version", stored["version"].as_u64().unwrap_or_default());
    let percent = |value: &Value| value.as_f64().map(hundredfold);
    let yes = |fields: Fields, name: &str, is: &Value| if *is == true { fields.with(name, "yes") } else { fields };
    match what {
        "hold-out" => {
            fields = fields.with("hold_share", percent(&stored["share"]).unwrap_or_default());
            fields = yes(fields, "unpersonalized", &stored["personalization"]);
        }
        "attribution" => {
            let number = |name: &str| stored[name].as_f64();
            for name in ["click_days", "view_days"] {
                fields = fields.with(name, stored[name].as_f64().unwrap_or_default());
            }
            for (name, value) in [
                ("margin", percent(&stored["margin"])),
                ("cost_per_month", number("cost_per_month")),
                ("per_dollar", number("per_dollar")),
            ] {
                fields = value.map_or(fields.clone(), |value| fields.with(name, value));
            }
            fields = fields.with("currency", text(stored, "currency"));
        }
        "privacy" => {
            for purpose in list(stored, "default_purposes") {
                fields = fields.with("purposes", purpose.as_str().unwrap_or_default());
            }
        }
        _ => {
            for name in COUNTS {
                fields = fields.with(name, &stored[name]);
            }
            fields = ["gate", "warm"].into_iter().fold(fields, |fields, name| yes(fields, name, &stored[name]));
        }
    }
    fields
}

/// A setting in a line, in the words of its form.
fn summary(face: &Face, fields: &Fields) -> String {
    let told = fields.pairs().filter(|(name, value)| *name != "version" && !value.is_empty()).map(|(name, value)| {
        let label = face.language.word(&format!("field.{name}"));
        match (name, value) {
            ("purposes", purpose) => face.language.word(&format!("purpose.{purpose}")).to_owned(),
            (_, "yes") => label.to_owned(),
            _ => format!("{label}: {value}"),
        }
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { face.t("settings.nothing").to_owned() } else { told.join(" · ") }
}

fn section(
    face: &Face,
    what: &str,
    (fields, trouble): &(Fields, Option<&Trouble>),
    past: &Markup,
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
            (past)
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
            "per_dollar": fields.number("per_dollar"),
            "currency": Some(fields.get("currency")).filter(|currency| !currency.is_empty()),
        }),
        "privacy" => json!({"default_purposes": fields.all("purposes")}),
        "training" => {
            let mut body = json!({"gate": fields.has("gate", "yes"), "warm": fields.has("warm", "yes")});
            for name in COUNTS {
                body[name] = fields.counted(name);
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
