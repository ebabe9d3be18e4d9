//! What a shop has set for its decisions, at a revision, read together at most once a second: placements, rules, segments,
//! experiments, who is held out, and the scale of customers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vitrine_domain::experiment::{HoldOut, Status};
use vitrine_domain::segment::Scale;
use vitrine_domain::{Experiment, Placement, Rule, Segment, Shop};
use vitrine_http::Problem;
use vitrine_runtime::Context;
use vitrine_store::settings::{EXPERIMENT, HOLD_OUT, OF_DECISIONS, PLACEMENT, RULE, SCALE};

use crate::cell::{Cell, Read, unavailable};

/// Shops remembered.
const MEMORY: usize = 256;
/// How much longer than any later reading the first one may take: there is nothing to answer with yet.
pub(crate) const FIRST: u32 = 5;

/// What the shop has set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) revision: u64,
    placements: BTreeMap<String, Placement>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) segments: Vec<Segment>,
    /// Those that run, in the order of their ids.
    pub(crate) experiments: Vec<Experiment>,
    pub(crate) hold_out: Option<HoldOut>,
    pub(crate) scale: Option<Scale>,
}

impl Settings {
    /// The settings of the past or of now.
    ///
    /// # Errors
    /// If they are no longer kept, or the table fails.
    pub(crate) async fn at(context: &Context, shop: &Shop, revision: Option<u64>) -> vitrine_store::Result<Self> {
        let snapshot = context.table.settings_at(shop, &OF_DECISIONS, revision).await?;
        let placements: Vec<Placement> = snapshot.readable(PLACEMENT);
        let mut experiments: Vec<Experiment> = snapshot.readable(EXPERIMENT);
        experiments.retain(|experiment| experiment.status == Status::Running);
        Ok(Self {
            revision: snapshot.revision,
            placements: placements.into_iter().map(|placement| (placement.name.clone(), placement)).collect(),
            rules: snapshot.readable(RULE),
            segments: snapshot.segments(),
            experiments,
            hold_out: snapshot.one(HOLD_OUT),
            scale: snapshot.one(SCALE),
        })
    }

    /// The placement of a name: the shop's own, or the shipped one.
    pub(crate) fn placement(&self, name: &str) -> Option<Placement> {
        let own = self.placements.get(name).cloned();
        own.or_else(|| Placement::shipped().into_iter().find(|placement| placement.name == name))
    }

    /// The same with other rules.
    pub(crate) fn with_rules(&self, rules: Vec<Rule>) -> Self {
        Self { rules, ..self.clone() }
    }

    /// The names of all placements.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Placement::shipped().into_iter().map(|placement| placement.name).collect();
        names.extend(self.placements.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        names
    }
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
