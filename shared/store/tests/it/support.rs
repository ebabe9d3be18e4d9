//! A table, and a view of what is really in it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use vitrine_domain::segment::Membership;
use vitrine_domain::{Action, Event, Line, MessageId, Millis, ProductId, Profile, Shop, State, Visitor};
use vitrine_engine::Endpoint;
use vitrine_store::{Connection, Table};

/// When the tests happen: any time will do.
pub(crate) const NOW: Millis = Millis(1_790_000_000_000);

pub(crate) struct Stack {
    pub(crate) table: Table,
    endpoint: Endpoint,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        let endpoint = Endpoint::for_test().await.unwrap();
        let connection = Connection { table: endpoint.table().to_owned(), endpoint: Some(endpoint.url()) };
        let table = Table::connect(&connection).await;
        table.create_if_missing().await.unwrap();
        Self { table, endpoint }
    }

    /// A client of our own, for what the table's own calls do not show.
    pub(crate) async fn client(&self) -> aws_sdk_dynamodb::Client {
        let credentials = aws_sdk_dynamodb::config::Credentials::new("local", "local", None, None, "tests");
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .endpoint_url(self.endpoint.url())
            .credentials_provider(credentials)
            .region(aws_config::Region::new("local"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .load()
            .await;
        aws_sdk_dynamodb::Client::new(&config)
    }

    /// Every item as JSON, in the order of the keys; stored documents are parsed.
    pub(crate) async fn dump(&self) -> Vec<Value> {
        let client = self.client().await;
        let answer = client.scan().table_name(self.endpoint.table()).send().await.unwrap();
        assert!(answer.last_evaluated_key.is_none(), "too much for one page");
        let mut items: Vec<Value> = answer.items.unwrap().iter().map(readable).collect();
        items.sort_by_key(|item| (item["PK"].to_string(), item["SK"].to_string()));
        items
    }

    /// Replaces the document of an item with something else.
    pub(crate) async fn damage(&self, pk: &str, sk: &str, document: &str) {
        let client = self.client().await;
        let key = |name: &str| AttributeValue::S(name.to_owned());
        client
            .update_item()
            .table_name(self.endpoint.table())
            .key("PK", key(pk))
            .key("SK", key(sk))
            .update_expression("SET d = :d")
            .expression_attribute_values(":d", key(document))
            .send()
            .await
            .unwrap();
    }

    /// Takes an item away.
    pub(crate) async fn delete(&self, pk: &str, sk: &str) {
        let key = |name: &str| AttributeValue::S(name.to_owned());
        let call =
            self.client().await.delete_item().table_name(self.endpoint.table()).key("PK", key(pk)).key("SK", key(sk));
        call.send().await.unwrap();
    }

    /// A setting as it was stored before there were revisions.
    pub(crate) async fn put_old_setting(&self, sk: &str, version: &str, document: &str) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let call = self.client().await.put_item().table_name(self.endpoint.table());
        let call = call.item("PK", text("S#demo#C")).item("SK", text(sk)).item("d", text(document));
        call.item("v", AttributeValue::N(version.to_owned())).send().await.unwrap();
    }
}

fn readable(item: &std::collections::HashMap<String, AttributeValue>) -> Value {
    let value = |(name, value): (&String, &AttributeValue)| {
        let value = match value {
            AttributeValue::S(text) if name == "d" => serde_json::from_str(text).unwrap(),
            AttributeValue::S(text) => json!(text),
            AttributeValue::N(number) => json!({ "N": number }),
            other => json!(format!("{other:?}")),
        };
        (name.clone(), value)
    };
    json!(item.iter().map(value).collect::<BTreeMap<_, _>>())
}

pub(crate) fn shop() -> Shop {
    Shop::new("demo").unwrap()
}

pub(crate) fn other_shop() -> Shop {
    Shop::new("other").unwrap()
}

pub(crate) fn user(id: &str) -> Visitor {
    Visitor::known(id).unwrap()
}

pub(crate) fn device(id: &str) -> Visitor {
    Visitor::anonymous(id).unwrap()
}

pub(crate) fn event(visitor: &Visitor, id: &str, time: Millis) -> Event {
    let mut event = Event::new(MessageId::new(id).unwrap(), visitor.clone(), time, Action::View);
    event.lines = vec![Line { price: Some(2.49), ..Line::of(ProductId::new("873902").unwrap()) }];
    event
}

/// Events of a visitor, a second apart, the last one now.
pub(crate) fn events(visitor: &Visitor, count: i64) -> Vec<Event> {
    (0..count).map(|n| event(visitor, &format!("m{n:04}"), NOW.plus((n + 1 - count) * 1000))).collect()
}

pub(crate) fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

/// The profile that a fold of these events would write.
pub(crate) fn profile(visitor: &Visitor, events: &[Event], version: u64) -> Profile {
    let state = State::default().fold(events, &());
    Profile {
        visitor: visitor.clone(),
        version,
        state,
        linked: Vec::new(),
        folded: NOW,
        compacted: None,
        segments: Membership::default(),
    }
}
