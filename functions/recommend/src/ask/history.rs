//! A history that comes with the request.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::profile::{event_key, keep_newest};
use vitrine_domain::{Action, Millis, PastAction, ProductId};
use vitrine_http::Problem;

/// Most entries that are looked at.
const MAX_HISTORY: usize = 200;

/// Something the visitor did with a product.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = HistoryEntry)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// The product.
    product_id: String,
    /// What was done: `view`, `click`, `dwell`, `add`, `remove`, `order`, `refund`, `wishlist_add`, `wishlist_remove`,
    /// `wishlist_to_cart`, `share`, `review`.
    #[schema(example = "view")]
    action: String,
    /// When: RFC 3339, or milliseconds since 1970.
    #[schema(value_type = String, example = "2026-11-22T14:40:00Z")]
    timestamp: Value,
}

/// The newest entries as a history, oldest first.
///
/// # Errors
/// 422 with every entry that is wrong.
pub(super) fn read(given: &[Given]) -> Result<Vec<PastAction>, Problem> {
    if given.len() > MAX_HISTORY {
        return Err(Problem::unprocessable("history-too-long", format!("a history has at most {MAX_HISTORY} entries"))
            .at("/history", "send the newest ones; the newest 50 are used"));
    }
    let mut wrong = Problem::unprocessable("invalid-history", "this is no history; `errors` says where");
    let mut actions = Vec::with_capacity(given.len());
    for (place, entry) in given.iter().enumerate() {
        let product = ProductId::new(entry.product_id.as_str());
        let action: Option<Action> = serde_json::from_value(entry.action.as_str().into()).ok();
        let at = match &entry.timestamp {
            Value::String(text) => Millis::parse(text),
            Value::Number(number) => number.as_i64().map(Millis).filter(|at| at.0 >= 0 && *at <= Millis::MAX),
            _ => None,
        };
        let mut fault = |member, how: &str| {
            let pointer = format!("/history/{place}/{member}");
            wrong.errors.push(vitrine_http::problem::Fault { pointer, detail: how.to_owned() });
        };
        match (product, action, at) {
            (Ok(product), Some(action), Some(at)) => {
                let key = event_key(at, &place.to_string());
                actions.push(PastAction { product, action, at, key });
            }
            (Err(error), ..) => fault("product_id", error.rule),
            (_, None, _) => fault("action", "`view`, `click`, `add`, `order` or another action of an event"),
            (.., None) => fault("timestamp", "RFC 3339 such as 2026-11-22T14:40:00Z, or milliseconds since 1970"),
        }
    }
    if !wrong.errors.is_empty() {
        return Err(wrong);
    }
    actions.retain(|past| past.action.is_interest());
    actions.sort_by_key(|past| past.at);
    keep_newest(&mut actions);
    Ok(actions)
}
