//! The index of an artifact: chosen by how well it finds what held-out visitors ask for, and by how much it reads for it.

use serde_json::Value;
use vitrine_learn::artifact::with_sections;
use vitrine_learn::validate::{Case, Past};
use vitrine_learn::{Artifact, Dataset, Question, Scratch, parallel};

use crate::Error;

/// Visitors that the index is measured with, for each question.
const VISITORS: usize = 250;

/// Queries that are kept, for whoever measures another index.
const KEPT: usize = 64;

/// An artifact with its index.
pub(crate) struct Indexed {
    pub(crate) artifact: Vec<u8>,
    /// Why it is this index.
    pub(crate) why: Value,
    /// Some of the queries that it was measured with, one after the other.
    pub(crate) queries: Vec<f32>,
}

/// The artifact with its index, and why it is this one.
pub(crate) fn add(
    bytes: Vec<u8>,
    opened: &Artifact,
    data: &Dataset<'_>,
    held_out: &[Case],
    threads: usize,
) -> Result<Indexed, Error> {
    if opened.is_empty() || opened.dims() == 0 {
        return Ok(Indexed { artifact: bytes, why: Value::Null, queries: Vec::new() });
    }
    let queries = queries(opened, data, held_out);
    let settings = vitrine_index::Settings { order: Some(by_category(opened)), ..Default::default() };
    let threads = parallel::threads(threads);
    let built = vitrine_index::build(opened.vectors(), opened.dims(), &queries, &settings, threads)?;
    let step = (queries.len() / opened.dims()).div_ceil(KEPT).max(1);
    let kept = queries.chunks_exact(opened.dims()).step_by(step).flatten().copied().collect();
    let why = serde_json::to_value(&built.report).unwrap_or_default();
    vitrine_index::Stored::open(|name| built.section(name), opened.vectors(), opened.dims())?.verify()?;
    let sections: Vec<_> = built.sections.into_iter().map(|s| (s.name.to_owned(), s.width, s.bytes)).collect();
    Ok(Indexed { artifact: with_sections(bytes, &sections)?, why, queries: kept })
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

/// What the visitors with the newest actions would ask for now, at most so many: their keys and vectors.
pub(crate) fn visitors(opened: &Artifact, data: &Dataset<'_>, most: usize) -> Vec<(u64, Vec<f32>)> {
    if most == 0 || opened.dims() == 0 {
        return Vec::new();
    }
    let newest = |person: usize| data.history(person).last().map(|step| step.at);
    let mut people: Vec<usize> = (0..data.people()).filter(|person| newest(*person).is_some()).collect();
    people.sort_by_key(|person| (std::cmp::Reverse(newest(*person)), data.key(*person)));
    people.truncate(most);
    let mut scratch = Scratch::default();
    let vector = |person: usize| {
        let kept = data.history(person).len();
        let case = Case { person, kept, at: data.now(), question: Question::Any, truth: Vec::new() };
        let mut vector = vec![0.0; opened.dims()];
        scratch.visitor = Some(data.key(person));
        opened.visitor_vector(&Past::of(data, &case).history, case.question, &mut scratch, &mut vector);
        (data.key(person), vector)
    };
    people.into_iter().map(vector).collect()
}

/// Products of a category lie together, so that a filter by category reads forwards.
fn by_category(opened: &Artifact) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(opened.len()).collect();
    order.sort_by_key(|row| (opened.categories(*row), *row));
    order
}
