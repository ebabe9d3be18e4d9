//! Recipes and guides, and the rules about them.

use std::collections::BTreeSet;

use vitrine_domain::rule::{Effect, conflicts};
use vitrine_domain::{Filter, Kind, Placement};
use vitrine_samples::{content, rules};

use crate::shop;

#[test]
fn every_piece_of_content_can_be_told_from_products_and_others() {
    let content = content().unwrap();
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("| pieces of content | {} |", content.len())));
    let categories: BTreeSet<&String> = shop().products.iter().flat_map(|product| &product.category).collect();
    let mut ids: BTreeSet<&str> = shop().products.iter().map(|product| product.id.as_str()).collect();
    for piece in &content {
        assert!(ids.insert(piece.id.as_str()), "{} twice", piece.id);
        assert_eq!((piece.kind, piece.price), (Kind::Content, None), "{}", piece.id);
        assert!(piece.is_sellable() && (60..400).contains(&piece.description.len()), "{}", piece.id);
        assert!(["Recipes", "Guides"].contains(&piece.category[0].as_str()) && piece.category.len() == 2);
        assert!(piece.category.iter().all(|name| !categories.contains(name)), "{:?} are shelves", piece.category);
        assert!(piece.attributes["minutes"].as_u64().is_some_and(|minutes| minutes > 0));
    }
}

#[test]
fn the_rules_keep_content_in_the_feed_and_out_of_every_other_list() {
    let rules = rules().unwrap();
    let content = content().unwrap();
    let is_content = |filter: &Filter| {
        content.iter().all(|piece| filter.holds(piece).unwrap())
            && shop().products.iter().all(|product| !filter.holds(product).unwrap())
    };
    let mut kept_out = BTreeSet::new();
    for rule in &rules {
        assert_eq!(rule.faults(), []);
        assert!(conflicts(rule, &rules, &|_| None).is_empty(), "{}", rule.id);
        match &rule.effect {
            Effect::Share { filter, .. } => assert!(rule.when.placements == ["feed"] && is_content(filter)),
            Effect::Hide { filter } if is_content(filter) => kept_out.extend(rule.when.placements.iter().cloned()),
            other => panic!("{other:?}"),
        }
    }
    // What was looked at may have been content.
    let others = Placement::shipped().into_iter().map(|placement| placement.name);
    let others: BTreeSet<String> = others.filter(|name| name != "feed" && name != "recently-viewed").collect();
    assert_eq!(kept_out, others);
}
