//! What the description of every address says of its errors: they are problem+json, and some can happen anywhere.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Completes a description. Handlers name the errors that are their own; here every error gets its content type, and the
/// ones that any request with a parameter or a body can meet are added where they are missing.
pub fn errors(document: &mut OpenApi) {
    document.paths.paths.values_mut().flat_map(operations).for_each(complete);
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn complete(operation: &mut Operation) {
    let has_body = operation.request_body.is_some();
    let answers = &mut operation.responses.responses;
    // An address that refuses nothing reads nothing.
    if !answers.keys().any(|status| is_error(status)) {
        return;
    }
    if has_body || operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()) {
        answers.entry("400".to_owned()).or_insert_with(|| problem("The request cannot be read"));
    }
    if has_body {
        answers.entry("413".to_owned()).or_insert_with(|| problem("The body is larger than this address takes"));
    }
    if answers.contains_key("401") {
        answers
            .entry("429".to_owned())
            .or_insert_with(|| problem("The key or the visitor asks too much; see Retry-After"));
    }
    for (status, answer) in answers {
        if let (true, RefOr::T(answer)) = (is_error(status), answer)
            && let Some(content) = answer.content.shift_remove(JSON)
        {
            answer.content.insert(PROBLEM.to_owned(), content);
        }
    }
}

fn is_error(status: &str) -> bool {
    status.starts_with('4') || status.starts_with('5')
}

fn problem(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    RefOr::T(ResponseBuilder::new().description(description).content(PROBLEM, content).build())
}
