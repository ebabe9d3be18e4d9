//! Who is asking, and what they did: the profile and the events it does not know yet, as one history.

use std::collections::HashSet;

use vitrine_domain::profile::{Catalogue, Facts, Link, event_key, in_fold_order, keep_newest, owner, past_actions};
use vitrine_domain::{Action, Event, Millis, PastAction, Purposes, Shop, State, Visitor};
use vitrine_rank::Shelf;
use vitrine_store::Table;
use vitrine_store::profiles::Recent;

/// A visitor and their history.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    /// Whose partition the decision is written to.
    pub(crate) visitor: Option<Visitor>,
    /// Past actions on products, oldest first.
    pub(crate) history: Vec<PastAction>,
    /// The fold of their events, the newest included; none of somebody of whom nothing may be read.
    pub(crate) state: Option<State>,
    /// How far what was read reaches.
    pub(crate) reach: Reach,
}

/// How far what was known of a visitor reaches, so that it can be found again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reach {
    /// The known visitor's newest event, by its sort key.
    pub(crate) user: Option<String>,
    /// The device, and its newest event.
    pub(crate) device: Option<(Visitor, Option<String>)>,
    /// When the known visitor's profile was folded, if it takes in other devices.
    pub(crate) folded: Option<Millis>,
}

/// What the table says of a visitor.
#[derive(Debug, Default)]
pub(crate) struct Said {
    user: Option<Visitor>,
    device: Option<Visitor>,
    of_user: Recent,
    of_device: Recent,
}

/// Reads what is known: one query for a device, two in parallel for a known visitor on a device.
pub(crate) async fn read(
    table: &Table,
    shop: &Shop,
    user: Option<Visitor>,
    device: Option<Visitor>,
) -> vitrine_store::Result<Said> {
    let query = |visitor: Option<Visitor>| async move {
        match visitor {
            Some(visitor) => table.recent(shop, &visitor).await,
            None => Ok(Recent::default()),
        }
    };
    let (of_user, of_device) = tokio::try_join!(query(user.clone()), query(device.clone()))?;
    Ok(Said { user, device, of_user, of_device })
}

impl Said {
    /// Whether nothing is held on them.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.of_user, &self.of_device].iter().all(|recent| recent.profile.is_none() && recent.events.is_empty())
    }
}

impl Said {
    /// What the newest event was sent with: on the device, if there is one, where whoever asks says yes and no. What a training
    /// told of the visitor says only what they had said before.
    pub(crate) fn purposes(&self) -> Option<Purposes> {
        let said = |recent: &Recent| {
            let newest = recent.events.iter().rev().find(|event| event.action != Action::Audience);
            // That is what such an event repeats, where nothing else was read.
            newest.or(recent.events.last()).map(|event| event.purposes)
        };
        said(&self.of_device).or_else(|| said(&self.of_user))
    }
}

impl Visit {
    /// A visitor of whom nothing could be read.
    pub(crate) fn unread(user: Option<Visitor>, device: Option<Visitor>) -> Self {
        Self { visitor: user.or(device), ..Self::default() }
    }

    /// A history that came with the request.
    pub(crate) fn given(history: Vec<PastAction>) -> Self {
        Self { history, ..Self::default() }
    }

    /// Puts together what was read. The shelf says of products what events leave out.
    pub(crate) fn of(said: Said, shelf: &Shelf) -> Self {
        let Said { user, device, of_user, of_device } = said;
        let links = of_device.links.clone();
        let mut actions = actions(&of_user);
        let on_device = self::actions(&of_device).into_iter();
        actions.extend(on_device.filter(|action| belongs(&links, user.as_ref(), action.at)));
        let reach = Reach {
            user: of_user.newest.clone(),
            device: device.clone().map(|device| (device, of_device.newest.clone())),
            folded: of_user.profile.as_ref().filter(|profile| !profile.linked.is_empty()).map(|profile| profile.folded),
        };
        let (mut main, other) = if user.is_some() { (of_user, Some(of_device)) } else { (of_device, None) };
        let mut events = std::mem::take(&mut main.events);
        let others = other.into_iter().flat_map(|recent| recent.events);
        events.extend(others.filter(|event| belongs(&links, user.as_ref(), event.time)));
        in_fold_order(&mut events);
        let state = main.profile.map(|profile| profile.state).unwrap_or_default();
        let visitor = user.or(device);
        let state = visitor.is_some().then(|| newer(state, &events, shelf));
        Self { visitor, history: in_order(actions), state, reach }
    }
}

/// The actions in their order, each once, the last ones.
pub(crate) fn in_order(mut actions: Vec<PastAction>) -> Vec<PastAction> {
    actions.sort_by_key(|action| (action.at, action.key));
    let mut seen = HashSet::new();
    actions.retain(|action| seen.insert((action.key, action.product.clone())));
    keep_newest(&mut actions);
    actions
}

/// What was done on a device before or after somebody else logged in there is not this user's.
pub(crate) fn belongs(links: &[Link], user: Option<&Visitor>, at: Millis) -> bool {
    match user {
        Some(user) => owner(links, at).is_none_or(|owner| owner == user),
        None => true,
    }
}

/// The actions of a profile and of the events that it does not know.
fn actions(recent: &Recent) -> Vec<PastAction> {
    let mut actions = recent.profile.as_ref().map_or_else(Vec::new, |profile| profile.state.actions.clone());
    let known: HashSet<u64> = actions.iter().map(|action| action.key).collect();
    let newer = recent
        .events
        .iter()
        .filter_map(Event::granted)
        .flat_map(past_actions)
        .filter(|action| !known.contains(&action.key));
    actions.extend(newer);
    actions
}

/// A folded state with the events that came after everything in it.
fn newer(mut state: State, events: &[Event], shelf: &Shelf) -> State {
    let known = |event: &Event| state.latest.contains(&event_key(event.time, event.id.as_str()));
    let from = events.iter().rposition(known).map_or(0, |last| last + 1);
    let catalogue = OnShelf(shelf);
    events.iter().skip(from).for_each(|event| state.take(event, &catalogue));
    state
}

/// What a shelf says of the products that events name.
pub(crate) struct OnShelf<'a>(pub(crate) &'a Shelf);

impl Catalogue for OnShelf<'_> {
    fn facts(&self, product: &str) -> Option<Facts> {
        self.0.row(product).and_then(|row| self.0.product(row)).as_ref().map(Facts::from)
    }
}

#[cfg(test)]
mod tests {
    use vitrine_domain::{MessageId, Purpose};

    use super::*;

    #[test]
    fn what_a_training_tells_says_nothing_of_consent_while_the_visitor_does() {
        let event = |action, purposes| {
            let visitor = Visitor::anonymous("device").unwrap();
            Event { purposes, ..Event::new(MessageId::new("m").unwrap(), visitor, Millis(1), action) }
        };
        let said = |events: Vec<Event>| {
            let said = Said { of_device: Recent { events, ..Recent::default() }, ..Said::default() };
            said.purposes()
        };
        let tests = Purposes::ALL.without(Purpose::Experiment);
        let (refusing, told) = (event(Action::View, tests), event(Action::Audience, Purposes::ALL));
        assert_eq!(said(vec![refusing, told.clone()]), Some(tests));
        assert_eq!(said(vec![Event { purposes: tests, ..told }]), Some(tests), "it repeats what was said");
        assert_eq!(said(Vec::new()), None);
    }
}
