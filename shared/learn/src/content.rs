//! Content vectors: what a product's own words say, before anybody has looked at it.
//!
//! Title, description, category path, brand and price band are cut into features: whole words, and character 3- to 5-grams
//! of the title's words, so that *tomato* and *tomatoes* meet and no language needs a dictionary. A feature is hashed to
//! one of 2²⁰ buckets and weighs `ln((N + 1) / n)` there, `n` of `N` products having it (inverse document frequency):
//! what everything has says nothing.
//!
//! The huge sparse vector is projected to a few dozen dimensions by sparse random signs (Achlioptas 2003): each bucket adds
//! ± its weight to [`SPREAD`] dimensions drawn by its hash, which keeps dot products up to noise of about `1/√dims`. The
//! fields are projected separately, brought to length one and mixed with fixed shares, so that a long title does not
//! drown the category. The result has length one: the dot product of two products is a cosine.
//!
//! The only thing learned is how common each feature is; the rest is hashing, the same in every shop and every run.

use vitrine_domain::{Product, product::price_band};

use crate::dataset::{mix, stable_hash};
use crate::linear::{add_scaled, normalise};
use crate::parallel;
use crate::progress::{Progress, Stage};
use crate::settings;

mod part;

pub use part::Content;
pub(crate) use part::Likeness;

/// Number of feature buckets; two features that share one look the same, which is rare enough.
const BUCKETS: usize = 1 << 20;
/// To how many dimensions a feature adds itself.
pub const SPREAD: usize = 4;
/// How many words of a description are read.
const DESCRIPTION_WORDS: usize = 60;
/// Products a thread works on at a time.
const CHUNK: usize = 256;

/// A part of a product's text.
#[derive(Clone, Copy)]
enum Field {
    Words,
    Grams,
    Category,
    Brand,
    Price,
    Description,
}

impl Field {
    /// Every field and its share of a product's vector: squares add up to one.
    const SHARES: [(Self, f32); 6] = [
        (Self::Words, 0.55),
        (Self::Grams, 0.40),
        (Self::Category, 0.60),
        (Self::Brand, 0.30),
        (Self::Price, 0.15),
        (Self::Description, 0.25),
    ];
}

/// Lower-case words of letters and digits.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn bucket(field: Field, text: &str) -> u32 {
    (stable_hash(std::iter::once(field as u8).chain(text.bytes())) % BUCKETS as u64) as u32
}

/// Calls `add` with every 3- to 5-gram of a word between its boundaries.
fn grams(word: &str, mut add: impl FnMut(u32)) {
    let bounded = format!("<{word}>");
    let ends: Vec<usize> = bounded.char_indices().map(|(at, _)| at).chain([bounded.len()]).collect();
    for size in 3..=5 {
        for bounds in ends.windows(size + 1) {
            add(bucket(Field::Grams, &bounded[bounds[0]..bounds[size]]));
        }
    }
}

/// The buckets of one field of a product, each once, ascending.
fn features(product: &Product, field: Field, buckets: &mut Vec<u32>) {
    buckets.clear();
    match field {
        Field::Words => buckets.extend(words(&product.title).map(|word| bucket(field, &word))),
        Field::Grams => words(&product.title).for_each(|word| grams(&word, |gram| buckets.push(gram))),
        Field::Category => {
            // Each level of the path, and the words in it, which other paths may share.
            buckets.extend((0..product.category.len()).map(|i| bucket(field, &product.category[..=i].join("\u{1f}"))));
            buckets.extend(product.category.iter().flat_map(|name| words(name)).map(|word| bucket(field, &word)));
        }
        Field::Brand => buckets.extend(product.brand.iter().map(|brand| bucket(field, &brand.to_lowercase()))),
        Field::Price => {
            buckets.extend(product.current_price().and_then(price_band).map(|band| bucket(field, &band)));
        }
        Field::Description => {
            buckets.extend(words(&product.description).take(DESCRIPTION_WORDS).map(|word| bucket(field, &word)));
        }
    }
    buckets.sort_unstable();
    buckets.dedup();
}

/// Adds a bucket's weight to its dimensions, with its signs.
fn project(bucket: u32, weight: f32, vector: &mut [f32]) {
    let mut bits = mix(u64::from(bucket));
    for _ in 0..SPREAD {
        let dim = (bits >> 1) % vector.len() as u64;
        vector[dim as usize] += if bits & 1 == 0 { weight } else { -weight };
        bits = mix(bits);
    }
}

/// The content vectors of products, row-major, each of length one, or zero where there is no text at all.
#[must_use]
pub fn vectors(
    products: &[&Product],
    settings: &settings::Content,
    threads: usize,
    progress: &mut Progress<'_>,
) -> Vec<f32> {
    if settings.dims == 0 {
        return Vec::new();
    }
    let total = products.len() as u64 * 2;
    let mut common = vec![0_u32; BUCKETS];
    let mut buckets = Vec::new();
    for (done, product) in (0..).zip(products) {
        for (field, _) in Field::SHARES {
            features(product, field, &mut buckets);
            buckets.iter().for_each(|bucket| common[*bucket as usize] += 1);
        }
        if done % CHUNK as u64 == 0 {
            progress(Stage::Content, done, total);
        }
    }
    let count = products.len() as f32 + 1.0;
    let report = &mut |done| progress(Stage::Content, products.len() as u64 + done as u64, total);
    let pieces = parallel::chunks(products.len(), CHUNK, threads, report, Vec::new, |buckets, rows| {
        let mut piece = vec![0.0; rows.len() * settings.dims];
        let mut part = vec![0.0; settings.dims];
        for (product, vector) in products[rows].iter().zip(piece.chunks_exact_mut(settings.dims)) {
            for (field, share) in Field::SHARES {
                part.fill(0.0);
                features(product, field, buckets);
                for bucket in buckets.iter() {
                    project(*bucket, (count / common[*bucket as usize] as f32).ln(), &mut part);
                }
                normalise(&mut part);
                add_scaled(vector, share, &part);
            }
            normalise(vector);
        }
        piece
    });
    pieces.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::tests::product;
    use crate::linear::dot;

    /// In so many dimensions that the noise of the projection is small.
    fn embed(products: &[Product]) -> Vec<Vec<f32>> {
        let (rows, settings): (Vec<&Product>, _) = (products.iter().collect(), settings::Content { dims: 1024 });
        let all = vectors(&rows, &settings, 1, &mut |_, _, _| ());
        assert_eq!(all, vectors(&rows, &settings, 2, &mut |_, _, _| ()));
        all.chunks_exact(1024).map(<[f32]>::to_vec).collect()
    }

    /// 60 pasta, 60 soap and 60 wine products, and one each to compare.
    fn shop() -> Vec<Product> {
        let kinds = [("Penne", "Pasta"), ("Soap", "Bath"), ("Merlot", "Wine")];
        let mut products = Vec::new();
        for i in 0..180_u32 {
            let (name, category) = kinds[i as usize % 3];
            let word = ["fine", "old", "new", "dark", "light", "large"][i as usize % 6];
            products.push(product(&format!("{i:03}"), &format!("{word} {name} no {i}"), &["All", category]));
        }
        products
    }

    #[test]
    fn shares_make_length_one() {
        let squares: f32 = Field::SHARES.iter().map(|(_, share)| share * share).sum();
        assert!((squares - 1.0).abs() < 0.03, "{squares}");
    }

    #[test]
    fn what_is_alike_lies_close() {
        let vectors = embed(&shop());
        let mean = |a: usize, b: usize| {
            let pairs = (0..60).flat_map(|i| (0..60).map(move |j| (3 * i + a, 3 * j + b))).filter(|(i, j)| i != j);
            let cosines: Vec<f32> = pairs.map(|(i, j)| dot(&vectors[i], &vectors[j])).collect();
            cosines.iter().sum::<f32>() / cosines.len() as f32
        };
        assert!(mean(0, 0) > 0.45 && mean(1, 1) > 0.45, "{} {}", mean(0, 0), mean(1, 1));
        assert!(mean(0, 1) < 0.25 && mean(1, 2) < 0.25, "{} {}", mean(0, 1), mean(1, 2));
        assert!(vectors.iter().all(|v| (dot(v, v) - 1.0).abs() < 1e-5));
    }

    #[test]
    fn inflected_words_meet_through_their_letters() {
        let mut products = shop();
        for (id, title) in [("x1", "tomato"), ("x2", "tomatoes"), ("x3", "shampoo")] {
            products.push(product(id, title, &[]));
        }
        let vectors = embed(&products);
        let (tomato, tomatoes, shampoo) = (&vectors[180], &vectors[181], &vectors[182]);
        assert!(dot(tomato, tomatoes) > dot(tomato, shampoo) + 0.15);
    }

    #[test]
    fn every_word_is_a_feature_in_every_script() {
        assert_eq!(words("Crème brûlée 2×100g, ΠΑΝΕ").collect::<Vec<_>>(), ["crème", "brûlée", "2", "100g", "πανε"]);
        let mut found = Vec::new();
        grams("né", |gram| found.push(gram));
        let expected: Vec<u32> = ["<né", "né>", "<né>"].iter().map(|g| bucket(Field::Grams, g)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn projection_keeps_dot_products_up_to_noise() {
        // Two sparse vectors of 200 features that share half of them have cosine one half.
        let mut worst = 0.0_f32;
        for trial in 0..50 {
            let (mut a, mut b) = (vec![0.0; 256], vec![0.0; 256]);
            for feature in 0..200 {
                project(trial * 1_000 + feature, 1.0, &mut a);
                project(trial * 1_000 + feature + 100, 1.0, &mut b);
            }
            normalise(&mut a);
            normalise(&mut b);
            worst = worst.max((dot(&a, &b) - 0.5).abs());
        }
        assert!(worst < 4.0 / 256.0_f32.sqrt(), "{worst}");
    }

    #[test]
    fn no_text_is_no_direction() {
        let products = [product("a", "", &[]), product("b", "Soap", &[])];
        let vectors = embed(&products);
        assert!(vectors[0].iter().all(|x| *x == 0.0));
        assert!(vectors[1].iter().any(|x| *x != 0.0));
    }
}
