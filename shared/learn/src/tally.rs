//! Sums by product, of which few are not zero: a dense array and the list of places touched, emptied without a sweep.

/// Sums by row. It is meant to be kept and used again: after the first use it allocates nothing.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    sums: Vec<f32>,
    /// The rows with a sum stand first; there is one place more than there are sums.
    touched: Vec<u32>,
    /// How many rows have a sum.
    count: usize,
}

impl Tally {
    /// Nothing yet, for a number of products.
    #[must_use]
    pub fn new(products: usize) -> Self {
        Self { sums: vec![0.0; products], touched: vec![0; products + 1], count: 0 }
    }

    /// Adds a positive weight; any other is ignored, so that a sum of zero means a place not touched. Rows beyond the products are
    /// ignored too.
    #[inline]
    pub fn add(&mut self, row: u32, weight: f32) {
        let Some(sum) = self.sums.get_mut(row as usize).filter(|_| weight > 0.0) else { return };
        let Some(free) = self.touched.get_mut(self.count) else { return };
        // Whether a row is new cannot be foretold, so there is no branch on it: its place is overwritten if it is not.
        *free = row;
        self.count += usize::from(*sum == 0.0);
        *sum += weight;
    }

    /// [`add`](Self::add)s one weight to many rows.
    #[inline]
    pub(crate) fn add_each(&mut self, rows: &[u32], weight: f32) {
        if weight.is_nan() || weight <= 0.0 {
            return;
        }
        let (sums, touched, mut count) = (&mut self.sums[..], &mut self.touched[..], self.count);
        for row in rows {
            let (Some(sum), Some(free)) = (sums.get_mut(*row as usize), touched.get_mut(count)) else { continue };
            *free = *row;
            count += usize::from(*sum == 0.0);
            *sum += weight;
        }
        self.count = count;
    }

    /// The sum of a row.
    #[must_use]
    pub fn sum(&self, row: u32) -> f32 {
        self.sums.get(row as usize).copied().unwrap_or(0.0)
    }

    /// The rows with a sum, in the order in which they were first added to.
    #[must_use]
    pub fn rows(&self) -> &[u32] {
        self.touched.get(..self.count).unwrap_or(&[])
    }

    /// Makes every sum zero again.
    pub fn clear(&mut self) {
        for row in self.touched.iter().take(self.count) {
            self.sums[*row as usize] = 0.0;
        }
        self.count = 0;
    }

    /// Makes room for at least a number of products.
    pub fn grow(&mut self, products: usize) {
        if self.sums.len() < products {
            self.sums.resize(products, 0.0);
            self.touched.resize(products + 1, 0);
        }
    }

    /// Replaces every sum by a function of row and sum.
    pub(crate) fn normalise(&mut self, weight: impl Fn(usize, f32) -> f32) {
        for row in self.touched.iter().take(self.count) {
            let sum = &mut self.sums[*row as usize];
            *sum = weight(*row as usize, *sum);
        }
    }

    /// The `top` rows of positive weight, weight descending, then row ascending; empties the sums.
    pub(crate) fn take_best(&mut self, top: usize) -> Vec<(u32, f32)> {
        let rows = self.touched.iter().take(std::mem::take(&mut self.count));
        let mut best: Vec<(u32, f32)> = rows
            .map(|row| (*row, std::mem::take(&mut self.sums[*row as usize])))
            .filter(|(_, weight)| *weight > 0.0 && weight.is_finite())
            .collect();
        let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if best.len() > top {
            best.select_nth_unstable_by(top, order);
            best.truncate(top);
        }
        best.sort_unstable_by(order);
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_empty_again_after_taking() {
        let mut tally = Tally::new(5);
        for (row, weight) in [(4, 1.0), (1, 2.0), (4, 1.5), (2, 2.5), (0, 0.5), (9, 9.0), (3, 0.0), (3, f32::NAN)] {
            tally.add(row, weight);
        }
        tally.add_each(&[4, 9], 0.0);
        tally.add_each(&[4, 9], f32::NAN);
        assert_eq!(tally.take_best(3), [(2, 2.5), (4, 2.5), (1, 2.0)]);
        tally.add_each(&[3, 9, 1, 3], 2.0);
        assert_eq!((tally.rows(), tally.sum(3), tally.sum(1)), (&[3, 1][..], 4.0, 2.0));
        assert_eq!(tally.take_best(3), [(3, 4.0), (1, 2.0)]);
        tally.add(1, 1.0);
        assert_eq!((tally.rows(), tally.sum(1), tally.sum(4)), (&[1][..], 1.0, 0.0));
        assert_eq!(tally.take_best(3), [(1, 1.0)]);
        tally.add(3, 1.0);
        tally.clear();
        assert_eq!((tally.rows(), tally.sum(3), tally.sum(99)), (&[][..], 0.0, 0.0));
    }
}
