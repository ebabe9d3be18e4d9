//! What goes in and out, as the OpenAPI document shows it. Events are read leniently; these are the members that mean
//! something.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::Error;

/// An event. Besides its frame it has the members of its type: `event` and `properties` (track), `traits` (identify),
/// `name`, `category` and `properties` (page, screen), `groupId` and `traits` (group), `previousId` (alias).
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "type": "track", "event": "Product Viewed", "messageId": "web-5b8a0c1e-9f6e-4a53-8f43-0d6c2b7f9a11",
    "anonymousId": "2f6f9c1e-55c8-4a53-8f43-0d6c2b7f9a11", "timestamp": "2026-11-22T14:40:00.123Z",
    "properties": {"product_id": "873902", "price": 2.49, "currency": "USD"},
    "context": {"page": {"path": "/product/873902"}, "locale": "fr-FR"},
}))]
pub struct EventBody {
    /// `track`, `identify`, `page`, `screen`, `group` or `alias`; the address says it where it is missing.
    #[schema(example = "track")]
    pub r#type: Option<String>,
    /// The shop's key, if no header has it.
    #[schema(rename = "writeKey", example = "demo")]
    pub write_key: Option<String>,
    /// Makes a repeated event the same event; up to 100 bytes. Without it a hash of the event takes its place, so that
    /// equal events are one.
    #[schema(rename = "messageId", example = "web-5b8a0c1e-9f6e-4a53-8f43-0d6c2b7f9a11")]
    pub message_id: Option<String>,
    /// The random identifier of the browser or device. This or `userId` is needed.
    #[schema(rename = "anonymousId", example = "2f6f9c1e-55c8-4a53-8f43-0d6c2b7f9a11")]
    pub anonymous_id: Option<String>,
    /// The shop's own customer number; a number is taken as text.
    #[schema(rename = "userId", value_type = Option<String>)]
    pub user_id: Option<Value>,
    /// When it happened, by the client's clock, RFC 3339. Without it, or outside of what is kept, the time of first
    /// receipt takes its place.
    #[schema(example = "2026-11-22T14:40:00.123Z")]
    pub timestamp: Option<String>,
    /// When it was sent, by the client's clock: corrects a clock that is wrong by half a minute or more.
    #[schema(rename = "sentAt")]
    pub sent_at: Option<String>,
    /// Name of a track event; those of the Ecommerce Spec are understood, and `Product Dwelled`: a product, or several, that was
    /// looked at in a list without being opened, for `dwell_ms` milliseconds, two seconds at least. Others are kept.
    #[schema(example = "Product Viewed")]
    pub event: Option<String>,
    /// What belongs to it. `decision_id` names the recommendation that led there.
    #[schema(value_type = Option<Object>)]
    pub properties: Option<Value>,
    /// What is known of the person (identify) or the group.
    #[schema(value_type = Option<Object>)]
    pub traits: Option<Value>,
    /// The identifier before an alias.
    #[schema(rename = "previousId")]
    pub previous_id: Option<String>,
    /// Circumstances: `page`, `campaign`, `device`, `userAgent`, `locale`, `location` (its `country` and `city`), `library`,
    /// `channel`, and `consent`, which grants or refuses `measure`, `personalise`, `experiment`, `market`:
    /// `categoryPreferences` by name, `tcf` with a TC string, or `google` with Google consent mode. Without consent to
    /// personalise an event is counted and not kept.
    #[schema(value_type = Option<Object>)]
    pub context: Option<Value>,
}

/// Up to 2,500 events and 500 KB, each event up to 32 KB, counted after inflation.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "sentAt": "2026-11-22T14:40:01.000Z", "context": {"locale": "fr-FR"},
    "batch": [{
        "type": "track", "event": "Order Completed", "userId": "4711", "messageId": "till-7-000123",
        "timestamp": "2026-11-22T14:40:00.123Z",
        "properties": {
            "order_id": "000123", "store": "Paris 12", "currency": "EUR", "revenue": 4.98,
            "products": [{"product_id": "873902", "price": 2.49, "quantity": 2}],
        },
    }],
}))]
pub struct BatchBody {
    /// The events.
    pub batch: Vec<EventBody>,
    /// The shop's key, if no header has it.
    #[schema(rename = "writeKey", example = "demo")]
    pub write_key: Option<String>,
    /// When the batch was sent, by the client's clock.
    #[schema(rename = "sentAt")]
    pub sent_at: Option<String>,
    /// Circumstances of all events; what an event says itself wins.
    #[schema(value_type = Option<Object>)]
    pub context: Option<Value>,
}

/// An event of a batch that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rejected {
    /// Its place in the batch, from zero.
    #[schema(example = 3)]
    pub index: usize,
    /// Stable name of the reason.
    #[schema(example = "missing-identity")]
    pub code: &'static str,
    /// The reason in words, and how to mend it.
    pub message: String,
}

impl Rejected {
    pub(crate) fn new(index: usize, error: &Error) -> Self {
        Self { index, code: error.code(), message: error.to_string() }
    }
}

/// Every event that is not named here as rejected is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Answer {
    /// Always true; trackers look at the status alone.
    pub success: bool,
    /// What was not taken; absent if everything was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub rejected: Vec<Rejected>,
}

impl Answer {
    pub(crate) const fn without(rejected: Vec<Rejected>) -> Self {
        Self { success: true, rejected }
    }
}
