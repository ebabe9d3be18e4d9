//! Parts that are made up instead of learned, under the names of the shipped ones, which then answer for them.

use vitrine_domain::Product;
use vitrine_learn::Error;
use vitrine_learn::algorithm::{Algorithm, Curve, Learned, Lesson, Numbers, Vectors};
use vitrine_learn::encoder::{KINDS, LENGTH};

use super::Random;

/// Dimensions of both vectors.
const DIMS: usize = 64;
/// Width of the encoder's inner layer.
const INNER: usize = 128;
/// Buckets of the time between two actions.
const GAPS: usize = 16;

/// In place of the sequence encoder.
#[derive(Debug)]
pub struct NextStep;

/// In place of the factors.
#[derive(Debug)]
pub struct Tastes;

/// A direction of length about one for a name.
fn direction(kind: &str, name: &str) -> Vec<f32> {
    let mut random = Random::of(name, kind.len() as u64);
    (0..DIMS).map(|_| random.normal() / (DIMS as f32).sqrt()).collect()
}

/// Vectors around the centres of departments, of aisles, of groups within an aisle; `length` is that of a typical one.
fn vectors(products: &[&Product], kind: &str, length: f32) -> Vec<f32> {
    let mut rows = Vec::with_capacity(products.len() * DIMS);
    let mut centres: std::collections::BTreeMap<String, Vec<f32>> = std::collections::BTreeMap::new();
    for (number, product) in (0_u64..).zip(products) {
        let mut random = Random::of(kind, number);
        let aisle = product.leaf_category().unwrap_or_default();
        let department = product.category.first().map_or("", String::as_str);
        let mut names = [department.to_owned(), aisle.to_owned(), String::new()];
        names[2] = format!("{aisle} group {}", random.below(8));
        let start = rows.len();
        rows.extend((0..DIMS).map(|_| 0.5 * random.normal() / (DIMS as f32).sqrt()));
        for (name, weight) in names.into_iter().zip([0.55, 0.55, 0.4]) {
            let centre = centres.entry(name).or_insert_with_key(|name| direction(kind, name));
            rows[start..].iter_mut().zip(centre).for_each(|(to, from)| *to += weight * *from);
        }
        // Of what is little known the vectors are shorter.
        let size = length * (0.5 + random.unit() as f32);
        rows[start..].iter_mut().for_each(|x| *x *= size);
    }
    rows
}

/// A square matrix: a share of the identity and about normal numbers.
fn square(random: &mut Random, identity: f32, deviation: f32) -> Vec<f32> {
    let mut matrix: Vec<f32> = (0..DIMS * DIMS).map(|_| deviation * random.normal()).collect();
    matrix.iter_mut().step_by(DIMS + 1).for_each(|x| *x += identity);
    matrix
}

/// Dense weights as `ARTIFACT.md` lays them out. Queries, keys and the inner layer are as they start; values and the way
/// out of the attention pass on what the history is about, as they do once trained, so that queries lie where products
/// are.
fn weights() -> Vec<f32> {
    let mut random = Random::of("weights", 0);
    let start = 1.0 / (DIMS as f32).sqrt();
    let norm = || [vec![1.0; DIMS], vec![0.0; DIMS]].concat();
    let mut some =
        |count: usize, deviation: f32| -> Vec<f32> { (0..count).map(|_| deviation * random.normal()).collect() };
    let mut weights = some((LENGTH + KINDS + GAPS) * DIMS, 0.02);
    weights.extend((0..LENGTH).map(|distance| -0.05 * distance as f32));
    weights.extend(norm());
    let (query, key) = (some(DIMS * DIMS, start), some(DIMS * DIMS, start));
    let (inner, outer) = (some(DIMS * INNER, start), some(INNER * DIMS, 0.1 / (INNER as f32).sqrt()));
    let value = square(&mut random, 1.0, 0.1 * start);
    for row in 0..DIMS {
        for matrix in [&query, &key, &value] {
            weights.extend(&matrix[row * DIMS..][..DIMS]);
        }
    }
    weights.extend(square(&mut random, 0.1, 0.02 * start));
    weights.extend(norm());
    weights.extend(inner);
    weights.extend([0.0; INNER]);
    weights.extend(outer);
    weights.extend([0.0; DIMS]);
    weights.extend(norm());
    weights
}

impl Algorithm for NextStep {
    fn name(&self) -> &str {
        "encoder"
    }

    fn learn(&self, lesson: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        Ok(Learned {
            vectors: Some(Vectors { dims: DIMS, rows: vectors(lesson.data.products(), "encoder", 1.2) }),
            sections: vec![
                ("shape", Numbers::U32([DIMS, INNER, 0].map(|size| size as u32).to_vec())),
                ("weights", Numbers::F32(weights())),
            ],
            curve: Curve::Root,
            weight: 0.2,
            ..Learned::default()
        })
    }
}

impl Algorithm for Tastes {
    fn name(&self) -> &str {
        "factors"
    }

    fn learn(&self, lesson: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let rows = vectors(lesson.data.products(), "factors", 0.5);
        let options = &lesson.settings.factors;
        let mut sums = vec![0.0_f64; DIMS * DIMS];
        for row in rows.chunks_exact(DIMS) {
            for (i, x) in row.iter().enumerate() {
                let sums = &mut sums[i * DIMS + i..(i + 1) * DIMS];
                sums.iter_mut().zip(&row[i..]).for_each(|(sum, y)| *sum += f64::from(x * y));
            }
        }
        sums.iter_mut().step_by(DIMS + 1).for_each(|sum| *sum += f64::from(options.regularisation));
        let gram = sums.into_iter().map(|sum| sum as f32).collect();
        Ok(Learned {
            vectors: Some(Vectors { dims: DIMS, rows }),
            sections: vec![
                ("gram", Numbers::F32(gram)),
                ("confidence", Numbers::F32(vec![options.confidence, options.half_life_days])),
            ],
            weight: 1.0,
            ..Learned::default()
        })
    }
}
