//! Without consent to personalise nothing at rest says who somebody is, and who agreed is known. Every signal is told against
//! the setting of its shop: a refusal where the setting grants everything, a consent where it grants nothing. So a signal
//! that nobody reads leaves a trace, or leaves none of somebody who agreed.
//!
//! `VITRINE_SILENT` sets how many visitors give none, 48 unless set.
#![allow(clippy::print_stdout, reason = "figures for --nocapture")]

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_tests::{Ground, Shop, catalogue, ids};

use crate::scan::traces;

/// What the names of those begin with who gave no consent, and of those who did.
const SILENT: &str = "zq8silent";
const AGREED: &str = "zq8agreed";

/// TC strings of version 2 as a consent platform writes them: with all of purposes 1 to 11; with 1 and 8 alone, so that a
/// visit may be counted and nobody be known.
const EVERYTHING: &str = "CQuHfOAQuHfOAAfAHBDEGcFAAP_gAEPAAAYgAEKoACAEAA";
const COUNTING: &str = "CQuHfOAQuHfOAAfAHBDEGcFAAIEAAABAAAYgAEKoACAEAA";

fn number() -> usize {
    #[allow(clippy::disallowed_methods, reason = "a test's size is set from outside")]
    std::env::var("VITRINE_SILENT").ok().and_then(|text| text.parse().ok()).unwrap_or(48)
}

/// What the setting of a shop grants of those who say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setting {
    Everything,
    Nothing,
}

/// A way to say or not to say what one agrees to.
#[derive(Debug, Clone)]
struct Way {
    /// The setting that would decide otherwise.
    against: Setting,
    /// `context.consent` of the events.
    consent: Value,
    /// Whether `Sec-GPC: 1` comes with the events.
    private: bool,
    /// Whether what was done may be counted.
    counted: bool,
}

fn way(against: Setting, consent: Value, counted: bool) -> Way {
    Way { against, consent, private: false, counted }
}

/// The ways not to agree.
fn refusals() -> Vec<Way> {
    use Setting::{Everything, Nothing};
    let denied = json!({"ad_storage": "denied", "ad_user_data": "denied", "ad_personalization": "denied",
        "personalization_storage": "denied", "analytics_storage": "granted"});
    vec![
        way(Everything, json!({"categoryPreferences": {"personalise": false}}), true),
        way(Everything, json!({"google": denied}), true),
        way(Everything, json!({"google": "G110"}), false),
        way(Everything, json!({"tcf": COUNTING}), true),
        // What cannot be read refuses counting too.
        way(Everything, json!({"tcf": "this was to be a TC string"}), false),
        way(Everything, json!({"tcf": EVERYTHING, "categoryPreferences": {"functional": false}}), true),
        Way { private: true, ..way(Everything, json!({}), true) },
        Way { private: true, ..way(Everything, json!({"tcf": EVERYTHING}), true) },
        way(Nothing, json!({}), false),
        way(Nothing, json!({"categoryPreferences": {"Analytics": true}}), true),
        way(Nothing, json!({"tcf": COUNTING}), true),
    ]
}

/// The ways to agree.
fn consents() -> Vec<Way> {
    use Setting::{Everything, Nothing};
    vec![
        way(Nothing, json!({"categoryPreferences": {"measure": true, "personalise": true}}), true),
        way(Nothing, json!({"google": {"personalization_storage": "granted", "analytics_storage": "granted"}}), true),
        way(Nothing, json!({"google": "G101"}), true),
        way(Nothing, json!({"tcf": EVERYTHING}), true),
        // Nothing is said, and the setting grants it.
        way(Everything, json!({}), true),
    ]
}

/// Everything that a storefront sends of somebody, with their e-mail and their address in it.
fn events(name: &str, n: usize, consent: &Value) -> Vec<Value> {
    let who = |mut event: Value| {
        event["anonymousId"] = json!(format!("{name}-phone"));
        event["messageId"] = json!(format!("{name}-{}", event["event"].as_str().unwrap_or("said")));
        event["context"] = json!({"consent": consent, "page": {"url": format!("https://shop.example/?who={name}")}});
        event
    };
    let product = format!("tea-{}", n % 6);
    vec![
        who(json!({"type": "track", "event": "Product Viewed", "properties": {"product_id": product, "note": name}})),
        who(
            json!({"type": "identify", "userId": format!("{name}-user"), "traits": {"email": format!("{name}@mail.example")}}),
        ),
        who(json!({"type": "track", "event": "Order Completed", "userId": format!("{name}-user"), "properties": {
            "order_id": format!("{name}-order"), "total": 3.0, "products": [{"product_id": product, "price": 3.0}]}})),
    ]
}

/// Two shops, and what happens in them over HTTP.
struct Town {
    ground: Ground,
    http: reqwest::Client,
    /// Whose setting grants everything.
    grants: Shop,
    /// Whose setting grants nothing.
    asks: Shop,
}

impl Town {
    async fn settle() -> Result<Self> {
        let ground = Ground::start().await?;
        let (grants, asks) = (ground.shop("grants").await?, ground.shop("asks").await?);
        let all = json!(["measure", "personalise", "experiment", "market"]);
        for (shop, purposes) in [(&grants, all), (&asks, json!([]))] {
            shop.stock(&catalogue(&["tea"], 6)).await?;
            let setting = json!({"default_purposes": purposes});
            shop.ok(&shop.server, Method::PUT, "/v1/settings/privacy", Some(setting)).await?;
        }
        Ok(Self { ground, http: reqwest::Client::new(), grants, asks })
    }

    const fn shop(&self, setting: Setting) -> &Shop {
        match setting {
            Setting::Everything => &self.grants,
            Setting::Nothing => &self.asks,
        }
    }

    /// Sends and asks as a browser does, with `Sec-GPC: 1` if the browser says so.
    async fn post(&self, shop: &Shop, path: &str, body: &Value, private: bool) -> Result<Value> {
        let address = format!("{}{path}", self.ground.stack.url());
        let mut request = self.http.post(&address);
        if private {
            request = request.header("sec-gpc", "1");
        }
        let answer = request.basic_auth(&shop.browser, Some("")).json(body).send().await?;
        ensure!(answer.status() == 200, "{address}: {}", answer.text().await?);
        Ok(answer.json().await?)
    }

    /// Somebody looks around, says who they are and buys; how many events were sent.
    async fn visit(&self, name: &str, n: usize, way: &Way) -> Result<usize> {
        let events = events(name, n, &way.consent);
        self.post(self.shop(way.against), "/v1/batch", &json!({"batch": events}), way.private).await?;
        Ok(events.len())
    }

    /// Somebody's page asks for products.
    async fn ask(&self, name: &str, setting: Setting, private: bool) -> Result<()> {
        let question = json!({"anonymous_id": format!("{name}-phone"), "limit": 3});
        let list = self.post(self.shop(setting), "/v1/recommendations/home", &question, private).await?;
        ensure!(!ids(&list).is_empty(), "who does not agree sees a shop like everybody: {list}");
        Ok(())
    }

    /// How many events of today were counted.
    async fn counted(&self) -> Result<u64> {
        let today = self.ground.stack.context.clock.now().day();
        let path = format!("/v1/counts?from={today}&to={today}");
        let mut sum = 0;
        for shop in [&self.grants, &self.asks] {
            let counts = shop.ok(&shop.server, Method::GET, &path, None).await?;
            let days = counts["days"][&today].as_object().context("no counts")?;
            sum += days.values().filter_map(Value::as_u64).sum::<u64>();
        }
        Ok(sum)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_did_not_agree_nothing_at_rest_says_who_they_are() -> Result<()> {
    let town = Town::settle().await?;
    let (silent, refusals, consents) = (number(), refusals(), consents());
    ensure!(silent >= refusals.len(), "VITRINE_SILENT: at least {}, one for each way", refusals.len());
    let (mut sent, mut lists, mut measured) = (0, 0, 0);
    for n in 0..silent {
        let (name, way) = (format!("{SILENT}{n:05}x"), &refusals[n % refusals.len()]);
        let events = town.visit(&name, n, way).await?;
        (sent, measured) = (sent + events, measured + if way.counted { events } else { 0 });
        town.ask(&name, way.against, false).await?;
        if way.against == Setting::Everything {
            // A refusal binds what says nothing later. What is counted then is what the setting grants.
            let later = later(&name, n);
            town.post(&town.grants, "/v1/batch", &json!({"batch": [later]}), false).await?;
            (sent, measured) = (sent + 1, measured + 1);
        }
        // One of whom nothing else is known asks, and the browser says that nobody is to be known.
        town.ask(&format!("{SILENT}{n:05}y"), Setting::Everything, true).await?;
        lists += 2;
    }
    for n in 0..2 * consents.len() {
        let way = &consents[n % consents.len()];
        town.visit(&agreed(n % consents.len(), n), n, way).await?;
    }
    town.ground.stack.poller.caught_up().await;
    town.grants.retrain().await?;
    town.asks.retrain().await?;
    let counted = town.counted().await?;
    assert_eq!(counted as usize, measured, "what was done is counted");
    let folder = town.ground.stop_and_keep().await;
    let names = |name: String| ["phone", "user"].map(|end| format!("{name}-{end}"));
    for (at, way) in consents.iter().enumerate() {
        let known = traces(folder.path(), &format!("{AGREED}{at}n"), &[])?;
        ensure!(!known.found.is_empty(), "nothing is known of those who agreed: {way:?}");
    }
    let silent_names: Vec<String> =
        (0..silent).flat_map(|n| ["x", "y"].map(|end| names(format!("{SILENT}{n:05}{end}")))).flatten().collect();
    let left = traces(folder.path(), SILENT, &silent_names)?;
    assert!(left.found.is_empty(), "{:#?}", left.found);
    println!(
        "figure: {silent} visitors, {sent} events and {lists} lists in {} ways without consent: 0 traces in {:.1} MB of {} files, {counted} counts; all {} ways to agree are known",
        refusals.len() + 1,
        left.bytes as f64 / 1e6,
        left.files,
        consents.len()
    );
    Ok(())
}

/// The name of one of those who agreed in a way.
fn agreed(way: usize, n: usize) -> String {
    format!("{AGREED}{way}n{n:05}x")
}

/// A view of a product by somebody's phone, without a word on consent.
fn later(name: &str, n: usize) -> Value {
    let product = format!("tea-{}", n % 6);
    json!({"type": "track", "event": "Product Viewed", "anonymousId": format!("{name}-phone"), "messageId": format!("{name}-later"),
        "properties": {"product_id": product, "note": name}})
}
