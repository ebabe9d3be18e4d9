//! Making and changing a rule.

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::list::conflicts;
use super::preview::{HOME, RULE, Wish, section};
use super::shape::{EFFECTS, fields, rule, sentence};
use crate::console::client::{Answer, Trouble};
use crate::console::fields::{Fields, Sent, escaped, slug_or};
use crate::console::form::{Choice, Form, worded};
use crate::console::guard::see;
use crate::console::history;
use crate::console::page::{back, page, token};
use crate::console::parts::{confirmed, list, text};
use crate::console::segments;
use crate::console::session::{Desk, Face};

/// What else a form offers: the shop's placements and segments.
pub(super) struct Around {
    pub(super) placements: Vec<String>,
    pub(super) segments: Vec<Choice>,
}

pub(super) async fn around(desk: &Desk) -> Result<Around, Trouble> {
    let (placements, segments) = tokio::join!(desk.api.get("/v1/placements"), segments::choices(&desk.api));
    let placements = placements?;
    let names = list(&placements, "placements").iter().map(|placement| text(placement, "name").to_owned()).collect();
    Ok(Around { placements: names, segments: segments? })
}

/// Where a form goes, and what of it is known already.
pub(super) struct Subject<'a> {
    /// The rule's id; none for a new one.
    pub(super) id: Option<&'a str>,
    pub(super) version: u64,
}

pub(super) fn form(
    face: &Face,
    around: &Around,
    fields: &Fields,
    subject: &Subject<'_>,
    trouble: Option<&Trouble>,
) -> Markup {
    let form = Form { face, fields, trouble };
    let placements: Vec<Choice> = around.placements.iter().map(|name| (name.clone(), name.clone())).collect();
    let action = subject.id.map_or_else(|| "/console/rules".to_owned(), |id| format!("/console/rules/{}", escaped(id)));
    html! {
        (form.trouble())
        form method="post" action=(action) class="rule" id="rule" {
            (token(face))
            input type="hidden" name="version" value=(subject.version);
            input type="hidden" name="rule_id" value=(subject.id.unwrap_or_default());
            fieldset class="plain" disabled[!face.edits()] {
                div class="card" {
                    (form.line("title", "text", "/name"))
                    (form.select("kind", "/effect/kind", &worded(face, "effect", &EFFECTS)))
                    div class="pair" {
                        (form.line("product", "text", "/effect/product"))
                        (form.number("slot", "/effect/slot", ("1", "100", "1")))
                    }
                    (form.area("filter", "/effect/filter", 2))
                    (form.number("factor", "/effect/factor", ("1", "100", "any")))
                    (form.number("share", "/effect/share", ("1", "100", "any")))
                    div class="pair" {
                        (form.line("attribute", "text", "/effect/attribute"))
                        (form.number("count", "/effect/count", ("1", "100", "1")))
                    }
                    (form.line("place", "text", "/effect/slot"))
                    (form.area("payload", "/effect/payload", 4))
                    (form.number("priority", "/priority", ("-1000000", "1000000", "1")))
                }
                div class="card" {
                    h2 { (face.t("rules.when")) }
                    (form.checks("placements", &placements))
                    (form.checks("segments", &around.segments))
                    (form.area("categories", "/when/categories", 2))
                    (form.area("visitor_filter", "/when/visitor", 2))
                    div class="pair" {
                        (form.line("from", "datetime-local", "/when/from"))
                        (form.line("until", "datetime-local", "/when/until"))
                    }
                }
                @if face.edits() {
                    @let published = subject.id.is_some() && fields.has("enabled", "yes");
                    p class="actions" {
                        button name="enabled" value="yes" { (face.t("rules.publish")) }
                        button class="quiet" name="enabled" value="no" { (face.t(if published { "rules.withdraw" } else { "rules.draft" })) }
                    }
                }
            }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Start {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    segment: String,
    #[serde(default)]
    product: String,
}

pub(in crate::console) async fn new(desk: Desk, Query(start): Query<Start>) -> Answer {
    if !desk.face.edits() {
        return Err(Trouble::forbidden(&desk.face));
    }
    let kind = if start.kind.is_empty() { "boost" } else { &start.kind };
    let mut blank = Fields::default().with("kind", kind).with("enabled", "yes").with("priority", 0).with("factor", 2);
    for (name, value) in [("segments", &start.segment), ("product", &start.product)] {
        if !value.is_empty() {
            blank = blank.with(name, value);
        }
    }
    whole(&desk, &blank, &Subject { id: None, version: 0 }, None, &html! {}).await
}

/// The page with a form, and what would change.
async fn whole(
    desk: &Desk,
    fields: &Fields,
    subject: &Subject<'_>,
    trouble: Option<&Trouble>,
    more: &Markup,
) -> Answer {
    let face = &*desk.face;
    let around = around(desk).await?;
    let title = match subject.id {
        None => face.t("rules.new"),
        Some(id) => Some(fields.get("title")).filter(|name| !name.is_empty()).unwrap_or(id),
    };
    let body = html! {
        (back("/console/rules", face.t("nav.rules")))
        div class="columns" {
            div { (form(face, &around, fields, subject, trouble)) }
            div { (section(face, RULE, (&around.placements, &around.segments), &Wish::default(), None)) }
        }
        (more)
    };
    let mut response = page(desk, title, &body);
    if let Some(trouble) = trouble {
        *response.status_mut() = trouble.status;
    }
    Ok(response)
}

pub(in crate::console) async fn edit(desk: Desk, Path(id): Path<String>) -> Answer {
    let path = format!("/v1/rules/{}", escaped(&id));
    let summary = |face: &Face, rule: &Value| sentence(face, &rule["effect"]);
    let Some(stored) = desk.api.find(&path).await? else { return history::gone(&desk, "rules", &id, summary).await };
    let face = &*desk.face;
    let version = stored["version"].as_u64().unwrap_or_default();
    let past = history::section(&desk, "rules", &id, summary).await;
    let more = html! {
        (conflicts(face, &stored))
        (past)
        @if face.edits() {
            (confirmed(face, &format!("/console/rules/{}/remove", escaped(&id)), face.t("rules.remove"),
                face.t("rules.removing"), &[("version", version.to_string())]))
        }
    };
    whole(&desk, &fields(&stored), &Subject { id: Some(&id), version }, None, &more).await
}

pub(in crate::console) async fn create(Sent { desk, fields }: Sent) -> Answer {
    let id = slug_or(fields.get("title"), "rule");
    put(&desk, &fields, &id, true).await
}

pub(in crate::console) async fn save(Path(id): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    put(&desk, &fields, &id, false).await
}

async fn put(desk: &Desk, fields: &Fields, id: &str, is_new: bool) -> Answer {
    let version = fields.whole("version").unwrap_or_default();
    match desk.api.put(&format!("/v1/rules/{}", escaped(id)), version, &rule(fields)).await {
        Ok(saved) if is_idle(desk, id, &saved).await => Ok(see(&format!("/console/rules/{}?said=idle", escaped(id)))),
        Ok(saved) => Ok(saved_at(id, &saved)),
        Err(trouble) if trouble.is_mendable() => {
            let trouble = if is_new { trouble.of_new() } else { trouble };
            let subject = Subject { id: (!is_new).then_some(id), version };
            whole(desk, fields, &subject, Some(&trouble), &html! {}).await
        }
        Err(trouble) => Err(trouble),
    }
}

/// Whether a rule that is in force asks for something that no product has, as a preview of it tells.
async fn is_idle(desk: &Desk, id: &str, saved: &Value) -> bool {
    if saved["enabled"] != true {
        return false;
    }
    let placement = list(&saved["when"], "placements").iter().find_map(Value::as_str).unwrap_or(HOME);
    let question = Wish::default().where_acts(saved).about(&desk.face, &desk.api, saved.clone()).await;
    let asked = desk.api.post(&format!("/v1/recommendations/{}/preview", escaped(placement)), &question).await;
    asked.is_ok_and(|answer| list(&answer["after"], "idle_rules").iter().any(|idle| idle == id))
}

/// Back to the list; to the rule itself if it gets into others, so that this is read.
fn saved_at(id: &str, saved: &Value) -> Response {
    let clear = list(saved, "conflicts").is_empty() && list(saved, "warnings").is_empty();
    see(&if clear {
        "/console/rules?said=saved".to_owned()
    } else {
        format!("/console/rules/{}?said=saved", escaped(id))
    })
}

pub(in crate::console) async fn remove(Path(id): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    desk.api.delete(&format!("/v1/rules/{}", escaped(&id)), fields.whole("version")).await?;
    Ok(see(&format!("/console/rules/{}?said=removed", escaped(&id))))
}
