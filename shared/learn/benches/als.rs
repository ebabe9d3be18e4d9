//! Factors against Python `implicit`, on one thread each, in one run: the same made-up matrix of 200,000 people, 20,000
//! products of skewed popularity and 5 million interactions, 64 dimensions, five epochs, five times in turn.
//!
//! ```text
//! cargo bench -p vitrine-learn --bench als
//! ```
//!
//! See `measure/mod.rs` for the Python packages. Both take three steps of conjugate gradients a row and epoch and lower the
//! same loss, which is computed here for both from the vectors they end with. CPU seconds are those of the epochs alone:
//! reading and transposing the matrix is not counted.

mod measure;

use std::io::Write;
use std::path::Path;

use measure::{Random, Result, cpu_seconds, median, named, python};
use vitrine_learn::factors::{Factors, Interest, train};
use vitrine_learn::settings;

const PEOPLE: usize = 200_000;
const PRODUCTS: usize = 20_000;
const EPOCHS: usize = 5;
const ROUNDS: usize = 5;

struct Matrix {
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

/// Everybody has 1 to 49 products, half of them from the group of products they like.
fn generate() -> Matrix {
    let mut random = Random(1);
    let mut matrix = Matrix { starts: vec![0], entries: Vec::new() };
    for _ in 0..PEOPLE {
        let (first, count, group) = (matrix.entries.len(), 1 + random.below(49), random.below(50));
        while matrix.entries.len() < first + count {
            let popular = random.skewed(PRODUCTS);
            let column = if random.below(2) == 0 { popular } else { popular / 50 * 50 + group } as u32;
            if matrix.entries[first..].iter().all(|(known, _)| *known != column) {
                matrix.entries.push((column, (1 + random.below(5)) as f32));
            }
        }
        matrix.entries[first..].sort_by_key(|(column, _)| *column);
        matrix.starts.push(matrix.entries.len());
    }
    matrix
}

/// The matrix as Python reads it: bounds of rows, columns, confidences.
fn write(matrix: &Matrix, settings: &settings::Factors, folder: &Path) -> Result<()> {
    let confidence = |r: f32| 1.0 + settings.confidence * r.ln_1p();
    let bytes: Vec<u8> = matrix.starts.iter().flat_map(|start| (*start as i64).to_le_bytes()).collect();
    std::fs::write(folder.join("starts"), bytes)?;
    let bytes: Vec<u8> = matrix.entries.iter().flat_map(|(column, _)| column.to_le_bytes()).collect();
    std::fs::write(folder.join("columns"), bytes)?;
    let bytes: Vec<u8> = matrix.entries.iter().flat_map(|(_, r)| confidence(*r).to_le_bytes()).collect();
    std::fs::write(folder.join("confidences"), bytes)?;
    let options = format!("{PRODUCTS} {} {} {EPOCHS}", settings.dims, settings.regularisation);
    Ok(std::fs::write(folder.join("options"), options)?)
}

fn numbers(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Trains and returns the seconds of each epoch.
fn ours(interest: Interest, settings: &settings::Factors, seed: u64) -> Result<(Vec<f64>, Factors)> {
    let (mut clock, mut seconds, mut failure) = (None, Vec::new(), None);
    let factors = train(interest, PRODUCTS, settings, seed, 1, &mut |_| match cpu_seconds() {
        Ok(now) => {
            seconds.extend(clock.replace(now).map(|before| now - before));
        }
        Err(error) => failure = Some(error),
    });
    failure.map_or(Ok((seconds, factors)), Err)
}

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    let settings = settings::Factors { dims: 64, iterations: EPOCHS, ..Default::default() };
    let matrix = generate();
    let folder = tempfile::tempdir()?;
    write(&matrix, &settings, folder.path())?;
    let Matrix { starts, entries } = matrix;
    writeln!(out, "{PEOPLE} people, {PRODUCTS} products, {} interactions, d = {}", entries.len(), settings.dims)?;
    let interest = Interest::new(PRODUCTS, starts, entries).ok_or("the matrix does not fit together")?;

    let (mut rust, mut implicit) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let (seconds, factors) = ours(interest.clone(), &settings, round as u64)?;
        let own_loss = factors.loss(&interest, &settings);
        drop(factors);
        let figures = python("als.py", &[folder.path()])?;
        let others = Factors {
            products: numbers(&folder.path().join("products"))?,
            people: numbers(&folder.path().join("people"))?,
        };
        let other_loss = others.loss(&interest, &settings);
        let (own, other) = (median(&seconds), median(&named(&figures, "epochs")?));
        writeln!(
            out,
            "{round}: CPU seconds an epoch {own:.2} and {other:.2}, loss {own_loss:.4e} and {other_loss:.4e}"
        )?;
        rust.push(own);
        implicit.push(other);
    }
    let (own, other) = (median(&rust), median(&implicit));
    writeln!(out, "medians: vitrine {own:.2}, implicit {other:.2}: {:.1} times less CPU", other / own)?;
    Ok(())
}
