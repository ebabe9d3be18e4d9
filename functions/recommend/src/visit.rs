//! Who is asking, and what they did: the profile and the events it does not know yet, as one history.

use std::collections::HashSet;

use vitrine_domain::profile::{ACTIONS, Link, owner, past_actions};
use vitrine_domain::{PastAction, Shop, Visitor};
use vitrine_http::Problem;
use vitrine_store::Table;
use vitrine_store::profiles::Recent;

/// A visitor and their history.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    /// Whose partition the decision is written to.
    pub(crate) visitor: Option<Visitor>,
    /// Past actions on products, oldest first.
    pub(crate) history: Vec<PastAction>,
    /// Sort key of the newest event that was seen.
    pub(crate) newest: Option<String>,
}

/// Reads what is known: one query for a device, two in parallel for a known visitor on a device.
pub(crate) async fn read(
    table: &Table,
    shop: &Shop,
    user: Option<Visitor>,
    device: Option<Visitor>,
) -> Result<Visit, Problem> {
    let query = |visitor: Option<Visitor>| async move {
        match visitor {
            Some(visitor) => table.recent(shop, &visitor).await,
            None => Ok(Recent::default()),
        }
    };
    let (of_user, of_device) = tokio::try_join!(query(user.clone()), query(device.clone()))?;
    let mut actions = actions(&of_user);
    let links = of_device.links.clone();
    let on_device = self::actions(&of_device).into_iter().filter(|action| belongs(&links, user.as_ref(), action));
    actions.extend(on_device);
    actions.sort_by_key(|action| (action.at, action.key));
    let mut seen = HashSet::new();
    actions.retain(|action| seen.insert((action.key, action.product.clone())));
    let surplus = actions.len().saturating_sub(ACTIONS);
    actions.drain(..surplus);
    Ok(Visit { visitor: user.or(device), history: actions, newest: of_user.newest.max(of_device.newest) })
}

/// What was done on a device before or after somebody else logged in there is not this user's.
fn belongs(links: &[Link], user: Option<&Visitor>, action: &PastAction) -> bool {
    match user {
        Some(user) => owner(links, action.at).is_none_or(|owner| owner == user),
        None => true,
    }
}

/// The actions of a profile and of the events that it does not know.
fn actions(recent: &Recent) -> Vec<PastAction> {
    let mut actions = recent.profile.as_ref().map_or_else(Vec::new, |profile| profile.state.actions.clone());
    let known: HashSet<u64> = actions.iter().map(|action| action.key).collect();
    let newer = recent.events.iter().flat_map(past_actions).filter(|action| !known.contains(&action.key));
    actions.extend(newer);
    actions
}
