//! What a rule would change, as a given visitor sees it: the list before and after, side by side. It is asked for as a
//! storefront asks, so that what is shown is what would be decided.

use maud::{Markup, html};
use serde_json::{Value, json};
use vitrine_domain::experiment::HoldOut;
use vitrine_store::staff::Role;

use super::edit::{Subject, around, form};
use super::shape::{fields as stored, rule, told};
use crate::console::client::{Answer, Api, Trouble};
use crate::console::fields::{Fields, Sent, escaped};
use crate::console::form::Choice;
use crate::console::page::{back, page};
use crate::console::parts::{list, notice, picture, text};
use crate::console::session::Face;
use crate::console::words::filled;
use axum::response::IntoResponse;

/// The placement that is looked at first.
pub(super) const HOME: &str = "home";
/// Ids that are tried for a stranger who is not held out. At most half of all are.
const TRIES: usize = 64;

/// As whom, where, and on which page.
#[derive(Debug, Default)]
pub(in crate::console) struct Wish {
    pub(in crate::console) visitor: String,
    /// A segment that they are taken to be in; none if empty.
    pub(in crate::console) segment: String,
    pub(in crate::console) placement: String,
    /// The product and the category that the page is about, and what is in the basket, in words as they are typed.
    pub(in crate::console) product: String,
    pub(in crate::console) category: String,
    pub(in crate::console) basket: String,
}

impl Wish {
    pub(in crate::console) fn of(fields: &Fields) -> Self {
        let typed = |name| fields.get(name).to_owned();
        Self {
            visitor: typed("as_visitor"),
            segment: typed("in_segment"),
            placement: typed("at_placement"),
            product: typed("at_product"),
            category: typed("at_category"),
            basket: typed("at_basket"),
        }
    }

    /// On the page of a rule's first category and in its first segment, unless another page or somebody is asked for: elsewhere and
    /// for others such a rule does not act.
    pub(super) fn where_acts(mut self, rule: &Value) -> Self {
        let first =
            |name: &str| list(&rule["when"], name).iter().find_map(Value::as_str).unwrap_or_default().to_owned();
        if !self.has_page() {
            self.category = first("categories");
        }
        if self.visitor.is_empty() && self.segment.is_empty() {
            self.segment = first("segments");
        }
        self
    }

    /// What is asked of a rule.
    pub(super) async fn about(&self, face: &Face, api: &Api, rule: Value) -> Value {
        let mut question = self.question(face, api).await;
        question["rule"] = in_force(rule);
        question
    }

    const fn has_page(&self) -> bool {
        !self.product.is_empty() || !self.category.is_empty()
    }

    /// What is asked: of somebody known, of a device, or of a stranger.
    pub(in crate::console) async fn question(&self, face: &Face, api: &Api) -> Value {
        let mut question = match self.visitor.strip_prefix("a:") {
            Some(device) => json!({"anonymous_id": device}),
            None if self.visitor.is_empty() => json!({"anonymous_id": stranger(&held_out(api).await)}),
            None => json!({"visitor_id": self.visitor.strip_prefix("u:").unwrap_or(&self.visitor)}),
        };
        for (name, typed) in [("product_id", &self.product), ("category", &self.category)] {
            if !typed.is_empty() {
                question[name] = typed.as_str().into();
            }
        }
        let basket: Vec<&str> = self.basket.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
        if !basket.is_empty() {
            question["basket"] = basket.into();
        }
        if !self.segment.is_empty() {
            question["segments"] = json!([self.segment]);
        }
        question["language"] = face.language.code().into();
        question
    }
}

/// Who is held out; nobody where that cannot be read.
async fn held_out(api: &Api) -> HoldOut {
    let stored = api.get("/v1/settings/hold-out").await.unwrap_or_default();
    HoldOut {
        seed: text(&stored, "seed").to_owned(),
        share: stored["share"].as_f64().unwrap_or_default(),
        ..HoldOut::default()
    }
}

/// The id of a device that was never here, and that is not held out: what most strangers see is shown.
fn stranger(held_out: &HoldOut) -> String {
    let fresh = || format!("preview-{:016x}", getrandom::u64().unwrap_or_default());
    let mut tried = std::iter::repeat_with(fresh).take(TRIES);
    tried.find(|id| !held_out.holds(id)).unwrap_or_else(fresh)
}

/// Placements and segments to choose from.
type Choices<'a> = (&'a [String], &'a [Choice]);

/// Whom to look as.
fn whom(face: &Face, segments: &[Choice], wish: &Wish, form: &str) -> Markup {
    let known = face.is(Role::Admin);
    html! {
        div class="field" {
            label for="as_visitor" { (face.t("preview.as")) }
            input id="as_visitor" name="as_visitor" form=(form) value=(wish.visitor) autocomplete="off" aria-describedby="as-hint";
            p class="hint" id="as-hint" { (if known { face.t("preview.hint") } else { face.t("preview.hint.device") }) }
        }
        div class="field" {
            label for="in_segment" { (face.t("preview.segment")) }
            select id="in_segment" name="in_segment" form=(form) aria-describedby="segment-hint" {
                option value="" { (face.t("preview.segment.own")) }
                @for (id, name) in segments { option value=(id) selected[*id == wish.segment] { (name) } }
            }
            p class="hint" id="segment-hint" { (face.t("preview.segment.hint")) }
        }
    }
}

/// Whom to look as, and where. The fields belong to the form of what is changed, wherever they stand.
pub(in crate::console) fn wishes(face: &Face, (placements, segments): Choices<'_>, wish: &Wish, form: &str) -> Markup {
    html! {
        (whom(face, segments, wish, form))
        div class="field" {
            label for="at_placement" { (face.t("preview.at")) }
            select id="at_placement" name="at_placement" form=(form) {
                @for name in placements {
                    option value=(name) selected[*name == wish.placement || (wish.placement.is_empty() && name == HOME)] { (name) }
                }
            }
        }
        (page_of(face, wish, form))
    }
}

/// Which page it is, for lists and rules that depend on it.
fn page_of(face: &Face, wish: &Wish, form: &str) -> Markup {
    let known = [
        ("at_product", "preview.product", &wish.product),
        ("at_category", "preview.category", &wish.category),
        ("at_basket", "preview.basket", &wish.basket),
    ];
    html! {
        details open[known.iter().any(|(.., typed)| !typed.is_empty())] {
            summary { (face.t("preview.page")) }
            p class="hint" id="page-hint" { (face.t("preview.page.hint")) }
            @for (name, word, typed) in known {
                div class="field" {
                    label for=(name) { (face.language.word(word)) }
                    input id=(name) name=(name) form=(form) value=(typed) autocomplete="off" aria-describedby="page-hint";
                }
            }
        }
    }
}

/// The part of a page that shows what a form would change. Without placements to choose from it is about the form's own.
pub(in crate::console) fn section(
    face: &Face,
    (form, address): (&str, &str),
    choices: Choices<'_>,
    wish: &Wish,
    shown: Option<&Markup>,
) -> Markup {
    html! {
        section class="card preview" aria-labelledby="preview-title" {
            h2 id="preview-title" { (face.t("preview.title")) }
            p class="muted" { (face.t("preview.about")) }
            @if choices.0.is_empty() { (whom(face, choices.1, wish, form)) (page_of(face, wish, form)) } @else { (wishes(face, choices, wish, form)) }
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
    let id = Some(fields.get("rule_id")).filter(|id| !id.is_empty());
    // Whoever may not change a rule looks at it as it is stored: their form is closed, and a closed form sends nothing.
    let seen = match id {
        Some(id) if !face.edits() => stored(&desk.api.get(&format!("/v1/rules/{}", escaped(id))).await?),
        _ => fields.clone(),
    };
    let mut wanted = rule(&seen);
    wanted["id"] = id.unwrap_or("preview").into();
    let wish = Wish::of(&fields).where_acts(&wanted);
    let question = wish.about(face, &desk.api, wanted).await;
    let asked = desk.api.post(&format!("/v1/recommendations/{}/preview", escaped(&wish.placement)), &question).await;
    let shown = match &asked {
        Ok(answer) => lists(face, answer),
        Err(trouble) if trouble.is_mendable() || trouble.status.as_u16() == 403 => refused(trouble),
        Err(_) => return asked.map(|_| ().into_response()),
    };
    let around = around(&desk).await?;
    let shown = html! { (member(face, &around.segments, &wish)) (shown) };
    if face.part {
        return Ok(shown.into_response());
    }
    let subject = Subject { id, version: fields.whole("version").unwrap_or_default() };
    let body = html! {
        (back("/console/rules", face.t("nav.rules")))
        div class="columns" {
            div { (form(face, &around, &seen, &subject, None)) }
            div { (section(face, RULE, (&around.placements, &around.segments), &wish, Some(&shown))) }
        }
    };
    Ok(page(&desk, face.t("preview.title"), &body))
}

/// Whom the lists are shown to, where a segment is asked for.
fn member(face: &Face, segments: &[Choice], wish: &Wish) -> Markup {
    let name = segments.iter().find(|(id, _)| *id == wish.segment).map_or(wish.segment.as_str(), |(_, name)| name);
    html! { @if !name.is_empty() { p class="muted" { (filled(face.t("preview.member"), &[("segment", name)])) } } }
}

/// A rule as it would act, also while it is switched off or it is not its time.
fn in_force(mut rule: Value) -> Value {
    rule["enabled"] = true.into();
    if let Some(when) = rule["when"].as_object_mut() {
        when.retain(|name, _| !["from", "until"].contains(&name.as_str()));
    }
    rule
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
        @if !list(&answer["after"], "idle_rules").is_empty() { (notice("bad", html! { (face.t("preview.idle")) })) }
        p class="told" { (if moved.is_empty() { face.t(same).to_owned() } else { crate::console::parts::count(face, moved.len(), "preview.one", "preview.many") }) }
        div class="before-after" {
            @if !answer["before"].is_null() { (side("preview.before", &answer["before"], false)) }
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
