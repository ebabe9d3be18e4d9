//! What can be chosen among some products: for a filter panel.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;
use vitrine_rank::Shelf;

/// Most values of one kind.
const MOST: usize = 20;

/// What can be chosen.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Facets {
    /// The commonest brands, at most 20.
    brands: Vec<Count>,
    /// The commonest categories of any level, at most 20.
    categories: Vec<Count>,
    /// From the lowest price to the highest; absent where nothing has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Range>,
}

/// A value and how many products have it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FacetValue)]
struct Count {
    /// The value.
    value: String,
    /// Products.
    products: usize,
}

/// A range of prices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceRange)]
struct Range {
    /// The lowest.
    min: f32,
    /// The highest.
    max: f32,
}

impl Facets {
    /// What some products have.
    pub(crate) fn of(shelf: &Shelf, rows: &[u32]) -> Self {
        let (mut brands, mut categories) = (HashMap::new(), HashMap::new());
        let mut price: Option<Range> = None;
        for row in rows {
            if let Some(brand) = shelf.brand(*row) {
                *brands.entry(brand).or_default() += 1;
            }
            for name in shelf.category_path(*row) {
                *categories.entry(name).or_default() += 1;
            }
            if let Some(one) = shelf.price(*row) {
                let range = price.get_or_insert(Range { min: one, max: one });
                *range = Range { min: range.min.min(one), max: range.max.max(one) };
            }
        }
        Self { brands: commonest(brands), categories: commonest(categories), price }
    }
}

fn commonest<T: AsRef<str>>(counts: HashMap<T, usize>) -> Vec<Count> {
    let count = |(value, products): (T, usize)| Count { value: value.as_ref().to_owned(), products };
    let mut counts: Vec<Count> = counts.into_iter().map(count).collect();
    counts.sort_by(|a, b| b.products.cmp(&a.products).then_with(|| a.value.cmp(&b.value)));
    counts.truncate(MOST);
    counts
}
