//! A shop's keys from the command line: listed, made, rotated, revoked. The command reads and writes the table itself, so it
//! works where no key is known any more.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use clap::{Subcommand, ValueEnum};
use vitrine_domain::time::HOUR;
use vitrine_domain::{Millis, Shop};
use vitrine_store::Table;
use vitrine_store::api_keys::{Entry, Grant, KeyKind, MAX_KEYS, MAX_LABEL, Scope, Scopes, all_of};

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the keys of a shop; the keys themselves are stored nowhere
    List {
        /// The shop
        shop: String,
    },
    /// Make a key and print it
    Create {
        /// The shop
        shop: String,
        /// What it is for
        #[arg(long, value_enum, default_value = "server")]
        kind: Kind,
        /// What it may do: events, read, catalogue, view, manage, privacy, keys; everything unless named
        #[arg(long, value_delimiter = ',', value_parser = scope)]
        scopes: Vec<Scope>,
        /// What people call it
        #[arg(long, default_value = "")]
        label: String,
    },
    /// Make a key like another one and print it; the other one works on for some hours
    Rotate {
        /// The shop
        shop: String,
        /// The key's id, as `keys list` shows it
        id: String,
        /// Hours for which the old key works on, 0 to 2160
        #[arg(long, default_value_t = 168, value_parser = clap::value_parser!(i64).range(0..=2160))]
        hours: i64,
    },
    /// Take a key back; a running stack knows it for half a minute more
    Revoke {
        /// The shop
        shop: String,
        /// The key's id, as `keys list` shows it
        id: String,
    },
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A storefront's page.
    Browser,
    /// The shop's servers.
    Server,
}

fn scope(name: &str) -> Result<Scope, String> {
    let known = || Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(name).ok_or_else(|| format!("one of {}", known()))
}

/// Does it, and says what a person at the terminal reads.
///
/// # Errors
/// If the shop or key is none, the table does not answer, or the shop can have no such key.
pub async fn run(table: &Table, command: Command, now: Millis) -> Result<String> {
    match command {
        Command::List { shop } => Ok(told(&table.keys_of(&Shop::new(shop)?, now).await?)),
        Command::Create { shop, kind, scopes, label } => {
            let shop = Shop::new(shop)?;
            let grant = grant(kind, scopes, label)?;
            has_room(table, &shop, now).await?;
            let (key, entry) = table.create_key(&shop, grant, now).await?;
            Ok(shown(&key, &entry))
        }
        Command::Rotate { shop, id, hours } => {
            let shop = Shop::new(shop)?;
            let old = found(table, &shop, &id, now).await?;
            has_room(table, &shop, now).await?;
            let (key, entry) = table.rotate_key(&shop, &old, now.plus(hours * HOUR), now).await?;
            Ok(format!("{}\n\nThe old key works for {hours} hours more.", shown(&key, &entry)))
        }
        Command::Revoke { shop, id } => {
            let shop = Shop::new(shop)?;
            let entry = found(table, &shop, &id, now).await?;
            table.revoke_key(&shop, &entry).await?;
            Ok(format!("{id} is no key any more; a running stack knows it for half a minute more"))
        }
    }
}

fn grant(kind: Kind, scopes: Vec<Scope>, label: String) -> Result<Grant> {
    let kind = match kind {
        Kind::Browser => KeyKind::Browser,
        Kind::Server => KeyKind::Server,
    };
    let all = all_of(kind);
    let scopes = if scopes.is_empty() { all.clone() } else { Scopes::from_iter(scopes) };
    if let Some(scope) = scopes.difference(&all).next() {
        bail!("a browser key cannot have the scope {}", scope.as_str());
    }
    if label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        bail!("a label has at most {MAX_LABEL} bytes and no control characters");
    }
    Ok(Grant { kind, scopes, label, staff: None })
}

async fn has_room(table: &Table, shop: &Shop, now: Millis) -> Result<()> {
    if table.keys_of(shop, now).await?.iter().filter(|entry| entry.grant.staff.is_none()).count() >= MAX_KEYS {
        bail!("a shop has at most {MAX_KEYS} keys; revoke those that nobody uses");
    }
    Ok(())
}

async fn found(table: &Table, shop: &Shop, id: &str, now: Millis) -> Result<Entry> {
    let entry = table.key_entry(shop, id, now).await?;
    entry.with_context(|| format!("{shop} has no key {id}; `keys list {shop}` shows them"))
}

fn names(entry: &Entry) -> String {
    let scopes: Vec<&str> = entry.grant.scopes.iter().map(|scope| scope.as_str()).collect();
    scopes.join(",")
}

const fn kind(entry: &Entry) -> &'static str {
    match entry.grant.kind {
        KeyKind::Browser => "browser",
        KeyKind::Server => "server",
    }
}

fn shown(key: &str, entry: &Entry) -> String {
    let (kind, scopes) = (kind(entry), names(entry));
    format!("key     {key}\nid      {}\nkind    {kind}\nscopes  {scopes}\n\nThe key is shown only now.", entry.id)
}

fn told(entries: &[Entry]) -> String {
    let mut text = String::from("id                kind     made        ends        scopes");
    for entry in entries {
        let ends = entry.expires.map_or_else(|| "-".to_owned(), Millis::day);
        let (id, kind, made, scopes) = (&entry.id, kind(entry), entry.created.day(), names(entry));
        let label = &entry.grant.label;
        let _ = write!(text, "\n{id}  {kind:<7}  {made}  {ends:<10}  {scopes}  {label}");
    }
    text
}
