//! Old versions of objects: on a double of S3 in this process, or on the server that `VITRINE_TEST_S3` names.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{Method, StatusCode, Uri};
use vitrine_domain::Shop;
use vitrine_store::objects::Objects;

/// A version of a key, or the mark that it was deleted.
struct Version {
    key: String,
    id: u32,
    is_mark: bool,
}

/// A bucket that keeps versions, newest last, and lists two of them a page. What an object holds is of no matter here.
#[derive(Default)]
struct Double {
    versions: Vec<Version>,
    last: u32,
}

fn of<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn between<'a>(text: &'a str, begins: &'a str, ends: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(begins).skip(1).filter_map(move |rest| rest.split_once(ends).map(|(found, _)| found))
}

impl Double {
    fn add(&mut self, key: &str, is_mark: bool) {
        self.last += 1;
        self.versions.push(Version { key: key.to_owned(), id: self.last, is_mark });
    }

    fn page(&self, prefix: &str, after: Option<(&str, u32)>) -> String {
        let mut found: Vec<&Version> = self.versions.iter().filter(|one| one.key.starts_with(prefix)).collect();
        // By key, and the newest first.
        found.sort_by_key(|one| (one.key.clone(), u32::MAX - one.id));
        if let Some((key, id)) = after {
            found.retain(|one| (one.key.as_str(), u32::MAX - one.id) > (key, u32::MAX - id));
        }
        let is_cut = found.len() > 2;
        found.truncate(2);
        let latest = |of: &Version| self.versions.iter().filter(|one| one.key == of.key).all(|one| one.id <= of.id);
        let mut text = format!("<ListVersionsResult><IsTruncated>{is_cut}</IsTruncated>");
        for one in &found {
            let (kind, latest) = (if one.is_mark { "DeleteMarker" } else { "Version" }, latest(one));
            text += &format!(
                "<{kind}><Key>{}</Key><VersionId>{}</VersionId><IsLatest>{latest}</IsLatest></{kind}>",
                one.key, one.id
            );
        }
        if let Some(last) = found.last().filter(|_| is_cut) {
            text += &format!(
                "<NextKeyMarker>{}</NextKeyMarker><NextVersionIdMarker>{}</NextVersionIdMarker>",
                last.key, last.id
            );
        }
        text + "</ListVersionsResult>"
    }

    fn answer(&mut self, method: &Method, path: &str, query: &str, body: &str) -> (StatusCode, String) {
        let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
        let query = query.replace("%2F", "/");
        match (method.as_str(), key) {
            ("PUT", "") => (StatusCode::OK, String::new()),
            ("PUT", key) => {
                self.add(key, false);
                (StatusCode::OK, String::new())
            }
            ("POST", "") => {
                let keys: Vec<&str> = between(body, "<Key>", "</Key>").collect();
                keys.iter().for_each(|key| self.add(key, true));
                let told = keys.iter().map(|key| format!("<Deleted><Key>{key}</Key></Deleted>")).collect::<String>();
                (StatusCode::OK, format!("<DeleteResult>{told}</DeleteResult>"))
            }
            ("GET", "") if query.contains("versions") => {
                let after =
                    of(&query, "key-marker").zip(of(&query, "version-id-marker").and_then(|id| id.parse().ok()));
                (StatusCode::OK, self.page(of(&query, "prefix").unwrap_or_default(), after))
            }
            ("DELETE", key) => {
                let id = of(&query, "versionId").and_then(|id| id.parse().ok());
                self.versions.retain(|one| one.key != key || Some(one.id) != id);
                (StatusCode::NO_CONTENT, String::new())
            }
            _ => (StatusCode::NOT_IMPLEMENTED, format!("{method} {path}?{query}")),
        }
    }
}

async fn answer(
    State(double): State<Arc<Mutex<Double>>>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    let query = query.unwrap_or_default();
    let body = std::str::from_utf8(&body).unwrap_or_default();
    let (status, text) = double.lock().unwrap().answer(&method, uri.path(), &query, body);
    (status, [("etag", "\"1\"")], text)
}

#[allow(clippy::disallowed_methods, reason = "a setting of tests, which functions never read")]
async fn server() -> String {
    if let Some(url) = std::env::var("VITRINE_TEST_S3").ok().filter(|url| !url.is_empty()) {
        return url;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(answer).with_state(Arc::default());
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// Keys of all versions below a prefix, marks of deleted objects in brackets.
async fn all_versions(bucket: &str) -> Vec<String> {
    let mut found = Vec::new();
    for prefix in ["shops/demo/events/", "shops/demo/models/", "shops/demo/erasures/", "shops/other/"] {
        let url = format!("{bucket}?versions=&prefix={prefix}");
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        found.extend(
            between(&text, "<Version>", "</Version>")
                .flat_map(|one| between(one, "<Key>", "</Key>"))
                .map(str::to_owned),
        );
        let marks = between(&text, "<DeleteMarker>", "</DeleteMarker>").flat_map(|one| between(one, "<Key>", "</Key>"));
        found.extend(marks.map(|key| format!("({key})")));
    }
    found
}

#[tokio::test]
async fn old_versions_of_what_may_tell_of_visitors_are_deleted() {
    let server = server().await;
    let name = format!("vitrine-versions-{}", std::process::id());
    let objects = Objects::bucket(&name, Some(&server)).unwrap();
    let (bucket, client) = (format!("{server}/{name}"), reqwest::Client::new());
    let versioned = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status></VersioningConfiguration>";
    for (url, body) in [(bucket.clone(), ""), (format!("{bucket}?versioning"), versioned)] {
        assert!(client.put(url).body(body).send().await.unwrap().status().is_success());
    }
    for (key, times) in [("events/day/a", 3), ("events/day/b", 1), ("models/1/artifact", 2), ("erasures/1", 2)] {
        for time in 0..times {
            objects.put(&format!("shops/demo/{key}"), vec![time]).await.unwrap();
        }
    }
    objects.put("shops/other/events/day/a", vec![1]).await.unwrap();
    objects.put("shops/other/events/day/a", vec![2]).await.unwrap();
    objects.delete("shops/demo/models/1/artifact").await.unwrap();
    objects.delete("shops/demo/events/day/b").await.unwrap();

    let demo = Shop::new("demo").unwrap();
    // Two of `a`, one of `b` with its mark, two of the artifact with its mark.
    assert_eq!(objects.delete_old_versions(&demo).await.unwrap(), 7);
    let left = ["shops/demo/events/day/a", "shops/demo/erasures/1", "shops/demo/erasures/1"];
    let others = ["shops/other/events/day/a", "shops/other/events/day/a"];
    assert_eq!(all_versions(&bucket).await, [&left[..], &others[..]].concat());
    assert_eq!(objects.delete_old_versions(&demo).await.unwrap(), 0);
    // The folder of one machine keeps no versions.
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Objects::folder(folder.path()).unwrap().delete_old_versions(&demo).await.unwrap(), 0);
}
