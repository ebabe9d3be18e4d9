//! Uploads to a sealed address, in place of the bucket's presigned ones. What arrives goes to the disk piece by piece: as many
//! files as arrive at once, none of them is held in memory.

use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use vitrine_http::{App, Problem};

/// Largest file.
pub(crate) const MAX_UPLOAD: u64 = 512 << 20;

/// Takes the file of a job. Not a byte of it is read before the address proves to be ours.
pub(crate) async fn put(
    State(app): State<App>,
    Path(token): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let key = app.sealer.open("upload", &token).and_then(|bytes| String::from_utf8(bytes).ok());
    let key = key.filter(|key| vitrine_store::jobs::parse_object(key).is_some());
    let file = key.and_then(|key| app.context.objects.file(&key));
    let file = file.ok_or_else(|| Problem::not_found("this address is not one of ours; ask for a new one"))?;
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_UPLOAD) {
        return Err(too_large());
    }
    receive(request.into_body(), &file, MAX_UPLOAD).await?;
    Ok(StatusCode::OK)
}

/// Writes a body to a file, which is there whole or not at all.
async fn receive(body: Body, file: &FilePath, most: u64) -> Result<(), Problem> {
    let half = Half::beside(file);
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(|error| failed(&error))?;
    }
    let mut out = tokio::fs::File::create_new(&half.0).await.map_err(|error| failed(&error))?;
    let (mut pieces, mut size) = (body.into_data_stream(), 0);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| too_large())?;
        size += piece.len() as u64;
        if size > most {
            return Err(too_large());
        }
        out.write_all(&piece).await.map_err(|error| failed(&error))?;
    }
    out.flush().await.map_err(|error| failed(&error))?;
    tokio::fs::rename(&half.0, file).await.map_err(|error| failed(&error))
}

/// A file that is being written, beside its place: no listing shows such a name, and what a killed process leaves is swept at
/// the next start. It goes when it is not moved to its place.
struct Half(PathBuf);

impl Half {
    fn beside(file: &FilePath) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut name = file.as_os_str().to_owned();
        name.push(format!("#{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        Self(name.into())
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        // It is not there any more if it was moved.
        drop(std::fs::remove_file(&self.0));
    }
}

fn too_large() -> Problem {
    let why = format!("the file did not arrive whole, or has more than {MAX_UPLOAD} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", why)
}

/// The folder does not take it. Of why, the log tells the kind: an error of a file names it.
fn failed(error: &std::io::Error) -> Problem {
    tracing::error!(cause = %error.kind(), "an upload cannot be written");
    Problem {
        retry_after: Some(10),
        ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again shortly")
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    fn names(folder: &FilePath) -> Vec<String> {
        let files = std::fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn of(pieces: Vec<Result<&'static str, io::Error>>) -> Body {
        Body::from_stream(futures_util::stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_file_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jobs/products/1");
        let broken = of(vec![Ok("half"), Err(io::ErrorKind::ConnectionReset.into())]);
        assert_eq!(receive(broken, &file, 10).await.unwrap_err().status, 413);
        assert_eq!(receive(of(vec![Ok("123456"), Ok("78901")]), &file, 10).await.unwrap_err().status, 413);
        assert_eq!(names(file.parent().unwrap()), Vec::<String>::new());
        receive(of(vec![Ok("12345"), Ok("67890")]), &file, 10).await.unwrap();
        receive(of(vec![Ok("again")]), &file, 10).await.unwrap();
        assert_eq!(
            (names(file.parent().unwrap()), std::fs::read(&file).unwrap()),
            (vec!["1".to_owned()], b"again".into())
        );
    }

    #[tokio::test]
    async fn what_has_arrived_is_on_the_disk_and_not_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("1");
        let (sender, pieces) = tokio::sync::mpsc::channel::<Bytes>(1);
        let pieces = futures_util::stream::unfold(pieces, async |mut pieces| {
            let piece = pieces.recv().await?;
            Some((Ok::<_, io::Error>(piece), pieces))
        });
        let place = file.clone();
        let receiving = tokio::spawn(async move { receive(Body::from_stream(pieces), &place, 1 << 30).await });
        for _ in 0..64 {
            sender.send(Bytes::from_static(&[b'x'; 1 << 16])).await.unwrap();
        }
        // One piece waits in the channel, one with the receiver, and the file may be one behind.
        let size = |name: &String| folder.path().join(name).metadata().unwrap().len();
        let written = || names(folder.path()).iter().map(size).sum::<u64>();
        let enough = async {
            while written() < 60_u64 << 16 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), enough).await.unwrap();
        assert!(!file.exists(), "it is not whole");
        // Whoever sends goes away: what came goes too.
        receiving.abort();
        assert!(receiving.await.unwrap_err().is_cancelled());
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}
