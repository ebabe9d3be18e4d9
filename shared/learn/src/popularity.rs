//! What is wanted, and what is wanted more than it was.
//!
//! **Popularity** of a product is the interest it met, each day's worth losing half its weight every
//! [`half_life_days`](crate::settings::Popularity::half_life_days). A person counts once a day for each product and
//! action: reloading a page a hundred times moves nothing. And a person counts with at most
//! [`person`](crate::settings::Popularity::person) for each product, whatever the dates and actions of their events: what one
//! visitor can move is bounded.
//!
//! **Trending** compares the interest `s` of the last 7 days with what the last 28 let expect. With `S` and `L` the sums
//! of both windows over the shop, a product with interest `l` in the long window was expected to meet `e = l S / L`; so a
//! shop-wide sale is no trend. Its trend is `(s - e) / √(e + k)`, the excess in units of its own noise, where `k` keeps
//! products that almost nobody looks at from jumping to the top.
//!
//! Both count back from the newest event, never from a clock.

use crate::dataset::{Dataset, days, decay};
use crate::settings;

mod part;

pub(crate) use part::{POPULARITY, Prior};

/// Popularity and trend of every product, row by row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Popularity {
    /// Decayed interest, not negative.
    pub decayed: Vec<f32>,
    /// Excess of the short window over what the long one lets expect; zero for what moves with the shop.
    pub trending: Vec<f32>,
    /// How many people ever showed interest.
    pub people: Vec<u32>,
}

impl Popularity {
    /// Counts in one pass.
    #[must_use]
    pub fn count(data: &Dataset<'_>, settings: &settings::Popularity) -> Self {
        let products = data.products().len();
        let mut decayed = vec![0.0_f64; products];
        let mut short = vec![0.0_f64; products];
        let mut long = vec![0.0_f64; products];
        let mut people = vec![0_u32; products];
        let mut once = Vec::new();
        for history in data.histories() {
            once.clear();
            once.extend(history.iter().filter(|step| step.weight > 0.0).map(|step| {
                let age = days(data.now(), step.at);
                (step.row, step.action, age as i64, age, step.weight)
            }));
            once.sort_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)).then(a.3.total_cmp(&b.3)));
            once.dedup_by_key(|(row, action, day, ..)| (*row, *action, *day));
            for of_product in once.chunk_by(|a, b| a.0 == b.0) {
                let Some((row, ..)) = of_product.first() else { continue };
                let index = *row as usize;
                let sum = |share: &dyn Fn(f32) -> f32| {
                    let shares = of_product.iter().map(|(.., age, weight)| f64::from(*weight) * f64::from(share(*age)));
                    shares.sum::<f64>().min(f64::from(settings.person))
                };
                decayed[index] += sum(&|age| decay(age, settings.half_life_days));
                short[index] += sum(&|age| f32::from(age <= settings.short_days));
                long[index] += sum(&|age| f32::from(age <= settings.long_days));
                people[index] += 1;
            }
        }
        let total: f64 = long.iter().sum();
        let share = if total > 0.0 { short.iter().sum::<f64>() / total } else { 0.0 };
        let k = f64::from(settings.shrinkage);
        let trend = |(s, l): (&f64, &f64)| ((s - l * share) / (l * share + k).max(f64::MIN_POSITIVE).sqrt()) as f32;
        Self {
            decayed: decayed.into_iter().map(|x| x as f32).collect(),
            trending: short.iter().zip(&long).map(trend).collect(),
            people,
        }
    }

    /// Popularity on a logarithmic scale from 0 to 1, fit to be added to a score: the last dimension of a product's
    /// vector.
    #[must_use]
    pub fn prior(&self) -> Vec<f32> {
        let most = self.decayed.iter().copied().fold(0.0, f32::max);
        if most <= 0.0 {
            return vec![0.0; self.decayed.len()];
        }
        let scale = 1.0 / most.ln_1p();
        self.decayed.iter().map(|x| x.ln_1p() * scale).collect()
    }
}

/// The `top` rows with the largest values: value descending, then row ascending.
#[must_use]
pub(crate) fn best(values: &[f32], rows: impl Iterator<Item = u32>, top: usize) -> Vec<u32> {
    let mut rows: Vec<u32> = rows.collect();
    let value = |row: &u32| values.get(*row as usize).copied().unwrap_or(0.0);
    let order = |a: &u32, b: &u32| value(b).total_cmp(&value(a)).then(a.cmp(b));
    if rows.len() > top {
        rows.select_nth_unstable_by(top, order);
        rows.truncate(top);
    }
    rows.sort_unstable_by(order);
    rows
}

#[cfg(test)]
mod tests {
    use vitrine_domain::Action;

    use super::*;
    use crate::dataset::tests::{letters, person};

    fn count(people: &[(vitrine_domain::Visitor, Vec<vitrine_domain::Event>)]) -> Popularity {
        let products = letters(4);
        let data = Dataset::new(&products, people, &Default::default()).unwrap();
        Popularity::count(&data, &settings::Popularity::default())
    }

    #[test]
    fn interest_halves_with_the_half_life_and_counts_once_a_day() {
        let popularity = count(&[
            person("x", &[(0, Action::View, &["a"]), (14 * 24, Action::View, &["b"])]),
            person("y", &[(14 * 24, Action::Order, &["c"]), (14 * 24, Action::View, &["c"])]),
            person("z", &[(14 * 24 - 1, Action::View, &["b"]), (14 * 24 - 1, Action::View, &["b"])]),
        ]);
        let hour = decay(1.0 / 24.0, 14.0);
        for (found, expected) in popularity.decayed.iter().zip([0.5, 1.0 + hour, 6.0, 0.0]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        assert_eq!(popularity.people, [1, 2, 1, 0]);
        let prior = popularity.prior();
        assert!((prior[2] - 1.0).abs() < 1e-6 && prior[3] == 0.0 && prior[1] > prior[0]);
    }

    #[test]
    fn returns_do_not_make_a_product_popular() {
        let popularity = count(&[person("x", &[(0, Action::Order, &["a"]), (0, Action::Refund, &["b"])])]);
        assert_eq!(popularity.decayed, [5.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_trend_is_excess_over_the_shop_s_own_movement() {
        let mut people = Vec::new();
        let day = |d: i64| d * 24;
        for i in 0..100 {
            // `a` is wanted evenly; `b` only lately; `c` by one person lately; `d` only formerly.
            let evenly = day(i64::from(i % 28));
            people.push(person(&format!("a{i}"), &[(evenly, Action::Order, &["a"])]));
            people.push(person(&format!("b{i}"), &[(day(27), Action::Order, &["b"])]));
            people.push(person(&format!("d{i}"), &[(day(5), Action::Order, &["d"])]));
        }
        people.push(person("c", &[(day(27), Action::View, &["c"])]));
        let trend = count(&people).trending;
        assert!(trend[1] > 1.0 && trend[1] > trend[2] && trend[2] > trend[0] && trend[0] > trend[3], "{trend:?}");
        assert!(trend[2] < 0.2, "one view is no trend: {}", trend[2]);
    }

    #[test]
    fn equal_values_stand_in_the_order_of_rows() {
        assert_eq!(best(&[1.0, 3.0, 1.0, 3.0], [3, 2, 1, 0].into_iter(), 3), [1, 3, 0]);
    }
}
