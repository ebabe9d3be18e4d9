//! Where the visitor was: page, referrer, campaign, device, channel. Addresses of the network and full user agents are
//! never read into an event.

use serde_json::{Map, Value};
use vitrine_domain::{Channel, Context};

use crate::message::{Kind, Message};
use crate::values::{clip, take, text};

/// Longest path of a page.
const PATH: usize = 300;
/// Longest name of a host.
const HOST: usize = 100;
/// Longest language tag.
const LOCALE: usize = 35;
/// Longest name of a country or city.
const LOCATION: usize = 60;

fn member<'a>(object: Option<&'a Value>, name: &str) -> Option<&'a str> {
    object.and_then(|object| object.get(name)).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// What page events say besides: addresses with their queries, and the hosts of addresses that are read.
const ADDRESSES: [&str; 5] = ["search", "tab_url", "initial_referrer", "referring_domain", "initial_referring_domain"];

/// The circumstances of an event. Page events say some of them in their properties, which are taken out: what is in
/// the query of an address may name a person and is not kept.
pub fn circumstances(message: &Message, properties: &mut Map<String, Value>) -> Context {
    let page = message.context("page");
    let mut of_page = |name: &str| {
        let own = match message.kind {
            Kind::Page => properties.remove(name).and_then(|v| v.as_str().map(str::to_owned)),
            _ => None,
        };
        own.filter(|text| !text.trim().is_empty()).or_else(|| member(page, name).map(str::to_owned))
    };
    let (path, url, referrer) = (of_page("path"), of_page("url"), of_page("referrer"));
    ADDRESSES.iter().for_each(|name| drop(of_page(name)));
    let path = path.or_else(|| url.as_deref().and_then(path_of).map(str::to_owned));
    let from = referrer.or_else(|| member(message.context("referrer"), "url").map(str::to_owned));
    let from = from.as_deref().and_then(host_of);
    // A page of the shop itself led nobody here.
    let inside = url.as_deref().and_then(host_of);
    let locale = message.context("locale").and_then(Value::as_str).map(str::trim);
    let location = message.context("location");
    let located = |name: &str| member(location, name).map(|name| clip(name, LOCATION).to_owned());
    Context {
        country: located("country"),
        city: located("city"),
        path: path.map(|path| clip(path.trim(), PATH).to_owned()),
        referrer: from.filter(|host| inside.as_ref() != Some(host)),
        campaign: campaign(message.context("campaign")),
        device: device(message),
        locale: locale.filter(|locale| !locale.is_empty()).map(|locale| clip(locale, LOCALE).to_owned()),
    }
}

/// Source, medium and name; a missing one in front of another leaves its place empty.
fn campaign(campaign: Option<&Value>) -> Option<String> {
    let part = |name: &str| member(campaign, name).map_or("", |text| clip(text, 100));
    let joined = [part("source"), part("medium"), part("name")].join("/");
    let joined = joined.trim_end_matches('/');
    (!joined.is_empty()).then(|| joined.to_owned())
}

/// The host of an address, without port and user.
fn host_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").or_else(|| url.strip_prefix("//").map(|rest| ("", rest)))?;
    if scheme.contains(['/', '?', '#']) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| clip(&host.to_lowercase(), HOST).to_owned())
}

/// The path of an address, without its query.
fn path_of(url: &str) -> Option<&str> {
    let bare = url.split(['?', '#']).next()?;
    let rest = bare.split_once("://").map(|(_, rest)| rest).or_else(|| bare.strip_prefix("//")).unwrap_or(bare);
    rest.find('/').map(|at| &rest[at..])
}

/// The class of device: `phone`, `tablet`, `desktop`, or what an app says of itself.
fn device(message: &Message) -> Option<String> {
    let said = message.context("device");
    let model = member(said, "model").or(member(said, "name")).unwrap_or_default().to_lowercase();
    let is_tablet = model.contains("ipad") || model.contains("tablet");
    if let Some(kind) = member(said, "type") {
        return Some(match kind.to_lowercase().as_str() {
            "tablet" => "tablet".to_owned(),
            "ios" | "android" | "mobile" | "phone" | "smartphone" if is_tablet => "tablet".to_owned(),
            "ios" | "android" | "mobile" | "phone" | "smartphone" => "phone".to_owned(),
            "desktop" | "pc" | "computer" | "laptop" => "desktop".to_owned(),
            other => clip(other, 20).to_owned(),
        });
    }
    let hints = message.context("userAgentData");
    if let Some(mobile) = hints.and_then(|hints| hints.get("mobile")).and_then(Value::as_bool) {
        let android = member(hints, "platform").is_some_and(|platform| platform.eq_ignore_ascii_case("android"));
        return Some(
            if mobile {
                "phone"
            } else if android {
                "tablet"
            } else {
                "desktop"
            }
            .to_owned(),
        );
    }
    message.context("userAgent").and_then(Value::as_str).and_then(of_user_agent).map(str::to_owned)
}

/// The class of device that a user agent stands for; none for servers and programs.
fn of_user_agent(agent: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
    if has(&["iPad", "Tablet", "Kindle", "Silk/", "PlayBook"]) || (has(&["Android"]) && !has(&["Mobi"])) {
        return Some("tablet");
    }
    if has(&["Mobi", "iPhone", "iPod", "Windows Phone", "BlackBerry"]) {
        return Some("phone");
    }
    has(&["Windows NT", "Macintosh", "X11", "CrOS"]).then_some("desktop")
}

/// Words in the names of tracking libraries.
const APPS: [&str; 9] = ["ios", "android", "kotlin", "swift", "flutter", "native", "cordova", "xamarin", "unity"];
const SERVERS: [&str; 14] = [
    "node", "python", "ruby", "php", "go", "java", "rust", "net", "csharp", "clojure", "elixir", "scala", "perl",
    "server",
];

/// Where it happened. What the event says wins over what its context says, and that over the library that sent it.
pub fn channel(message: &Message, properties: &mut Map<String, Value>) -> Channel {
    let read = |value: &Value| value.as_str().and_then(Channel::parse);
    if let Some(said) = take(properties, &["channel"], read) {
        return said;
    }
    let at_a_till = |value: &Value| *value == Value::Bool(true) || text(value).is_some();
    if ["store", "store_id", "storeId"].iter().any(|name| properties.get(*name).is_some_and(at_a_till)) {
        return Channel::Store;
    }
    let said = message.context("channel").and_then(read).or_else(|| message.members.get("channel").and_then(read));
    said.or_else(|| of_library(message)).unwrap_or_else(|| {
        let system = member(message.context("device"), "type").unwrap_or_default().to_lowercase();
        let app = message.kind == Kind::Screen || matches!(system.as_str(), "ios" | "android");
        if app { Channel::Mobile } else { Channel::Web }
    })
}

fn of_library(message: &Message) -> Option<Channel> {
    let name = member(message.context("library"), "name")?.to_lowercase();
    let words = || name.split(|c: char| !c.is_alphanumeric());
    if words().any(|word| APPS.contains(&word) || word.ends_with("android") || word == "androidclient") {
        return Some(Channel::Mobile);
    }
    words().any(|word| SERVERS.contains(&word)).then_some(Channel::Server)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(kind: Kind, context: Value) -> Message {
        Message { kind, members: json!({"context": context}).as_object().unwrap().clone(), sent_at: None }
    }

    fn context(value: Value) -> Context {
        circumstances(&message(Kind::Track, value), &mut Map::new())
    }

    fn channel_of(members: Value, properties: Value) -> Channel {
        let members = members.as_object().unwrap().clone();
        let message = Message { kind: Kind::Track, members, sent_at: None };
        channel(&message, &mut properties.as_object().unwrap().clone())
    }

    #[test]
    fn hosts_and_paths() {
        for (url, host, path) in [
            ("https://www.Example.com:8080/a/b?c=d#e", Some("www.example.com"), Some("/a/b")),
            ("https://user:secret@example.com", Some("example.com"), None),
            ("http://[::1]:80/x", Some("::1"), Some("/x")),
            ("android-app://com.google.android.gm/", Some("com.google.android.gm"), Some("/")),
            ("//cdn.example.com/a", Some("cdn.example.com"), Some("/a")),
            ("/only/path?q", None, Some("/only/path")),
            ("/go?to=https://x.example", None, Some("/go")),
            ("nothing", None, None),
            ("https://", None, None),
        ] {
            assert_eq!((host_of(url).as_deref(), path_of(url)), (host, path), "{url}");
        }
    }

    #[test]
    fn nothing_that_names_a_person_is_read() {
        let found = context(json!({
            "ip": "192.0.2.7",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36",
            "page": {"url": "https://shop.example/p/1?email=a@b.c", "referrer": "https://mail.example/box?user=anna"},
            "network": {"carrier": "X"}, "traits": {"email": "a@b.c"}, "timezone": "Europe/Paris",
            "location": {"country": " France ", "city": "Lyon", "latitude": 45.76, "longitude": 4.84, "postalCode": "69001"},
        }));
        let expected = Context {
            path: Some("/p/1".into()),
            referrer: Some("mail.example".into()),
            device: Some("desktop".into()),
            country: Some("France".into()),
            city: Some("Lyon".into()),
            ..Context::default()
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_page_of_the_shop_is_no_referrer() {
        let page = json!({"url": "https://shop.example/b", "referrer": "https://shop.example/a", "path": "/b"});
        assert_eq!(context(json!({"page": page})).referrer, None);
    }

    #[test]
    fn campaigns_keep_the_places_of_their_parts() {
        for (said, expected) in [
            (json!({"source": "mail", "medium": "letter", "name": "May", "term": "x"}), Some("mail/letter/May")),
            (json!({"source": "mail"}), Some("mail")),
            (json!({"name": "May"}), Some("//May")),
            (json!({"source": "", "name": 7}), None),
            (json!("mail"), None),
        ] {
            assert_eq!(context(json!({"campaign": said})).campaign.as_deref(), expected, "{said}");
        }
    }

    #[test]
    fn page_events_say_it_in_their_properties() {
        let mut properties = json!({"path": "/a", "url": "https://s.example/a?b", "search": "?b", "referrer": "",
            "tab_url": "https://s.example/a?b", "referring_domain": "", "title": "A"});
        let object = properties.as_object_mut().unwrap();
        let page = message(Kind::Page, json!({"page": {"path": "/b", "referrer": "https://x.example/"}}));
        let found = circumstances(&page, object);
        assert_eq!((found.path.as_deref(), found.referrer.as_deref()), (Some("/a"), Some("x.example")));
        assert_eq!(properties, json!({"title": "A"}));
    }

    #[test]
    fn classes_of_devices() {
        let ios = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Mobile/15E148 Safari/604.1";
        let ipad = "Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605.1 Mobile/15E148 Safari/604.1";
        let phone = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/150.0.0.0 Mobile Safari/537.36";
        let tablet = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36";
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
        for (said, expected) in [
            (json!({"userAgent": ios}), Some("phone")),
            (json!({"userAgent": ipad}), Some("tablet")),
            (json!({"userAgent": phone}), Some("phone")),
            (json!({"userAgent": tablet}), Some("tablet")),
            (json!({"userAgent": windows}), Some("desktop")),
            (json!({"userAgent": "python-requests/2.34"}), None),
            (json!({"userAgentData": {"mobile": true, "platform": "Android"}, "userAgent": tablet}), Some("phone")),
            (json!({"userAgentData": {"mobile": false, "platform": "Android"}}), Some("tablet")),
            (json!({"userAgentData": {"mobile": false, "platform": "Windows"}}), Some("desktop")),
            (json!({"device": {"type": "ios", "model": "iPad14,3"}}), Some("tablet")),
            (json!({"device": {"type": "Android", "model": "Pixel 12"}}), Some("phone")),
            (json!({"device": {"type": "Kiosk"}, "userAgent": windows}), Some("kiosk")),
            (json!({}), None),
        ] {
            assert_eq!(context(said.clone()).device.as_deref(), expected, "{said}");
        }
    }

    #[test]
    fn channels_by_word_by_till_and_by_library() {
        let by_library = |name: &str| channel_of(json!({"context": {"library": {"name": name}}}), json!({}));
        for (library, expected) in [
            ("analytics.js", Channel::Web),
            ("RudderLabs JavaScript SDK", Channel::Web),
            ("vitrine-storefront", Channel::Web),
            ("@segment/analytics-node", Channel::Server),
            ("analytics-python", Channel::Server),
            ("analytics-go", Channel::Server),
            ("Analytics.NET", Channel::Server),
            ("@segment/analytics-react-native", Channel::Mobile),
            ("analytics-kotlin", Channel::Mobile),
            ("com.rudderstack.android.sdk.core", Channel::Mobile),
            ("mongoose", Channel::Web),
        ] {
            assert_eq!(by_library(library), expected, "{library}");
        }
        let node = json!({"channel": "server", "context": {"library": {"name": "analytics-node"}}});
        assert_eq!(channel_of(node.clone(), json!({})), Channel::Server);
        assert_eq!(channel_of(node.clone(), json!({"channel": "pos"})), Channel::Store);
        assert_eq!(channel_of(node.clone(), json!({"store": "Paris 12"})), Channel::Store);
        assert_eq!(channel_of(node.clone(), json!({"store_id": 12})), Channel::Store);
        assert_eq!(channel_of(node, json!({"store": "", "channel": "email"})), Channel::Server);
        assert_eq!(channel_of(json!({"context": {"channel": "mobile"}}), json!({})), Channel::Mobile);
        assert_eq!(channel_of(json!({"context": {"device": {"type": "ios"}}}), json!({})), Channel::Mobile);
        assert_eq!(channel_of(json!({"context": 7}), json!({})), Channel::Web);
    }
}
