//! What came of an evaluation, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::judge::{Figures, LIST};
use crate::metrics::KINDS;

/// Figures over some of the cases.
#[derive(Debug)]
pub struct Segment {
    /// Which cases.
    pub name: String,
    /// How many.
    pub cases: usize,
    /// The figures of each model.
    pub models: Vec<(String, Figures)>,
}

/// What came of an evaluation.
#[derive(Debug)]
pub struct Report {
    /// What was evaluated.
    pub title: String,
    /// What was read.
    pub data: Value,
    /// The figures of each model.
    pub models: Vec<(String, Figures)>,
    /// The same by segment, if there are any.
    pub segments: Vec<Segment>,
    /// What training took.
    pub training: Value,
    /// How it was trained and judged.
    pub settings: Value,
    /// Lengths of lists that figures are given for.
    pub cuts: Vec<usize>,
    /// What a reader of the figures should know.
    pub notes: Vec<String>,
}

fn by_name(models: &[(String, Figures)]) -> Value {
    json!(models.iter().map(|(name, figures)| (name.clone(), json!(figures))).collect::<Map<_, _>>())
}

impl Report {
    /// The report as JSON; see the crate's documentation for its shape.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut report = json!({
            "models": by_name(&self.models),
            "data": self.data,
            "training": self.training,
            "settings": self.settings,
        });
        if !self.segments.is_empty() {
            let segments = self.segments.iter().map(|segment| {
                let figures = json!({"cases": segment.cases, "models": by_name(&segment.models)});
                (segment.name.clone(), figures)
            });
            report["segments"] = json!(segments.collect::<Map<_, _>>());
        }
        report["data"]["notes"] = json!(self.notes);
        report
    }

    /// The report as tables.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        let number = |value: &Value| value.as_f64().map_or("-".to_owned(), |x| format!("{x:.1}"));
        let count = |name: &str| self.data[name].as_u64().unwrap_or_default();
        let _ = writeln!(
            text,
            "{} products, {} actions trained on, {} questions over {} candidates\n\
             trained in {} CPU s, {} s; peak {} MB; asked in {} s",
            count("products"),
            count("actions_trained_on"),
            count("cases"),
            count("candidates"),
            number(&self.training["cpu_seconds"]),
            number(&self.training["wall_seconds"]),
            number(&self.training["peak_megabytes"]),
            number(&self.training["judging_seconds"]),
        );
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text.push('\n');
        text.push_str(&self.tables(&self.models));
        for segment in &self.segments {
            let _ = writeln!(text, "\n{} ({} questions)\n", segment.name, segment.cases);
            text.push_str(&table(&self.intervals(&segment.models)));
        }
        text
    }

    /// Whether recall says anything that the hit rate does not.
    fn has_several_truths(&self) -> bool {
        let differ = |figures: &Figures, k| figures.get(&format!("recall@{k}")) != figures.get(&format!("hr@{k}"));
        self.models.iter().any(|(_, figures)| self.cuts.iter().any(|k| differ(figures, *k)))
    }

    fn tables(&self, models: &[(String, Figures)]) -> String {
        let several = self.has_several_truths();
        // With one truth recall is the hit rate.
        let kinds = KINDS.into_iter().filter(|kind| several || *kind != "recall");
        let names: Vec<String> = kinds.flat_map(|kind| self.cuts.iter().map(move |k| format!("{kind}@{k}"))).collect();
        let mut accuracy = vec![header(names.iter().map(|name| name.to_uppercase()))];
        for (model, figures) in models {
            accuracy.push(row(model, names.iter().map(|name| cell(figures, name, 4))));
        }
        let beyond = [
            ("coverage", 3),
            ("novelty", 2),
            ("popularity", 1),
            ("popularity_to_history", 2),
            ("popularity_to_truth", 2),
        ];
        let mut lists = vec![header(beyond.map(|(name, _)| name.replace("popularity_", "pop_")).into_iter())];
        for (model, figures) in models {
            lists.push(row(
                model,
                beyond.into_iter().map(|(name, digits)| cell(figures, &format!("{name}@{LIST}"), digits)),
            ));
        }
        format!(
            "{}\n95 % intervals\n\n{}\nlists of {LIST}\n\n{}",
            table(&accuracy),
            table(&self.intervals(models)),
            table(&lists)
        )
    }

    /// Some figures with their intervals.
    fn intervals(&self, models: &[(String, Figures)]) -> Vec<Vec<String>> {
        let mut names = vec!["hr@10", "ndcg@10", "hr@20", "mrr@20"];
        if self.has_several_truths() {
            names.insert(1, "recall@10");
        }
        if self.cuts.contains(&50) {
            names.push("recall@50");
        }
        let mut rows = vec![header(names.iter().map(|name| name.to_uppercase()))];
        for (model, figures) in models {
            let interval = |name: &&str| {
                let bound = |at: usize| figures.get(&format!("{name}_ci")).and_then(|ci| ci[at].as_f64());
                let (low, high) = (bound(0).unwrap_or_default(), bound(1).unwrap_or_default());
                format!("{} [{low:.4}, {high:.4}]", cell(figures, name, 4))
            };
            rows.push(row(model, names.iter().map(interval)));
        }
        rows
    }
}

fn cell(figures: &Figures, name: &str, digits: usize) -> String {
    figures.get(name).and_then(Value::as_f64).map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

fn header(names: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(String::new()).chain(names).collect()
}

fn row(model: &str, cells: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(model.to_owned()).chain(cells).collect()
}

/// Columns under each other: the first to the left, numbers to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(line, "{cell:width$}") } else { write!(line, "  {cell:>width$}") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows =
            [vec!["".into(), "HR@5".into()], vec!["blend".into(), "0.1".into()], vec!["x".into(), "0.25".into()]];
        assert_eq!(table(&rows), "       HR@5\nblend   0.1\nx      0.25\n");
    }
}
