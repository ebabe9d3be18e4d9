//! Learning a shop's models from what happened in it, and putting them live.
//!
//! A training reads the catalogue (the live model's, and every change since) and the event lake, joins the visits of a
//! device with the person to whom they belong, learns, checks that what was learned opens, writes it under a name of its
//! own and flips the pointer, if the pointer still stands where it stood at the start. What goes wrong before the flip
//! changes nothing that anybody sees.
//!
//! The live catalogue holds every change written before [`Live::delta_from`](vitrine_store::models::Live::delta_from),
//! which lies a little before the first read: entries are dated before they are written, and clocks differ. Changes since
//! are the delta, and reading one twice changes nothing.

mod error;
mod invocation;
mod lake;
mod progress;
mod prune;
mod publish;
mod training;

use std::fmt;

use serde::{Deserialize, Serialize};
use vitrine_domain::Shop;
use vitrine_domain::time::SECOND;
use vitrine_learn::Settings;
use vitrine_learn::dataset::Counts;
use vitrine_runtime::Context;
use vitrine_store::catalogue::Catalogue;

pub use error::Error;
pub use invocation::{Invocation, Report, handle, invoke};
pub use progress::{Progress, Stage};
pub use publish::Published;
pub use vitrine_learn::log::Read;

use publish::{Candidate, Seen, Verdict};

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
    },
    /// The shop would get the model it has.
    Unchanged {
        /// The live version.
        version: String,
    },
    /// Another training published while this one learned; its model is live.
    Superseded,
    /// There are no products, and there were none.
    NothingToLearn,
    /// Nothing came since the live model was trained; only a schedule looks for that.
    Idle,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published { version, counts, .. } => write!(
                f,
                "model {version} from {} products and {} actions of {} people",
                counts.products, counts.actions, counts.people
            ),
            Self::Unchanged { version } => write!(f, "nothing new: model {version} stays"),
            Self::Superseded => f.write_str("another training was faster: its model is live"),
            Self::NothingToLearn => f.write_str("nothing to learn: the shop has no products"),
            Self::Idle => f.write_str("nothing happened since the last training"),
        }
    }
}

/// Trains a shop with the shipped settings and puts the model live.
///
/// # Errors
/// If a store fails, the shop is larger than the limits, or what was learned does not open. What was live is live still.
pub async fn retrain(context: &Context, shop: &Shop, progress: &Progress<'_>) -> Result<Outcome, Error> {
    retrain_with(context, shop, &Settings::default(), progress).await
}

/// Trains a shop and puts the model live.
///
/// # Errors
/// As [`retrain`], and if a setting is out of its range.
pub async fn retrain_with(
    context: &Context,
    shop: &Shop,
    settings: &Settings,
    progress: &Progress<'_>,
) -> Result<Outcome, Error> {
    // Boxed, as are other long calls here: a future that holds all of them would be too deep for the compiler.
    let outcome = Box::pin(train_and_publish(context, shop, settings, progress)).await?;
    if let Err(error) = prune::prune(context, shop).await {
        // The model is live; what is left over goes after the next training.
        tracing::warn!(%shop, cause = vitrine_runtime::telemetry::causes(&error), "tidying up after a training failed");
    }
    tracing::info!(%shop, %outcome, "a training ended");
    Ok(outcome)
}

async fn train_and_publish(
    context: &Context,
    shop: &Shop,
    settings: &Settings,
    progress: &Progress<'_>,
) -> Result<Outcome, Error> {
    let started = context.clock.now();
    let watermark = started.plus(-OVERLAP);
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
    let products = catalogue.products.into();
    let (log, lake) = lake::read(context, shop, &products, settings.limits.actions, progress).await?;
    let seen = Seen { lake, last_change: catalogue.last_change };
    let trained = training::run(products, log, settings.clone(), progress).await?;
    if let Some(live) = &live
        && publish::is_live(context, live, &trained.artifact).await?
    {
        publish::note_seen(context, shop, &live.version, &seen).await?;
        return Ok(Outcome::Unchanged { version: live.version.clone() });
    }
    progress(Stage::Publishing, 0, 1);
    let candidate = Candidate { shop, trained, seen, live: live.as_ref(), flips, started, watermark };
    let verdict = publish::publish(context, candidate).await?;
    progress(Stage::Publishing, 1, 1);
    Ok(match verdict {
        Verdict::Live(card) => Outcome::Published {
            version: card.version,
            bytes: card.model.bytes,
            counts: card.model.counts,
            read: card.read,
            seconds: card.seconds,
        },
        Verdict::Superseded => Outcome::Superseded,
    })
}
