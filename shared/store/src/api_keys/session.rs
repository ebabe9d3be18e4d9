//! Sessions of the shop's staff: server keys that end, with the name of whoever signed in.

use vitrine_domain::{Millis, Shop};

use super::{Entry, Grant, generate};
use crate::Result;
use crate::table::Table;

/// Most sessions of one person at once: the oldest makes room for a new one.
pub const MAX_SESSIONS: usize = 8;

impl Table {
    /// Makes a session: a key of this grant, which names one of the staff, until a time.
    ///
    /// # Errors
    /// If the table cannot take it, or the operating system gives no random numbers.
    pub async fn create_session(
        &self,
        shop: &Shop,
        grant: Grant,
        ends: Millis,
        now: Millis,
    ) -> Result<(String, Entry)> {
        let own = self.sessions_of(shop, grant.staff.as_deref().unwrap_or_default(), now).await?;
        for oldest in own.iter().skip(MAX_SESSIONS - 1) {
            self.revoke_key(shop, oldest).await?;
        }
        let key = generate(grant.kind)?;
        let entry = Entry { expires: Some(ends), ..Entry::of(&key, grant, now) };
        let puts = entry.items(shop, None)?;
        let puts = puts.into_iter().map(|item| self.write_of(item)).collect::<Result<_>>()?;
        self.transact_all(puts).await?;
        Ok((key, entry))
    }

    /// The sessions of one of the staff that are not over, the newest first.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn sessions_of(&self, shop: &Shop, name: &str, now: Millis) -> Result<Vec<Entry>> {
        let mut entries = self.keys_of(shop, now).await?;
        entries.retain(|entry| entry.grant.staff.as_deref() == Some(name));
        Ok(entries)
    }

    /// Ends all sessions of one of the staff.
    ///
    /// # Errors
    /// If the table fails; doing it again goes on.
    pub async fn end_sessions(&self, shop: &Shop, name: &str, now: Millis) -> Result<()> {
        for entry in self.sessions_of(shop, name, now).await? {
            self.revoke_key(shop, &entry).await?;
        }
        Ok(())
    }
}
