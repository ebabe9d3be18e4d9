//! What the orders say about which products belong together: the taste that generated visitors follow.

use std::collections::BTreeMap;

use super::random::{Random, sums};
use super::truth;
use crate::Grocery;

/// A narrowest category with its products.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// Its name.
    pub(crate) name: String,
    /// Its products, the most bought first.
    pub(crate) products: Vec<usize>,
    sums: Vec<f64>,
}

/// Popularity, categories and co-purchase of the shop's products.
#[derive(Debug)]
pub(crate) struct Structure {
    /// Narrowest categories, in the order of their paths.
    pub(crate) leaves: Vec<Leaf>,
    /// The leaf of every product.
    pub(crate) leaf_of: Vec<usize>,
    popularity: Vec<f64>,
    reduced: Vec<usize>,
    reduced_sums: Vec<f64>,
    neighbours: Vec<Vec<usize>>,
    neighbour_sums: Vec<Vec<f64>>,
}

/// `n` to the power of three quarters, with square roots only.
fn flatten(n: u32) -> f64 {
    let root = f64::from(n).sqrt();
    root * root.sqrt()
}

impl Structure {
    /// Counts the orders of the shop.
    pub(crate) fn new(shop: &Grocery) -> Self {
        let size = shop.products.len();
        let mut bought = vec![0_u32; size];
        let mut together = vec![0_u16; size * size];
        for order in &shop.orders {
            for (position, line) in order.lines.iter().enumerate() {
                bought[line.product] += 1;
                for other in &order.lines[position + 1..] {
                    let (a, b) = (line.product, other.product);
                    for cell in [a * size + b, b * size + a] {
                        together[cell] = together[cell].saturating_add(1);
                    }
                }
            }
        }
        let weight: Vec<f64> = bought.iter().map(|count| flatten(*count)).collect();
        let orders = shop.orders.len() as f64;
        let row = |product: usize| &together[product * size..(product + 1) * size];
        let nearest = |product: usize| nearest(product, row(product), &bought, orders);
        let (neighbours, neighbour_sums) = (0..size).map(nearest).unzip();
        let (leaves, leaf_of) = leaves(shop, &weight);
        let reduced: Vec<usize> = (0..size).filter(|p| shop.products[*p].sale_price.is_some()).collect();
        Self {
            leaves,
            leaf_of,
            popularity: sums(weight.iter().copied()),
            reduced_sums: sums(reduced.iter().map(|product| weight[*product])),
            reduced,
            neighbours,
            neighbour_sums,
        }
    }

    /// For every product, those most bought together with it, closest first.
    pub(crate) fn into_neighbours(self) -> Vec<Vec<usize>> {
        self.neighbours
    }

    /// A product by (flattened) popularity.
    pub(crate) fn popular(&self, random: &mut Random) -> usize {
        random.by_weight(&self.popularity)
    }

    /// A product whose price is reduced, by popularity.
    pub(crate) fn reduced(&self, random: &mut Random) -> usize {
        self.reduced.get(random.by_weight(&self.reduced_sums)).copied().unwrap_or(0)
    }

    /// A product of a leaf, by popularity.
    pub(crate) fn of_leaf(&self, leaf: usize, random: &mut Random) -> usize {
        let leaf = &self.leaves[leaf];
        leaf.products.get(random.by_weight(&leaf.sums)).copied().unwrap_or(0)
    }

    /// A product of a leaf that is not this one, unless there is no other.
    pub(crate) fn another_of_leaf(&self, leaf: usize, product: usize, random: &mut Random) -> usize {
        let alone = self.leaves[leaf].products == [product];
        loop {
            let other = self.of_leaf(leaf, random);
            if alone || other != product {
                return other;
            }
        }
    }

    /// What a visitor who looked at `product` wants to see next: something bought together with it, something of the
    /// same category, or anything.
    pub(crate) fn next(&self, product: usize, random: &mut Random) -> usize {
        let toss = random.unit();
        if toss < truth::NEXT_BOUGHT_TOGETHER && !self.neighbours[product].is_empty() {
            return self.neighbours[product][random.by_weight(&self.neighbour_sums[product])];
        }
        let same_category = toss < truth::NEXT_BOUGHT_TOGETHER + truth::NEXT_SAME_CATEGORY;
        let leaf = self.leaf_of[product];
        if same_category && self.leaves[leaf].products.len() > 1 {
            return self.another_of_leaf(leaf, product, random);
        }
        self.popular(random)
    }
}

/// The products most bought together with one: orders together, divided by the root of one's own orders and by the other's
/// to the power 3/4, shrunk where counts are small. Without the correction for popularity, and the demand that they meet
/// more often than by chance, bananas would stand next to everything.
fn nearest(product: usize, together: &[u16], bought: &[u32], orders: f64) -> (Vec<usize>, Vec<f64>) {
    let own = f64::from(bought[product]);
    let score = |(other, count): (usize, &u16)| {
        let count = f64::from(*count);
        let closeness = count / (own.sqrt() * flatten(bought[other]));
        (other, closeness * count / (count + truth::SHRINK))
    };
    let enough = |(other, count): &(usize, &u16)| {
        let lift = f64::from(**count) * orders / (own * f64::from(bought[*other]));
        **count >= truth::LEAST_TOGETHER && lift >= truth::LEAST_LIFT
    };
    let mut scores: Vec<(usize, f64)> = together.iter().enumerate().filter(enough).map(score).collect();
    scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    scores.truncate(truth::NEIGHBOURS);
    (scores.iter().map(|(other, _)| *other).collect(), sums(scores.iter().map(|(_, score)| *score)))
}

fn leaves(shop: &Grocery, weight: &[f64]) -> (Vec<Leaf>, Vec<usize>) {
    let mut by_path: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (product, known) in shop.products.iter().enumerate() {
        by_path.entry(&known.category).or_default().push(product);
    }
    let mut leaf_of = vec![0; shop.products.len()];
    let mut leaves = Vec::with_capacity(by_path.len());
    for (path, products) in by_path {
        for product in &products {
            leaf_of[*product] = leaves.len();
        }
        let sums = sums(products.iter().map(|product| weight[*product]));
        leaves.push(Leaf { name: path.last().cloned().unwrap_or_default(), products, sums });
    }
    (leaves, leaf_of)
}
