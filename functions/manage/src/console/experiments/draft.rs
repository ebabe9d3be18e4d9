//! What a form tries: parts that are varied independently, the ways of each besides the present one, and what each way changes.
//! One part makes variants, several make every combination of their ways.

use serde_json::{Map, Value, json};
use vitrine_domain::Filter;

use crate::console::fields::{Fields, slug, slug_or};
use crate::console::format::hundredfold;
use crate::console::parts::{list, named, text};

/// What a change of a form can be, in its order; `other` is one that the form has no fields for.
pub(super) const CHANGES: [&str; 8] =
    ["strategy", "blend", "rule_on", "rule_off", "rule_instead", "layout", "content", "other"];
/// As many as an experiment can have.
const MOST: [usize; 3] = [5, 31, 20];

/// Everything that is tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) parts: Vec<Part>,
}

/// Something that is varied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) ways: Vec<Way>,
}

/// A way to do it, besides the present one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) name: String,
    pub(super) share: String,
    /// The fields of each change.
    pub(super) changes: Vec<Fields>,
}

/// The fields of one list: those that begin with its letter and a place.
fn listed(fields: &Fields, letter: char, most: usize) -> Vec<Fields> {
    (0..most).map(|at| fields.under(&format!("{letter}{at}-"))).take_while(|fields| !fields.is_empty()).collect()
}

impl Draft {
    /// One way to fill the home page.
    pub(super) fn usual() -> Self {
        let way = Way { changes: vec![blank()], ..Way::default() };
        Self { parts: vec![Part { name: String::new(), ways: vec![way] }] }
    }

    /// What a form says.
    pub(super) fn of(fields: &Fields) -> Self {
        let way = |fields: Fields| Way {
            name: fields.get("way_name").to_owned(),
            share: fields.get("way_share").to_owned(),
            changes: listed(&fields, 'c', MOST[2]),
        };
        let part = |fields: Fields| Part {
            name: fields.get("part_name").to_owned(),
            ways: listed(&fields, 'w', MOST[1]).into_iter().map(way).collect(),
        };
        Self { parts: listed(fields, 'p', MOST[0]).into_iter().map(part).collect() }
    }

    /// A form's other fields, with these.
    pub(super) fn into_fields(self, fields: &Fields) -> Fields {
        let mut out = fields.without(|name| name.starts_with('p') && name.contains('-'));
        for (p, part) in self.parts.into_iter().enumerate() {
            out = out.with(&format!("p{p}-part_name"), part.name);
            for (w, way) in part.ways.into_iter().enumerate() {
                let at = format!("p{p}-w{w}-");
                out = out.with(&format!("{at}way_name"), way.name).with(&format!("{at}way_share"), way.share);
                for (c, change) in way.changes.into_iter().enumerate() {
                    out = out.with_all(&format!("{at}c{c}-"), &change);
                }
            }
        }
        out
    }

    /// Does what a button of the form says: `add:` or `drop:` and where. Answers what is new.
    pub(super) fn edit(&mut self, what: &str) -> Option<String> {
        let (verb, at) = what.split_once(':')?;
        let mut places = at.split('-').filter_map(|step| step.get(1..)?.parse::<usize>().ok());
        let (part, way, change) = (places.next(), places.next(), places.next());
        match (verb, part, way, change) {
            ("add", None, ..) if self.parts.len() < MOST[0] => {
                self.parts.extend(Self::usual().parts);
                Some(format!("p{}-w0-", self.parts.len() - 1))
            }
            ("add", Some(p), None, _) => {
                let ways = &mut self.parts.get_mut(p).filter(|part| part.ways.len() < MOST[1])?.ways;
                ways.push(Way { changes: vec![blank()], ..Way::default() });
                Some(format!("p{p}-w{}-", ways.len() - 1))
            }
            ("add", Some(p), Some(w), _) => {
                let way = self.parts.get_mut(p)?.ways.get_mut(w).filter(|way| way.changes.len() < MOST[2])?;
                way.changes.push(blank());
                Some(format!("p{p}-w{w}-c{}-", way.changes.len() - 1))
            }
            ("drop", Some(p), way, change) => {
                self.drop(p, way, change);
                None
            }
            _ => None,
        }
    }

    /// Takes something out, and with the last of its kind what it stood in; something is always left to be tried.
    fn drop(&mut self, p: usize, way: Option<usize>, change: Option<usize>) {
        let Some(part) = self.parts.get_mut(p) else { return };
        if let Some((w, way)) = way.and_then(|w| Some((w, part.ways.get_mut(w)?))) {
            if let Some(c) = change.filter(|c| *c < way.changes.len()) {
                way.changes.remove(c);
            }
            if change.is_none() || way.changes.is_empty() {
                part.ways.remove(w);
            }
        } else {
            part.ways.clear();
        }
        self.parts.retain(|part| !part.ways.is_empty());
        if self.parts.is_empty() {
            *self = Self::usual();
        }
    }

    /// What an experiment tries, for its form. `rules` are the shop's.
    pub(super) fn of_design(design: &Value, rules: &[Value]) -> Self {
        let way = |one: &Value| Way {
            name: named(one).to_owned(),
            share: one["weight"].as_f64().map(|share| hundredfold(share).to_string()).unwrap_or_default(),
            changes: list(one, "changes").iter().flat_map(|change| fields(change, rules)).collect(),
        };
        let ways = |of: &[Value]| of.iter().skip(1).map(way).collect();
        let factors = list(design, "factors");
        let parts = match factors {
            [] => vec![Part { name: String::new(), ways: ways(list(design, "variants")) }],
            _ => factors
                .iter()
                .map(|one| Part { name: named(one).to_owned(), ways: ways(list(one, "levels")) })
                .collect(),
        };
        Self { parts }
    }

    /// The design, the present way first.
    pub(super) fn design(&self, rules: &[Value]) -> Value {
        let shared =
            self.parts.len() == 1 && self.parts.iter().flat_map(|part| &part.ways).any(|way| !way.share.is_empty());
        let of_part = |part: &Part| -> Vec<Value> {
            let mut names = vec!["control".to_owned()];
            let mut all = vec![json!({"id": "control"})];
            let mut left = 100.0;
            for way in &part.ways {
                let changes = way.changes(rules);
                let id = unused(&way.id(&changes), &mut names);
                let mut one = json!({"id": id, "changes": changes});
                if slug(&way.name) != way.name {
                    one["name"] = way.name.as_str().into();
                }
                if shared && let Ok(share) = way.share.replace(',', ".").parse::<f64>() {
                    left -= share;
                    one["weight"] = json!(share / 100.0);
                }
                all.push(one);
            }
            if shared {
                all[0]["weight"] = json!(left / 100.0);
            }
            all
        };
        match &*self.parts {
            [] => json!({"kind": "variants", "variants": []}),
            [only] => json!({"kind": "variants", "variants": of_part(only)}),
            parts => {
                let mut names = Vec::new();
                let factor = |(at, part): (usize, &Part)| {
                    let placed =
                        part.ways.first().and_then(|way| way.changes.first()).map(|change| change.get("placement"));
                    let name =
                        [&*part.name, placed.unwrap_or_default()].into_iter().find(|name| !slug(name).is_empty());
                    let id = unused(&name.map_or_else(|| format!("part-{}", at + 1), slug), &mut names);
                    let mut factor = json!({"id": id, "levels": of_part(part)});
                    if slug(&part.name) != part.name {
                        factor["name"] = part.name.as_str().into();
                    }
                    factor
                };
                json!({"kind": "factorial", "factors": parts.iter().enumerate().map(factor).collect::<Vec<_>>()})
            }
        }
    }
}

/// A change of which nothing is said yet but the usual.
fn blank() -> Fields {
    Fields::default()
        .with("change", "strategy")
        .with("placement", "home")
        .with("other_strategy", "trending")
        .with("times", 2)
}

/// An id that none of the others has, and now they have it.
fn unused(id: &str, names: &mut Vec<String>) -> String {
    let mut free = id.to_owned();
    for at in 2.. {
        if !names.contains(&free) {
            break;
        }
        free = format!("{id}-{at}");
    }
    names.push(free.clone());
    free
}

impl Way {
    /// What people call it, or else what it does first.
    fn id(&self, changes: &[Value]) -> String {
        let of_name = slug(&self.name);
        if !of_name.is_empty() {
            return of_name;
        }
        let first = changes.first().unwrap_or(&Value::Null);
        let told = match text(first, "kind") {
            "strategy" => text(first, "strategy"),
            "rule" => text(&first["rule"], "id"),
            kind => kind,
        };
        slug_or(told, "other")
    }

    /// The changes as the API takes them. What is said of several parts of one score is one change.
    fn changes(&self, rules: &[Value]) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        for change in self.changes.iter().map(|fields| change(fields, rules)) {
            // Whatever JSON was typed: what has no factors is left for the API to refuse.
            let blends = |one: &Value| one["kind"] == "blend" && one["factors"].is_object();
            let same = |one: &&mut Value| blends(one) && blends(&change) && one["placement"] == change["placement"];
            match all.iter_mut().find(same) {
                Some(one) => {
                    for (part, factor) in change["factors"].as_object().into_iter().flatten() {
                        one["factors"][part] = factor.clone();
                    }
                }
                None => all.push(change),
            }
        }
        all
    }
}

/// What of a rule of the API an experiment takes.
fn rule_of(rules: &[Value], id: &str) -> Option<Value> {
    let rule = rules.iter().find(|rule| text(rule, "id") == id)?.as_object()?;
    let members = ["id", "name", "enabled", "priority", "when", "effect"];
    Some(
        members
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), rule.get(*name)?.clone())))
            .collect::<Map<_, _>>()
            .into(),
    )
}

/// A change of a form, as the API takes it. What is no number, and what is not there, goes as it is, so that the API says what is wrong.
fn change(fields: &Fields, rules: &[Value]) -> Value {
    let (kind, placement) = (fields.get("change"), fields.get("placement"));
    let with = |id: &str, take: &str, enabled: bool| {
        let mut rule = rule_of(rules, take).unwrap_or_else(|| json!({"id": take}));
        (rule["id"], rule["enabled"]) = (id.into(), enabled.into());
        json!({"kind": "rule", "rule": rule})
    };
    let rule = fields.get("rule");
    match kind {
        "blend" => {
            json!({"kind": kind, "placement": placement, "factors": {fields.get("part"): fields.numeric("times")}})
        }
        "rule_on" => with(rule, rule, true),
        "rule_off" => with(rule, rule, false),
        "rule_instead" => with(rule, fields.get("instead"), true),
        "layout" => json!({"kind": kind, "placement": placement, "payload": fields.json("layout")}),
        "content" => json!({"kind": kind, "slot": fields.get("place"), "payload": fields.json("payload")}),
        "other" => fields.json("raw"),
        _ => json!({"kind": "strategy", "placement": placement, "strategy": fields.get("other_strategy")}),
    }
}

/// The fields of a change: one set of them, or one for each part of a score.
fn fields(change: &Value, rules: &[Value]) -> Vec<Fields> {
    let kind = text(change, "kind");
    let one = |kind: &str| Fields::default().with("change", kind).with("placement", text(change, "placement"));
    match kind {
        "strategy" => vec![one(kind).with("other_strategy", text(change, "strategy"))],
        "blend" => {
            let factors = change["factors"].as_object().into_iter().flatten();
            factors.map(|(part, times)| one(kind).with("part", part).with("times", times)).collect()
        }
        "layout" => vec![one(kind).with("layout", &change["payload"])],
        "content" => vec![one(kind).with("place", text(change, "slot")).with("payload", &change["payload"])],
        "rule" => vec![of_rule(&change["rule"], rules).unwrap_or_else(|| one("other").with("raw", change))],
        _ => vec![one("other").with("raw", change)],
    }
}

/// A rule's fields, if the shop has the rule as the experiment has it.
fn of_rule(rule: &Value, rules: &[Value]) -> Option<Fields> {
    let id = text(rule, "id");
    let does = |rule: &Value| {
        let mut rule = rule.clone();
        meant(&mut rule);
        (rule["priority"].clone(), rule["when"].clone(), rule["effect"].clone())
    };
    let same = |of: &&Value| does(of) == does(rule);
    let of = |kind: &str, rule: &str| Fields::default().with("change", kind).with("rule", rule);
    let own = rules.iter().find(|one| text(one, "id") == id);
    match (rule["enabled"] == false, own) {
        (true, Some(_)) => Some(of("rule_off", id)),
        (false, Some(own)) if same(&own) => Some(of("rule_on", id)),
        (false, Some(_)) => Some(of("rule_instead", id).with("instead", text(rules.iter().find(same)?, "id"))),
        _ => None,
    }
}

/// Rewrites a rule's filters and numbers, however they are written, in one form.
fn meant(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                if matches!(&**name, "filter" | "visitor") {
                    if let Some(filter) =
                        Filter::from_json(value).ok().and_then(|filter| serde_json::to_value(filter).ok())
                    {
                        *value = filter;
                    }
                } else if name != "payload" {
                    meant(value);
                }
            }
            if members.get("when") == Some(&json!({})) {
                members.remove("when");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(meant),
        // Rules have numbers of 32 bits, which one side shows and the other widens.
        Value::Number(number) =>
        {
            #[allow(clippy::cast_possible_truncation, reason = "as rules have them")]
            if let Some(number) = number.as_f64() {
                *value = json!(number as f32);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
