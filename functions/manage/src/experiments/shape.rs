//! An experiment as it is sent and shown.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_domain::experiment::{MAX_BYTES, Overlap, Status};
use vitrine_domain::{Experiment, Fault, Millis};
use vitrine_http::{Problem, said};

use crate::filters;
use crate::keep::{self, Standing};
use crate::placements::words;

/// A variant as visitors meet it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentCell)]
pub(crate) struct CellView {
    /// The variant's id; of a factorial test the ids of the levels, joined by dots.
    id: String,
    /// Its share of those who take part.
    weight: f64,
}

/// An experiment that it can meet in one visitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentOverlap)]
pub(crate) struct OverlapView {
    /// The other one.
    with: String,
    /// A sentence: what will happen.
    text: String,
}

/// An experiment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Experiment)]
pub(crate) struct View {
    /// Its name in the address: the key that other SDKs know it by.
    id: String,
    /// What people call it.
    name: String,
    /// What is expected to happen, and why.
    hypothesis: String,
    /// Where it stands.
    #[schema(schema_with = statuses)]
    status: Status,
    /// What is hashed with the visitor.
    seed: String,
    /// What is compared.
    #[schema(value_type = Object)]
    design: Value,
    /// Who takes part; null for everybody.
    #[schema(schema_with = filters::schema_or_null, required = true)]
    audience: Option<Value>,
    /// The share of them that does, 0 to 1.
    traffic: f64,
    /// Its part of a group of experiments of which a visitor meets at most one.
    #[schema(value_type = Option<Object>, required = true)]
    exclusive: Option<Value>,
    /// What it is judged by.
    #[schema(value_type = Object)]
    metrics: Value,
    /// How traffic is shifted to what is best; null if it is not.
    #[schema(value_type = Option<Object>, required = true)]
    bandit: Option<Value>,
    /// Accepted probability of seeing an effect where there is none.
    alpha: f64,
    /// Visitors of two compared variants together after which a decision is intended.
    #[schema(required = true)]
    planned: Option<u64>,
    /// When it began.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    started: Option<String>,
    /// When it ended.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    stopped: Option<String>,
    /// The variants as visitors meet them, the control first.
    cells: Vec<CellView>,
    /// The experiments that it can meet in one visitor.
    overlaps: Vec<OverlapView>,
    /// How it stands.
    #[serde(flatten)]
    pub(super) standing: Standing,
}

/// All experiments of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Experiments {
    /// In the order of their ids.
    pub(super) experiments: Vec<View>,
}

fn statuses() -> utoipa::openapi::schema::Schema {
    words(&[Status::Draft, Status::Running, Status::Stopped])
}

/// A part of an experiment as JSON; the parts of one that was read can always be written.
fn part(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

impl View {
    pub(crate) fn of(experiment: Experiment, standing: Standing) -> Self {
        let cells = experiment.cells().into_iter().map(|cell| CellView { id: cell.id, weight: cell.weight }).collect();
        let mut design = part(&experiment.design);
        times(&mut design, &mut |value| value.as_i64().map(|time| Millis(time).to_rfc3339().into()));
        Self {
            seed: experiment.seed().to_owned(),
            design,
            audience: experiment.audience.as_ref().map(filters::show),
            exclusive: experiment.exclusive.as_ref().map(part),
            metrics: part(&experiment.metrics),
            bandit: experiment.bandit.as_ref().map(part),
            id: experiment.id,
            name: experiment.name,
            hypothesis: experiment.hypothesis,
            status: experiment.status,
            traffic: experiment.traffic,
            alpha: experiment.alpha,
            planned: experiment.planned,
            started: experiment.started.map(|time| time.to_rfc3339()),
            stopped: experiment.stopped.map(|time| time.to_rfc3339()),
            cells,
            overlaps: Vec::new(),
            standing,
        }
    }

    pub(super) fn overlapping(self, overlaps: Vec<Overlap>) -> Self {
        let overlaps = overlaps.into_iter().map(|Overlap { with, text }| OverlapView { with, text }).collect();
        Self { overlaps, ..self }
    }
}

/// Rewrites the times of the rules in a design; what cannot be rewritten stays as it is.
fn times(design: &mut Value, rewrite: &mut dyn FnMut(&Value) -> Option<Value>) {
    match design {
        Value::Object(members) => {
            if let Some(when) = members.get_mut("rule").and_then(|rule| rule.get_mut("when")) {
                for name in ["from", "until"] {
                    if let Some(time) = when.get_mut(name)
                        && let Some(rewritten) = rewrite(time)
                    {
                        *time = rewritten;
                    }
                }
            }
            // What a payload holds is the storefront's own.
            members.iter_mut().filter(|(name, _)| *name != "payload").for_each(|(_, value)| times(value, rewrite));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| times(value, rewrite)),
        _ => {}
    }
}

/// An experiment as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewExperiment)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The id in the address, if it is said again.
    #[serde(default)]
    id: Option<String>,
    /// What people call it.
    #[serde(default)]
    name: String,
    /// What is expected to happen, and why.
    #[serde(default)]
    hypothesis: String,
    /// Where it shall stand: a draft unless said otherwise. A draft can be started, what runs can be stopped.
    #[serde(default)]
    #[schema(schema_with = statuses, required = false)]
    status: Status,
    /// What is hashed with the visitor; the id unless said otherwise.
    #[serde(default)]
    seed: Option<String>,
    /// What is compared. `{"kind": "variants", "variants": [...]}`, the control first, each with an `id`, a `name`, a `weight`
    /// and `changes`; or `{"kind": "factorial", "factors": [...]}`, each with an `id` and `levels` with an `id` and
    /// `changes`. A change is one of `{"kind": "strategy", "placement", "strategy"}`, `{"kind": "blend", "placement",
    /// "factors"}`, `{"kind": "rule", "rule"}`, `{"kind": "layout", "placement", "payload"}`, `{"kind": "content", "slot",
    /// "payload"}`.
    #[schema(value_type = Object, example = json!({"kind": "variants", "variants": [{"id": "control"}, {"id": "trending", "changes": [{"kind": "strategy", "placement": "home", "strategy": "trending"}]}]}))]
    design: Value,
    /// Who takes part, a filter over visitors as text or JSON: everybody unless it is said.
    #[serde(default)]
    #[schema(schema_with = filters::schema_or_null, required = false)]
    audience: Option<Value>,
    /// The share of them that does, above 0, at most 1: all unless said otherwise.
    #[serde(default)]
    traffic: Option<f64>,
    /// Its part of a group of experiments of which a visitor meets at most one: `group`, `from` and `to`, 0 to 1.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"group": "home-page", "from": 0.0, "to": 0.5}))]
    exclusive: Option<Value>,
    /// What it is judged by: `primary`, `secondary` and `guardrails`.
    #[schema(value_type = Object, example = json!({"primary": "conversion", "guardrails": [{"metric": "return_rate", "margin": 0.1}]}))]
    metrics: Value,
    /// Shifts traffic to what is best: `floor` and `half_life_days`.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"floor": 0.1, "half_life_days": 14}))]
    bandit: Option<Value>,
    /// Accepted probability of seeing an effect where there is none: 0.05 unless said otherwise.
    #[serde(default)]
    alpha: Option<f64>,
    /// Visitors of two compared variants together after which a decision is intended.
    #[serde(default)]
    planned: Option<u64>,
    /// The version it was made from, unless `If-Match` says it; zero for a new one.
    #[serde(default)]
    pub(super) version: Option<u64>,
}

impl crate::keep::Wanted for Wanted {
    const SHOWN: &'static [&'static str] = &["started", "stopped", "cells", "overlaps"];

    fn version(&self) -> Option<u64> {
        self.version
    }
}

impl Wanted {
    /// The experiment, given what is stored of it and the time.
    ///
    /// # Errors
    /// 422 with everything that is wrong, or with what must stay as it is.
    pub(crate) fn check(mut self, id: String, stored: Option<&Experiment>, now: Millis) -> Result<Experiment, Problem> {
        let mut faults = Vec::new();
        let mut fault = |at: &str, how: String| faults.push(Fault { at: at.to_owned(), how });
        if self.id.is_some_and(|said| said != id) {
            fault("/id", "another id than in the address".to_owned());
        }
        if let Some(Err(why)) = self.audience.as_ref().map(filters::read) {
            fault("/audience", why);
            self.audience = None;
        }
        times(&mut self.design, &mut |time| {
            let read = Millis::parse(time.as_str()?);
            if read.is_none() {
                fault("/design", "times in RFC 3339, such as 2026-11-27T00:00:00Z".to_owned());
            }
            read.map(|time| time.0.into())
        });
        let began = self.status != Status::Draft;
        let started = stored.and_then(|stored| stored.started).or_else(|| began.then_some(now));
        let ended = self.status == Status::Stopped;
        let stopped = stored.and_then(|stored| stored.stopped).or_else(|| ended.then_some(now));
        let seed = self.seed.filter(|seed| *seed != id);
        let mut whole = json!({
            "id": id, "name": self.name, "hypothesis": self.hypothesis, "status": self.status, "seed": seed,
            "design": self.design, "audience": self.audience, "exclusive": self.exclusive, "metrics": self.metrics,
            "bandit": self.bandit, "planned": self.planned, "started": started, "stopped": stopped,
        });
        for (name, number) in [("traffic", self.traffic), ("alpha", self.alpha)] {
            if let Some(number) = number {
                whole[name] = number.into();
            }
        }
        if whole.to_string().len() > MAX_BYTES {
            faults.push(Fault { at: String::new(), how: format!("at most {MAX_BYTES} bytes as JSON") });
        }
        match serde_json::from_value::<Experiment>(whole) {
            Ok(experiment) => {
                faults.extend(experiment.faults());
                let may_begin = stored.is_some() || Status::Draft.may_become(experiment.status);
                if !may_begin {
                    faults.push(Fault { at: "/status".to_owned(), how: "`draft` or `running` at first".to_owned() });
                }
                faults.extend(stored.map(|stored| experiment.faults_of_change(stored)).unwrap_or_default());
                if faults.is_empty() {
                    return Ok(experiment);
                }
            }
            Err(error) => faults.push(Fault { at: "/design".to_owned(), how: said(&error.to_string()) }),
        }
        Err(keep::refused("invalid-experiment", "this is no experiment; `errors` says where", faults))
    }
}
