//! Logs: one JSON object a line in the cloud, readable lines on a terminal. Neither holds personal data: fields are
//! chosen one by one where they are written, and bodies never are.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use tracing_subscriber::EnvFilter;

use crate::metrics;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, for machines.
    Json,
    /// Text, for a terminal.
    Text,
}

/// Starts what a deployed function tells of itself: logs as JSON, and figures.
pub fn start_in_cloud() {
    start(Format::Json);
    metrics::start_in_cloud();
}

/// Starts logging, with the levels of `RUST_LOG` or `info`; the embedded engine warns of every duplicate, which is no news. What a
/// panic says goes there too, without what it quotes, and where `RUST_BACKTRACE` is set with its backtrace: the hook of the standard
/// library would write all of it. A second call changes nothing.
pub fn start(format: Format) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,dynoxide=error"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        Format::Json => builder.json().flatten_event(true).try_init(),
        Format::Text => builder.with_target(false).compact().try_init(),
    };
    // Only the first call can succeed, and it is enough.
    if started.is_ok() {
        std::panic::set_hook(Box::new(tell));
    }
}

/// Writes what a panic says to the log.
fn tell(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    if let Some(library) = LIBRARY.get() {
        tracing::warn!(at, "{library} gave up on its input: {}", said_by_panic(panic.payload()));
        return;
    }
    let trace = Backtrace::capture();
    let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
    tracing::error!(at, backtrace = trace, "{}", reason_of_panic(panic.payload()));
}

thread_local! {
    /// The library that is at work, if it is one that may panic.
    static LIBRARY: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Calls a library that panics where its input is damaged: none if it did, which the log tells as a warning with its name. Whatever
/// else the call does may not panic, for it would be taken for the library.
pub fn may_panic<T>(library: &'static str, call: impl FnOnce() -> T) -> Option<T> {
    let outer = LIBRARY.replace(Some(library));
    let result = catch_unwind(AssertUnwindSafe(call));
    LIBRARY.set(outer);
    result.ok()
}

/// An error and all its causes in one line.
#[must_use]
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Letters of a reason.
const REASON: usize = 400;

/// An error and all its causes, as a failed record's reason: what stands in quotes may be what a visitor sent, and is left out.
#[must_use]
pub fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    without_quotes(&causes(error))
}

/// What a panic says, as a failed record's reason.
#[must_use]
pub fn reason_of_panic(panic: &(dyn Any + Send)) -> String {
    format!("it panicked: {}", said_by_panic(panic))
}

fn said_by_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    without_quotes(text.unwrap_or("without a message"))
}

/// A text of bounded length on one line with `…` for whatever it quotes.
fn without_quotes(text: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut letters = text.chars().take(10 * REASON);
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            // What is escaped does not end the quote.
            (Some(_), '\\') => drop(letters.next()),
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => {
                quote = Some(letter);
                out.push('…');
            }
            (None, _) => out.push(if letter.is_control() { ' ' } else { letter }),
        }
    }
    out.chars().take(REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_why_and_quotes_nobody() {
        let error = serde_json::from_str::<u8>(r#""anna \"@\" example""#).unwrap_err();
        assert_eq!(reason(&error), "invalid type: string …, expected u8 at line 1 column 20");
        let panic = std::panic::catch_unwind(|| "é of anna".split_at(1).0.len()).unwrap_err();
        let said = reason_of_panic(panic.as_ref());
        assert!(said.starts_with("it panicked: ") && !said.contains("anna"), "{said}");
        let panic = std::panic::catch_unwind(|| assert_eq!(1, 2, "counts\ndiffer")).unwrap_err();
        assert!(reason_of_panic(panic.as_ref()).contains("counts differ"));
        assert_eq!(without_quotes(&"x".repeat(9_000)).len(), REASON);
        assert_eq!(without_quotes("before `open end"), "before …");
    }

    #[test]
    fn a_panic_of_a_library_is_told_as_that_and_no_other_is() {
        let index = |at: usize| [1, 2, 3][at..].len();
        // Who is told of at each moment: a panic's hook runs on its thread before anything is unwound.
        let given = may_panic("the library", || {
            let inner = may_panic("another", || (LIBRARY.get(), index(4)));
            assert_eq!((inner, LIBRARY.get()), (None, Some("the library")));
            assert_eq!(may_panic("another", || (LIBRARY.get(), index(1))), Some((Some("another"), 2)));
            (LIBRARY.get(), index(5))
        });
        assert_eq!((given, LIBRARY.get()), (None, None));
        assert_eq!(may_panic("the library", || index(1)), Some(2));
        assert_eq!((std::panic::catch_unwind(|| index(6)).is_err(), LIBRARY.get()), (true, None));
    }
}
