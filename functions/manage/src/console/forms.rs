//! What the forms of the console come to, without a page: for the fuzz targets. The steps are those of the handlers.

use super::experiments;
use super::fields::{Fields, escaped, of_body, slug};

/// What is promised of a form that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Its names and values can be sent again, and are the same.
    pub sent_again: bool,
    /// Its numbers are numbers, and the identifiers that are made of its names are such.
    pub sound: bool,
    /// The experiment that it drafts is the same when it is shown and sent again.
    pub drafted: bool,
}

/// What came of reading a body as a form; none if it is none.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Filled> {
    let fields = of_body(bytes.to_vec())?;
    let pair = |(name, value): (&str, &str)| format!("{}={}", escaped(name), escaped(value));
    let body: Vec<String> = fields.pairs().map(pair).collect();
    let sent_again = of_body(body.join("&").into_bytes()).as_ref() == Some(&fields);
    let sound = fields.pairs().all(|(name, value)| is_sound(&fields, name, value));
    Some(Filled { sent_again, sound, drafted: experiments::is_kept(&fields) })
}

fn is_sound(fields: &Fields, name: &str, value: &str) -> bool {
    let slug = slug(value);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_id = slug.len() <= 40 && slug.bytes().all(plain) && !slug.starts_with('-') && !slug.ends_with('-');
    let lines = fields.lines(name).iter().all(|line| !line.is_empty() && !line.contains('\n'));
    let all = fields.all(name).len() <= fields.pairs().filter(|(of, _)| *of == name).count();
    is_id && lines && all && fields.has(name, value) && fields.number(name).is_none_or(f64::is_finite)
}
