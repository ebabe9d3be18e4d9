//! What a form of the console sends. It is read only if it carries the token of the session that the page was made for.

use std::fmt::Write as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::RequestExt;
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::Console;
use super::client::Trouble;
use super::session::{Desk, Guest};

/// The field with the token.
pub(super) const TOKEN: &str = "token";
/// Longest form.
const MAX: usize = 256 * 1024;

/// Names and values, in the order of the page; a name may come more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a name, trimmed; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value.trim())
    }

    /// The value of a name as it was typed.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value)
    }

    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(of, _)| of == name).map(|(_, value)| value.trim()).filter(|v| !v.is_empty()).collect()
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(of, is)| of == name && is == value)
    }

    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    /// With another value of a name.
    pub(super) fn replaced(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(of, _)| of != name);
        self.with(name, value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those whose names begin so, by the rest of their names.
    pub(super) fn under(&self, prefix: &str) -> Self {
        let rest = |(name, value): &(String, String)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone()));
        Self(self.0.iter().filter_map(rest).collect())
    }

    /// With others, whose names then begin so.
    pub(super) fn with_all(mut self, prefix: &str, others: &Self) -> Self {
        self.0.extend(others.0.iter().map(|(name, value)| (format!("{prefix}{name}"), value.clone())));
        self
    }

    /// Without those of some names.
    pub(super) fn without(&self, gone: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| !gone(name)).cloned().collect())
    }

    /// The lines of a value.
    pub(super) fn lines(&self, name: &str) -> Vec<&str> {
        self.get(name).lines().map(str::trim).filter(|part| !part.is_empty()).collect()
    }

    /// A number as people write it, with a comma or a point.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        number(self.get(name))
    }

    /// A number for the API; what is none goes as it is, so that the API says what is wrong.
    pub(super) fn numeric(&self, name: &str) -> Value {
        numeric(self.get(name))
    }

    /// The same of a whole number.
    pub(super) fn counted(&self, name: &str) -> Value {
        self.whole(name).map_or_else(|| self.get(name).into(), Value::from)
    }

    /// What was typed as JSON; what is none is a text.
    pub(super) fn json(&self, name: &str) -> Value {
        serde_json::from_str(self.get(name)).unwrap_or_else(|_| self.get(name).into())
    }

    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }
}

/// A number for the API; what is none goes as it is.
pub(super) fn numeric(text: &str) -> Value {
    number(text).map_or_else(|| text.into(), Value::from)
}

fn number(text: &str) -> Option<f64> {
    text.replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite())
}

/// A form of somebody who has signed in, and their page.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) desk: Desk,
    pub(super) fields: Fields,
}

/// A form of the sign-in page.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) guest: Guest,
    pub(super) fields: Fields,
}

async fn read(request: Request) -> Result<Fields, Response> {
    let request = request.with_limited_body();
    let length = request.headers().get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > MAX) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    }
    let form = Form::<Vec<(String, String)>>::from_request(request, &()).await;
    form.map(|Form(pairs)| Fields(pairs)).map_err(IntoResponse::into_response)
}

/// The fields of a form's body, read at once; none if it is none.
pub(super) fn of_body(body: Vec<u8>) -> Option<Fields> {
    let request =
        Request::post("/").header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.into()).ok()?;
    // All of the body is there, so that nothing is waited for.
    match pin!(read(request)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(read) => read.ok(),
        Poll::Pending => None,
    }
}

impl FromRequest<Console> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let desk = Desk::from_request_parts(&mut parts, console).await?;
        let fields = read(Request::from_parts(parts, body)).await?;
        if !is_same(fields.get(TOKEN), &desk.face.token) {
            return Err(Trouble::stale(&desk.face).into_response());
        }
        Ok(Self { desk, fields })
    }
}

impl FromRequest<Console> for Asked {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let guest = match Guest::from_request_parts(&mut parts, console).await {
            Ok(guest) => guest,
            Err(never) => match never {},
        };
        Ok(Self { guest, fields: read(Request::from_parts(parts, body)).await? })
    }
}

/// Compares in a time that does not tell where two texts differ.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && !b.is_empty() && a.bytes().zip(b.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

/// A part of an address, escaped.
pub(super) fn escaped(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// An identifier made of what people call something.
pub(super) fn slug(name: &str) -> String {
    let plain = |c: char| match c {
        'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    };
    let text: String = name.to_lowercase().chars().map(plain).collect();
    let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
    let short: String = parts.join("-").chars().take(40).collect();
    short.trim_matches('-').to_owned()
}

/// The same; `usual` of a name without letters and digits.
pub(super) fn slug_or(name: &str, usual: &str) -> String {
    Some(slug(name)).filter(|slug| !slug.is_empty()).unwrap_or_else(|| usual.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_an_identifier() {
        for (name, id) in [
            ("Été à la plage !", "ete-a-la-plage"),
            ("<script>", "script"),
            ("—", ""),
            (&*"a ".repeat(60), "a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a"),
        ] {
            assert_eq!(slug(name), id);
        }
        assert_eq!(escaped("a/b?c é"), "a%2Fb%3Fc%20%C3%A9");
    }

    #[test]
    fn a_token_is_the_same_or_it_is_not() {
        assert!(is_same("abc", "abc"));
        assert!(!is_same("abc", "abd") && !is_same("ab", "abc") && !is_same("", ""));
    }
}
