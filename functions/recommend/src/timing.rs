//! Where the time of a request went, for the `Server-Timing` header (W3C Server Timing).

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

/// The stages, in the order in which they are told.
const STAGES: [&str; 8] = ["read", "filter", "query", "search", "order", "reasons", "render", "log"];

/// The time spent in each stage, over all lists of a page.
#[derive(Debug)]
pub(crate) struct Timing {
    began: Instant,
    last: Instant,
    spent: [Duration; STAGES.len()],
    /// Vectors that were compared.
    compared: usize,
}

impl Timing {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self { began: now, last: now, spent: [Duration::ZERO; STAGES.len()], compared: 0 }
    }

    /// A stage is over: what passed since the one before was spent in it.
    pub(crate) fn passed(&mut self, stage: &str) {
        let now = Instant::now();
        if let Some(place) = STAGES.iter().position(|name| *name == stage) {
            self.spent[place] += now.duration_since(self.last);
        }
        self.last = now;
    }

    /// So many more vectors were compared.
    pub(crate) fn compared(&mut self, vectors: usize) {
        self.compared += vectors;
    }

    fn header(&self) -> String {
        let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let mut text = String::new();
        for (name, spent) in STAGES.iter().zip(self.spent) {
            // Writing to a text does not fail.
            write!(text, "{name};dur={:.2}, ", millis(spent)).ok();
        }
        write!(text, "total;dur={:.2}", millis(self.began.elapsed())).ok();
        text
    }

    /// Adds the header to an answer.
    pub(crate) fn on(&self, mut response: Response) -> Response {
        #[allow(clippy::cast_precision_loss, reason = "a number of products")]
        metrics::histogram!("candidates").record(self.compared as f64);
        for (stage, spent) in STAGES.iter().zip(self.spent) {
            metrics::histogram!("stage", "stage" => *stage).record(vitrine_runtime::metrics::millis(spent));
        }
        if let Ok(value) = HeaderValue::from_str(&self.header()) {
            response.headers_mut().insert(HeaderName::from_static("server-timing"), value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_told_with_two_decimals() {
        let mut timing = Timing::start();
        timing.passed("read");
        timing.passed("no such stage");
        let header = timing.header();
        let names: Vec<&str> = header.split(", ").filter_map(|part| part.split(';').next()).collect();
        assert_eq!(names, [&STAGES[..], &["total"]].concat());
        let decimals = |part: &str| part.rsplit_once('.').map(|(_, decimals)| decimals.len());
        assert!(header.split(", ").all(|part| decimals(part) == Some(2)), "{header}");
    }
}
