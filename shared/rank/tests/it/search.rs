//! What is shown is what scoring every product would show.

use proptest::prelude::*;
use vitrine_domain::{Action, PastAction, Placement, Seen, Strategy as Fill};
use vitrine_learn::{Interaction, Question, Scratch, Tally};
use vitrine_rank::{Basis, Filter, Request, Shelf};

use crate::support::{CHANGED, CODED, NOW, PRODUCTS, SHELF, answer, fresh, history, ids, open, past, product};

/// The score of every row by its definition, `Σ w s`, with none of the ranker's own code.
fn scores(shelf: &Shelf, history: &[PastAction], question: Question) -> Vec<f64> {
    let artifact = shelf.artifact().unwrap();
    let newest = history.iter().map(|past| past.at).max().unwrap_or(NOW);
    let evidence: Vec<Interaction> = history
        .iter()
        .filter_map(|past| {
            let row = artifact.position(past.product.as_str())?;
            let age_days = newest.since(past.at) as f32 / 86_400_000.0;
            Some(Interaction { row, action: past.action, age_days })
        })
        .collect();
    let mut scratch = Scratch::default();
    let mut visitor = vec![0.0; artifact.dims()];
    artifact.visitor_vector(&evidence, question, &mut scratch, &mut visitor);
    let mut scores: Vec<f64> = (0..shelf.len() as u32)
        .map(|row| visitor.iter().zip(shelf.vector(row)).map(|(a, b)| f64::from(*a) * b.to_f64()).sum())
        .collect();
    for (at, part) in artifact.parts().iter().enumerate().filter(|(_, part)| !part.has_vectors()) {
        let mut tally = Tally::new(artifact.len());
        artifact.part_tally(at, &evidence, &mut scratch, &mut tally);
        for row in tally.rows() {
            scores[*row as usize] += f64::from(part.weight(question) * part.curve.of(tally.sum(*row)));
        }
    }
    scores
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_best_of_all_that_may_be_shown_are_shown(
        history in history(),
        limit in 1_usize..30,
        new in any::<bool>(),
        filter in prop::sample::select(vec!["", "price < 6", "category = \"Aisle 5\"", "id = \"p33\"", "brand = \"Nobody\""]),
    ) {
        for shelf in [&*SHELF, &*CHANGED, &*CODED] {
            let placement = if new { fresh(limit) } else { open(limit) };
            let filter = (!filter.is_empty()).then(|| Filter::parse(filter).unwrap());
            let request = Request { history: &history, filter: filter.as_ref(), ..Request::new(&placement, NOW) };
            let found = answer(shelf, &request);

            let question = if new { Question::New } else { Question::Any };
            let scores = scores(shelf, &history, question);
            let hidden = |row: u32| new && history.iter().any(|past| {
                let looked = !matches!(past.action, Action::Order | Action::Dwell);
                let of_visit = NOW.since(past.at) < 30 * 60_000 && looked;
                of_visit && shelf.row(past.product.as_str()) == Some(row)
            });
            let passes = |row: u32| filter.as_ref().is_none_or(|f| f.holds(&shelf.product(row).unwrap()).unwrap());
            let sellable = |row: u32| shelf.sellable().contains(row);
            let rows: Vec<u32> = (0..shelf.len() as u32).filter(|row| sellable(*row) && passes(*row) && !hidden(*row)).collect();
            prop_assert_eq!(found.allowed, rows.len());
            prop_assert_eq!(found.items.len(), limit.min(rows.len()));
            prop_assert_eq!(found.more, rows.len() > limit);
            prop_assert_eq!(found.basis == Basis::Empty, rows.is_empty());
            // The same scores, and none above the worst is missing; rounding may swap equals.
            for item in &found.items {
                prop_assert!((f64::from(item.score) - scores[item.row as usize]).abs() < 1e-4);
            }
            prop_assert!(found.items.is_sorted_by(|a, b| a.score >= b.score));
            let worst = found.items.last().map_or(f64::INFINITY, |item| f64::from(item.score));
            let shown: Vec<u32> = found.items.iter().map(|item| item.row).collect();
            for row in rows {
                prop_assert!(shown.contains(&row) || scores[row as usize] <= worst + 1e-4);
            }
        }
    }

    #[test]
    fn a_list_that_is_given_is_ordered_and_nothing_is_added(history in history(), rows in prop::collection::btree_set(0..PRODUCTS as u32, 0..40)) {
        let rows: Vec<u32> = rows.into_iter().rev().collect();
        let placement = open(100);
        let request = Request { history: &history, among: Some(&rows), ..Request::new(&placement, NOW) };
        let found = answer(&SHELF, &request);
        let mut expected: Vec<u32> = rows.iter().copied().filter(|row| SHELF.sellable().contains(*row)).collect();
        let mut shown: Vec<u32> = found.items.iter().map(|item| item.row).collect();
        prop_assert!(found.items.is_sorted_by(|a, b| a.score >= b.score));
        expected.sort_unstable();
        shown.sort_unstable();
        prop_assert_eq!(shown, expected);
    }

    #[test]
    fn pages_never_repeat_and_end_when_everything_was_shown(history in history(), limit in 3_usize..20) {
        let placement = Placement { per_category: 2, diversity: 0.3, ..open(limit) };
        let mut shown: Vec<u32> = Vec::new();
        loop {
            let request = Request { history: &history, shown: &shown, offset: shown.len(), ..Request::new(&placement, NOW) };
            let page = answer(&SHELF, &request);
            for item in &page.items {
                prop_assert!(!shown.contains(&item.row));
                shown.push(item.row);
            }
            if !page.more {
                break;
            }
            prop_assert_eq!(page.items.len(), limit);
        }
        prop_assert_eq!(shown.len(), SHELF.sellable().count());
    }
}

#[test]
fn what_is_sold_out_or_withdrawn_is_in_no_list_of_any_strategy() {
    let history: Vec<PastAction> =
        (0..PRODUCTS).map(|number| past(number, Action::View, 900 - number as i64)).collect();
    let basket = [product(3).id.to_string(), product(40).id.to_string()];
    for placement in Placement::shipped() {
        let placement = Placement { viewed: Seen::Allow, limit: 100, ..placement };
        let request =
            Request { history: &history, product: Some("p07"), basket: &basket, ..Request::new(&placement, NOW) };
        let found = answer(&CHANGED, &request);
        assert!(!found.items.is_empty(), "{}", placement.name);
        for id in ids(&CHANGED, &found) {
            assert!(id != "p02" && CHANGED.product(CHANGED.row(id).unwrap()).unwrap().is_sellable(), "{id}");
            assert!(id != "p07" && !basket.iter().any(|line| line == id), "what the page shows already: {id}");
        }
    }
}

#[test]
fn lists_are_full_whatever_the_evidence_leads_to() {
    let basket = [product(3).id.to_string()];
    for strategy in [Fill::Similar, Fill::BoughtTogether, Fill::Basket, Fill::Trending, Fill::Personal] {
        let placement = Placement::new("p", strategy, 50);
        let request = Request { product: Some("p30"), basket: &basket, ..Request::new(&placement, NOW) };
        let found = answer(&SHELF, &request);
        assert_eq!(found.items.len(), 50, "{strategy:?}");
        assert!(!found.fallback);
        // Nothing to go by: another strategy fills the list, and says so.
        let found = answer(&SHELF, &Request::new(&placement, NOW));
        let expected = matches!(strategy, Fill::Similar | Fill::BoughtTogether | Fill::Basket);
        assert_eq!((found.fallback, found.items.len()), (expected, 50), "{strategy:?}");
    }
}

#[test]
fn a_placement_says_what_fills_it_where_there_is_nothing_to_go_by() {
    let of = |strategy, fallback| Placement { fallback: Some(fallback), ..Placement::new("p", strategy, 10) };
    let plain = |strategy| Placement::new("p", strategy, 10);
    let ask = |placement: &Placement, product, history: &[PastAction]| {
        let found = answer(&SHELF, &Request { history, product, ..Request::new(placement, NOW) });
        (ids(&SHELF, &found).into_iter().map(str::to_owned).collect::<Vec<_>>(), found.fallback)
    };
    let (strategies, known) = (
        [Fill::Similar, Fill::Personal, Fill::RecentlyViewed, Fill::Basket],
        [past(3, Action::View, 9), past(7, Action::View, 5)],
    );
    let (trending, _) = ask(&plain(Fill::Trending), None, &[]);
    let (popular, _) = ask(&plain(Fill::Personal), None, &[]);
    assert_ne!(trending, popular);
    for strategy in strategies {
        let placement = of(strategy, Fill::Trending);
        assert_eq!(ask(&placement, None, &[]), (trending.clone(), true), "{strategy:?}");
    }
    // Whoever has something to go by does not need it.
    assert_eq!(ask(&of(Fill::Similar, Fill::Trending), Some("p30"), &[]), ask(&plain(Fill::Similar), Some("p30"), &[]));
    for strategy in [Fill::Personal, Fill::RecentlyViewed] {
        assert_eq!(
            ask(&of(strategy, Fill::Trending), None, &known),
            ask(&plain(strategy), None, &known),
            "{strategy:?}"
        );
    }
    // Where that has nothing to go by either, the visitor's neighbourhood is left.
    assert_eq!(ask(&of(Fill::Similar, Fill::RecentlyViewed), None, &[]), (popular, true));
    let viewed = ask(&plain(Fill::RecentlyViewed), None, &known).0;
    assert_eq!(ask(&of(Fill::Similar, Fill::RecentlyViewed), None, &known), (viewed, true));
}

#[test]
fn a_shop_that_was_never_trained_shows_what_it_has() {
    let changes = [crate::support::change("a", Some(product(1))), crate::support::change("b", Some(product(5)))];
    let shelf = Shelf::new(None, &changes);
    let placement = fresh(5);
    let found = answer(&shelf, &Request::new(&placement, NOW));
    assert_eq!((found.basis, found.items.len()), (Basis::Popularity, 1));
    let empty = Shelf::new(None, &[]);
    assert_eq!(answer(&empty, &Request::new(&placement, NOW)).basis, Basis::Empty);
}
