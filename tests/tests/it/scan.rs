//! Looks for people in every byte that a stack keeps.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest, Sha256};
use vitrine_domain::Visitor;
use vitrine_learn::Scratch;

/// How many bytes of a hash are looked for.
const PART: usize = 16;
/// How many bytes a number has by which algorithms know a visitor.
const NUMBER: usize = 8;

/// What a search came to.
#[derive(Debug)]
pub(crate) struct Traces {
    /// Where somebody was found, with what stands around.
    pub(crate) found: Vec<String>,
    /// Files that were read.
    pub(crate) files: usize,
    /// Bytes that were looked at, packed and unpacked.
    pub(crate) bytes: usize,
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { files.extend(self::files(&entry.path())?) } else { files.push(entry.path()) }
    }
    Ok(files)
}

/// What somebody could have stored in the place of a name, without a key: hashes as bytes and as digits, and the numbers by
/// which algorithms know visitors.
#[derive(Default)]
struct Hashes {
    parts: HashSet<[u8; PART]>,
    numbers: HashSet<[u8; NUMBER]>,
    /// Most bytes begin no hash: only those that do are looked up.
    begins: HashSet<[u8; 2]>,
}

impl Hashes {
    fn of(names: &[String]) -> Self {
        let mut hashes = Self::default();
        for name in names {
            for text in [format!("a:{name}"), format!("u:{name}"), name.clone()] {
                let digest = Sha256::digest(text.as_bytes());
                hashes.parts.extend(digest.first_chunk());
                hashes.parts.extend(vitrine_store::api_keys::hex(&digest).as_bytes().first_chunk());
            }
            for visitor in [Visitor::anonymous(name.clone()), Visitor::known(name.clone())].into_iter().flatten() {
                let number = Scratch::visitor_key(&visitor);
                hashes.numbers.extend([number.to_le_bytes(), number.to_be_bytes()]);
                for digits in [format!("{number:016x}"), number.to_string()] {
                    hashes.parts.extend(digits.as_bytes().first_chunk());
                }
            }
        }
        let parts = hashes.parts.iter().filter_map(|part| part.first_chunk().copied());
        hashes.begins = parts.chain(hashes.numbers.iter().filter_map(|number| number.first_chunk().copied())).collect();
        hashes
    }
}

/// Where in some bytes there is a mark or a hash.
fn find(bytes: &[u8], mark: &str, hashes: &Hashes, begins: &[bool]) -> Option<usize> {
    (0..bytes.len()).find(|at| {
        let rest = &bytes[*at..];
        let [first, second] = [rest[0], rest.get(1).copied().unwrap_or_default()];
        first == mark.as_bytes()[0] && rest.starts_with(mark.as_bytes())
            || begins[usize::from(u16::from_le_bytes([first, second]))]
                && (rest.first_chunk().is_some_and(|part| hashes.parts.contains(part))
                    || rest.first_chunk().is_some_and(|number| hashes.numbers.contains(number)))
    })
}

/// Where there is a trace of somebody: `mark`, with which the names begin, or hashes of the names, in the path of a file, in its
/// bytes or in what it unpacks to.
pub(crate) fn traces(folder: &Path, mark: &str, names: &[String]) -> Result<Traces> {
    let hashes = Hashes::of(names);
    let mut begins = vec![false; 65536];
    hashes.begins.iter().for_each(|first| begins[usize::from(u16::from_le_bytes(*first))] = true);
    let mut traces = Traces { found: Vec::new(), files: 0, bytes: 0 };
    for file in files(folder)? {
        let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let packed = file.extension().is_some_and(|end| end == "zst");
        let unpacked = if packed { zstd::decode_all(&bytes[..])? } else { Vec::new() };
        let path = file.strip_prefix(folder)?.to_string_lossy().into_owned().into_bytes();
        traces.files += 1;
        for bytes in [&path, &bytes, &unpacked] {
            traces.bytes += bytes.len();
            if let Some(at) = find(bytes, mark, &hashes, &begins) {
                let around = &bytes[at.saturating_sub(100)..(at + 100).min(bytes.len())];
                traces.found.push(format!("{}: {}", file.display(), String::from_utf8_lossy(around)));
            }
        }
    }
    Ok(traces)
}

/// Nothing is proved by a search that would not find it.
#[test]
fn a_search_finds_names_and_hashes_wherever_they_stand() -> Result<()> {
    let name = "zq7somebody".to_owned();
    let (hash, number) = (Sha256::digest("u:zq7somebody"), Scratch::visitor_key(&Visitor::known(name.clone())?));
    let digits = vitrine_store::api_keys::hex(&hash);
    let hidden: [Vec<u8>; 6] = [
        b"zq7".to_vec(),
        hash[..PART].to_vec(),
        digits.as_bytes()[..PART].to_vec(),
        number.to_le_bytes().to_vec(),
        number.to_be_bytes().to_vec(),
        format!("{number:016x}").into_bytes(),
    ];
    let found = |path: &str, bytes: &[u8]| -> Result<usize> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().context("no folder")?)?;
        std::fs::write(&file, bytes)?;
        Ok(traces(folder.path(), "zq7", std::slice::from_ref(&name))?.found.len())
    };
    for hidden in &hidden {
        let around = |before: usize, after: usize| [&vec![b'.'; before][..], hidden, &vec![b'.'; after]].concat();
        for (before, after) in [(0, 0), (0, 50), (50, 0), (50, 50), (1, 1)] {
            let bytes = around(before, after);
            assert_eq!(found("file", &bytes)?, 1, "{hidden:?} between {before} and {after} bytes");
            let packed = zstd::encode_all(&bytes.repeat(3)[..], 0)?;
            assert!(found("file.zst", &packed)? > 0, "{hidden:?} packed");
        }
    }
    assert_eq!((found("zq7/file", b"")?, found(&format!("a/{digits}"), b"")?), (1, 1));
    assert_eq!((found("file", b"")?, found("file", &[0; 100])?), (0, 0));
    Ok(())
}
