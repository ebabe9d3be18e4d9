//! Where the tests of the stores find their table: the embedded engine, or another implementation of DynamoDB that has to
//! pass the same tests.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Engine, Error};

/// Tables that this process has named.
static NAMED: AtomicU32 = AtomicU32::new(0);

/// The endpoint of a test, with the name of a table that no other test uses.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    table: String,
    _engine: Option<Engine>,
}

impl Endpoint {
    /// An engine in memory; or the endpoint that `VITRINE_TEST_DYNAMODB` names, whose tables are left behind.
    ///
    /// # Errors
    /// If no port can be opened.
    #[allow(clippy::disallowed_methods, reason = "a setting of tests, which functions never read")]
    pub async fn for_test() -> Result<Self, Error> {
        let Some(url) = std::env::var("VITRINE_TEST_DYNAMODB").ok().filter(|url| !url.is_empty()) else {
            let engine = Engine::memory().await?;
            return Ok(Self { url: engine.endpoint(), table: "vitrine".to_owned(), _engine: Some(engine) });
        };
        let table = format!("vitrine-{}-{}", std::process::id(), NAMED.fetch_add(1, Ordering::Relaxed));
        Ok(Self { url, table, _engine: None })
    }

    /// Address for the AWS client.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Name of the table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}
