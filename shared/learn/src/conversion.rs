//! Who looks, and who then orders: the share of those who showed interest in a product that went on to order it.
//!
//! Of product `j`, `s_j` people looked at it, clicked on it or put it into the basket, and `o_j` of them ordered it then or
//! later. The plain share `o_j / s_j` says little of a product that three people have seen, so it is shrunk towards the
//! shop's mean `m = Σ o / Σ s`:
//!
//! `c_j = (o_j + k m) / (s_j + k)`
//!
//! This is the posterior mean under a Beta prior of mean `m` and weight `k`, and `k` is learned from how much the products
//! differ (empirical Bayes, by moments: Kleinman, "Proportions with extraneous variance: single and independent samples",
//! JASA 1973). With `J` products seen, `N = Σ s` and `S = Σ s_j (o_j / s_j - m)²`, the correlation within a product is
//! `ρ = (S / (m (1 - m)) - (J - 1)) / (N - Σ s² / N - (J - 1))`, and `k = 1 / ρ - 1`, from 1 to 1,000 imagined people. Where
//! products differ no more than chance lets them, `k` is 1,000.

use crate::dataset::Dataset;

/// Least and most imagined people.
const IMAGINED: (f64, f64) = (1.0, 1_000.0);

/// The shrunk share of every product, row by row, 0 to 1; zero where nobody showed interest in anything.
#[must_use]
pub fn rates(data: &Dataset<'_>) -> Vec<f32> {
    let counts = counts(data);
    let (mean, imagined) = prior(&counts);
    let share = |(interested, ordered): &(u32, u32)| {
        let (s, o) = (f64::from(*interested), f64::from(*ordered));
        (((o + imagined * mean) / (s + imagined)) as f32).clamp(0.0, 1.0)
    };
    counts.iter().map(share).collect()
}

/// How many people showed interest in every product, and how many of them ordered it then or later.
fn counts(data: &Dataset<'_>) -> Vec<(u32, u32)> {
    let mut counts = vec![(0, 0); data.products().len()];
    // Of a person: what was looked at and what was ordered after that, by row.
    let mut steps = Vec::new();
    for history in data.histories() {
        steps.clear();
        steps.extend(history.iter().filter(|step| step.weight > 0.0).map(|step| (step.row, !step.is_browsing())));
        // Stable: the steps of a product stay in their order.
        steps.sort_by_key(|(row, _)| *row);
        for of_product in steps.chunk_by(|a, b| a.0 == b.0) {
            let Some(first) = of_product.iter().position(|(_, ordered)| !ordered) else { continue };
            let Some((interested, orders)) = counts.get_mut(of_product[first].0 as usize) else { continue };
            *interested += 1;
            *orders += u32::from(of_product[first..].iter().any(|(_, ordered)| *ordered));
        }
    }
    counts
}

/// The shop's mean and the imagined people.
fn prior(counts: &[(u32, u32)]) -> (f64, f64) {
    let (mut seen, mut people, mut squares, mut orders) = (0.0, 0.0, 0.0, 0.0);
    for (s, o) in counts.iter().filter(|(s, _)| *s > 0) {
        let s = f64::from(*s);
        (seen, people, squares, orders) = (seen + 1.0, people + s, squares + s * s, orders + f64::from(*o));
    }
    let mean: f64 = if people > 0.0 { orders / people } else { 0.0 };
    let chance = mean * (1.0 - mean);
    if chance <= 0.0 {
        return (mean, IMAGINED.1);
    }
    let spread: f64 = counts
        .iter()
        .filter(|(s, _)| *s > 0)
        .map(|(s, o)| f64::from(*s) * (f64::from(*o) / f64::from(*s) - mean).powi(2))
        .sum();
    let correlation = (spread / chance - (seen - 1.0)) / (people - squares / people - (seen - 1.0));
    let imagined = if correlation > 0.0 { 1.0 / correlation - 1.0 } else { IMAGINED.1 };
    (mean, imagined.clamp(IMAGINED.0, IMAGINED.1))
}

#[cfg(test)]
mod tests {
    use vitrine_domain::Action;

    use super::*;
    use crate::dataset::tests::{letters, person};

    fn of(people: &[(vitrine_domain::Visitor, Vec<vitrine_domain::Event>)]) -> (Vec<(u32, u32)>, Vec<f32>) {
        let products = letters(4);
        let data = Dataset::new(&products, people, &Default::default()).unwrap();
        (counts(&data), rates(&data))
    }

    #[test]
    fn an_order_counts_for_whoever_looked_first_and_once() {
        let (counts, _) = of(&[
            person("x", &[(0, Action::View, &["a"]), (1, Action::View, &["a"]), (2, Action::Order, &["a", "b"])]),
            person("y", &[(0, Action::Order, &["a"]), (1, Action::View, &["a"])]),
            person("z", &[(0, Action::View, &["a"]), (1, Action::Order, &["a"]), (2, Action::Order, &["a"])]),
            person("w", &[(0, Action::View, &["c"]), (1, Action::Refund, &["c"])]),
        ]);
        assert_eq!(counts, [(3, 2), (0, 0), (1, 0), (0, 0)]);
    }

    #[test]
    fn little_seen_is_near_the_mean_and_much_seen_is_itself() {
        let mut people = Vec::new();
        for number in 0..200 {
            // Every second orders `a`, every twentieth `b`; `c` was looked at once, by somebody who ordered it.
            let mut events = vec![(0, Action::View, &["a"][..]), (1, Action::View, &["b"])];
            if number % 2 == 0 {
                events.push((2, Action::Order, &["a"]));
            }
            if number % 20 == 0 {
                events.push((3, Action::Order, &["b"]));
            }
            if number == 7 {
                events.extend([(4, Action::View, &["c"][..]), (5, Action::Order, &["c"])]);
            }
            people.push(person(&format!("p{number}"), &events));
        }
        let (_, rates) = of(&people);
        let mean = 111.0 / 401.0;
        assert!((rates[0] - 0.5).abs() < 0.01 && (rates[1] - 0.05).abs() < 0.01, "{rates:?}");
        assert!(rates[2] > mean && rates[2] < 0.9, "{rates:?}");
        assert!((rates[3] - mean).abs() < 1e-6, "{rates:?}");
    }

    #[test]
    fn products_that_differ_by_chance_only_are_all_near_the_mean() {
        let counts = [(10, 3), (10, 3), (20, 6), (1, 0), (1, 1)];
        assert_eq!(prior(&counts), (13.0 / 42.0, 1_000.0));
        assert_eq!(prior(&[]), (0.0, 1_000.0));
        assert_eq!(of(&[]).1, [0.0; 4]);
        // Everybody who looked ordered.
        assert_eq!(of(&[person("x", &[(0, Action::View, &["a"]), (1, Action::Order, &["a"])])]).1, [1.0; 4]);
    }
}
