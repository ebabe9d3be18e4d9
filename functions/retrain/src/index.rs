//! The index of an artifact: chosen by how well it finds what held-out visitors ask for, and by how much it reads for it.

use serde_json::Value;
use vitrine_learn::artifact::with_sections;
use vitrine_learn::validate::{Case, Past};
use vitrine_learn::{Artifact, Dataset, Question, Scratch, parallel};

use crate::Error;

/// Visitors that the index is measured with, for each question.
const VISITORS: usize = 250;

/// The artifact with its index, and why it is this one.
pub(crate) fn add(
    bytes: Vec<u8>,
    opened: &Artifact,
    data: &Dataset<'_>,
    held_out: &[Case],
    threads: usize,
) -> Result<(Vec<u8>, Value), Error> {
    if opened.is_empty() || opened.dims() == 0 {
        return Ok((bytes, Value::Null));
    }
    let queries = queries(opened, data, held_out);
    let settings = vitrine_index::Settings { order: Some(by_category(opened)), ..Default::default() };
    let threads = parallel::threads(threads);
    let built = vitrine_index::build(opened.vectors(), opened.dims(), &queries, &settings, threads)?;
    let report = serde_json::to_value(&built.report).unwrap_or_default();
    vitrine_index::Stored::open(|name| built.section(name), opened.vectors(), opened.dims())?.verify()?;
    let sections: Vec<_> = built.sections.into_iter().map(|s| (s.name.to_owned(), s.width, s.bytes)).collect();
    Ok((with_sections(bytes, &sections)?, report))
}

/// What visitors would ask for whose newest actions were held out. Where nothing was, there are none, and the index is
/// measured with products.
fn queries(opened: &Artifact, data: &Dataset<'_>, held_out: &[Case]) -> Vec<f32> {
    let mut queries = Vec::new();
    let mut scratch = Scratch::default();
    for question in Question::ALL {
        let cases: Vec<&Case> = held_out.iter().filter(|case| case.question == question).collect();
        let step = cases.len().div_ceil(VISITORS).max(1);
        for case in cases.into_iter().step_by(step) {
            let mut query = vec![0.0; opened.dims()];
            scratch.visitor = Some(data.key(case.person));
            opened.visitor_vector(&Past::of(data, case).history, question, &mut scratch, &mut query);
            queries.extend(query);
        }
    }
    queries
}

/// Products of a category lie together, so that a filter by category reads forwards.
fn by_category(opened: &Artifact) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(opened.len()).collect();
    order.sort_by_key(|row| (opened.categories(*row), *row));
    order
}
