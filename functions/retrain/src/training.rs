//! From the log to the bytes of an artifact, on a thread of its own.

use std::sync::Arc;

use tokio::sync::mpsc;
use vitrine_domain::{Event, Product, Visitor};
use vitrine_learn::{Artifact, Card, Dataset, Lineup, Settings, train};
use vitrine_store::catalogue;

use crate::log::{Log, Read};
use crate::{Error, Progress, Stage};

/// What training came to.
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
}

/// How far learning is, as the thread tells it.
type Told = (vitrine_learn::Stage, u64, u64);

/// Trains on a thread where it keeps nobody waiting.
pub(crate) async fn run(
    products: Arc<[Product]>,
    log: Log,
    settings: Settings,
    progress: &Progress<'_>,
) -> Result<Trained, Error> {
    let (tell, mut told) = mpsc::unbounded_channel::<Told>();
    let thread = tokio::task::spawn_blocking(move || learn(&products, log, &settings, &tell));
    // The channel ends with the thread.
    while let Some((stage, done, total)) = told.recv().await {
        progress(Stage::Learning(stage), done, total);
    }
    thread.await?
}

fn learn(
    products: &[Product],
    log: Log,
    settings: &Settings,
    tell: &mpsc::UnboundedSender<Told>,
) -> Result<Trained, Error> {
    let (histories, read) = log.finish();
    let people: Vec<(Visitor, Vec<Event>)> = histories.iter().chain(histories.quiet()).collect();
    drop(histories);
    let data = Dataset::new(products, &people, &settings.limits)?;
    drop(people);
    let mut hear = |stage, done, total| {
        // Whoever awaited it may be gone.
        tell.send((stage, done, total)).ok();
    };
    let (artifact, mut card) = train(&data, settings, &mut hear)?;
    // What the log left out did not reach the data set.
    card.counts.unknown_products += read.unknown_products;
    card.counts.without_consent += read.without_consent;
    Artifact::from_bytes(artifact.clone(), &Lineup::default()).and_then(|opened| opened.verify()).map_err(Error::Unsound)?;
    let catalogue = catalogue::pack(products).map_err(|source| Error::Pack { what: "the catalogue", source })?;
    Ok(Trained { artifact, catalogue, card, read })
}
