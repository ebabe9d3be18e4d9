//! Names of products while a file is read, and their rows in the order of identifiers afterwards.

use std::collections::HashMap;

use vitrine_domain::{Product, ProductId};

/// Products in the order in which they were met.
#[derive(Debug, Default)]
pub struct Names {
    numbers: HashMap<String, u32>,
    ids: Vec<ProductId>,
}

impl Names {
    /// The number of a product, the same for the same name.
    ///
    /// # Errors
    /// Says what is wrong with a name that no product can have.
    pub fn number(&mut self, name: &str) -> Result<u32, String> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let id = ProductId::new(name).map_err(|error| format!("product `{}`: {error}", clip(name)))?;
        let number = u32::try_from(self.ids.len()).map_err(|_| "too many products".to_owned())?;
        self.numbers.insert(name.to_owned(), number);
        self.ids.push(id);
        Ok(number)
    }

    /// The numbers of products separated by white space.
    ///
    /// # Errors
    /// As [`number`](Self::number).
    pub fn all(&mut self, words: &str) -> Result<Vec<u32>, String> {
        words.split_whitespace().map(|word| self.number(word)).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The catalogue in the order of identifiers, without titles, and the row of each number.
    #[must_use]
    pub fn catalogue(self) -> (Vec<Product>, Vec<u32>) {
        let mut order: Vec<(ProductId, u32)> = self.ids.into_iter().zip(0..).collect();
        order.sort_unstable();
        let mut rows = vec![0; order.len()];
        for (row, (_, number)) in (0..).zip(&order) {
            rows[*number as usize] = row;
        }
        // These files have no titles, and identifiers say nothing.
        (order.into_iter().map(|(id, _)| Product::new(id, "")).collect(), rows)
    }
}

/// Turns numbers into rows.
pub(crate) fn place(numbers: &mut [u32], rows: &[u32]) {
    numbers.iter_mut().for_each(|number| *number = rows[*number as usize]);
}

/// The beginning of a text that may be anything.
pub(crate) fn clip(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_order_of_identifiers() {
        let mut names = Names::default();
        let mut numbers = names.all("30 4 30 200").unwrap();
        assert_eq!(numbers, [0, 1, 0, 2]);
        assert!(names.number(&"x".repeat(200)).unwrap_err().starts_with("product `xxx"));
        let (catalogue, rows) = names.catalogue();
        place(&mut numbers, &rows);
        let named: Vec<&str> = numbers.iter().map(|row| catalogue[*row as usize].id.as_str()).collect();
        assert_eq!(named, ["30", "4", "30", "200"]);
        assert!(catalogue.is_sorted_by(|a, b| a.id < b.id));
    }
}
