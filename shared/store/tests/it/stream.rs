//! What the table's stream says, read from the engine's own stream.

use aws_lambda_events::event::dynamodb::EventRecord;
use serde_json::value::RawValue;
use vitrine_domain::{Product, ProductId};
use vitrine_store::decisions::DecisionKey;
use vitrine_store::stream::{Position, Record, decode};

use crate::support::{NOW, Stack, device, event, events, profile, shop, user};

/// All records after a position, in pages of three, and the position after them.
async fn read(stack: &Stack, after: Option<String>) -> (Vec<EventRecord>, Position) {
    let shards = stack.table.shards().await.unwrap();
    assert_eq!(shards.len(), 1);
    let mut position = Position { after, ..shards[0].clone() };
    let mut iterator = stack.table.shard_iterator(&position).await.unwrap();
    let mut records = Vec::new();
    while let Some(at) = iterator {
        let batch = stack.table.read_stream(&at, 3).await.unwrap();
        assert!(batch.event.records.len() <= 3);
        if batch.event.records.is_empty() {
            break;
        }
        records.extend(batch.event.records);
        iterator = batch.next;
    }
    position.after = records.last().and_then(|record| record.change.sequence_number.clone()).or(position.after);
    (records, position)
}

#[tokio::test]
async fn every_kind_of_write_is_told_apart() {
    let stack = Stack::start().await;
    let (phone, anna) = (device("pho#ne"), user("anna"));
    let view = event(&phone, "m#1", NOW);
    stack.table.put_event(&shop(), &view).await.unwrap();
    stack.table.put_event(&shop(), &view).await.unwrap();
    let untimed = event(&phone, "m2", NOW.plus(1));
    stack.table.put_event_without_time(&shop(), &untimed).await.unwrap();
    stack.table.link(&shop(), &phone, &anna, NOW).await.unwrap();
    for visitor in [Some(phone.clone()), None] {
        let key = DecisionKey { visitor, time: NOW, nonce: "abc".to_owned() };
        let decision = RawValue::from_string("{\"a\":1}".to_owned()).unwrap();
        stack.table.put_decision(&shop(), &key, &decision).await.unwrap();
    }
    stack.table.save_profile(&shop(), &profile(&phone, &[], 1), None).await.unwrap();
    let product = Product::new(ProductId::new("p").unwrap(), "P");
    stack.table.upsert_products(&shop(), std::slice::from_ref(&product), &|| NOW).await.unwrap();
    let corrected = vitrine_domain::Event { name: Some("corrected".to_owned()), ..view.clone() };
    stack.table.import_events(&shop(), std::slice::from_ref(&corrected)).await.unwrap();
    stack.table.withdraw_products(&shop(), &[product.id], &|| NOW).await.unwrap();

    let (records, _) = read(&stack, None).await;
    let decoded: Vec<Record> = records.iter().map(|record| decode(record).unwrap()).collect();
    let told: Vec<&Record> = decoded.iter().filter(|record| **record != Record::Other).collect();
    let event = |event: &vitrine_domain::Event| Record::Event { shop: shop(), event: Box::new(event.clone()) };
    let decision = |visitor| Record::Decision {
        shop: shop(),
        visitor,
        time: NOW,
        nonce: "abc".to_owned(),
        document: "{\"a\":1}".to_owned(),
    };
    let link = |visitor: &vitrine_domain::Visitor| Record::Link { shop: shop(), visitor: visitor.clone() };
    // The two sides of a link are written at once, in either order.
    let mut expected = [
        event(&view),
        event(&untimed),
        link(&phone),
        link(&anna),
        decision(Some(phone.clone())),
        decision(None),
        event(&corrected),
    ];
    if *told[2] != expected[2] {
        expected.swap(2, 3);
    }
    assert_eq!(told, expected.iter().collect::<Vec<_>>());
    assert!(
        decoded.len() > told.len(),
        "the mark, the profile and the product are in the stream and mean nothing here"
    );
    assert!(records.iter().all(|r| r.change.approximate_creation_date_time.timestamp_millis() > 1_700_000_000_000));
}

#[tokio::test]
async fn reading_goes_on_after_a_position() {
    let stack = Stack::start().await;
    let all = events(&device("phone"), 10);
    for event in &all[..7] {
        stack.table.put_event(&shop(), event).await.unwrap();
    }
    let (first, position) = read(&stack, None).await;
    assert_eq!(first.len(), 7);
    assert_eq!(read(&stack, position.after.clone()).await.0, []);
    for event in &all[7..] {
        stack.table.put_event(&shop(), event).await.unwrap();
    }
    let (second, _) = read(&stack, position.after).await;
    let ids: Vec<String> = [first, second]
        .concat()
        .iter()
        .map(|record| match decode(record).unwrap() {
            Record::Event { event, .. } => event.id.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, all.iter().map(|event| event.id.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_an_error_and_not_a_panic() {
    let stack = Stack::start().await;
    stack.table.put_event(&shop(), &event(&device("phone"), "m1", NOW)).await.unwrap();
    let key = DecisionKey { visitor: None, time: NOW, nonce: "abc".to_owned() };
    stack.table.put_decision(&shop(), &key, &RawValue::from_string("{}".to_owned()).unwrap()).await.unwrap();
    let (records, _) = read(&stack, None).await;
    let changed = |record: &EventRecord, pointer: &str, value: serde_json::Value| {
        let mut json = serde_json::to_value(record).unwrap();
        *json.pointer_mut(pointer).unwrap() = value;
        decode(&serde_json::from_value(json).unwrap())
    };
    for (record, pointer, value) in [
        (&records[0], "/dynamodb/Keys", serde_json::json!({})),
        (&records[0], "/dynamodb/Keys/PK/S", "S#demo#P#x".into()),
        (&records[0], "/dynamodb/Keys/SK/S", "E#yesterday#m1".into()),
        (&records[0], "/dynamodb/NewImage", serde_json::json!({})),
        (&records[0], "/dynamodb/NewImage/d", serde_json::json!({"N": "1"})),
        (&records[0], "/dynamodb/NewImage/d/S", "[".into()),
        (&records[0], "/dynamodb/NewImage/d/S", "{\"k\":\"view\"}".into()),
        (&records[1], "/dynamodb/Keys/PK/S", "demo".into()),
        (&records[1], "/dynamodb/Keys/SK/S", "D#abc".into()),
    ] {
        let decoded = changed(record, pointer, value.clone());
        assert!(decoded.is_err(), "{pointer} {value}: {decoded:?}");
    }
    // The record of an erasure that is done is no decision, though its key begins like one.
    assert_eq!(changed(&records[1], "/dynamodb/Keys/PK/S", "S#demo#R".into()).unwrap(), Record::Other);
    // What was removed rings for nobody.
    assert_eq!(changed(&records[0], "/eventName", "REMOVE".into()).unwrap(), Record::Other);
}
