//! Making an experiment, and changing a draft: with the form of one, and how long it takes to know.

use axum::extract::Path;
use axum::response::IntoResponse;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};
use vitrine_domain::experiment::Metric;

use super::draft::Draft;
use super::form::{Around, Subject, around, blank, form, of, parts};
use crate::console::client::{Answer, Trouble};
use crate::console::fields::{Fields, Sent, escaped, slug, slug_or};
use crate::console::form::Form;
use crate::console::format::counted;
use crate::console::guard::see;
use crate::console::page::{back, page};
use crate::console::parts::{filter_value, list, text};
use crate::console::session::Desk;
use crate::console::words::filled;

/// The share that every variant keeps when traffic is shifted, and after how many days a visit counts half.
const FLOOR: f64 = 0.1;
const HALF_LIFE: f64 = 14.0;
/// The share of visitors who order, of a shop that has no results yet.
const CONVERSION: f64 = 0.03;

/// What the form asks of how long it takes.
const PLAN: [&str; 3] = ["baseline", "effect", "visitors_per_day"];

async fn whole(desk: &Desk, around: &Around, fields: &Fields, trouble: Option<&Trouble>, plan: &Markup) -> Answer {
    let face = &*desk.face;
    let id = fields.get("experiment_id");
    let subject = Subject { id, version: fields.whole("version").unwrap_or_default() };
    let subject = Some(&subject).filter(|_| !id.is_empty());
    let title = face.t(if subject.is_some() { "experiments.edit" } else { "experiments.new" });
    let up = subject
        .map_or_else(|| "/console/experiments".to_owned(), |of| format!("/console/experiments/{}", escaped(of.id)));
    let word = if subject.is_some() { id } else { face.t("nav.experiments") };
    let body = html! {
        (back(&up, word))
        div class="narrow" { (plan) (form(face, around, fields, subject, trouble)) }
    };
    let mut response = page(desk, title, &body);
    *response.status_mut() = trouble.map_or(StatusCode::OK, |trouble| trouble.status);
    Ok(response)
}

pub(in crate::console) async fn new(desk: Desk) -> Answer {
    if !desk.face.edits() {
        return Err(Trouble::forbidden(&desk.face));
    }
    let (around, (conversion, visitors)) = tokio::join!(around(&desk), lately(&desk));
    whole(&desk, &around?, &blank(conversion, visitors), None, &html! {}).await
}

/// A draft is changed as it was made; what has begun stays as it is.
pub(in crate::console) async fn edit(desk: Desk, Path(id): Path<String>) -> Answer {
    if !desk.face.edits() {
        return Err(Trouble::forbidden(&desk.face));
    }
    let address = format!("/v1/experiments/{}", escaped(&id));
    let (stored, around) = tokio::join!(desk.api.get(&address), around(&desk));
    let (stored, around) = (stored?, around?);
    if text(&stored, "status") != "draft" {
        return Ok(see(&format!("/console/experiments/{}", escaped(&id))));
    }
    let fields = of(&stored, &around).with("experiment_id", &id).with("version", &stored["version"]);
    whole(&desk, &around, &fields, None, &html! {}).await
}

/// The form with something more or less to be tried.
pub(in crate::console) async fn change(Sent { desk, fields }: Sent) -> Answer {
    let around = around(&desk).await?;
    let mut draft = Draft::of(&fields);
    let new = draft.edit(fields.get("edit"));
    let fields = draft.into_fields(&fields);
    if desk.face.part {
        let form = Form { face: &desk.face, fields: &fields, trouble: None };
        return Ok(parts(&form, &around, new.as_deref()).into_response());
    }
    whole(&desk, &around, &fields, None, &html! {}).await
}

pub(in crate::console) async fn create(Sent { desk, fields }: Sent) -> Answer {
    let id = slug_or(fields.get("title"), "experiment");
    put(&desk, &fields, &id, None).await
}

pub(in crate::console) async fn save(Path(id): Path<String>, Sent { desk, fields }: Sent) -> Answer {
    // What the form does not ask for stays.
    let stored = desk.api.get(&format!("/v1/experiments/{}", escaped(&id))).await?;
    put(&desk, &fields, &id, Some(stored)).await
}

async fn put(desk: &Desk, fields: &Fields, id: &str, stored: Option<Value>) -> Answer {
    let around = around(desk).await?;
    let is_new = stored.is_none();
    let design = Draft::of(fields).design(&around.rules);
    // With a plan the result may be read on any day. One that cannot be worked out is no reason not to keep a draft, which then
    // has the plan that it had; so it does where nothing is said.
    let (plan, said) = if PLAN.iter().all(|name| fields.get(name).is_empty()) {
        (None, "saved")
    } else {
        match desk.api.post("/v1/experiments/plan", &question(fields, &design, lately(desk).await.0)).await {
            Ok(plan) => (Some(plan["compared"].clone()), "saved"),
            Err(trouble) if trouble.is_mendable() => (None, "unplanned"),
            Err(trouble) => return Err(trouble),
        }
    };
    let mut body = stored.unwrap_or_else(|| json!({"status": "draft"}));
    // The form says over which version.
    if let Some(body) = body.as_object_mut() {
        body.remove("version");
    }
    write(&mut body, fields, design, plan);
    let version = fields.whole("version").filter(|_| !is_new).unwrap_or_default();
    match desk.api.put(&format!("/v1/experiments/{}", escaped(id)), version, &body).await {
        Ok(_) => Ok(see(&format!("/console/experiments/{}?said={said}", escaped(id)))),
        Err(trouble) if trouble.is_mendable() => {
            let trouble = if is_new { trouble.of_new() } else { trouble };
            whole(desk, &around, fields, Some(&trouble), &html! {}).await
        }
        Err(trouble) => Err(trouble),
    }
}

/// Whom it is tried on: of a segment, if one is chosen, those of whom what is typed holds.
fn audience(fields: &Fields) -> String {
    match (fields.get("of_segment"), fields.get("audience")) {
        ("", typed) => typed.to_owned(),
        (segment, "") => format!("segments in [{}]", Value::from(segment)),
        (segment, typed) => format!("segments in [{}] and ({typed})", Value::from(segment)),
    }
}

/// What the form says of an experiment.
fn write(body: &mut Value, fields: &Fields, design: Value, planned: Option<Value>) {
    body["design"] = design;
    if let Some(planned) = planned {
        body["planned"] = planned;
    }
    body["name"] = fields.get("title").into();
    body["hypothesis"] = fields.get("hypothesis").into();
    body["audience"] = filter_value(&audience(fields));
    body["traffic"] = json!(fields.number("traffic").unwrap_or(100.0) / 100.0);
    let guard = |at: usize| {
        let fields = fields.under(&format!("g{at}-"));
        let margin = fields.number("margin_of_guard").map(|margin| margin / 100.0);
        let metric = fields.get("guard").to_owned();
        (!fields.is_empty()).then(|| (!metric.is_empty()).then(|| json!({"metric": metric, "margin": margin})))
    };
    let guardrails: Vec<Value> = (0..).map_while(guard).flatten().collect();
    body["metrics"] =
        json!({"primary": fields.get("primary"), "secondary": fields.all("secondary"), "guardrails": guardrails});
    if !fields.has("bandit", "yes") {
        body["bandit"] = Value::Null;
    } else if body["bandit"].is_null() {
        body["bandit"] = json!({"floor": FLOOR, "half_life_days": HALF_LIFE});
    }
    let share = |name: &str| fields.number(name).unwrap_or_default() / 100.0;
    body["exclusive"] = match fields.get("group") {
        "" => Value::Null,
        group => json!({"group": slug(group), "from": share("group_from"), "to": share("group_to")}),
    };
}

/// Days of results that a plan begins with.
const LATELY: u8 = 28;

/// The share of visitors who order, and how many come a day, where there are any.
async fn lately(desk: &Desk) -> (f64, Option<f64>) {
    let total = desk
        .api
        .get(&format!("/v1/results?last={LATELY}"))
        .await
        .map(|results| results["total"].clone())
        .unwrap_or_default();
    let above = |name: &str| total[name].as_f64().filter(|number| *number > 0.0);
    (above("conversion").unwrap_or(CONVERSION), above("visitors").map(|visitors| visitors / f64::from(LATELY)))
}

/// What the planner is asked. How much numbers scatter hangs on how many order; a shop that knows it better asks the API.
fn question(fields: &Fields, design: &Value, conversion: f64) -> Value {
    let metric = serde_json::from_value(fields.get("primary").into()).unwrap_or(Metric::Conversion);
    let baseline = fields.number("baseline").unwrap_or_default() / if metric.is_share() { 100.0 } else { 1.0 };
    let levels = list(design, "factors").iter().map(|factor| list(factor, "levels").len());
    let variants = list(design, "variants").len().max(levels.product());
    json!({
        "variants": variants,
        "kind": metric.kind(),
        "baseline": baseline,
        "deviation": metric.deviation(baseline, conversion),
        "effect": fields.number("effect").unwrap_or_default() / 100.0,
        "visitors_per_day": fields.number("visitors_per_day").unwrap_or_default(),
        "traffic": fields.number("traffic").unwrap_or(100.0) / 100.0,
    })
}

/// How long it takes, in a sentence.
pub(in crate::console) async fn plan(Sent { desk, fields }: Sent) -> Answer {
    let face = &*desk.face;
    // How many ways there are does not hang on the rules.
    let design = Draft::of(&fields).design(&[]);
    let told = match desk.api.post("/v1/experiments/plan", &question(&fields, &design, lately(&desk).await.0)).await {
        Ok(plan) => {
            let told = |name: &str| counted(face.language, &plan[name]);
            let gaps = [("visitors", told("visitors")), ("days", told("days"))];
            let gaps: Vec<(&str, &str)> = gaps.iter().map(|(gap, with)| (*gap, with.as_str())).collect();
            html! { p class="told" { (filled(face.t("plan.told"), &gaps)) } }
        }
        Err(trouble) if trouble.is_mendable() => html! { div class="fault" { (trouble.told()) } },
        Err(trouble) => return Err(trouble),
    };
    if face.part { Ok(told.into_response()) } else { whole(&desk, &around(&desk).await?, &fields, None, &told).await }
}

#[cfg(test)]
mod tests {
    use vitrine_domain::statistics::Question;

    use super::*;

    /// Of each metric how many visitors a variant needs, so that a tenth more or less is found.
    fn needed(metric: &str, baseline: f64) -> u64 {
        let fields = Fields::default().with("primary", metric).with("baseline", baseline);
        let fields = fields.with("effect", 10).with("visitors_per_day", 1000);
        let design = json!({"variants": [{"id": "control"}, {"id": "other"}]});
        let question: Question = serde_json::from_value(question(&fields, &design, 0.03)).unwrap();
        question.plan().unwrap().per_variant
    }

    #[test]
    fn an_audience_is_a_segment_a_condition_or_both() {
        let of = |segment: &str, typed: &str| {
            audience(&Fields::default().with("of_segment", segment).with("audience", typed))
        };
        assert_eq!(of("", ""), "");
        assert_eq!(of("", "orders = 0"), "orders = 0");
        assert_eq!(of("lapsing", ""), "segments in [\"lapsing\"]");
        let both = of("lapsing", "orders > 2 or brand = \"a\"");
        assert_eq!(both, "segments in [\"lapsing\"] and (orders > 2 or brand = \"a\")");
        assert!(vitrine_domain::Filter::parse(&both).is_ok());
    }

    #[test]
    fn a_plan_counts_visitors_of_whom_few_order() {
        let conversion = needed("conversion", 3.0);
        // The same share of visitors who order, and besides that amounts that scatter.
        let revenue = needed("revenue_per_visitor", 1.5);
        assert!(revenue > conversion * 3 / 2 && revenue < conversion * 2, "{revenue} {conversion}");
        // A rate of orders is known of those who order only, a rate of visitors of all.
        let (returns, again) = (needed("return_rate", 10.0), needed("repeat_rate", 10.0));
        assert!(returns > again * 25 && returns < again * 40, "{returns} {again}");
        // An order value has less noise than what each visitor spends, and as few orders.
        let value = needed("order_value", 50.0);
        assert!(value < revenue && value > revenue / 4, "{value} {revenue}");
    }
}
