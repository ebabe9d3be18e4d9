//! Lines of a text file, one after the other, of bounded length.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Longest line.
const MAX_LINE: u64 = 16 << 20;
/// Largest file that is read as a whole.
const MAX_FILE: u64 = 2 << 30;

/// Calls `each` with the number, from one, and the text of every line that is not empty. An error of `each` is the line's.
///
/// # Errors
/// If the file cannot be read, or a line is too long or no UTF-8.
pub fn each(path: &Path, mut each: impl FnMut(usize, &str) -> std::result::Result<(), String>) -> Result<()> {
    let mut reader = BufReader::new(File::open(path).map_err(|e| Error::read(path, e))?);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let count =
            reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut bytes).map_err(|e| Error::read(path, e))?;
        if count == 0 {
            return Ok(());
        }
        let text = match std::str::from_utf8(&bytes) {
            _ if count as u64 > MAX_LINE => Err(format!("longer than {} MiB", MAX_LINE >> 20)),
            Err(error) => Err(format!("byte {} is no UTF-8", error.valid_up_to() + 1)),
            Ok(text) => Ok(text.trim_end_matches(['\n', '\r'])),
        };
        let done = text.and_then(|text| if text.trim().is_empty() { Ok(()) } else { each(number, text) });
        done.map_err(|what| Error::line(path, number, what))?;
    }
    Ok(())
}

/// A whole file as JSON; what is wrong is said with its line.
///
/// # Errors
/// If it cannot be read, is too large, or is no JSON of that shape.
pub fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let file = File::open(path).map_err(|e| Error::read(path, e))?;
    let size = file.metadata().map_err(|e| Error::read(path, e))?.len();
    if size > MAX_FILE {
        return Err(Error::format(path, format!("{size} bytes are more than {} GiB", MAX_FILE >> 30)));
    }
    let mut text = Vec::with_capacity(size as usize);
    file.take(MAX_FILE).read_to_end(&mut text).map_err(|e| Error::read(path, e))?;
    serde_json::from_slice(&text).map_err(|error| match error.line() {
        0 => Error::format(path, error.to_string()),
        line => Error::line(path, line, error.to_string()),
    })
}

/// The only file of a folder whose name passes; `what` says what is looked for.
///
/// # Errors
/// If the folder cannot be read, or there is none or more than one.
pub fn only(folder: &Path, what: &str, passes: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::read(folder, e))? {
        let path = entry.map_err(|e| Error::read(folder, e))?.path();
        if path.is_file() && path.file_name().and_then(|name| name.to_str()).is_some_and(&passes) {
            found.push(path);
        }
    }
    found.sort();
    match found.as_slice() {
        [path] => Ok(path.clone()),
        [] => Err(Error::format(folder, format!("there is no {what}"))),
        [first, second, ..] => {
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Err(Error::format(folder, format!("more than one {what}: {}, {}", name(first), name(second))))
        }
    }
}
