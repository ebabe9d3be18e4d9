//! Who was exposed: a variant counts for whoever saw what it changes, not for whoever it was made for.

use crate::{Event, Purpose};

/// The decision whose list an event proves to have been seen: any event that carries its id does, from the list coming into
/// view to the order of what stood in it. The variants are in the decision's record. Nothing is proved by the event of a
/// robot, nor by one that may not be used to experiment.
#[must_use]
pub fn exposed_by(event: &Event) -> Option<&str> {
    let counts = !event.robot && event.purposes.allows(Purpose::Experiment);
    event.decision_id.as_deref().filter(|_| counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, MessageId, Millis, Purposes, Visitor};

    #[test]
    fn an_event_with_the_id_of_a_decision_proves_that_its_list_was_seen() {
        let visitor = Visitor::anonymous("device").unwrap();
        let mut event = Event::new(MessageId::new("m").unwrap(), visitor, Millis(0), Action::List);
        assert_eq!(exposed_by(&event), None);
        event.decision_id = Some("sealed".to_owned());
        assert_eq!(exposed_by(&event), Some("sealed"));
        assert_eq!(exposed_by(&Event { action: Action::Order, ..event.clone() }), Some("sealed"));
        assert_eq!(exposed_by(&Event { robot: true, ..event.clone() }), None);
        let purposes = Purposes::ALL.without(Purpose::Experiment);
        assert_eq!(exposed_by(&Event { purposes, ..event }), None);
    }
}
