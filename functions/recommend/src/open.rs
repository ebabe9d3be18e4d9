//! Opening an artifact: where it lies, or downloaded first and every byte checked once. Off the threads that answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use vitrine_domain::time::MINUTE;
use vitrine_domain::{Millis, Shop};
use vitrine_http::problem::causes;
use vitrine_learn::{Artifact, Lineup};
use vitrine_runtime::Context;
use vitrine_store::models::Live;

/// How long a model may take to be opened before that is begun anew: a frozen function may wake up with an opening that
/// never ends.
const PATIENCE: i64 = MINUTE;

/// Why a published model cannot be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    Gone,
    Store(vitrine_store::Error),
    Artifact(vitrine_learn::Error),
    Stopped,
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone => f.write_str("the artifact is not in the object store"),
            Self::Store(error) => write!(f, "{}", causes(error)),
            Self::Artifact(error) => write!(f, "{}", causes(error)),
            Self::Stopped => f.write_str("opening it was stopped"),
        }
    }
}

impl From<vitrine_store::Error> for OpenError {
    fn from(error: vitrine_store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<vitrine_learn::Error> for OpenError {
    fn from(error: vitrine_learn::Error) -> Self {
        Self::Artifact(error)
    }
}

/// Runs work that takes long beside the threads that answer.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, OpenError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| OpenError::Stopped)
}

/// Opens the artifact of a published version.
///
/// # Errors
/// If it is gone, or is not what was published.
pub(crate) async fn open(context: &Context, lineup: &Lineup, live: &Live) -> Result<Arc<Artifact>, OpenError> {
    if let Some(file) = context.objects.file(&live.artifact) {
        return Ok(Arc::new(open_file(file, lineup).await?));
    }
    let scratch = Scratch::of(context, live);
    if let Ok(artifact) = open_file(scratch.file.clone(), lineup).await {
        return Ok(Arc::new(artifact));
    }
    let bytes = context.objects.get(&live.artifact).await?.ok_or(OpenError::Gone)?;
    let lineup = lineup.clone();
    Ok(Arc::new(aside(move || scratch.keep(&bytes, &lineup)).await??))
}

async fn open_file(file: PathBuf, lineup: &Lineup) -> Result<Artifact, OpenError> {
    if !tokio::fs::try_exists(&file).await.unwrap_or(false) {
        return Err(OpenError::Gone);
    }
    let lineup = lineup.clone();
    Ok(aside(move || Artifact::open(file, &lineup)).await??)
}

/// Opens a version; none if it cannot be opened, which is told.
pub(crate) async fn opened(context: &Context, lineup: &Lineup, shop: &Shop, live: &Live) -> Option<Arc<Artifact>> {
    let opened = open(context, lineup, live).await.inspect_err(|error| {
        tracing::error!(cause = %error, %shop, version = live.version, "the published model cannot be opened");
    });
    opened.ok()
}

/// A version that is being opened beside the requests.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    version: String,
    began: Millis,
    /// The artifact once it is open, or none if it cannot be opened.
    done: watch::Receiver<Option<Option<Arc<Artifact>>>>,
}

impl Opening {
    /// Begins to open a version.
    pub(crate) fn begin(context: Context, lineup: Lineup, shop: Shop, live: Live, began: Millis) -> Self {
        let (tell, done) = watch::channel(None);
        let version = live.version.clone();
        tokio::spawn(async move {
            let opened = opened(&context, &lineup, &shop, &live).await;
            // Nobody may wait for it any more.
            tell.send_replace(Some(opened));
        });
        Self { version, began, done }
    }

    /// Whether it opens this version and may still come to an end.
    pub(crate) fn is_of(&self, live: &Live, now: Millis) -> bool {
        self.version == live.version && now.since(self.began) < PATIENCE
    }

    /// The artifact if it is open within a time, none if it cannot be opened; nothing if that is not known yet.
    pub(crate) async fn within(&self, most: Duration) -> Option<Option<Arc<Artifact>>> {
        let mut done = self.done.clone();
        match tokio::time::timeout(most, done.wait_for(Option::is_some)).await {
            Ok(Ok(done)) => done.clone(),
            Ok(Err(_)) => Some(None),
            Err(_) => None,
        }
    }
}

/// Where an artifact lies on the function's own disk once it was downloaded.
#[derive(Debug)]
struct Scratch {
    file: PathBuf,
    /// How the names of all files of its shop begin.
    of_shop: String,
}

impl Scratch {
    fn of(context: &Context, live: &Live) -> Self {
        // No name of a shop has an underscore.
        let name = |key: &str| format!("vitrine_{}", key.replace('/', "_"));
        let folder = live.artifact.find("models/").map(|end| &live.artifact[..end]);
        let of_shop = folder.map(name).unwrap_or_default();
        Self { file: context.scratch().join(format!("{}.artifact", name(&live.artifact))), of_shop }
    }

    /// Writes what was downloaded and maps it, once every byte of it was checked. Other versions of the shop go: whoever
    /// has them mapped keeps them. A full disk only costs the next start its head start.
    fn keep(&self, bytes: &[u8], lineup: &Lineup) -> Result<Artifact, vitrine_learn::Error> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // A name of its own: somebody else may be writing the same.
        let own = format!("{}-{}.part", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let part = self.file.with_extension(own);
        if std::fs::write(&part, bytes).is_err() {
            std::fs::remove_file(&part).ok();
            let artifact = Artifact::from_bytes(bytes.to_vec(), lineup)?;
            return artifact.verify().map(|()| artifact);
        }
        let checked = Artifact::open(part.clone(), lineup).and_then(|artifact| artifact.verify().map(|()| artifact));
        if checked.is_ok() && std::fs::rename(&part, &self.file).is_ok() {
            self.make_room();
        } else {
            std::fs::remove_file(&part).ok();
        }
        checked
    }

    /// Takes the other versions of the shop from the disk.
    fn make_room(&self) {
        let (Some(folder), false) = (self.file.parent(), self.of_shop.is_empty()) else { return };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            if name.starts_with(&self.of_shop) && name.ends_with(".artifact") && entry.path() != self.file {
                std::fs::remove_file(entry.path()).ok();
            }
        }
    }
}
