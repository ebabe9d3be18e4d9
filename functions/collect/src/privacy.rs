//! What may be written of whom: consent, refusals that are remembered, and the erased.
//!
//! Without consent to personalise nothing is kept that names anybody: what was done is counted, if that is allowed, and the
//! event goes. A refusal is remembered under a keyed hash, so that later events and requests that say nothing are bound by
//! it, and what was known before is erased. It acts for the browser that says it; for a known user only if the shop's server
//! or the user's own token says it, since anybody can name a user in a browser.

use std::collections::{BTreeMap, BTreeSet};

use vitrine_domain::{Millis, Purpose, Shop, Visitor};
use vitrine_http::problem::causes;
use vitrine_http::{Access, Problem};
use vitrine_store::Table;
use vitrine_store::tombstones::{Barred, named};

use crate::accept::Accepted;
use crate::intake::Collect;

/// What is left of some events.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    /// To be written.
    pub(crate) events: Vec<Accepted>,
    /// What is counted and names nobody: how often an action was done on the day of a time.
    counts: Vec<((Millis, String), u64)>,
}

/// What is left of some events; refusals that they tell of are noted, and act.
pub(crate) async fn admit(
    state: &Collect,
    access: &Access,
    now: Millis,
    accepted: Vec<Accepted>,
) -> Result<Admitted, Problem> {
    let (table, shop) = (&state.app.context.table, &access.shop);
    // Whether each visitor refuses, by what was said last: nothing of this batch is kept of whoever does.
    let mut last: BTreeMap<Visitor, bool> = BTreeMap::new();
    for one in &accepted {
        last.extend(says(one, access));
    }
    for (visitor, refuses) in &last {
        if !refuses && state.agreed.is_news(shop, visitor, now) {
            state.app.guard.doubt(shop, visitor);
        }
    }
    let barred = table.barred(&state.app.guard, shop, visitors(&accepted), now).await?;
    let mut said: BTreeMap<Visitor, bool> = BTreeMap::new();
    let mut counts: BTreeMap<(Millis, String), u64> = BTreeMap::new();
    let mut admitted = Vec::with_capacity(accepted.len());
    for one in accepted {
        said.extend(says(&one, access));
        let grants = one.said.grants(Purpose::Personalise);
        let refused = |visitor: Visitor| match (last.get(&visitor), said.get(&visitor)) {
            (Some(true), _) | (_, Some(true)) => true,
            (_, Some(false)) => false,
            _ => !grants && barred.refused(&visitor),
        };
        let bound = named(&one.event).any(refused);
        if bound || !one.event.purposes.allows(Purpose::Personalise) {
            if one.event.purposes.allows(Purpose::Measure) {
                *counts.entry((one.event.at(), action_of(&one))).or_default() += 1;
            }
            continue;
        }
        admitted.extend(without_erased(one, &barred));
    }
    for (visitor, refuses) in last {
        // A refusal that is known already is noted again: what it erases may have been cut off, or have come in since.
        if refuses || barred.refused(&visitor) {
            let noted = table.note_refusal(state.app.guard.key(), shop, &visitor, refuses, now).await;
            if !matches!(noted, Ok(false)) {
                state.app.guard.forget();
            }
            noted?;
        }
        state.agreed.remember(shop, visitor, refuses, now);
    }
    Ok(Admitted { events: admitted, counts: by_day(counts).collect() })
}

/// Counts what is not kept, once everything else is written: nothing tells a count from its repetition, so that one which
/// fails is told in the log and not to the client, who would send the whole request again.
pub(crate) async fn count(table: &Table, shop: &Shop, admitted: &Admitted) {
    for ((day, action), times) in &admitted.counts {
        if let Err(error) = table.count(shop, *day, action, *times).await {
            tracing::warn!(%shop, cause = %causes(&error), "what nobody did was not counted");
        }
    }
}

/// Whether those whom an event may speak for refuse, if it says so.
fn says<'a>(one: &'a Accepted, access: &'a Access) -> impl Iterator<Item = (Visitor, bool)> + 'a {
    let refuses = one.said.refuses(Purpose::Personalise);
    let says = refuses || one.said.grants(Purpose::Personalise);
    let names = named(&one.event).filter(move |visitor| says && access.may_use(visitor));
    names.map(move |visitor| (visitor, refuses))
}

/// Whom some events name.
fn visitors(accepted: &[Accepted]) -> BTreeSet<Visitor> {
    let ties =
        |one: &Accepted| one.ties.iter().flat_map(|tie| [tie.device.clone(), tie.user.clone()]).collect::<Vec<_>>();
    accepted.iter().flat_map(|one| named(&one.event).chain(ties(one))).collect()
}

fn without_erased(mut one: Accepted, barred: &Barred) -> Option<Accepted> {
    one.event = barred.admit(one.event)?;
    one.ties.retain(|tie| !barred.is_whole(&tie.device) && !barred.is_whole(&tie.user));
    Some(one)
}

fn action_of(one: &Accepted) -> String {
    let name = serde_json::to_value(one.event.action).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Counts of one day and action together.
fn by_day(counts: BTreeMap<(Millis, String), u64>) -> impl Iterator<Item = ((Millis, String), u64)> {
    let mut days: BTreeMap<(String, String), ((Millis, String), u64)> = BTreeMap::new();
    for ((at, action), times) in counts {
        let entry = days.entry((at.day(), action.clone())).or_insert(((at, action), 0));
        entry.1 += times;
    }
    days.into_values()
}
