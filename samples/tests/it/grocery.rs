//! The embedded data says what the README says, and its parts fit together.

use std::collections::BTreeSet;

use vitrine_domain::{Availability, Kind};

use crate::shop;

/// `290,322`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let with_commas = |(position, digit): (usize, char)| {
        let comma = position > 0 && (digits.len() - position).is_multiple_of(3);
        [comma.then_some(','), Some(digit)].into_iter().flatten()
    };
    digits.chars().enumerate().flat_map(with_commas).collect()
}

#[test]
fn the_readme_has_the_counts_of_the_data() {
    let readme = include_str!("../../README.md");
    let (shop, mut pairs) = (shop(), Vec::new());
    pairs.push(("products", shop.products.len()));
    pairs.push(("customers", shop.customers.len()));
    pairs.push(("orders", shop.orders.len()));
    pairs.push(("order lines", shop.order_lines()));
    pairs.push(("campaigns", shop.campaigns.len()));
    pairs.push(("coupons redeemed", shop.redemptions.len()));
    pairs.push(("products on sale", shop.products.iter().filter(|p| p.sale_price.is_some()).count()));
    let sold_out = |p: &&vitrine_domain::Product| p.availability == Availability::OutOfStock;
    pairs.push(("products sold out", shop.products.iter().filter(sold_out).count()));
    for (what, count) in pairs {
        let cell = format!("| {what} | {} |", grouped(count));
        assert!(readme.contains(&cell), "the README lacks {cell:?}");
    }
}

#[test]
fn the_tables_are_small() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/grocery");
    let sizes: Vec<u64> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).collect();
    assert_eq!(sizes.len(), 5, "a table that nobody reads");
    assert!(sizes.iter().sum::<u64>() < 5 << 20, "{sizes:?}");
}

#[test]
fn every_product_can_be_shown_and_sold() {
    let mut ids = BTreeSet::new();
    let mut names = BTreeSet::new();
    for product in &shop().products {
        assert!(ids.insert(product.id.as_str()), "{} twice", product.id);
        assert!(names.insert((&product.title, &product.brand)), "nothing tells {} from another", product.title);
        assert_eq!(product.kind, Kind::Product);
        assert!((2..=3).contains(&product.category.len()), "{:?}", product.category);
        let price = product.price.unwrap();
        assert!(price > 0.0 && price < 100.0, "{price}");
        assert!(product.sale_price.is_none_or(|sale| sale > 0.0 && sale < price * 0.86), "{product:?}");
        assert!(product.cost.unwrap() < price);
        assert_eq!(product.currency.as_deref(), Some("USD"));
        assert!(product.brand.is_some());
        let readable = |text: &str| text.starts_with(|c: char| c.is_ascii_uppercase()) && *text != text.to_uppercase();
        assert!(readable(&product.title), "{}", product.title);
        assert!(product.category.iter().all(|part| readable(part)), "{:?}", product.category);
    }
}

#[test]
fn products_come_in_order_of_how_often_they_are_bought() {
    let mut bought = vec![0_usize; shop().products.len()];
    shop().orders.iter().flat_map(|order| &order.lines).for_each(|line| bought[line.product] += 1);
    assert!(bought.is_sorted_by(|a, b| a >= b));
    assert!(*bought.last().unwrap() >= 25, "{:?}", bought.last());
}

#[test]
fn orders_are_whole_and_sorted() {
    let mut ids = BTreeSet::new();
    for order in &shop().orders {
        assert!(ids.insert(order.id.as_str()));
        let products: BTreeSet<usize> = order.lines.iter().map(|line| line.product).collect();
        assert_eq!(products.len(), order.lines.len());
        assert!(!order.lines.is_empty());
        // Amounts are not negative, and the year has 365 days and a few hours.
        assert!(
            order.lines.iter().all(|l| l.quantity > 0 && l.value.min(l.retail).min(l.coupon).min(l.coupon_match) >= 0)
        );
        assert!((0..366 * 24 * 60).contains(&order.minute));
    }
    assert!(shop().orders.is_sorted_by_key(|order| (order.customer, order.minute)));
    let counts: Vec<usize> = (0..shop().customers.len()).map(|c| shop().orders_of(c).len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), shop().orders.len());
    assert!(counts.iter().all(|count| *count > 0));
}

#[test]
fn prices_are_those_that_were_paid() {
    let close = |line: &vitrine_samples::OrderLine| {
        let shelf = line.shelf() as f64 / f64::from(line.quantity) / 100.0;
        (shelf / shop().products[line.product].price.unwrap() - 1.0).abs() < 0.25
    };
    let lines: Vec<_> = shop().orders.iter().flat_map(|order| &order.lines).collect();
    let share = lines.iter().filter(|line| close(line)).count() as f64 / lines.len() as f64;
    assert!(share > 0.85, "only {share} of the lines were sold near the product's price");
}

#[test]
fn demographics_and_campaigns_are_there() {
    let known = |name: &str| shop().customers.iter().filter(|c| c.traits.contains_key(name)).count();
    for name in ["age", "income", "household_size", "household_comp", "kids_count"] {
        assert_eq!(known(name), shop().customers.len(), "{name}");
    }
    assert!(known("home_ownership") > 300 && known("home_ownership") < 500);
    assert!(shop().customers.iter().all(|c| !c.id.is_empty() && !c.traits.contains_key("id")));
    assert!(shop().campaigns.iter().all(|c| c.start <= c.end && c.customers.is_sorted() && c.products.is_sorted()));
    assert!(shop().redemptions.is_sorted_by_key(|used| (used.customer, used.day)));
}
