//! The shops in memory: each with its model and its shelf, kept up to date without slowing a request.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::Mutex;
use vitrine_domain::time::{MINUTE, SECOND};
use vitrine_domain::{Change, Millis, Shop};
use vitrine_http::Problem;
use vitrine_learn::{Artifact, Lineup};
use vitrine_rank::Shelf;
use vitrine_runtime::Context;
use vitrine_store::models::Live;

/// How long a shelf is trusted: the promise for a product set out of stock.
const FRESH: i64 = SECOND;
/// How far back the delta is read again, for entries that were dated before and written after the last reading.
const OVERLAP: i64 = 10 * SECOND;
/// Shops kept in memory.
const MEMORY: usize = 64;
/// How long the shelf before the current model stays, for cursors that pin it.
const PINNED: i64 = 30 * MINUTE;

/// A model version and what can be shown with it.
#[derive(Debug, Clone)]
pub(crate) struct Display {
    /// Version of the artifact; none in a shop that was never trained.
    pub(crate) version: Option<String>,
    /// What can be shown.
    pub(crate) shelf: Arc<Shelf>,
}

/// What is known of a shop.
#[derive(Debug, Default)]
struct Held {
    checked: Option<Millis>,
    live: Option<Live>,
    artifact: Option<Arc<Artifact>>,
    /// The delta by its keys, so that reading an entry twice changes nothing.
    changes: BTreeMap<(String, usize), Change>,
    display: Option<Display>,
    /// The display before the last swap, and when it was swapped.
    before: Option<(Millis, Display)>,
}

/// All shops in memory.
#[derive(Debug)]
pub(crate) struct Shops {
    context: Context,
    lineup: Lineup,
    shops: StdMutex<HashMap<Shop, Arc<Mutex<Held>>>>,
}

impl Shops {
    pub(crate) fn new(context: Context, lineup: Lineup) -> Self {
        Self { context, lineup, shops: StdMutex::default() }
    }

    fn held(&self, shop: &Shop) -> Arc<Mutex<Held>> {
        let mut shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        if shops.len() >= MEMORY && !shops.contains_key(shop) {
            shops.clear();
        }
        shops.entry(shop.clone()).or_default().clone()
    }

    /// What can be shown now, at most a second old.
    pub(crate) async fn display(&self, shop: &Shop) -> Result<Display, Problem> {
        let held = self.held(shop);
        let mut held = held.lock().await;
        let now = self.context.clock.now();
        if let (Some(checked), Some(display)) = (held.checked, &held.display)
            && now.since(checked) < FRESH
        {
            return Ok(display.clone());
        }
        match self.refresh(shop, &mut held, now).await {
            Ok(()) => held.checked = Some(now),
            // An old shelf is better than none, until the table answers again.
            Err(error) if held.display.is_some() => {
                tracing::warn!(cause = %vitrine_http::problem::causes(&error), %shop, "the shelf could not be refreshed");
            }
            Err(error) => return Err(error.into()),
        }
        held.display.clone().ok_or_else(|| Problem::not_found("this shop has nothing to show"))
    }

    /// The display of a version that a cursor pins, if it is still in memory.
    pub(crate) async fn pinned(&self, shop: &Shop, version: Option<&str>) -> Option<Display> {
        let held = self.held(shop);
        let held = held.lock().await;
        let now = self.context.clock.now();
        let before = held.before.as_ref().filter(|(since, _)| now.since(*since) < PINNED).map(|(_, display)| display);
        [held.display.as_ref(), before].into_iter().flatten().find(|d| d.version.as_deref() == version).cloned()
    }

    async fn refresh(&self, shop: &Shop, held: &mut Held, now: Millis) -> vitrine_store::Result<()> {
        let table = &self.context.table;
        let delta_from = held.live.as_ref().map_or(Millis(0), |live| live.delta_from);
        let since = held.checked.map_or(delta_from, |at| at.plus(-OVERLAP).max(delta_from));
        let (live, changes) = tokio::try_join!(table.live_model(shop), table.changes_since(shop, since))?;
        let live = live.map(|(live, _)| live);
        if live.as_ref().map(|l| &l.version) != held.live.as_ref().map(|l| &l.version) {
            return self.swap(shop, held, live, now).await;
        }
        let known = held.changes.len();
        absorb(&mut held.changes, changes);
        if held.display.is_none() || held.changes.len() != known {
            show(held);
        }
        Ok(())
    }

    /// Takes a newly published model: the old one answers until the new one is open.
    async fn swap(&self, shop: &Shop, held: &mut Held, live: Option<Live>, now: Millis) -> vitrine_store::Result<()> {
        let artifact = match &live {
            Some(live) => match self.open(live).await {
                Ok(artifact) => Some(artifact),
                Err(error) => {
                    tracing::error!(cause = %error, %shop, version = live.version, "the published model cannot be opened");
                    return Ok(());
                }
            },
            None => None,
        };
        let delta_from = live.as_ref().map_or(Millis(0), |live| live.delta_from);
        let changes = self.context.table.changes_since(shop, delta_from).await?;
        held.before = held.display.take().map(|display| (now, display));
        held.changes.clear();
        absorb(&mut held.changes, changes);
        (held.live, held.artifact) = (live, artifact);
        show(held);
        Ok(())
    }

    /// Opens an artifact where it lies, or downloads it first and checks every byte once.
    async fn open(&self, live: &Live) -> Result<Arc<Artifact>, OpenError> {
        if let Some(file) = self.context.objects.file(&live.artifact) {
            return Ok(Arc::new(Artifact::open(file, &self.lineup)?));
        }
        let file = self.scratch_file(live);
        if let Ok(artifact) = Artifact::open(&file, &self.lineup) {
            return Ok(Arc::new(artifact));
        }
        let bytes = self.context.objects.get(&live.artifact).await?.ok_or(OpenError::Gone)?;
        let checked = Artifact::from_bytes(bytes.to_vec(), &self.lineup)?;
        checked.verify()?;
        // A full scratch disk only costs the next cold start its head start.
        let part = file.with_extension("part");
        if tokio::fs::write(&part, &bytes).await.is_ok() && tokio::fs::rename(&part, &file).await.is_ok() {
            return Ok(Arc::new(Artifact::open(&file, &self.lineup)?));
        }
        Ok(Arc::new(checked))
    }

    fn scratch_file(&self, live: &Live) -> PathBuf {
        self.context.scratch().join(format!("vitrine-{}.artifact", live.artifact.replace('/', "-")))
    }
}

/// Why a published model cannot be opened.
#[derive(Debug)]
enum OpenError {
    Gone,
    Store(vitrine_store::Error),
    Artifact(vitrine_learn::Error),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone => f.write_str("the artifact is not in the object store"),
            Self::Store(error) => write!(f, "{}", vitrine_http::problem::causes(error)),
            Self::Artifact(error) => write!(f, "{}", vitrine_http::problem::causes(error)),
        }
    }
}

impl From<vitrine_store::Error> for OpenError {
    fn from(error: vitrine_store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<vitrine_learn::Error> for OpenError {
    fn from(error: vitrine_learn::Error) -> Self {
        Self::Artifact(error)
    }
}

fn absorb(known: &mut BTreeMap<(String, usize), Change>, changes: Vec<(String, Change)>) {
    let mut place = 0;
    let mut last = String::new();
    for (key, change) in changes {
        place = if key == last { place + 1 } else { 0 };
        last.clone_from(&key);
        known.insert((key, place), change);
    }
}

fn show(held: &mut Held) {
    let changes: Vec<Change> = held.changes.values().cloned().collect();
    let shelf = Arc::new(Shelf::new(held.artifact.clone(), &changes));
    held.display = Some(Display { version: held.live.as_ref().map(|live| live.version.clone()), shelf });
}
