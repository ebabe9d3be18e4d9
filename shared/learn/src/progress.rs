//! How far training is. Learning has no clock and no screen: whoever calls passes a function that has.

/// What training is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Turning texts into vectors.
    Content,
    /// Learning without the held-out actions, to see how good each part is.
    Rehearsal,
    /// Ranking the held-out actions and choosing the weights of the parts.
    Validation,
    /// Learning every part from everything.
    Learning,
    /// Writing the artifact.
    Packing,
}

impl Stage {
    /// The stages in the order in which they come; rehearsal and validation are left out when there is too little to
    /// hold out.
    pub const ALL: [Self; 5] = [Self::Content, Self::Rehearsal, Self::Validation, Self::Learning, Self::Packing];

    /// A word for a progress bar.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Rehearsal => "rehearsal",
            Self::Validation => "validation",
            Self::Learning => "learning",
            Self::Packing => "packing",
        }
    }
}

/// Hears how much of a stage is done: `(stage, done, total)`. Called on the thread that called training, with `done` not
/// falling within a stage, and last with `done == total`.
pub type Progress<'a> = dyn FnMut(Stage, u64, u64) + 'a;
