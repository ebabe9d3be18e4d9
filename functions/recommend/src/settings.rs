//! A shop's placements and rules at a revision, read together at most once a second.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use vitrine_domain::{Placement, Rule, Shop};
use vitrine_http::Problem;
use vitrine_runtime::Context;
use vitrine_store::settings::{Snapshot, Versioned};

use crate::cell::{Cell, Read, unavailable};

/// The kinds that are read: they lie side by side with the revision, so that all three are one query.
const KINDS: [&str; 2] = ["placement", "rule"];
/// Shops remembered.
const MEMORY: usize = 256;
/// How much longer than any later reading the first one may take: there is nothing to answer with yet.
pub(crate) const FIRST: u32 = 5;

/// What the shop has set.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) revision: u64,
    placements: BTreeMap<String, Placement>,
    pub(crate) rules: Vec<Rule>,
}

impl Settings {
    /// The settings of the past or of now.
    ///
    /// # Errors
    /// If they are no longer kept, or the table fails.
    pub(crate) async fn at(context: &Context, shop: &Shop, revision: Option<u64>) -> vitrine_store::Result<Self> {
        let snapshot = context.table.settings_at(shop, &KINDS, revision).await?;
        let placements: Vec<Placement> = readable(&snapshot, "placement");
        Ok(Self {
            revision: snapshot.revision,
            placements: placements.into_iter().map(|placement| (placement.name.clone(), placement)).collect(),
            rules: readable(&snapshot, "rule"),
        })
    }

    /// The placement of a name: the shop's own, or the shipped one.
    pub(crate) fn placement(&self, name: &str) -> Option<Placement> {
        let own = self.placements.get(name).cloned();
        own.or_else(|| Placement::shipped().into_iter().find(|placement| placement.name == name))
    }

    /// The same with other rules.
    pub(crate) fn with_rules(&self, rules: Vec<Rule>) -> Self {
        Self { revision: self.revision, placements: self.placements.clone(), rules }
    }

    /// The names of all placements.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Placement::shipped().into_iter().map(|placement| placement.name).collect();
        names.extend(self.placements.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        names
    }
}

/// What can be read of a kind. One setting that cannot must not take all others with it.
fn readable<T: DeserializeOwned>(snapshot: &Snapshot, kind: &'static str) -> Vec<T> {
    let read = |stored: &Versioned<Box<RawValue>>| {
        serde_json::from_str(stored.value.get())
            .inspect_err(|error| tracing::error!(kind, id = stored.id, %error, "a setting cannot be read"))
            .ok()
    };
    snapshot.stored(kind).iter().filter_map(read).collect()
}

/// The settings of all shops in memory.
#[derive(Debug)]
pub(crate) struct AllSettings {
    context: Context,
    shops: Mutex<HashMap<Shop, Arc<Cell<Arc<Settings>>>>>,
}

impl AllSettings {
    pub(crate) fn new(context: Context) -> Self {
        Self { context, shops: Mutex::default() }
    }

    fn cell(&self, shop: &Shop) -> Arc<Cell<Arc<Settings>>> {
        let mut shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        if shops.len() >= MEMORY && !shops.contains_key(shop) {
            shops.clear();
        }
        shops.entry(shop.clone()).or_default().clone()
    }

    /// The settings that were read last, however old.
    pub(crate) fn last(&self, shop: &Shop) -> Option<Arc<Settings>> {
        self.cell(shop).last()
    }

    /// The settings now.
    ///
    /// # Errors
    /// If they were never read and cannot be.
    pub(crate) async fn now(&self, shop: &Shop) -> Result<Read<Arc<Settings>>, Problem> {
        let deadline = self.context.deadlines.catalogue;
        let first = deadline * FIRST;
        let (context, of) = (self.context.clone(), shop.clone());
        let read = |_, _| async move { bounded(first, Settings::at(&context, &of, None)).await.map(Arc::new) };
        self.cell(shop).read(&self.context.clock, deadline, first, read).await
    }
}

/// A reading that ends, one way or the other.
pub(crate) async fn bounded<T>(
    most: Duration,
    read: impl Future<Output = vitrine_store::Result<T>>,
) -> Result<T, Problem> {
    let late = |_| unavailable("the table did not answer a reading");
    tokio::time::timeout(most, read).await.map_err(late)?.map_err(Problem::from)
}
