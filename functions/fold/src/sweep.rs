//! The daily sweep: memberships that begin and end without an event, and the census of each shop's visitors.
//!
//! It reads the whole table once, profile by profile, and writes those whose segments are others than they were: a visitor who
//! has not come for a month enters `lapsing` without doing anything. What it writes passes the same lock as a fold, and where
//! a fold was faster it has looked at the visitor just now.
//!
//! The schedule looks first: where no event came and no definition changed in any shop since the last census, nobody visits,
//! nothing is decided, and nothing is read. Whoever comes back brings the next sweep with them.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use vitrine_domain::filter::Person;
use vitrine_domain::segment::{Customer, Scale, Transitions};
use vitrine_domain::time::MINUTE;
use vitrine_domain::{Millis, Profile, Shop};
use vitrine_runtime::Context;
use vitrine_store::Boxed;
use vitrine_store::Error;
use vitrine_store::census::{Counting, Seen};
use vitrine_store::settings::{ONE, SCALE};

use crate::segments::{Definitions, count};

/// Profiles written at once.
const PARALLEL: usize = 16;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Profiles looked at.
    pub profiles: usize,
    /// Profiles whose segments were others than they had been.
    pub changed: usize,
}

/// A shop under way.
struct Counted {
    definitions: Definitions,
    /// What there was when it was begun.
    seen: Seen,
    counting: Counting,
}

/// What the schedule does: a [`sweep`] if something happened in a shop since the last one.
///
/// # Errors
/// If a store fails; doing it again does no harm.
pub fn scheduled(context: &Context) -> Boxed<'_, Result<Option<Swept>, Error>> {
    Box::pin(sweep_if_due(context))
}

async fn sweep_if_due(context: &Context) -> Result<Option<Swept>, Error> {
    for shop in context.objects.shops().await? {
        let (_, now) = look(context, &shop).await?;
        let census = context.objects.census(&shop).await?;
        if now.lake.files > 0 && census.is_none_or(|census| census.head.seen != now) {
            return sweep(context).await.map(Some);
        }
    }
    Ok(None)
}

/// Looks at every visitor of every shop. A shop that had no scale for the grades of its customers gets one by a first look,
/// and is looked at again with it.
///
/// # Errors
/// If a store fails; doing it again does no harm.
pub fn sweep(context: &Context) -> Boxed<'_, Result<Swept, Error>> {
    Box::pin(sweep_twice(context))
}

async fn sweep_twice(context: &Context) -> Result<Swept, Error> {
    let swept = once(context).await?;
    let again = if swept.1 { once(context).await?.0 } else { Swept::default() };
    Ok(Swept { profiles: swept.0.profiles, changed: swept.0.changed + again.changed })
}

/// A shop's definitions, and what there is to be looked at.
async fn look(context: &Context, shop: &Shop) -> Result<(Definitions, Seen), Error> {
    let definitions = Definitions::read(context, shop).await?;
    let seen = Seen { lake: context.objects.lake_mark(shop).await?, segments: definitions.versions.clone() };
    Ok((definitions, seen))
}

/// One look, and whether a shop has its first scale by it.
async fn once(context: &Context) -> Result<(Swept, bool), Error> {
    let begun = context.clock.now();
    let mut shops: BTreeMap<Shop, Counted> = BTreeMap::new();
    let (mut swept, mut after) = (Swept::default(), None);
    loop {
        let page = context.table.profiles_page(after).await?;
        let mut changed = Vec::new();
        for (shop, profile) in page.profiles {
            swept.profiles += 1;
            if !shops.contains_key(&shop) {
                let (definitions, seen) = look(context, &shop).await?;
                shops.insert(shop.clone(), Counted { definitions, seen, counting: Counting::default() });
            }
            let Some(counted) = shops.get_mut(&shop) else { continue };
            changed.extend(counted.look_at(profile, begun)?.map(|(profile, moved)| (shop, profile, moved)));
        }
        // A loop and not `map`: of a closure over references the compiler cannot see that its future is `Send`.
        let mut writes = Vec::new();
        for (shop, profile, _) in &changed {
            writes.push(context.table.save_profile(shop, profile, None));
        }
        let written: Vec<_> = stream::iter(writes).buffered(PARALLEL).collect().await;
        for ((shop, _, moved), outcome) in changed.iter().zip(written) {
            match outcome {
                Ok(()) => {
                    swept.changed += 1;
                    count(shop, moved);
                }
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut first = false;
    for (shop, counted) in shops {
        first |= finish(context, &shop, counted, begun).await?;
    }
    tracing::info!(profiles = swept.profiles, changed = swept.changed, "visitors were looked at");
    Ok((swept, first))
}

impl Counted {
    /// Takes a visitor into the census; the profile to be written if the segments changed, and how.
    fn look_at(&mut self, profile: Profile, now: Millis) -> Result<Option<(Profile, Transitions)>, Error> {
        let of = self.definitions.of(&profile.state, now);
        if !profile.state.robot {
            let customer = Customer::of(&Person { state: &profile.state, now });
            self.counting.add(&profile.visitor, &profile.state, customer, &of)?;
        }
        let (segments, changed) = profile.segments.becoming(of, now);
        if changed.is_empty() {
            return Ok(None);
        }
        Ok(Some((Profile { version: profile.version + 1, segments, ..profile }, changed)))
    }
}

/// Writes a shop's census and scale; whether it had no scale before.
async fn finish(context: &Context, shop: &Shop, counted: Counted, begun: Millis) -> Result<bool, Error> {
    let (before, scale) = (counted.definitions.scale, counted.counting.scale());
    if let Some(scale) = scale.filter(|scale| Some(*scale) != before) {
        set_scale(context, shop, &scale).await?;
    }
    context.objects.put_census(shop, begun, counted.seen, counted.counting).await?;
    // Whoever was erased meanwhile may be in the sample.
    let erased = context.table.erasures_since(shop, begun.plus(-MINUTE)).await?;
    if erased.iter().any(|record| record.requested >= begun.plus(-MINUTE)) {
        context.objects.forget_census(shop).await?;
    }
    Ok(before.is_none() && scale.is_some())
}

async fn set_scale(context: &Context, shop: &Shop, scale: &Scale) -> Result<(), Error> {
    let stored = context.table.setting::<serde_json::Value>(shop, SCALE, ONE).await?;
    let from = stored.map_or(0, |setting| setting.version);
    match context.table.put_setting(shop, SCALE, ONE, scale, from).await {
        // Another sweep was faster.
        Ok(_) | Err(Error::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
