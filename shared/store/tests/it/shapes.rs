//! The shape of every stored item. A change here is a change of the format: what is stored already must stay readable.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use vitrine_domain::{
    Action, Change, Channel, Context, Event, Line, Order, Product, ProductId, Profile, Purpose, Purposes,
};
use vitrine_store::api_keys::KeyKind;
use vitrine_store::decisions::DecisionKey;
use vitrine_store::models::Live;
use vitrine_store::profiles::Base;
use vitrine_store::staff::{Role, Staff};

use crate::support::{NOW, Stack, device, event, profile, shop, user};

/// An event with every field.
fn full() -> Event {
    let mut event = event(&user("anna"), "m#1", NOW);
    event.device_id = Some("phone".to_owned());
    event.skew = -1500;
    event.received = NOW.plus(20);
    event.action = Action::Order;
    event.name = Some("Order Completed".to_owned());
    event.channel = Channel::Store;
    event.purposes = Purposes::ALL.without(Purpose::Market);
    event.lines = vec![Line {
        variant: Some("red".to_owned()),
        quantity: 2.0,
        price: Some(2.49),
        discount: Some(0.5),
        position: Some(3),
        category: Some("Pasta".to_owned()),
        brand: Some("Grano".to_owned()),
        ..Line::of(ProductId::new("873902").unwrap())
    }];
    event.order = Some(Order {
        id: Some("1001".to_owned()),
        total: Some(5.48),
        revenue: Some(4.48),
        discount: Some(0.1),
        coupon: Some("WELCOME".to_owned()),
    });
    event.currency = Some("EUR".to_owned());
    event.query = Some("penne".to_owned());
    event.list = Some("home".to_owned());
    event.decision_id = Some("sealed".to_owned());
    event.context = Context {
        path: Some("/checkout".to_owned()),
        referrer: Some("example.org".to_owned()),
        campaign: Some("mail/weekly/autumn".to_owned()),
        device: Some("phone".to_owned()),
        locale: Some("fr-FR".to_owned()),
        ..Context::default()
    };
    event.traits.insert("loyalty".to_owned(), "gold".into());
    event.properties.insert("gift".to_owned(), true.into());
    event
}

fn product() -> Product {
    Product {
        category: vec!["Grocery".to_owned(), "Pasta".to_owned()],
        brand: Some("Grano".to_owned()),
        price: Some(2.49),
        currency: Some("EUR".to_owned()),
        ..Product::new(ProductId::new("8739#02").unwrap(), "Penne")
    }
}

/// The random end of a delta entry's key is nobody's format, and when an entry expires depends on the day.
fn without_chance(mut items: Vec<Value>) -> Vec<Value> {
    for item in &mut items {
        if item["PK"] == "S#demo#X" {
            let (time, rest) = item["SK"].as_str().unwrap().split_once('#').unwrap();
            assert_eq!(rest.len(), 24);
            item["SK"] = json!(format!("{time}#<number><nonce>"));
        }
        if item["SK"].as_str().unwrap().starts_with("~H#") {
            assert!(item["e"]["N"].is_string());
            item["e"] = json!("<in 100 days>");
        }
        let is_setting = item["PK"] == "S#demo#C";
        for time in ["t", "ct"] {
            if let Some(value) = item.get_mut(time).filter(|_| is_setting) {
                *value = json!("<when>");
            }
        }
    }
    items
}

#[tokio::test]
async fn of_a_visitor() {
    let stack = Stack::start().await;
    let (anna, phone) = (user("anna"), device("phone"));
    stack.table.put_event(&shop(), &full()).await.unwrap();
    stack.table.put_event_without_time(&shop(), &event(&phone, "m2", NOW)).await.unwrap();
    stack.table.link(&shop(), &phone, &anna, NOW).await.unwrap();
    let folded = Profile { linked: vec![phone.clone()], compacted: Some(NOW), ..profile(&anna, &[full()], 1) };
    let base = Base { horizon: NOW, linked: vec![phone.clone()], state: profile(&anna, &[], 1).state };
    stack.table.save_profile(&shop(), &folded, Some(&base)).await.unwrap();
    for visitor in [Some(phone), None] {
        let key = DecisionKey { visitor, time: NOW, nonce: "0a1b".to_owned() };
        let decision = RawValue::from_string("{\"placement\":\"home\"}".to_owned()).unwrap();
        stack.table.put_decision(&shop(), &key, &decision).await.unwrap();
    }
    insta::assert_json_snapshot!(stack.dump().await);
}

#[tokio::test]
async fn of_a_shop() {
    let stack = Stack::start().await;
    stack.table.put_api_key("vb_0123", &shop(), KeyKind::Browser, NOW).await.unwrap();
    stack.table.put_api_key("vs_0123", &shop(), KeyKind::Server, NOW).await.unwrap();
    stack.table.upsert_products(&shop(), &[product()], &|| NOW).await.unwrap();
    let gone = Product::new(ProductId::new("gone").unwrap(), "Gone");
    stack.table.withdraw_products(&shop(), &[gone.id], &|| NOW.plus(1)).await.unwrap();
    stack.table.put_setting(&shop(), "rule", "a#b", &json!({ "any": "thing" }), 0).await.unwrap();
    stack.table.put_setting_by(&shop(), "rule", "a#b", &json!({ "any": "other" }), 1, "key").await.unwrap();
    stack.table.put_setting(&shop(), "rule", "gone", &json!({}), 0).await.unwrap();
    stack.table.remove_setting(&shop(), "rule", "gone", None, "key").await.unwrap();
    let staff = Staff {
        name: "anna".to_owned(),
        role: Role::Marketer,
        password: "$argon2id$...".to_owned(),
        created: NOW,
        changed: NOW.plus(1),
    };
    stack.table.put_staff(&shop(), &staff).await.unwrap();
    let live = Live {
        version: "20260921T144000-ab12cd34".to_owned(),
        artifact: "shops/demo/models/20260921T144000-ab12cd34/artifact".to_owned(),
        catalogue: "shops/demo/models/20260921T144000-ab12cd34/catalogue".to_owned(),
        delta_from: NOW,
        published: NOW.plus(5),
    };
    stack.table.publish_model(&shop(), &live, 0).await.unwrap();
    insta::assert_json_snapshot!(without_chance(stack.dump().await));
}

#[tokio::test]
async fn what_the_oldest_stack_wrote_is_read() {
    let stack = Stack::start().await;
    let (phone, anna) = (device("phone"), user("anna"));
    stack.table.put_event(&shop(), &event(&phone, "m1", NOW)).await.unwrap();
    stack.table.save_profile(&shop(), &profile(&anna, &[], 1), None).await.unwrap();
    stack.table.upsert_products(&shop(), &[product()], &|| NOW).await.unwrap();
    // The least that any version has written: every field that came later is absent.
    let pk = |visitor: &str| format!("S#demo#V#{visitor}");
    stack.damage(&pk("a:phone"), "E#1790000000000#m1", "{\"re\":1790000000020,\"k\":\"view\"}").await;
    let oldest = "{\"visitor\":\"u:anna\",\"version\":1,\"state\":{},\"folded\":1790000000000}";
    stack.damage(&pk("u:anna"), "~PROFILE", oldest).await;
    stack.damage("S#demo#P#8739%2302", "PRODUCT", "{\"id\":\"8739#02\",\"title\":\"Penne\"}").await;
    let (events, _) = stack.table.history(&shop(), &phone, NOW).await.unwrap();
    let mut expected = event(&phone, "m1", NOW);
    expected.lines.clear();
    expected.received = NOW.plus(20);
    assert_eq!(events, [expected]);
    assert_eq!(stack.table.profile(&shop(), &anna).await.unwrap(), Some(profile(&anna, &[], 1)));
    let found = stack.table.product(&shop(), &product().id).await.unwrap().unwrap();
    assert_eq!(found, Product::new(product().id, "Penne"));
    let change: Change = serde_json::from_str("{\"t\":1790000000000,\"i\":\"8739#02\"}").unwrap();
    assert_eq!(change.product, None);
}
