//! The log, laid out for going through the occasions of one product: browsing sequences and baskets as flat arrays, and
//! for each product where it occurs in them.

use std::collections::HashMap;

use vitrine_domain::{Action, Millis};

use super::Pair;
use crate::dataset::{Dataset, Step, days, decay};
use crate::settings::Covisitation;
use crate::tally::Tally;

/// How many orders after a look may be put down to it.
const ORDERS_AFTER: usize = 2;

/// A step of a browsing sequence.
struct Look {
    row: u32,
    person: u32,
    /// The first basket of the person that is not older; the person's last basket's successor if there is none.
    next_basket: u32,
    at: Millis,
    /// What is left of its weight at its age.
    decay: f32,
}

struct Basket {
    person: u32,
    start: u32,
    end: u32,
    at: Millis,
    decay: f32,
}

/// Where each product occurs: row `i` has `at[starts[i]..starts[i + 1]]`.
struct Postings {
    starts: Vec<u32>,
    at: Vec<u32>,
}

impl Postings {
    /// Sorts places by product, keeping their order: a counting sort.
    fn of(products: usize, places: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0_u32; products + 1];
        places.clone().for_each(|(row, _)| starts[row as usize + 1] += 1);
        for row in 0..products {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut at = vec![0; starts[products] as usize];
        for (row, place) in places {
            at[next[row as usize] as usize] = place;
            next[row as usize] += 1;
        }
        Self { starts, at }
    }

    fn of_row(&self, row: u32) -> &[u32] {
        &self.at[self.starts[row as usize] as usize..self.starts[row as usize + 1] as usize]
    }
}

/// Which steps of a person count: of each product the newest looks and the newest orders, so that what one visitor can move
/// is bounded.
struct Counted {
    most: usize,
    /// How often a product was met, by row and whether it was ordered.
    met: HashMap<(u32, bool), usize>,
    steps: Vec<Step>,
}

impl Counted {
    fn new(most: usize) -> Self {
        Self { most, met: HashMap::new(), steps: Vec::new() }
    }

    fn of<'h>(&'h mut self, history: &'h [Step]) -> &'h [Step] {
        if history.len() <= self.most {
            return history;
        }
        self.met.clear();
        self.steps.clear();
        let mut look = None;
        for step in history.iter().rev() {
            let ordered = step.action == Action::Order;
            if !ordered && !step.is_browsing() {
                continue;
            }
            let met = self.met.entry((step.row, ordered)).or_default();
            // What follows itself is one look, as below.
            *met += usize::from(ordered || look.replace(step.row) != Some(step.row));
            if *met <= self.most {
                self.steps.push(*step);
            }
        }
        self.steps.reverse();
        &self.steps
    }
}

/// Everybody's looks and baskets.
pub(crate) struct Log<'s> {
    settings: &'s Covisitation,
    products: usize,
    looks: Vec<Look>,
    baskets: Vec<Basket>,
    /// Rows of all baskets, one after another.
    lines: Vec<u32>,
    looks_at: Postings,
    /// Baskets that hold a product.
    baskets_of: Postings,
    /// What a person's next basket has that basket `i` has not: `new_lines[new_starts[i]..new_starts[i + 1]]`.
    new_lines: Vec<u32>,
    new_starts: Vec<u32>,
}

impl<'s> Log<'s> {
    pub(crate) fn of(data: &Dataset<'_>, settings: &'s Covisitation) -> Self {
        let (mut looks, mut baskets, mut lines) = (Vec::new(), Vec::<Basket>::new(), Vec::new());
        let faded = |at| decay(days(data.now(), at), settings.half_life_days);
        let mut counted = Counted::new(settings.person);
        for (person, history) in (0_u32..).zip(data.histories()) {
            let first_basket = baskets.len();
            let history = counted.of(history);
            for order in history.chunk_by(|a, b| a.event == b.event) {
                let Some(step) = order.first().filter(|step| step.action == Action::Order) else { continue };
                if order.len() > settings.basket {
                    continue;
                }
                let start = lines.len() as u32;
                lines.extend(order.iter().map(|step| step.row));
                baskets.push(Basket { person, start, end: lines.len() as u32, at: step.at, decay: faded(step.at) });
            }
            let orders = &baskets[first_basket..];
            let mut last = None;
            for step in history.iter().filter(|step| Step::is_browsing(step)) {
                // Reloading a page, or adding to the basket what is on screen, is no step to another product.
                if last == Some(step.row) {
                    continue;
                }
                last = Some(step.row);
                let next_basket = (first_basket + orders.partition_point(|basket| basket.at < step.at)) as u32;
                looks.push(Look { row: step.row, person, next_basket, at: step.at, decay: faded(step.at) });
            }
        }
        let products = data.products().len();
        let looks_at = Postings::of(products, (0..).zip(&looks).map(|(place, look)| (look.row, place)));
        let places = (0..).zip(&baskets).flat_map(|(number, basket): (u32, &Basket)| {
            lines[basket.start as usize..basket.end as usize].iter().map(move |row| (*row, number))
        });
        let baskets_of = Postings::of(products, places);
        let (mut new_lines, mut new_starts, mut known) = (Vec::new(), vec![0], Vec::new());
        for (number, basket) in baskets.iter().enumerate() {
            if let Some(after) = baskets.get(number + 1).filter(|after| after.person == basket.person) {
                known.clear();
                known.extend_from_slice(&lines[basket.start as usize..basket.end as usize]);
                known.sort_unstable();
                let after = lines[after.start as usize..after.end as usize].iter();
                new_lines.extend(after.filter(|row| known.binary_search(row).is_err()));
            }
            new_starts.push(new_lines.len() as u32);
        }
        Self { settings, products, looks, baskets, lines, looks_at, baskets_of, new_lines, new_starts }
    }

    fn lines_of(&self, basket: &Basket) -> &[u32] {
        &self.lines[basket.start as usize..basket.end as usize]
    }

    /// What is left of a weight when `days` lie between two actions.
    fn gap(&self, a: Millis, b: Millis) -> f32 {
        1.0 / (1.0 + days(a.max(b), a.min(b)) / self.settings.gap_days)
    }

    /// Adds up every occasion on which `row` started the pair's arrow.
    pub(crate) fn occasions(&self, pair: Pair, row: u32, tally: &mut Tally) {
        match pair {
            Pair::ViewView => {
                self.looks_at.of_row(row).iter().for_each(|place| self.browse(*place as usize, row, tally));
            }
            Pair::ViewOrder => {
                self.looks_at.of_row(row).iter().for_each(|place| self.convert(*place as usize, row, tally));
            }
            Pair::OrderTogether => {
                self.baskets_of.of_row(row).iter().for_each(|basket| self.together(*basket as usize, row, tally));
            }
            Pair::OrderNext => {
                self.baskets_of.of_row(row).iter().for_each(|basket| self.next(*basket as usize, tally));
            }
        }
    }

    fn browse(&self, place: usize, row: u32, tally: &mut Tally) {
        let look = &self.looks[place];
        let mut add = |other: &Look, distance: usize, direction: f32| {
            if other.row != row {
                let weight = direction * look.decay * self.gap(look.at, other.at) / distance as f32;
                tally.add(other.row, weight);
            }
        };
        let after = self.looks[place + 1..].iter().take_while(|other| other.person == look.person);
        for (distance, other) in (1..=self.settings.window).zip(after) {
            add(other, distance, 1.0);
        }
        if self.settings.backward > 0.0 {
            let before = self.looks[..place].iter().rev().take_while(|other| other.person == look.person);
            for (distance, other) in (1..=self.settings.window).zip(before) {
                add(other, distance, self.settings.backward);
            }
        }
    }

    /// The orders that may be put down to a look, each with its weight.
    fn orders_after(&self, look: &Look) -> impl Iterator<Item = (&Basket, f32)> {
        let after = self.baskets[look.next_basket as usize..].iter().take(ORDERS_AFTER);
        let (person, at, decay) = (look.person, look.at, look.decay);
        after
            .take_while(move |b| b.person == person && days(b.at, at) <= self.settings.conversion_days)
            .map(move |basket| (basket, decay * self.gap(at, basket.at)))
    }

    fn convert(&self, place: usize, row: u32, tally: &mut Tally) {
        for (basket, weight) in self.orders_after(&self.looks[place]) {
            self.lines_of(basket).iter().filter(|j| **j != row).for_each(|j| tally.add(*j, weight));
        }
    }

    fn together(&self, basket: usize, row: u32, tally: &mut Tally) {
        let basket = &self.baskets[basket];
        self.lines_of(basket).iter().filter(|j| **j != row).for_each(|j| tally.add(*j, basket.decay));
    }

    /// The new products of the person's next basket after one, and the weight of the transition.
    fn next_basket(&self, basket: usize) -> Option<(&[u32], f32)> {
        let before = &self.baskets[basket];
        let after = self.baskets.get(basket + 1).filter(|after| after.person == before.person)?;
        let new = &self.new_lines[self.new_starts[basket] as usize..self.new_starts[basket + 1] as usize];
        Some((new, before.decay * self.gap(before.at, after.at)))
    }

    fn next(&self, basket: usize, tally: &mut Tally) {
        if let Some((new, weight)) = self.next_basket(basket) {
            // Under the cosine, what a large basket says is shared among its lines.
            let lines = self.lines_of(&self.baskets[basket]).len() as f32;
            let weight = if self.settings.cosine { weight / lines.sqrt() } else { weight };
            new.iter().for_each(|j| tally.add(*j, weight));
        }
    }

    /// How often products take part on each side of a pair.
    pub(crate) fn totals(&self, pair: Pair) -> Totals {
        let mut totals = Totals { from: vec![0.0; self.products], to: vec![0.0; self.products], occasions: None };
        if self.settings.cosine && pair != Pair::ViewView {
            for basket in &self.baskets {
                let lines = self.lines_of(basket).iter();
                lines.for_each(|row| totals.to[*row as usize] += f64::from(basket.decay));
            }
            totals.from.clone_from(&totals.to);
            if pair == Pair::ViewOrder {
                totals.from.fill(0.0);
                self.looks.iter().for_each(|look| totals.from[look.row as usize] += f64::from(look.decay));
            }
            return totals;
        }
        let mut occasions = 0.0;
        match pair {
            Pair::ViewView => {
                self.looks.iter().for_each(|look| totals.from[look.row as usize] += f64::from(look.decay));
                totals.to.clone_from(&totals.from);
                return totals;
            }
            Pair::ViewOrder => {
                for look in &self.looks {
                    for (basket, weight) in self.orders_after(look) {
                        occasions += totals.count(&[look.row], self.lines_of(basket).iter().copied(), weight);
                    }
                }
            }
            Pair::OrderTogether => {
                for basket in &self.baskets {
                    let lines = self.lines_of(basket);
                    occasions += totals.count(lines, lines.iter().copied(), basket.decay);
                }
            }
            Pair::OrderNext => {
                for (number, basket) in self.baskets.iter().enumerate() {
                    if let Some((new, weight)) = self.next_basket(number) {
                        occasions += totals.count(self.lines_of(basket), new.iter().copied(), weight);
                    }
                }
            }
        }
        totals.occasions = Some(occasions);
        totals
    }
}

/// What chance lets expect of a pair of products.
pub(crate) struct Totals {
    /// How often each product was where the arrow starts, in decayed occasions.
    from: Vec<f64>,
    /// How often each was where it ends.
    to: Vec<f64>,
    /// For a lift: how many occasions there were. Else the weight is a cosine.
    occasions: Option<f64>,
}

impl Totals {
    /// Counts one occasion.
    fn count(&mut self, from: &[u32], to: impl Iterator<Item = u32>, weight: f32) -> f64 {
        let weight = f64::from(weight);
        from.iter().for_each(|row| self.from[*row as usize] += weight);
        to.for_each(|row| self.to[row as usize] += weight);
        weight
    }

    /// The normalised weight of a pair; not positive if it met no more often than chance lets expect.
    pub(crate) fn weight(&self, i: usize, j: usize, sum: f32, shrinkage: f32) -> f32 {
        let (from, to, k) = (self.from[i], self.to[j], f64::from(shrinkage));
        let weight = match self.occasions {
            Some(occasions) => ((f64::from(sum) + k) / (from * to / occasions + k)).ln(),
            None => f64::from(sum) / ((from + k) * (to + k)).sqrt(),
        };
        weight as f32
    }
}
