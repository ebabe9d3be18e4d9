//! Catalogues made by chance from a seed: crowded or without structure, with filters that have nothing to do with queries.
#![allow(dead_code, reason = "each of the programs that share it uses a part")]

use half::f16;
use vitrine_index::Bitmap;

/// Chance from a seed (splitmix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// From zero to one.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 24) as f32
    }

    /// Nearly normal, with variance one: the sum of four uniform numbers.
    pub(crate) fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: f32 = (0..4).map(|part| (bits >> (16 * part) & 0xffff) as f32 / 65536.0).sum();
        (sum - 2.0) * 1.732
    }
}

/// How rows lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Thirty categories of many small crowds.
    Crowded,
    /// The same with so much noise that no crowd is left.
    Loose,
}

/// Products as a shop's model would have them: `[encoder ; factors ; popularity]`, each part of a size of its own.
pub(crate) struct Data {
    pub(crate) dims: usize,
    pub(crate) vectors: Vec<f32>,
    pub(crate) halves: Vec<f16>,
    /// 0 has a tenth of the rows, 1 a hundredth, 2 a thousandth; queries come from the others.
    pub(crate) category: Vec<u8>,
    /// Visitor vectors, fresh draws.
    pub(crate) queries: Vec<f32>,
}

const CATEGORIES: usize = 30;

impl Data {
    pub(crate) fn new(rows: usize, dims: usize, queries: usize, shape: Shape, seed: u64) -> Self {
        let mut chance = Chance(seed);
        let encoder = dims / 2;
        // A decaying spectrum, and factors a third as large.
        let sizes: Vec<f32> = (0..dims)
            .map(|d| {
                if d < encoder {
                    (1.0 + d as f32 / 8.0).powf(-0.5)
                } else {
                    0.3 * (1.0 + (d - encoder) as f32 / 8.0).powf(-0.5)
                }
            })
            .collect();
        let noise = if shape == Shape::Crowded { 0.35 } else { 4.0 };
        let draw = |chance: &mut Chance, from: &[f32], by: f32| -> Vec<f32> {
            from.iter().zip(&sizes).map(|(x, size)| x + by * size * chance.normal()).collect()
        };
        let origin = vec![0.0; dims];
        let middles: Vec<Vec<f32>> = (0..CATEGORIES).map(|_| draw(&mut chance, &origin, 1.0)).collect();
        let crowds: Vec<Vec<Vec<f32>>> = (0..CATEGORIES)
            .map(|category| {
                let count = ((rows as f32).sqrt() * share_of(category)).ceil() as usize;
                (0..count.max(1)).map(|_| draw(&mut chance, &middles[category], 0.6)).collect()
            })
            .collect();
        let row = |chance: &mut Chance, category: usize| -> Vec<f32> {
            let crowd = &crowds[category][chance.below(crowds[category].len())];
            let mut row = draw(chance, crowd, noise);
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
            let norm = 0.7 + 0.6 * chance.unit();
            row.iter_mut().for_each(|x| *x *= norm / length);
            row[dims - 1] = 0.1 * chance.unit().powi(3);
            row
        };
        let (mut vectors, mut category) = (Vec::with_capacity(rows * dims), Vec::with_capacity(rows));
        for _ in 0..rows {
            let x = chance.unit();
            let mut of = 0;
            let mut sum = share_of(0);
            while x >= sum && of + 1 < CATEGORIES {
                of += 1;
                sum += share_of(of);
            }
            vectors.extend(row(&mut chance, of));
            category.push(of as u8);
        }
        let mut asked = Vec::with_capacity(queries * dims);
        for _ in 0..queries {
            let of = 3 + chance.below(CATEGORIES - 3);
            let mut query = row(&mut chance, of);
            // The parts have weights, and popularity is always asked for.
            query[encoder..].iter_mut().for_each(|x| *x *= 2.0);
            query[dims - 1] = 1.0;
            asked.extend(query);
        }
        let halves: Vec<f16> = vectors.iter().map(|x| f16::from_f32(*x)).collect();
        // What both precisions hold, so that exact answers are the same.
        let vectors = halves.iter().map(|x| x.to_f32()).collect();
        Self { dims, vectors, halves, category, queries: asked }
    }

    pub(crate) fn rows(&self) -> usize {
        self.category.len()
    }

    pub(crate) fn of_category(&self, category: u8) -> Bitmap {
        Bitmap::from_fn(self.rows(), |row| self.category[row as usize] == category)
    }

    pub(crate) fn by_chance(&self, share: f32, seed: u64) -> Bitmap {
        let mut chance = Chance(seed);
        Bitmap::from_fn(self.rows(), |_| chance.unit() < share)
    }

    pub(crate) fn queries(&self) -> impl Iterator<Item = &[f32]> {
        self.queries.chunks_exact(self.dims)
    }
}

fn share_of(category: usize) -> f32 {
    match category {
        0 => 0.1,
        1 => 0.01,
        2 => 0.001,
        _ => 0.889 / (CATEGORIES - 3) as f32,
    }
}
