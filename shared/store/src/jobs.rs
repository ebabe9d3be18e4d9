//! Work that outlasts a request: large imports and trainings on demand.
//!
//! A job begins with an object under `shops/<shop>/jobs/<kind>/<id>`; that it was created invokes the function that does
//! the work, which writes how far it is into the table. So a job is as durable as the object store, and nothing else has
//! to run while nobody asks.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vitrine_domain::{Millis, Shop};

use crate::table::{Table, document, item, nonce, with_expiry};
use crate::{Result, keys};

/// Days for which it can be asked what became of a job.
const DAYS: i64 = 30;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Train the shop's models.
    Retrain,
    /// Import products.
    Products,
    /// Import orders.
    Orders,
    /// Import customers.
    Customers,
}

impl JobKind {
    /// Its name in the object's key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retrain => "retrain",
            Self::Products => "products",
            Self::Orders => "orders",
            Self::Customers => "customers",
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for its object, or for the function.
    Waiting,
    /// It is being done.
    Running,
    /// It is done; the result says what came of it.
    Done,
    /// It could not be done; the result says why.
    Failed,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its identifier.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// When it was asked for.
    pub created: Millis,
    /// When its state last changed.
    pub changed: Millis,
    /// What was asked for besides its kind, such as the format of a file.
    #[serde(default)]
    pub options: Value,
    /// A report, or what went wrong.
    #[serde(default)]
    pub result: Value,
}

impl Job {
    /// A job that waits.
    ///
    /// # Errors
    /// If the operating system gives no random numbers.
    pub fn new(kind: JobKind, options: Value, now: Millis) -> Result<Self> {
        let id = format!("{}-{}", now.sort_key(), nonce()?);
        let state = JobState::Waiting;
        Ok(Self { id, kind, state, created: now, changed: now, options, result: Value::Null })
    }

    /// Key of the object whose creation starts the job.
    #[must_use]
    pub fn object(&self, shop: &Shop) -> String {
        format!("shops/{shop}/jobs/{}/{}", self.kind.as_str(), self.id)
    }
}

/// Shop, kind and id of a job's object.
#[must_use]
pub fn parse_object(key: &str) -> Option<(Shop, JobKind, &str)> {
    let (shop, rest) = key.strip_prefix("shops/")?.split_once("/jobs/")?;
    let (kind, id) = rest.split_once('/')?;
    let kinds = [JobKind::Retrain, JobKind::Products, JobKind::Orders, JobKind::Customers];
    let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
    Some((Shop::new(shop).ok()?, kind, id))
}

impl Table {
    /// Writes how far a job is.
    ///
    /// # Errors
    /// If the table cannot take it.
    pub async fn put_job(&self, shop: &Shop, job: &Job) -> Result<()> {
        let stored = item(keys::settings(shop), keys::job(&job.id), "job", job)?;
        self.put(with_expiry(stored, job.created.plus(DAYS * vitrine_domain::time::DAY))).await
    }

    /// A job.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn job(&self, shop: &Shop, id: &str) -> Result<Option<Job>> {
        let found = self.get(keys::settings(shop), &keys::job(id)).await?;
        found.map(|item| document(&item, "job")).transpose()
    }
}
