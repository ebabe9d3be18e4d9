//! Opening an artifact: where it lies, or downloaded first and every byte checked once. Off the threads that answer.

use std::path::PathBuf;
use std::sync::Arc;

use vitrine_http::problem::causes;
use vitrine_learn::{Artifact, Lineup};
use vitrine_runtime::Context;
use vitrine_store::models::Live;

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
pub(crate) async fn open(context: &Context, lineup: &Lineup, live: &Live) -> Result<Arc<Artifact>, OpenError> {
    if let Some(file) = context.objects.file(&live.artifact) {
        return Ok(Arc::new(open_file(file, lineup).await?));
    }
    let file = context.scratch().join(format!("vitrine-{}.artifact", live.artifact.replace('/', "-")));
    if let Ok(artifact) = open_file(file.clone(), lineup).await {
        return Ok(Arc::new(artifact));
    }
    let bytes = context.objects.get(&live.artifact).await?.ok_or(OpenError::Gone)?;
    let (parts, copy) = (lineup.clone(), bytes.clone());
    let checked = aside(move || {
        let artifact = Artifact::from_bytes(copy.to_vec(), &parts)?;
        artifact.verify()?;
        Ok::<_, vitrine_learn::Error>(artifact)
    });
    let checked = checked.await??;
    // A full scratch disk only costs the next cold start its head start.
    let part = file.with_extension("part");
    if tokio::fs::write(&part, &bytes).await.is_ok() && tokio::fs::rename(&part, &file).await.is_ok() {
        return Ok(Arc::new(open_file(file, lineup).await?));
    }
    Ok(Arc::new(checked))
}

async fn open_file(file: PathBuf, lineup: &Lineup) -> Result<Artifact, OpenError> {
    if !tokio::fs::try_exists(&file).await.unwrap_or(false) {
        return Err(OpenError::Gone);
    }
    let lineup = lineup.clone();
    Ok(aside(move || Artifact::open(file, &lineup)).await??)
}
