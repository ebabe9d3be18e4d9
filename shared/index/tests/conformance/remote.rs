//! Qdrant: the suite and the adapter's own promises, against the double, and against a stock server where `QDRANT_URL` is
//! set (with `QDRANT_API_KEY` if it asks for one).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use vitrine_index::testing::Double;
use vitrine_index::{
    Bitmap, Condition, Error, Field, Flat, Found, Index, Payload, Point, Remote, RemoteSettings, Scratch, Value,
};

use crate::data::{Data, Shape};
use crate::suite::{Promise, run};

/// A name that no other test or run uses.
fn name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("vitrine-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst))
}

#[allow(clippy::disallowed_methods, reason = "which server to test against is no configuration of the product")]
fn stock() -> Option<RemoteSettings> {
    let settings = RemoteSettings::at(std::env::var("QDRANT_URL").ok()?);
    Some(RemoteSettings { api_key: std::env::var("QDRANT_API_KEY").ok(), ..settings })
}

/// A client of the stock server, or of a double.
async fn client() -> Result<Remote> {
    match stock() {
        Some(settings) => Ok(Remote::new(settings)?),
        None => Ok(Remote::new(RemoteSettings::at(Double::default().serve().await?))?),
    }
}

async fn doubled(change: impl FnOnce(&mut RemoteSettings)) -> Result<(Double, Remote)> {
    let double = Double::default();
    let mut settings = RemoteSettings::at(double.serve().await?);
    settings.pause = Duration::from_millis(1);
    change(&mut settings);
    Ok((double, Remote::new(settings)?))
}

fn points(data: &Data) -> Vec<Point> {
    let point = |(row, vector): (u32, &[f32])| {
        let category = data.category[row as usize];
        let payload = Payload::from([
            ("category".to_owned(), Value::Keywords(vec!["all".to_owned(), format!("c{category}")])),
            ("price".to_owned(), Value::Number(f64::from(row % 100))),
            ("stock".to_owned(), Value::Bool(row % 3 == 0)),
        ]);
        Point { row, vector: vector.to_vec(), payload }
    };
    (0..).zip(data.vectors.chunks_exact(data.dims)).map(point).collect()
}

const FIELDS: [(&str, Field); 3] = [("category", Field::Keyword), ("price", Field::Number), ("stock", Field::Bool)];

/// A collection behind the contract of the kinds in process.
struct Blocking {
    runtime: tokio::runtime::Runtime,
    remote: Remote,
    collection: String,
    rows: usize,
    dims: usize,
}

impl Index for Blocking {
    fn len(&self) -> usize {
        self.rows
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&Bitmap>,
        _: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error> {
        let matches = allowed.map(|allowed| allowed.count_below(self.rows));
        let condition = allowed.map(Condition::in_set);
        let search = self.remote.search(&self.collection, query, k, condition.as_ref(), matches);
        *found = self.runtime.block_on(search)?;
        Ok(())
    }
}

#[test]
fn qdrant() -> Result<()> {
    run(Promise { recall: 0.99, rounding: 1e-5, rows: 1200 }, |data| {
        let runtime = tokio::runtime::Runtime::new()?;
        let collection = name();
        let remote = runtime.block_on(async {
            let remote = client().await?;
            remote.create(&collection, data.dims, &FIELDS).await?;
            remote.upsert(&collection, &points(data)).await?;
            anyhow::Ok(remote)
        })?;
        Ok(Box::new(Blocking { runtime, remote, collection, rows: data.rows(), dims: data.dims }))
    })
}

#[tokio::test]
async fn conditions_mean_what_they_say() -> Result<()> {
    let data = Data::new(600, 24, 5, Shape::Crowded, 4);
    let (remote, collection) = (client().await?, name());
    remote.create(&collection, data.dims, &FIELDS).await?;
    remote.create(&collection, data.dims, &FIELDS).await?;
    remote.upsert(&collection, &points(&data)).await?;
    let price = |from, to| Condition::Range { field: "price".to_owned(), from, to };
    let category = |category: u8| Condition::equals("category", format!("c{category}"));
    let stock = |so| Condition::Equals("stock".to_owned(), Value::Bool(so));
    let set = |test: &dyn Fn(u32) -> bool| Bitmap::from_fn(data.rows(), test);
    let of = |row: u32| data.category[row as usize];
    let cases = [
        (category(5), set(&|row| of(row) == 5)),
        (Condition::equals("category", "all"), set(&|_| true)),
        (Condition::equals("category", "none"), set(&|_| false)),
        (
            Condition::In("category".to_owned(), vec!["c4".to_owned(), "c7".to_owned()]),
            set(&|row| [4, 7].contains(&of(row))),
        ),
        (price(Some(20.0), Some(30.0)), set(&|row| (20..=30).contains(&(row % 100)))),
        (price(None, Some(9.5)), set(&|row| row % 100 < 10)),
        (Condition::Equals("price".to_owned(), Value::Number(7.0)), set(&|row| row % 100 == 7)),
        (stock(true), set(&|row| row % 3 == 0)),
        (Condition::And(vec![stock(false), price(Some(50.0), None)]), set(&|row| row % 3 != 0 && row % 100 >= 50)),
        (Condition::Or(vec![category(3), price(None, Some(3.0))]), set(&|row| of(row) == 3 || row % 100 <= 3)),
        (
            Condition::Not(Box::new(Condition::Or(vec![category(3), stock(true)]))),
            set(&|row| of(row) != 3 && row % 3 != 0),
        ),
        (Condition::And(vec![]), set(&|_| true)),
        (Condition::Or(vec![]), set(&|_| false)),
        (Condition::Rows(vec![3, 9, 5000]), set(&|row| row == 3 || row == 9)),
    ];
    let exact = Flat::new(&data.vectors, data.dims)?;
    for (condition, allowed) in &cases {
        assert_eq!(remote.count(&collection, Some(condition)).await?, allowed.count(), "{condition:?}");
        for query in data.queries() {
            let found = remote.search(&collection, query, 10, Some(condition), None).await?;
            let expected = exact.find(query, 10, Some(allowed))?;
            assert_eq!(found.rows().collect::<Vec<_>>(), expected.rows().collect::<Vec<_>>(), "{condition:?}");
        }
    }
    remote.remove(&collection).await?;
    remote.remove(&collection).await?;
    Ok(())
}

#[tokio::test]
async fn a_switch_shows_the_new_version_with_what_came_and_went() -> Result<()> {
    let data = Data::new(300, 16, 3, Shape::Crowded, 4);
    let (remote, old, new, alias) = (client().await?, name(), name(), name());
    let all = points(&data);
    remote.create(&old, data.dims, &FIELDS).await?;
    remote.upsert(&old, &all[..200]).await?;
    remote.switch(&alias, &old).await?;
    assert_eq!(remote.live(&alias).await?.as_ref(), Some(&old));
    assert_eq!(remote.live("vitrine-test-no-such-alias").await?, None);

    // Points come and go in the live version.
    remote.delete(&alias, &[3, 4, 4000]).await?;
    remote.upsert(&alias, &all[250..251]).await?;
    assert_eq!(remote.count(&alias, None).await?, 199);
    let gone = remote.search(&alias, &data.queries[..16], 300, None, None).await?;
    assert!(
        gone.hits.len() == 199 && gone.rows().all(|row| ![3, 4].contains(&row)) && gone.rows().any(|row| row == 250)
    );

    remote.create(&new, data.dims, &FIELDS).await?;
    remote.upsert(&new, &all).await?;
    assert_eq!(remote.count(&alias, None).await?, 199);
    remote.switch(&alias, &new).await?;
    assert_eq!((remote.live(&alias).await?, remote.count(&alias, None).await?), (Some(new.clone()), 300));
    remote.remove(&old).await?;
    remote.remove(&new).await?;
    Ok(())
}

#[tokio::test]
async fn few_matches_are_scanned_and_many_are_looked_for() -> Result<()> {
    let data = Data::new(300, 16, 1, Shape::Crowded, 4);
    let (double, remote) = doubled(|settings| settings.exact_matches = 50).await?;
    remote.create("c", data.dims, &FIELDS).await?;
    assert_eq!(double.fields("c"), ["category", "price", "stock"]);
    remote.upsert("c", &points(&data)).await?;
    let below = |price| Condition::Range { field: "price".to_owned(), from: None, to: Some(price) };
    remote.search("c", &data.queries, 5, Some(&below(9.0)), None).await?;
    remote.search("c", &data.queries, 5, Some(&below(80.0)), None).await?;
    remote.search("c", &data.queries, 5, Some(&below(80.0)), Some(40)).await?;
    remote.search("c", &data.queries, 5, None, None).await?;
    assert_eq!(double.exact(), [true, false, true, false]);
    // Known to be empty: nobody is asked.
    let before = double.calls.load(Ordering::SeqCst);
    assert_eq!(remote.search("c", &data.queries, 5, Some(&below(-1.0)), Some(0)).await?, Found::default());
    assert_eq!(double.calls.load(Ordering::SeqCst), before);
    Ok(())
}

#[tokio::test]
async fn passing_failures_are_tried_again() -> Result<()> {
    let (double, remote) = doubled(|settings| settings.tries = 3).await?;
    double.unavailable.store(2, Ordering::SeqCst);
    remote.create("c", 4, &[]).await?;
    let before = double.calls.load(Ordering::SeqCst);
    assert_eq!(before, 3);
    double.unavailable.store(100, Ordering::SeqCst);
    let error = remote.count("c", None).await.unwrap_err();
    assert!(matches!(error, Error::Remote { call: "count points", .. }), "{error:?}");
    let source = std::error::Error::source(&error).expect("the server's words").to_string();
    assert!(source.contains("told so"), "{source}");
    // The client may repeat each of the three tries once by itself, on a fresh connection.
    let calls = double.calls.load(Ordering::SeqCst) - before;
    assert!((3..=6).contains(&calls), "{calls}");
    Ok(())
}

#[tokio::test]
async fn what_fails_for_good_is_tried_once() -> Result<()> {
    let (double, remote) = doubled(|_| ()).await?;
    let error = remote.search("nowhere", &[1.0], 3, None, None).await.unwrap_err();
    assert!(matches!(error, Error::Remote { call: "search", .. }), "{error:?}");
    assert!(remote.switch("alias", "nowhere").await.is_err());
    assert_eq!(double.calls.load(Ordering::SeqCst), 2);
    assert!(matches!(Remote::new(RemoteSettings::at("no address")), Err(Error::Remote { call: "connect", .. })));
    Ok(())
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for() -> Result<()> {
    let short = Duration::from_millis(200);
    let (double, remote) = doubled(|settings| (settings.timeout, settings.tries) = (short, 2)).await?;
    remote.create("c", 4, &[]).await?;
    double.silent.store(1, Ordering::SeqCst);
    assert_eq!(remote.count("c", None).await?, 0);
    double.silent.store(2, Ordering::SeqCst);
    let error = remote.count("c", None).await.unwrap_err();
    assert!(matches!(error, Error::RemoteTimeout { call: "count points", after } if after == short), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() -> Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    drop(listener);
    let settings =
        RemoteSettings { tries: 2, pause: Duration::from_millis(1), ..RemoteSettings::at(format!("http://{address}")) };
    let error = Remote::new(settings)?.count("c", None).await.unwrap_err();
    assert!(matches!(error, Error::Remote { .. } | Error::RemoteTimeout { .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_collection_is_indexed_when_the_server_says_so_twice() -> Result<()> {
    let (remote, collection) = (client().await?, name());
    assert_eq!(remote.state(&collection).await?, None);
    remote.create(&collection, 4, &FIELDS).await?;
    remote.wait_until_indexed(&collection, Duration::from_secs(20)).await?;
    let state = remote.state(&collection).await?.expect("it is there");
    assert_eq!((state.dims, state.indexed), (Some(4), true));
    assert!(remote.collections().await?.contains(&collection));
    remote.remove(&collection).await?;
    assert!(remote.count(&collection, None).await.unwrap_err().is_missing());

    let (double, remote) = doubled(|_| ()).await?;
    remote.create("c", 4, &[]).await?;
    double.indexing.store(2, Ordering::SeqCst);
    remote.wait_until_indexed("c", Duration::from_secs(20)).await?;
    assert_eq!(double.calls.load(Ordering::SeqCst), 1 + 2 + 2);
    double.indexing.store(usize::MAX, Ordering::SeqCst);
    let error = remote.wait_until_indexed("c", Duration::from_millis(5)).await.unwrap_err();
    assert!(matches!(error, Error::NotIndexed { .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_missing_and_several_numbers_are_filtered_by() -> Result<()> {
    let (remote, collection) = (client().await?, name());
    remote.create(&collection, 1, &[("brand", Field::Keyword), ("sizes", Field::Number)]).await?;
    let point = |row: u32, values: &[(&str, Value)]| Point {
        row,
        vector: vec![row as f32],
        payload: values.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect(),
    };
    let sizes = |sizes: &[f64]| ("sizes", Value::Numbers(sizes.to_vec()));
    let all = [
        point(0, &[sizes(&[36.0, 38.5])]),
        point(1, &[("brand", Value::Keywords(vec!["Acme".to_owned()])), sizes(&[40.0])]),
        point(2, &[("brand", Value::Keyword("Acme".to_owned()))]),
    ];
    remote.upsert(&collection, &all).await?;
    let missing = |field: &str| Condition::Missing(field.to_owned());
    let range = |from, to| Condition::Range { field: "sizes".to_owned(), from: Some(from), to: Some(to) };
    let cases = [
        (missing("brand"), 1),
        (missing("sizes"), 1),
        (missing("anything"), 3),
        (Condition::Not(Box::new(missing("sizes"))), 2),
        (range(38.5, 38.5), 1),
        (range(37.0, 38.0), 0),
        (Condition::Equals("sizes".to_owned(), Value::Numbers(vec![36.0, 38.5])), 1),
        (
            Condition::And(vec![
                Condition::Not(Box::new(range(40.0, 40.0))),
                Condition::Not(Box::new(missing("sizes"))),
            ]),
            1,
        ),
    ];
    for (condition, count) in cases {
        assert_eq!(remote.count(&collection, Some(&condition)).await?, count, "{condition:?}");
    }
    remote.remove(&collection).await?;
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_missing_or_wrong_is_refused_at_once() -> Result<()> {
    let double = Double::with_key("open sesame");
    let url = double.serve().await?;
    for key in [None, Some("wrong".to_owned())] {
        let remote = Remote::new(RemoteSettings { api_key: key, ..RemoteSettings::at(&url) })?;
        let error = remote.create("c", 4, &[]).await.unwrap_err();
        assert!(matches!(error, Error::Remote { call: "create a collection", .. }), "{error:?}");
        assert!(!format!("{remote:?}").contains("wrong"), "the key is not printed");
    }
    assert_eq!(double.calls.load(Ordering::SeqCst), 0);
    let remote = Remote::new(RemoteSettings { api_key: Some("open sesame".to_owned()), ..RemoteSettings::at(&url) })?;
    remote.create("c", 4, &[]).await?;
    Ok(())
}
