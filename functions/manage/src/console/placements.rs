//! Placements: where lists of products stand, and what fills them.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::client::{Answer, Trouble};
use super::fields::{Fields, Sent, escaped, numeric, slug_or};
use super::form::{Choice, Form, worded};
use super::guard::see;
use super::history;
use super::page::{back, page, token};
use super::parts::{by, confirmed, filter_text, filter_value, list as elements, tag, text};
use super::rules::{Wish, lists, preview_section, refused};
use super::segments;
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
        (history::removed(&desk, "placements", summary).await)
    };
    Ok(page(&desk, face.t("nav.placements"), &body))
}

/// A strategy in words; one that this console does not know by its name.
pub(super) fn strategy<'a>(face: &Face, name: &'a str) -> &'a str {
    face.language.find(&format!("strategy.{name}")).unwrap_or(name)
}

fn fields(placement: &Value) -> Fields {
    let mut fields = Fields::default();
    for name in ["strategy", "fallback", "viewed", "bought", "objective"] {
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
    let parts = placement["blend"].as_object().into_iter().flatten();
    let parts: Vec<String> = parts.map(|(part, factor)| format!("{part} {factor}")).collect();
    fields = fields.with("blend", parts.join("\n"));
    if !placement["layout"].is_null() {
        fields = fields.with("layout", &placement["layout"]);
    }
    fields
}

/// What each line says of a part of the score: its name, then its factor. What is no number goes as it is, so that the API says
/// what is wrong.
fn blend(fields: &Fields) -> Value {
    let part = |line: &str| {
        let (part, factor) = line.rsplit_once(char::is_whitespace).unwrap_or((line, ""));
        (part.trim_end().to_owned(), numeric(factor))
    };
    Value::Object(fields.lines("blend").into_iter().map(part).collect())
}

fn placement(fields: &Fields) -> Value {
    let (numeric, counted) = (|name: &str| fields.numeric(name), |name: &str| fields.counted(name));
    let exploration = match fields.get("chance") {
        "share" => json!({"kind": "share", "share": numeric("strength")}),
        "softmax" => json!({"kind": "softmax", "temperature": numeric("strength")}),
        _ => json!({"kind": "none"}),
    };
    let rotates = !fields.get("stays").is_empty() || !fields.get("hours").is_empty();
    let skips = !fields.get("skipped").is_empty() || !fields.get("after").is_empty();
    json!({
        "strategy": fields.get("strategy"),
        "fallback": (!fields.get("fallback").is_empty()).then(|| fields.get("fallback")),
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
        "blend": blend(fields),
        "layout": (!fields.get("layout").is_empty()).then(|| fields.json("layout")),
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
    let strategies = |present: &str| -> Vec<(String, String)> {
        let known = with_present(&STRATEGIES, present).into_iter();
        known.map(|one| (one.to_owned(), strategy(face, one).to_owned())).collect()
    };
    let mut fallbacks = strategies(fields.get("fallback"));
    fallbacks.insert(0, (String::new(), face.t("placements.fits").to_owned()));
    html! {
        (form.trouble())
        form method="post" action=(action) id="placement" {
            (token(face))
            @match name {
                Some(name) => { input type="hidden" name="placement_name" value=(name); }
                None => { input type="hidden" name="new" value="yes"; }
            }
            input type="hidden" name="version" value=(version);
            fieldset class="plain" disabled[!face.edits()] {
                div class="card" {
                    @if name.is_none() { (form.line("placement_name", "text", "/name")) }
                    div class="pair" {
                        (form.select("strategy", "/strategy", &strategies(fields.get("strategy"))))
                        (form.select("fallback", "/fallback", &fallbacks))
                    }
                    div class="pair" {
                        (form.number("limit", "/limit", ("1", "100", "1")))
                        (form.select("objective", "/objective", &worded(face, "objective", &with_present(&OBJECTIVES, fields.get("objective")))))
                    }
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
                div class="card" {
                    h2 { (face.t("placements.tried")) }
                    (form.area("blend", "/blend", 3))
                    (form.area("layout", "/layout", 2))
                }
                @if face.edits() { p class="actions" { button { (face.t("form.save")) } } }
            }
        }
    }
}

/// A placement in a line.
fn summary(face: &Face, value: &Value) -> String {
    format!("{}, {} {}", strategy(face, text(value, "strategy")), value["limit"], face.t("placements.products"))
}

async fn whole(desk: &Desk, name: &str, changed: Option<(&Fields, u64, &Trouble)>) -> Answer {
    let face = &*desk.face;
    let all = desk.api.get("/v1/placements").await?;
    let stored = elements(&all, "placements").iter().find(|placement| text(placement, "name") == name);
    let Some(stored) = stored else { return history::gone(desk, "placements", name, summary).await };
    let version = stored["version"].as_u64().unwrap_or_default();
    let (past, segments) =
        tokio::join!(history::section(desk, "placements", name, summary), segments::choices(&desk.api));
    let segments = segments?;
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
            div { (preview_section(face, PREVIEW, (&[], &segments), &Wish::default(), None)) }
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
fn blank(desk: &Desk, segments: &[Choice], fields: &Fields, trouble: Option<&Trouble>) -> Response {
    let face = &*desk.face;
    let body = html! {
        (back("/console/placements", face.t("nav.placements")))
        div class="columns" {
            div { (form(face, None, fields, 0, trouble)) }
            div { (preview_section(face, PREVIEW, (&[], segments), &Wish::default(), None)) }
        }
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
    Ok(blank(&desk, &segments::choices(&desk.api).await?, &fields, None))
}

/// The name of one that is not there yet.
fn new_name(fields: &Fields) -> String {
    slug_or(fields.get("placement_name"), "placement")
}

pub(super) async fn create(Sent { desk, fields }: Sent) -> Answer {
    let name = new_name(&fields);
    // Over version 0 one as shipped would be changed.
    let all = desk.api.get("/v1/placements").await?;
    if elements(&all, "placements").iter().any(|placement| text(placement, "name") == name) {
        return Ok(blank(&desk, &segments::choices(&desk.api).await?, &fields, Some(&Trouble::taken(&desk.face))));
    }
    match desk.api.put(&format!("/v1/placements/{}", escaped(&name)), 0, &placement(&fields)).await {
        Ok(_) => Ok(see(&format!("/console/placements/{}?said=saved", escaped(&name)))),
        Err(trouble) if trouble.is_mendable() => {
            Ok(blank(&desk, &segments::choices(&desk.api).await?, &fields, Some(&trouble.of_new())))
        }
        Err(trouble) => Err(trouble),
    }
}

pub(super) async fn remove(Path(name): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    desk.api.delete(&format!("/v1/placements/{}", escaped(&name)), fields.whole("version")).await?;
    Ok(see(&format!("/console/placements/{}?said=removed", escaped(&name))))
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
    let is_new = fields.has("new", "yes");
    let name = if is_new { new_name(&fields) } else { fields.get("placement_name").to_owned() };
    let mut question = Wish::of(&fields).question(face, &desk.api).await;
    // Whoever may not change a placement looks at it as it is: their form is closed, and a closed form sends nothing.
    let seen = if face.edits() {
        question["placement"] = placement(&fields);
        fields.clone()
    } else {
        let all = desk.api.get("/v1/placements").await?;
        let stored = elements(&all, "placements").iter().find(|placement| text(placement, "name") == name);
        stored.map(self::fields).unwrap_or_default()
    };
    let shown = match desk.api.post(&format!("/v1/recommendations/{}/preview", escaped(&name)), &question).await {
        Ok(answer) => lists(face, &answer),
        Err(trouble) if trouble.is_mendable() || trouble.status == StatusCode::FORBIDDEN => refused(&trouble),
        Err(trouble) => return Err(trouble),
    };
    if face.part {
        return Ok(shown.into_response());
    }
    let version = fields.whole("version").unwrap_or_default();
    let segments = segments::choices(&desk.api).await?;
    let body = html! {
        (back("/console/placements", face.t("nav.placements")))
        div class="columns" {
            div { (form(face, (!is_new).then_some(name.as_str()), &seen, version, None)) }
            div { (preview_section(face, PREVIEW, (&[], &segments), &Wish::of(&fields), Some(&shown))) }
        }
    };
    Ok(page(&desk, &name, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_stood_in_it_and_what_was_typed() {
        let stored = json!({
            "strategy": "personal", "fallback": null, "limit": 12, "viewed": "hide", "bought": "allow", "per_category": 3,
            "per_brand": 0, "diversity": 0.1, "novelty": 0.0, "rotation": {"keep": 0.9, "hours": 12.0}, "skips": null,
            "objective": "clicks", "exploration": {"kind": "share", "share": 0.05}, "filter": null,
            "blend": {"own vectors": 2.5, "popularity": 0.0}, "layout": {"columns": 3},
        });
        assert_eq!(placement(&fields(&stored)), stored);
        let typed =
            Fields::default().with("blend", "popularity  1,5\r\n\n encoder two\nfactors").with("layout", "wide");
        let said = placement(&typed);
        assert_eq!(said["blend"], json!({"popularity": 1.5, "encoder": "two", "factors": ""}));
        assert_eq!(said["layout"], "wide");
    }
}
