//! Unknown segments: groups of visitors that nobody has defined, found by what they do.
//!
//! Visitors are points: numbers of their profile ([`FEATURES`], counts as logarithms, each of unit variance), whether they like
//! each of the shop's main categories, and where their vectors lie along the main directions of all visitors'. Groups are found by k-means (Lloyd 1982, seeded by k-means++, Arthur and Vassilvitskii,
//! SODA 2007). Their number is one that is *stable*: two halves of the visitors, grouped apart, divide everybody alike, by the
//! adjusted Rand index (Hubert and Arabie 1985; Ben-Hur, Elisseeff and Guyon, PSB 2002, on the choice); of several the one whose
//! groups lie apart most clearly. What is found is described by what sets it apart, given a filter that a segment can be made of, and keeps its name from one time to the next.

mod describe;
mod group;
mod project;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::filter::{Attributes, Person};

pub use describe::Trait;

/// Numbers of a profile that visitors are compared by. Each is something a segment can ask for.
pub const FEATURES: [&str; 16] = [
    "visits",
    "pages_per_visit",
    "seconds_per_page",
    "revisit_share",
    "days_since_visit",
    "searches",
    "brand_searches",
    "brand_share",
    "promotion_clicks",
    "coupons",
    "orders",
    "order_value",
    "discounted_share",
    "refunds",
    "days_since_order",
    "order_gap_days",
];
/// Fewest visitors of whom groups are made.
pub const FEWEST: usize = 100;
/// Most visitors that are looked at; of more a part is drawn.
pub const MOST: usize = 20_000;
/// Categories that visitors are compared by.
const CATEGORIES: usize = 8;
/// How much liking a category counts beside a number.
const LIKING: f64 = 0.7;
/// Main directions of the visitors' vectors by which they are compared.
const DIRECTIONS: usize = 4;
/// How much the first of them counts beside a number; the others as much less as visitors differ less along them.
const LEANING: f64 = 0.7;
/// Before the name of a category in that of a column.
const CATEGORY: &str = "category ";
/// Before the number of a direction in the name of a column.
const DIRECTION: &str = "direction ";
/// Groups of two times nearer to each other than this are the same, in deviations.
const NEAR: f64 = 0.5;
/// Most groups.
const GROUPS: usize = 8;
/// How alike two halves must divide everybody.
const STABLE: f64 = 0.8;

/// A visitor to be grouped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Member {
    /// [`FEATURES`]; what is missing is no number.
    pub numbers: Vec<f64>,
    /// The categories liked most.
    pub liked: Vec<String>,
    /// Where they are among the products; empty where no model knows it.
    pub vector: Vec<f32>,
    /// Revenue less refunds, ever.
    pub revenue: f64,
    /// What is left of it when goods are paid; none where the shop says no costs. A profile does not know it.
    pub margin: Option<f64>,
    /// Revenue of the last 30 days, and of the 30 before.
    pub lately: [f64; 2],
}

impl Member {
    /// As a profile says at a time.
    #[must_use]
    pub fn of(person: &Person<'_>) -> Self {
        let number = |name: &str| person.values(name).first().and_then(serde_json::Value::as_f64);
        let some = |name: &str| number(name).unwrap_or_default();
        let text = |value: serde_json::Value| value.as_str().map(str::to_owned);
        Self {
            numbers: FEATURES.iter().map(|name| number(name).unwrap_or(f64::NAN)).collect(),
            liked: person.values("category").into_iter().filter_map(text).collect(),
            vector: Vec::new(),
            revenue: some("spend"),
            margin: None,
            lately: [some("spend_30d"), some("spend_60d") - some("spend_30d")],
        }
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Cluster {
    /// Its number, which stays its own as long as the group is found again.
    pub id: u32,
    /// Its share of the visitors.
    pub share: f64,
    /// Its share of the revenue.
    pub revenue_share: f64,
    /// Revenue of each of its visitors.
    pub revenue_each: f64,
    /// Its share of the margin; none where the shop says no costs, or has no margin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin_share: Option<f64>,
    /// Margin of each of its visitors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin_each: Option<f64>,
    /// Revenue of the last 30 days against the 30 before, less one; none where there was none.
    pub growth: Option<f64>,
    /// What sets it apart, the clearest first.
    pub traits: Vec<Trait>,
    /// What its name tells: the clearest traits of when it was first found, as long as all of them still set it apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<Trait>,
    /// A filter over visitors that most of the group pass, and few others.
    pub filter: String,
    /// Of those who pass the filter, the share that is of the group.
    pub precision: f64,
    /// Of the group, the share that passes the filter.
    pub recall: f64,
    /// Where it lies: the means of its visitors, by column. Directions of vectors are not among them: those of another model are
    /// others.
    pub center: BTreeMap<String, f64>,
}

impl Cluster {
    /// What sets it apart, in English and in French. It is called the same from one time to the next, while that is true.
    #[must_use]
    pub fn name(&self) -> [String; 2] {
        describe::name(if self.named.is_empty() { describe::telling(&self.traits) } else { &self.named })
    }

    /// Is the one that was found before: it keeps its number, and its name if that still tells what sets it apart.
    fn inherit(&mut self, old: &Self) {
        self.id = old.id;
        let named = if old.named.is_empty() { describe::telling(&old.traits) } else { &old.named };
        if !named.is_empty() && named.iter().all(|one| one.holds(&self.center)) {
            self.named = named.to_vec();
        }
    }
}

/// What groups are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// Revenue of the whole group.
    #[default]
    Revenue,
    /// Margin of the whole group.
    Margin,
    /// By how much its revenue grew in the last 30 days.
    Growth,
}

impl Worth {
    /// All.
    pub const ALL: [Self; 3] = [Self::Revenue, Self::Margin, Self::Growth];

    /// The name in requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revenue => "revenue",
            Self::Margin => "margin",
            Self::Growth => "growth",
        }
    }

    /// What a group has of it, if that is known.
    #[must_use]
    pub const fn of(self, group: &Cluster) -> Option<f64> {
        match self {
            Self::Revenue => Some(group.revenue_share),
            Self::Margin => group.margin_share,
            Self::Growth => group.growth,
        }
    }
}

/// The groups of a shop's visitors, those that bring most revenue first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Clusters {
    /// When they were found.
    pub at: Millis,
    /// Visitors that were looked at.
    pub visitors: u64,
    /// How alike two halves of them divide everybody, for each number of groups from two: 1 is the same, 0 chance.
    pub stability: Vec<f64>,
    /// Whether the number of groups is stable. Where none was, these are the groups that are least a matter of chance. Those of
    /// before it was noted count as stable.
    #[serde(default = "yes")]
    pub stable: bool,
    /// The groups; none with too few visitors.
    pub groups: Vec<Cluster>,
    /// The next number of a group.
    pub next: u32,
}

const fn yes() -> bool {
    true
}

impl Clusters {
    /// Finds the groups. Those that were found before keep their numbers, and their names while these are true.
    #[must_use]
    pub fn find(members: &[Member], before: Option<&Self>, at: Millis) -> Self {
        let next = before.map_or(1, |before| before.next.max(1));
        let visitors = members.len() as u64;
        if members.len() < FEWEST {
            return Self { at, visitors, next, ..Self::default() };
        }
        let table = Table::of(members);
        let group::Chosen { stability, stable, groups } = group::choose(&table, GROUPS, STABLE);
        let clusters = describe::all(&table, members, &groups);
        let mut found = Self { at, visitors, stability, stable, groups: clusters, next };
        found.keep_numbers(before.map_or(&[], |before| &before.groups));
        found.rank(Worth::Revenue);
        found
    }

    /// Puts those first that are worth most; last, those of which it is not known.
    pub fn rank(&mut self, by: Worth) {
        let worth = |group: &Cluster| by.of(group).unwrap_or(f64::NEG_INFINITY);
        self.groups.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(a.id.cmp(&b.id)));
    }

    /// The nearest pairs of an old and a new group are the same one, if they are nearer than the new one is to the next new one.
    /// Groups that directions alone tell apart lie in one place here; so what is near enough always is.
    fn keep_numbers(&mut self, old: &[Cluster]) {
        let count = self.groups.len();
        let apart = |a: usize, b: usize| distance(&self.groups[a].center, &self.groups[b].center);
        let next = |a: usize| (0..count).filter(|b| *b != a).map(|b| apart(a, b)).fold(f64::INFINITY, f64::min);
        let bounds: Vec<f64> = (0..count).map(|at| next(at).max(NEAR)).collect();
        let mut pairs: Vec<(f64, usize, &Cluster)> = Vec::new();
        for (at, new) in self.groups.iter().enumerate() {
            pairs.extend(old.iter().map(|old| (distance(&new.center, &old.center), at, old)));
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (far, at, old) in pairs {
            let taken = self.groups.iter().any(|group| group.id == old.id);
            if far < bounds[at] && !taken && self.groups[at].id == 0 {
                self.groups[at].inherit(old);
            }
        }
        for group in self.groups.iter_mut().filter(|group| group.id == 0) {
            group.id = self.next;
            self.next += 1;
        }
    }
}

/// How far two groups lie apart. A column that one of them does not know is one nobody differs in.
fn distance(a: &BTreeMap<String, f64>, b: &BTreeMap<String, f64>) -> f64 {
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let of = |center: &BTreeMap<String, f64>, name: &String| center.get(name).copied().unwrap_or_default();
    names.into_iter().map(|name| (of(a, name) - of(b, name)).powi(2)).sum::<f64>().sqrt()
}

/// Visitors as points.
#[derive(Debug)]
struct Table {
    /// What the columns are: features, then categories with a `category ` in front, then directions.
    names: Vec<String>,
    /// Row after row.
    points: Vec<f64>,
}

impl Table {
    fn of(members: &[Member]) -> Self {
        let mut liked: BTreeMap<&str, usize> = BTreeMap::new();
        members.iter().flat_map(|m| &m.liked).for_each(|name| *liked.entry(name).or_default() += 1);
        let mut liked: Vec<(&str, usize)> = liked.into_iter().filter(|(_, n)| n * 20 >= members.len()).collect();
        liked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        liked.truncate(CATEGORIES);
        let mut columns: Vec<(String, Vec<f64>)> = Vec::new();
        for (at, name) in FEATURES.iter().enumerate() {
            let log = |number: &Member| number.numbers.get(at).copied().unwrap_or(f64::NAN).max(0.0).ln_1p();
            let known = |member: &&Member| member.numbers.get(at).is_some_and(|number| number.is_finite());
            columns.push(((*name).to_owned(), standard(members, known, log, 1.0)));
        }
        for (name, _) in liked {
            let likes = |member: &Member| f64::from(u8::from(member.liked.iter().any(|one| one == name)));
            columns.push((format!("{CATEGORY}{name}"), standard(members, |_| true, likes, LIKING)));
        }
        let vectors: Vec<&[f32]> = members.iter().map(|member| &member.vector[..]).collect();
        let directions = project::principal(&vectors, DIRECTIONS);
        let first = directions.first().map_or(1.0, |first| deviation(first));
        for (at, mut along) in directions.into_iter().enumerate() {
            along.iter_mut().for_each(|x| *x *= LEANING / first);
            columns.push((format!("{DIRECTION}{}", at + 1), along));
        }
        let width = columns.len();
        let mut points = vec![0.0; members.len() * width];
        for (column, (_, numbers)) in columns.iter().enumerate() {
            numbers.iter().enumerate().for_each(|(row, number)| points[row * width + column] = *number);
        }
        Self { names: columns.into_iter().map(|(name, _)| name).collect(), points }
    }

    fn width(&self) -> usize {
        self.names.len()
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.points.chunks_exact(self.width().max(1))
    }
}

/// The deviation of a column of mean 0.
#[allow(clippy::cast_precision_loss, reason = "counts of visitors")]
fn deviation(column: &[f64]) -> f64 {
    (column.iter().map(|x| x * x).sum::<f64>() / column.len().max(1) as f64).sqrt().max(1e-12)
}

/// A column of mean 0 and the given deviation; what is missing lies at the mean.
fn standard(
    members: &[Member],
    known: impl Fn(&&Member) -> bool,
    number: impl Fn(&Member) -> f64,
    deviation: f64,
) -> Vec<f64> {
    #[allow(clippy::cast_precision_loss, reason = "counts of visitors")]
    let count = members.iter().filter(&known).count().max(1) as f64;
    let mean = members.iter().filter(&known).map(&number).sum::<f64>() / count;
    let variance = members.iter().filter(&known).map(|m| (number(m) - mean).powi(2)).sum::<f64>() / count;
    let scale = if variance > 1e-12 { deviation / variance.sqrt() } else { 0.0 };
    members.iter().map(|m| if known(&m) { (number(m) - mean) * scale } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests;
