//! `POST /v1/recommendations/{placement}/preview`: what other rules, or another placement, would change. Stores nothing.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use vitrine_domain::rule::MAX_RULES;
use vitrine_domain::segment::MAX_SEGMENTS;
use vitrine_domain::{Placement, Rule, Strategy};
use vitrine_http::{Access, Body, Problem, is_word, said};
use vitrine_store::api_keys::KeyKind;

use crate::answer::{Recommendation, render};
use crate::ask::{PreviewQuestion, Wanted};
use crate::finish::nonce;
use crate::ground::Ground;
use crate::list::{Filled, List};
use crate::timing::Timing;

/// A list as it is and as it would be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// As it is; it is not logged and has no id. Null of a placement that is not there yet.
    #[schema(value_type = Option<Recommendation<'_>>, required = true)]
    before: Option<Box<RawValue>>,
    /// As it would be.
    #[schema(value_type = Recommendation<'_>)]
    after: Box<RawValue>,
    /// Products whose place would be another, first those of the list as it would be.
    moved: Vec<Moved>,
}

/// A product that would stand elsewhere.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MovedProduct)]
struct Moved {
    /// The shop's identifier.
    product_id: String,
    /// Its place now, from one; null if it is not in the list.
    #[schema(required = true)]
    from: Option<usize>,
    /// Its place then.
    #[schema(required = true)]
    to: Option<usize>,
}

/// What other rules would change
///
/// The list is made twice, from the same products, visitor and chance: with the rules and the placement as they are, and as
/// they would be. Nothing is stored. The placement need not be there yet, if it is told.
#[utoipa::path(post, path = "/v1/recommendations/{placement}/preview", tag = "recommend", operation_id = "preview_recommendations",
    security(("basic" = ["read"])),
    params(("placement" = String, Path, description = "as with recommendations")), request_body = PreviewQuestion,
    responses((status = 200, body = Preview), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn preview(
    State(state): State<crate::State>,
    access: Access,
    headers: HeaderMap,
    Path(placement): Path<String>,
    Body(mut question): Body<PreviewQuestion>,
) -> Result<Response, Problem> {
    if access.kind != KeyKind::Server {
        return Err(Problem::forbidden("this needs a server key; a browser key is public"));
    }
    let mut timing = Timing::start();
    let (rules, rule, other) = (question.rules.take(), question.rule.take(), question.placement.take());
    let segments = question.segments.take();
    if segments.as_ref().is_some_and(|segments| segments.len() > MAX_SEGMENTS) {
        let problem = Problem::unprocessable("invalid-question", "too many segments");
        return Err(problem.at("/segments", format!("at most {MAX_SEGMENTS}")));
    }
    let (asker, entry) = question.split();
    let who = asker.check(&access, &headers)?;
    let wanted = Wanted::check(String::new(), placement.clone(), entry.clone())?;
    let again = Wanted::check(String::new(), placement, entry)?;
    let ground =
        Ground { logged: false, ..Ground::read(&state, &access.shop, who, &[&wanted.placement], &mut timing).await? };
    let ground = match segments {
        Some(segments) => ground.in_segments(segments),
        None => ground,
    };
    let (own, then) = match (ground.placement(&wanted), other) {
        // One that is not there yet.
        (Err(_), Some(other)) => (None, overridden(&Placement::new(&wanted.placement, Strategy::Personal, 10), other)?),
        (own, Some(other)) => own.and_then(|own| Ok((Some(own.clone()), overridden(&own, other)?)))?,
        (own, None) => own.map(|own| (Some(own.clone()), own))?,
    };
    let ground = ground.remembering(&state, &then).await;
    let changed = ground.with_rules(changed_rules(&ground.settings.rules, rules, rule)?);
    let nonce = nonce()?;
    let mut fill = |ground: &Ground, wanted, placement| {
        // Without experiments and by the model's own index on both sides: what differs is the rules' doing alone.
        let list = List::plain(wanted, placement, nonce.clone());
        let filled = ground.fill(&state.workspaces, list, &mut timing)?;
        let body = render(ground, &filled, None, ground.degraded, None).map_err(|e| Problem::internal(&e))?;
        let text = String::from_utf8(body).map_err(|e| Problem::internal(&e))?;
        Ok::<_, Problem>((filled, RawValue::from_string(text).map_err(|e| Problem::internal(&e))?))
    };
    let (filled_before, before) = own.map(|own| fill(&ground, wanted, own)).transpose()?.unzip();
    let (filled_after, after) = fill(&changed, again, then)?;
    let ids_before = filled_before.map(|filled| ids(&ground, &filled)).unwrap_or_default();
    let moved = moved(&ids_before, &ids(&ground, &filled_after));
    Ok(timing.on(axum::Json(Preview { before, after, moved }).into_response()))
}

fn ids(ground: &Ground, filled: &Filled) -> Vec<String> {
    filled.answer.items.iter().map(|item| ground.display.shelf.id(item.row).to_owned()).collect()
}

fn moved(before: &[String], after: &[String]) -> Vec<Moved> {
    let place = |list: &[String], id: &String| list.iter().position(|other| other == id).map(|at| at + 1);
    let gone = before.iter().filter(|id| !after.contains(id));
    let one = |id: &String| Moved { product_id: id.clone(), from: place(before, id), to: place(after, id) };
    after.iter().chain(gone).map(one).filter(|moved| moved.from != moved.to).collect()
}

/// The rules as they would be.
pub(crate) fn changed_rules(
    stored: &[Rule],
    all: Option<Vec<Value>>,
    one: Option<Value>,
) -> Result<Vec<Rule>, Problem> {
    let mut wrong = Problem::unprocessable("invalid-rule", "these are no rules; `errors` says where");
    if all.as_ref().is_some_and(|rules| rules.len() > MAX_RULES) {
        return Err(wrong.at("/rules", format!("at most {MAX_RULES} rules")));
    }
    let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
    match all {
        Some(all) => {
            for (place, value) in all.into_iter().enumerate() {
                let Some(rule) = read(value, &format!("/rules/{place}"), &mut wrong) else { continue };
                if rules.contains_key(&rule.id) {
                    wrong = wrong.at(format!("/rules/{place}/id"), "another rule has this id");
                }
                rules.insert(rule.id.clone(), rule);
            }
        }
        None => rules.extend(stored.iter().map(|rule| (rule.id.clone(), rule.clone()))),
    }
    if let Some(rule) = one.and_then(|value| read(value, "/rule", &mut wrong)) {
        rules.insert(rule.id.clone(), rule);
    }
    if wrong.errors.is_empty() { Ok(rules.into_values().collect()) } else { Err(wrong) }
}

/// Reads a rule; what is wrong with it is noted. Times may be RFC 3339, as they are where rules are saved.
fn read(mut value: Value, at: &str, wrong: &mut Problem) -> Option<Rule> {
    let mut fault = |pointer: String, detail: String| {
        wrong.errors.push(vitrine_http::problem::Fault { pointer, detail });
    };
    for member in ["from", "until"] {
        let Some(time) = value.pointer_mut(&format!("/when/{member}")) else { continue };
        if let Some(text) = time.as_str() {
            match vitrine_domain::Millis::parse(text) {
                Some(read) => *time = read.0.into(),
                None => {
                    fault(format!("{at}/when/{member}"), "RFC 3339, such as 2026-11-27T00:00:00Z".to_owned());
                    return None;
                }
            }
        }
    }
    for filter in ["/effect/filter", "/when/visitor"] {
        if let Some(Err(error)) = value.pointer(filter).filter(|v| !v.is_null()).map(vitrine_domain::Filter::from_json)
        {
            fault(format!("{at}{filter}"), error.to_string());
            return None;
        }
    }
    match serde_json::from_value::<Rule>(value) {
        Ok(rule) => {
            for wrong in rule.faults() {
                fault(format!("{at}/{}", wrong.at.trim_start_matches('/')), wrong.how);
            }
            Some(rule)
        }
        Err(error) => {
            fault(at.to_owned(), said(&error.to_string()));
            None
        }
    }
}

/// The placement with some members changed.
pub(crate) fn overridden(own: &Placement, other: Value) -> Result<Placement, Problem> {
    let wrong = || Problem::unprocessable("invalid-placement", "this is no change of a placement; `errors` says where");
    let Value::Object(members) = other else {
        return Err(wrong().at("/placement", "an object with the members that would be different"));
    };
    let mut whole = serde_json::to_value(own).map_err(|e| Problem::internal(&e))?;
    if let Value::Object(whole) = &mut whole {
        for (name, value) in members {
            if !MEMBERS.contains(&name.as_str()) {
                let at = if is_word(&name) { format!("/placement/{name}") } else { "/placement".to_owned() };
                return Err(wrong().at(at, format!("one of {}", MEMBERS.join(", "))));
            }
            whole.insert(name, value);
        }
    }
    let placement: Placement =
        serde_json::from_value(whole).map_err(|e| wrong().at("/placement", said(&e.to_string())))?;
    let faults = placement.faults().into_iter();
    let problem = faults.fold(wrong(), |problem, fault| problem.at(format!("/placement{}", fault.at), fault.how));
    if problem.errors.is_empty() { Ok(placement) } else { Err(problem) }
}

/// What of a placement can be changed: everything but its name.
const MEMBERS: [&str; 16] = [
    "strategy",
    "fallback",
    "limit",
    "viewed",
    "bought",
    "per_category",
    "per_brand",
    "diversity",
    "novelty",
    "rotation",
    "skips",
    "objective",
    "exploration",
    "filter",
    "blend",
    "layout",
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use vitrine_domain::{Exploration, Filter, Objective, Rotation, Skips, Strategy};

    use super::*;

    #[test]
    fn every_member_of_a_placement_but_its_name_can_be_another() {
        let whole = Placement {
            fallback: Some(Strategy::Trending),
            per_category: 1,
            per_brand: 1,
            diversity: 0.5,
            novelty: 0.5,
            rotation: Some(Rotation { keep: 0.5, hours: 1.0 }),
            skips: Some(Skips { keep: 0.5, after: 1 }),
            objective: Objective::Margin,
            exploration: Exploration::Share { share: 0.5 },
            filter: Some(Filter::parse("price < 5").unwrap()),
            blend: BTreeMap::from([("popularity".to_owned(), 2.0)]),
            layout: Some(serde_json::json!({"columns": 3})),
            ..Placement::new("home", Strategy::Personal, 5)
        };
        let written = serde_json::to_value(&whole).unwrap();
        let members: BTreeSet<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, MEMBERS.into_iter().chain(["name"]).collect());
    }

    #[test]
    fn what_comes_goes_and_moves_is_told_and_what_stays_is_not() {
        let list = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let told = moved(&list("abcd"), &list("acbe"));
        let told: Vec<_> = told.iter().map(|m| (m.product_id.as_str(), m.from, m.to)).collect();
        assert_eq!(
            told,
            [("c", Some(3), Some(2)), ("b", Some(2), Some(3)), ("e", None, Some(4)), ("d", Some(4), None)]
        );
        assert!(moved(&list("ab"), &list("ab")).is_empty());
    }
}
