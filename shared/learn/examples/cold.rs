//! How well products that nobody has met are found: a share of the catalogue is held out of training.
//!
//! ```text
//! cargo run --release -p vitrine-learn --example cold -- FOLDER/NAME [WEIGHTS] [--inner]
//! ```
//!
//! `NAME.item.json` has the texts; `NAME.valid.csv` and `NAME.test.csv` have cases of a user, a history and a target. A fifth of
//! the products is drawn (three seeds) and leaves all histories. Each case whose target is one of them is judged by where the
//! target stands among them, ranked by what is left of the case's history: recall@50, ties at their expectation.
//! `--inner` does the same within the products that are left, for choosing parameters.
#![allow(clippy::print_stdout, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use vitrine_domain::{Product, ProductId};
use vitrine_learn::{cold, content, diffusion, text::TextEncoder};

const TOP: f64 = 50.0;
const HELD_OUT: f64 = 0.2;
const DECAY: f32 = 0.8;
const DIMS: usize = 64;

struct Case {
    user: String,
    history: Vec<u32>,
    target: u32,
}

/// A list as Python prints it, of texts or numbers; other texts are one entry.
fn python_list(text: &str) -> String {
    text.trim_matches(['[', ']']).replace("', '", " ").replace(['\'', '"'], " ")
}

fn read(stem: &str) -> Result<(Vec<Product>, Vec<Case>)> {
    let json = std::fs::read_to_string(format!("{stem}.item.json"))?;
    let items: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&json)?;
    let mut products = Vec::new();
    for id in 0..items.len() {
        let item = items.get(&id.to_string()).context("items are not numbered from zero")?;
        let mut product = Product::new(ProductId::new(format!("{id:06}"))?, &item["title"]);
        product.description = python_list(&item["description"]);
        product.brand = Some(item["brand"].clone()).filter(|brand| !brand.is_empty());
        product.category = item["categories"].split(" > ").filter(|c| !c.is_empty()).map(str::to_owned).collect();
        products.push(product);
    }
    let mut cases = Vec::new();
    for part in ["valid", "test"] {
        let mut reader = csv::Reader::from_path(format!("{stem}.{part}.csv"))?;
        for record in reader.deserialize::<BTreeMap<String, String>>() {
            let record = record?;
            let ids = record["history_item_id"].trim_matches(['[', ']']).split(", ");
            let history = ids.map(str::parse).collect::<Result<Vec<u32>, _>>()?;
            cases.push(Case { user: record["user_id"].clone(), history, target: record["item_id"].parse()? });
        }
    }
    Ok((products, cases))
}

/// Everybody's whole history: cases of one user overlap, each a step later than the one before.
fn histories(cases: &[Case]) -> Vec<Vec<u32>> {
    let mut all: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for case in cases {
        let seen = [&case.history[..], &[case.target]].concat();
        let known = all.entry(&case.user).or_default();
        let overlap = (0..=seen.len().min(known.len())).rev().find(|n| known.ends_with(&seen[..*n])).unwrap_or(0);
        known.extend(&seen[overlap..]);
    }
    all.into_values().collect()
}

fn random(seed: u64, i: u64) -> u64 {
    let mut x = (seed << 32 ^ i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3 {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^= x >> 27;
    }
    x
}

/// A fifth of some products.
fn draw(pool: &[u32], seed: u64) -> Vec<u32> {
    let mut shuffled = pool.to_vec();
    shuffled.sort_by_key(|row| random(seed, u64::from(*row)));
    shuffled.truncate((pool.len() as f64 * HELD_OUT) as usize);
    shuffled.sort_unstable();
    shuffled
}

struct Split<'a> {
    cold: Vec<u32>,
    met: Vec<bool>,
    cases: Vec<(Vec<u32>, u32)>,
    starts: Vec<usize>,
    rows: Vec<u32>,
    seen: Vec<u32>,
    products: &'a [Product],
}

impl<'a> Split<'a> {
    fn new(products: &'a [Product], cases: &[Case], seed: u64, inner: bool) -> Self {
        let pool: Vec<u32> = (0..products.len() as u32).collect();
        let mut cold = draw(&pool, seed);
        let mut met = vec![true; products.len()];
        cold.iter().for_each(|row| met[*row as usize] = false);
        if inner {
            let pool: Vec<u32> = pool.into_iter().filter(|row| met[*row as usize]).collect();
            cold = draw(&pool, seed + 100);
            cold.iter().for_each(|row| met[*row as usize] = false);
        }
        let known = |history: &[u32]| history.iter().copied().filter(|row| met[*row as usize]).collect::<Vec<u32>>();
        let judged = cases.iter().filter(|case| cold.binary_search(&case.target).is_ok());
        let judged = judged.map(|case| (known(&case.history), case.target)).filter(|(history, _)| !history.is_empty());
        let (mut starts, mut rows, mut seen) = (vec![0], Vec::new(), vec![0; products.len()]);
        for history in histories(cases) {
            let mut history = known(&history);
            rows.extend(&history);
            starts.push(rows.len());
            history.sort_unstable();
            history.dedup();
            history.iter().for_each(|row| seen[*row as usize] += 1);
        }
        Self { cases: judged.collect(), cold, starts, rows, seen, products, met }
    }

    /// Recall@50 of a score of every cold product, given a history.
    fn recall(&self, score: impl Fn(&[u32]) -> Vec<f32>) -> f64 {
        let mut sum = 0.0;
        for (history, target) in &self.cases {
            let scores = score(history);
            let Ok(at) = self.cold.binary_search(target) else { continue };
            let better = scores.iter().filter(|x| **x > scores[at]).count() as f64;
            let equal = scores.iter().filter(|x| **x == scores[at]).count() as f64;
            sum += ((TOP - better) / equal).clamp(0.0, 1.0);
        }
        sum / self.cases.len() as f64
    }

    /// The same for vectors and the decayed mean of the history's.
    fn by_vectors(&self, vectors: &[f32], dims: usize) -> f64 {
        self.by_parts(&[(vectors, dims, 1.0)])
    }

    fn by_parts(&self, parts: &[(&[f32], usize, f32)]) -> f64 {
        self.recall(|history| {
            let mut scores = vec![0.0; self.cold.len()];
            for (vectors, dims, factor) in parts {
                let row = |row: u32| &vectors[row as usize * dims..][..*dims];
                let mut query = vec![0.0; *dims];
                let mut weight = 1.0;
                for past in history.iter().rev() {
                    query.iter_mut().zip(row(*past)).for_each(|(q, x)| *q += weight * x);
                    weight *= DECAY;
                }
                for (score, cold) in scores.iter_mut().zip(&self.cold) {
                    *score += factor * query.iter().zip(row(*cold)).map(|(q, x)| q * x).sum::<f32>();
                }
            }
            scores
        })
    }

    /// How popular the products of the same brand are, that of the category where there are categories.
    fn by_kind(&self) -> f64 {
        let kind = |product: &Product| match product.category.is_empty() {
            true => product.brand.clone().unwrap_or_default().to_lowercase(),
            false => product.category.join(">"),
        };
        let mut sums: BTreeMap<String, f32> = BTreeMap::new();
        for (product, seen) in self.products.iter().zip(&self.seen) {
            *sums.entry(kind(product)).or_default() += *seen as f32;
        }
        let scores: Vec<f32> = self.cold.iter().map(|row| sums[&kind(&self.products[*row as usize])]).collect();
        self.recall(|_| scores.clone())
    }
}

/// The mean squared dot product of some pairs, to bring parts to one scale.
fn spread(vectors: &[f32], dims: usize, met: &[bool]) -> f32 {
    let rows: Vec<&[f32]> = vectors.chunks_exact(dims).zip(met).filter(|(_, met)| **met).map(|(row, _)| row).collect();
    let pairs = rows.iter().zip(rows.iter().skip(7));
    let squares: f32 = pairs.map(|(a, b)| a.iter().zip(*b).map(|(a, b)| a * b).sum::<f32>().powi(2)).sum();
    (squares / rows.len() as f32).sqrt()
}

/// Random signs, four a column: how features were reduced before.
fn random_projection(rows: &content::Sparse, dims: usize) -> Vec<f32> {
    let mut vectors = vec![0.0; rows.rows() * dims];
    for row in 0..rows.rows() {
        for (column, value) in rows.row(row) {
            for k in 0..4 {
                let bits = random(99 + k, column as u64);
                let sign = if bits & 1 == 0 { value } else { -value };
                vectors[row * dims + (bits >> 1) as usize % dims] += sign;
            }
        }
    }
    for row in vectors.chunks_exact_mut(dims) {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
        row.iter_mut().for_each(|x| *x /= length);
    }
    vectors
}

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let inner = arguments.iter().any(|argument| argument == "--inner");
    arguments.retain(|argument| argument != "--inner");
    let (products, cases) = read(arguments.first().context("usage: cold FOLDER/NAME [WEIGHTS] [--inner]")?)?;
    let entries: Vec<&Product> = products.iter().collect();
    let features = content::features(&entries, 0, &mut |_| ());
    let text = match arguments.get(1) {
        Some(path) => {
            let texts: Vec<String> = products.iter().map(content::text).collect();
            Some(TextEncoder::open(path.as_ref())?.embed(&texts, 0, &mut |_| ()))
        }
        None => None,
    };
    let hashed = content::vectors_with(&features, None, DIMS, 2);
    let mut figures: Vec<(String, Vec<f64>)> = Vec::new();
    for seed in 0..3 {
        let split = Split::new(&products, &cases, seed, inner);
        let mut add = |name: &str, figure: f64| match figures.iter_mut().find(|(known, _)| known == name) {
            Some((_, all)) => all.push(figure),
            None => figures.push((name.to_owned(), vec![figure])),
        };
        add("popularity (all tied)", TOP / split.cold.len() as f64);
        add("popularity of the brand or category", split.by_kind());
        let full = |history: &[u32]| {
            let mut query = vec![0.0; features.width];
            let mut weight = 1.0;
            for past in history.iter().rev() {
                features.row(*past as usize).for_each(|(column, value)| query[column] += weight * value);
                weight *= DECAY;
            }
            let score = |cold: &u32| features.row(*cold as usize).map(|(column, value)| query[column] * value).sum();
            split.cold.iter().map(score).collect()
        };
        add("hashed features, random 64 (before)", split.by_vectors(&random_projection(&features, DIMS), DIMS));
        add("hashed features, all", split.recall(full));
        add("hashed features, reduced to 64", split.by_vectors(&hashed, DIMS));
        let mut content_vectors = (hashed.clone(), DIMS);
        if let Some(text) = &text {
            add("text embedding, 512", split.by_vectors(text, 512));
            let both = content::vectors_with(&features, Some((text, 512)), DIMS, 2);
            add("hashed and text, 64 each", split.by_vectors(&both, 2 * DIMS));
            content_vectors = (both, 2 * DIMS);
        }
        let graph = diffusion::graph(products.len(), &split.starts, &split.rows, 5, 2);
        for dims in [64, 128] {
            let learned = diffusion::vectors(graph.clone(), dims, 2);
            for k in [0.01, 1.0, 10.0] {
                let mut warm = learned.clone();
                cold::warm_sparse(&mut warm, dims, &features, &split.seen, k, 2);
                add(&format!("paths {dims}, map from features, k {k}"), split.by_vectors(&warm, dims));
                let (rows, width) = (&content_vectors.0, content_vectors.1);
                let scale = spread(&warm, dims, &split.met) / spread(rows, width, &split.met);
                for share in [0.25, 0.5] {
                    let parts = [(&warm[..], dims, 1.0), (&rows[..], width, share * scale)];
                    add(&format!("paths {dims}, k {k}, + {share} content"), split.by_parts(&parts));
                }
                let mut dense = learned.clone();
                cold::warm(&mut dense, dims, rows, width, &split.seen, k);
                add(&format!("paths {dims}, map from content vectors, k {k}"), split.by_vectors(&dense, dims));
            }
        }
        println!("seed {seed}: {} cases, {} products", split.cases.len(), split.cold.len());
    }
    for (name, all) in &figures {
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let deviation = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (all.len() - 1) as f64).sqrt();
        println!("{name:45} {mean:.4} ± {deviation:.4}");
    }
    Ok(())
}
