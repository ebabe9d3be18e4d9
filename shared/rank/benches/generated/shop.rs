//! The catalogue: which product is in which category, and what else there is to say of it.

use serde_json::json;
use vitrine_domain::{Product, ProductId};

use super::{Random, Result, Size};

/// Widest categories have about so many narrower ones.
const AISLES: usize = 20;
const COLOURS: [&str; 12] =
    ["black", "white", "grey", "red", "blue", "green", "yellow", "brown", "pink", "orange", "purple", "beige"];
const SIZES: [&str; 6] = ["XS", "S", "M", "L", "XL", "XXL"];
const SYLLABLES: [&str; 20] = [
    "ba", "co", "da", "fe", "gi", "ho", "ka", "lu", "me", "no", "pa", "qui", "ro", "sa", "te", "ul", "vi", "wo", "ya",
    "zu",
];

/// Who is where in the catalogue.
#[derive(Debug)]
pub struct Shop {
    pub size: Size,
    /// Products of each narrowest category, the most wanted first.
    pub leaves: Vec<Vec<u32>>,
    /// Category of each product.
    pub leaf: Vec<u32>,
    /// Place of each product in its category.
    pub place: Vec<u32>,
    /// For drawing a category by how large it is: running sums of sizes.
    sums: Vec<f64>,
}

impl Shop {
    pub fn new(size: Size) -> Result<Self> {
        let mut random = Random::of("categories", size.products as u64);
        // A few large categories, many small ones, none of nothing.
        let mut sum = 0.0;
        let sums = (0..size.leaves).map(|rank| {
            sum += (rank as f64 + 3.0).powf(-0.7) * (0.5 + random.unit());
            sum
        });
        let mut shop = Self {
            sums: sums.collect(),
            leaves: vec![Vec::new(); size.leaves],
            leaf: Vec::with_capacity(size.products),
            place: Vec::with_capacity(size.products),
            size,
        };
        for number in 0..u32::try_from(size.products)? {
            let leaf = shop.draw(&mut random);
            shop.leaf.push(u32::try_from(leaf)?);
            shop.place.push(u32::try_from(shop.leaves[leaf].len())?);
            shop.leaves[leaf].push(number);
        }
        Ok(shop)
    }

    /// A category, large ones more often.
    pub fn draw(&self, random: &mut Random) -> usize {
        let at = random.unit() * self.sums.last().copied().unwrap_or_default();
        self.sums.partition_point(|sum| *sum <= at).min(self.sums.len().saturating_sub(1))
    }

    pub fn id(number: u32) -> Result<ProductId> {
        Ok(ProductId::new(format!("p{number:07}"))?)
    }

    pub fn products(&self) -> Result<Vec<Product>> {
        (0..u32::try_from(self.size.products)?).map(|number| self.product(number)).collect()
    }

    fn product(&self, number: u32) -> Result<Product> {
        let mut random = Random::of("product", u64::from(number));
        let leaf = self.leaf[number as usize] as usize;
        let nouns = |random: &mut Random| word(leaf * 7 + random.below(7));
        let mut title = vec![word(10_000 + random.skewed(2_000, 2))];
        title.extend((0..1 + random.below(4)).map(|_| word(20_000 + random.skewed(3_000, 2))));
        title.push(nouns(&mut random));
        let mut product = Product::new(Self::id(number)?, title.join(" "));
        product.category = vec![format!("Department {}", leaf / AISLES), format!("Aisle {leaf}")];
        let brands = (self.size.products / 200).clamp(100, 4_000);
        product.brand = random.chance(0.95).then(|| format!("Brand {}", random.skewed(brands, 2)));
        let typical = 2.0 * (1.0 + (leaf * 37 % 100) as f64 / 5.0);
        let price = (typical * f64::from(random.normal() * 0.6).exp() * 100.0).round() / 100.0;
        product.price = Some(price.max(0.1));
        product.sale_price = random.chance(0.15).then(|| (price * (0.5 + random.unit() * 0.4) * 100.0).round() / 100.0);
        product.cost = random.chance(0.8).then(|| (price * (0.3 + random.unit() * 0.5) * 100.0).round() / 100.0);
        product.currency = Some("EUR".to_owned());
        product.stock = Some(if random.chance(0.05) { 0 } else { 1 + random.skewed(300, 2) as i64 });
        let attributes = &mut product.attributes;
        attributes.insert("colour".to_owned(), json!(COLOURS[random.skewed(COLOURS.len(), 2)]));
        if leaf.is_multiple_of(3) {
            let first = random.below(3);
            attributes.insert("sizes".to_owned(), json!(SIZES[first..first + 1 + random.below(3)]));
        }
        if leaf % 3 == 1 {
            attributes.insert("organic".to_owned(), json!(random.chance(0.2)));
        }
        let (year, month, day) = (2022 + random.below(4), 1 + random.below(12), 1 + random.below(28));
        attributes.insert("created".to_owned(), json!(format!("{year}-{month:02}-{day:02}")));
        Ok(product)
    }
}

/// A word that nobody has seen, the same for a number.
fn word(number: usize) -> String {
    let mut random = Random::of("word", number as u64);
    (0..2 + random.below(2)).map(|_| SYLLABLES[random.below(SYLLABLES.len())]).collect()
}
