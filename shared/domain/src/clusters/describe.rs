//! What sets a group apart, in words and as a filter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CATEGORY, Cluster, DIRECTION, FEATURES, Member, Table};

/// Traits that are told of a group.
const TRAITS: usize = 4;
/// Of them, those that its name tells.
const TOLD: usize = 3;
/// Deviations from everybody's mean from which on something sets a group apart.
const CLEAR: f64 = 0.3;
/// Most conditions of a filter.
const CONDITIONS: usize = 4;
/// What a condition more must add.
const WORTH: f64 = 0.01;

/// Something that sets a group apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trait {
    /// The number of a profile, or `category`.
    pub feature: String,
    /// Which category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whether it is more than among all visitors.
    pub more: bool,
    /// The mean of the group; of a category the share that likes it. None where nobody of the group has it.
    pub mean: Option<f64>,
    /// The mean of everybody.
    pub everybody: Option<f64>,
}

/// Words for more and less of each feature: English, French.
const WORDS: [(&str, [&str; 2], [&str; 2]); 16] = [
    ("visits", ["come often", "come rarely"], ["viennent souvent", "viennent rarement"]),
    (
        "pages_per_visit",
        ["look at many pages", "look at few pages"],
        ["voient beaucoup de pages", "voient peu de pages"],
    ),
    ("seconds_per_page", ["read closely", "skim"], ["lisent longuement", "survolent"]),
    ("revisit_share", ["go back and forth", "go straight on"], ["vont et viennent", "vont droit au but"]),
    (
        "days_since_visit",
        ["were last here long ago", "were here lately"],
        ["ne sont plus venus depuis longtemps", "sont venus récemment"],
    ),
    ("searches", ["search", "search little"], ["cherchent", "cherchent peu"]),
    (
        "brand_searches",
        ["search for brands", "search for no brands"],
        ["cherchent des marques", "ne cherchent pas de marques"],
    ),
    ("brand_share", ["keep to one brand", "like many brands"], ["fidèles à une marque", "aiment plusieurs marques"]),
    (
        "promotion_clicks",
        ["click promotions", "leave promotions"],
        ["cliquent les promotions", "ignorent les promotions"],
    ),
    ("coupons", ["use coupons", "use no coupons"], ["utilisent des coupons", "n'utilisent pas de coupons"]),
    ("orders", ["order often", "order little"], ["commandent souvent", "commandent peu"]),
    ("order_value", ["order for much", "order for little"], ["gros paniers", "petits paniers"]),
    ("discounted_share", ["buy at a discount", "pay full price"], ["achètent en promotion", "paient le prix plein"]),
    ("refunds", ["send back", "keep what they buy"], ["renvoient", "gardent leurs achats"]),
    (
        "days_since_order",
        ["ordered long ago", "ordered lately"],
        ["n'ont plus commandé depuis longtemps", "ont commandé récemment"],
    ),
    (
        "order_gap_days",
        ["order at long intervals", "order at short intervals"],
        ["commandes espacées", "commandes rapprochées"],
    ),
];

impl Trait {
    /// Whether it sets apart a group that lies there.
    pub(super) fn holds(&self, center: &BTreeMap<String, f64>) -> bool {
        let column = self.category.as_ref().map_or_else(|| self.feature.clone(), |name| format!("{CATEGORY}{name}"));
        center.get(&column).is_some_and(|at| at.abs() >= CLEAR && (*at > 0.0) == self.more)
    }
}

/// The traits that a name tells.
pub(super) fn telling(traits: &[Trait]) -> &[Trait] {
    traits.get(..TOLD).unwrap_or(traits)
}

/// The name of a group with these traits, in English and in French.
pub(super) fn name(traits: &[Trait]) -> [String; 2] {
    let words = |one: &Trait| {
        if let Some(category) = &one.category {
            let french = if one.more { "aiment" } else { "n'aiment pas" };
            let english = if one.more { "like" } else { "do not like" };
            return [format!("{english} {category}"), format!("{french} {category}")];
        }
        let of = WORDS.iter().find(|(feature, ..)| *feature == one.feature);
        let at = usize::from(!one.more);
        of.map_or_else(Default::default, |(_, english, french)| [english[at].to_owned(), french[at].to_owned()])
    };
    let all: Vec<[String; 2]> = traits.iter().map(words).collect();
    if all.is_empty() {
        return ["like everybody".to_owned(), "comme tout le monde".to_owned()];
    }
    [0, 1].map(|language| all.iter().map(|words| words[language].as_str()).collect::<Vec<_>>().join(", "))
}

#[allow(clippy::cast_precision_loss, reason = "counts of visitors")]
const fn real(count: usize) -> f64 {
    count as f64
}

fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = numbers.filter(|x| x.is_finite()).fold((0, 0.0), |(count, sum), x| (count + 1, sum + x));
    (count > 0).then(|| sum / real(count))
}

/// Every group, in the order of their numbers.
pub(super) fn all(table: &Table, members: &[Member], groups: &[usize]) -> Vec<Cluster> {
    let count = groups.iter().max().map_or(0, |most| most + 1);
    let revenue: f64 = members.iter().map(|member| member.revenue.max(0.0)).sum();
    let margins = members.iter().filter_map(|member| member.margin);
    // Only of a whole that is no loss are there shares.
    let margin = Some(margins.sum::<f64>()).filter(|margin| *margin > 0.0);
    (0..count)
        .filter(|group| groups.contains(group))
        .map(|group| {
            let is_in: Vec<bool> = groups.iter().map(|of| *of == group).collect();
            let of = || members.iter().zip(&is_in).filter(|(_, is_in)| **is_in).map(|(member, _)| member);
            let size = of().count();
            let mine: f64 = of().map(|member| member.revenue.max(0.0)).sum();
            let margins: Vec<f64> = of().filter_map(|member| member.margin).collect();
            let my_margin = Some(margins.iter().sum::<f64>()).filter(|_| !margins.is_empty());
            let [lately, before] = [0, 1].map(|at| of().map(|member| member.lately[at]).sum::<f64>());
            let center = center(table, &is_in);
            let (filter, precision, recall) = filter(members, &is_in, &center);
            Cluster {
                id: 0,
                share: real(size) / real(members.len()),
                revenue_share: if revenue > 0.0 { mine / revenue } else { 0.0 },
                revenue_each: of().map(|member| member.revenue).sum::<f64>() / real(size.max(1)),
                margin_share: margin.zip(my_margin).map(|(whole, mine)| mine / whole),
                margin_each: my_margin.map(|mine| mine / real(margins.len())),
                growth: (before > 0.0).then(|| lately / before - 1.0),
                traits: traits(members, &is_in, &center),
                filter,
                precision,
                recall,
                named: Vec::new(),
                center,
            }
        })
        .collect()
}

fn center(table: &Table, is_in: &[bool]) -> BTreeMap<String, f64> {
    let rows = || table.rows().zip(is_in).filter(|(_, is_in)| **is_in).map(|(row, _)| row);
    let of = |at: usize| mean(rows().map(|row| row[at])).unwrap_or_default();
    let told = table.names.iter().enumerate().filter(|(_, name)| !name.starts_with(DIRECTION));
    told.map(|(at, name)| (name.clone(), of(at))).collect()
}

fn traits(members: &[Member], is_in: &[bool], center: &BTreeMap<String, f64>) -> Vec<Trait> {
    let mut clear: Vec<(&String, f64)> = center.iter().map(|(name, at)| (name, *at)).collect();
    clear.retain(|(_, at)| at.abs() >= CLEAR);
    clear.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(b.0)));
    let told = |(column, at): (&String, f64)| {
        let category = column.strip_prefix(CATEGORY).map(str::to_owned);
        let number = |member: &Member| match &category {
            Some(name) => f64::from(u8::from(member.liked.contains(name))),
            None => value(member, column),
        };
        let of = || members.iter().zip(is_in).filter(|(_, is_in)| **is_in).map(|(member, _)| number(member));
        Trait {
            feature: if category.is_some() { "category".to_owned() } else { column.clone() },
            more: at > 0.0,
            mean: mean(of()),
            everybody: mean(members.iter().map(number)),
            category,
        }
    };
    clear.into_iter().take(TRAITS).map(told).collect()
}

fn value(member: &Member, feature: &str) -> f64 {
    let at = FEATURES.iter().position(|name| *name == feature);
    at.and_then(|at| member.numbers.get(at)).copied().unwrap_or(f64::NAN)
}

/// A number that is easily read, near another one.
fn round(number: f64) -> f64 {
    let parts = match number {
        n if n >= 10.0 => 1.0,
        n if n >= 1.0 => 10.0,
        _ => 100.0,
    };
    // A division by a power of ten gives the number that is written with as many decimals.
    (number * parts).round() / parts
}

/// Conditions that could be asked for.
fn conditions(members: &[Member], center: &BTreeMap<String, f64>) -> Vec<(String, Vec<bool>)> {
    let mut all = Vec::new();
    for feature in FEATURES {
        let mut known: Vec<f64> = members.iter().map(|m| value(m, feature)).filter(|x| x.is_finite()).collect();
        known.sort_by(f64::total_cmp);
        let mut bounds: Vec<f64> =
            (1..10).filter_map(|tenth| known.get(known.len() * tenth / 10)).map(|x| round(*x)).collect();
        bounds.dedup();
        for bound in bounds {
            all.push((format!("{feature} >= {bound}"), members.iter().map(|m| value(m, feature) >= bound).collect()));
            all.push((format!("{feature} < {bound}"), members.iter().map(|m| value(m, feature) < bound).collect()));
        }
        if known.len() < members.len() {
            let missing: Vec<bool> = members.iter().map(|m| !value(m, feature).is_finite()).collect();
            all.push((format!("{feature} is missing"), missing));
        }
    }
    for name in center.keys().filter_map(|column| column.strip_prefix(CATEGORY)) {
        let text = serde_json::Value::from(name);
        let liked: Vec<bool> = members.iter().map(|m| m.liked.iter().any(|one| one == name)).collect();
        all.push((format!("not category = {text}"), liked.iter().map(|likes| !likes).collect()));
        all.push((format!("category = {text}"), liked));
    }
    all
}

/// The filter that finds the group best: conditions one after the other, each the one by which precision and recall together
/// (F1) gain most.
fn filter(members: &[Member], is_in: &[bool], center: &BTreeMap<String, f64>) -> (String, f64, f64) {
    let all = conditions(members, center);
    let size = is_in.iter().filter(|is_in| **is_in).count();
    let judged = |passes: &[bool]| {
        let found = passes.iter().filter(|passes| **passes).count();
        let right = passes.iter().zip(is_in).filter(|(passes, is_in)| **passes && **is_in).count();
        let (precision, recall) = (real(right) / real(found.max(1)), real(right) / real(size.max(1)));
        (2.0 * precision * recall / (precision + recall).max(1e-12), precision, recall)
    };
    let mut passes = vec![true; members.len()];
    let mut best = judged(&passes);
    let mut chosen: Vec<&str> = Vec::new();
    while chosen.len() < CONDITIONS {
        let with = |condition: &[bool]| -> Vec<bool> { passes.iter().zip(condition).map(|(a, b)| *a && *b).collect() };
        let next = all.iter().map(|(text, holds)| (judged(&with(holds)), text, holds));
        let Some((found, text, holds)) = next.max_by(|a, b| a.0.0.total_cmp(&b.0.0)) else { break };
        if found.0 < best.0 + WORTH {
            break;
        }
        (best, passes) = (found, with(holds));
        chosen.push(text);
    }
    (chosen.join(" and "), best.1, best.2)
}
