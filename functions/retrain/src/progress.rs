//! How far a training is, for whoever has a screen.

/// What a training is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Reading the catalogue and its changes.
    Catalogue,
    /// Reading events.
    Events,
    /// Comparing with the live model.
    Gate,
    /// Learning.
    Learning(vitrine_learn::Stage),
    /// Writing the files and flipping the pointer.
    Publishing,
}

impl Stage {
    /// A word for a progress bar.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Events => "events",
            Self::Gate => "gate",
            Self::Learning(stage) => stage.as_str(),
            Self::Publishing => "publishing",
        }
    }
}

/// Hears how much of a stage is done: `(stage, done, total)`; a total of zero is not known. Called where the training is
/// awaited, so it must not block for long.
pub type Progress<'a> = dyn Fn(Stage, u64, u64) + Send + Sync + 'a;
