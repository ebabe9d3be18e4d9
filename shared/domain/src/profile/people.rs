//! Who is who: to which person the events of a device belong.
//!
//! The rule is that of the profiles. A device and a user are linked from the earliest event that names both; an event on
//! a device belongs to the user whom [`owner`] names, if the device is among those that the user's profile takes in.

use std::collections::{BTreeMap, HashMap};

use super::{Link, devices, owner};
use crate::{Action, Event, Millis, Visitor, id};

/// Links, as they are found in events.
#[derive(Debug, Default)]
pub struct Found(BTreeMap<(Visitor, Visitor), Millis>);

impl Found {
    /// Notes what an event says of who is who: it names a customer and a device, or is an alias that names what stood
    /// for the customer before.
    pub fn note(&mut self, event: &Event) {
        if !event.visitor.is_known() {
            return;
        }
        for device in event.device_id.clone().into_iter().chain(former(event)) {
            let Ok(device) = Visitor::anonymous(device) else { continue };
            let since = self.0.entry((device, event.visitor.clone())).or_insert(event.time);
            *since = event.time.min(*since);
        }
    }

    /// Puts the links in order, once all events are read.
    #[must_use]
    pub fn people(self) -> People {
        let mut of_device: HashMap<Visitor, Vec<Link>> = HashMap::new();
        let mut of_user: HashMap<Visitor, Vec<Link>> = HashMap::new();
        for ((device, user), since) in self.0 {
            of_user.entry(user.clone()).or_default().push(Link { other: device.clone(), since });
            of_device.entry(device).or_default().push(Link { other: user, since });
        }
        let taken_in = of_user.into_iter().map(|(user, links)| (user, devices(&links))).collect();
        People { links: of_device, taken_in }
    }
}

/// The former identifier of an alias; a number is one too.
fn former(event: &Event) -> Option<String> {
    let previous = event.properties.get("previousId").filter(|_| event.action == Action::Alias)?;
    let previous = id::of_value(previous)?;
    (previous != event.visitor.id()).then_some(previous)
}

/// The links of a shop.
#[derive(Debug)]
pub struct People {
    links: HashMap<Visitor, Vec<Link>>,
    /// The devices of each user, in order.
    taken_in: HashMap<Visitor, Vec<Visitor>>,
}

impl People {
    /// The user to whom an event on a device belongs; none if it stays the device's own.
    #[must_use]
    pub fn owner(&self, device: &Visitor, time: Millis) -> Option<&Visitor> {
        let user = owner(self.links.get(device)?, time)?;
        let taken_in = self.taken_in.get(user)?;
        taken_in.binary_search(device).ok().map(|_| user)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::MessageId;
    use crate::profile::DEVICES;

    fn seen(user: &str, device: &str, time: i64) -> Event {
        let visitor = Visitor::known(user).unwrap();
        let mut event = Event::new(MessageId::new("m").unwrap(), visitor, Millis(time), Action::Identify);
        event.device_id = Some(device.to_owned());
        event
    }

    fn people(events: &[Event]) -> People {
        let mut found = Found::default();
        events.iter().for_each(|event| found.note(event));
        found.people()
    }

    #[test]
    fn the_earliest_event_that_names_both_makes_the_link() {
        let both = [seen("anna", "d", 500), seen("anna", "d", 100), seen("bert", "d", 300)];
        let people = people(&both);
        let device = Visitor::anonymous("d").unwrap();
        let owner = |time| people.owner(&device, Millis(time)).map(Visitor::id);
        assert_eq!((owner(50), owner(100), owner(101)), (Some("anna"), Some("anna"), Some("bert")));
        // Were the link as late as anna's last event, the end would be hers.
        assert_eq!(owner(400), Some("bert"));
        assert_eq!(people.owner(&Visitor::anonymous("other").unwrap(), Millis(50)), None);
        assert_eq!(people.owner(&Visitor::known("d").unwrap(), Millis(50)), None);
    }

    #[test]
    fn an_alias_names_a_former_identifier() {
        let alias = |previous: Value, action| {
            let mut event = seen("anna", "d", 100);
            event.action = action;
            event.properties.insert("previousId".to_owned(), previous);
            event
        };
        let joined = |event: &Event, device: &str| {
            let device = Visitor::anonymous(device).unwrap();
            people(std::slice::from_ref(event)).owner(&device, Millis(0)).map(|user| user.id().to_owned())
        };
        let event = alias("old".into(), Action::Alias);
        assert_eq!((joined(&event, "old"), joined(&event, "d")), (Some("anna".into()), Some("anna".into())));
        assert_eq!(joined(&alias(7.into(), Action::Alias), "7"), Some("anna".into()));
        assert_eq!(joined(&alias("old".into(), Action::Page), "old"), None);
        assert_eq!(joined(&alias("anna".into(), Action::Alias), "anna"), None);
    }

    #[test]
    fn devices_beyond_the_bound_of_a_profile_stay_their_own() {
        let many: Vec<Event> = (0..=DEVICES as i64).map(|n| seen("anna", &format!("d{n}"), n)).collect();
        let people = people(&many);
        let owner = |device: &str| people.owner(&Visitor::anonymous(device).unwrap(), Millis(0)).is_some();
        assert!(!owner("d0"), "the one that was linked first");
        assert!(owner("d1") && owner(&format!("d{DEVICES}")));
    }
}
