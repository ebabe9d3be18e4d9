//! On which side of a hold-out a person is, against the id that decisions go by.

use vitrine_domain::{MessageId, Purposes};

use super::*;

fn event(n: i64, visitor: &Visitor, device: Option<&str>, purposes: Purposes) -> Event {
    let mut event = Event::new(MessageId::new(format!("m{n}")).unwrap(), visitor.clone(), Millis(n), Action::View);
    (event.device_id, event.purposes) = (device.map(str::to_owned), purposes);
    event
}

/// Customers whose first event is an imported order, which names them alone, and who come to the shop on a device later.
#[test]
fn who_comes_on_a_device_is_on_the_side_of_that_device() {
    let out = HoldOut { share: 0.5, since: Millis(7), ..HoldOut::default() };
    let refused = Purposes::ALL.without(Purpose::Experiment);
    let is_out = |events: &[Event]| side(&out, events).map(|held| held.out);
    let mut otherwise = 0;
    for n in 0..200 {
        let (id, device, later) = (format!("853-{n}"), format!("d{n}"), format!("later-{n}"));
        let (user, browser) = (Visitor::known(id.as_str()).unwrap(), Visitor::anonymous(device.as_str()).unwrap());
        let imported = event(1, &user, None, Purposes::ALL);
        let refusing = event(2, &user, Some(&later), refused);
        let anonymous = event(3, &browser, None, Purposes::ALL);
        let logged_in = event(3, &user, Some(&device), Purposes::ALL);
        let another = event(4, &user, Some(&later), Purposes::ALL);
        let of_device = Some(out.holds(&device));
        for on_device in [anonymous, logged_in] {
            assert_eq!(is_out(&[imported.clone(), refusing.clone(), on_device, another.clone()]), of_device, "{n}");
        }
        // Without any device that allows it there is the user alone.
        assert_eq!(is_out(&[imported, refusing.clone()]), Some(out.holds(&id)), "{n}");
        assert_eq!(is_out(&[refusing]), None);
        otherwise += usize::from(of_device != Some(out.holds(&id)));
    }
    assert!(otherwise > 50, "of {otherwise} the user's id would have said otherwise");
}
