//! Progress on standard error, and only where somebody is watching: on a terminal.

use std::cell::RefCell;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar, stage by stage.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    stage: RefCell<String>,
}

impl Progress {
    /// A bar on standard error; nothing if that is no terminal.
    #[must_use]
    pub fn on_terminal() -> Self {
        Self::drawn(ProgressDrawTarget::stderr())
    }

    /// Nothing at all.
    #[must_use]
    pub fn hidden() -> Self {
        Self::drawn(ProgressDrawTarget::hidden())
    }

    fn drawn(target: ProgressDrawTarget) -> Self {
        Self { bar: ProgressBar::with_draw_target(Some(0), target), stage: RefCell::default() }
    }

    /// How much of a stage is done; a total of zero is not known.
    pub fn show(&self, stage: &str, done: u64, total: u64) {
        if *self.stage.borrow() != stage {
            stage.clone_into(&mut self.stage.borrow_mut());
            let bar =
                if total > 0 { "{msg:16} {bar:40} {percent:>3} %  {elapsed}" } else { "{msg:16} {spinner} {elapsed}" };
            if let Ok(style) = ProgressStyle::with_template(bar) {
                self.bar.set_style(style);
            }
            self.bar.reset();
            self.bar.set_message(stage.to_owned());
        }
        if total > 0 {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
        self.stage.borrow_mut().clear();
    }
}
