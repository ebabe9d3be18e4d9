//! What a search returns, and how the best rows are kept while it runs.

/// A row and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Row of the vector.
    pub row: u32,
    /// Dot product with the query; a number, never NaN.
    pub score: f32,
}

/// What a search found, and what it cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The best rows: score descending, then row ascending.
    pub hits: Vec<Hit>,
    /// How many vectors were scored, each counted once.
    pub touched: usize,
    /// How many bytes of vectors, codes and lists were read for it.
    pub bytes: usize,
}

impl Found {
    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.hits.iter().map(|hit| hit.row)
    }

    pub(crate) fn clear(&mut self) {
        self.hits.clear();
        (self.touched, self.bytes) = (0, 0);
    }
}

/// A score as a number whose order is that of scores: 0 for NaN, less than any other. Both zeros are the same.
#[inline]
pub(crate) const fn rank_of(score: f32) -> u32 {
    if score.is_nan() {
        return 0;
    }
    // Adding positive zero makes -0.0 and 0.0 the same bits.
    let bits = (score + 0.0).to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// The score of a rank.
#[inline]
pub(crate) const fn score_of(rank: u32) -> f32 {
    f32::from_bits(if rank >> 31 == 0 { !rank } else { rank & !(1 << 31) })
}

/// An integer score as a rank.
#[inline]
pub(crate) const fn rank_of_sum(sum: i32) -> u32 {
    sum as u32 ^ (1 << 31)
}

/// The sum of a rank.
#[inline]
pub(crate) const fn sum_of(rank: u32) -> i32 {
    (rank ^ (1 << 31)) as i32
}

/// The best `k` keys seen so far, whatever the order they come in.
///
/// A key is a rank and a row, so that no two are equal and the order is total: rank descending, then row ascending. Keys
/// gather in a buffer that is cut to the best `k` when it is full, which costs a constant a key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Top {
    keys: Vec<u64>,
    k: usize,
    room: usize,
    /// Keys at or below it are not among the best.
    floor: u64,
}

impl Top {
    /// Starts anew, for the best `k` of at most `rows`.
    pub(crate) fn start(&mut self, k: usize, rows: usize) {
        self.k = k.min(rows);
        self.room = self.k.saturating_mul(2).saturating_add(32).min(rows.max(1));
        // Rank 0 is no score.
        self.floor = u64::from(u32::MAX);
        self.keys.clear();
        self.keys.reserve(self.room + 1);
    }

    /// Takes a row; a rank of 0 is no score.
    #[inline]
    pub(crate) fn offer(&mut self, rank: u32, row: u32) {
        let key = u64::from(rank) << 32 | u64::from(!row);
        if key > self.floor && self.k > 0 {
            self.push(key);
        }
    }

    /// Whether a row of a rank might be taken: says no without a look at which row it is.
    #[inline]
    pub(crate) const fn may_take(&self, rank: u32) -> bool {
        rank as u64 >= self.floor >> 32
    }

    fn push(&mut self, key: u64) {
        self.keys.push(key);
        if self.keys.len() > self.room {
            self.cut();
        }
    }

    /// Leaves the best `k`.
    fn cut(&mut self) {
        if self.k == 0 || self.keys.len() < self.k {
            return;
        }
        if self.keys.len() > self.k {
            let (_, last, _) = self.keys.select_nth_unstable_by(self.k - 1, |a, b| b.cmp(a));
            self.floor = *last;
            self.keys.truncate(self.k);
        } else if let Some(last) = self.keys.iter().min() {
            self.floor = *last;
        }
    }

    /// The rank of the worst of the best `k`, once there are so many.
    pub(crate) fn worst(&mut self) -> Option<u32> {
        if self.k == 0 || self.keys.len() < self.k {
            return None;
        }
        self.cut();
        Some((self.floor >> 32) as u32)
    }

    /// The best, in order, as rank and row.
    pub(crate) fn sorted(&mut self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.cut();
        self.keys.sort_unstable_by(|a, b| b.cmp(a));
        self.keys.iter().map(|key| ((key >> 32) as u32, !(*key as u32)))
    }

    /// The best as hits; ranks are those of scores.
    pub(crate) fn write(&mut self, hits: &mut Vec<Hit>) {
        hits.clear();
        hits.extend(self.sorted().map(|(rank, row)| Hit { row, score: score_of(rank) }));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranks_keep_the_order_of_scores(a: f32, b: f32, c: i32, d: i32) {
            prop_assert_eq!(a.partial_cmp(&b).is_some_and(std::cmp::Ordering::is_lt), !a.is_nan() && rank_of(a) < rank_of(b));
            prop_assert!(a.is_nan() || score_of(rank_of(a)) == a);
            prop_assert_eq!(c.cmp(&d), rank_of_sum(c).cmp(&rank_of_sum(d)));
            prop_assert_eq!(sum_of(rank_of_sum(c)), c);
        }

        #[test]
        fn keeps_the_best_in_any_order(ranks in prop::collection::vec(0_u32..20, 0..300), k in 0_usize..30, seed: u64) {
            let mut rows: Vec<u32> = (0..ranks.len() as u32).collect();
            rows.sort_by_key(|row| u64::from(*row).wrapping_mul(seed | 1).rotate_left(17));
            let mut top = Top::default();
            top.start(k, ranks.len());
            for row in &rows {
                top.offer(ranks[*row as usize], *row);
            }
            rows.sort_by_key(|row| (std::cmp::Reverse(ranks[*row as usize]), *row));
            rows.retain(|row| ranks[*row as usize] > 0);
            rows.truncate(k);
            let k = k.min(ranks.len());
            let worst = (k > 0 && rows.len() == k).then(|| ranks[rows[k - 1] as usize]);
            prop_assert_eq!(top.worst(), worst);
            prop_assert_eq!(top.sorted().map(|(_, row)| row).collect::<Vec<_>>(), rows);
        }
    }

    #[test]
    fn zeros_are_one_score_and_nan_is_none() {
        assert_eq!(rank_of(-0.0), rank_of(0.0));
        assert_eq!(rank_of(f32::NAN), 0);
        assert!(rank_of(f32::NEG_INFINITY) > 0);
    }
}
