//! The score of every product by every part, for one past: what serving adds up, before it is added.

use crate::algorithm::Scratch;
use crate::artifact::Artifact;
use crate::blend::{Part, Question};
use crate::history::Interaction;
use crate::linear::dots;
use crate::tally::Tally;

/// An artifact with its vectors in single precision, to score all products for many pasts.
#[derive(Debug)]
pub struct Judge<'a> {
    artifact: &'a Artifact,
    /// Of each part row after row; nothing where all scores are zero.
    vectors: Vec<Vec<f32>>,
}

impl<'a> Judge<'a> {
    /// Reads an artifact's vectors.
    #[must_use]
    pub fn new(artifact: &'a Artifact) -> Self {
        let of_part = |part: &Part| {
            let rows = artifact.vectors().chunks_exact(artifact.dims().max(1));
            let numbers: Vec<f32> = rows.flat_map(|row| &row[part.range.clone()]).map(|x| x.to_f32()).collect();
            if numbers.iter().any(|x| *x != 0.0) { numbers } else { Vec::new() }
        };
        Self { artifact, vectors: artifact.parts().iter().map(of_part).collect() }
    }

    /// Room for scores.
    #[must_use]
    pub fn scores(&self) -> Scores<'_> {
        let products = self.artifact.len();
        let parts = self.artifact.parts().len();
        Scores {
            judge: self,
            parts: vec![vec![0.0; products]; parts],
            touched: vec![Vec::new(); parts],
            blended: vec![0.0; products],
            query: vec![0.0; self.artifact.dims()],
            tally: Tally::new(products),
            scratch: Scratch::default(),
        }
    }
}

/// Scores of all products by part; kept from one past to the next.
#[derive(Debug)]
pub struct Scores<'a> {
    judge: &'a Judge<'a>,
    parts: Vec<Vec<f32>>,
    /// Rows with a score above zero in a tally, by part.
    touched: Vec<Vec<u32>>,
    blended: Vec<f32>,
    query: Vec<f32>,
    tally: Tally,
    scratch: Scratch,
}

impl Scores<'_> {
    /// The scores by a part, row by row.
    #[must_use]
    pub fn part(&self, part: usize) -> &[f32] {
        self.parts.get(part).map_or(&[], Vec::as_slice)
    }

    /// The rows that a tally names.
    pub(super) fn touched(&self, part: usize) -> &[u32] {
        self.touched.get(part).map_or(&[], Vec::as_slice)
    }

    /// Scores every product by every part, for a history and whose it is.
    pub fn fill(&mut self, history: &[Interaction], visitor: u64) {
        self.scratch.visitor = Some(visitor);
        let artifact = self.judge.artifact;
        for (at, part) in artifact.parts().iter().enumerate() {
            if part.has_vectors() {
                let query = &mut self.query[part.range.clone()];
                query.fill(0.0);
                artifact.part_query(at, history, &mut self.scratch, query);
                dots(query, &self.judge.vectors[at], &mut self.parts[at]);
                continue;
            }
            for row in self.touched[at].drain(..) {
                self.parts[at][row as usize] = 0.0;
            }
            artifact.part_tally(at, history, &mut self.scratch, &mut self.tally);
            for row in self.tally.rows() {
                self.parts[at][*row as usize] = part.curve.of(self.tally.sum(*row));
            }
            self.touched[at].extend_from_slice(self.tally.rows());
            self.tally.clear();
        }
    }

    /// The weighted sum: the score of serving.
    pub fn blended(&mut self, question: Question) -> &[f32] {
        self.blended.fill(0.0);
        for (part, scores) in self.judge.artifact.parts().iter().zip(&self.parts) {
            let weight = part.weight(question);
            if weight != 0.0 {
                self.blended.iter_mut().zip(scores).for_each(|(sum, score)| *sum += weight * score);
            }
        }
        &self.blended
    }
}
