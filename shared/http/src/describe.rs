//! What the description of every address says in the same way: its errors are problem+json, some can happen anywhere, and
//! a key is presented in one of a few ways.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Completes a description. Handlers name the errors that are their own; here every error gets its content type, and the
/// ones that any request with a parameter or a body can meet are added where they are missing.
///
/// Handlers name one way to present a key, and the scopes that it needs: `query` where a browser key is enough, `basic` where
/// it has to be a server key. The other ways are added.
pub fn complete(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        errors(operation);
        if let Some(requirements) = &mut operation.security {
            *requirements = requirements.iter().flat_map(ways).collect();
        }
    }
}

/// The ways to present a key that has what is required.
fn ways(required: &SecurityRequirement) -> Vec<SecurityRequirement> {
    let written = serde_json::to_value(required).unwrap_or_default();
    let Some((way, scopes)) = written.as_object().and_then(|one| one.iter().next()) else {
        return vec![required.clone()];
    };
    let scopes: Vec<&str> = scopes.as_array().into_iter().flatten().filter_map(|scope| scope.as_str()).collect();
    let ways = ["basic", "bearer", "query"].into_iter().take(if way == "query" { 3 } else { 2 });
    ways.map(|way| SecurityRequirement::new(way, scopes.clone())).collect()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn errors(operation: &mut Operation) {
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

/// An answer that is a problem.
#[must_use]
pub fn problem(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    RefOr::T(ResponseBuilder::new().description(description).content(PROBLEM, content).build())
}
