//! Records at which the functions panic: the real reader, `fold` and `archive` over the real table. Everybody else's land, each of
//! them becomes a dead letter of both functions with what the panic said, and lands when it is done again after the cause is gone.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;

use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result as Stored,
};
use vitrine_domain::profile::in_fold_order;
use vitrine_domain::{Action, Event, Line, MessageId, Millis, ProductId, Shop, State, Visitor};
use vitrine_engine::Engine;
use vitrine_fold::Fold;
use vitrine_runtime::Clock;
use vitrine_store::Objects;
use vitrine_store::stream::{Record, decode};

use super::*;
use crate::letters::{Command, settle};
use crate::stack::config;

/// How the ids of the events begin at which the functions panic.
const BAD: &str = "bad-";

/// Objects in memory that panic, while they are sick, at a file of the lake with such an event in it.
#[derive(Debug)]
struct Brittle {
    within: InMemory,
    sick: Arc<AtomicBool>,
}

impl fmt::Display for Brittle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("brittle")
    }
}

type Answer<'f, T> = Pin<Box<dyn Future<Output = Stored<T>> + Send + 'f>>;

/// Methods as `async_trait` would write them, each answered by the store within.
macro_rules! within {
    ($($call:ident($($name:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(fn $call<'a, 'b, 'f>(&'a self, key: &'b Key $(, $name: $kind)*) -> Answer<'f, $answer>
        where
            'a: 'f,
            'b: 'f,
            Self: 'f,
        {
            self.within.$call(key $(, $name)*)
        })*
    };
}

impl ObjectStore for Brittle {
    within! {
        put_multipart_opts(options: PutMultipartOptions) -> Box<dyn MultipartUpload>;
        get_opts(options: GetOptions) -> GetResult;
    }

    fn put_opts<'a, 'b, 'f>(&'a self, key: &'b Key, payload: PutPayload, options: PutOptions) -> Answer<'f, PutResult>
    where
        'a: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            if self.sick.load(Ordering::SeqCst) && key.as_ref().ends_with(".ndjson.zst") {
                let bytes: Vec<u8> = payload.iter().flatten().copied().collect();
                let text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap();
                assert!(!text.contains(BAD), "a file that the test does not take");
            }
            self.within.put_opts(key, payload, options).await
        })
    }

    fn delete_stream(&self, keys: BoxStream<'static, Stored<Key>>) -> BoxStream<'static, Stored<Key>> {
        self.within.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Stored<ObjectMeta>> {
        self.within.list(prefix)
    }

    fn list_with_delimiter<'a, 'b, 'f>(&'a self, prefix: Option<&'b Key>) -> Answer<'f, ListResult>
    where
        'a: 'f,
        'b: 'f,
        Self: 'f,
    {
        self.within.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'c, 'f>(&'a self, from: &'b Key, to: &'c Key, options: CopyOptions) -> Answer<'f, ()>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
        Self: 'f,
    {
        self.within.copy_opts(from, to, options)
    }
}

/// Events of which one in a thousand is bad, ten of each visitor.
fn events(count: usize, now: Millis) -> Vec<Event> {
    let one = |n: usize| {
        let begin = if n % 1_000 == 617 { BAD } else { "m" };
        let visitor = Visitor::anonymous(format!("device-{}", n % (count / 10))).unwrap();
        let time = now.plus(-1_000 * n as i64);
        let mut event = Event::new(MessageId::new(format!("{begin}{n}")).unwrap(), visitor, time, Action::View);
        event.lines = vec![Line::of(ProductId::new(format!("p{}", n % 50)).unwrap())];
        event
    };
    (0..count).map(one).collect()
}

fn is_bad(event: &Event) -> bool {
    event.id.as_str().starts_with(BAD)
}

/// Checks that these events and no others are in the lake, and folded once into the profiles.
async fn landed(context: &Context, shop: &Shop, mut events: Vec<Event>) {
    let mut found = Vec::new();
    context.objects.read_events(shop, &mut |event| found.push(event.id)).await.unwrap();
    let ids: BTreeSet<_> = events.iter().map(|event| event.id.clone()).collect();
    assert_eq!(found.len(), ids.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), ids);
    in_fold_order(&mut events);
    let mut of_visitor: BTreeMap<Visitor, Vec<Event>> = BTreeMap::new();
    for event in events {
        of_visitor.entry(event.visitor.clone()).or_default().push(event);
    }
    for (visitor, events) in of_visitor {
        let profile = context.table.profile(shop, &visitor).await.unwrap().unwrap();
        assert_eq!(profile.state, State::default().fold(&events, &()), "{visitor}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a test's size and figure are not the product's")]
async fn records_that_panic_harm_nobody_and_land_when_their_cause_is_gone() {
    let count = std::env::var("VITRINE_RECORDS").map_or(2_000, |count| count.parse().unwrap());
    let (folder, engine) = (tempfile::tempdir().unwrap(), Engine::memory().await.unwrap());
    let settings = config(folder.path(), &engine.endpoint(), None).unwrap();
    let mut context = Context::connect(settings, Clock::system()).await.unwrap();
    context.table.create_if_missing().await.unwrap();
    let sick = Arc::new(AtomicBool::new(true));
    context.objects = Objects::on(Arc::new(Brittle { within: InMemory::new(), sick: sick.clone() }));
    let probe = {
        let sick = sick.clone();
        move |event: &Event| {
            assert!(!(sick.load(Ordering::SeqCst) && is_bad(event)), "an event that the test does not take")
        }
    };
    let readers = Readers::with(context.clone(), Fold::new(context.clone()).with_probe(Arc::new(probe)));

    let shop = Shop::new("demo").unwrap();
    let events = events(count, context.clock.now());
    let good: Vec<Event> = events.iter().filter(|event| !is_bad(event)).cloned().collect();
    let bad = events.len() - good.len();
    assert!(bad > 1, "{bad}");
    for some in events.chunks(200) {
        // A loaded machine may not answer in time; importing again is right.
        while let Err(error) = context.table.import_events(&shop, some).await {
            assert!(error.is_transient(), "{error}");
        }
    }

    // One call of each function names those records and no neighbour.
    let shard = context.table.shards().await.unwrap().remove(0);
    let iterator = context.table.shard_iterator(&shard).await.unwrap().unwrap();
    let batch = context.table.read_stream(&iterator, 1_000).await.unwrap().event.records;
    for reader in Reader::ALL {
        let failures = readers.call(reader, &batch).await;
        for (n, record) in batch.iter().enumerate() {
            let Ok(Record::Event { event, .. }) = decode(record) else { panic!("{record:?}") };
            assert_eq!(failures.reason(n).is_some(), is_bad(&event), "{reader:?} {}", event.id);
        }
    }

    let poller = Arc::new(Poller::calling(readers, context.clone(), folder.path()).unwrap());
    let (stop, stopped) = watch::channel(false);
    let tasks = Reader::ALL.map(|reader| tokio::spawn(poller.clone().run(reader, stopped.clone())));
    poller.caught_up().await;
    landed(&context, &shop, good).await;
    let letters = poller.dead.all().unwrap();
    let said = |reader| match reader {
        Reader::Fold => "it panicked: an event that the test does not take",
        Reader::Archive => "it panicked: a file that the test does not take",
    };
    let mut told = BTreeSet::new();
    for (_, letter) in &letters {
        let Ok(Record::Event { event, .. }) = decode(&letter.record) else { panic!("{letter:?}") };
        assert!(is_bad(&event) && told.insert((letter.function, event.id)), "{letter:?}");
        assert_eq!(letter.reason, said(letter.function));
        let when = Millis::parse(letter.failed_at.as_deref().unwrap()).unwrap();
        assert!(context.clock.now().since(when) < 600_000, "{letter:?}");
    }
    assert_eq!(told.len(), 2 * bad);

    // While the cause is there they stay, in the list too, which names no visitor.
    let again = settle(&poller.dead, &poller.readers, Command::Redrive).await.unwrap();
    assert_eq!((again.letters, again.failed), (2 * bad, 2 * bad));
    let listed = settle(&poller.dead, &poller.readers, Command::List).await.unwrap();
    assert!(listed.letters == 2 * bad && listed.told.contains(said(Reader::Fold)), "{}", listed.told);
    assert!(!listed.told.contains("device-") && !listed.told.contains(BAD), "{}", listed.told);
    sick.store(false, Ordering::SeqCst);
    let again = settle(&poller.dead, &poller.readers, Command::Redrive).await.unwrap();
    assert_eq!((again.letters, again.failed), (2 * bad, 0), "{}", again.told);
    landed(&context, &shop, events).await;
    assert!(poller.dead.all().unwrap().is_empty());
    println!("figure: {bad} of {count} records, {} dead letters, all landed when done again", 2 * bad);
    stop.send_replace(true);
    for task in tasks {
        task.await.unwrap();
    }
}
