//! Training, from the first word of a title to the last byte of the artifact.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::artifact::{Artifact, Model, VERSION, pack};
use crate::card::{Card, Outcome};
use crate::cold;
use crate::covisitation::{self, Lists, Pair};
use crate::dataset::Dataset;
use crate::factors::{self, Interest, regularised_gram};
use crate::popularity::Popularity;
use crate::progress::{Progress, Stage};
use crate::{Blend, Error, Settings, content, parallel, validate};

/// Learns everything from a shop: the bytes of an artifact and its model card.
///
/// Twice, if there is enough to hold out: once without the held-out actions, to choose what each part counts and to
/// measure how good it is; then with everything. A shop without events is learned from its texts, one without products
/// gives an artifact without products.
///
/// # Errors
/// If a setting is out of range, the shop is larger than the limits, or a product cannot be written as JSON.
pub fn train(data: &Dataset<'_>, settings: &Settings, progress: &mut Progress<'_>) -> Result<(Vec<u8>, Card), Error> {
    settings.check()?;
    check_limits(data, settings)?;
    let threads = parallel::threads(settings.threads);
    let content: Arc<[f32]> = content::vectors(data.products(), &settings.content, threads, progress).into();
    let (blend, outcome) = rehearse(data, settings, &content, threads, progress)?;
    let model = learn(data, settings, &content, threads, progress);
    progress(Stage::Packing, 0, 1);
    let bytes = pack(data.products(), &model, blend, true)?;
    progress(Stage::Packing, 1, 1);
    let card = Card {
        format: VERSION,
        bytes: bytes.len(),
        checksum: crc32fast::hash(&bytes),
        counts: *data.counts(),
        oldest: data.oldest(),
        newest: data.now(),
        settings: settings.clone(),
        blend,
        neighbours: neighbours(&model.lists),
        validation: outcome,
    };
    Ok((bytes, card))
}

fn check_limits(data: &Dataset<'_>, settings: &Settings) -> Result<(), Error> {
    let (counts, limits) = (data.counts(), &settings.limits);
    for (what, found, limit) in
        [("products", counts.products, limits.products), ("actions", counts.actions, limits.actions)]
    {
        if found > limit {
            return Err(Error::Limit { what, found, limit });
        }
    }
    Ok(())
}

fn neighbours(lists: &[Lists]) -> BTreeMap<String, usize> {
    Pair::ALL.into_iter().zip(lists).map(|(pair, lists)| (pair.as_str().to_owned(), lists.rows.len())).collect()
}

/// Chooses the weights of the parts by what they would have shown to people whose last actions they have not seen.
fn rehearse(
    data: &Dataset<'_>,
    settings: &Settings,
    content: &Arc<[f32]>,
    threads: usize,
    progress: &mut Progress<'_>,
) -> Result<(Blend, Option<Outcome>), Error> {
    let cases = validate::hold_out(data, settings.validation.people_of(data.products().len()));
    if !settings.validation.suffices(cases.len()) {
        return Ok((Blend::default(), None));
    }
    let keep: Vec<(usize, usize)> = cases.iter().map(|case| (case.person, case.kept)).collect();
    let seen = data.cut(&keep);
    let model = learn(&seen, settings, content, threads, &mut |stage, done, total| {
        // Both stages of learning are one here, halves of a hundred each.
        let before = if stage == Stage::Factors { 50 } else { 0 };
        progress(Stage::Rehearsal, before + done * 50 / total.max(1), 100);
    });
    let artifact = Artifact::from_bytes(pack(data.products(), &model, Blend::default(), false)?)?;

    let total = cases.len() as u64;
    progress(Stage::Validation, 0, total);
    let (choosing, judging) = validate::halves(data, cases);
    let blend = validate::choose(data, &artifact, Blend::default(), &choosing, threads, &mut |done| {
        progress(Stage::Validation, done as u64, total);
    });
    let figures = validate::judge(data, &artifact, &blend, &judging, threads, &mut |done| {
        progress(Stage::Validation, (choosing.len() + done) as u64, total);
    });
    let outcome = Outcome { choosing: choosing.len(), judging: judging.len(), figures };
    Ok((blend, Some(outcome)))
}

/// Learns every part from what a data set holds, and nothing else.
pub(crate) fn learn(
    data: &Dataset<'_>,
    settings: &Settings,
    content: &Arc<[f32]>,
    threads: usize,
    progress: &mut Progress<'_>,
) -> Model {
    let products = data.products().len();
    let mut lists = Vec::with_capacity(Pair::ALL.len());
    for pair in Pair::ALL {
        let before = pair.index() * products;
        let total = (products * Pair::ALL.len()) as u64;
        lists.push(covisitation::count(data, pair, &settings.covisitation, threads, &mut |done| {
            progress(Stage::Covisitation, (before + done) as u64, total);
        }));
    }
    let popularity = Popularity::count(data, &settings.popularity);

    let options = &settings.factors;
    let interest = Interest::of(data, options.half_life_days);
    let mut learned = factors::train(&interest, products, options, settings.seed, threads, &mut |done| {
        progress(Stage::Factors, done as u64, options.iterations as u64);
    });
    let (d, c) = (options.dims, settings.content.dims);
    cold::warm(&mut learned.products, d, content, c, &popularity.people, options.cold);
    Model {
        gram: regularised_gram(&learned.products, d, options.regularisation),
        factors: learned.products,
        factor_dims: d,
        content: Arc::clone(content),
        content_dims: c,
        confidence: options.confidence(),
        lists,
        popularity,
        top: settings.popularity.top,
    }
}

#[cfg(test)]
mod tests;
