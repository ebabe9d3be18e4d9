//! What people do: visits in the few categories that they like, looks near to the look before, orders now and then.

use vitrine_domain::{Action, Event, Line, MessageId, Millis, Visitor};
use vitrine_learn::Interaction;

use super::{Random, Result, Shop};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;
/// Days that the log spans.
const DAYS: usize = 180;

/// One person's taste.
struct Person<'s> {
    shop: &'s Shop,
    random: Random,
    /// Categories they come back to.
    favourites: Vec<usize>,
    /// Products they ordered, some of them again.
    ordered: Vec<u32>,
}

/// What was done on a product, with minutes since the visit began.
type Deed = (i64, Action, u32);

impl<'s> Person<'s> {
    fn new(shop: &'s Shop, kind: &str, number: u64) -> Self {
        let mut random = Random::of(kind, number);
        let favourites = (0..1 + random.below(5)).map(|_| shop.draw(&mut random)).collect();
        Self { shop, random, favourites, ordered: Vec::new() }
    }

    /// A product of a category: near to another one, or any, the wanted ones more often.
    fn pick(&mut self, leaf: usize, near: Option<u32>) -> u32 {
        let products = &self.shop.leaves[leaf];
        if products.is_empty() {
            return 0;
        }
        let place = match near.filter(|near| self.shop.leaf[*near as usize] as usize == leaf) {
            Some(near) if self.random.chance(0.6) => {
                let step = 1 + self.random.skewed(12, 2);
                let place = self.shop.place[near as usize] as usize;
                if self.random.chance(0.5) { place + step } else { place.saturating_sub(step) }
            }
            _ => self.random.skewed(products.len(), 3),
        };
        products[place.min(products.len() - 1)]
    }

    /// A visit of about so many looks: in one category, sometimes in another on the way.
    fn visit(&mut self, looks: usize) -> Vec<Deed> {
        let mut deeds: Vec<Deed> = Vec::new();
        let (mut minute, mut last) = (0, None);
        let mut leaf = self.leaf();
        for _ in 0..looks {
            if self.random.chance(0.12) {
                leaf = self.leaf();
            }
            let again = (!self.ordered.is_empty() && self.random.chance(0.05))
                .then(|| self.ordered[self.random.below(self.ordered.len())]);
            let row = again.unwrap_or_else(|| self.pick(leaf, last));
            deeds.push((minute, Action::View, row));
            last = Some(row);
            minute += 1 + self.random.below(3) as i64;
            if self.random.chance(0.12) {
                deeds.push((minute, Action::Add, row));
                minute += 1;
            }
        }
        deeds
    }

    fn leaf(&mut self) -> usize {
        if self.random.chance(0.8) {
            self.favourites[self.random.below(self.favourites.len())]
        } else {
            self.shop.draw(&mut self.random)
        }
    }

    /// What is ordered at the end of a visit, if anything: what lies in the basket, and what goes with it.
    fn order(&mut self, deeds: &[Deed]) -> Vec<u32> {
        let mut basket: Vec<u32> = deeds.iter().filter(|deed| deed.1 == Action::Add).map(|deed| deed.2).collect();
        if basket.is_empty() || self.random.chance(0.4) {
            return Vec::new();
        }
        for product in basket.clone() {
            // The category that goes with this one, and the product there that goes with this one.
            let leaf = (self.shop.leaf[product as usize] as usize * 31 + 7) % self.shop.leaves.len();
            let others = &self.shop.leaves[leaf];
            if !others.is_empty() && self.random.chance(0.5) {
                let place = (self.shop.place[product as usize] as usize + self.random.below(2)) % others.len();
                basket.push(others[place]);
            }
        }
        basket.sort_unstable();
        basket.dedup();
        self.ordered.extend(&basket);
        basket
    }
}

/// Writes a log of about so many events, one person after the other.
pub fn write(shop: &Shop, events: usize, mut push: impl FnMut(&Visitor, Vec<Event>) -> Result<()>) -> Result<()> {
    let mut written = 0;
    for number in 0.. {
        if written >= events {
            return Ok(());
        }
        let visitor = Visitor::anonymous(format!("{number:08}"))?;
        let mut person = Person::new(shop, "person", number);
        let mut history = Vec::new();
        let mut day = person.random.below(DAYS);
        // Some people come once, some all the time.
        for _ in 0..1 + person.random.skewed(24, 3) {
            let start = 1_700_000_000_000 + day as i64 * DAY + person.random.below(1_380) as i64 * MINUTE;
            let looks = 1 + person.random.skewed(16, 2);
            let deeds = person.visit(looks);
            let mut event = |minute: i64, action, products: &[u32]| -> Result<()> {
                let id = MessageId::new(history.len().to_string())?;
                let mut event = Event::new(id, visitor.clone(), Millis(start + minute * MINUTE), action);
                for product in products {
                    event.lines.push(Line::of(Shop::id(*product)?));
                }
                history.push(event);
                Ok(())
            };
            for (minute, action, product) in &deeds {
                event(*minute, *action, &[*product])?;
            }
            let ordered = person.order(&deeds);
            if !ordered.is_empty() {
                event(deeds.last().map_or(0, |deed| deed.0 + 1), Action::Order, &ordered)?;
            }
            day += 1 + person.random.skewed(30, 2);
            if day >= DAYS {
                break;
            }
        }
        written += history.len();
        push(&visitor, history)?;
    }
    Ok(())
}

/// A history of exactly so many actions, half of them in the newest visit. Products stand in the rows of their numbers.
pub fn history(shop: &Shop, number: u64, actions: usize) -> Vec<Interaction> {
    let mut person = Person::new(shop, "visitor", number);
    let newest = actions / 2;
    let mut deeds: Vec<Deed> = person.visit(newest);
    deeds.truncate(newest);
    let end = deeds.last().map_or(0, |deed| deed.0);
    let ago = |minutes: i64| minutes as f32 / 1_440.0;
    let mut history: Vec<Interaction> = deeds
        .iter()
        .rev()
        .map(|(at, action, row)| Interaction { row: *row, action: *action, age_days: ago(end - at) })
        .collect();
    let mut days = 1.0;
    while history.len() < actions {
        days += 1.0 + person.random.skewed(20, 2) as f32;
        let looks = 2 + person.random.skewed(14, 2);
        let deeds = person.visit(looks);
        let ordered = person.order(&deeds);
        let end = deeds.last().map_or(0, |deed| deed.0 + 1);
        // An order is one moment.
        let orders = ordered.iter().map(|row| (end, Action::Order, *row));
        let visit: Vec<Deed> = deeds.iter().copied().chain(orders).collect();
        let past =
            |(at, action, row): &Deed| Interaction { row: *row, action: *action, age_days: days + ago(end - at) };
        history.extend(visit.iter().rev().map(past));
    }
    history.truncate(actions);
    history.reverse();
    history
}
