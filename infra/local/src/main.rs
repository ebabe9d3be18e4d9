//! `vitrine-local`: the whole stack on one machine, with one command.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a person at a terminal reads")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use vitrine_engine::{Durability, Engine};
use vitrine_learn::Lineup;
use vitrine_local::{Again, Running, Serve, client, keys, letters, serve, serve_table, shops, staff, stores};
use vitrine_runtime::{Clock, Context, telemetry};
use vitrine_store::{Connection, Table};

/// Bodies of some megabytes come and go on many threads. Under a hundred thousand hostile requests the C library's allocator rose
/// by 286 MB, this one, in version 2, by 167, and stays where it was after ten thousand. `tests/hostile/run` measures it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Where a stack listens unless it is told otherwise.
const ENDPOINT: &str = "http://127.0.0.1:8080";

/// Personalization for an online shop, whole, on this machine.
///
/// Without a command it starts the stack: a DynamoDB-compatible table in a file, a folder as object store, all functions
/// behind one port, and on the first start a sample shop.
#[derive(Debug, Parser)]
#[command(name = "vitrine-local", version, max_term_width = 100)]
struct Cli {
    /// Folder of everything that is kept
    #[arg(long, global = true, default_value = "data", env = "VITRINE_DATA")]
    data_dir: PathBuf,
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a shop
    Shops {
        #[command(subcommand)]
        command: Shops,
    },
    /// List, make, rotate and revoke the keys of a shop
    Keys {
        #[command(subcommand)]
        command: keys::Command,
        /// The table of a deployed stack, reached with the credentials and region of the environment
        #[arg(long, global = true)]
        table: Option<String>,
    },
    /// List, add and remove those who may sign in to a shop's console
    Staff {
        #[command(subcommand)]
        command: staff::Command,
        /// The table of a deployed stack, reached with the credentials and region of the environment
        #[arg(long, global = true)]
        table: Option<String>,
    },
    /// List, do again or take away the records that a function failed on again and again
    DeadLetters {
        #[command(subcommand)]
        command: letters::Command,
    },
    /// Serve the table of the folder and nothing else, for a stack that is started with `--dynamodb-endpoint`
    #[command(hide = true)]
    Table,
    /// Import a file into a shop, through the API of any stack
    Import {
        /// What the file holds
        kind: Kind,
        /// The file: Google feed (TSV, XML), Shopify (CSV, JSON), JSON-LD, CSV, NDJSON, Parquet; gzip or not
        file: PathBuf,
        #[command(flatten)]
        target: Target,
        /// Format, if it cannot be told from the file
        #[arg(long)]
        format: Option<String>,
        /// The file is the whole catalogue: withdraw products that it does not name
        #[arg(long)]
        complete: bool,
        /// Make the catalogue from the order book too, for shops without a product feed
        #[arg(long)]
        with_products: bool,
        /// ISO 4217 code of amounts that come without one
        #[arg(long)]
        currency: Option<String>,
    },
    /// Train a shop's models now, and wait
    Retrain {
        #[command(flatten)]
        target: Target,
    },
    /// Go back to the model before the live one, or to the version named; a later training may publish a newer one
    Rollback {
        /// The shop
        shop: String,
        /// Version of the model, as `GET /v1/models` lists them
        version: Option<String>,
        /// Address of the stack
        #[arg(long, default_value = ENDPOINT, env = "VITRINE_ENDPOINT")]
        endpoint: String,
        /// The shop's server key; the sample shop's is known
        #[arg(long, env = "VITRINE_KEY", hide_env_values = true)]
        key: Option<String>,
    },
    /// Erase once more, after the data folder or a table was restored from a backup, whoever had been erased since: by the records
    /// that lie beside the archive, under `erasures/` of each shop
    EraseAgain {
        /// The table of a deployed stack; bucket and secret are those of the environment too, as a function has them
        #[arg(long, env = "VITRINE_TABLE")]
        table: Option<String>,
    },
    /// Make a decision again from what it was made from, and say whether it is what was answered
    Replay {
        /// The `decision_id` of an answer
        decision: String,
        /// Address of the stack
        #[arg(long, default_value = ENDPOINT, env = "VITRINE_ENDPOINT")]
        endpoint: String,
        /// The shop's server key; the sample shop's unless set
        #[arg(long, env = "VITRINE_KEY", hide_env_values = true)]
        key: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum Shops {
    /// Make a shop and print its two keys
    Create {
        /// Its name: lower-case letters, digits and hyphens
        name: String,
        /// The table of a deployed stack, reached with the credentials and region of the environment
        #[arg(long)]
        table: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    Products,
    Orders,
    Customers,
}

#[derive(Debug, Args)]
struct Target {
    /// Address of the stack
    #[arg(long, default_value = ENDPOINT, env = "VITRINE_ENDPOINT")]
    endpoint: String,
    /// The shop's server key
    #[arg(long, env = "VITRINE_KEY", hide_env_values = true)]
    key: String,
}

fn main() -> Result<()> {
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(run(started));
    // A training under way is not waited for: the next one begins anew.
    runtime.shutdown_timeout(Duration::from_secs(2));
    done
}

async fn run(started: Instant) -> Result<()> {
    telemetry::start(telemetry::Format::Text);
    let cli = Cli::parse();
    match cli.command {
        None => serve(cli.data_dir, cli.serve, Lineup::default(), started).await,
        Some(Command::Table) => serve_table(&cli.data_dir, &cli.serve).await,
        Some(Command::Shops { command: Shops::Create { name, table } }) => {
            let opened = Opened::open(cli.data_dir, &cli.serve, table).await?;
            let made = print_keys(&opened.table, &name).await;
            opened.close().await;
            made
        }
        Some(Command::Keys { command, table }) => {
            let opened = Opened::open(cli.data_dir, &cli.serve, table).await?;
            let told = keys::run(&opened.table, command, Clock::system().now()).await;
            opened.close().await;
            println!("{}", told?);
            Ok(())
        }
        Some(Command::Staff { command, table }) => {
            let opened = Opened::open(cli.data_dir, &cli.serve, table).await?;
            let told = staff::run(&opened.table, command, Clock::system().now()).await;
            opened.close().await;
            println!("{}", told?);
            Ok(())
        }
        Some(Command::DeadLetters { command }) => {
            let opened = Opened::open(cli.data_dir.clone(), &cli.serve, None).await?;
            let done = letters::run(&cli.data_dir, &opened.endpoint, command).await;
            opened.close().await;
            let done = done?;
            println!("{}", done.told);
            if done.failed > 0 {
                anyhow::bail!("some failed again; the reason now stands beside each");
            }
            Ok(())
        }
        Some(Command::Import { kind, file, target, format, complete, with_products, currency }) => {
            let kind = match kind {
                Kind::Products => "products",
                Kind::Orders => "orders",
                Kind::Customers => "customers",
            };
            let mut query = Vec::new();
            query.extend(format.map(|format| ("format", format)));
            query.extend(complete.then(|| ("complete", "true".to_owned())));
            query.extend(with_products.then(|| ("with_products", "true".to_owned())));
            query.extend(currency.map(|currency| ("currency", currency)));
            let report = client::import(&target.endpoint, &target.key, kind, &file, &query).await?;
            println!("{}", serde_json::to_string_pretty(&report)?);
            Ok(())
        }
        Some(Command::Retrain { target }) => {
            let result = client::retrain(&target.endpoint, &target.key).await?;
            println!("{}", serde_json::to_string_pretty(&result)?);
            if let Some(reason) = result["reason"].as_str() {
                eprintln!("\nNot published: {reason}.");
            }
            Ok(())
        }
        Some(Command::Rollback { shop, version, endpoint, key }) => {
            let key = key.or_else(|| shops::sample_key(&shop).map(str::to_owned));
            let key = key.context("the shop's server key is needed: --key, or VITRINE_KEY")?;
            let went = client::rollback(&endpoint, &key, &shop, version.as_deref()).await?;
            println!("{}", serde_json::to_string_pretty(&went)?);
            eprintln!("\nThe next training may publish a newer model, if it is not worse than this one.");
            Ok(())
        }
        Some(Command::EraseAgain { table }) => erase_again(cli.data_dir, &cli.serve, table).await,
        Some(Command::Replay { decision, endpoint, key }) => {
            let key = key.unwrap_or_else(|| shops::SAMPLE_KEY.to_owned());
            let replayed = client::replay(&endpoint, &key, &decision).await?;
            println!("{}\n\n{}", replayed.verdict, replayed.told());
            if !replayed.is_identical() {
                anyhow::bail!("this is not what was answered");
            }
            Ok(())
        }
    }
}

/// A table, and the engine behind it if it was started for this.
struct Opened {
    table: Table,
    /// Where it is; empty for that of a deployed stack.
    endpoint: String,
    engine: Option<Engine>,
}

impl Opened {
    /// The table of a deployed stack, of the running stack on the folder, or of the folder, which is opened for a moment.
    async fn open(data: PathBuf, serve: &Serve, deployed: Option<String>) -> Result<Self> {
        if let Some(table) = deployed {
            let connection = Connection { table, endpoint: serve.dynamodb_endpoint.clone() };
            return Ok(Self { table: Table::connect(&connection).await, endpoint: String::new(), engine: None });
        }
        let running = Running::find(&data);
        let endpoint = serve.dynamodb_endpoint.clone().or_else(|| running.map(|running| running.dynamodb));
        let engine = match &endpoint {
            Some(_) => None,
            None => {
                std::fs::create_dir_all(&data).with_context(|| format!("{} cannot be made", data.display()))?;
                Some(Engine::file(&data.join("table.db"), Durability::Power).await?)
            }
        };
        let endpoint = endpoint.or_else(|| engine.as_ref().map(Engine::endpoint));
        let table = Table::connect(&Connection { table: "vitrine".to_owned(), endpoint: endpoint.clone() }).await;
        table.create_if_missing().await?;
        Ok(Self { table, endpoint: endpoint.unwrap_or_default(), engine })
    }

    async fn close(self) {
        if let Some(engine) = self.engine {
            engine.shutdown().await;
        }
    }
}

/// In the deployed stack of the environment if it names a table, else in the data folder.
async fn erase_again(data: PathBuf, serve: &Serve, deployed: Option<String>) -> Result<()> {
    let done = if deployed.is_some() {
        vitrine_local::erase_again(&Context::from_env().await?).await?
    } else {
        let opened = Opened::open(data.clone(), serve, None).await?;
        let done = match stores(&data, &opened.endpoint).await {
            Ok(context) => vitrine_local::erase_again(&context).await,
            Err(error) => Err(error),
        };
        opened.close().await;
        done?
    };
    for Again { shop, erasures, deleted } in done {
        println!("{shop}: {erasures} erasures, {deleted} items deleted");
    }
    eprintln!("\nThe next training takes them out of the archive and the models again.");
    Ok(())
}

/// Makes a shop in a table that is there.
async fn print_keys(table: &Table, name: &str) -> Result<()> {
    let keys = shops::create(table, name, Clock::system().now()).await?;
    println!("shop         {name}\nbrowser key  {}\nserver key   {}", keys.browser, keys.server);
    eprintln!("\nKeep the server key secret; it is shown only now.");
    Ok(())
}
