use proptest::prelude::*;

use super::*;
use crate::filter::Filter;

/// Three kinds of visitors with some noise: those who order much of tea, those who hunt discounts, those who only look.
fn members(count: usize) -> Vec<Member> {
    let noise = |at: usize, n: usize| ((at * 2_654_435_761 + n * 40_503) % 1_000) as f64 / 1_000.0;
    let of = |name: &str| FEATURES.iter().position(|feature| *feature == name).unwrap();
    (0..count)
        .map(|at| {
            let mut member = Member { numbers: vec![f64::NAN; FEATURES.len()], ..Member::default() };
            let mut set = |name: &str, value: f64| member.numbers[of(name)] = value;
            set("visits", 1.0 + (3.0 * noise(at, 1)).floor());
            set("coupons", 0.0);
            set("orders", 0.0);
            match at % 3 {
                0 => {
                    set("orders", 5.0 + (5.0 * noise(at, 2)).floor());
                    set("visits", 20.0 + (10.0 * noise(at, 3)).floor());
                    set("discounted_share", 0.1 * noise(at, 4));
                    (member.liked, member.revenue, member.lately) = (vec!["Tea".to_owned()], 400.0, [120.0, 100.0]);
                    // What they buy is sold at a loss.
                    member.margin = Some(-4.0);
                }
                1 => {
                    set("orders", 1.0 + (2.0 * noise(at, 5)).floor());
                    set("coupons", 3.0 + (3.0 * noise(at, 6)).floor());
                    set("discounted_share", 0.8 + 0.2 * noise(at, 7));
                    (member.liked, member.revenue, member.lately) = (vec!["Cups".to_owned()], 50.0, [30.0, 10.0]);
                    member.margin = Some(20.0);
                }
                _ => member.margin = Some(0.0),
            }
            member
        })
        .collect()
}

#[test]
fn kinds_of_visitors_are_found_told_in_words_and_by_a_filter() {
    let members = members(900);
    let found = Clusters::find(&members, None, Millis(0));
    assert_eq!(found.groups.len(), 3, "{:?}", found.stability);
    assert!(found.stability[1] > 0.95, "{:?}", found.stability);
    let shares: Vec<f64> = found.groups.iter().map(|group| (group.revenue_share * 100.0).round()).collect();
    assert_eq!(shares, [89.0, 11.0, 0.0], "those who bring most come first");
    for group in &found.groups {
        assert!((group.share - 1.0 / 3.0).abs() < 0.01);
        assert!(group.precision > 0.95 && group.recall > 0.95, "{} {} {}", group.filter, group.precision, group.recall);
        assert!(Filter::parse(&group.filter).is_ok(), "{}", group.filter);
    }
    let [loyal, hunters, _] = &found.groups[..] else { panic!() };
    assert!((loyal.growth.unwrap() - 0.2).abs() < 1e-9);
    assert!(loyal.name()[0].contains("order often") || loyal.name()[0].contains("come often"));
    assert!(hunters.name().iter().all(|name| name.contains("coupons")), "{:?}", hunters.name());
    let coupons = hunters.traits.iter().find(|one| one.feature == "coupons").unwrap();
    assert!(coupons.more && coupons.mean > coupons.everybody);
}

#[test]
fn groups_are_ranked_by_what_is_asked_for_and_those_of_which_it_is_not_known_come_last() {
    let mut found = Clusters::find(&members(900), None, Millis(0));
    let mut by = |worth: Worth| {
        found.rank(worth);
        found.groups.iter().map(|group| group.revenue_each).collect::<Vec<_>>()
    };
    assert_eq!(by(Worth::Revenue), [400.0, 50.0, 0.0]);
    assert_eq!(by(Worth::Margin), [50.0, 0.0, 400.0]);
    assert_eq!(by(Worth::Growth), [50.0, 400.0, 0.0], "those who never ordered cannot grow");
    let figures: Vec<_> = found.groups.iter().map(|g| (g.growth, g.margin_share, g.margin_each)).collect();
    let (hunters, loyal) = ((Some(2.0), Some(1.25), Some(20.0)), (Some(0.2), Some(-0.25), Some(-4.0)));
    let close = |a: Option<f64>, b: Option<f64>| a.zip(b).is_some_and(|(a, b)| (a - b).abs() < 1e-9);
    for (a, b) in figures.iter().zip([hunters, loyal]) {
        assert!(close(a.0, b.0) && close(a.1, b.1) && close(a.2, b.2), "{a:?} {b:?}");
    }
    assert_eq!(figures[2], (None, Some(0.0), Some(0.0)));
    // Without costs there is no margin, and groups of before are read.
    let without: Vec<Member> = members(900).into_iter().map(|member| Member { margin: None, ..member }).collect();
    let found = Clusters::find(&without, None, Millis(0));
    let stored = serde_json::to_string(&found).unwrap();
    assert!(!stored.contains("margin") && serde_json::from_str::<Clusters>(&stored).unwrap() == found);
    for worth in Worth::ALL {
        assert_eq!(serde_json::to_value(worth).unwrap(), worth.as_str());
    }
}

#[test]
fn a_group_that_is_found_again_keeps_its_number() {
    let first = Clusters::find(&members(900), None, Millis(0));
    let mut grown = members(1_500);
    // New kinds of visitors come, others stay away.
    grown.truncate(1_400);
    let second = Clusters::find(&grown, Some(&first), Millis(1));
    let ids = |found: &Clusters| found.groups.iter().map(|group| group.id).collect::<Vec<_>>();
    assert_eq!((ids(&first), ids(&second), second.next), (ids(&second), ids(&first), 4));
    let others: Vec<Member> =
        members(900).into_iter().enumerate().filter(|(at, _)| at % 3 != 2).map(|(_, m)| m).collect();
    let fewer = Clusters::find(&others, Some(&first), Millis(2));
    let who = |found: &Clusters, revenue: f64| {
        let group = found.groups.iter().find(|group| (group.revenue_each - revenue).abs() < 1e-9);
        group.map(|group| (group.id, group.name()))
    };
    assert_eq!(fewer.groups.len(), 2);
    for revenue in [400.0, 50.0] {
        assert_eq!(who(&fewer, revenue).map(|(id, _)| id), who(&first, revenue).map(|(id, _)| id), "{revenue}");
    }
    assert_eq!(Clusters::find(&members(FEWEST - 1), Some(&first), Millis(3)).groups, []);
}

#[test]
fn a_group_keeps_its_name_while_that_is_true_of_it() {
    let first = Clusters::find(&members(900), None, Millis(0));
    // The same visitors, of whom other things have become the clearest.
    let mut later = members(900);
    let searches = FEATURES.iter().position(|feature| *feature == "searches").unwrap();
    for (at, member) in later.iter_mut().enumerate() {
        member.numbers[searches] = if at % 3 == 1 { 50.0 } else { 0.0 };
    }
    let second = Clusters::find(&later, Some(&first), Millis(1));
    let third = Clusters::find(&later, Some(&second), Millis(2));
    let hunters = |found: &Clusters| found.groups.iter().find(|group| group.revenue_each == 50.0).cloned().unwrap();
    let (before, after, last) = (hunters(&first), hunters(&second), hunters(&third));
    assert_eq!((before.id, before.name()), (after.id, after.name()));
    assert_eq!((last.id, last.name()), (after.id, after.name()));
    assert_ne!(
        describe::name(describe::telling(&after.traits)),
        after.name(),
        "by itself it would be called otherwise"
    );
    // Nobody uses coupons any more: the name would say what is not so.
    let coupons = FEATURES.iter().position(|feature| *feature == "coupons").unwrap();
    later.iter_mut().for_each(|member| member.numbers[coupons] = 0.0);
    let renamed = hunters(&Clusters::find(&later, Some(&third), Millis(3)));
    assert_eq!(renamed.id, last.id);
    assert!(!renamed.name()[0].contains("coupons"), "{:?}", renamed.name());
}

#[test]
fn likeness_of_divisions_is_one_for_the_same_and_about_none_by_chance() {
    let a: Vec<usize> = (0..300).map(|at| at % 3).collect();
    let renamed: Vec<usize> = a.iter().map(|group| (group + 1) % 3).collect();
    assert!((group::adjusted_rand(&a, &renamed) - 1.0).abs() < 1e-12);
    let other: Vec<usize> = (0..300).map(|at| at / 100).collect();
    assert!(group::adjusted_rand(&a, &other).abs() < 0.02);
    // Hubert and Arabie's index by hand: of six things, two pairs of three that both keep together.
    let (x, y) = ([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2]);
    let (together, a, b, all) = (2.0, 6.0, 3.0, 15.0);
    let expected = (together - a * b / all) / ((a + b) / 2.0 - a * b / all);
    assert!((group::adjusted_rand(&x, &y) - expected).abs() < 1e-12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn whatever_the_visitors_every_group_has_some_and_a_filter_that_can_be_read(
        numbers in prop::collection::vec(prop::collection::vec(prop::option::of(-5.0_f64..50.0), 16), 100..160),
    ) {
        let members: Vec<Member> = numbers
            .into_iter()
            .map(|row| Member { numbers: row.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect(), ..Member::default() })
            .collect();
        let found = Clusters::find(&members, None, Millis(0));
        prop_assert!((found.groups.iter().map(|group| group.share).sum::<f64>() - 1.0).abs() < 1e-9);
        for group in &found.groups {
            prop_assert!(group.share > 0.0 && (0.0..=1.0).contains(&group.precision));
            prop_assert!(group.filter.is_empty() || Filter::parse(&group.filter).is_ok(), "{}", group.filter);
        }
    }
}

#[test]
fn main_directions_hold_as_much_of_the_variance_as_there_is_along_them() {
    // Deviations of 3, 2 and 0.1 along three directions that are at right angles, on a grid of all combinations.
    let step = |n: usize| (n as f32 - 4.5) / 8.25_f32.sqrt();
    let points: Vec<[f32; 3]> = (0..2_000)
        .map(|at| {
            let [a, b, c] = [3.0 * step(at % 10), 2.0 * step(at / 10 % 10), 0.1 * step(at / 100 % 10)];
            [(a + b) / 2.0_f32.sqrt() + 5.0, (a - b) / 2.0_f32.sqrt(), c]
        })
        .collect();
    let points: Vec<&[f32]> = points.iter().map(|point| &point[..]).chain([&[][..]]).collect();
    let columns = project::principal(&points, 2);
    let found: Vec<f64> = columns.iter().map(|column| deviation(column)).collect();
    assert!((found[0] - 3.0).abs() < 0.1 && (found[1] - 2.0).abs() < 0.1, "{found:?}");
    let between: f64 = columns[0].iter().zip(&columns[1]).map(|(a, b)| a * b).sum::<f64>() / 2_000.0;
    assert!(between.abs() < 0.05, "{between}");
    assert_eq!((columns[0][2_000], columns[1][2_000]), (0.0, 0.0));
    assert!(project::principal(&[&[1.0, 1.0][..]; 5], 2).is_empty(), "nobody differs");
    assert!(project::principal(&[&[][..]; 5], 2).is_empty());
}

#[test]
fn groups_that_only_the_space_of_products_tells_apart_are_found() {
    // What they do is alike; what they look at is not.
    let of = |at: usize| {
        let noise = ((at * 2_654_435_761) % 1_000) as f32 / 1_000.0;
        let side = if at.is_multiple_of(2) { 1.0 } else { -1.0 };
        Member { numbers: vec![1.0; FEATURES.len()], vector: vec![side, noise / 5.0], ..Member::default() }
    };
    let members: Vec<Member> = (0..400).map(of).collect();
    let found = Clusters::find(&members, None, Millis(0));
    assert!(found.groups.iter().all(|group| group.center.keys().all(|name| !name.starts_with(DIRECTION))));
    let table = Table::of(&members);
    let group::Chosen { stability, stable, groups } = group::choose(&table, GROUPS, STABLE);
    assert!(stable);
    // No number of groups is as stable as that: the most stable one is taken, and not said to be stable.
    let least = group::choose(&table, GROUPS, 1.1);
    assert!(!least.stable && least.groups == groups, "{stability:?}");
    let sides: Vec<usize> = (0..400).map(|at| at % 2).collect();
    assert!(groups.iter().max() == Some(&1) && group::adjusted_rand(&groups, &sides) > 0.9, "{stability:?}");
    // Their places in what is told are the same; the numbers stay all the same.
    let again = Clusters::find(&members, Some(&found), Millis(1));
    let ids = |found: &Clusters| found.groups.iter().map(|group| group.id).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((ids(&found), ids(&again)), ([1, 2].into(), [1, 2].into()));
}
