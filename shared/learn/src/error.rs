//! What can go wrong: bounds that are passed, settings that make no sense, artifacts that are not whole.

/// Why learning or opening an artifact failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The shop is larger than the settings allow.
    #[error("{found} {what} are more than the limit of {limit}; raise `limits.{what}` or train on a shorter history")]
    Limit {
        /// What there is too much of; the name of the setting.
        what: &'static str,
        /// How many there are (at least).
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Training would take more memory than the settings allow.
    #[error(
        "training would take about {expected} MB, more than the limit of {limit} MB; raise `limits.memory_mb` or train on \
         a shorter history"
    )]
    Memory {
        /// What it would take, in MB.
        expected: usize,
        /// What is allowed, in MB.
        limit: usize,
    },
    /// A setting is out of its range.
    #[error("setting `{name}` must be {rule}")]
    Setting {
        /// Its name in [`Settings`](crate::Settings).
        name: &'static str,
        /// What it has to be.
        rule: &'static str,
    },
    /// A product could not be written as JSON.
    #[error("product {id} cannot be written as JSON")]
    Product {
        /// Which product.
        id: String,
        /// What the writer said.
        source: serde_json::Error,
    },
    /// The artifact could not be read from disk.
    #[error("the artifact cannot be read")]
    Read(#[from] std::io::Error),
    /// The bytes are no artifact.
    #[error("this is no artifact")]
    Magic,
    /// A part learned vectors that are not one for each product.
    #[error("part `{part}` learned {found} numbers, which is not one vector of {dims} for each product")]
    Vectors {
        /// Which part.
        part: String,
        /// Numbers found.
        found: usize,
        /// Numbers in a vector.
        dims: usize,
    },
    /// A part's section has a name that cannot be written.
    #[error(
        "the section `{0}` has a name that is taken, longer than 40 bytes, or not of ASCII letters, digits and signs"
    )]
    Section(String),
    /// The artifact was written in another format.
    #[error("the artifact has format {found}, this program reads {supported}")]
    Version {
        /// Its format.
        found: u32,
        /// The newest format that can be read.
        supported: u32,
    },
    /// A part of the artifact is of an algorithm that this program does not have.
    #[error("the artifact has a part `{0}` that this program knows no algorithm for")]
    Part(String),
    /// The artifact is shorter or longer than its header says.
    #[error("the artifact has {found} bytes instead of {expected}")]
    Length {
        /// Bytes found.
        found: u64,
        /// Bytes its header promises.
        expected: u64,
    },
    /// A part of the artifact is missing, misplaced, of the wrong size or damaged.
    #[error("the artifact's {section} {what}")]
    Damaged {
        /// Which section.
        section: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Error {
    pub(crate) fn damaged(section: impl Into<String>, what: &'static str) -> Self {
        Self::Damaged { section: section.into(), what }
    }
}
