//! Starting and stopping the stack.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vitrine_domain::Millis;
use vitrine_engine::{Durability, Engine};
use vitrine_http::App;
use vitrine_learn::Lineup;
use vitrine_runtime::{Clock, Config, Context, Deadlines, Limits, Place, VectorServer};
use vitrine_store::Boxed;

use crate::letters::Letters;
use crate::poller::Poller;
use crate::readers::Reader;
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
    /// How long a recommendation waits for what.
    pub deadlines: Deadlines,
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
            deadlines: Deadlines::default(),
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
    /// Whether something was deleted because it is over, so that the table's file still holds it in free pages.
    expired: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Stack {
    /// Starts everything; on the first start the sample shop is loaded, folded, archived and trained before this returns.
    ///
    /// # Errors
    /// If the data folder is in use or unusable, the port is taken, the table does not answer, or the sample shop would be
    /// served to a network.
    pub fn start(options: Options) -> Boxed<'static, Result<Self>> {
        Box::pin(Self::begin(options))
    }

    async fn begin(options: Options) -> Result<Self> {
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
        context.deadlines = options.deadlines;
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
        let expired = Arc::new(AtomicBool::new(false));
        tasks.push(tokio::spawn(schedule::run(context.clone(), schedule::SOON, expired.clone(), stopped)));
        let (data, polls) = (options.data, options.poll);
        Ok(Self { address, context, admin, poller, data, polls, engine, expired, stop, tasks })
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

    /// Whether something was deleted because it is over and still lies in free pages of the table's file.
    pub(crate) fn has_expired(&self) -> bool {
        self.expired.load(Ordering::Relaxed)
    }

    /// Takes those who were erased since the last time, and what was over since then, out of the files of this machine: dead
    /// letters, consumed stream records, and what the table's file keeps of deleted rows; and deletes dead letters that are
    /// over. The table is busy for some seconds a gigabyte. The engine's own connections cannot be told to overwrite what they
    /// delete.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub async fn scrub(&self) -> Result<()> {
        let (before, now) = (erasures::scrubbed(&self.data), self.context.clock.now());
        erasures::expire_letters(&self.data.join("dead-letters"), now)?;
        // Before it is vacuumed: what is deleted meanwhile is for the next time.
        let expired = self.expired.swap(false, Ordering::Relaxed);
        let scrubbed = self.scrub_since(before, now, expired).await;
        if expired && !matches!(scrubbed, Ok(true)) {
            self.expired.store(true, Ordering::Relaxed);
        }
        scrubbed.map(drop)
    }

    /// Answers whether nothing is left in the files of what was deleted before.
    async fn scrub_since(&self, before: Millis, now: Millis, expired: bool) -> Result<bool> {
        if !expired && !erasures::any_since(&self.context, before).await? {
            return Ok(true);
        }
        if self.polls {
            self.poller.caught_up().await;
        }
        erasures::bury_letters(&self.context, Letters::of(&self.data)?.folder()).await?;
        if let Some(engine) = &self.engine {
            if let Some(passed) = self.poller.passed() {
                engine.trim(TABLE, passed + 1)?;
            }
            if !engine.vacuum()? {
                return Ok(false);
            }
        }
        // What was under way then is looked at once more.
        erasures::note(&self.data, now.plus(-2 * vitrine_domain::time::MINUTE))?;
        Ok(true)
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

/// The stores of a data folder behind a table's endpoint, for a program beside the stack or in its absence.
///
/// # Errors
/// If the folder is unusable.
pub async fn stores(data: &Path, endpoint: &str) -> Result<Context> {
    Ok(Context::connect(config(data, endpoint, None)?, Clock::system()).await?)
}

/// The settings of the functions on one machine.
pub(crate) fn config(data: &Path, endpoint: &str, vectors: Option<VectorServer>) -> Result<Config> {
    settings(&vitrine_runtime::environment, data, endpoint, vectors)
}

/// The data folder says most of them; how long things are kept is read as in the cloud. There are no backups.
fn settings(
    environment: &dyn Fn(&str) -> Option<String>,
    data: &Path,
    endpoint: &str,
    vectors: Option<VectorServer>,
) -> Result<Config> {
    let (scratch, secret) = (data.join("scratch"), secret(data)?);
    std::fs::create_dir_all(&scratch)?;
    let objects = data.join("objects");
    let read = Config::read(&|name| match name {
        "VITRINE_TABLE" => Some(TABLE.to_owned()),
        "VITRINE_FOLDER" => Some(objects.display().to_string()),
        "VITRINE_SECRET" => Some(secret.clone()),
        "VITRINE_BACKUP_DAYS" => Some("0".to_owned()),
        "VITRINE_RETENTION_DAYS" => environment(name),
        _ => None,
    })?;
    Ok(Config {
        objects: Place::Folder(objects.clone()),
        dynamodb_endpoint: Some(endpoint.to_owned()),
        scratch,
        text_weights: Some(data.join("text.weights")).filter(|file| file.exists()),
        vectors,
        ..read
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
    std::fs::remove_file(&part).ok();
    private(&part)?.write_all(secret.as_bytes())?;
    std::fs::rename(&part, &file)?;
    Ok(secret)
}

/// A new file that nobody but its owner can read, from the first moment on.
fn private(file: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

#[cfg(test)]
mod tests {
    use vitrine_domain::{Action, Event, MessageId, Shop, Visitor};

    use super::*;

    #[test]
    fn how_long_things_are_kept_is_read_from_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let days = |days: Option<&str>| {
            let environment = |name: &str| days.filter(|_| name == "VITRINE_RETENTION_DAYS").map(str::to_owned);
            settings(&environment, folder.path(), "http://127.0.0.1:1", None)
                .map(|config| config.retention / vitrine_domain::time::DAY)
        };
        assert_eq!((days(None).unwrap(), days(Some("30")).unwrap()), (760, 30));
        assert!(days(Some("long")).unwrap_err().to_string().contains("VITRINE_RETENTION_DAYS"));
    }

    /// SQLite keeps deleted rows in free pages and in its log.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_over_is_in_no_byte_of_the_tables_file_once_it_was_scrubbed() {
        let folder = tempfile::tempdir().unwrap();
        let stack = Stack::start(Options::bare(folder.path())).await.unwrap();
        let holds = |name: &str| {
            let files = ["table.db", "table.db-wal"].map(|file| std::fs::read(folder.path().join(file)));
            files.into_iter().flatten().any(|bytes| bytes.windows(name.len()).any(|part| part == name.as_bytes()))
        };
        let (shop, table) = (Shop::new("demo").unwrap(), &stack.context.table);
        let event = |name: &str, received: Millis| {
            let visitor = Visitor::anonymous(name).unwrap();
            let event = Event::new(MessageId::new("m").unwrap(), visitor, received, Action::View);
            Event { received, ..event }
        };
        let events = [event("was-here-long-ago", Millis(1_000_000_000_000)), event("is-here", Clock::system().now())];
        table.import_events(&shop, &events).await.unwrap();
        assert_eq!(table.delete_expired().await.unwrap(), 1);
        assert!(holds("was-here-long-ago"));
        stack.expired.store(true, Ordering::Relaxed);
        stack.scrub().await.unwrap();
        assert!(!stack.has_expired() && !holds("was-here-long-ago") && holds("is-here"));
        stack.stop().await;
    }

    #[cfg(unix)]
    #[test]
    fn the_secret_is_its_owners_from_the_moment_its_file_is_there() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
        let empty = folder.path().join("empty");
        private(&empty).unwrap();
        assert_eq!(mode(&empty), 0o600);
        // What a killed start left behind may be anybody's to read.
        std::fs::write(folder.path().join("secret.part"), "half").unwrap();
        let made = secret(folder.path()).unwrap();
        assert_eq!((made.len(), secret(folder.path()).unwrap()), (64, made.clone()));
        assert_eq!(mode(&folder.path().join("secret")), 0o600);
    }
}
