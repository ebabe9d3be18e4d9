//! Every parser that reads what others send, as one function of bytes: the targets of `tests/fuzz`, whose kept corpus a plain
//! `cargo test` replays. Each function panics if the parser does, or if what it promises of its result does not hold.

use std::convert::Infallible;

use aws_lambda_events::event::dynamodb::EventRecord;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use vitrine_catalog::import::{self, Format, Input, Limits, Options, Report, Subject};
use vitrine_collect::accept::{Terms, accept};
use vitrine_collect::body::text;
use vitrine_collect::envelope::Envelope;
use vitrine_domain::consent::{Purpose, Signal, tcf};
use vitrine_domain::time::DAY;
use vitrine_domain::{Event, Filter, Millis, Purposes, Shop};
use vitrine_http::Sealer;
use vitrine_http::auth::{read_user_token, sign_user_token};
use vitrine_http::consent::of_headers;
use vitrine_learn::vectors::{Of, parse_ndjson, parse_npy};
use vitrine_learn::{Artifact, Lineup};
use vitrine_store::api_keys::derive_token_key;
use vitrine_store::stream::{Record, decode, kind_of, place_of};

/// 2026-11-22T14:40:00Z.
const NOW: Millis = Millis(1_795_358_400_000);
/// The server key of the tokens in the corpus.
pub const KEY: &str = "demo-secret";
/// The secret of the sealed identifiers in the corpus.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A name, under which the corpus has a folder, and the parser.
pub type Parser = (&'static str, fn(&[u8]));

/// All of them.
pub const PARSERS: [Parser; 13] = [
    ("events", events),
    ("consent", consent),
    ("stream", stream),
    ("filter_text", filter_text),
    ("filter_json", filter_json),
    ("feed", feed),
    ("token", token),
    ("sealed", sealed),
    ("artifact", artifact),
    ("vectors", vectors),
    ("settings", settings),
    ("questions", questions),
    ("forms", forms),
];

/// The body of events: whatever is taken is bounded, and is read back from the table as it was written.
pub fn events(bytes: &[u8]) {
    let Ok(body) = text(bytes) else { return };
    let Ok(envelope) = Envelope::parse(&body) else { return };
    let terms = Terms { now: NOW, retention: 760 * DAY, purposes: Purposes::ALL, robot: false, said: Signal::SILENCE };
    for message in envelope.messages(None).flatten() {
        let Ok(accepted) = accept(&message, &terms) else { continue };
        assert_eq!(accepted.event.purposes, accepted.said.over(terms.purposes));
        let stored = serde_json::to_string(&accepted.event).unwrap_or_default();
        assert!(!stored.is_empty() && stored.len() < 380_000, "{} bytes", stored.len());
        let read: Option<Event> = serde_json::from_str(&stored).ok();
        assert_eq!(read.as_ref(), Some(&accepted.event));
    }
}

/// What is said of consent, as a TC string, as `context.consent` of an event, and as a browser's header: nothing is granted and
/// refused, and a TC string that cannot be read refuses everything.
pub fn consent(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = tcf::Consent::parse(&text);
    let said = Signal::read(&json!({"tcf": text}));
    is_sound(said);
    for purpose in Purpose::ALL {
        assert_eq!(said.grants(purpose), read.is_some_and(|consent| consent.allows(purpose)), "{purpose:?}");
        assert_ne!(said.grants(purpose), said.refuses(purpose), "{purpose:?}");
    }
    if let Ok(value) = serde_json::from_slice(bytes) {
        is_sound(Signal::read(&value));
    }
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        is_sound(of_headers(&HeaderMap::from_iter([(HeaderName::from_static("sec-gpc"), value)])));
    }
}

fn is_sound(said: Signal) {
    for purpose in Purpose::ALL {
        let (grants, refuses) = (said.grants(purpose), said.refuses(purpose));
        assert!(!(grants && refuses), "{purpose:?}");
        assert_eq!(said.over(Purposes::NONE).allows(purpose), grants, "{purpose:?}");
        assert_eq!(said.over(Purposes::ALL).allows(purpose), !refuses, "{purpose:?}");
        assert!(said.and(Signal::REFUSAL).refuses(purpose), "{purpose:?}");
    }
}

/// A record of the table's stream, and the bytes as the document of an event, a decision and a link: what is read is of the shop
/// and the visitor of its key.
pub fn stream(bytes: &[u8]) {
    if let Ok(record) = serde_json::from_slice(bytes) {
        is_of_its_key(&record);
    }
    let document = String::from_utf8_lossy(bytes);
    for sk in ["E#1795358400000#m", "D#1795358400000#n", "L#u:853"] {
        let keys = json!({"PK": {"S": "S#fuzz#V#a:phone"}, "SK": {"S": sk}});
        let change =
            json!({"Keys": keys, "NewImage": {"d": {"S": document}}, "SizeBytes": 1, "ApproximateCreationDateTime": 1});
        let record = json!({"awsRegion": "", "eventID": "1", "eventName": "INSERT", "dynamodb": change});
        let record = serde_json::from_value(record);
        assert!(record.is_ok(), "{record:?}");
        record.iter().for_each(is_of_its_key);
    }
}

fn is_of_its_key(record: &EventRecord) {
    let (shop, kind) = kind_of(record);
    let place = place_of(record).map(|(shop, visitor, _)| (shop, visitor));
    match decode(record) {
        Ok(Record::Event { shop: of, event }) => {
            assert_eq!((kind, &shop), ("event", &Some(of.clone())));
            assert_eq!(place, Some((of, event.visitor)));
        }
        Ok(Record::Decision { shop: of, visitor, .. }) => {
            assert_eq!((kind, shop), ("decision", Some(of)));
            assert_eq!(place.map(|(_, visitor)| visitor), visitor);
        }
        Ok(Record::Link { shop: of, visitor }) => {
            assert_eq!((kind, &shop), ("link", &Some(of.clone())));
            assert_eq!(place, Some((of, visitor)));
        }
        Ok(Record::Other) | Err(_) => {}
    }
}

/// A filter as text: what is read means the same as JSON.
pub fn filter_text(bytes: &[u8]) {
    if let Ok(filter) = Filter::parse(&String::from_utf8_lossy(bytes)) {
        is_the_same_as_json(&filter);
    }
}

/// A filter as JSON, or as text in a JSON string.
pub fn filter_json(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice(bytes) else { return };
    if let Ok(filter) = Filter::from_json(&value) {
        is_the_same_as_json(&filter);
    }
}

fn is_the_same_as_json(filter: &Filter) {
    let again = serde_json::to_value(filter).ok().and_then(|value| Filter::from_json(&value).ok());
    assert_eq!(again.as_ref(), Some(filter));
    assert_eq!(Filter::parse(&filter.to_string()).ok().as_ref(), Some(filter));
}

/// A file of products, orders or customers, in every format it could be: the rows read are the rows kept and the rows refused.
pub fn feed(bytes: &[u8]) {
    let bounds = Limits { input_bytes: 1 << 16, row_bytes: 4_000, window_bytes: 4_000, rows: 200, ..Limits::default() };
    let options = Options { limits: bounds, ..Options::at(NOW) };
    for format in Format::ALL.into_iter().map(Some).chain([None]) {
        let input = || Input::stream(bytes).format(format);
        let holds = |subject| format.is_none_or(|format: Format| format.holds(subject));
        if holds(Subject::Products) {
            adds_up(import::products(input(), &options, &mut |_| Ok::<_, Infallible>(())));
        }
        if holds(Subject::Orders) {
            adds_up(import::orders(input(), &options, None, &mut |_| Ok::<_, Infallible>(())));
        }
        if holds(Subject::Customers) {
            adds_up(import::customers(input(), &options, &mut |_| Ok::<_, Infallible>(())));
        }
    }
}

fn adds_up(report: Result<Report, import::ImportError>) {
    if let Ok(report) = report {
        assert_eq!(report.read, report.kept + report.refused);
    }
}

/// A user token: one that is taken is, to the letter, the one that its signer signs.
pub fn token(bytes: &[u8]) {
    let Ok(token) = std::str::from_utf8(bytes) else { return };
    let Some(user) = read_user_token(token, &derive_token_key(KEY).1, NOW) else { return };
    let expiry = token.split('.').nth(3).and_then(|expiry| expiry.parse::<i64>().ok());
    let signed = expiry.and_then(|expiry| sign_user_token(KEY, &user, Millis(expiry.saturating_mul(1000))));
    assert_eq!(signed.as_deref(), Some(token));
}

/// A sealed identifier: one that opens is, to the letter, the one that was sealed.
pub fn sealed(bytes: &[u8]) {
    let Ok(given) = std::str::from_utf8(bytes) else { return };
    let sealer = Sealer::new(SECRET);
    for purpose in ["cursor", "decision"] {
        if let Some(clear) = sealer.open(purpose, given) {
            assert_eq!(sealer.seal(purpose, &clear).as_deref(), Some(given));
        }
    }
}

/// An artifact: one that opens can be read to its end.
pub fn artifact(bytes: &[u8]) {
    let Ok(artifact) = Artifact::from_bytes(bytes.to_vec(), &Lineup::default()) else { return };
    let _ = artifact.verify();
    for row in 0..artifact.people().len().min(1000) as u32 {
        let _ = (artifact.id(row), artifact.product_json(row), artifact.vector(row), artifact.categories(row));
    }
}

/// A shop's own vectors: what is taken is read back as it was packed.
pub fn vectors(bytes: &[u8]) {
    let ids: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
    let npy = parse_npy("own", bytes, Of::default(), &ids);
    for own in npy.into_iter().chain(parse_ndjson("own", bytes)) {
        let packed = own.pack().unwrap_or_default();
        assert_eq!(vitrine_learn::OwnVectors::unpack("own", &packed).ok().as_ref(), Some(&own));
    }
}

/// Placements, rules, segments, experiments, settings, keys and staff: what is taken is read back as it was written, and what
/// is shown of it can be sent back and means the same.
pub fn settings(bytes: &[u8]) {
    for (name, read) in vitrine_manage::bodies::read(bytes, NOW) {
        if let Ok(taken) = read {
            assert!(taken.kept && taken.sent_back, "{name}: {taken:?}");
        }
    }
}

/// Forms of the console: what was typed can be shown and sent again.
pub fn forms(bytes: &[u8]) {
    if let Some(filled) = vitrine_manage::forms::read(bytes) {
        assert!(filled.sent_again && filled.sound && filled.drafted, "{filled:?}");
    }
}

/// Questions for lists, pages, an order and a preview: what is taken is sound, and its filters are kept as they mean.
pub fn questions(bytes: &[u8]) {
    let Ok(shop) = Shop::new("fuzz") else { return };
    let Some(own) = vitrine_domain::Placement::shipped().into_iter().next() else { return };
    for (name, read) in vitrine_recommend::bodies::read(bytes, &shop, &own) {
        if let Ok(sound) = read {
            assert!(sound, "{name}");
        }
    }
}
