//! Another order: by dragging, or one place up or down. Priorities are changed as little as it takes.

use serde_json::Value;

use crate::console::client::Answer;
use crate::console::fields::{Sent, escaped};
use crate::console::guard::see;
use crate::console::parts::{list, text};

/// Between two rules that are given new priorities, so that others fit in between.
const STEP: i64 = 10;

pub(in crate::console) async fn order(Sent { desk, fields }: Sent) -> Answer {
    let answer = desk.api.get("/v1/rules").await?;
    let rules = list(&answer, "rules");
    let mut wanted: Vec<&str> = fields.get("order").split(',').filter(|id| !id.is_empty()).collect();
    if let Some((to, id)) = fields.get("move").split_once(':')
        && let Some(place) = wanted.iter().position(|other| *other == id)
    {
        let other = if to == "up" { place.checked_sub(1) } else { Some(place + 1) };
        if let Some(other) = other.filter(|other| *other < wanted.len()) {
            wanted.swap(place, other);
        }
    }
    // Rules that somebody else made or removed meanwhile stand where they stand.
    let standing: Vec<(&str, i64)> = wanted
        .iter()
        .filter_map(|id| rules.iter().find(|rule| text(rule, "id") == *id))
        .map(|rule| (text(rule, "id"), rule["priority"].as_i64().unwrap_or_default()))
        .collect();
    // From the last change on, so that what acts in between is never the other way round than before or after.
    for (id, priority) in changes(&standing) {
        let Some(rule) = rules.iter().find(|rule| text(rule, "id") == id) else { continue };
        let mut rule = rule.clone();
        let version = rule["version"].as_u64().unwrap_or_default();
        rule["priority"] = Value::from(priority);
        desk.api.put(&format!("/v1/rules/{}", escaped(id)), version, &rule).await?;
    }
    Ok(see("/console/rules?said=ordered"))
}

/// The priorities that have to change so that rules act in this order: from the last rule up, each above the one after it.
/// Of equal priorities the one whose id comes first acts first.
fn changes<'a>(wanted: &[(&'a str, i64)]) -> Vec<(&'a str, i64)> {
    let mut changes = Vec::new();
    let mut below: Option<(&str, i64)> = None;
    for (id, priority) in wanted.iter().rev().copied() {
        let stands = below.is_none_or(|(other, floor)| priority > floor || (priority == floor && id < other));
        let priority = match below {
            Some((_, floor)) if !stands => {
                changes.push((id, floor.saturating_add(STEP).min(i64::from(i32::MAX))));
                floor.saturating_add(STEP)
            }
            _ => priority,
        };
        below = Some((id, priority));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_priorities_change_as_it_takes() {
        assert_eq!(changes(&[("a", 30), ("b", 20), ("c", 10)]), []);
        assert_eq!(changes(&[("a", 0), ("b", 0), ("c", 0)]), [], "the ids decide");
        assert_eq!(changes(&[("b", 20), ("a", 30), ("c", 10)]), [("b", 40)]);
        assert_eq!(changes(&[("b", 0), ("a", 0)]), [("b", 10)]);
        assert_eq!(changes(&[("c", 10), ("a", 30), ("b", 20)]), [("c", 40)]);
        assert_eq!(changes(&[("a", 1), ("b", 5), ("c", 9)]), [("b", 19), ("a", 29)]);
    }
}
