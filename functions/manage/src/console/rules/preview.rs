//! What a rule would change, as a given visitor sees it: the list before and after, side by side.

use maud::{Markup, html};
use serde_json::{Value, json};
use vitrine_store::staff::Role;

use super::edit::{Subject, around, form};
use super::shape::{fields as stored, rule, told};
use crate::console::client::{Answer, Trouble};
use crate::console::fields::{Fields, Sent, escaped};
use crate::console::page::{back, page};
use crate::console::parts::{list, notice, picture, text};
use crate::console::session::Face;
use axum::response::IntoResponse;

/// Products of a list.
pub(in crate::console) const SHOWN: usize = 10;

/// As whom, and where.
#[derive(Debug, Default)]
pub(in crate::console) struct Wish {
    pub(in crate::console) visitor: String,
    pub(in crate::console) placement: String,
}

impl Wish {
    pub(in crate::console) fn of(fields: &Fields) -> Self {
        Self { visitor: fields.get("as_visitor").to_owned(), placement: fields.get("at_placement").to_owned() }
    }

    /// What is asked: of somebody known, of a device, or of nobody that was ever here.
    pub(in crate::console) fn question(&self) -> Value {
        match self.visitor.strip_prefix("a:") {
            Some(device) => json!({"anonymous_id": device}),
            None if self.visitor.is_empty() => json!({"history": []}),
            None => json!({"visitor_id": self.visitor.strip_prefix("u:").unwrap_or(&self.visitor)}),
        }
    }
}

/// Whom to look as.
fn whom(face: &Face, wish: &Wish, form: &str) -> Markup {
    let known = face.is(Role::Admin);
    html! {
        div class="field" {
            label for="as_visitor" { (face.t("preview.as")) }
            input id="as_visitor" name="as_visitor" form=(form) value=(wish.visitor) autocomplete="off" aria-describedby="as-hint";
            p class="hint" id="as-hint" { (if known { face.t("preview.hint") } else { face.t("preview.hint.device") }) }
        }
    }
}

/// Whom to look as, and where. The fields belong to the form of what is changed, wherever they stand.
pub(in crate::console) fn wishes(face: &Face, placements: &[String], wish: &Wish, form: &str) -> Markup {
    html! {
        (whom(face, wish, form))
        div class="field" {
            label for="at_placement" { (face.t("preview.at")) }
            select id="at_placement" name="at_placement" form=(form) {
                @for name in placements {
                    option value=(name) selected[*name == wish.placement || (wish.placement.is_empty() && name == "home")] { (name) }
                }
            }
        }
    }
}

/// The part of a page that shows what a form would change. Without placements to choose from it is about the form's own.
pub(in crate::console) fn section(
    face: &Face,
    (form, address): (&str, &str),
    placements: &[String],
    wish: &Wish,
    shown: Option<&Markup>,
) -> Markup {
    html! {
        section class="card preview" aria-labelledby="preview-title" {
            h2 id="preview-title" { (face.t("preview.title")) }
            p class="muted" { (face.t("preview.about")) }
            @if placements.is_empty() { (whom(face, wish, form)) } @else { (wishes(face, placements, wish, form)) }
            button class="quiet" form=(form) formaction=(address) formnovalidate
                hx-post=(address) hx-target="#preview" hx-swap="innerHTML" hx-include={ "#" (form) } {
                (face.t("preview.show"))
            }
            div id="preview" aria-live="polite" { @if let Some(shown) = shown { (shown) } }
        }
    }
}

/// The form of a rule, and where its preview is asked for.
pub(super) const RULE: (&str, &str) = ("rule", "/console/rules/preview");

pub(in crate::console) async fn preview(Sent { desk, fields }: Sent) -> Answer {
    let face = &*desk.face;
    let wish = Wish::of(&fields);
    let id = Some(fields.get("rule_id")).filter(|id| !id.is_empty());
    // Whoever may not change a rule looks at it as it is stored: their form is closed, and a closed form sends nothing.
    let mut wanted = match id {
        Some(id) if !face.edits() => rule(&stored(&desk.api.get(&format!("/v1/rules/{}", escaped(id))).await?)),
        _ => rule(&fields),
    };
    wanted["id"] = id.unwrap_or("preview").into();
    // It is shown as it would act, also while it is switched off or its time has not come.
    wanted["enabled"] = true.into();
    let mut question = wish.question();
    question["rule"] = wanted;
    question["limit"] = SHOWN.into();
    question["language"] = face.language.code().into();
    let asked = desk.api.post(&format!("/v1/recommendations/{}/preview", escaped(&wish.placement)), &question).await;
    let shown = match &asked {
        Ok(answer) => lists(face, answer),
        Err(trouble) if trouble.is_mendable() || trouble.status.as_u16() == 403 => refused(trouble),
        Err(_) => return asked.map(|_| ().into_response()),
    };
    if face.part {
        return Ok(shown.into_response());
    }
    let around = around(&desk).await?;
    let subject = Subject { id, version: fields.whole("version").unwrap_or_default() };
    let body = html! {
        (back("/console/rules", face.t("nav.rules")))
        div class="columns" {
            div { (form(face, &around, &fields, &subject, None)) }
            div { (section(face, RULE, &around.placements, &wish, Some(&shown))) }
        }
    };
    Ok(page(&desk, face.t("preview.title"), &body))
}

pub(in crate::console) fn refused(trouble: &Trouble) -> Markup {
    notice("bad", html! { (trouble.told()) })
}

/// Both lists, and where each product moves.
pub(in crate::console) fn lists(face: &Face, answer: &Value) -> Markup {
    let moved = list(answer, "moved");
    let same_content = answer["before"]["content"] == answer["after"]["content"];
    let same = if same_content { "preview.same" } else { "preview.content" };
    let side = |word: &str, of: &Value, after: bool| {
        html! {
            section {
                h3 { (face.language.word(word)) }
                @for (place, content) in of["content"].as_object().into_iter().flatten() {
                    p class="told" { span class="muted" { (place) } " " (told(content)) }
                }
                @if list(of, "items").is_empty() { p class="muted" { (face.t("preview.empty")) } }
                ol class="shelf" {
                    @for item in list(of, "items") {
                        @let id = text(item, "product_id");
                        @let change = moved.iter().find(|one| text(one, "product_id") == id);
                        @let comes = change.is_some_and(|change| change["from"].is_null() || change["to"].is_null());
                        li class=[comes.then_some("moved")] {
                            (picture(&item["product"]))
                            div {
                                p class="title" { (text(&item["product"], "title")) }
                                @if let Some(change) = change { (travel(face, change, after)) }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        p class="told" { (if moved.is_empty() { face.t(same).to_owned() } else { crate::console::parts::count(face, moved.len(), "preview.one", "preview.many") }) }
        div class="before-after" {
            (side("preview.before", &answer["before"], false))
            (side("preview.after", &answer["after"], true))
        }
    }
}

/// Where a product comes from, or goes to.
fn travel(face: &Face, change: &Value, after: bool) -> Markup {
    let (from, to) = (change["from"].as_u64(), change["to"].as_u64());
    let (kind, word) = match (from, to) {
        (None, _) => ("good", face.t("preview.comes").to_owned()),
        (_, None) => ("bad", face.t("preview.goes").to_owned()),
        (Some(from), Some(to)) if to < from => ("good", format!("{from} → {to}")),
        (Some(from), Some(to)) => ("quiet", format!("{from} → {to}")),
    };
    let shows = after || to.is_none();
    html! { @if shows { span class={ "tag " (kind) } { (word) } } }
}
