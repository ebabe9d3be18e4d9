//! Dead letters: records of the stream that a function failed on again and again, each with its reason, in a folder in
//! place of the queues of the cloud; and doing again what they tell of, as `infra/redrive` does there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use aws_lambda_events::event::dynamodb::EventRecord;
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use vitrine_store::stream::kind_of;

use crate::readers::{Reader, Readers};
use crate::stack::stores;

/// What to do with dead letters.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// What waits: the function, when it gave up, the shop, what the record holds, and the reason
    List,
    /// Do it again, and take away each letter whose work was done
    Redrive,
    /// Take the letters away without doing anything
    Discard,
}

/// A record that a function failed on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) function: Reader,
    /// Why it failed the last time, with all causes.
    pub(crate) reason: String,
    /// When it was given up; letters from before this was noted have none.
    #[serde(default)]
    pub(crate) failed_at: Option<String>,
    pub(crate) record: EventRecord,
}

impl Letter {
    /// The number of its record in the stream.
    pub(crate) fn sequence(&self) -> &str {
        self.record.change.sequence_number.as_deref().unwrap_or("unknown")
    }

    /// In one line that names no visitor.
    fn told(&self) -> String {
        let when = self.failed_at.as_deref().unwrap_or("at an unknown time");
        let (shop, what) = kind_of(&self.record);
        let shop = shop.map_or_else(|| "no shop".to_owned(), |shop| shop.to_string());
        format!("{when}  {:<7}  {shop}  {what} {}: {}", self.function.name(), self.sequence(), self.reason)
    }
}

/// The folder of the dead letters.
#[derive(Debug, Clone)]
pub(crate) struct Letters(PathBuf);

impl Letters {
    /// Those of a data folder.
    pub(crate) fn of(data: &Path) -> std::io::Result<Self> {
        let folder = data.join("dead-letters");
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// Writes a letter whole; one of the same record and function replaces it.
    pub(crate) fn write(&self, letter: &Letter) -> Result<()> {
        let file = self.0.join(format!("{}-{}.json", letter.function.name(), letter.sequence()));
        let part = file.with_extension("part");
        std::fs::write(&part, serde_json::to_vec_pretty(letter)?)?;
        Ok(std::fs::rename(&part, &file)?)
    }

    /// All letters with their files, the oldest record first.
    pub(crate) fn all(&self) -> Result<Vec<(PathBuf, Letter)>> {
        let mut letters = Vec::new();
        for file in std::fs::read_dir(&self.0)? {
            let file = file?.path();
            if file.extension().is_some_and(|end| end == "json") {
                let said = std::fs::read(&file)?;
                let letter =
                    serde_json::from_slice(&said).with_context(|| format!("{} is no letter", file.display()))?;
                letters.push((file, letter));
            }
        }
        letters.sort_by_key(|(_, letter): &(_, Letter)| (letter.sequence().parse::<u128>().ok(), letter.function));
        Ok(letters)
    }
}

/// What became of the letters.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In lines for a person.
    pub told: String,
    /// How many there were.
    pub letters: usize,
    /// How many failed again.
    pub failed: usize,
}

/// Lists, does again or takes away the dead letters of a data folder whose table listens at `endpoint`. The stack may run.
///
/// # Errors
/// If a letter cannot be read or taken away, or the table does not answer.
pub async fn run(data: &Path, endpoint: &str, command: Command) -> Result<Outcome> {
    let letters = Letters::of(data)?;
    settle(&letters, &Readers::new(stores(data, endpoint).await?), command).await
}

pub(crate) async fn settle(letters: &Letters, readers: &Readers, command: Command) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (file, letter) in letters.all()? {
        outcome.letters += 1;
        let said = match command {
            Command::List => "waits".to_owned(),
            Command::Discard => "taken away".to_owned(),
            Command::Redrive => {
                let failed = readers.call(letter.function, std::slice::from_ref(&letter.record)).await;
                match failed.reason(0) {
                    None => "done again".to_owned(),
                    Some(reason) => {
                        outcome.failed += 1;
                        writeln!(outcome.told, "stays: {} (now: {reason})", letter.told())?;
                        continue;
                    }
                }
            }
        };
        if !matches!(command, Command::List) {
            std::fs::remove_file(&file)?;
        }
        writeln!(outcome.told, "{said}: {}", letter.told())?;
    }
    match outcome.letters {
        0 => write!(outcome.told, "no dead letters")?,
        all => write!(outcome.told, "{all} letters, {} of them failed again", outcome.failed)?,
    }
    Ok(outcome)
}
