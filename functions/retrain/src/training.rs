//! From the log to the bytes of an artifact, on a thread of its own.

use std::sync::Arc;

use tokio::sync::mpsc;
use vitrine_domain::Product;
use vitrine_learn::dataset::Builder;
use vitrine_learn::settings::Limits;
use vitrine_learn::text::TextEncoder;
use vitrine_learn::{Artifact, Card, Dataset, Lineup, Own, OwnVectors, Rehearsal, Settings, Trainer};
use vitrine_store::catalogue;

use crate::gate::{self, Gate, Judgement, Opponent};
use crate::{Error, Progress, Stage, index};
use vitrine_learn::log::{Log, Read};

/// What there is to train from.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) products: Arc<[Product]>,
    pub(crate) log: Log,
    pub(crate) settings: Settings,
    /// The live model to compare with, or why there is nothing to compare with.
    pub(crate) opponent: Result<Opponent, Gate>,
    /// The shop's own vectors.
    pub(crate) vectors: Vec<OwnVectors>,
    /// The version to start from.
    pub(crate) parent: Option<Artifact>,
    /// Who takes part.
    pub(crate) lineup: Lineup,
    /// Most visitors whose vectors are wanted.
    pub(crate) visitors: usize,
    /// Reads the products' texts, if its weights are there.
    pub(crate) text: Option<TextEncoder>,
}

/// What training came to.
#[derive(Debug)]
pub(crate) enum Learned {
    /// A model.
    Model(Box<Trained>),
    /// It would be worse than the live one.
    Refused(Judgement),
}

/// A model.
#[derive(Debug)]
pub(crate) struct Trained {
    /// The artifact, checked.
    pub(crate) artifact: Vec<u8>,
    /// The catalogue it speaks of.
    pub(crate) catalogue: Vec<u8>,
    /// Its model card.
    pub(crate) card: Card,
    /// What it was made of.
    pub(crate) read: Read,
    /// A hash of what it was made of.
    pub(crate) fingerprint: u64,
    /// How it was compared with the live model.
    pub(crate) gate: Gate,
    /// What some visitors would ask for whose newest actions were held out: vectors, one after the other.
    pub(crate) queries: Vec<f32>,
    /// Visitors' keys and vectors, as many as were wanted.
    pub(crate) visitors: Vec<(u64, Vec<f32>)>,
}

/// How far learning is, as the thread tells it.
type Told = (Stage, u64, u64);

/// Trains on a thread where it keeps nobody waiting.
pub(crate) async fn run(task: Task, progress: &Progress<'_>) -> Result<Learned, Error> {
    let (tell, mut told) = mpsc::unbounded_channel::<Told>();
    let thread = tokio::task::spawn_blocking(move || learn(task, &tell));
    // The channel ends with the thread.
    while let Some((stage, done, total)) = told.recv().await {
        progress(stage, done, total);
    }
    thread.await?
}

fn learn(task: Task, tell: &mpsc::UnboundedSender<Told>) -> Result<Learned, Error> {
    let Task { products, log, settings, opponent, vectors, parent, lineup, visitors, text } = task;
    let (data, read) = read(&products, log, &settings.limits)?;
    let own: usize = vectors.iter().map(|own| own.dims).sum();
    let dims = settings.encoder.dims + settings.factors.dims + settings.diffusion.dims + settings.content.dims + own;
    settings.limits.memory(data.products().len(), data.counts().actions, dims)?;
    let mut hear = |stage, done, total| {
        // Whoever awaited it may be gone.
        tell.send((Stage::Learning(stage), done, total)).ok();
    };
    let lineup = vectors.into_iter().fold(lineup, |lineup, own| lineup.with(Own::from(own)));
    let trainer = Trainer { lineup, settings, text: text.as_ref(), parent: parent.as_ref() };
    let vitrine_learn::Trained { bytes: artifact, mut card, rehearsal } = trainer.train(&data, &mut hear)?;
    tell.send((Stage::Gate, 0, 1)).ok();
    let held_out = rehearsal.as_ref().map_or_else(Vec::new, |rehearsal| rehearsal.cases.clone());
    let gate = match opponent.and_then(|opponent| compare(&data, trainer.settings.threads, rehearsal, &opponent)) {
        Ok(judgement) if judgement.refuses() => return Ok(Learned::Refused(judgement)),
        Ok(judgement) => Gate::Passed(judgement),
        Err(gate) => gate,
    };
    // What the log left out did not reach the data set.
    card.counts.unknown_products += read.unknown_products;
    card.counts.without_consent += read.without_consent;
    let opened = Artifact::from_bytes(artifact.clone(), &trainer.lineup).map_err(Error::Unsound)?;
    let index::Indexed { artifact, why, queries } =
        index::add(artifact, &opened, &data, &held_out, trainer.settings.threads)?;
    let visitors = index::visitors(&opened, &data, visitors);
    card.indexed(&artifact, why);
    let opened = Artifact::from_bytes(artifact.clone(), &trainer.lineup);
    opened.and_then(|opened| opened.verify()).map_err(Error::Unsound)?;
    let catalogue = catalogue::pack(&products).map_err(|source| Error::Pack { what: "the catalogue", source })?;
    let fingerprint = data.fingerprint();
    Ok(Learned::Model(Box::new(Trained { artifact, catalogue, card, read, fingerprint, gate, queries, visitors })))
}

/// Puts the log into the data set, one person after the other: beside the compact log only steps are held, and the log
/// is gone before training begins.
fn read<'p>(products: &'p [Product], log: Log, limits: &Limits) -> Result<(Dataset<'p>, Read), Error> {
    let (histories, read) = log.finish();
    let mut builder = Builder::new(products, limits)?;
    for (visitor, events) in histories.iter().chain(histories.quiet()) {
        builder.push(&visitor, events)?;
    }
    drop(histories);
    Ok((builder.finish(), read))
}

/// Lets the gate compare the rehearsal with the live model; why not, if there is nothing to compare by.
fn compare(
    data: &Dataset<'_>,
    threads: usize,
    rehearsal: Option<Rehearsal>,
    opponent: &Opponent,
) -> Result<Judgement, Gate> {
    let rehearsal = rehearsal.ok_or_else(|| Gate::not_judged("there is too little to judge by"))?;
    let cases = opponent.cases(rehearsal.cases)?;
    let gains = |artifact| gate::gains(data, artifact, &cases, threads);
    Ok(gate::decide(&gains(&rehearsal.artifact), &gains(&opponent.artifact)))
}
