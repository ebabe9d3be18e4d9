//! What every kind must do.

use anyhow::{Result, ensure};
use half::f16;
use vitrine_index::{Bitmap, Found, Hit, Index, Scratch, dot};

use crate::data::{Data, Shape};

/// What a kind promises.
#[derive(Clone, Copy)]
pub(crate) struct Promise {
    /// Share of the exact answer.
    pub(crate) recall: f64,
    /// How far a score may be from ours: nothing, unless another program adds up.
    pub(crate) rounding: f32,
    /// Rows of the catalogues searched.
    pub(crate) rows: usize,
}

/// Sorts everything.
fn brute(data: &Data, query: &[f32], k: usize, allowed: Option<&Bitmap>) -> Vec<Hit> {
    let mut all: Vec<Hit> = (0_u32..)
        .zip(data.vectors.chunks_exact(data.dims))
        .filter(|(row, _)| allowed.is_none_or(|allowed| allowed.contains(*row)))
        .map(|(row, vector)| Hit { row, score: dot(query, vector) })
        .collect();
    all.sort_by(|a, b| (b.score + 0.0).total_cmp(&(a.score + 0.0)).then(a.row.cmp(&b.row)));
    all.truncate(k);
    all
}

/// Checks one answer and returns how much of the exact one it has.
fn check(
    data: &Data,
    promise: Promise,
    query: &[f32],
    k: usize,
    allowed: Option<&Bitmap>,
    found: &Found,
) -> Result<f64> {
    let expected = brute(data, query, k, allowed);
    ensure!(found.hits.len() == expected.len(), "{} hits instead of {}", found.hits.len(), expected.len());
    for pair in found.hits.windows(2) {
        let ordered = pair[0].score > pair[1].score || pair[0].score == pair[1].score && pair[0].row < pair[1].row;
        ensure!(ordered, "out of order: {pair:?}");
    }
    for hit in &found.hits {
        ensure!(allowed.is_none_or(|allowed| allowed.contains(hit.row)), "{hit:?} is not allowed");
        let start = hit.row as usize * data.dims;
        let score = dot(query, &data.vectors[start..start + data.dims]);
        ensure!((score - hit.score).abs() <= promise.rounding, "{hit:?} scores {score}");
    }
    if promise.recall >= 1.0 {
        ensure!(found.hits == expected, "not the exact answer");
    }
    let Some(last) = expected.last() else { return Ok(1.0) };
    let right = found.hits.iter().filter(|hit| hit.score >= last.score - promise.rounding).count();
    Ok(right.min(expected.len()) as f64 / expected.len() as f64)
}

/// A catalogue as shops have it, with crowds of equal vectors and vectors of zeros.
fn catalogue(rows: usize, dims: usize, shape: Shape) -> Data {
    let mut data = Data::new(rows, dims, 40, shape, 11);
    let same = data.vectors[5 * dims..6 * dims].to_vec();
    for row in (100..300).map(|row| row * rows / 400) {
        let to = row * dims..(row + 1) * dims;
        match row % 3 {
            0 => data.vectors[to].copy_from_slice(&same),
            1 => data.vectors[to].fill(0.0),
            _ => {}
        }
    }
    data.halves = data.vectors.iter().map(|x| f16::from_f32(*x)).collect();
    data
}

/// Runs the suite on a kind; `make` builds it from a catalogue.
pub(crate) fn run<'a>(promise: Promise, make: impl Fn(&'a Data) -> Result<Box<dyn Index + 'a>>) -> Result<()> {
    for (shape, dims) in [(Shape::Crowded, 48), (Shape::Loose, 37)] {
        // The index borrows it; a test may leak.
        let data: &'a Data = Box::leak(Box::new(catalogue(promise.rows, dims, shape)));
        let index = make(data)?;
        ensure!(index.len() == data.rows() && index.dims() == dims);
        let mut shared = (Scratch::default(), Found::default());
        filters(data, promise, index.as_ref(), &mut shared)?;
        edges(data, promise, index.as_ref(), &mut shared)?;
    }
    Ok(())
}

fn filters(data: &Data, promise: Promise, index: &dyn Index, shared: &mut (Scratch, Found)) -> Result<()> {
    let filters = [
        ("none", None),
        ("a tenth by chance", Some(data.by_chance(0.1, 1))),
        ("a hundredth by chance", Some(data.by_chance(0.01, 2))),
        ("a thousandth by chance", Some(data.by_chance(0.001, 3))),
        ("half by chance", Some(data.by_chance(0.5, 4))),
        ("a category of a tenth", Some(data.of_category(0))),
        ("a category of a hundredth", Some(data.of_category(1))),
        ("a category of a thousandth", Some(data.of_category(2))),
    ];
    for (name, allowed) in &filters {
        let (mut recall, mut count) = (0.0, 0.0);
        for query in data.queries() {
            index.search(query, 10, allowed.as_ref(), &mut shared.0, &mut shared.1)?;
            recall += check(data, promise, query, 10, allowed.as_ref(), &shared.1).map_err(|e| e.context(*name))?;
            count += 1.0;
            let again = index.find(query, 10, allowed.as_ref())?;
            ensure!(again == shared.1, "{name}: another answer to the same question");
        }
        ensure!(recall / count >= promise.recall, "{name}: recall {}", recall / count);
    }
    Ok(())
}

fn edges(data: &Data, promise: Promise, index: &dyn Index, shared: &mut (Scratch, Found)) -> Result<()> {
    let rows = data.rows();
    let few = Bitmap::from_rows(rows + 500, [3, 7, rows as u32 - 1, rows as u32, rows as u32 + 400]);
    let equal = Bitmap::from_fn(rows, |row| row == 5 || (100..300).any(|other| other * rows / 400 == row as usize));
    let queries: Vec<&[f32]> = data.queries().take(3).collect();
    let zeros = vec![0.0; data.dims];
    let cases: [(&str, usize, Option<Bitmap>); 7] = [
        ("more than there is", rows + 5, None),
        ("none wanted", 0, None),
        ("one", 1, None),
        ("no row allowed", 10, Some(Bitmap::empty(rows))),
        ("a set without rows", 10, Some(Bitmap::default())),
        ("a longer set", 10, Some(few)),
        ("equal rows and zeros", 300, Some(equal)),
    ];
    for (name, k, allowed) in &cases {
        for query in queries.iter().copied().chain([zeros.as_slice()]) {
            // The order among equals is told by exact kinds only where more are equal than fit.
            index.search(query, *k, allowed.as_ref(), &mut shared.0, &mut shared.1)?;
            let inside = allowed.as_ref().map(|set| Bitmap::from_rows(rows, set.iter()));
            let recall = check(data, promise, query, *k, inside.as_ref(), &shared.1).map_err(|e| e.context(*name))?;
            ensure!(recall >= promise.recall, "{name}: recall {recall}");
        }
    }
    for (name, number) in [("NaN", f32::NAN), ("infinity", f32::INFINITY)] {
        let mut query = queries[0].to_vec();
        query[1] = number;
        // What it finds is open; that it ends, in order and without NaN, is not.
        if index.search(&query, 10, None, &mut shared.0, &mut shared.1).is_ok() {
            ensure!(shared.1.hits.iter().all(|hit| !hit.score.is_nan()), "{name}");
        }
    }
    ensure!(index.search(&queries[0][1..], 10, None, &mut shared.0, &mut shared.1).is_err(), "a short query");
    Ok(())
}
