//! The network on small made-up weights, against plain loops written from the formulas; the file, against damage.

use proptest::prelude::*;

use super::*;
use crate::dataset::mix;

const ORDERS: [(usize, usize); 3] = [(2, 0), (3, 1), (5, 2)];

fn noise(i: u64) -> f32 {
    (mix(i) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
}

/// A model of eight pieces with vectors of four numbers.
fn tiny(seed: u64) -> Parts {
    let pieces = ["<unk>", "<s>", "</s>", "\u{2581}", "a", "b", "\u{2581}a", "ab"];
    let pieces = pieces.iter().zip(0..).map(|(piece, i)| (piece.to_string(), (i > 2).then_some(-(i as f32)))).collect();
    let mut parts = Parts {
        pieces,
        folding: vec![("A".into(), "a".into())],
        width: 4,
        branch: 3,
        hidden: 5,
        table: (0..9 * 4).map(|i| (mix(seed + i) >> 56) as u8).collect(),
        quantisation: vec![(0.01, -1.0), (0.02, -2.0)],
        epsilon: 1e-6,
        dense: Vec::new(),
    };
    let mut next = seed * 10_000;
    for (_, size) in parts.dense_sizes() {
        parts.dense.push((next..next + size as u64).map(noise).collect());
        next += size as u64;
    }
    parts
}

/// Row vector times matrix.
fn times(x: &[f32], w: &[f32]) -> Vec<f32> {
    let columns = w.len() / x.len();
    (0..columns).map(|j| x.iter().enumerate().map(|(i, x)| x * w[i * columns + j]).sum()).collect()
}

fn plus(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn relu(x: &[f32]) -> Vec<f32> {
    x.iter().map(|x| x.max(0.0)).collect()
}

fn norm(x: &[f32], gain: &[f32], shift: &[f32]) -> Vec<f32> {
    let mean = x.iter().sum::<f32>() / x.len() as f32;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / x.len() as f32;
    let scaled = x.iter().map(|x| (x - mean) / (variance + 1e-6).sqrt());
    scaled.zip(gain).zip(shift).map(|((x, gain), shift)| x * gain + shift).collect()
}

/// The formulas of `layers`, token by token.
fn by_hand(parts: &Parts, tokens: &[u32]) -> (Vec<f32>, f32) {
    let d = |name: &str| {
        let at = parts.dense_sizes().iter().position(|(other, _)| *other == name).unwrap();
        &parts.dense[at][..]
    };
    let (width, branch) = (parts.width, parts.branch);
    let embed = |token: &u32| -> Vec<f32> {
        let (step, low) = parts.quantisation[*token as usize % parts.quantisation.len()];
        parts.table[*token as usize * width..][..width].iter().map(|q| step * f32::from(*q) + low).collect()
    };
    let embedded: Vec<Vec<f32>> = tokens.iter().map(embed).collect();
    let project =
        |e: &Vec<f32>| norm(&plus(&times(e, d("project")), d("project.bias")), d("project.gain"), d("project.shift"));
    let projected: Vec<Vec<f32>> = embedded.iter().map(project).collect();
    let mut features = embedded;
    let mut weights = 0;
    for (b, (n, before)) in ORDERS.into_iter().enumerate() {
        let columns = b * branch..(b + 1) * branch;
        let mut x: Vec<Vec<f32>> = projected.iter().map(|row| row[columns.clone()].to_vec()).collect();
        for layer in ["first", "second"] {
            let matrix = &d(layer)[weights..weights + n * branch * branch];
            let bias = &d(&format!("{layer}.bias"))[columns.clone()];
            let old = x.clone();
            for (at, row) in x.iter_mut().enumerate() {
                let mut sum = bias.to_vec();
                for slot in 0..n {
                    if let Some(neighbour) = (at + slot).checked_sub(before).and_then(|from| old.get(from)) {
                        let part = &matrix[slot * branch * branch..(slot + 1) * branch * branch];
                        sum = plus(&sum, &times(neighbour, part));
                    }
                }
                *row = plus(&old[at], &relu(&sum));
            }
        }
        weights += n * branch * branch;
        features.iter_mut().zip(x).for_each(|(all, x)| all.extend(x));
    }
    let root = (tokens.len() as f32).sqrt();
    let mut m = vec![0.0; width];
    for row in &features {
        let out = plus(&times(&norm(row, d("gain"), d("shift")), d("out")), d("out.bias"));
        m = m.iter().zip(out).map(|(m, out)| m + out / root).collect();
    }
    let y = relu(&plus(&times(&relu(&times(&m, d("deep0"))), d("deep1")), &times(&m, d("skip1"))));
    let z = plus(&times(&relu(&times(&y, d("deep2"))), d("deep3")), &times(&y, d("skip3")));
    let z: Vec<f32> = z.iter().map(|z| z.tanh()).collect();
    let length = z.iter().map(|z| z * z).sum::<f32>().max(1e-6).sqrt();
    (z.iter().map(|z| z / length).collect(), length)
}

fn encoder(parts: &Parts) -> TextEncoder {
    TextEncoder::from_bytes(parts.pack().unwrap()).unwrap()
}

proptest! {
    #[test]
    fn computes_the_formulas_for_every_text_of_a_batch(
        seed in 0_u64..50,
        texts in prop::collection::vec("[abA z]{0,8}", 1..40),
    ) {
        let parts = tiny(seed);
        let encoder = encoder(&parts);
        let vectors = encoder.embed(&texts, 1, &mut |_| ());
        prop_assert_eq!(vectors.len(), texts.len() * 4);
        prop_assert_eq!(&vectors, &encoder.embed(&texts, 3, &mut |_| ()));
        for (text, vector) in texts.iter().zip(vectors.chunks_exact(4)) {
            let (by_hand, length) = by_hand(&parts, &encoder.tokens(text));
            for (found, expected) in vector.iter().zip(by_hand) {
                // Rounding weighs the more the shorter the vector was before it was given length one.
                prop_assert!((found - expected).abs() < 1e-4 / length.min(1.0), "{text:?}: {found} {expected}");
            }
        }
    }

    #[test]
    fn damage_is_found_and_never_panics(at: prop::sample::Index, bit in 0_u8..8, cut in 0_usize..2) {
        let mut bytes = tiny(1).pack().unwrap();
        let place = at.index(bytes.len());
        if cut == 1 {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 1 << bit;
        }
        prop_assert!(TextEncoder::from_bytes(bytes).is_err());
    }
}

#[test]
fn reads_marks_pieces_and_folded_letters() {
    let encoder = encoder(&tiny(1));
    // ▁a and b lose against ▁ and ab, -6 - 5 against -3 - 7; marks in a text are letters like others.
    assert_eq!(encoder.tokens("Ab"), [1, 3, 7, 2]);
    assert_eq!(encoder.tokens("<s>")[1..5], [3, 0, 0, 0]);
    assert_eq!(encoder.tokens(""), [1, 0, 2]);
    assert_eq!(encoder.dims(), 4);
}

#[test]
fn a_long_text_is_cut() {
    let encoder = encoder(&tiny(1));
    let tokens = encoder.tokens(&"é b".repeat(5_000));
    assert_eq!((tokens.len(), tokens[MOST_TOKENS - 1]), (MOST_TOKENS, 2));
}

#[test]
fn parts_of_a_wrong_size_are_named() {
    let mut parts = tiny(1);
    parts.dense[3].pop();
    assert!(parts.pack().unwrap_err().to_string().contains("project.shift"));
    let mut parts = tiny(1);
    parts.table.pop();
    assert!(parts.pack().unwrap_err().to_string().contains("table"));
    let mut parts = tiny(1);
    parts.table.truncate(7 * 4);
    assert!(TextEncoder::from_bytes(parts.pack().unwrap()).is_err());
}

#[test]
fn a_file_and_its_bytes_are_the_same_model() {
    let bytes = tiny(2).pack().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    let vector = |encoder: TextEncoder| encoder.embed(&["ab a"], 1, &mut |_| ());
    assert_eq!(vector(TextEncoder::open(file.path()).unwrap()), vector(TextEncoder::from_bytes(bytes).unwrap()));
}
