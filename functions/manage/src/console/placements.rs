//! Placements: where lists of products stand, and what fills them.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::client::{Answer, Trouble};
use super::fields::{Fields, Sent, escaped, slug};
use super::form::{Form, worded};
use super::guard::see;
use super::history;
use super::page::{back, page, token};
use super::parts::{by, confirmed, filter_text, filter_value, list as elements, tag, text};
use super::rules::{SHOWN, Wish, lists, preview_section, refused};
use super::session::{Desk, Face};

const STRATEGIES: [&str; 6] = ["personal", "similar", "bought-together", "basket", "recently-viewed", "trending"];
const SEEN: [&str; 3] = ["allow", "hide", "prefer"];
const OBJECTIVES: [&str; 4] = ["clicks", "orders", "revenue", "margin"];
const CHANCES: [&str; 3] = ["none", "share", "softmax"];

/// The form of a placement, and where its preview is asked for.
const PREVIEW: (&str, &str) = ("placement", "/console/preview/placement");

pub(super) async fn list(desk: Desk) -> Answer {
    let face = &*desk.face;
    let answer = desk.api.get("/v1/placements").await?;
    let body = html! {
        div class="lead" {
            p { (face.t("placements.about")) }
            @if face.edits() { a class="button" href="/console/placements/new" { (face.t("placements.new")) } }
        }
        div class="wide" {
            table {
                caption class="hidden" { (face.t("nav.placements")) }
                thead { tr {
                    th scope="col" { (face.t("placements.name")) }
                    th scope="col" { (face.t("field.strategy")) }
                    th scope="col" class="number" { (face.t("field.limit")) }
                    th scope="col" { (face.t("field.objective")) }
                    th scope="col" { (face.t("field.filter")) }
                    th scope="col" { (face.t("placements.state")) }
                } }
                tbody {
                    @for placement in elements(&answer, "placements") {
                        @let name = text(placement, "name");
                        tr {
                            th scope="row" { a href={ "/console/placements/" (escaped(name)) } { (name) } }
                            td { (strategy(face, text(placement, "strategy"))) }
                            td class="number" { (placement["limit"]) }
                            td { (face.language.word(&format!("objective.{}", text(placement, "objective")))) }
                            td { code { (filter_text(&placement["filter"])) } }
                            td { @if placement["version"] == 0 { (tag("quiet", face.t("as.shipped"))) } @else { (tag("good", face.t("as.changed"))) " " (by(face, &placement["author"], &placement["written"])) } }
                        }
                    }
                }
            }
        }
    };
    Ok(page(&desk, face.t("nav.placements"), &body))
}

/// A strategy in words; one that this console does not know by its name.
pub(super) fn strategy<'a>(face: &Face, name: &'a str) -> &'a str {
    face.language.find(&format!("strategy.{name}")).unwrap_or(name)
}

fn fields(placement: &Value) -> Fields {
    let mut fields = Fields::default();
    for name in ["strategy", "viewed", "bought", "objective"] {
        fields = fields.with(name, text(placement, name));
    }
    for name in ["limit", "per_category", "per_brand"] {
        fields = fields.with(name, &placement[name]);
    }
    // As shares of the wire they have the noise of 32 bits.
    let hundredths = |value: &Value| (value.as_f64().unwrap_or_default() * 100.0).round() / 100.0;
    for name in ["diversity", "novelty"] {
        fields = fields.with(name, hundredths(&placement[name]));
    }
    let (chance, rotation, skips) = (&placement["exploration"], &placement["rotation"], &placement["skips"]);
    fields = fields.with("chance", text(chance, "kind")).with("filter", filter_text(&placement["filter"]));
    let strength = ["share", "temperature"].into_iter().find_map(|name| chance.get(name));
    if let Some(strength) = strength {
        fields = fields.with("strength", hundredths(strength));
    }
    if !rotation.is_null() {
        fields = fields.with("stays", hundredths(&rotation["keep"])).with("hours", hundredths(&rotation["hours"]));
    }
    if !skips.is_null() {
        fields = fields.with("skipped", hundredths(&skips["keep"])).with("after", &skips["after"]);
    }
    fields
}

fn placement(fields: &Fields) -> Value {
    let numeric = |name: &str| fields.number(name).map_or_else(|| json!(fields.get(name)), |number| json!(number));
    let counted = |name: &str| fields.whole(name).map_or_else(|| json!(fields.get(name)), |number| json!(number));
    let exploration = match fields.get("chance") {
        "share" => json!({"kind": "share", "share": numeric("strength")}),
        "softmax" => json!({"kind": "softmax", "temperature": numeric("strength")}),
        _ => json!({"kind": "none"}),
    };
    let rotates = !fields.get("stays").is_empty() || !fields.get("hours").is_empty();
    let skips = !fields.get("skipped").is_empty() || !fields.get("after").is_empty();
    json!({
        "strategy": fields.get("strategy"),
        "limit": counted("limit"),
        "viewed": fields.get("viewed"),
        "bought": fields.get("bought"),
        "per_category": counted("per_category"),
        "per_brand": counted("per_brand"),
        "diversity": numeric("diversity"),
        "novelty": numeric("novelty"),
        "rotation": rotates.then(|| json!({"keep": numeric("stays"), "hours": numeric("hours")})),
        "skips": skips.then(|| json!({"keep": numeric("skipped"), "after": counted("after")})),
        "objective": fields.get("objective"),
        "exploration": exploration,
        "filter": filter_value(fields.get("filter")),
    })
}

/// The known words of a member, and the one that stands there.
fn with_present<'a>(known: &[&'a str], present: &'a str) -> Vec<&'a str> {
    let mut words = known.to_vec();
    if !present.is_empty() && !words.contains(&present) {
        words.push(present);
    }
    words
}

/// The form of a placement; of a new one without its name, which is asked for.
fn form(face: &Face, name: Option<&str>, fields: &Fields, version: u64, trouble: Option<&Trouble>) -> Markup {
    let form = Form { face, fields, trouble };
    let action =
        name.map_or_else(|| "/console/placements".to_owned(), |name| format!("/console/placements/{}", escaped(name)));
    let strategies = with_present(&STRATEGIES, fields.get("strategy"));
    let strategies: Vec<_> =
        strategies.into_iter().map(|one| (one.to_owned(), strategy(face, one).to_owned())).collect();
    html! {
        (form.trouble())
        form method="post" action=(action) id="placement" {
            (token(face))
            @if let Some(name) = name { input type="hidden" name="placement_name" value=(name); }
            input type="hidden" name="version" value=(version);
            fieldset class="plain" disabled[!face.edits()] {
                div class="card" {
                    @if name.is_none() { (form.line("placement_name", "text", "/name")) }
                    div class="pair" {
                        (form.select("strategy", "/strategy", &strategies))
                        (form.number("limit", "/limit", ("1", "100", "1")))
                    }
                    (form.select("objective", "/objective", &worded(face, "objective", &with_present(&OBJECTIVES, fields.get("objective")))))
                    (form.area("filter", "/filter", 2))
                    div class="pair" {
                        (form.select("viewed", "/viewed", &worded(face, "seen", &with_present(&SEEN, fields.get("viewed")))))
                        (form.select("bought", "/bought", &worded(face, "seen", &with_present(&SEEN, fields.get("bought")))))
                    }
                }
                div class="card" {
                    h2 { (face.t("placements.variety")) }
                    div class="pair" {
                        (form.number("per_category", "/per_category", ("0", "100", "1")))
                        (form.number("per_brand", "/per_brand", ("0", "100", "1")))
                    }
                    div class="pair" {
                        (form.number("diversity", "/diversity", ("0", "1", "any")))
                        (form.number("novelty", "/novelty", ("0", "1", "any")))
                    }
                    div class="pair" {
                        (form.select("chance", "/exploration", &worded(face, "chance", &CHANCES)))
                        (form.number("strength", "/exploration", ("0", "10", "any")))
                    }
                    div class="pair" {
                        (form.number("stays", "/rotation/keep", ("0", "1", "any")))
                        (form.number("hours", "/rotation/hours", ("0", "8760", "any")))
                    }
                    div class="pair" {
                        (form.number("skipped", "/skips/keep", ("0", "1", "any")))
                        (form.number("after", "/skips/after", ("1", "100", "1")))
                    }
                }
                @if face.edits() { p class="actions" { button { (face.t("form.save")) } } }
            }
        }
    }
}

async fn whole(desk: &Desk, name: &str, changed: Option<(&Fields, u64, &Trouble)>) -> Answer {
    let face = &*desk.face;
    let all = desk.api.get("/v1/placements").await?;
    let stored = elements(&all, "placements").iter().find(|placement| text(placement, "name") == name);
    let Some(stored) = stored else { return Err(Trouble::nothing(&desk.face)) };
    let summary = |face: &Face, value: &Value| {
        format!("{}, {} {}", strategy(face, text(value, "strategy")), value["limit"], face.t("placements.products"))
    };
    let version = stored["version"].as_u64().unwrap_or_default();
    let past = history::section(desk, "placements", name, summary).await;
    let form = match changed {
        Some((fields, version, trouble)) => form(face, Some(name), fields, version, Some(trouble)),
        None => form(face, Some(name), &fields(stored), version, None),
    };
    let body = html! {
        (back("/console/placements", face.t("nav.placements")))
        div class="columns" {
            div {
                (form)
                (past)
                @if face.edits() && version > 0 {
                    (confirmed(face, &format!("/console/placements/{}/remove", escaped(name)), face.t("placements.remove"),
                        face.t("placements.removing"), &[("version", version.to_string())]))
                }
            }
            div { @if face.edits() { (preview_section(face, PREVIEW, &[], &Wish::default(), None)) } }
        }
    };
    let mut response = page(desk, name, &body);
    *response.status_mut() = changed.map_or(StatusCode::OK, |(_, _, trouble)| trouble.status);
    Ok(response)
}

pub(super) async fn edit(desk: Desk, Path(name): Path<String>) -> Answer {
    whole(&desk, &name, None).await
}

/// The page of a placement that is not there yet.
fn blank(desk: &Desk, fields: &Fields, trouble: Option<&Trouble>) -> Response {
    let face = &*desk.face;
    let body = html! {
        (back("/console/placements", face.t("nav.placements")))
        div class="narrow" { (form(face, None, fields, 0, trouble)) }
    };
    let mut response = page(desk, face.t("placements.new"), &body);
    *response.status_mut() = trouble.map_or(StatusCode::OK, |trouble| trouble.status);
    response
}

pub(super) async fn new(desk: Desk) -> Answer {
    if !desk.face.edits() {
        return Err(Trouble::forbidden(&desk.face));
    }
    let numbers = [("limit", "10"), ("per_category", "0"), ("per_brand", "0"), ("diversity", "0"), ("novelty", "0")];
    let fields = numbers.iter().fold(Fields::default(), |fields, (name, value)| fields.with(name, value));
    Ok(blank(&desk, &fields, None))
}

pub(super) async fn create(Sent { desk, fields }: Sent) -> Answer {
    let name = slug(fields.get("placement_name"));
    let name = if name.is_empty() { "placement".to_owned() } else { name };
    // Over version 0 one as shipped would be changed.
    let all = desk.api.get("/v1/placements").await?;
    if elements(&all, "placements").iter().any(|placement| text(placement, "name") == name) {
        return Ok(blank(&desk, &fields, Some(&Trouble::taken(&desk.face))));
    }
    match desk.api.put(&format!("/v1/placements/{}", escaped(&name)), 0, &placement(&fields)).await {
        Ok(_) => Ok(see(&format!("/console/placements/{}?said=saved", escaped(&name)))),
        Err(trouble) if trouble.is_mendable() => Ok(blank(&desk, &fields, Some(&trouble.of_new()))),
        Err(trouble) => Err(trouble),
    }
}

pub(super) async fn remove(Path(name): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    desk.api.delete(&format!("/v1/placements/{}", escaped(&name)), fields.whole("version")).await?;
    Ok(see("/console/placements?said=removed"))
}

pub(super) async fn save(Path(name): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    let version = fields.whole("version").unwrap_or_default();
    match desk.api.put(&format!("/v1/placements/{}", escaped(&name)), version, &placement(&fields)).await {
        Ok(_) => Ok(see(&format!("/console/placements/{}?said=saved", escaped(&name)))),
        Err(trouble) if trouble.is_mendable() => whole(&desk, &name, Some((&fields, version, &trouble))).await,
        Err(trouble) => Err(trouble),
    }
}

/// What other members of a placement would change, as a given visitor sees it.
pub(super) async fn preview(Sent { desk, fields }: Sent) -> Answer {
    let face = &*desk.face;
    let name = fields.get("placement_name");
    let mut question = Wish::of(&fields).question();
    question["placement"] = placement(&fields);
    question["limit"] = SHOWN.into();
    question["language"] = face.language.code().into();
    let shown = match desk.api.post(&format!("/v1/recommendations/{}/preview", escaped(name)), &question).await {
        Ok(answer) => lists(face, &answer),
        Err(trouble) if trouble.is_mendable() || trouble.status == StatusCode::FORBIDDEN => refused(&trouble),
        Err(trouble) => return Err(trouble),
    };
    if face.part {
        return Ok(shown.into_response());
    }
    let version = fields.whole("version").unwrap_or_default();
    let body = html! {
        (back("/console/placements", face.t("nav.placements")))
        div class="columns" {
            div { (form(face, Some(name), &fields, version, None)) }
            div { (preview_section(face, PREVIEW, &[], &Wish::of(&fields), Some(&shown))) }
        }
    };
    Ok(page(&desk, name, &body))
}
