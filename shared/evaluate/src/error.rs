//! What can be wrong with a file, and with the rest.

use std::path::{Path, PathBuf};

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not of the format, and where.
    #[error("{}, line {line}: {what}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// The line, from one.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A file or folder is not of the format.
    #[error("{}: {what}", path.display())]
    Format {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A model was named that there is not.
    #[error("there is no model `{name}`; there are {known}")]
    Model {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// Training failed, or the data are larger than the limits of the settings.
    #[error(transparent)]
    Learn(#[from] vitrine_learn::Error),
}

impl Error {
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn format(path: &Path, what: impl Into<String>) -> Self {
        Self::Format { path: path.to_owned(), what: what.into() }
    }

    pub(crate) fn line(path: &Path, line: usize, what: impl Into<String>) -> Self {
        Self::Line { path: path.to_owned(), line, what: what.into() }
    }
}

/// The result of reading.
pub type Result<T> = std::result::Result<T, Error>;
