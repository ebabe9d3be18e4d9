//! The sections of inverted lists.

use half::f16;

use super::cluster::{self, Space};
use super::{Section, Settings, numbers, share, whole_numbers};
use crate::about;
use crate::codes::{Coder, stride_of};

/// Centre and spread of one list.
#[derive(Clone, Default)]
struct Shape {
    mean: Vec<f32>,
    /// Sums of squared distances from the mean, a number a dimension.
    squares: Vec<f64>,
}

pub(super) fn build(
    coder: &Coder,
    vectors: &[f16],
    dims: usize,
    queries: &[f32],
    settings: &Settings,
    threads: usize,
) -> Vec<Section> {
    let weights = cluster::weights(queries, dims);
    let space = Space { vectors, weights: &weights };
    let wanted = settings.lists.unwrap_or_else(|| space.rows().isqrt()).max(1);
    let members = group(&cluster::assign(space, wanted, settings.seed, threads));
    let mut shapes = vec![Shape::default(); members.len()];
    share(
        threads,
        members.iter().zip(&mut shapes),
        || (),
        |_, (rows, shape), ()| *shape = shape_of(vectors, dims, rows),
    );

    let rows = space.rows().max(1) as f64;
    let mut spread = vec![0.0_f64; dims];
    for shape in &shapes {
        for (sum, squares) in spread.iter_mut().zip(&shape.squares) {
            *sum += squares / rows;
        }
    }
    let weighted = |squares: &[f64]| -> f64 {
        squares.iter().zip(&weights).map(|(square, weight)| square * f64::from(*weight).powi(2)).sum()
    };
    let all = weighted(&spread);
    let reach: Vec<f32> = members
        .iter()
        .zip(&shapes)
        .map(
            |(rows, shape)| {
                if all > 0.0 { (weighted(&shape.squares) / rows.len() as f64 / all).sqrt() as f32 } else { 0.0 }
            },
        )
        .collect();

    let stride = stride_of(dims);
    let mut centres = vec![0; members.len() * stride];
    for (codes, shape) in centres.chunks_exact_mut(stride).zip(&shapes) {
        coder.write(shape.mean.iter().copied(), codes);
    }
    let mut starts = vec![0];
    for rows in &members {
        starts.push(starts.last().copied().unwrap_or(0) + rows.len() as u32);
    }
    let spread: Vec<f32> = spread.iter().map(|square| square.sqrt() as f32).collect();
    vec![
        Section { name: about::CENTRES, width: 1, bytes: centres },
        numbers(about::SPREAD, &spread),
        numbers(about::REACH, &reach),
        whole_numbers(about::STARTS, &starts),
        whole_numbers(about::ROWS, &members.concat()),
    ]
}

/// The rows of each list that has any, ascending.
fn group(lists: &[u32]) -> Vec<Vec<u32>> {
    let count = lists.iter().max().map_or(0, |most| *most as usize + 1);
    let mut members = vec![Vec::new(); count];
    for (row, list) in (0..).zip(lists) {
        members[*list as usize].push(row);
    }
    members.retain(|rows| !rows.is_empty());
    members
}

fn shape_of(vectors: &[f16], dims: usize, rows: &[u32]) -> Shape {
    let vector = |row: &u32| &vectors[*row as usize * dims..(*row as usize + 1) * dims];
    let mut sums = vec![0.0_f64; dims];
    for row in rows {
        for (sum, number) in sums.iter_mut().zip(vector(row)) {
            *sum += f64::from(number.to_f32());
        }
    }
    let mean: Vec<f32> = sums.iter().map(|sum| (sum / rows.len().max(1) as f64) as f32).collect();
    let mut squares = vec![0.0_f64; dims];
    for row in rows {
        for ((square, mean), number) in squares.iter_mut().zip(&mean).zip(vector(row)) {
            *square += f64::from(number.to_f32() - mean).powi(2);
        }
    }
    Shape { mean, squares }
}
