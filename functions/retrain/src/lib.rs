//! Learning a shop's models from what happened in it, and putting them live.
//!
//! A training reads the catalogue (the live model's, and every change since) and the event lake, joins the visits of a
//! device with the person to whom they belong, passes the [gate], learns, checks that what was learned opens, writes it
//! under a name of its own and flips the pointer, if the pointer still stands where it stood at the start. What goes
//! wrong before the flip changes nothing that anybody sees.
//!
//! The newest versions are kept, with every change of the catalogue since the oldest of them, so a shop can go back to one
//! with a flip of the pointer. A training after that publishes a newer model as usual, if it is not worse than the one
//! gone back to; only the very model that was taken back is not published again ([`Outcome::TakenBack`]).
//!
//! Where a Qdrant server carries the vectors, those of a version are written to a collection of their own and checked between
//! the files and the flip, and the collection goes when the version does. If the server is away the version is published
//! without it, for its artifact can be searched by itself, and the next training writes the collection.
//!
//! The live catalogue holds every change written before [`Live::delta_from`](vitrine_store::models::Live::delta_from),
//! which lies a little before the first read: entries are dated before they are written, and clocks differ. Changes since
//! are the delta, and reading one twice changes nothing.

mod audiences;
mod card;
mod erase;
mod error;
pub mod gate;
mod index;
mod invocation;
mod lake;
pub mod measure;
mod progress;
mod prune;
mod publish;
pub mod results;
mod server;
mod start;
mod training;
mod vectors;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitrine_domain::Shop;
use vitrine_domain::time::SECOND;
use vitrine_learn::dataset::Counts;
use vitrine_learn::text::TextEncoder;
use vitrine_learn::{Artifact, Lineup, Settings};
use vitrine_runtime::Context;
use vitrine_store::Boxed;
use vitrine_store::catalogue::Catalogue;
use vitrine_store::erasures::Record;
use vitrine_store::models::Live;
use vitrine_store::training::Training;

pub use card::Published;
pub use error::Error;
pub use gate::{Gate, Judgement};
pub use invocation::{Invocation, Report, handle, invoke};
pub use progress::{Progress, Stage};
pub use start::Start;
pub use vitrine_learn::log::Read;

use gate::Opponent;
use publish::{Candidate, Seen, Verdict};
use training::{Learned, Task};

/// How far before the first read the delta begins: entries are dated before they are written.
const OVERLAP: i64 = 10 * SECOND;

/// What came of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// A new model is live.
    Published {
        /// Its version.
        version: String,
        /// Size of the artifact in bytes.
        bytes: usize,
        /// What it was learned from.
        counts: Counts,
        /// What was found in the lake.
        read: Read,
        /// Seconds it took.
        seconds: f64,
        /// Why the vector server does not carry it, where there is one that should: functions search it themselves until a
        /// later training finds the server again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uncarried: Option<String>,
    },
    /// The shop would get the model it has.
    Unchanged {
        /// The live version.
        version: String,
    },
    /// The new model shows worse than the live one on the newest days; the live one stays.
    Refused {
        /// The live version.
        version: String,
        /// Why, in a sentence.
        reason: String,
        /// Both models on the same held-out events.
        judgement: Judgement,
    },
    /// The training gave the very model from which the shop went back to the live one.
    TakenBack {
        /// The live version.
        version: String,
        /// The version that was taken back.
        from: String,
    },
    /// Another training published while this one learned; its model is live.
    Superseded,
    /// There are no products, and there were none.
    NothingToLearn,
    /// Nothing came since the live model was trained, which only a schedule looks for; or that training began after this
    /// one was asked for.
    Idle,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published { version, counts, uncarried, .. } => {
                let Counts { products, actions, people, .. } = counts;
                write!(f, "model {version} from {products} products and {actions} actions of {people} people")?;
                match uncarried {
                    Some(cause) => write!(f, ", without the vector server: {cause}"),
                    None => Ok(()),
                }
            }
            Self::Unchanged { version } => write!(f, "nothing new: model {version} stays"),
            Self::Refused { reason, .. } => f.write_str(reason),
            Self::TakenBack { version, from } => {
                write!(f, "model {version} stays: the training gave {from}, from which the shop went back")
            }
            Self::Superseded => f.write_str("another training was faster: its model is live"),
            Self::NothingToLearn => f.write_str("nothing to learn: the shop has no products"),
            Self::Idle => f.write_str("nothing happened since the last training"),
        }
    }
}

/// Trains a shop as its training setting says and puts the model live.
///
/// # Errors
/// If a store fails, the shop is larger than the limits, or what was learned does not open. What was live is live still.
pub async fn retrain(context: &Context, shop: &Shop, progress: &Progress<'_>) -> Result<Outcome, Error> {
    let training = context.table.training(shop).await?;
    let mut settings = Settings { threads: training.threads, ..Settings::default() };
    (settings.limits.actions, settings.limits.memory_mb) = (training.actions, training.memory_mb);
    conduct(context, shop, &training, &settings, progress).await
}

/// Trains a shop with other settings of learning and puts the model live.
///
/// # Errors
/// As [`retrain`], and if a setting is out of its range.
pub async fn retrain_with(
    context: &Context,
    shop: &Shop,
    settings: &Settings,
    progress: &Progress<'_>,
) -> Result<Outcome, Error> {
    let training = context.table.training(shop).await?;
    conduct(context, shop, &training, settings, progress).await
}

/// Writes the vectors of a version to the server that carries them and checks them, as publishing does; nothing where none
/// carries them.
///
/// # Errors
/// If the server fails, holds something else than was written, or does not find what it holds.
pub async fn carry_vectors(
    context: &Context,
    shop: &Shop,
    version: &str,
    artifact: Arc<Artifact>,
) -> Result<(), Error> {
    match server::Server::of(context)? {
        Some(server) => server.carry(shop, version, artifact, Vec::new(), Vec::new()).await,
        None => Ok(()),
    }
}
fn conduct<'a>(
    context: &'a Context,
    shop: &'a Shop,
    training: &'a Training,
    settings: &'a Settings,
    progress: &'a Progress<'a>,
) -> Boxed<'a, Result<Outcome, Error>> {
    Box::pin(train(context, shop, training, settings, progress))
}

async fn train(
    context: &Context,
    shop: &Shop,
    training: &Training,
    settings: &Settings,
    progress: &Progress<'_>,
) -> Result<Outcome, Error> {
    // Boxed, as are other long calls here: a future that holds all of them would be too deep for the compiler.
    let swept = erase::sweep(context, shop).await?;
    // Before the events: what is erased while they are read is counted afterwards.
    let erasures = context.table.erasures(shop).await?;
    let trained = Box::pin(train_and_publish(context, shop, training, settings, erasures, progress)).await;
    if let Ok(outcome) = &trained {
        tidy(context, shop, training, outcome, (swept, erasures)).await;
    }
    // Also where nothing could be learned: what was earned does not wait for it.
    if !matches!(trained, Ok(Outcome::Superseded))
        && let Err(error) = Box::pin(tell_results(context, shop)).await
    {
        tracing::error!(%shop, cause = vitrine_runtime::telemetry::causes(&error), "the results could not be made");
    }
    let outcome = trained?;
    match &outcome {
        Outcome::Refused { .. } | Outcome::TakenBack { .. } => tracing::warn!(%shop, %outcome, "a training ended"),
        _ => tracing::info!(%shop, %outcome, "a training ended"),
    }
    Ok(outcome)
}

/// Takes away what the live version makes needless, and what was kept of the erased.
async fn tidy(
    context: &Context,
    shop: &Shop,
    training: &Training,
    outcome: &Outcome,
    (swept, erasures): (Vec<Record>, u64),
) {
    // A server that did not take the new version is not asked for more, and what it may still hold of the erased is not gone.
    let away = matches!(outcome, Outcome::Published { uncarried: Some(_), .. });
    let tidied = match prune::prune(context, shop, training.keep, !away).await {
        Ok(()) if !away => erase::complete(context, shop, swept, erasures).await,
        pruned => pruned,
    };
    if let Err(error) = tidied {
        // The model is live; what is left over goes after the next training.
        tracing::warn!(%shop, cause = vitrine_runtime::telemetry::causes(&error), "tidying up after a training failed");
    }
}

/// Makes the results by the model that is live now.
async fn tell_results(context: &Context, shop: &Shop) -> Result<(), Error> {
    let live = context.table.live_model(shop).await?.map(|(live, _)| live);
    let catalogue = Catalogue::load(&context.table, &context.objects, shop, live.as_ref()).await?;
    let lineup = context.added::<Lineup>().cloned().unwrap_or_default();
    let artifact = match &live {
        Some(live) => open(context, &lineup, live).await?,
        None => None,
    };
    results::refresh(context, shop, &catalogue.products, artifact.as_ref(), results::HELD).await
}

/// A model, if it can be opened.
async fn open(context: &Context, lineup: &Lineup, live: &Live) -> Result<Option<Artifact>, Error> {
    let bytes = context.objects.get(&live.artifact).await?;
    let opened = bytes.and_then(|bytes| Artifact::from_bytes(bytes.to_vec(), lineup).ok());
    Ok(opened.filter(|artifact| artifact.verify().is_ok()))
}

async fn train_and_publish(
    context: &Context,
    shop: &Shop,
    training: &Training,
    settings: &Settings,
    erasures: u64,
    progress: &Progress<'_>,
) -> Result<Outcome, Error> {
    let started = context.clock.now();
    let watermark = started.plus(-OVERLAP);
    // Versions first: a newer one that is kept by then, and not live afterwards, was taken back.
    let kept = context.table.model_versions(shop).await?;
    let (live, flips) = match context.table.live_model(shop).await? {
        Some((live, flips)) => (Some(live), flips),
        None => (None, 0),
    };
    progress(Stage::Catalogue, 0, 1);
    let catalogue = Catalogue::load(&context.table, &context.objects, shop, live.as_ref()).await?;
    progress(Stage::Catalogue, 1, 1);
    if catalogue.products.is_empty() && live.is_none() {
        return Ok(Outcome::NothingToLearn);
    }
    let lineup = &context.added::<Lineup>().cloned().unwrap_or_default();
    let products = catalogue.products.into();
    let (own, vectors) = vectors::load(context, shop).await?;
    let (log, lake) = lake::read(context, shop, &products, settings.limits.actions, progress).await?;
    let seen = Seen { lake, last_change: catalogue.last_change, vectors };
    let then = match &live {
        Some(live) => card::erasures(context, shop, &live.version).await?,
        None => None,
    };
    // A model that remembers somebody who was erased is no opponent: it has to go, however good it is.
    let haunted = live.is_some() && then != Some(erasures);
    let opponent = match training.gate {
        true if haunted && erasures > 0 => {
            Err(Gate::not_judged("something was erased since the live model was trained"))
        }
        true => Opponent::open(context, shop, live.as_ref(), lineup, training.gate_cases).await?,
        false => Err(Gate::not_judged("the shop's training setting says so")),
    };
    let (start, parent) = parent(context, shop, lineup, training.warm, erasures, live.as_ref()).await?;
    let lineup = lineup.clone();
    let text = context.config.text_weights.as_deref().map(TextEncoder::open).transpose().map_err(Error::Text)?;
    let visitors = context.config.vectors.as_ref().map_or(0, |server| server.visitors);
    let settings = settings.clone();
    let task = Task { products, log, settings, opponent, vectors: own, parent, lineup, visitors, text };
    let learned = training::run(task, progress).await?;
    let trained = match (learned, &live) {
        (Learned::Model(trained), _) => *trained,
        (Learned::Refused(judgement), Some(live)) => {
            publish::note_seen(context, shop, &live.version, &seen).await?;
            return Ok(refused(live, judgement));
        }
        // Without a live model there is nothing that could be better.
        (Learned::Refused(_), None) => return Ok(Outcome::Superseded),
    };
    if let Some(live) = &live {
        if publish::is_version(context, live, &trained.artifact).await? {
            publish::note_seen(context, shop, &live.version, &seen).await?;
            if haunted {
                // The same bytes without the erased: it never knew anything of them. Of the vectors of visitors that are
                // carried with it this cannot be told.
                if let Some(server) = server::Server::of(context)? {
                    server.forget_visitors(shop, &live.version).await?;
                }
                card::note_erasures(context, shop, &live.version, erasures).await?;
            }
            return Ok(Outcome::Unchanged { version: live.version.clone() });
        }
        let back = publish::taken_back(context, &kept, live, &trained.artifact).await?;
        if let Some(from) = back.filter(|_| !haunted || erasures == 0) {
            publish::note_seen(context, shop, &live.version, &seen).await?;
            return Ok(Outcome::TakenBack { version: live.version.clone(), from });
        }
    }
    progress(Stage::Publishing, 0, 1);
    let candidate = Candidate { shop, trained, seen, live: live.as_ref(), flips, started, watermark, start, erasures };
    let verdict = publish::publish(context, candidate).await?;
    progress(Stage::Publishing, 1, 1);
    Ok(match verdict {
        Verdict::Live(card) => Outcome::Published {
            version: card.version,
            bytes: card.model.bytes,
            counts: card.model.counts,
            read: card.read,
            seconds: card.seconds,
            uncarried: card.uncarried,
        },
        Verdict::Superseded => Outcome::Superseded,
    })
}

/// Where to start from, and the version to start from if it can be opened.
async fn parent(
    context: &Context,
    shop: &Shop,
    lineup: &Lineup,
    wanted: bool,
    erasures: u64,
    live: Option<&Live>,
) -> Result<(Start, Option<Artifact>), Error> {
    let then = match live {
        Some(live) if wanted => card::erasures(context, shop, &live.version).await?,
        _ => None,
    };
    let parent = live.map(|live| start::Parent { version: &live.version, erasures: then });
    let start = start::decide(wanted, erasures, parent);
    let (Start::Warm { .. }, Some(live)) = (&start, live) else { return Ok((start, None)) };
    match open(context, lineup, live).await? {
        Some(artifact) => Ok((start, Some(artifact))),
        None => Ok((Start::Cold { reason: "the live model cannot be opened".to_owned() }, None)),
    }
}

fn refused(live: &Live, judgement: Judgement) -> Outcome {
    let version = live.version.clone();
    let Judgement { cases, candidate, live, interval } = judgement;
    let reason = format!(
        "model {version} stays: on what {cases} people did since, the new one is worse by more than noise, NDCG@20 \
         {candidate:.4} against {live:.4} (difference {:.4} to {:.4} with 95 % confidence)",
        interval[0], interval[1]
    );
    Outcome::Refused { version, reason, judgement }
}
