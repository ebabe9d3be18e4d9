//! The client of the table and the few calls that everything else is made of.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, Delete, KeySchemaElement, KeyType, KeysAndAttributes, Put,
    PutRequest, ScalarAttributeType, StreamSpecification, StreamViewType, TimeToLiveSpecification, TransactWriteItem,
    WriteRequest,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vitrine_domain::Millis;
use vitrine_domain::time::{DAY, SECOND};

use crate::calls::Call;
use crate::error::{classify, code};
use crate::places::Place;
use crate::{Error, Result};

/// An item as the client knows it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Attribute of the stored document, JSON text.
pub(crate) const DOCUMENT: &str = "d";
/// Attribute of a version for optimistic locking.
const VERSION: &str = "v";
/// Attribute of the expiry in seconds since 1970, for the table's own clean-up.
const EXPIRY: &str = "e";

/// Largest document that is stored, below the table's own bound of 400 KB an item.
pub(crate) const MAX_DOCUMENT: usize = 380_000;

/// Where the table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Name of the table.
    pub table: String,
    /// Address of the endpoint; AWS itself if none.
    pub endpoint: Option<String>,
}

/// Tells the time.
type Now = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The table.
#[derive(Clone)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) streams: aws_sdk_dynamodbstreams::Client,
    pub(crate) name: String,
    /// How long events and profiles are kept, in milliseconds.
    pub(crate) retention: i64,
    /// Without it nothing expires when it is read.
    now: Option<Now>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.name).field("retention", &self.retention).finish_non_exhaustive()
    }
}

/// Keys of one read, the table's own bound.
const READ_BATCH: usize = 100;
/// How long events are kept unless something else is said: 25 months.
const RETENTION: i64 = 760 * DAY;

impl Table {
    /// Connects with the credentials and region of the environment; a local endpoint needs neither.
    pub async fn connect(connection: &Connection) -> Self {
        let config = crate::sdk::load(connection.endpoint.as_deref()).await;
        Self {
            client: Client::new(&config),
            streams: aws_sdk_dynamodbstreams::Client::new(&config),
            name: connection.table.clone(),
            retention: RETENTION,
            now: None,
        }
    }

    /// The same table, which keeps events and profiles for some milliseconds by a clock: what is over is not read any more,
    /// whether or not it was cleaned up.
    #[must_use]
    pub fn keeping(self, retention: i64, now: impl Fn() -> Millis + Send + Sync + 'static) -> Self {
        Self { retention, now: Some(Arc::new(now)), ..self }
    }

    /// The time, if anything expires.
    pub(crate) fn time(&self) -> Option<Millis> {
        self.now.as_ref().map(|now| now())
    }

    pub(crate) fn is_over(&self, item: &Item) -> bool {
        expiry(item).zip(self.time()).is_some_and(|(expiry, now)| expiry <= now)
    }

    /// Deletes what is over, as the table does by itself in the cloud. Answers how many items went.
    ///
    /// # Errors
    /// If the table fails; doing it again goes on.
    pub async fn delete_expired(&self) -> Result<usize> {
        let (mut deleted, mut from) = (0, None);
        let Some(now) = self.time() else { return Ok(0) };
        loop {
            let call = self.client.scan().table_name(&self.name).filter_expression("e <= :now");
            let call = call.expression_attribute_values(":now", AttributeValue::N((now.0 / SECOND).to_string()));
            let call = call.projection_expression("PK, SK").set_exclusive_start_key(from);
            let answer = call.ask().await.map_err(|e| classify("Scan", e))?;
            let places: BTreeSet<(String, String)> = answer.items().iter().map(place_of).collect();
            deleted += places.len();
            self.delete_keys(places).await?;
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(deleted);
            }
        }
    }

    /// A page of the whole table, with what is over.
    pub(crate) async fn scan(&self, from: Option<Item>) -> Result<(Vec<Item>, Option<Item>)> {
        let call = self.client.scan().table_name(&self.name).set_exclusive_start_key(from);
        let answer = call.ask().await.map_err(|e| classify("Scan", e))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Creates the table with its stream and expiry, if there is none. In the cloud the template does this.
    ///
    /// # Errors
    /// If the endpoint cannot be reached or refuses.
    pub async fn create_if_missing(&self) -> Result<()> {
        let attribute = |name: &str| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
        };
        let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
        let built = |e: aws_sdk_dynamodb::error::BuildError| Error::corrupt("table definition", e);
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewImage)
            .build()
            .map_err(built)?;
        let created = self
            .client
            .create_table()
            .table_name(&self.name)
            .attribute_definitions(attribute("PK").map_err(built)?)
            .attribute_definitions(attribute("SK").map_err(built)?)
            .key_schema(key("PK", KeyType::Hash).map_err(built)?)
            .key_schema(key("SK", KeyType::Range).map_err(built)?)
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(stream)
            .ask()
            .await;
        match created {
            Ok(_) => {}
            Err(error) if code(&error) == Some("ResourceInUseException") => return Ok(()),
            Err(error) => return Err(classify("CreateTable", error)),
        }
        let expiry = TimeToLiveSpecification::builder().enabled(true).attribute_name(EXPIRY).build().map_err(built)?;
        let update = self.client.update_time_to_live().table_name(&self.name).time_to_live_specification(expiry);
        update.ask().await.map_err(|e| classify("UpdateTimeToLive", e))?;
        Ok(())
    }

    pub(crate) async fn get(&self, pk: String, sk: &str) -> Result<Option<Item>> {
        let call = self.client.get_item().table_name(&self.name).set_key(Some(key(pk, sk))).consistent_read(true);
        let answer = call.ask().await.map_err(|e| classify("GetItem", e))?;
        Ok(answer.item.filter(|item| !self.is_over(item)))
    }

    /// Items by their keys, in no order; those that are not there are left out.
    pub(crate) async fn get_all(&self, keys: Vec<Item>) -> Result<Vec<Item>> {
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(READ_BATCH) {
            let mut wanted = chunk.to_vec();
            for attempt in 0..8_u32 {
                let request = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
                let request = request.map_err(|e| Error::corrupt("keys of a read", e))?;
                let call = self.client.batch_get_item().request_items(&self.name, request);
                let mut answer = call.ask().await.map_err(|e| classify("BatchGetItem", e))?;
                found.extend(answer.responses.as_mut().and_then(|all| all.remove(&self.name)).unwrap_or_default());
                let rest = answer.unprocessed_keys.and_then(|mut all| all.remove(&self.name));
                wanted = rest.map(|rest| rest.keys).unwrap_or_default();
                if wanted.is_empty() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50 << attempt)).await;
            }
            if !wanted.is_empty() {
                return Err(Error::Unavailable { operation: "BatchGetItem", source: "keys stayed unprocessed".into() });
            }
        }
        found.retain(|item| !self.is_over(item));
        Ok(found)
    }

    pub(crate) async fn put(&self, item: Item) -> Result<()> {
        let call = self.client.put_item().table_name(&self.name).set_item(Some(item));
        call.ask().await.map_err(|e| classify("PutItem", e))?;
        Ok(())
    }

    /// Puts an item where there is none. `false` if there was one.
    pub(crate) async fn put_new(&self, item: Item) -> Result<bool> {
        let call = self.client.put_item().table_name(&self.name).set_item(Some(item));
        match call.condition_expression("attribute_not_exists(PK)").ask().await {
            Ok(_) => Ok(true),
            Err(error) if code(&error) == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(classify("PutItem", error)),
        }
    }

    pub(crate) async fn delete(&self, pk: String, sk: &str) -> Result<()> {
        let call = self.client.delete_item().table_name(&self.name).set_key(Some(key(pk, sk)));
        call.ask().await.map_err(|e| classify("DeleteItem", e))?;
        Ok(())
    }

    /// One page of a partition between two sort keys, both included.
    pub(crate) async fn page(
        &self,
        pk: &str,
        range: (&str, &str),
        newest_first: bool,
        limit: Option<i32>,
        from: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>)> {
        let call = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("PK = :pk AND SK BETWEEN :low AND :high")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":low", text(range.0))
            .expression_attribute_values(":high", text(range.1))
            .consistent_read(true)
            .scan_index_forward(!newest_first)
            .set_limit(limit)
            .set_exclusive_start_key(from);
        let answer = call.ask().await.map_err(|e| classify("Query", e))?;
        let mut items = answer.items.unwrap_or_default();
        items.retain(|item| !self.is_over(item));
        Ok((items, answer.last_evaluated_key))
    }

    /// All of a partition between two sort keys, oldest first.
    pub(crate) async fn all(&self, pk: &str, range: (&str, &str)) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let (page, next) = self.page(pk, range, false, None, from).await?;
            items.extend(page);
            from = next;
            if from.is_none() {
                return Ok(items);
            }
        }
    }

    /// Writes all or nothing. Answers which of the conditions failed, if any did.
    pub(crate) async fn transact(&self, puts: Vec<Put>) -> Result<Vec<bool>> {
        self.transact_all(puts.into_iter().map(|put| TransactWriteItem::builder().put(put).build()).collect()).await
    }

    /// As [`transact`](Self::transact), of writes of every kind.
    pub(crate) async fn transact_all(&self, items: Vec<TransactWriteItem>) -> Result<Vec<bool>> {
        let call = self.client.transact_write_items().set_transact_items(Some(items));
        let Err(error) = call.ask().await else { return Ok(Vec::new()) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
            let failed: Vec<bool> =
                cancelled.cancellation_reasons().iter().map(|r| r.code() == Some("ConditionalCheckFailed")).collect();
            if failed.contains(&true) {
                return Ok(failed);
            }
        }
        Err(classify("TransactWriteItems", error))
    }

    pub(crate) fn write_of(&self, item: Item) -> Result<TransactWriteItem> {
        Ok(TransactWriteItem::builder().put(self.put_of(item, None)?).build())
    }

    pub(crate) fn delete_of(&self, key: Item) -> Result<TransactWriteItem> {
        let delete = Delete::builder().table_name(&self.name).set_key(Some(key)).build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(|e| Error::corrupt("delete", e))?).build())
    }

    pub(crate) fn put_of(&self, item: Item, condition: Option<&str>) -> Result<Put> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = put.set_condition_expression(condition.map(str::to_owned));
        put.build().map_err(|e| Error::corrupt("write", e))
    }
}

/// Whether a transaction failed only because another one was writing one of its items just then: nothing was written, and
/// trying again is right.
pub(crate) fn is_contended(error: &Error) -> bool {
    type Failure = SdkError<TransactWriteItemsError, HttpResponse>;
    let Error::Unavailable { source, .. } = error else { return false };
    let failure = source.downcast_ref::<Failure>().and_then(SdkError::as_service_error);
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = failure else { return false };
    cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("TransactionConflict"))
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// The key of an item, which every read and write goes through: what lies in no place has no way of erasure, and no test that
/// touches it passes. A release does not check it here; [`item`] does.
pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    let (pk, sk) = (pk.into(), sk.into());
    debug_assert!(Place::of_item(&pk, &sk).is_some(), "{pk} {sk} is in no place: say in places.rs how it is erased");
    HashMap::from([("PK".to_owned(), text(pk)), ("SK".to_owned(), text(sk))])
}

/// An item's place in a batch write.
pub(crate) fn put_request(item: Item) -> Result<WriteRequest> {
    let put = PutRequest::builder().set_item(Some(item)).build().map_err(|e| Error::corrupt("write", e))?;
    Ok(WriteRequest::builder().put_request(put).build())
}

/// An item with a JSON document.
///
/// # Errors
/// If nobody knows how somebody would be erased from it, or the document is too large.
pub(crate) fn item(
    pk: impl Into<String>,
    sk: impl Into<String>,
    what: &'static str,
    document: &(impl Serialize + ?Sized),
) -> Result<Item> {
    let (pk, sk) = (pk.into(), sk.into());
    if Place::of_item(&pk, &sk).is_none() {
        let source = format!("{what} is in no place: say in places.rs how it is erased").into();
        return Err(Error::Refused { operation: "PutItem", code: "NoPlace".to_owned(), source });
    }
    let document = serde_json::to_string(document).map_err(|e| Error::corrupt(what, e))?;
    if document.len() > MAX_DOCUMENT {
        return Err(Error::TooLarge { what, bytes: document.len(), max: MAX_DOCUMENT });
    }
    let mut item = key(pk, sk);
    item.insert(DOCUMENT.to_owned(), AttributeValue::S(document));
    Ok(item)
}

pub(crate) fn with_version(mut item: Item, version: u64) -> Item {
    item.insert(VERSION.to_owned(), AttributeValue::N(version.to_string()));
    item
}

pub(crate) fn with_expiry(mut item: Item, at: Millis) -> Item {
    item.insert(EXPIRY.to_owned(), AttributeValue::N((at.0 / 1000).to_string()));
    item
}

/// When an item is over, if it ever is.
pub(crate) fn expiry(item: &Item) -> Option<Millis> {
    let seconds = item.get(EXPIRY).and_then(|e| e.as_n().ok()).and_then(|e| e.parse::<i64>().ok());
    seconds.map(|seconds| Millis(seconds.saturating_mul(SECOND)))
}

pub(crate) fn partition_key(item: &Item) -> &str {
    item.get("PK").and_then(|v| v.as_s().ok()).map_or("", String::as_str)
}

pub(crate) fn place_of(item: &Item) -> (String, String) {
    (partition_key(item).to_owned(), sort_key(item).to_owned())
}

pub(crate) fn sort_key(item: &Item) -> &str {
    item.get("SK").and_then(|v| v.as_s().ok()).map_or("", String::as_str)
}

pub(crate) fn document_text<'a>(item: &'a Item, what: &'static str) -> Result<&'a str> {
    let text = item.get(DOCUMENT).and_then(|v| v.as_s().ok());
    text.map(String::as_str).ok_or_else(|| Error::corrupt(what, "no document"))
}

pub(crate) fn document<T: DeserializeOwned>(item: &Item, what: &'static str) -> Result<T> {
    serde_json::from_str(document_text(item, what)?).map_err(|e| Error::corrupt(what, e))
}

pub(crate) fn version_of(item: &Item) -> u64 {
    item.get(VERSION).and_then(|v| v.as_n().ok()).and_then(|n| n.parse().ok()).unwrap_or_default()
}

/// Sixteen random hexadecimal digits.
pub(crate) fn nonce() -> Result<String> {
    getrandom::u64().map(|n| format!("{n:016x}")).map_err(Error::Random)
}
