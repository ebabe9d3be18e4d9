//! From the bytes of a request to text, whatever the client said of them.
//!
//! Content type and content encoding are not believed: clients wrap gzipped JSON as a form, gateways inflate a body and
//! leave its header, and JSON never begins with the two bytes that gzip begins with. So the bytes decide.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::Error;

/// Largest body, after inflation.
pub const MAX_BODY: usize = 500 * 1024;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The text of a body. Bytes that are no UTF-8 become replacement characters: one broken name in one event is no reason
/// to lose a batch.
///
/// # Errors
/// [`Error::BodyTooLarge`] as soon as the bound is passed, so that a small body cannot inflate to a large one;
/// [`Error::Gzip`] if it breaks off.
pub fn text(body: &[u8]) -> Result<Cow<'_, str>, Error> {
    let bytes = if body.starts_with(&GZIP) { Cow::Owned(inflate(body)?) } else { Cow::Borrowed(body) };
    if bytes.len() > MAX_BODY {
        return Err(Error::BodyTooLarge);
    }
    Ok(match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ),
    })
}

fn inflate(body: &[u8]) -> Result<Vec<u8>, Error> {
    let mut inflated = Vec::new();
    let bound = MAX_BODY as u64 + 1;
    MultiGzDecoder::new(body).take(bound).read_to_end(&mut inflated).map_err(|_| Error::Gzip)?;
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_bytes_say_whether_they_are_gzip() {
        assert_eq!(text(b"{}").unwrap(), "{}");
        assert_eq!(text(&gzip(b"{\"a\":1}")).unwrap(), "{\"a\":1}");
        assert_eq!(text(b"").unwrap(), "");
    }

    #[test]
    fn the_bound_holds_after_inflation_and_to_the_byte() {
        let most = vec![b' '; MAX_BODY];
        assert_eq!(text(&most).unwrap().len(), MAX_BODY);
        assert_eq!(text(&gzip(&most)).unwrap().len(), MAX_BODY);
        let over = vec![b' '; MAX_BODY + 1];
        assert_eq!(text(&over), Err(Error::BodyTooLarge));
        assert_eq!(text(&gzip(&over)), Err(Error::BodyTooLarge));
    }

    #[test]
    fn a_bomb_is_refused_without_inflating_it() {
        let bomb = gzip(&vec![0; 64 << 20]);
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        assert_eq!(text(&bomb), Err(Error::BodyTooLarge));
        assert_eq!(inflate(&bomb).unwrap().len(), MAX_BODY + 1, "it stops where it can no longer be taken");
    }

    #[test]
    fn broken_gzip_and_broken_text() {
        let whole = gzip(b"{\"a\":1}");
        assert_eq!(text(&whole[..whole.len() - 9]), Err(Error::Gzip));
        assert_eq!(text(b"{\"a\":\"\xff\"}").unwrap(), "{\"a\":\"\u{fffd}\"}");
        assert_eq!(text(&gzip(b"\xff")).unwrap(), "\u{fffd}");
    }
}
