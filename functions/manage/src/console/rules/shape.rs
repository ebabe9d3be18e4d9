//! Between a rule as the API has it and the fields of its form.

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use crate::console::fields::Fields;
use crate::console::format::{day_and_time, number, percent};
use crate::console::parts::{filter_text, filter_value, list, text};
use crate::console::session::Face;
use crate::console::words::filled;

/// What a rule can do, in the order of the form.
pub(super) const EFFECTS: [&str; 8] = ["pin", "boost", "bury", "hide", "include_only", "at_most", "share", "content"];

/// The fields of a stored rule.
pub(super) fn fields(rule: &Value) -> Fields {
    let (when, effect) = (&rule["when"], &rule["effect"]);
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let mut fields = Fields::default()
        .with("title", text(rule, "name"))
        .with("priority", plain(&rule["priority"]))
        .with("kind", text(effect, "kind"))
        .with("filter", filter_text(&effect["filter"]))
        .with("visitor_filter", filter_text(&when["visitor"]))
        .with("categories", list(when, "categories").iter().map(plain).collect::<Vec<_>>().join("\n"))
        .with("from", moment(text(when, "from")))
        .with("until", moment(text(when, "until")));
    if rule["enabled"] == true {
        fields = fields.with("enabled", "yes");
    }
    if text(effect, "kind") == "content" {
        fields = fields.with("place", text(effect, "slot")).with("payload", plain(&effect["payload"]));
    }
    for name in ["product", "slot", "factor", "attribute", "count"] {
        fields = fields.with(name, plain(&effect[name]));
    }
    if let Some(share) = effect["share"].as_f64() {
        fields = fields.with("share", (share * 100.0).round());
    }
    for name in ["placements", "segments"] {
        for one in list(when, name) {
            fields = fields.with(name, plain(one));
        }
    }
    fields
}

/// A time as a form's field takes it: to the minute, in UTC.
fn moment(time: &str) -> String {
    time.get(..16).unwrap_or_default().to_owned()
}

/// The rule that a form describes. What is no number goes as it is typed, so that the API says what is wrong with it.
pub(super) fn rule(fields: &Fields) -> Value {
    let (numeric, counted) = (|name: &str| fields.numeric(name), |name: &str| fields.counted(name));
    let filter = || filter_value(fields.get("filter"));
    let kind = fields.get("kind");
    let effect = match kind {
        "pin" => json!({"kind": kind, "product": fields.get("product"), "slot": counted("slot")}),
        "boost" | "bury" => json!({"kind": kind, "filter": filter(), "factor": numeric("factor")}),
        "at_most" => json!({"kind": kind, "attribute": fields.get("attribute"), "count": counted("count")}),
        "share" => {
            json!({"kind": kind, "filter": filter(), "share": fields.number("share").map(|share| share / 100.0)})
        }
        // What is no JSON is a text.
        "content" => {
            let payload = fields.get("payload");
            let payload = serde_json::from_str(payload).unwrap_or_else(|_| json!(payload));
            json!({"kind": kind, "slot": fields.get("place"), "payload": payload})
        }
        _ => json!({"kind": kind, "filter": filter()}),
    };
    let mut when = Map::new();
    for name in ["placements", "segments"] {
        when.insert(name.to_owned(), fields.all(name).into());
    }
    when.insert("categories".to_owned(), fields.lines("categories").into());
    for name in ["from", "until"] {
        if !fields.get(name).is_empty() {
            when.insert(name.to_owned(), format!("{}:00Z", fields.get(name)).into());
        }
    }
    if !fields.get("visitor_filter").is_empty() {
        when.insert("visitor".to_owned(), filter_value(fields.get("visitor_filter")));
    }
    json!({
        "name": fields.get("title"),
        "enabled": fields.has("enabled", "yes"),
        "priority": fields.get("priority").parse::<i32>().unwrap_or_default(),
        "when": when,
        "effect": effect,
    })
}

/// What a rule does, in a sentence.
pub(in crate::console) fn sentence(face: &Face, effect: &Value) -> String {
    let kind = text(effect, "kind");
    let language = face.language;
    let filter = filter_text(&effect["filter"]);
    let plain = |name: &str| effect[name].to_string().trim_matches('"').to_owned();
    let factor = effect["factor"].as_f64().unwrap_or_default();
    let factor = number(language, factor, usize::from(factor.fract() != 0.0));
    let share = percent(language, effect["share"].as_f64().unwrap_or_default(), 0);
    let gaps = [
        ("product", plain("product")),
        ("slot", plain("slot")),
        ("filter", filter),
        ("factor", factor),
        ("attribute", plain("attribute")),
        ("count", plain("count")),
        ("share", share),
        ("place", plain("slot")),
        ("content", told(&effect["payload"])),
    ];
    let gaps: Vec<(&str, &str)> = gaps.iter().map(|(gap, with)| (*gap, with.as_str())).collect();
    filled(language.word(&format!("does.{kind}")), &gaps)
}

/// Content in a few words: its title where it has one.
pub(in crate::console) fn told(content: &Value) -> String {
    let words = content.as_str().or_else(|| content["title"].as_str());
    words.map_or_else(|| content.to_string(), str::to_owned)
}

/// When it acts, in words.
pub(super) fn conditions(face: &Face, when: &Value) -> Markup {
    let joined = |name: &str| list(when, name).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let mut parts: Vec<(&str, String)> = Vec::new();
    for (name, word) in
        [("placements", "when.placements"), ("segments", "when.segments"), ("categories", "when.categories")]
    {
        let names = joined(name);
        if !names.is_empty() {
            parts.push((face.language.word(word), names));
        }
    }
    if !when["visitor"].is_null() {
        parts.push((face.t("when.visitor"), filter_text(&when["visitor"])));
    }
    for (name, word) in [("from", "when.from"), ("until", "when.until")] {
        if let Some(time) = when[name].as_str() {
            parts.push((face.language.word(word), day_and_time(face.language, time)));
        }
    }
    html! {
        @if parts.is_empty() { span class="muted" { (face.t("when.always")) } }
        @for (word, what) in parts { span class="when" { span class="muted" { (word) } " " (what) } }
    }
}
