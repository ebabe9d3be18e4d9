//! Brand loyalty: who chose a brand chooses it again; how surely, differs from brand to brand.
//!
//! When somebody who knows brand `b` meets a product that is new to them, it is of `b` by chance with `p_b`, the brand's
//! share of all such meetings. Of `E_b` meetings `R_b` were: the loyalty is `l_b = ln((R_b + k) / (E_b p_b + k))`, at least
//! zero, where `k` holds back brands that few know. A product scores `a_b l_b π`: the share `a_b` of its brand in what the
//! visitor did, an order counting more than a look, and the product's own popularity `π`.

use std::collections::{BTreeMap, BTreeSet};

use vitrine_learn::algorithm::{Curve, Numbers};
use vitrine_learn::{Algorithm, Artifact, Dataset, Error, Interaction, Learned, Lesson, Scratch, Tally};

/// `k`, in meetings.
const SHRINKAGE: f64 = 5.0;
/// Products of a brand that can be named, its most popular ones.
const MOST: usize = 100;

/// Names the most popular products of the brands that a visitor is loyal to: a tally.
#[derive(Debug, Clone, Copy)]
pub struct BrandLoyalty;

/// `l_b` of every brand, given the products of each.
fn loyalty(data: &Dataset<'_>, brands: &BTreeMap<&str, Vec<u32>>) -> Vec<f32> {
    let mut brand_of = vec![None; data.products().len()];
    for (brand, rows) in brands.values().enumerate() {
        rows.iter().for_each(|row| brand_of[*row as usize] = Some(brand));
    }
    let count = || vec![0.0_f64; brands.len()];
    let (mut all, mut own, mut known, mut again) = (0.0_f64, count(), count(), count());
    for history in data.histories() {
        let (mut met, mut knows) = (BTreeSet::new(), BTreeSet::new());
        let new: Vec<_> = history.iter().filter(|step| step.weight > 0.0 && met.insert(step.row)).collect();
        all += new.len() as f64;
        for (before, step) in new.iter().enumerate() {
            let Some(brand) = brand_of[step.row as usize] else { continue };
            own[brand] += 1.0;
            let after = new.len() - before - 1;
            let (count, more) = if knows.insert(brand) { (&mut known, after) } else { (&mut again, 1) };
            count[brand] += more as f64;
        }
    }
    let lift = |b: usize| (again[b] + SHRINKAGE) / (known[b] * own[b] / all.max(1.0) + SHRINKAGE);
    (0..brands.len()).map(|brand| lift(brand).ln().max(0.0) as f32).collect()
}

/// Says what each past action adds to which product, as `(place in the history, product, addition)`.
fn say(model: &Artifact, history: &[Interaction], mut said: impl FnMut(usize, u32, f32)) {
    let at: &[u32] = model.numbers("brand.at");
    let (rows, scores): (&[u32], &[f32]) = (model.numbers("brand.rows"), model.numbers("brand.scores"));
    let all: f32 = history.iter().map(|past| past.interest().max(0.0)).sum();
    for (place, past) in history.iter().enumerate().filter(|(_, past)| past.interest() > 0.0) {
        let Some(brand) = model.brand(past.row).map(|brand| brand as usize) else { continue };
        let (Some(start), Some(end)) = (at.get(brand), at.get(brand + 1)) else { continue };
        let products = rows.iter().zip(scores).take(*end as usize).skip(*start as usize);
        products.for_each(|(row, score)| said(place, *row, score * past.interest() / all));
    }
}

impl Algorithm for BrandLoyalty {
    fn name(&self) -> &str {
        "brand"
    }

    fn learn(&self, lesson: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        // In the order of their names: the place of a brand is the number that `Artifact::brand` gives.
        let mut brands: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (row, product) in (0..).zip(lesson.data.products()) {
            product.brand.iter().for_each(|brand| brands.entry(brand).or_default().push(row));
        }
        let (loyalty, prior) = (loyalty(lesson.data, &brands), lesson.popularity.prior());
        let (mut at, mut rows, mut scores) = (vec![0], Vec::new(), Vec::new());
        for (mut products, loyalty) in brands.into_values().zip(loyalty) {
            products.sort_by(|a, b| prior[*b as usize].total_cmp(&prior[*a as usize]));
            products.truncate(if loyalty > 0.0 { MOST } else { 0 });
            scores.extend(products.iter().map(|row| loyalty * prior[*row as usize]));
            rows.extend(products);
            at.push(rows.len() as u32);
        }
        let sections = vec![("at", Numbers::U32(at)), ("rows", Numbers::U32(rows)), ("scores", Numbers::F32(scores))];
        Ok(Learned { sections, curve: Curve::Linear, weight: 0.1, ..Learned::default() })
    }

    fn tally(&self, model: &Artifact, history: &[Interaction], _: &mut Scratch, tally: &mut Tally) {
        say(model, history, |_, row, amount| tally.add(row, amount));
    }

    fn evidence(
        &self,
        model: &Artifact,
        history: &[Interaction],
        rows: &[u32],
        _: &mut Scratch,
        said: &mut dyn FnMut(usize, usize, f32),
    ) {
        say(model, history, |at, named, amount| {
            let places = rows.iter().enumerate().filter(|(_, row)| **row == named);
            places.for_each(|(place, _)| said(place, at, amount));
        });
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        model.check_lists("brand.at", "brand.rows", model.brand_names().len())?;
        model.check_finite("brand.scores", Some(model.numbers::<u32>("brand.rows").len()))
    }
}
