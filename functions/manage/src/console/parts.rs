//! Small pieces of pages.

use maud::{Markup, html};
use serde_json::Value;

use super::format::{day_and_time, number};
use super::page::token;
use super::session::Face;

/// Something that was done, or could not be: read out when it appears.
pub(super) fn notice(kind: &'static str, text: Markup) -> Markup {
    let role = if kind == "bad" { "alert" } else { "status" };
    html! { div class={ "notice " (kind) } role=(role) { (text) } }
}

/// What stands where nothing is yet, and what to do about it.
pub(super) fn empty(title: &str, text: &str, action: Option<(&str, &str)>) -> Markup {
    html! {
        div class="empty" {
            p class="what" { (title) }
            p { (text) }
            @if let Some((address, word)) = action { p { a class="button" href=(address) { (word) } } }
        }
    }
}

/// A word in a frame.
pub(super) fn tag(kind: &str, word: &str) -> Markup {
    html! { span class={ "tag " (kind) } { (word) } }
}

/// Who made something so, and when.
pub(super) fn by(face: &Face, author: &Value, written: &Value) -> Markup {
    let author = author.as_str().unwrap_or_else(|| face.t("by.program"));
    html! {
        span class="by" {
            (author)
            @if let Some(time) = written.as_str() { ", " time datetime=(time) { (day_and_time(face.language, time)) } }
        }
    }
}

/// A form of one button, for something that cannot be taken back: opened first, then done.
pub(super) fn confirmed(face: &Face, address: &str, word: &str, warning: &str, hidden: &[(&str, String)]) -> Markup {
    html! {
        details class="confirm" {
            summary class="button danger quiet" { (word) }
            form method="post" action=(address) {
                (token(face))
                @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
                p { (warning) }
                button class="danger" { (word) }
            }
        }
    }
}

/// A figure with its name.
pub(super) fn figure(name: &str, value: &str, more: &Markup) -> Markup {
    html! { div class="figure" { p class="name" { (name) } p class="value" { (value) } (more) } }
}

/// Many, in words: `3 rules`.
pub(super) fn count(face: &Face, many: usize, one: &str, several: &str) -> String {
    #[allow(clippy::cast_precision_loss, reason = "shown to people")]
    let shown = number(face.language, many as f64, 0);
    format!("{shown} {}", face.t(if many == 1 { one } else { several }))
}

/// A product as a card: its picture, or one that is made of its name and category.
pub(super) fn picture(product: &Value) -> Markup {
    let title = product["title"].as_str().unwrap_or_default();
    if let Some(image) = product["image"].as_str().filter(|image| image.starts_with("http")) {
        return html! { img src=(image) alt="" loading="lazy"; };
    }
    let category = product["category"].as_array().and_then(|path| path.last()).and_then(Value::as_str);
    let hash = category.unwrap_or(title).bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte));
    let initials: String =
        title.split_whitespace().filter_map(|word| word.chars().next()).filter(|c| c.is_alphabetic()).take(2).collect();
    let hue = hash % 12;
    html! {
        svg class={ "tile hue-" (hue) } viewBox="0 0 100 100" aria-hidden="true" {
            rect width="100" height="100" {}
            circle cx=(20 + hash % 60) cy=(30 + hash / 7 % 50) r="38" {}
            text x="50" y="62" text-anchor="middle" { (initials.to_uppercase()) }
        }
    }
}

/// The text of a member; empty if it has none.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// What people call something; its id where it has no name.
pub(super) fn named(value: &Value) -> &str {
    let name = text(value, "name");
    if name.is_empty() { text(value, "id") } else { name }
}

/// The elements of a member.
pub(super) fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A filter as people write it: text as it is, anything else as JSON.
pub(super) fn filter_text(filter: &Value) -> String {
    match filter {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a form says of a filter: JSON if it is some.
pub(super) fn filter_value(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let json = if text.starts_with('{') { serde_json::from_str(text).ok() } else { None };
    json.unwrap_or_else(|| text.into())
}
