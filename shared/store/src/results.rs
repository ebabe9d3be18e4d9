//! A shop's results: one object, replaced whenever the lake is read again. So a file that is read twice, corrected or taken out
//! by an erasure counts as it stands, and nothing is added up that could be added twice.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vitrine_domain::alike::LookAlikes;
use vitrine_domain::clusters::Clusters;
use vitrine_domain::results::{Attribution, Day, Results, Trial};
use vitrine_domain::{Millis, Shop};

use crate::lake::{compress, read_lines};
use crate::objects::Objects;
use crate::{Error, Result};

/// Results, and what they were made by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stored {
    /// What they were made by.
    pub head: Head,
    /// The sums.
    pub results: Results,
}

/// What results were made by.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    /// When the lake was read.
    pub at: Millis,
    /// The currency of all amounts; empty if no order names one.
    pub currency: String,
    /// What is attributed to placements.
    pub attribution: Attribution,
    /// People who did anything, robots not among them.
    pub people: u64,
    /// Robots, which count nowhere.
    pub robots: u64,
    /// The share of people who were to be held out of personalization, or of experiments; none if none were.
    pub held_out: Option<f64>,
    /// Whether these are left out of experiments only, and see the shop with personalization.
    pub experiments_only: bool,
    /// Since when.
    pub held_out_since: Millis,
}

/// A line of the object: days and trials have their own, because there may be many.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Head(Box<Head>),
    /// Everything but days and trials.
    Results(Box<Results>),
    Day(String, Box<Day>),
    Trial(String, Box<Trial>),
}

/// The look-alikes of a shop's segments: how many against how alike.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Audiences {
    /// When they were found.
    pub at: Millis,
    /// Visitors who were looked at.
    pub visitors: u64,
    /// The audiences that were asked for, and told.
    pub asked: BTreeSet<(String, u8)>,
    /// By segment; one of too few visitors is missing.
    pub segments: BTreeMap<String, LookAlikes>,
}

fn key(shop: &Shop) -> String {
    format!("shops/{shop}/results/results.ndjson.zst")
}

fn audiences_key(shop: &Shop) -> String {
    format!("shops/{shop}/results/audiences.json.zst")
}

fn clusters_key(shop: &Shop) -> String {
    format!("shops/{shop}/results/clusters.json.zst")
}

impl Objects {
    /// Writes results in the place of those before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn put_results(&self, shop: &Shop, stored: Stored) -> Result<()> {
        let Stored { head, mut results } = stored;
        let (days, trials) = (std::mem::take(&mut results.days), std::mem::take(&mut results.trials));
        let lines = [Line::Head(Box::new(head)), Line::Results(Box::new(results))]
            .into_iter()
            .chain(days.into_iter().map(|(name, day)| Line::Day(name, Box::new(day))))
            .chain(trials.into_iter().map(|(id, trial)| Line::Trial(id, Box::new(trial))));
        let lines: std::result::Result<Vec<String>, _> = lines.map(|line| serde_json::to_string(&line)).collect();
        self.put(&key(shop), compress(&lines.map_err(|e| Error::corrupt("results", e))?)?).await
    }

    /// Writes the groups of a shop's visitors in the place of those before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn put_clusters(&self, shop: &Shop, clusters: &Clusters) -> Result<()> {
        self.put_one(&clusters_key(shop), "clusters", clusters).await
    }

    /// Writes the look-alikes of a shop's segments in the place of those before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn put_audiences(&self, shop: &Shop, audiences: &Audiences) -> Result<()> {
        self.put_one(&audiences_key(shop), "look-alikes", audiences).await
    }

    /// The look-alikes of a shop's segments; none before a model saw the lake.
    ///
    /// # Errors
    /// If the store fails or the object is damaged.
    pub async fn audiences(&self, shop: &Shop) -> Result<Option<Audiences>> {
        self.get_one(&audiences_key(shop), "look-alikes").await
    }

    async fn put_one(&self, key: &str, what: &'static str, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value).map_err(|e| Error::corrupt(what, e))?;
        self.put(key, compress(&[text])?).await
    }

    async fn get_one<T: DeserializeOwned>(&self, key: &str, what: &'static str) -> Result<Option<T>> {
        let Some(bytes) = self.get(key).await? else { return Ok(None) };
        let mut value = None;
        read_lines(&bytes, &mut |line| {
            value = Some(serde_json::from_str(line).map_err(|e| Error::corrupt(what, e))?);
            Ok(())
        })?;
        Ok(value)
    }

    /// The groups of a shop's visitors; none before the lake was read for the first time.
    ///
    /// # Errors
    /// If the store fails or the object is damaged.
    pub async fn clusters(&self, shop: &Shop) -> Result<Option<Clusters>> {
        self.get_one(&clusters_key(shop), "clusters").await
    }

    /// The results; none before the lake was read for the first time.
    ///
    /// # Errors
    /// If the store fails or the object is damaged.
    pub async fn results(&self, shop: &Shop) -> Result<Option<Stored>> {
        let Some(bytes) = self.get(&key(shop)).await? else { return Ok(None) };
        let mut stored = Stored::default();
        read_lines(&bytes, &mut |line| {
            let results = &mut stored.results;
            match serde_json::from_str(line).map_err(|e| Error::corrupt("results", e))? {
                Line::Head(head) => stored.head = *head,
                Line::Results(sums) => results.add(&sums),
                Line::Day(name, day) => drop(results.days.insert(name, *day)),
                Line::Trial(id, trial) => drop(results.trials.insert(id, *trial)),
            }
            Ok(())
        })?;
        Ok(Some(stored))
    }
}
