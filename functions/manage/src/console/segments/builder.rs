//! Conditions put together from lists, for whoever does not want to type them. What is put together is text all the same, so
//! that both ways lead to the same condition.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::fields::Fields;
use crate::console::form::{Choice, Form, worded};
use crate::console::parts::{list, text};

/// How a feature is compared, and how that is written.
const COMPARISONS: [(&str, &str); 5] =
    [("ge", ">="), ("le", "<="), ("eq", "="), ("ne", "!="), ("missing", "is missing")];
/// How conditions are joined.
const JOINED: [&str; 2] = ["and", "or"];
/// Before the name of a feature that counts the last so many days.
const WINDOW: &str = "last ";
/// Days of a window where none are said.
const DAYS: u64 = 30;

/// The lists, and the button that adds what they say to the condition.
pub(super) fn builder(form: &Form<'_>, all: &Value) -> Markup {
    let face = form.face;
    let told = |feature: &Value| face.language.told(text(feature, "meaning")).trim_end_matches('.').to_owned();
    let always = list(all, "features").iter().map(|feature| (text(feature, "name").to_owned(), told(feature)));
    let lately = list(all, "windows").iter().map(|feature| {
        (format!("{WINDOW}{}", text(feature, "name")), format!("{} ({})", told(feature), face.t("builder.lately")))
    });
    let features: Vec<Choice> = lately.chain(always).collect();
    let comparisons = COMPARISONS.map(|(name, _)| name);
    html! {
        details class="builder" open[!form.fields.get("feature").is_empty()] {
            summary { (face.t("builder.title")) }
            (form.select("feature", "", &features))
            div class="pair" {
                (form.select("compare", "", &worded(face, "compare", &comparisons)))
                (form.line("than", "text", ""))
            }
            div class="pair" {
                (form.number("days", "", ("1", "365", "1")))
                (form.select("joined", "", &worded(face, "joined", &JOINED)))
            }
            button class="quiet" formaction="/console/segments/condition" formnovalidate
                hx-post="/console/segments/condition" hx-target="#condition" hx-swap="outerHTML" hx-include="closest form" {
                (face.t("builder.add"))
            }
        }
    }
}

/// The condition of a form with what its lists say.
pub(super) fn extended(fields: &Fields, all: &Value) -> String {
    let filter = fields.get("filter");
    let Some(added) = condition(fields, all) else { return filter.to_owned() };
    if filter.is_empty() {
        return added;
    }
    let joined = if fields.get("joined") == "or" { "or" } else { "and" };
    // What is joined otherwise is kept together.
    let other = if joined == "or" { " and " } else { " or " };
    if filter.to_lowercase().contains(other) {
        format!("({filter}) {joined} {added}")
    } else {
        format!("{filter} {joined} {added}")
    }
}

/// What the lists say; none without a feature that there is.
fn condition(fields: &Fields, all: &Value) -> Option<String> {
    let (name, kind) = match fields.get("feature").strip_prefix(WINDOW) {
        Some(name) => (name, "windows"),
        None => (fields.get("feature"), "features"),
    };
    let feature = list(all, kind).iter().find(|feature| text(feature, "name") == name)?;
    let days = fields.whole("days").unwrap_or(DAYS);
    let name = if kind == "windows" { format!("{name}_{days}d") } else { name.to_owned() };
    let (word, sign) = COMPARISONS.into_iter().find(|(word, _)| *word == fields.get("compare"))?;
    if word == "missing" {
        return Some(format!("{name} {sign}"));
    }
    let value = match (text(feature, "type"), fields.number("than")) {
        ("number", Some(number)) => number.to_string(),
        _ => Value::from(fields.get("than")).to_string(),
    };
    Some(format!("{name} {sign} {value}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vitrine_domain::Filter;

    use super::*;

    #[test]
    fn what_lists_say_is_added_to_what_is_typed() {
        let all = json!({
            "features": [{"name": "orders", "type": "number"}, {"name": "brand", "type": "text"}],
            "windows": [{"name": "spend", "type": "number"}],
        });
        let of = |filter: &str, feature: &str, compare: &str, than: &str, joined: &str| {
            let fields =
                [("filter", filter), ("feature", feature), ("compare", compare), ("than", than), ("joined", joined)];
            let fields = fields.into_iter().fold(Fields::default(), |fields, (name, value)| fields.with(name, value));
            let text = extended(&fields, &all);
            assert!(Filter::parse(&text).is_ok(), "{text}");
            text
        };
        assert_eq!(of("", "orders", "ge", "2", "and"), "orders >= 2");
        assert_eq!(of("orders >= 2", "last spend", "le", "12,5", "and"), "orders >= 2 and spend_30d <= 12.5");
        assert_eq!(
            of("a = 1 or b = 2", "brand", "eq", "Say \"Cheese\"", "and"),
            "(a = 1 or b = 2) and brand = \"Say \\\"Cheese\\\"\""
        );
        assert_eq!(of("a = 1 and b = 2", "brand", "missing", "", "or"), "(a = 1 and b = 2) or brand is missing");
        assert_eq!(of("a = 1", "no such", "eq", "1", "and"), "a = 1");
    }
}
