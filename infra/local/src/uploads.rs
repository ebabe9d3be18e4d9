//! Uploads to a sealed address, in place of the bucket's presigned ones.

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use vitrine_http::{App, Problem};

/// Largest file.
pub(crate) const MAX_UPLOAD: usize = 512 << 20;

/// Takes the file of a job. Not a byte of it is read before the address proves to be ours.
pub(crate) async fn put(
    State(app): State<App>,
    Path(token): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let key = app.sealer.open("upload", &token).and_then(|bytes| String::from_utf8(bytes).ok());
    let key = key.filter(|key| vitrine_store::jobs::parse_object(key).is_some());
    let key = key.ok_or_else(|| Problem::not_found("this address is not one of ours; ask for a new one"))?;
    let body = to_bytes(request.into_body(), MAX_UPLOAD).await.map_err(|_| {
        let why = format!("the file did not arrive whole, or has more than {MAX_UPLOAD} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", why)
    })?;
    app.context.objects.put(&key, body).await?;
    Ok(StatusCode::OK)
}
