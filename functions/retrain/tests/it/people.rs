//! Anonymous visits and the people they belong to.

use super::*;

/// The counts of a shop in which `visits` happened.
async fn counts(visits: &[Event]) -> (usize, usize, usize) {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b"])).await;
    stack.archive(&demo, "1", visits).await;
    stack.publish(&demo).await;
    let card = stack.card(&demo).await;
    (card.model.counts.people, card.model.counts.actions, card.read.joined_devices)
}

fn login(user: &str, on: &str, minutes: i64) -> Event {
    let mut login = event(&known(user), minutes, Action::Identify, &[]);
    login.device_id = Some(on.to_owned());
    login
}

#[tokio::test]
async fn an_anonymous_visit_joins_the_person_who_logs_in_afterwards() {
    let visits = [
        event(&device("phone"), 90, Action::View, &["a"]),
        login("anna", "phone", 60),
        event(&known("anna"), 50, Action::Order, &["b"]),
    ];
    assert_eq!(counts(&visits).await, (1, 2, 1));
    // Without the log-in they are two.
    assert_eq!(counts(&[visits[0].clone(), visits[2].clone()]).await, (2, 2, 0));
}

#[tokio::test]
async fn two_people_on_one_device_keep_apart() {
    let visits = [
        event(&device("tablet"), 90, Action::View, &["a"]),
        login("anna", "tablet", 80),
        event(&device("tablet"), 70, Action::View, &["b"]),
        login("bert", "tablet", 60),
        event(&device("tablet"), 50, Action::View, &["a"]),
    ];
    assert_eq!(counts(&visits).await, (2, 3, 1));
}
