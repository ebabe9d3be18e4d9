//! Events in: shops point the tracking SDK they already have at Vitrine.
//!
//! The protocol is Segment's tracking API as its own and RudderStack's SDKs speak it: an event a request, or batches of
//! them, answered 200 `{"success":true}` once every event is durable. Reading it is pure ([`body`], [`envelope`],
//! [`accept`] and what they use); [`routes`] has the addresses.
//!
//! # An event counts once
//!
//! What the client sent decides which event it is: its partition (`userId`, else `anonymousId`), its own `timestamp` and
//! its `messageId`. The first copy is kept, every further one changes nothing.
//!
//! - A missing `messageId` is replaced by a hash of the event: a retry of the same request counts once, and so do two
//!   events that are equal in every member. Whoever wants to count both gives them message ids or timestamps.
//! - A missing `timestamp`, or one older than the retention or more than a day ahead, is replaced by the time of first
//!   receipt ([`timing`]).
//!
//! # What is kept
//!
//! Every event and property of the Ecommerce Spec v2 is understood under its present and former names; what has no field
//! is kept among the properties as it came, within [`bounds`]. Not kept are the network's address, the user agent, the
//! query of page addresses, and a product's name, address and picture, which are the catalogue's. A shared `context` is
//! merged into the events of its batch; `integrations` steers nothing here and is not kept.

pub mod accept;
mod agreed;
pub mod body;
pub mod bounds;
pub mod canonical;
pub mod circumstances;
pub mod commerce;
pub mod envelope;
mod error;
pub mod identity;
mod intake;
mod links;
pub mod message;
pub mod names;
mod privacy;
pub mod routes;
pub mod schema;
pub mod sdk;
pub mod timing;
pub mod values;
mod write;

pub use error::Error;
pub use routes::{openapi, router};
