//! Who was exposed: a variant counts for whoever saw what it changes, not for whoever it was made for.

use crate::consent::{Experiment, Granted};

/// The decision whose list an event proves to have been seen: any event that carries its id does, from the list coming into
/// view to the order of what stood in it. The variants are in the decision's record. Nothing is proved by the event of a
/// robot, and one that may not be used to experiment is not even asked:
///
/// ```compile_fail,E0308
/// use vitrine_domain::consent::Measure;
/// use vitrine_domain::experiment::exposed_by;
/// use vitrine_domain::{Action, Event, MessageId, Millis, Visitor};
///
/// let visitor = Visitor::anonymous("device").unwrap();
/// let event = Event::new(MessageId::new("1").unwrap(), visitor, Millis(0), Action::View);
/// exposed_by(event.granted::<Measure>().unwrap());
/// ```
///
/// ```
/// # use vitrine_domain::consent::Experiment;
/// # use vitrine_domain::experiment::exposed_by;
/// # use vitrine_domain::{Action, Event, MessageId, Millis, Visitor};
/// # let visitor = Visitor::anonymous("device").unwrap();
/// # let event = Event::new(MessageId::new("1").unwrap(), visitor, Millis(0), Action::View);
/// exposed_by(event.granted::<Experiment>().unwrap());
/// ```
#[must_use]
pub fn exposed_by(event: Granted<'_, Experiment>) -> Option<&str> {
    event.event().decision_id.as_deref().filter(|_| !event.robot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Event, MessageId, Millis, Purpose, Purposes, Visitor};

    fn proves(event: &Event) -> Option<&str> {
        event.granted().and_then(exposed_by)
    }

    #[test]
    fn an_event_with_the_id_of_a_decision_proves_that_its_list_was_seen() {
        let visitor = Visitor::anonymous("device").unwrap();
        let mut event = Event::new(MessageId::new("m").unwrap(), visitor, Millis(0), Action::List);
        assert_eq!(proves(&event), None);
        event.decision_id = Some("sealed".to_owned());
        assert_eq!(proves(&event), Some("sealed"));
        assert_eq!(proves(&Event { action: Action::Order, ..event.clone() }), Some("sealed"));
        assert_eq!(proves(&Event { robot: true, ..event.clone() }), None);
        let purposes = Purposes::ALL.without(Purpose::Experiment);
        assert_eq!(proves(&Event { purposes, ..event }), None);
    }
}
