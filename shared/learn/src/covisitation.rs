//! Co-visitation: what is looked at, ordered and re-ordered after or with what. Counting, done with care, beats most
//! learned models on sparse shops and costs one pass.
//!
//! There is one list of neighbours for each product and [`Pair`] of actions. The raw weight of a neighbour `j` of `i` is a
//! sum over the occasions on which both met:
//!
//! | pair | occasion | weight of one |
//! |---|---|---|
//! | view → view | one person browses `i` and `j` at most 10 steps apart | `direction / distance`, forward 1, backward ½ |
//! | view → order | `j` is in one of the two orders that follow a look at `i` within 14 days | 1 |
//! | ordered together | `i` and `j` are in one basket | 1 |
//! | order → next order | `i` is in a basket and `j`, which is not, in the person's next one | 1 |
//!
//! times `1 / (1 + gap / 30 days)` for the time between the two actions and a half-life of a year for the age of the
//! first. Normalised by what chance would give:
//!
//! * **view → view**: `w_ij / √((n_i + k)(n_j + k))`, a cosine, with `n` the (decayed) number of looks at each.
//! * **the others**: the logarithm of the shrunk lift, `ln((w_ij + k) / (n_i n_j / N + k))`, negative ones dropped, with `N`
//!   the sum of all occasions, `n_i` of those where `i` was at the start of the arrow and `n_j` of those where `j` was at
//!   its end. A pair that met once and should never have met has a lift of thousands; with `k` imagined meetings it has
//!   almost none. Orders need it more than looks: a basket of thirty makes 870 pairs, most of them by chance.
//!
//! Last, the lists of a pair are divided by the mean of their strongest weights, so that a weight of 1 is a typical best
//! neighbour in every shop and for every pair.
//!
//! Counting goes product by product through the occasions it took part in, with one array of sums a thread: memory is
//! bounded by the log, never by the number of pairs, and a sum's order never depends on the threads.

use vitrine_domain::Action;

use crate::dataset::Dataset;
use crate::parallel;
use crate::settings;
use crate::tally::Tally;

mod log;
mod part;

use log::Log;
pub use part::View;
pub(crate) use part::{Neighbours, sections};

/// Which actions a list of neighbours was counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pair {
    /// Looked at after looking at.
    ViewView,
    /// Ordered after looking at.
    ViewOrder,
    /// Ordered together.
    OrderTogether,
    /// In the order after the order.
    OrderNext,
}

impl Pair {
    /// All of them, in the order of their sections in the artifact.
    pub const ALL: [Self; 4] = [Self::ViewView, Self::ViewOrder, Self::OrderTogether, Self::OrderNext];

    /// Its name in the artifact and the model card.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ViewView => "view_view",
            Self::ViewOrder => "view_order",
            Self::OrderTogether => "order_together",
            Self::OrderNext => "order_next",
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether a past action is where the pair's arrow starts: whatever was touched counts as looked at, only what was
    /// ordered counts as ordered.
    #[must_use]
    pub fn starts_at(self, action: Action) -> bool {
        match self {
            Self::ViewView | Self::ViewOrder => action.interest() > 0.0,
            Self::OrderTogether | Self::OrderNext => action == Action::Order,
        }
    }
}

/// Neighbours of every product: row `i` has `rows[starts[i]..starts[i + 1]]`, strongest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lists {
    /// Where each product's neighbours start, and one more for the end.
    pub starts: Vec<u32>,
    /// Rows of the neighbours.
    pub rows: Vec<u32>,
    /// Their weights, positive, falling within a list; 1 is a typical strongest neighbour.
    pub weights: Vec<f32>,
}

impl Lists {
    /// The neighbours of a product and their weights.
    #[must_use]
    pub fn of(&self, row: u32) -> (&[u32], &[f32]) {
        let start = self.starts.get(row as usize).copied().unwrap_or(0) as usize;
        let end = self.starts.get(row as usize + 1).copied().unwrap_or(0) as usize;
        (self.rows.get(start..end).unwrap_or(&[]), self.weights.get(start..end).unwrap_or(&[]))
    }
}

/// How many products a thread works on at a time.
const CHUNK: usize = 128;

/// Counts the lists of one pair. `report` hears how many products are done.
#[must_use]
pub fn count(
    data: &Dataset<'_>,
    pair: Pair,
    settings: &settings::Covisitation,
    threads: usize,
    report: &mut dyn FnMut(usize),
) -> Lists {
    let products = data.products().len();
    let log = Log::of(data, settings);
    let totals = log.totals(pair);
    let pieces = parallel::chunks(
        products,
        CHUNK,
        threads,
        report,
        || Tally::new(products),
        |tally, rows| {
            let mut piece = Vec::with_capacity(rows.len());
            for row in rows {
                log.occasions(pair, row as u32, tally);
                tally.normalise(|j, sum| totals.weight(row, j, sum, settings.shrinkage));
                piece.push(tally.take_best(settings.top));
            }
            piece
        },
    );
    let best: Vec<Vec<(u32, f32)>> = pieces.into_iter().flatten().collect();
    let longest = longest(best.iter().map(Vec::len), settings.entries);
    let mut lists = Lists { starts: vec![0], ..Lists::default() };
    for best in best {
        for (row, weight) in best.into_iter().take(longest) {
            lists.rows.push(row);
            lists.weights.push(weight);
        }
        lists.starts.push(lists.rows.len() as u32);
    }
    scale(&mut lists);
    lists
}

/// The length to cut lists to so that they have at most so many entries together, but at least one each.
fn longest(lengths: impl Iterator<Item = usize>, entries: usize) -> usize {
    // How many lists have at least a length.
    let mut reaching: Vec<usize> = Vec::new();
    for length in lengths {
        reaching.resize(reaching.len().max(length), 0);
        reaching[..length].iter_mut().for_each(|lists| *lists += 1);
    }
    let mut total = 0;
    let fits = |lists: &&usize| {
        total += **lists;
        total <= entries
    };
    reaching.iter().take_while(fits).count().max(1)
}

/// Makes the mean strongest weight one.
fn scale(lists: &mut Lists) {
    let strongest: Vec<f64> = lists
        .starts
        .windows(2)
        .filter(|bounds| bounds[0] < bounds[1])
        .filter_map(|bounds| lists.weights.get(bounds[0] as usize).copied())
        .map(f64::from)
        .collect();
    let sum: f64 = strongest.iter().sum();
    if sum > 0.0 {
        let factor = (strongest.len() as f64 / sum) as f32;
        lists.weights.iter_mut().for_each(|weight| *weight *= factor);
    }
}

#[cfg(test)]
mod tests;
