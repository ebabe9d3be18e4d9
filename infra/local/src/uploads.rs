//! Uploads to a sealed address, in place of the bucket's presigned ones.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use vitrine_http::{App, Problem};

/// Takes the file of a job.
pub(crate) async fn put(State(app): State<App>, Path(token): Path<String>, body: Bytes) -> Result<StatusCode, Problem> {
    let key = app.sealer.open("upload", &token).and_then(|bytes| String::from_utf8(bytes).ok());
    let key = key.filter(|key| vitrine_store::jobs::parse_object(key).is_some());
    let key = key.ok_or_else(|| Problem::not_found("this address is not one of ours; ask for a new one"))?;
    app.context.objects.put(&key, body).await?;
    Ok(StatusCode::OK)
}
