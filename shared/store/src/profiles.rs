//! Profiles: what `fold` writes and everybody reads.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use vitrine_domain::profile::{Link, State, event_key, in_fold_order};
use vitrine_domain::time::{DAY, SECOND};
use vitrine_domain::{Event, Millis, Profile, Shop, Visitor};

use crate::calls::Call;
use crate::table::{Item, Table, document, item, partition_key, sort_key, text, version_of, with_expiry, with_version};
use crate::{Error, Result, events, keys};

/// The fold of all events before a horizon, kept so that a fold reads only what came after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Base {
    /// Events before this time are in the state.
    pub horizon: Millis,
    /// The partitions that were folded in besides the visitor's own.
    pub linked: Vec<Visitor>,
    /// The fold of the events before the horizon.
    pub state: State,
}

/// What one consistent query, newest first, says of a visitor.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    /// The profile as last folded.
    pub profile: Option<Profile>,
    /// The newest events in fold order: at least those that the profile does not know.
    pub events: Vec<Event>,
    /// Devices of the user, or users of the device.
    pub links: Vec<Link>,
    /// Sort key of the newest event, if there is one.
    pub newest: Option<String>,
}

/// Where a page of profiles ended.
#[derive(Debug, Clone)]
pub struct ProfilesCursor(Item);

/// A page of profiles.
#[derive(Debug, Clone, Default)]
pub struct ProfilesPage {
    /// The profiles, each with its shop.
    pub profiles: Vec<(Shop, Profile)>,
    /// Where to go on; none at the end.
    pub next: Option<ProfilesCursor>,
}

/// Items asked for at first: the profile, a few links and the handful of events that a fold may be behind.
const FIRST_PAGE: i32 = 16;
/// Items of a further page, when the fold is far behind.
const NEXT_PAGE: i32 = 64;
/// Events after which older ones no longer matter to a recommendation.
const ENOUGH: usize = 120;

impl Table {
    /// The profile and the events that came after it, in one query unless the fold is far behind.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn recent(&self, shop: &Shop, visitor: &Visitor) -> Result<Recent> {
        let pk = keys::visitor(shop, visitor);
        let mut recent = Recent::default();
        let mut from = None;
        let mut limit = FIRST_PAGE;
        loop {
            let (items, next) = self.page(&pk, ("E#", keys::PROFILE), true, Some(limit), from).await?;
            let caught_up = absorb(visitor, &items, &mut recent)?;
            if caught_up || next.is_none() || recent.events.len() >= ENOUGH {
                in_fold_order(&mut recent.events);
                return Ok(recent);
            }
            (from, limit) = (next, NEXT_PAGE);
        }
    }

    /// A page of all profiles of all shops, in no order, and where to go on; what cannot be read is left out. It reads the
    /// whole table, which is billed by what is read: for a sweep once a day.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn profiles_page(&self, after: Option<ProfilesCursor>) -> Result<ProfilesPage> {
        let call = self.client.scan().table_name(&self.name).filter_expression("SK = :profile");
        let call = call.expression_attribute_values(":profile", text(keys::PROFILE));
        let answer = call.set_exclusive_start_key(after.map(|ProfilesCursor(item)| item)).ask().await;
        let answer = answer.map_err(|e| crate::error::classify("Scan", e))?;
        let read = |item: &Item| {
            let (shop, _) = keys::parse_visitor(partition_key(item))?;
            let profile = document::<Profile>(item, "profile");
            let profile = profile.inspect_err(|error| tracing::warn!(%error, "a profile cannot be read")).ok()?;
            Some((shop, Profile { version: version_of(item), ..profile }))
        };
        let items = answer.items.unwrap_or_default();
        let profiles = items.iter().filter(|item| !self.is_over(item)).filter_map(read).collect();
        Ok(ProfilesPage { profiles, next: answer.last_evaluated_key.map(ProfilesCursor) })
    }

    /// A profile alone.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn profile(&self, shop: &Shop, visitor: &Visitor) -> Result<Option<Profile>> {
        let stored = self.get(keys::visitor(shop, visitor), keys::PROFILE).await?;
        let read = |item: Item| Ok(Profile { version: version_of(&item), ..document(&item, "profile")? });
        stored.map(read).transpose()
    }

    /// The compacted state.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn base(&self, shop: &Shop, visitor: &Visitor) -> Result<Option<Base>> {
        self.get(keys::visitor(shop, visitor), keys::BASE).await?.map(|i| document(&i, "compacted state")).transpose()
    }

    /// Writes a profile over the version before its own, and the compacted state with it if there is a new one. What is stored as
    /// its version is the time where that is more: a profile that was erased and made again never comes back to a version
    /// that somebody may have read before.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another fold was faster: read again and fold again.
    pub async fn save_profile(&self, shop: &Shop, profile: &Profile, base: Option<&Base>) -> Result<()> {
        let pk = keys::visitor(shop, &profile.visitor);
        // A profile that nothing comes to any more is over with the last of its events.
        let over = profile.folded.plus(self.retention + DAY);
        let now = self.time().and_then(|now| u64::try_from(now.0).ok()).unwrap_or_default();
        let stored = with_version(item(&pk, keys::PROFILE, "profile", profile)?, profile.version.max(now));
        let stored = with_expiry(stored, over);
        let before = profile.version.saturating_sub(1);
        // One that is over is not read any more, so whoever comes back has none: it may still lie there, and gives way.
        let (condition, value) = match (before, self.time()) {
            (0, None) => ("attribute_not_exists(PK)", None),
            (0, Some(now)) => ("attribute_not_exists(PK) OR e <= :now", Some((":now", (now.0 / SECOND).to_string()))),
            _ => ("v = :before", Some((":before", before.to_string()))),
        };
        let mut put = self.put_of(stored, Some(condition))?;
        put.expression_attribute_values =
            value.map(|(name, value)| [(name.to_owned(), AttributeValue::N(value))].into());
        let Some(base) = base else { return self.save_alone(put).await };
        let base = with_expiry(item(&pk, keys::BASE, "compacted state", base)?, over);
        let base = self.put_of(base, None)?;
        let failed = self.transact(vec![put, base]).await?;
        if failed.is_empty() { Ok(()) } else { Err(Error::Conflict { what: "profile" }) }
    }

    async fn save_alone(&self, put: aws_sdk_dynamodb::types::Put) -> Result<()> {
        let call = self.client.put_item().table_name(&self.name).set_item(Some(put.item));
        let call = call
            .set_condition_expression(put.condition_expression)
            .set_expression_attribute_values(put.expression_attribute_values);
        match call.ask().await {
            Ok(_) => Ok(()),
            Err(error) if crate::error::code(&error) == Some("ConditionalCheckFailedException") => {
                Err(Error::Conflict { what: "profile" })
            }
            Err(error) => Err(crate::error::classify("PutItem", error)),
        }
    }
}

/// Takes a page in; true once an event is met that the profile knows, so that older ones need not be read.
fn absorb(visitor: &Visitor, items: &[Item], recent: &mut Recent) -> Result<bool> {
    let mut caught_up = false;
    for item in items {
        let sk = sort_key(item);
        if sk == keys::PROFILE {
            let mut profile: Profile = document(item, "profile")?;
            profile.version = version_of(item);
            recent.profile = Some(profile);
        } else if sk.starts_with("L#") {
            recent.links.push(events::link_from(item)?);
        } else if sk.starts_with("E#") {
            let event = events::from_item(visitor, item)?;
            recent.newest.get_or_insert_with(|| sk.to_owned());
            let known = recent.profile.as_ref().map_or(&[][..], |p| &p.state.latest);
            caught_up |= known.contains(&event_key(event.time, event.id.as_str()));
            recent.events.push(event);
        }
    }
    Ok(caught_up)
}
