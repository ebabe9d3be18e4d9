//! Progress of long work: bars on a terminal, a line a step where there is none.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A step of long work.
#[derive(Debug)]
pub struct Step {
    bar: ProgressBar,
    name: String,
    quiet: bool,
}

impl Step {
    /// Begins a step of a known length; zero if it is not known.
    #[must_use]
    pub fn begin(name: &str, length: u64, quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(length) };
        let template = if length == 0 {
            "{spinner} {msg:<34} {elapsed:>5}"
        } else {
            "{spinner} {msg:<34} {bar:30} {human_pos:>9} of {human_len:<9} {elapsed:>5}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        if !quiet {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, name: name.to_owned(), quiet }
    }

    /// Says how far it is.
    pub fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Says how far it is of how much.
    pub fn of(&self, position: u64, length: u64) {
        self.bar.set_length(length);
        self.bar.set_position(position);
    }

    /// Names the part that is being done.
    pub fn part(&self, part: &str) {
        self.bar.set_message(format!("{}: {part}", self.name));
    }

    /// Ends the step with what came of it.
    #[allow(clippy::print_stderr, reason = "this is what a person at a terminal reads")]
    pub fn end(self, result: &str) {
        let seconds = self.bar.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        if !self.quiet {
            eprintln!("  {:<34} {result} ({seconds:.1} s)", self.name);
        }
    }
}
