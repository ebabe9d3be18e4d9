//! The shops in memory: each with its model and its shelf, kept up to date beside the requests (see [`crate::cell`]).
//!
//! What is known of a shop never changes; a reading of the table makes a new one of it. So every answer is made from one
//! model and one state of the catalogue, whatever is published meanwhile.
//!
//! A new model is opened beside the readings too, for it may have to be downloaded: until it is there, the one before
//! answers and goes on taking in what changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vitrine_domain::time::{MINUTE, SECOND};
use vitrine_domain::{Change, Millis, Shop};
use vitrine_http::Problem;
use vitrine_learn::{Artifact, Lineup};
use vitrine_rank::Shelf;
use vitrine_runtime::Context;
use vitrine_store::catalogue::Catalogue;
use vitrine_store::models::Live;

use crate::cell::{Cell, Read, unavailable};
use crate::open::{OpenError, Opening, aside, open, opened};
use crate::settings::{FIRST, bounded};

/// How far back the delta is read again, for entries that were dated before and written after the last reading.
const OVERLAP: i64 = 10 * SECOND;
/// Shops kept in memory.
const MEMORY: usize = 64;
/// How long the model before the current one stays, for cursors that pin it.
const PINNED: i64 = 30 * MINUTE;
/// How long a model that cannot be opened is not tried again.
const REFUSED: i64 = 30 * SECOND;
/// What part of the catalogue's deadline a new model may take to be opened before the one before goes on answering.
const MOMENT: u32 = 8;
/// How much longer than the table's first reading the first opening of a model may take: it may be downloaded.
const DOWNLOAD: u32 = 10;

/// A model version and what can be shown with it.
#[derive(Debug, Clone)]
pub(crate) struct Display {
    /// Version of the artifact; none in a shop that was never trained.
    pub(crate) version: Option<String>,
    /// What can be shown.
    pub(crate) shelf: Arc<Shelf>,
    /// Key of the last entry of the delta that it knows, and how many changes there are up to it.
    pub(crate) delta: (Option<String>, usize),
}

/// The delta by its keys, so that reading an entry twice changes nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delta(BTreeMap<(String, usize), Change>);

impl Delta {
    /// Takes in what was read from a time on; whether anything was new.
    pub(crate) fn absorb(&mut self, from: Millis, changes: &[(String, Change)]) -> bool {
        let known = self.0.len();
        let from = from.sort_key();
        let (mut place, mut last) = (0, "");
        for (key, change) in changes.iter().filter(|(key, _)| *key >= from) {
            place = if key == last { place + 1 } else { 0 };
            last = key;
            self.0.insert((key.clone(), place), change.clone());
        }
        self.0.len() != known
    }

    /// What was read from a time on.
    fn of(from: Millis, changes: &[(String, Change)]) -> Self {
        let mut delta = Self::default();
        delta.absorb(from, changes);
        delta
    }

    fn changes(&self) -> Vec<Change> {
        self.0.values().cloned().collect()
    }

    fn end(&self) -> (Option<String>, usize) {
        (self.0.last_key_value().map(|((key, _), _)| key.clone()), self.0.len())
    }
}

/// A model and what changed in the catalogue since.
#[derive(Debug, Clone)]
pub(crate) struct Stand {
    live: Option<Live>,
    delta: Delta,
    pub(crate) display: Display,
}

impl Stand {
    /// The stand of a shelf's model with a delta.
    async fn new(live: Option<Live>, delta: Delta, on: On) -> Result<Self, Problem> {
        let changes = delta.changes();
        let shelf = aside(move || match on {
            On::Artifact(artifact) => Shelf::new(artifact, &changes),
            On::Products(mut products) => {
                products.extend(changes);
                Shelf::new(None, &products)
            }
            On::Shelf(shelf) => shelf.with_changes(&changes),
        });
        let shelf = Arc::new(shelf.await.map_err(|_| unavailable("the shelf could not be built"))?);
        let version = live.as_ref().filter(|_| shelf.artifact().is_some()).map(|live| live.version.clone());
        Ok(Self { display: Display { version, shelf, delta: delta.end() }, live, delta })
    }

    /// The stand of a version of the past: its artifact and the changes since.
    pub(crate) async fn of_past(
        live: Option<Live>,
        artifact: Option<Arc<Artifact>>,
        changes: &[(String, Change)],
    ) -> Result<Self, Problem> {
        Self::new(live, Delta::of(Millis(0), changes), On::Artifact(artifact)).await
    }

    fn version(&self) -> Option<&str> {
        self.live.as_ref().map(|live| live.version.as_str())
    }

    fn delta_from(&self) -> Millis {
        self.live.as_ref().map_or(Millis(0), |live| live.delta_from)
    }

    /// The same with more changes, if there are any.
    async fn with(&self, changes: &[(String, Change)]) -> Result<Option<Self>, Problem> {
        let mut delta = self.delta.clone();
        if !delta.absorb(self.delta_from(), changes) {
            return Ok(None);
        }
        Self::new(self.live.clone(), delta, On::Shelf(self.display.shelf.clone())).await.map(Some)
    }
}

/// What changes are put on.
enum On {
    Artifact(Option<Arc<Artifact>>),
    Products(Vec<Change>),
    Shelf(Arc<Shelf>),
}

/// What is known of a shop.
#[derive(Debug, Clone)]
struct Known {
    now: Arc<Stand>,
    /// The one before the last swap, and when it was swapped.
    before: Option<(Millis, Arc<Stand>)>,
    /// A version that cannot be opened, and when that was tried.
    refused: Option<(Millis, String)>,
    /// The version that is to answer next.
    opening: Option<Opening>,
}

/// All shops in memory.
#[derive(Debug)]
pub(crate) struct Shops {
    reader: Reader,
    shops: Mutex<HashMap<Shop, Arc<Cell<Known>>>>,
}

/// What a reading needs.
#[derive(Debug, Clone)]
struct Reader {
    context: Context,
    lineup: Lineup,
}

impl Shops {
    pub(crate) fn new(context: Context, lineup: Lineup) -> Self {
        Self { reader: Reader { context, lineup }, shops: Mutex::default() }
    }

    fn cell(&self, shop: &Shop) -> Arc<Cell<Known>> {
        let mut shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        if shops.len() >= MEMORY && !shops.contains_key(shop) {
            shops.clear();
        }
        shops.entry(shop.clone()).or_default().clone()
    }

    /// What can be shown now, at most a second old unless the table is slow.
    ///
    /// # Errors
    /// If nothing is known of the shop and the table cannot say.
    pub(crate) async fn display(&self, shop: &Shop) -> Result<Read<Display>, Problem> {
        let context = &self.reader.context;
        let (reader, of) = (self.reader.clone(), shop.clone());
        let read = |known, now| async move { reader.read(&of, known, now).await };
        let deadline = context.deadlines.catalogue;
        let known = self.cell(shop).read(&context.clock, deadline, deadline * FIRST * DOWNLOAD, read).await?;
        Ok(Read { value: known.value.now.display.clone(), stale: known.stale })
    }

    /// The only shop that there is, if there is only one.
    ///
    /// # Errors
    /// If the object store fails.
    pub(crate) async fn only(&self) -> vitrine_store::Result<Option<Shop>> {
        let mut shops = self.reader.context.objects.shops().await?;
        Ok(shops.pop().filter(|_| shops.is_empty()))
    }

    /// The display of a version that a cursor pins, if it is still in memory.
    pub(crate) fn pinned(&self, shop: &Shop, version: Option<&str>) -> Option<Display> {
        let known = self.cell(shop).last()?;
        let now = self.reader.context.clock.now();
        let before = known.before.filter(|(since, _)| now.since(*since) < PINNED).map(|(_, stand)| stand);
        let mut stands = std::iter::once(known.now).chain(before);
        stands.find(|stand| stand.display.version.as_deref() == version).map(|stand| stand.display.clone())
    }

    /// The artifact of a published version.
    ///
    /// # Errors
    /// If it is gone or cannot be opened.
    pub(crate) async fn artifact(&self, live: &Live) -> Result<Arc<Artifact>, OpenError> {
        open(&self.reader.context, &self.reader.lineup, live).await
    }
}

impl Reader {
    /// Reads the pointer to the live model and the delta, and makes of what was known what is known now.
    async fn read(&self, shop: &Shop, known: Option<(Millis, Known)>, now: Millis) -> Result<Known, Problem> {
        let table = &self.context.table;
        let most = self.context.deadlines.catalogue * FIRST;
        let Some((read, known)) = known else { return self.first(shop).await };
        let since = read.plus(-OVERLAP).max(known.now.delta_from());
        let both = async { tokio::try_join!(table.live_model(shop), table.changes_since(shop, since)) };
        let (live, changes) = bounded(most, both).await?;
        let live = live.map(|(live, _)| live);
        let before = match known.before.filter(|(swapped, _)| now.since(*swapped) < PINNED) {
            Some((swapped, stand)) => Some((swapped, more(stand, &changes).await?)),
            None => None,
        };
        let stand = more(known.now, &changes).await?;
        let same = live.as_ref().map(|live| live.version.as_str()) == stand.version();
        let refused = known.refused.filter(|(tried, version)| {
            now.since(*tried) < REFUSED && live.as_ref().is_some_and(|live| live.version == *version)
        });
        if same && (stand.live.is_none() || stand.display.version.is_some()) || refused.is_some() {
            return Ok(Known { now: stand, before, refused, opening: None });
        }
        let artifact = match &live {
            None => None,
            Some(live) => {
                // One that lies on the disk is open in a moment; what takes longer is looked at again by the next reading.
                let begin =
                    || Opening::begin(self.context.clone(), self.lineup.clone(), shop.clone(), live.clone(), now);
                let (opening, most) = match known.opening.filter(|opening| opening.is_of(live, now)) {
                    Some(opening) => (opening, Duration::ZERO),
                    None => (begin(), self.context.deadlines.catalogue / MOMENT),
                };
                match opening.within(most).await {
                    Some(Some(artifact)) => Some(artifact),
                    // The one before answers until the new one can be opened.
                    Some(None) => {
                        let refused = Some((now, live.version.clone()));
                        return Ok(Known { now: stand, before, refused, opening: None });
                    }
                    None => return Ok(Known { now: stand, before, refused: None, opening: Some(opening) }),
                }
            }
        };
        let delta = self.delta(shop, live.as_ref()).await?;
        let new = Stand::new(live, delta, On::Artifact(artifact)).await?;
        Ok(Known { now: Arc::new(new), before: Some((now, stand)), refused: None, opening: None })
    }

    async fn first(&self, shop: &Shop) -> Result<Known, Problem> {
        let (table, most) = (&self.context.table, self.context.deadlines.catalogue * FIRST);
        let live = bounded(most, table.live_model(shop)).await?.map(|(live, _)| live);
        let artifact = async {
            match &live {
                Some(live) => opened(&self.context, &self.lineup, shop, live).await.map(Some),
                None => Some(None),
            }
        };
        let (opened, delta) = tokio::join!(artifact, self.delta(shop, live.as_ref()));
        let delta = delta?;
        if let Some(artifact) = opened {
            let stand = Stand::new(live, delta, On::Artifact(artifact)).await?;
            return Ok(Known { now: Arc::new(stand), before: None, refused: None, opening: None });
        }
        // Without any model the catalogue that it was built from is still something to show.
        let catalogue = Catalogue::load(table, &self.context.objects, shop, live.as_ref()).await?;
        let time = Millis(0);
        let change = |product: vitrine_domain::Product| Change { time, id: product.id.clone(), product: Some(product) };
        let products = catalogue.products.into_iter().map(change).collect();
        let refused = live.as_ref().map(|live| (self.context.clock.now(), live.version.clone()));
        let stand = Stand::new(live, delta, On::Products(products)).await?;
        Ok(Known { now: Arc::new(stand), before: None, refused, opening: None })
    }

    /// Everything that changed since a model was built.
    async fn delta(&self, shop: &Shop, live: Option<&Live>) -> Result<Delta, Problem> {
        let from = live.map_or(Millis(0), |live| live.delta_from);
        let changes = self.context.table.changes_since(shop, from);
        Ok(Delta::of(from, &bounded(self.context.deadlines.catalogue * FIRST, changes).await?))
    }
}

async fn more(stand: Arc<Stand>, changes: &[(String, Change)]) -> Result<Arc<Stand>, Problem> {
    Ok(stand.with(changes).await?.map_or(stand, Arc::new))
}
