//! What is left to chance happens as often as it is said to.

use std::collections::HashMap;

use vitrine_domain::{Exploration, Placement, Rule};
use vitrine_rank::{Answer, ReasonKind, Request};

use crate::support::{NOW, SHELF, answer, open};

fn decide(placement: &Placement, rules: &[Rule], seed: u64) -> Answer {
    answer(&SHELF, &Request { seed, rules, ..Request::new(placement, NOW) })
}

#[test]
fn lists_are_as_frequent_as_the_product_of_their_propensities() {
    const SEEDS: u64 = 20_000;
    let rule = serde_json::from_value::<Rule>(serde_json::json!({
        "id": "few", "effect": {"kind": "include_only", "filter": "id in [\"p01\", \"p03\", \"p04\", \"p06\"]"}}));
    let rules = [rule.unwrap()];
    for exploration in [Exploration::Share { share: 0.4 }, Exploration::Softmax { temperature: 0.5 }] {
        let placement = Placement { exploration, diversity: 0.2, ..open(3) };
        let mut lists: HashMap<Vec<u32>, (f64, f64)> = HashMap::new();
        for seed in 0..SEEDS {
            let found = decide(&placement, &rules, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let rows: Vec<u32> = found.items.iter().map(|item| item.row).collect();
            let said: f64 = found.items.iter().map(|item| f64::from(item.propensity)).product();
            let (count, known) = lists.entry(rows).or_insert((0.0, said));
            *count += 1.0;
            assert!((*known - said).abs() < 1e-9, "a list has one probability");
        }
        // All 24 orders of three of four products, each as often as said: five standard deviations.
        let total: f64 = lists.values().map(|(_, said)| said).sum();
        assert!((total - 1.0).abs() < 1e-4, "{exploration:?}: {total} {}", lists.len());
        for (rows, (count, said)) in lists {
            let frequency = count / SEEDS as f64;
            let deviation = (said * (1.0 - said) / SEEDS as f64).sqrt();
            assert!((frequency - said).abs() < 5.0 * deviation + 1e-4, "{rows:?}: {frequency} {said}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_list_and_chance_is_said() {
    let placement = Placement { exploration: Exploration::Share { share: 0.5 }, ..open(12) };
    let plain = decide(&open(12), &[], 1);
    assert!(plain.items.iter().all(|item| item.propensity == 1.0));
    let mut explored = 0;
    for seed in 0..20 {
        let found = decide(&placement, &[], seed);
        assert_eq!(found, decide(&placement, &[], seed));
        for item in &found.items {
            let by_chance = item.reasons.iter().any(|reason| reason.kind == ReasonKind::Explored);
            assert_eq!(by_chance, item.propensity < 0.5, "{item:?}");
            explored += usize::from(by_chance);
        }
    }
    assert!((80..160).contains(&explored), "about half of 240 slots: {explored}");
}
