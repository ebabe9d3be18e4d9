//! A bucket that speaks as much of S3 as reading and writing objects takes, and whose answers can be held up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use object_store::aws::AmazonS3Builder;
use tokio::sync::watch;
use vitrine_store::Objects;

/// The bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    objects: Arc<Mutex<HashMap<String, Bytes>>>,
    /// The keys that were asked for.
    asked: Arc<Mutex<Vec<String>>>,
    /// Whether objects are given.
    open: watch::Sender<bool>,
    address: String,
}

impl Bucket {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (objects, asked) = (Arc::default(), Arc::default());
        let bucket = Self { objects, asked, open: watch::Sender::new(true), address };
        let router = Router::new().route("/bucket/{*key}", get(give).put(take)).with_state(bucket.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        bucket
    }

    /// The bucket as the functions use it.
    pub(crate) fn objects(&self) -> Objects {
        vitrine_store::choose_tls();
        let builder = AmazonS3Builder::new().with_bucket_name("bucket").with_region("here").with_skip_signature(true);
        Objects::on(Arc::new(builder.with_endpoint(&self.address).with_allow_http(true).build().unwrap()))
    }

    /// Whether objects are given from now on, or whoever asks for one waits.
    pub(crate) fn gives(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// How often an object was asked for.
    pub(crate) fn asked(&self, part: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|key| key.contains(part)).count()
    }

    /// Changes a byte in the middle of an object.
    pub(crate) fn damage(&self, key: &str) {
        let mut objects = self.objects.lock().unwrap();
        let mut bytes = objects[key].to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        objects.insert(key.to_owned(), bytes.into());
    }
}

async fn give(State(bucket): State<Bucket>, Path(key): Path<String>) -> Response {
    bucket.asked.lock().unwrap().push(key.clone());
    bucket.open.subscribe().wait_for(|open| *open).await.unwrap();
    let found = bucket.objects.lock().unwrap().get(&key).cloned();
    let headers = [(header::ETAG, "\"1\""), (header::LAST_MODIFIED, "Sun, 22 Nov 2026 14:40:00 GMT")];
    found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |bytes| (headers, bytes).into_response())
}

async fn take(State(bucket): State<Bucket>, Path(key): Path<String>, _: HeaderMap, bytes: Bytes) -> Response {
    bucket.objects.lock().unwrap().insert(key, bytes);
    [(header::ETAG, "\"1\"")].into_response()
}
