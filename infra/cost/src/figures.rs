//! The figures that functions write as log lines in CloudWatch's embedded metric format, read back and counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::{Kind, Pace, Record};

/// Lines of one function.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Written {
    /// How many.
    pub lines: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their bytes if each told of one answer only.
    pub lean_bytes: u64,
    /// Times at which some were written.
    pub times: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// By function.
    pub functions: BTreeMap<String, Written>,
    /// Each metric with its dimensions, which is what is billed.
    pub metrics: BTreeSet<String>,
    /// Functions and moments that were seen.
    #[serde(skip)]
    moments: BTreeSet<(String, i64)>,
}

/// The function that counts a metric which does not say so itself.
fn counted_by(metric: &str) -> &'static str {
    match metric {
        "fold_lag" => "fold",
        "events_accepted" | "events_refused" => "collect",
        _ => "recommend",
    }
}

/// The value of a metric as if it told of one answer.
fn lean(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.first().cloned().unwrap_or_default(),
        Value::Object(members) if members.contains_key("Values") => {
            members.iter().map(|(name, value)| (name.clone(), Value::Array(vec![lean(value)]))).collect()
        }
        other => other.clone(),
    }
}

impl Figures {
    /// Takes in a line; one that holds no figures is none of ours.
    pub fn line(&mut self, line: &str) {
        let Ok(document) = serde_json::from_str::<Value>(line) else { return };
        let Some(about) = document["_aws"]["CloudWatchMetrics"].as_array() else { return };
        let mut names = Vec::new();
        for directive in about {
            let dimensions = directive["Dimensions"].as_array().into_iter().flatten();
            let dimensions: Vec<String> = dimensions
                .flat_map(|set| set.as_array().into_iter().flatten())
                .filter_map(Value::as_str)
                .map(|name| format!("{name}={}", document[name].as_str().unwrap_or_default()))
                .collect();
            for metric in directive["Metrics"].as_array().into_iter().flatten() {
                let name = metric["Name"].as_str().unwrap_or_default();
                names.push(name.to_owned());
                self.metrics.insert(format!("{name} {}", dimensions.join(" ")));
            }
        }
        let counter = || names.first().map_or("recommend", |name| counted_by(name));
        let function = document["function"].as_str().unwrap_or_else(counter).to_owned();
        let mut short = document.clone();
        for name in &names {
            short[name] = lean(&document[name]);
        }
        let moment = document["_aws"]["Timestamp"].as_i64().unwrap_or_default();
        let new = self.moments.insert((function.clone(), moment));
        let written = self.functions.entry(function).or_default();
        written.lines += 1;
        written.bytes += line.len() as u64 + 1;
        written.lean_bytes += short.to_string().len() as u64 + 1;
        written.times += u64::from(new);
    }
}

impl Record {
    /// Adds the lines to the calls that they tell of: at the busy pace a line tells of many, at the quiet one each call is
    /// told of by lines of its own, which is the worst case.
    pub fn add_figures(&mut self, figures: Figures) {
        for (function, written) in &figures.functions {
            let of = |kind: Kind| kind.function() == function && kind != Kind::Import;
            let calls: u64 = self.phases.iter().filter(|phase| of(phase.kind)).map(|phase| phase.calls).sum();
            for phase in self.phases.iter_mut().filter(|phase| of(phase.kind)) {
                let (lines, bytes, per) = match phase.pace {
                    Pace::Quiet => (written.lines, written.lean_bytes, written.times),
                    Pace::Busy | Pace::Once => (written.lines, written.bytes, calls),
                };
                let share = |all: u64| (all as f64 * phase.calls as f64 / per.max(1) as f64).round() as u64;
                let (lines, bytes) = (share(lines), share(bytes));
                phase.log_lines += lines;
                phase.log_bytes += bytes;
            }
        }
        self.figures = figures;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(moment: i64) -> String {
        json!({
            "_aws": {"Timestamp": moment, "CloudWatchMetrics": [{"Namespace": "Vitrine", "Dimensions": [["function"]],
                "Metrics": [{"Name": "latency", "Unit": "Milliseconds"}]}]},
            "function": "recommend", "latency": [1.5, 2.5, 3.5],
        })
        .to_string()
    }

    #[test]
    fn lines_are_counted_by_function_and_moment_and_metrics_once() {
        let mut figures = Figures::default();
        for text in [line(1), line(1), line(2), "no figures".to_owned(), "{}".to_owned()] {
            figures.line(&text);
        }
        let written = &figures.functions["recommend"];
        assert_eq!((written.lines, written.times), (3, 2));
        assert_eq!(written.bytes, 3 * (line(1).len() as u64 + 1));
        assert_eq!(written.bytes - written.lean_bytes, 3 * ("[1.5,2.5,3.5]".len() - "1.5".len()) as u64);
        assert_eq!(figures.metrics.len(), 1);
    }
}
