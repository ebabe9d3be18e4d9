//! What a visitor of the sample shop does: looks at pages, products and a basket, and is shown something on each.
//!
//! The requests have the bodies of an ordinary browser SDK and the envelope of the gateway. Products come from the answers.

use std::collections::VecDeque;

use serde_json::{Value, json};
use vitrine_domain::Millis;

use crate::record::Kind;

/// A product view as the most used browser SDK sends it.
const SDK_EVENT: &str = include_str!("../../../functions/collect/src/accept/browser_view.json");
/// Events that an app's SDK sends together at most.
const BATCH: usize = 20;

/// A step of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A page was opened.
    Page,
    /// What the home page shows: three lists at once.
    Home,
    /// A product was looked at.
    View,
    /// What is like it.
    Similar,
    /// It was put into the basket.
    Cart,
    /// What goes with the basket.
    Basket,
    /// The beginning of the endless feed.
    Feed,
    /// Its next page.
    More,
}

/// A visit, with every second one of a buyer.
const LOOKING: &[Step] =
    &[Step::Page, Step::Home, Step::View, Step::Similar, Step::View, Step::Similar, Step::Feed, Step::More];
const BUYING: &[Step] =
    &[Step::Page, Step::Home, Step::View, Step::Similar, Step::View, Step::Similar, Step::Cart, Step::Basket];

/// A call that a visit makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its kind.
    pub kind: Kind,
    /// Events or lists in it.
    pub items: u64,
    /// The gateway's event.
    pub payload: Vec<u8>,
    /// Bytes that the browser sends, about: address, headers and body.
    pub bytes: u64,
}

/// A visitor.
#[derive(Debug)]
pub struct Visitor {
    id: String,
    /// Whether they come with an app, whose SDK sends events in batches.
    app: bool,
    steps: VecDeque<Step>,
    /// Products of the last answer.
    products: Vec<String>,
    product: String,
    cursor: Option<String>,
    held: Vec<Value>,
    random: u64,
    key: String,
}

/// The next of a sequence of numbers that look random (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An identifier in the form that browsers make.
fn uuid(state: &mut u64) -> String {
    let (a, b) = (next(state), next(state));
    format!(
        "{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

impl Visitor {
    /// A visitor with a number: every second one buys, every fifth one comes with an app. `known` is a device that has been
    /// here before.
    #[must_use]
    pub fn new(number: u64, known: Option<&str>, product: &str, key: &str) -> Self {
        let mut random = number.wrapping_mul(0x2545_f491_4f6c_dd1d);
        let id = known.map_or_else(|| uuid(&mut random), str::to_owned);
        let steps = if number % 2 == 1 { BUYING } else { LOOKING };
        Self {
            id,
            app: number % 5 == 4,
            steps: steps.iter().copied().collect(),
            products: vec![product.to_owned()],
            product: product.to_owned(),
            cursor: None,
            held: Vec::new(),
            random,
            key: key.to_owned(),
        }
    }

    /// What they do next; nothing when the visit is over.
    pub fn next(&mut self, now: Millis) -> Option<Call> {
        while let Some(step) = self.steps.pop_front() {
            if let Some(call) = self.step(step, now) {
                return Some(call);
            }
        }
        (!self.held.is_empty()).then(|| self.batch(now))
    }

    /// Takes note of an answer.
    pub fn told(&mut self, answer: &Value) {
        let mut found = Vec::new();
        collect(answer, &mut found);
        if !found.is_empty() {
            self.products = found;
        }
        self.cursor = answer["cursor"].as_str().map(str::to_owned);
    }

    fn step(&mut self, step: Step, now: Millis) -> Option<Call> {
        match step {
            Step::Page => {
                self.event("page", None, json!({"title": "The shop", "path": "/", "url": "https://shop.example/"}), now)
            }
            Step::View => {
                let at = next(&mut self.random) as usize % self.products.len().max(1);
                self.product = self.products.get(at).cloned().unwrap_or_default();
                let properties = json!({"product_id": self.product, "name": "A product of the shop", "price": 2.49, "currency": "USD"});
                self.event("track", Some("Product Viewed"), properties, now)
            }
            Step::Cart => {
                let properties = json!({"product_id": self.product, "name": "A product of the shop", "price": 2.49, "quantity": 1, "currency": "USD"});
                self.event("track", Some("Product Added"), properties, now)
            }
            Step::Home => {
                let body = json!({"anonymous_id": self.id, "placements": [
                    {"placement": "home"}, {"placement": "recently-viewed"}, {"placement": "trending"}]});
                Some(self.call(Kind::Page, 3, "POST", "/v1/recommendations", "", Some(&body), now))
            }
            Step::Similar => Some(self.list("product-similar", &format!("&product_id={}&limit=8", self.product), now)),
            Step::Basket => Some(self.list("basket", &format!("&basket={}&limit=8", self.product), now)),
            Step::Feed => Some(self.list("feed", "", now)),
            Step::More => {
                let cursor = self.cursor.take()?;
                Some(self.list("feed", &format!("&cursor={cursor}"), now))
            }
        }
    }

    fn list(&self, placement: &str, more: &str, now: Millis) -> Call {
        let query = format!("anonymous_id={}&language=en{more}", self.id);
        self.call(Kind::List, 1, "GET", &format!("/v1/recommendations/{placement}"), &query, None, now)
    }

    fn event(&mut self, kind: &str, name: Option<&str>, properties: Value, now: Millis) -> Option<Call> {
        let mut event: Value = serde_json::from_str(SDK_EVENT).unwrap_or_default();
        let time = now.to_rfc3339();
        event["type"] = kind.into();
        event["event"] = name.map_or(Value::Null, Value::from);
        event["properties"] = properties;
        event["anonymousId"] = self.id.clone().into();
        event["messageId"] = format!("ajs-next-{}-{}", now.0, uuid(&mut self.random)).into();
        event["timestamp"] = time.clone().into();
        event["sentAt"] = time.into();
        event["writeKey"] = self.key.clone().into();
        if self.app {
            self.held.push(event);
            return (self.held.len() >= BATCH).then(|| self.batch(now));
        }
        let path = if kind == "page" { "/v1/p" } else { "/v1/t" };
        Some(self.call(Kind::Event, 1, "POST", path, "", Some(&event), now))
    }

    fn batch(&mut self, now: Millis) -> Call {
        let held = std::mem::take(&mut self.held);
        let body = json!({"batch": held, "sentAt": now.to_rfc3339(), "writeKey": self.key});
        self.call(Kind::Batch, held.len() as u64, "POST", "/v1/b", "", Some(&body), now)
    }

    #[allow(clippy::too_many_arguments, reason = "a request has so many parts")]
    fn call(
        &self,
        kind: Kind,
        items: u64,
        method: &str,
        path: &str,
        query: &str,
        body: Option<&Value>,
        now: Millis,
    ) -> Call {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:", self.key));
        let body = body.map(Value::to_string);
        let mut headers = json!({
            "accept": "*/*", "accept-encoding": "gzip, deflate, br, zstd", "accept-language": "en-US,en;q=0.9",
            "authorization": format!("Basic {basic}"), "host": "abcdefghij.execute-api.eu-west-3.amazonaws.com",
            "origin": "https://shop.example", "referer": "https://shop.example/", "sec-fetch-dest": "empty",
            "sec-fetch-mode": "cors", "sec-fetch-site": "cross-site",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
            "x-amzn-trace-id": "Root=1-6921d5f0-0123456789abcdef01234567", "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
        });
        if let Some(body) = &body {
            headers["content-type"] = "application/json".into();
            headers["content-length"] = body.len().to_string().into();
        }
        let bytes = path.len() + query.len() + headers.to_string().len() + body.as_ref().map_or(0, String::len);
        let event = json!({
            "version": "2.0", "routeKey": format!("{method} {path}"), "rawPath": path, "rawQueryString": query, "headers": headers,
            "requestContext": {
                "accountId": "123456789012", "apiId": "abcdefghij", "domainName": "abcdefghij.execute-api.eu-west-3.amazonaws.com",
                "domainPrefix": "abcdefghij", "requestId": "JKJaXmPLvHcESHA=", "routeKey": format!("{method} {path}"), "stage": "$default",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "Mozilla/5.0"},
                "time": "22/Nov/2025:14:40:00 +0000", "timeEpoch": now.0,
            },
            "body": body, "isBase64Encoded": false,
        });
        Call { kind, items, payload: event.to_string().into_bytes(), bytes: bytes as u64 }
    }
}

/// Every product id of an answer, in its order.
fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, into)),
        Value::Object(members) => {
            into.extend(members.get("product_id").and_then(Value::as_str).map(str::to_owned));
            members
                .values()
                .filter(|value| value.is_array() || value.is_object())
                .for_each(|value| collect(value, into));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(number: u64) -> Vec<(Kind, u64)> {
        let mut visitor = Visitor::new(number, None, "1", "key");
        let mut made = Vec::new();
        while let Some(call) = visitor.next(Millis(1_763_822_400_000 + made.len() as i64)) {
            made.push((call.kind, call.items));
            visitor.told(&json!({"items": [{"product_id": "2"}], "cursor": "next"}));
        }
        made
    }

    #[test]
    fn browsers_send_events_one_by_one_and_apps_together() {
        use Kind::{Batch, Event, List, Page};
        let browser = [(Event, 1), (Page, 3), (Event, 1), (List, 1), (Event, 1), (List, 1), (List, 1), (List, 1)];
        assert_eq!(kinds(0), browser);
        assert_eq!(kinds(4), [(Page, 3), (List, 1), (List, 1), (List, 1), (List, 1), (Batch, 3)]);
        assert_eq!(kinds(1).iter().filter(|(kind, _)| *kind == Event).count(), 4);
    }

    #[test]
    fn the_same_number_makes_the_same_visit_and_no_two_messages_are_one() {
        let first = |number| Visitor::new(number, None, "1", "key").next(Millis(0)).unwrap().payload;
        assert_eq!(first(7), first(7));
        assert_ne!(first(7), first(8));
        let mut visitor = Visitor::new(0, Some("known"), "1", "key");
        let (a, b) =
            (visitor.event("page", None, json!({}), Millis(0)), visitor.event("page", None, json!({}), Millis(0)));
        assert_ne!(a.unwrap().payload, b.unwrap().payload);
    }

    #[test]
    fn products_are_found_in_lists_and_pages() {
        let mut found = Vec::new();
        collect(&json!({"placements": [{"items": [{"product_id": "1"}, {"product_id": "2"}]}]}), &mut found);
        assert_eq!(found, ["1", "2"]);
    }
}
