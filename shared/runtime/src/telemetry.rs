//! Logs: one JSON object a line in the cloud, readable lines on a terminal. Neither holds personal data: fields are
//! chosen one by one where they are written, and bodies never are.

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

/// Starts logging, with the levels of `RUST_LOG` or `info`; the embedded engine warns of every duplicate, which is no news. A second call changes nothing.
pub fn start(format: Format) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,dynoxide=error"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        Format::Json => builder.json().flatten_event(true).try_init(),
        Format::Text => builder.with_target(false).compact().try_init(),
    };
    // Only the first call can succeed, and it is enough.
    started.ok();
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
