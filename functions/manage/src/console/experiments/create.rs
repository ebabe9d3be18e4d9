//! A new experiment: a placement filled in other ways, with every way of filling a second one if it is asked for, and how long it
//! takes to know.

use axum::response::IntoResponse;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::metric;
use crate::console::client::{Answer, Trouble};
use crate::console::fields::{Fields, Sent, escaped, slug};
use crate::console::form::{Choice, Form};
use crate::console::format::counted;
use crate::console::guard::see;
use crate::console::page::{back, page, token};
use crate::console::parts::{filter_value, list, text};
use crate::console::placements::strategy;
use crate::console::session::{Desk, Face};
use crate::console::words::filled;

const METRICS: [&str; 6] =
    ["conversion", "revenue_per_visitor", "margin_per_visitor", "order_value", "click_through", "adds_per_visitor"];
/// The share that every variant keeps when traffic is shifted, and after how many days a visit counts half.
const FLOOR: f64 = 0.1;
const HALF_LIFE: f64 = 14.0;
const STRATEGIES: [&str; 4] = ["trending", "personal", "bought-together", "similar"];

fn metrics(face: &Face) -> Vec<Choice> {
    METRICS.iter().map(|name| ((*name).to_owned(), metric(face, name).to_owned())).collect()
}

fn form(face: &Face, placements: &Value, fields: &Fields, trouble: Option<&Trouble>) -> Markup {
    let form = Form { face, fields, trouble };
    let placements: Vec<Choice> = list(placements, "placements")
        .iter()
        .map(|one| {
            (text(one, "name").to_owned(), format!("{} ({})", text(one, "name"), strategy(face, text(one, "strategy"))))
        })
        .collect();
    let strategies: Vec<Choice> =
        STRATEGIES.iter().map(|one| ((*one).to_owned(), strategy(face, one).to_owned())).collect();
    let nothing = (String::new(), face.t("experiments.alone").to_owned());
    let second: Vec<Choice> = std::iter::once(nothing).chain(placements.iter().cloned()).collect();
    html! {
        (form.trouble())
        form method="post" action="/console/experiments" id="experiment" {
            (token(face))
            div class="card" {
                (form.line("title", "text", "/name"))
                (form.area("hypothesis", "/hypothesis", 2))
            }
            div class="card" {
                h2 { (face.t("experiments.what")) }
                div class="pair" {
                    (form.select("placement", "/design", &placements))
                    (form.select("other_strategy", "/design", &strategies))
                }
                (form.line("audience", "text", "/audience"))
                (form.number("traffic", "/traffic", ("1", "100", "any")))
                (form.select("primary", "/metrics", &metrics(face)))
            }
            details class="card" open[trouble.is_some()] {
                summary { (face.t("experiments.more")) }
                (form.checks("more_strategies", &strategies))
                div class="pair" {
                    (form.select("second_placement", "/design", &second))
                    (form.select("second_strategy", "/design", &strategies))
                }
                (form.check("bandit"))
                p class="hint" { (face.t("experiments.bandit")) }
                (form.line("group", "text", "/exclusive/group"))
                div class="pair" {
                    (form.number("group_from", "/exclusive/from", ("0", "100", "any")))
                    (form.number("group_to", "/exclusive/to", ("0", "100", "any")))
                }
            }
            div class="card" {
                h2 { (face.t("plan.title")) }
                p class="muted" { (face.t("plan.about")) }
                div class="pair" {
                    (form.number("baseline", "", ("0", "1000000", "any")))
                    (form.number("effect", "", ("0.1", "1000", "any")))
                }
                (form.number("visitors_per_day", "", ("1", "1000000000", "1")))
                button class="quiet" formaction="/console/experiments/plan" formnovalidate
                    hx-post="/console/experiments/plan" hx-target="#plan" hx-include="#experiment" { (face.t("plan.show")) }
                div id="plan" aria-live="polite" {}
            }
            p class="actions" { button { (face.t("experiments.create")) } }
        }
    }
}

async fn whole(desk: &Desk, fields: &Fields, trouble: Option<&Trouble>, plan: &Markup) -> Answer {
    let face = &*desk.face;
    let placements = desk.api.get("/v1/placements").await?;
    let body = html! {
        (back("/console/experiments", face.t("nav.experiments")))
        div class="narrow" { (plan) (form(face, &placements, fields, trouble)) }
    };
    let mut response = page(desk, face.t("experiments.new"), &body);
    *response.status_mut() = trouble.map_or(StatusCode::OK, |trouble| trouble.status);
    Ok(response)
}

pub(in crate::console) async fn new(desk: Desk) -> Answer {
    if !desk.face.edits() {
        return Err(Trouble::forbidden(&desk.face));
    }
    let blank = Fields::default()
        .with("placement", "home")
        .with("other_strategy", "trending")
        .with("second_strategy", "trending")
        .with("group_from", 0)
        .with("group_to", 50)
        .with("traffic", 100)
        .with("primary", "conversion")
        .with("baseline", 3)
        .with("effect", 10)
        .with("visitors_per_day", 1000);
    whole(&desk, &blank, None, &html! {}).await
}

pub(in crate::console) async fn create(Sent { desk, fields }: Sent) -> Answer {
    let id = slug(fields.get("title"));
    let id = if id.is_empty() { "experiment".to_owned() } else { id };
    // With a plan the result may be read on any day. One that cannot be worked out is no reason not to begin a draft.
    let plan = desk.api.post("/v1/experiments/plan", &question(&fields)).await.unwrap_or_default();
    let mut body = json!({
        "planned": plan["compared"],
        "name": fields.get("title"),
        "hypothesis": fields.get("hypothesis"),
        "status": "draft",
        "design": design(&fields),
        "audience": filter_value(fields.get("audience")),
        "traffic": fields.number("traffic").unwrap_or(100.0) / 100.0,
        "metrics": {"primary": fields.get("primary")},
    });
    if fields.has("bandit", "yes") {
        body["bandit"] = json!({"floor": FLOOR, "half_life_days": HALF_LIFE});
    }
    if !fields.get("group").is_empty() {
        let share = |name: &str| fields.number(name).unwrap_or_default() / 100.0;
        body["exclusive"] =
            json!({"group": slug(fields.get("group")), "from": share("group_from"), "to": share("group_to")});
    }
    match desk.api.put(&format!("/v1/experiments/{}", escaped(&id)), 0, &body).await {
        Ok(_) => Ok(see(&format!("/console/experiments/{}?said=saved", escaped(&id)))),
        Err(trouble) if trouble.is_mendable() => whole(&desk, &fields, Some(&trouble.of_new()), &html! {}).await,
        Err(trouble) => Err(trouble),
    }
}

/// Every way of filling the placement, or each of them with each way of filling the second one.
fn design(fields: &Fields) -> Value {
    let change =
        |placement: &str, strategy: &str| json!([{"kind": "strategy", "placement": placement, "strategy": strategy}]);
    let of = |placement: &str, strategies: &[&str]| -> Vec<Value> {
        let other = |one: &&str| json!({"id": one, "changes": change(placement, one)});
        std::iter::once(json!({"id": "control"})).chain(strategies.iter().map(other)).collect()
    };
    let mut others = vec![fields.get("other_strategy")];
    others.extend(fields.all("more_strategies").into_iter().filter(|one| *one != fields.get("other_strategy")));
    let (placement, second) = (fields.get("placement"), fields.get("second_placement"));
    if second.is_empty() {
        return json!({"kind": "variants", "variants": of(placement, &others)});
    }
    json!({"kind": "factorial", "factors": [
        {"id": slug(placement), "levels": of(placement, &others)},
        {"id": slug(second), "levels": of(second, &[fields.get("second_strategy")])},
    ]})
}

/// What the planner is asked.
fn question(fields: &Fields) -> Value {
    let proportion = matches!(fields.get("primary"), "conversion" | "click_through");
    let baseline = fields.number("baseline").unwrap_or_default();
    let design = design(fields);
    let levels = list(&design, "factors").iter().map(|factor| list(factor, "levels").len());
    let variants = list(&design, "variants").len().max(levels.product());
    json!({
        "variants": variants,
        "kind": if proportion { "proportion" } else { "mean" },
        "baseline": if proportion { baseline / 100.0 } else { baseline },
        // Amounts of shops scatter about as much as three times their mean; a shop that knows better asks the API.
        "deviation": if proportion { 0.0 } else { baseline * 3.0 },
        "effect": fields.number("effect").unwrap_or_default() / 100.0,
        "visitors_per_day": fields.number("visitors_per_day").unwrap_or_default(),
        "traffic": fields.number("traffic").unwrap_or(100.0) / 100.0,
    })
}

/// How long it takes, in a sentence.
pub(in crate::console) async fn plan(Sent { desk, fields }: Sent) -> Answer {
    let face = &*desk.face;
    let told = match desk.api.post("/v1/experiments/plan", &question(&fields)).await {
        Ok(plan) => {
            let told = |name: &str| counted(face.language, &plan[name]);
            let gaps = [("visitors", told("visitors")), ("days", told("days"))];
            let gaps: Vec<(&str, &str)> = gaps.iter().map(|(gap, with)| (*gap, with.as_str())).collect();
            html! { p class="told" { (filled(face.t("plan.told"), &gaps)) } }
        }
        Err(trouble) if trouble.is_mendable() => html! { div class="fault" { (trouble.told()) } },
        Err(trouble) => return Err(trouble),
    };
    if face.part { Ok(told.into_response()) } else { whole(&desk, &fields, None, &told).await }
}
