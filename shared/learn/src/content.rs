//! Content vectors: what a product's own words say, before anybody has looked at it.
//!
//! | step | where |
//! |---|---|
//! | a product's entry to a sparse row of hashed features, rare ones heavy, numbers light | [`features`] |
//! | rows to a few dozen dimensions: the directions in which the catalogue differs most | `reduce` |
//! | with the weights of [`crate::text`]: the same for the text embedding, side by side | [`vectors_with`] |
//!
//! The result has length one: the dot product of two products is a cosine. Without the text embedding it is that of their
//! features; with it, the mean of both cosines, so that products described in two languages meet by what they mean and
//! part numbers, brands and categories by their letters.
//!
//! Nothing here knows what anybody did: the map from features to learned vectors is in [`crate::cold`].

use vitrine_domain::Product;

use crate::linear::normalise;

mod features;
mod part;
mod reduce;

pub use part::Content;
pub(crate) use part::Likeness;

pub use features::{Sparse, features};

/// What the text embedding reads of a product: title and brand, then the most special category.
#[must_use]
pub fn text(product: &Product) -> String {
    let parts = [Some(product.title.as_str()), product.brand.as_deref(), product.category.last().map(String::as_str)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The content vectors of products, row-major, each of length one, or zero where there is no text at all: from features,
/// and from the text embedding if there is one, given as its rows and their width. `dims` numbers come from each.
#[must_use]
pub fn vectors_with(features: &Sparse, text: Option<(&[f32], usize)>, dims: usize, threads: usize) -> Vec<f32> {
    if dims == 0 {
        return Vec::new();
    }
    let mut hashed = reduce::sparse(features, dims, threads);
    hashed.chunks_exact_mut(dims).for_each(normalise);
    let Some((text, width)) = text.filter(|(rows, width)| rows.len() == features.rows() * width) else {
        return hashed;
    };
    let mut meaning = reduce::dense(text, width, dims);
    meaning.chunks_exact_mut(dims).for_each(normalise);
    let mut both = Vec::with_capacity(hashed.len() * 2);
    for (hashed, meaning) in hashed.chunks_exact(dims).zip(meaning.chunks_exact(dims)) {
        both.extend(hashed.iter().chain(meaning));
    }
    both.chunks_exact_mut(2 * dims).for_each(normalise);
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::tests::product;
    use crate::linear::dot;

    /// In so many dimensions that the noise of the projection is small.
    fn embed(products: &[Product]) -> Vec<Vec<f32>> {
        let rows: Vec<&Product> = products.iter().collect();
        let of = |threads| vectors_with(&features(&rows, threads, &mut |_| ()), None, 64, threads);
        let all = of(1);
        assert_eq!(all, of(2));
        all.chunks_exact(64).map(<[f32]>::to_vec).collect()
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
    fn no_text_is_no_direction() {
        let products = [product("a", "", &[]), product("b", "Soap", &[]), product("c", "Soap", &[])];
        let vectors = embed(&products);
        assert!(vectors[0].iter().all(|x| *x == 0.0));
        assert!((dot(&vectors[1], &vectors[2]) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn with_a_text_embedding_the_cosine_is_the_mean_of_both() {
        let products = shop();
        let rows: Vec<&Product> = products.iter().collect();
        let rows = features(&rows, 1, &mut |_| ());
        // An embedding that tells even from odd products only.
        let text: Vec<f32> =
            (0..180).flat_map(|i| if i % 2 == 0 { [0.6, 0.8, 0.1] } else { [-0.8, 0.6, 0.1] }).collect();
        let hashed = vectors_with(&rows, None, 16, 1);
        let both = vectors_with(&rows, Some((&text, 3)), 16, 1);
        for (i, j) in [(0, 3), (0, 6), (1, 2), (5, 8)] {
            let expected = if i % 2 == j % 2 { 1.0 } else { -1.0 };
            let words = dot(&hashed[i * 16..(i + 1) * 16], &hashed[j * 16..(j + 1) * 16]);
            let found = dot(&both[i * 32..(i + 1) * 32], &both[j * 32..(j + 1) * 32]);
            assert!((found - 0.5 * (words + expected)).abs() < 0.01, "{found} {words} {expected}");
        }
        // Rows that do not fit are left out.
        assert_eq!(vectors_with(&rows, Some((&text[3..], 3)), 16, 1), hashed);
    }
}
