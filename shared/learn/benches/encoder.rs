//! The sequence encoder against a padded PyTorch implementation of the same model and loss (`encoder.py`), in one run, five
//! times in turn.
//!
//! ```text
//! cargo bench -p vitrine-learn --bench encoder -- [FILE]
//! ```
//!
//! FILE has `user item item ...` a line, oldest first; without one, sequences as long as those of a sparse shop of toys are
//! made up. See `measure/mod.rs` for the Python packages. CPU seconds are those of an epoch, all threads together; the
//! losses are the mean over the positions of the last epoch, under dropout and sampling, so near each other rather than
//! equal.

mod measure;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use measure::{Random, Result, cpu_seconds, median, named, python};
use vitrine_learn::encoder::{Catalogue, Sequences, train};
use vitrine_learn::settings;

/// Epochs of each run; the first is not counted.
const EPOCHS: usize = 3;
const ROUNDS: usize = 5;

/// 19,400 people, 11,900 products, about 8.6 actions each.
fn generate(path: &Path) -> Result<()> {
    let mut random = Random(1);
    let mut text = String::new();
    for person in 0..19_400 {
        write!(text, "{person}")?;
        let mut length = 5;
        while length < 500 && random.below(100) < 78 {
            length += 1;
        }
        let mut item = random.skewed(11_900);
        for _ in 0..length {
            write!(text, " {item}")?;
            item = if random.below(2) == 0 { (item + 1 + random.below(5)) % 11_900 } else { random.skewed(11_900) };
        }
        text.push('\n');
    }
    Ok(std::fs::write(path, text)?)
}

fn read(path: &Path) -> Result<(usize, Vec<Vec<u32>>)> {
    let mut numbers = HashMap::new();
    let mut histories = Vec::new();
    let text = std::fs::read_to_string(path)?;
    for line in text.lines() {
        let rows = line.split_whitespace().skip(1).map(|word| {
            let next = numbers.len() as u32;
            *numbers.entry(word).or_insert(next)
        });
        histories.push(rows.collect());
    }
    Ok((numbers.len(), histories))
}

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    let folder = tempfile::tempdir()?;
    let given = std::env::args().skip(1).find(|word| !word.starts_with("--")).map(PathBuf::from);
    let path = given.map_or_else(
        || {
            let path = folder.path().join("sequences.txt");
            generate(&path).map(|()| path)
        },
        Ok,
    )?;
    let (products, histories) = read(&path)?;
    let sequences = Sequences::of_views(histories.iter().map(Vec::as_slice));
    let catalogue = Catalogue { products, ..Catalogue::default() };
    // The settings of encoder.py; about as many positions in a batch as its 128 sequences have.
    let settings = settings::Encoder {
        dims: 64,
        inner: 128,
        epochs: EPOCHS,
        batch: 1024,
        learning_rate: 1e-3,
        final_rate: 1.0,
        weight_decay: 0.0,
        dropout: 0.2,
        negatives: 256,
        popular: 0.5,
        full_softmax: 0,
        ..settings::Encoder::default()
    };
    writeln!(out, "{} people, {products} products, {} actions", histories.len(), sequences.actions())?;

    let (mut rust, mut torch) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let (mut ends, mut own_loss, mut failure) = (Vec::new(), 0.0, None);
        train(&sequences, &catalogue, &settings, round as u64, 2, None, &mut |epoch, _| {
            own_loss = epoch.loss;
            match cpu_seconds() {
                Ok(now) => ends.push(now),
                Err(error) => failure = Some(error),
            }
            ControlFlow::Continue(())
        });
        failure.map_or(Ok(()), Err)?;
        let seconds: Vec<f64> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let figures = python("encoder.py", &[&path, Path::new(&EPOCHS.to_string())])?;
        let (own, other) = (median(&seconds), median(named(&figures, "epochs")?.get(1..).unwrap_or_default()));
        let other_loss = named(&figures, "losses")?.last().copied().unwrap_or(f64::NAN);
        writeln!(out, "{round}: CPU seconds an epoch {own:.2} and {other:.2}, loss {own_loss:.3} and {other_loss:.3}")?;
        rust.push(own);
        torch.push(other);
    }
    let (own, other) = (median(&rust), median(&torch));
    writeln!(out, "medians: vitrine {own:.2}, PyTorch {other:.2}: {:.1} times less CPU", other / own)?;
    Ok(())
}
