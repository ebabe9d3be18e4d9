//! A shop's staff from the command line: who may sign in to the console. The command reads and writes the table itself, so it
//! works where nobody can sign in any more. A password is made here and shown once; whoever gets it is told to change it.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use clap::{Subcommand, ValueEnum};
use vitrine_domain::{Millis, Shop};
use vitrine_http::passwords;
use vitrine_store::Table;
use vitrine_store::staff::{MAX_STAFF, Role, Staff, is_name};

/// What is done with staff.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the staff of a shop
    List {
        /// The shop
        shop: String,
    },
    /// Take somebody in and print their password
    Add {
        /// The shop
        shop: String,
        /// Their name: lower-case letters, digits, `.`, `-` and `_`, a letter first
        name: String,
        /// What they may do
        #[arg(long, value_enum, default_value = "viewer")]
        role: Kind,
    },
    /// Give somebody a new password and print it; their sessions end
    Password {
        /// The shop
        shop: String,
        /// Their name
        name: String,
    },
    /// Let somebody go; their sessions end
    Remove {
        /// The shop
        shop: String,
        /// Their name
        name: String,
    },
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Looks at everything but visitors
    Viewer,
    /// Changes placements, rules, segments, experiments and settings too
    Marketer,
    /// Sees visitors, and decides about keys and staff too
    Admin,
}

impl From<Kind> for Role {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Viewer => Self::Viewer,
            Kind::Marketer => Self::Marketer,
            Kind::Admin => Self::Admin,
        }
    }
}

/// Does it, and says what a person at the terminal reads.
///
/// # Errors
/// If the shop has nobody of the name, or can have nobody of it, or the table does not answer.
pub async fn run(table: &Table, command: Command, now: Millis) -> Result<String> {
    match command {
        Command::List { shop } => Ok(told(&table.staff_of(&Shop::new(shop)?).await?)),
        Command::Add { shop, name, role } => {
            let shop = Shop::new(shop)?;
            if !is_name(&name) {
                bail!("a name is up to 40 lower-case letters, digits, `.`, `-` and `_`, a letter first");
            }
            if table.staff(&shop, &name).await?.is_some() {
                bail!("{shop} has {name} already; `staff password {shop} {name}` gives them a new password");
            }
            if table.staff_of(&shop).await?.len() >= MAX_STAFF {
                bail!("a shop has at most {MAX_STAFF} people");
            }
            shown(&name, &add(table, &shop, &name, role.into(), now).await?)
        }
        Command::Password { shop, name } => {
            let shop = Shop::new(shop)?;
            let old = found(table, &shop, &name).await?;
            let password = password()?;
            let hash = hashed(&password)?;
            table.put_staff(&shop, &Staff { password: hash, changed: now, ..old }).await?;
            table.end_sessions(&shop, &name, now).await?;
            shown(&name, &password)
        }
        Command::Remove { shop, name } => {
            let shop = Shop::new(shop)?;
            found(table, &shop, &name).await?;
            table.delete_staff(&shop, &name).await?;
            table.end_sessions(&shop, &name, now).await?;
            Ok(format!("{name} can sign in no more; a running stack knows their sessions for half a minute more"))
        }
    }
}

/// Takes somebody in with a password that is made for them. Answers the password.
pub(crate) async fn add(table: &Table, shop: &Shop, name: &str, role: Role, now: Millis) -> Result<String> {
    let password = password()?;
    let hash = hashed(&password)?;
    let staff = Staff { name: name.to_owned(), role, password: hash, created: now, changed: now };
    table.put_staff(shop, &staff).await?;
    Ok(password)
}

async fn found(table: &Table, shop: &Shop, name: &str) -> Result<Staff> {
    let staff = table.staff(shop, name).await?;
    staff.with_context(|| format!("{shop} has no {name}; `staff list {shop}` shows whom it has"))
}

fn hashed(password: &str) -> Result<String> {
    passwords::hash_now(password).context("the password could not be hashed")
}

/// Letters and digits that nobody confuses, in four groups of five: 100 random bits.
fn password() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

fn shown(name: &str, password: &str) -> Result<String> {
    Ok(format!("name      {name}\npassword  {password}\n\nThe password is shown only now."))
}

fn told(staff: &[Staff]) -> String {
    let mut text = String::from("name                  role      taken in    changed");
    for Staff { name, role, created, changed, .. } in staff {
        let _ = write!(text, "\n{name:<20}  {:<8}  {}  {}", role.as_str(), created.day(), changed.day());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_readable_and_never_the_same() {
        let (one, two) = (password().unwrap(), password().unwrap());
        assert!(one != two && one.len() == 23 && passwords::fault(&one).is_none(), "{one}");
        assert!(!one.contains(['0', 'o', 'l', '1']), "{one}");
    }
}
