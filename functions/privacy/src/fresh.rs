//! A profile as of now: what the fold wrote, and on top of it the events that it has not seen yet.
//!
//! Only events that come after everything folded can be put on top. One that arrived late among folded ones waits for
//! the fold, which alone can put it in its place.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use vitrine_domain::profile::{Facts, LATEST, Link, devices, event_key, in_fold_order, owner};
use vitrine_domain::segment::Membership;
use vitrine_domain::{Event, Millis, ProductId, Profile, Shop, State, Visitor};
use vitrine_http::Problem;
use vitrine_store::Table;
use vitrine_store::tail::Tail;

/// Newest events read of a visitor's partition, and of each device's.
const EVENTS: usize = 256;
/// Devices read at once.
const PARALLEL: usize = 8;

/// What is held on a visitor now.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// The profile with the newest events applied; version zero if none was written yet.
    pub(crate) profile: Profile,
    /// When it was last folded.
    pub(crate) folded: Option<Millis>,
    /// Devices of a user, or users of a device.
    pub(crate) links: Vec<Link>,
    /// Events that the fold has not seen.
    pub(crate) unfolded: usize,
    /// Those of them that were applied here.
    pub(crate) applied: usize,
    /// Whether the profile holds every event there is, as far as can be seen from its newest end.
    pub(crate) up_to_date: bool,
}

/// Reads what is held on a visitor; none if nothing is.
pub(crate) async fn read(table: &Table, shop: &Shop, visitor: &Visitor, now: Millis) -> Result<Option<Fresh>, Problem> {
    let mut tail = table.tail(shop, visitor, Millis(0), EVENTS).await?;
    let links = std::mem::take(&mut tail.links);
    if tail.version == 0 && tail.events.is_empty() && links.is_empty() {
        return Ok(None);
    }
    let linked = if visitor.is_known() { devices(&links) } else { Vec::new() };
    let stored = tail.profile.take();
    // A profile that was folded from other devices than now is stale in a way that only the fold can mend.
    let folded_from = stored.as_ref().map_or_else(|| linked.clone(), |profile| profile.linked.clone());
    let mut parts = vec![Part::of(tail)];
    parts.extend(parts_of(table, shop, visitor, &folded_from).await?);
    let latest = stored.as_ref().map_or(&[][..], |profile| &profile.state.latest);
    let unfolded = Unfolded::of(latest, parts);
    let folded = stored.as_ref().map(|profile| profile.folded);
    let mut profile = stored.unwrap_or_else(|| Profile {
        visitor: visitor.clone(),
        version: 0,
        state: State::default(),
        linked: linked.clone(),
        folded: now,
        compacted: None,
        segments: Membership::default(),
    });
    let applied = if unfolded.gapless { unfolded.newer.as_slice() } else { &[] };
    let catalogue = facts(table, shop, applied).await?;
    for event in applied {
        profile.state.take(event, &catalogue);
    }
    Ok(Some(Fresh {
        folded,
        links,
        unfolded: unfolded.late + unfolded.newer.len(),
        applied: applied.len(),
        up_to_date: unfolded.late == 0 && unfolded.gapless && linked == folded_from,
        profile,
    }))
}

/// The newest events of a partition.
struct Part {
    events: Vec<Event>,
    /// Time of the oldest event read, if there may be older ones.
    back_to: Option<Millis>,
}

impl Part {
    fn of(tail: Tail) -> Self {
        let oldest = tail.events.first().map_or(Millis::MAX, |event| event.time);
        Self { back_to: (!tail.complete).then_some(oldest), events: tail.events }
    }
}

/// Of each device of a user, the newest events that are the user's.
async fn parts_of(table: &Table, shop: &Shop, user: &Visitor, devices: &[Visitor]) -> Result<Vec<Part>, Problem> {
    let read = |device: Visitor| async move {
        let tail = table.tail_of_device(shop, &device, Millis(0), EVENTS).await?;
        let links = tail.links.clone();
        let mut part = Part::of(tail);
        part.events.retain(|event| owner(&links, event.time) == Some(user));
        Ok::<_, Problem>(part)
    };
    stream::iter(devices.to_vec()).map(read).buffered(PARALLEL).try_collect().await
}

/// What a profile does not hold yet.
struct Unfolded {
    /// Events after everything folded.
    newer: Vec<Event>,
    /// Events that arrived among folded ones.
    late: usize,
    /// Whether nothing lies between what is folded and the newer events.
    gapless: bool,
}

impl Unfolded {
    /// `latest` are the keys of the events folded last.
    fn of(latest: &[u64], parts: Vec<Part>) -> Self {
        let back_to = parts.iter().filter_map(|part| part.back_to).max();
        let mut events: Vec<Event> = parts.into_iter().flat_map(|part| part.events).collect();
        in_fold_order(&mut events);
        let known = |event: &Event| latest.contains(&event_key(event.time, event.id.as_str()));
        let Some(last) = events.iter().rposition(known) else {
            // What is folded, if anything is, lies further back than was read.
            let newer = events.into_iter().filter(|event| back_to.is_none_or(|time| event.time >= time)).collect();
            return Self { newer, late: 0, gapless: latest.is_empty() && back_to.is_none() };
        };
        let gapless = back_to.is_none_or(|time| events.get(last).is_some_and(|known| time < known.time));
        // A full list of keys says nothing of events before its first one; one that is not full names them all.
        let first = if latest.len() < LATEST { 0 } else { events.iter().position(known).unwrap_or(last) };
        let late = events.iter().take(last).skip(first).filter(|event| !known(event)).count();
        Self { newer: events.split_off(last + 1), late, gapless }
    }
}

/// What the catalogue says of the products that events name.
async fn facts(table: &Table, shop: &Shop, events: &[Event]) -> Result<BTreeMap<String, Facts>, Problem> {
    let ids: Vec<ProductId> = events.iter().flat_map(|e| e.lines.iter().map(|line| line.product.clone())).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let products = table.products(shop, &ids).await?;
    Ok(products.iter().map(|(id, product)| (id.to_string(), Facts::from(product))).collect())
}

#[cfg(test)]
mod tests {
    use vitrine_domain::{Action, MessageId};

    use super::*;

    fn event(n: i64) -> Event {
        let visitor = Visitor::Anonymous("device".to_owned());
        Event::new(MessageId::new(format!("m{n}")).unwrap(), visitor, Millis(n), Action::View)
    }

    /// Keys of folded events, numbers of the events read, and how far back.
    fn of(folded: &[i64], read: &[i64], back_to: Option<i64>) -> (Vec<i64>, usize, bool) {
        let latest: Vec<u64> = folded.iter().map(|n| event_key(Millis(*n), &format!("m{n}"))).collect();
        let latest = &latest[latest.len().saturating_sub(LATEST)..];
        let events = read.iter().map(|n| event(*n)).collect();
        let Unfolded { newer, late, gapless } =
            Unfolded::of(latest, vec![Part { events, back_to: back_to.map(Millis) }]);
        (newer.iter().map(|event| event.time.0).collect(), late, gapless)
    }

    #[test]
    fn what_comes_after_everything_folded_is_newer_and_what_comes_between_is_late() {
        assert_eq!(of(&[], &[], None), (vec![], 0, true));
        assert_eq!(of(&[], &[1, 2], None), (vec![1, 2], 0, true));
        assert_eq!(of(&[1, 2], &[1, 2], None), (vec![], 0, true));
        assert_eq!(of(&[1, 3], &[1, 3, 4, 5], None), (vec![4, 5], 0, true));
        assert_eq!(of(&[2, 4], &[1, 2, 3, 4, 5], None), (vec![5], 2, true));
    }

    #[test]
    fn a_full_list_of_keys_says_nothing_of_what_was_before_it() {
        let folded: Vec<i64> = (10..80).collect();
        let mut read = vec![1, 2];
        read.extend(10..82);
        assert_eq!(of(&folded, &read, None), (vec![80, 81], 0, true));
    }

    #[test]
    fn a_gap_is_seen() {
        assert!(!of(&[1, 5], &[5, 6, 7], Some(5)).2, "more events of the same time may be unread");
        assert_eq!(of(&[1, 5], &[4, 5, 6, 7], Some(4)), (vec![6, 7], 1, true));
        assert_eq!(of(&[1, 5], &[6, 7], Some(6)), (vec![6, 7], 0, false));
        assert_eq!(of(&[], &[6, 7], Some(6)), (vec![6, 7], 0, false));
        assert_eq!(of(&[1, 5], &[7], Some(9)), (vec![], 0, false), "the newest could not be read");
    }
}
