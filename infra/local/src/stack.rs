//! Starting and stopping the stack.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vitrine_engine::{Durability, Engine};
use vitrine_http::App;
use vitrine_learn::Lineup;
use vitrine_runtime::{Clock, Config, Context, Limits, Place, VectorServer};

use crate::poller::{Poller, Reader};
use crate::{Running, erasures, jobs, leftovers, sample, schedule, web};

/// Name of the table on one machine.
const TABLE: &str = "vitrine";

/// How the stack is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of everything that is kept.
    pub data: PathBuf,
    /// Address that is listened on.
    pub host: IpAddr,
    /// Port; zero for any that is free.
    pub port: u16,
    /// Address of another DynamoDB endpoint in place of the embedded engine.
    pub dynamodb: Option<String>,
    /// What an answered write survives, with the embedded engine.
    pub durability: Durability,
    /// Whether the sample shop is loaded on the first start.
    pub sample: bool,
    /// Whether the stream is read; a test stops it to show what does not depend on it.
    pub poll: bool,
    /// Whether progress is shown.
    pub quiet: bool,
    /// The algorithms that models are made of.
    pub lineup: Lineup,
    /// How much one key and one visitor may ask.
    pub limits: Limits,
    /// The server that carries the vectors, if one does.
    pub vectors: Option<VectorServer>,
}

impl Options {
    /// A stack under a folder, on any free loopback port, without the sample shop: for tests.
    #[must_use]
    pub fn bare(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            host: IpAddr::from([127, 0, 0, 1]),
            port: 0,
            dynamodb: None,
            durability: Durability::Process,
            sample: false,
            poll: true,
            quiet: true,
            lineup: Lineup::default(),
            limits: Limits::default(),
            vectors: None,
        }
    }
}

/// The running stack.
#[derive(Debug)]
pub struct Stack {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its stores, clock and settings.
    pub context: Context,
    /// Name and password of the sample shop's admin, at the start that made them.
    pub admin: Option<(String, String)>,
    /// The reader of the table's stream.
    pub poller: Arc<Poller>,
    data: PathBuf,
    polls: bool,
    engine: Option<Engine>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Stack {
    /// Starts everything; on the first start the sample shop is loaded, folded, archived and trained before this returns.
    ///
    /// # Errors
    /// If the data folder is in use or unusable, the port is taken, the table does not answer, or the sample shop would be
    /// served to a network.
    pub async fn start(options: Options) -> Result<Self> {
        vitrine_runtime::metrics::start_here();
        std::fs::create_dir_all(&options.data)
            .with_context(|| format!("the data folder {} cannot be made", options.data.display()))?;
        let listener = TcpListener::bind((options.host, options.port))
            .await
            .with_context(|| format!("port {} cannot be opened; another one can be given with --port", options.port))?;
        let address = listener.local_addr()?;
        let (engine, endpoint) = match &options.dynamodb {
            Some(endpoint) => (None, endpoint.clone()),
            None => {
                let engine = Engine::file(&options.data.join("table.db"), options.durability).await?;
                let endpoint = engine.endpoint();
                (Some(engine), endpoint)
            }
        };
        let config = config(&options.data, &endpoint, options.vectors.clone())?;
        let mut context = Context::connect(config, Clock::system()).await?.with(options.lineup.clone());
        context.limits = options.limits;
        context.table.create_if_missing().await.with_context(|| format!("the table at {endpoint} does not answer"))?;
        if !options.host.is_loopback() && context.table.api_key(sample::SERVER_KEY).await?.is_some() {
            if let Some(engine) = engine {
                engine.shutdown().await;
            }
            anyhow::bail!(
                "{} holds the sample shop, whose keys everybody knows; on {} use another folder",
                options.data.display(),
                options.host
            );
        }
        leftovers::sweep(&options.data.join("objects")).context("what a killed run left behind cannot be deleted")?;
        Running { address, dynamodb: endpoint }.write(&options.data)?;

        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        let poller = Arc::new(Poller::new(context.clone(), &options.data)?);
        if options.poll {
            tasks.push(tokio::spawn(poller.clone().run(Reader::Fold, stopped.clone())));
            tasks.push(tokio::spawn(poller.clone().run(Reader::Archive, stopped.clone())));
        }
        let app = App::new(context.clone()).at(&format!("http://{}", reachable(address)));
        tasks.push(tokio::spawn(web::serve(listener, app, stopped.clone())));
        let admin = if options.sample && options.host.is_loopback() {
            sample::load(&context, &poller, &options).await?
        } else {
            None
        };
        tasks.push(tokio::spawn(jobs::watch(context.clone(), stopped.clone())));
        tasks.push(tokio::spawn(schedule::run(context.clone(), stopped)));
        Ok(Self { address, context, admin, poller, data: options.data, polls: options.poll, engine, stop, tasks })
    }

    /// Address of the API and the shop.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Deletes stream records that every reader has passed, as AWS does after a day.
    pub fn trim(&self) {
        vitrine_runtime::metrics::sum_up();
        let Some(engine) = &self.engine else { return };
        if let Some(before) = self.poller.passed()
            && let Err(error) = engine.trim(TABLE, before)
        {
            tracing::warn!(cause = %error, "consumed stream records could not be deleted");
        }
    }

    /// Takes those who were erased since the last time out of the files of this machine: dead letters, consumed stream
    /// records, and what the table's file keeps of deleted rows. The table is busy for some seconds a gigabyte.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub async fn scrub(&self) -> Result<()> {
        let (before, now) = (erasures::scrubbed(&self.data), self.context.clock.now());
        if !erasures::any_since(&self.context, before).await? {
            return Ok(());
        }
        if self.polls {
            self.poller.caught_up().await;
        }
        erasures::bury_letters(&self.context, &self.data.join("dead-letters")).await?;
        if let Some(engine) = &self.engine {
            if let Some(passed) = self.poller.passed() {
                engine.trim(TABLE, passed + 1)?;
            }
            if !engine.vacuum()? {
                return Ok(());
            }
        }
        // What was under way then is looked at once more.
        erasures::note(&self.data, now.plus(-2 * vitrine_domain::time::MINUTE))
    }

    /// Lets what is under way finish, then stops.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A task that hangs must not keep a person at the terminal.
            tokio::time::timeout(std::time::Duration::from_secs(10), task).await.ok();
        }
        if let (Some(engine), Some(before)) = (&self.engine, self.poller.passed()) {
            engine.trim(TABLE, before).ok();
        }
        Running::remove(&self.data);
        if let Some(engine) = self.engine {
            engine.shutdown().await;
        }
    }
}

/// Where the stack itself reaches what it listens on.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => ([127, 0, 0, 1], address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

/// The settings of the functions on one machine.
fn config(data: &Path, endpoint: &str, vectors: Option<VectorServer>) -> Result<Config> {
    let scratch = data.join("scratch");
    std::fs::create_dir_all(&scratch)?;
    Ok(Config {
        table: TABLE.to_owned(),
        objects: Place::Folder(data.join("objects")),
        dynamodb_endpoint: Some(endpoint.to_owned()),
        s3_endpoint: None,
        secret: secret(data)?,
        retention: 760 * vitrine_domain::time::DAY,
        backups: 0,
        scratch,
        text_weights: Some(data.join("text.weights")).filter(|file| file.exists()),
        vectors,
    })
}

/// The secret that seals decision ids and cursors: made at the first start, readable to its owner alone.
fn secret(data: &Path) -> Result<String> {
    let file = data.join("secret");
    if let Ok(secret) = std::fs::read_to_string(&file) {
        return Ok(secret.trim().to_owned());
    }
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
    let secret = vitrine_store::api_keys::hex(&bytes);
    // Whole or not at all: a kill in between must not leave an empty secret, which anybody could know.
    let part = file.with_extension("part");
    std::fs::write(&part, &secret)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o600))?;
    }
    std::fs::rename(&part, &file)?;
    Ok(secret)
}
