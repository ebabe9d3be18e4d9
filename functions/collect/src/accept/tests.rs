//! Stored forms of every event of the spec and of a dwell, and what holds for anything that anybody sends.

use proptest::prelude::*;
use serde_json::json;
use vitrine_domain::consent::{Purpose, Signal};
use vitrine_domain::time::{DAY, HOUR};
use vitrine_domain::{Channel, Visitor};

use super::*;
use crate::envelope::{Envelope, MAX_EVENT};

const NOW: Millis = Millis(1_763_822_400_000);

fn terms() -> Terms {
    Terms { now: NOW, retention: 760 * DAY, purposes: Purposes::ALL, robot: false, said: Signal::SILENCE }
}

fn read(event: &Value) -> Result<Accepted, Error> {
    let body = event.to_string();
    let envelope = Envelope::parse(&body)?;
    let mut messages = envelope.messages(None);
    let message = messages.next().ok_or(Error::UnknownType)??;
    accept(&message, &terms())
}

fn product(id: &str, position: u32) -> Value {
    json!({"product_id": id, "sku": format!("{id}-L"), "category": "Games", "name": "Monopoly: 3rd Edition",
        "brand": "Hasbro", "variant": "200 pieces", "price": 18.99, "quantity": 1, "coupon": "MAYDEALS",
        "position": position, "url": "https://shop.example/p", "image_url": "https://shop.example/p.webp"})
}

fn with(mut one: Value, more: &Value) -> Value {
    if let (Some(one), Some(more)) = (one.as_object_mut(), more.as_object()) {
        one.extend(more.clone());
    }
    one
}

/// Every event of the Ecommerce Spec v2 with all its properties, and a dwell.
fn spec() -> Vec<(&'static str, Value)> {
    let products = json!([product("507f1f77", 1), {"product_id": "505bd76785", "price": "3.00", "quantity": 2}]);
    let order = json!({"checkout_id": "fksdjfsdjfisjf9sdfjsd9f", "order_id": "50314b8e", "affiliation": "Google Store",
        "subtotal": 22.5, "total": 27.5, "revenue": 25.0, "shipping": 3, "tax": 2, "discount": 2.5,
        "coupon": "hasbros", "currency": "USD", "products": products});
    let step = json!({"checkout_id": "50314b8e", "step": 2, "shipping_method": "FedEx", "payment_method": "Visa"});
    let coupon = json!({"order_id": "50314b8e", "cart_id": "923923929jd29jd92dj9j93fj3", "coupon_id": "may_deals_2016",
        "coupon_name": "May Deals 2016", "discount": 23.32});
    let promotion = json!({"promotion_id": "promo_1", "creative": "top_banner_2", "name": "75% store-wide shoe sale",
        "position": "home_banner_top"});
    let listed = json!({"list_id": "hot_deals_1", "category": "Deals", "products": products});
    let wished = json!({"wishlist_id": "skdjsidjsdkdj29j", "wishlist_name": "Loved Games"});
    let shared = json!({"share_via": "email", "share_message": "Hey, look", "recipient": "friend@example.com"});
    let basket = json!({"cart_id": "skdjsidjsdkdj29j"});
    vec![
        ("Products Searched", json!({"query": "blue hotpants"})),
        ("Product List Viewed", with(listed.clone(), &json!({"decision_id": "d-1"}))),
        (
            "Product List Filtered",
            with(
                listed,
                &json!({"filters": [{"type": "department", "value": "beauty"}],
                "sorts": [{"type": "price", "value": "desc"}]}),
            ),
        ),
        ("Promotion Viewed", promotion.clone()),
        ("Promotion Clicked", promotion),
        ("Product Clicked", product("507f1f77", 3)),
        ("Product Viewed", with(product("507f1f77", 3), &json!({"currency": "usd", "value": 18.99}))),
        ("Product Added", with(product("507f1f77", 3), &basket)),
        ("Product Removed", with(product("507f1f77", 3), &basket)),
        ("Cart Viewed", with(basket.clone(), &json!({"products": products}))),
        ("Checkout Started", with(order.clone(), &json!({"value": 30}))),
        ("Checkout Step Viewed", step.clone()),
        ("Checkout Step Completed", step.clone()),
        ("Payment Info Entered", with(step, &json!({"order_id": "dkfsjidfjsdifsdfksdjfkdsfjsdfkdsf"}))),
        ("Order Completed", order.clone()),
        ("Order Updated", order.clone()),
        ("Order Refunded", json!({"order_id": "50314b8e", "total": "-30.00", "currency": "USD", "products": products})),
        ("Order Cancelled", order),
        ("Coupon Entered", coupon.clone()),
        ("Coupon Applied", coupon.clone()),
        ("Coupon Denied", with(coupon.clone(), &json!({"reason": "Coupon expired"}))),
        ("Coupon Removed", coupon),
        ("Product Added to Wishlist", with(product("507f1f77", 3), &wished)),
        ("Product Removed from Wishlist", with(product("507f1f77", 3), &wished)),
        ("Wishlist Product Added to Cart", with(with(product("507f1f77", 3), &wished), &basket)),
        ("Product Shared", with(product("507f1f77", 3), &shared)),
        ("Cart Shared", with(with(basket, &shared), &json!({"products": [{"product_id": "1"}, {"product_id": "2"}]}))),
        (
            "Product Reviewed",
            json!({"product_id": "507f1f77", "review_id": "kdfjrj39fj39jf3", "review_body": "Good", "rating": "5"}),
        ),
        (
            "Product Dwelled",
            with(product("507f1f77", 3), &json!({"dwell_ms": 4200, "list_id": "feed", "decision_id": "d-1"})),
        ),
        ("Experiment Viewed", json!({"experiment_id": "1", "variation_name": "B"})),
    ]
}

fn track(name: &str, properties: &Value) -> Value {
    json!({"type": "track", "messageId": "m", "anonymousId": "a", "timestamp": "2025-11-22T14:00:00Z", "event": name,
        "properties": properties})
}

#[test]
fn the_stored_form_of_every_event_of_the_spec() {
    let stored: Vec<String> = spec()
        .iter()
        .map(|(name, properties)| {
            let event = read(&track(name, properties)).unwrap().event;
            format!("{name}\n    {}", serde_json::to_string(&event).unwrap())
        })
        .collect();
    insta::assert_snapshot!(stored.join("\n"));
}

#[test]
fn every_action_a_visitor_can_do_has_an_event() {
    let mut actions: std::collections::BTreeSet<Action> =
        spec().iter().map(|(name, properties)| read(&track(name, properties)).unwrap().event.action).collect();
    for kind in Kind::ALL {
        let event = json!({"type": kind.as_str(), "userId": "u", "event": "X", "previousId": "p"});
        actions.insert(read(&event).unwrap().event.action);
    }
    // Of which segment somebody is a look-alike is nothing that they did.
    actions.insert(Action::Audience);
    assert_eq!(actions.into_iter().collect::<Vec<_>>(), Action::ALL);
}

#[test]
fn the_stored_form_of_the_other_types() {
    let frame = json!({"messageId": "m", "anonymousId": "a", "timestamp": "2025-11-22T14:00:00Z"});
    let stored: Vec<String> = [
        json!({"type": "identify", "userId": 42, "traits": {"email": "a@b.c", "age": 35, "phone": null},
            "context": {"traits": {"age": 34, "tier": "gold"}}}),
        json!({"type": "page", "name": "Home", "category": "Start",
            "properties": {"name": "Home", "path": "/", "url": "https://shop.example/?a=b", "search": "?a=b",
                "title": "Shop", "referrer": "https://search.example/q?x"}}),
        json!({"type": "screen", "name": "Basket", "properties": {"items": 2}}),
        json!({"type": "group", "userId": "u", "groupId": "g", "traits": {"name": "Initech"}}),
        json!({"type": "alias", "userId": "u", "previousId": "p"}),
        json!({"type": "track", "userId": "u", "event": "Size Guide Opened", "properties": {"size": "L"},
            "context": {"campaign": {"source": "mail"}, "locale": "fr-FR", "userAgentData": {"mobile": true},
                "consent": {"categoryPreferences": {"Advertising": false}}}}),
    ]
    .into_iter()
    .map(|event| serde_json::to_string(&read(&with(event, &frame)).unwrap().event).unwrap())
    .collect();
    insta::assert_snapshot!(stored.join("\n"));
}

#[test]
fn the_former_identifier_of_an_alias_is_kept_as_the_text_that_its_link_has() {
    for (former, text) in [(json!(42), "42"), (json!(1.5), "1.5"), (json!("p"), "p")] {
        let one = read(&json!({"type": "alias", "userId": "u", "previousId": former})).unwrap();
        assert_eq!(one.event.properties["previousId"], json!(text));
        assert_eq!(one.ties[0].device, Visitor::anonymous(text).unwrap());
    }
}

#[test]
fn what_cannot_be_taken() {
    for (event, code) in [
        (json!({"type": "track", "event": "X"}), "missing-identity"),
        (json!({"type": "track", "anonymousId": "a"}), "missing-event-name"),
        (json!({"type": "track", "anonymousId": "a", "event": " "}), "missing-event-name"),
        (json!({"type": "video", "anonymousId": "a"}), "unknown-type"),
        (json!({"type": "alias", "userId": "u"}), "incomplete-alias"),
        (json!({"type": "page", "userId": "a\u{0}b"}), "invalid-identifier"),
    ] {
        assert_eq!(read(&event).unwrap_err().code(), code, "{event}");
    }
}

#[test]
fn a_refusal_of_the_event_wins_over_the_setting_and_a_silence_does_not() {
    let refusing = json!({"type": "page", "userId": "u",
        "context": {"consent": {"categoryPreferences": {"Personalization": false}}}});
    let silent =
        json!({"type": "page", "userId": "u", "context": {"consent": {"categoryPreferences": {"chat": false}}}});
    let purposes = |event: &Value, default| {
        let message = Message::new(event.as_object().unwrap().clone(), None, None).unwrap();
        accept(&message, &Terms { purposes: default, ..terms() }).unwrap().event.purposes
    };
    assert_eq!(purposes(&refusing, Purposes::ALL), Purposes::ALL.without(Purpose::Personalise));
    assert_eq!(purposes(&silent, Purposes::ALL), Purposes::ALL);
    assert_eq!(purposes(&silent, Purposes::NONE), Purposes::NONE);
}

#[test]
fn the_clock_of_the_client_is_kept_and_its_error_beside_it() {
    let at = |offset: i64| NOW.plus(offset).to_rfc3339();
    let event = json!({"type": "page", "userId": "u", "anonymousId": "a", "timestamp": at(-2 * HOUR),
        "sentAt": at(-HOUR), "messageId": "m"});
    let Accepted { event, marked, ties, .. } = read(&event).unwrap();
    assert_eq!((event.time, event.skew, event.received, marked), (NOW.plus(-2 * HOUR), HOUR, NOW, false));
    assert_eq!(event.at(), NOW.plus(-HOUR));
    assert_eq!((ties[0].since, event.device_id.as_deref()), (event.time, Some("a")));
    let late = read(&json!({"type": "page", "userId": "u", "sentAt": at(-HOUR)})).unwrap();
    assert_eq!((late.event.time, late.event.skew, late.marked), (NOW, 0, true));
}

#[test]
fn a_view_of_a_browser_is_stored_in_few_bytes() {
    // As analytics.js 1.84.3 sent it from Chromium, names and times changed.
    let sent = include_str!("browser_view.json");
    let envelope = Envelope::parse(sent).unwrap();
    let message = envelope.messages(None).next().unwrap().unwrap();
    let event = accept(&message, &terms()).unwrap().event;
    let stored = serde_json::to_string(&event).unwrap();
    insta::assert_snapshot!(stored);
    assert!(stored.len() < 400, "{} of {}", stored.len(), sent.len());
    assert_eq!((event.channel, event.context.device.as_deref()), (Channel::Web, Some("desktop")));
}

/// Names that mean something, so that arbitrary objects reach every branch.
fn name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "type",
        "event",
        "userId",
        "anonymousId",
        "previousId",
        "messageId",
        "timestamp",
        "originalTimestamp",
        "sentAt",
        "properties",
        "traits",
        "context",
        "page",
        "path",
        "url",
        "referrer",
        "campaign",
        "source",
        "device",
        "model",
        "userAgent",
        "userAgentData",
        "mobile",
        "library",
        "name",
        "channel",
        "consent",
        "categoryPreferences",
        "locale",
        "products",
        "product_id",
        "sku",
        "id",
        "variant",
        "price",
        "quantity",
        "position",
        "category",
        "brand",
        "total",
        "revenue",
        "discount",
        "coupon",
        "currency",
        "order_id",
        "list_id",
        "query",
        "decision_id",
        "dwell_ms",
        "groupId",
        "store",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

fn scalar() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "track",
        "identify",
        "page",
        "screen",
        "group",
        "alias",
        "Order Completed",
        "Product Viewed",
        "Product List Viewed",
        "Product Dwelled",
        "Order Refunded",
        "Coupon Applied",
        "Promotion Viewed",
        "19,99 €",
        "1.299,50",
        "-.",
        "https://a.example:80/b?c#d",
        "2025-11-22T14:40:00Z",
        "2020-01-01",
        "9999-12-31T23:59:59Z",
        "-009999-01-01T00:00:00Z",
        "//",
        "://",
        "[",
        "u",
        "EUR",
    ]);
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (1_763_000_000_000..1_764_000_000_000_i64).prop_map(Value::from),
        words.prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            4 => prop::collection::hash_map(name(), inner, 0..8).prop_map(|o| Value::Object(o.into_iter().collect())),
        ]
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn assert_bounded(one: &Accepted) -> Result<(), TestCaseError> {
    let event = &one.event;
    let stored = serde_json::to_string(event).unwrap();
    prop_assert!(stored.len() < 3 * MAX_EVENT, "{} bytes", stored.len());
    // Nothing in it is infinite, nothing is no identifier: it is read back as it is.
    prop_assert_eq!(&serde_json::from_str::<Event>(&stored).unwrap(), event);
    prop_assert!(event.time <= NOW.plus(DAY) && event.time >= NOW.plus(-760 * DAY));
    prop_assert!(event.at() <= NOW.plus(DAY));
    for map in [&event.properties, &event.traits] {
        let kept = Value::Object(map.clone());
        prop_assert!(event.lines.len() <= bounds::LINES);
        prop_assert!(kept.to_string().len() <= bounds::TOTAL + 2 && depth(&kept) <= bounds::DEPTH + 1);
    }
    for text in [&event.name, &event.list, &event.query, &event.context.path, &event.context.referrer] {
        prop_assert!(text.as_ref().is_none_or(|text| text.len() <= 300 && !text.trim().is_empty()));
    }
    for tie in &one.ties {
        prop_assert_eq!(&tie.user, &event.visitor);
        prop_assert!(!tie.device.is_known());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_is_refused_or_bounded(value in json(), frame in any::<bool>()) {
        let value = match (frame, value) {
            (true, Value::Object(inner)) => {
                let mut framed = json!({"type": "track", "event": "Order Completed", "userId": 7});
                framed["properties"] = Value::Object(inner.clone());
                framed["context"] = Value::Object(inner);
                framed
            }
            (_, value) => value,
        };
        if let Ok(one) = read(&value) {
            assert_bounded(&one)?;
        }
    }

    #[test]
    fn whatever_text_is_sent_is_read_or_refused(text in any::<String>(), cut in any::<prop::sample::Index>()) {
        let _ = Envelope::parse(&text);
        let whole = json!({"batch": [track("X", &json!({"a": text}))], "context": {"locale": text}}).to_string();
        let _ = Envelope::parse(&whole[..whole.floor_char_boundary(cut.index(whole.len()))]);
        prop_assert!(Envelope::parse(&whole).unwrap().messages(None).all(|message| message.is_ok()));
    }

    #[test]
    fn a_retry_is_the_same_event(value in json(), later in 0..crate::timing::EDGE) {
        let Value::Object(mut members) = value else { return Ok(()) };
        members.insert("type".into(), "page".into());
        members.insert("userId".into(), "u".into());
        let attempt = |now: Millis| {
            let mut members = members.clone();
            members.insert("sentAt".into(), now.to_rfc3339().into());
            let message = Message::new(members, None, None).unwrap();
            accept(&message, &Terms { now, ..terms() }).map(|one| (one.event.visitor, one.event.id))
        };
        prop_assert_eq!(attempt(NOW), attempt(NOW.plus(later)));
    }
}

#[test]
fn the_largest_events_stay_bounded() {
    let fill = |unit: &str| unit.repeat((MAX_EVENT - 400) / unit.len());
    for properties in [
        format!(r#"{{"products":[{}]}}"#, fill(r#"{"sku":1,"price":1e9},"#).trim_end_matches(',')),
        format!(r#"{{"products":[{}]}}"#, fill("1e9,").trim_end_matches(',')),
        format!(r#"{{"a":[{}]}}"#, fill("1e9,").trim_end_matches(',')),
        format!(r#"{{"a":"{}"}}"#, fill("\\u0001")),
        format!(r#"{{"query":"{}"}}"#, fill("é")),
    ] {
        let event = format!(r#"{{"type":"track","event":"Order Completed","userId":"u","properties":{properties}}}"#);
        let envelope = Envelope::parse(&event).unwrap();
        let one = accept(&envelope.messages(None).next().unwrap().unwrap(), &terms()).unwrap();
        assert_bounded(&one).unwrap();
        assert_eq!(one.event.visitor, Visitor::known("u").unwrap());
    }
}
