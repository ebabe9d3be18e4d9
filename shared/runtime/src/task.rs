//! Work outside Lambda: the same program, run once.

use crate::config::environment;

/// Set by Lambda, where invocations come from its runtime.
const LAMBDA: &str = "AWS_LAMBDA_RUNTIME_API";
/// What a program without a Lambda runtime is to do.
const PAYLOAD: &str = "VITRINE_PAYLOAD";

/// What this process is to do once and then end: `VITRINE_PAYLOAD`, the payload of one invocation as JSON. None in Lambda,
/// which invokes the program itself.
#[must_use]
pub fn task() -> Option<String> {
    of(&environment)
}

fn of(get: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    if get(LAMBDA).is_some() { None } else { get(PAYLOAD) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_a_task_only_where_lambda_does_not_invoke() {
        let with = |set: &'static [&str]| of(&move |name| set.contains(&name).then(|| format!("{name} is set")));
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[LAMBDA]), None);
        assert_eq!(with(&[PAYLOAD]).as_deref(), Some("VITRINE_PAYLOAD is set"));
        assert_eq!(with(&[LAMBDA, PAYLOAD]), None);
    }
}
