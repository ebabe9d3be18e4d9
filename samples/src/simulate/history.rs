//! The whole history: the orders of the source, generated visits around them, and who is who.

use std::collections::{BTreeMap, BTreeSet};

use vitrine_domain::time::{DAY, HOUR, MINUTE, SECOND};
use vitrine_domain::{Action, Channel, Event, Line, MessageId, Millis, Order as OrderHead, Visitor};

use super::random::Random;
use super::session::{Target, Visit, Writer};
use super::structure::Structure;
use super::truth::{self, Device, Manner, Shopper, Stream};
use crate::grocery::CURRENCY;
use crate::{Error, Grocery, Order};

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Another seed gives other visits over the same orders.
    pub seed: u64,
    /// The newest event lies 3 to 27 hours before.
    pub end: Millis,
    /// About how many events besides orders and the introductions of customers.
    pub browsing_events: usize,
}

impl Options {
    /// The seed and size of the shipped shop: about 105,000 events together.
    #[must_use]
    pub const fn until(end: Millis) -> Self {
        Self { seed: 1, end, browsing_events: 66_000 }
    }
}

/// A visit ends at least this long before the newest order, so that the end of the history does not depend on the seed.
const MARGIN: i64 = 3 * HOUR;

/// All events of the shop: those of a visitor stand together, in the order in which they are folded.
///
/// # Errors
/// Only if the shop has identifiers that are not allowed.
pub fn history(shop: &Grocery, options: &Options) -> Result<Vec<Event>, Error> {
    let structure = Structure::new(shop);
    let shoppers = truth::customers(shop, options.seed);
    let writer = Writer { shop, structure: &structure };
    let last_order = shop.orders.iter().map(|order| order.minute).max().unwrap_or(0);
    let mut all = All { options, writer, shoppers: &shoppers, last_order, events: BTreeMap::new() };
    let online = all.orders()?;
    let share = |part: f64| (options.browsing_events as f64 * part).round() as usize;
    all.buying(&online, share(truth::BUYING))?;
    all.returning(share(truth::RETURNING))?;
    all.anonymous(share(truth::ANONYMOUS))?;
    all.introduce()?;
    Ok(all.finish())
}

struct All<'a> {
    options: &'a Options,
    writer: Writer<'a>,
    shoppers: &'a [Shopper],
    last_order: i64,
    events: BTreeMap<Visitor, Vec<Event>>,
}

/// An order placed online: its index, its device, and a key to draw some of them by.
struct Online {
    order: usize,
    device: usize,
    key: u64,
}

impl<'a> All<'a> {
    fn add(&mut self, events: Vec<Event>, shift: i64) {
        for mut event in events {
            event.time = event.time.plus(shift);
            match self.events.get_mut(&event.visitor) {
                Some(own) => own.push(event),
                None => {
                    self.events.insert(event.visitor.clone(), vec![event]);
                }
            }
        }
    }

    /// Every order, online or in the store.
    fn orders(&mut self) -> Result<Vec<Online>, Error> {
        let shop = self.writer.shop;
        let mut online = Vec::new();
        for (number, order) in shop.orders.iter().enumerate() {
            let shopper = &self.shoppers[order.customer];
            let mut random = Stream::Order.of(self.options.seed, number);
            let mut event = order_event(shop, order)?;
            event.channel = Channel::Store;
            if random.chance(shopper.web_share) {
                let device = random.below(shopper.devices.len());
                if let Some(known) = shopper.devices.get(device) {
                    online.push(Online { order: number, device, key: random.bits() });
                    event.channel = if known.app { Channel::Mobile } else { Channel::Web };
                    event.device_id = Some(known.id.clone());
                    event.context.device = Some(known.class.to_owned());
                }
            }
            self.add(vec![event], 0);
        }
        online.sort_by_key(|candidate| (candidate.key, candidate.order));
        Ok(online)
    }

    /// Visits that end in an order, until there are enough events.
    fn buying(&mut self, online: &[Online], budget: usize) -> Result<(), Error> {
        let mut written = 0;
        for candidate in online {
            if written >= budget {
                break;
            }
            let order = &self.writer.shop.orders[candidate.order];
            let shopper = &self.shoppers[order.customer];
            let mut random = Stream::Buying.of(self.options.seed, candidate.order);
            let visit = Visit {
                customer: Some(order.customer),
                device: &shopper.devices[candidate.device],
                manner: shopper.manner,
                day: order.minute * MINUTE / DAY,
                order: Some(order),
                key: random.bits(),
            };
            let targets = self.bought(order, &mut random);
            let (events, length) = self.writer.write(&visit, &targets, &mut random)?;
            written += events.len();
            self.add(events, order.minute * MINUTE - length);
        }
        Ok(())
    }

    /// One to four products of an order, an alternative before some.
    fn bought(&self, order: &Order, random: &mut Random) -> Vec<Target> {
        let structure = self.writer.structure;
        let wanted = 1 + random.run(0.6, 3);
        let mut rest: Vec<_> = order.lines.iter().collect();
        let mut targets = Vec::new();
        for _ in 0..wanted.min(rest.len()) {
            let line = rest.swap_remove(random.below(rest.len()));
            if random.chance(truth::ALTERNATIVE) {
                let other = structure.another_of_leaf(structure.leaf_of[line.product], line.product, random);
                if other != line.product {
                    targets.push(Target { product: other, add: 0 });
                }
            }
            targets.push(Target { product: line.product, add: line.quantity });
        }
        targets
    }

    /// Visits of customers that end without an order.
    fn returning(&mut self, budget: usize) -> Result<(), Error> {
        let online: Vec<usize> = (0..self.shoppers.len())
            .filter(|c| !self.shoppers[*c].devices.is_empty() && !self.writer.shop.orders_of(*c).is_empty())
            .collect();
        let mut written = 0;
        for number in 0.. {
            if written >= budget || online.is_empty() {
                break;
            }
            let mut random = Stream::Returning.of(self.options.seed, number);
            let customer = online[random.below(online.len())];
            let shopper = &self.shoppers[customer];
            let orders = self.writer.shop.orders_of(customer);
            let like = &orders[random.below(orders.len())];
            let start =
                self.inside(like.minute * MINUTE + random.between(-3, 3) * DAY + random.between(-90, 90) * MINUTE);
            let device = &shopper.devices[random.below(shopper.devices.len())];
            let key = random.bits();
            let day = start / DAY;
            let visit = Visit { customer: Some(customer), device, manner: shopper.manner, day, order: None, key };
            let before = &orders[..orders.partition_point(|order| order.minute * MINUTE < start)];
            let targets = self.wishes(shopper.manner, None, &before[before.len().saturating_sub(10)..], &mut random);
            let (events, _) = self.writer.write(&visit, &targets, &mut random)?;
            written += events.len();
            self.add(events, start);
        }
        Ok(())
    }

    /// Visitors nobody knows.
    fn anonymous(&mut self, budget: usize) -> Result<(), Error> {
        let orders = &self.writer.shop.orders;
        let mut written = 0;
        for number in 0.. {
            if written >= budget || orders.is_empty() {
                break;
            }
            let mut random = Stream::Anonymous.of(self.options.seed, number);
            let device = Device::draw(&mut random);
            let manner = Manner {
                deal_lover: random.chance(truth::ANONYMOUS_DEAL_LOVER),
                brand_loyal: false,
                just_browsing: random.chance(truth::ANONYMOUS_JUST_BROWSING),
            };
            let anchor = self.writer.structure.popular(&mut random);
            let like = orders[random.below(orders.len())].minute * MINUTE;
            let mut start = self.inside(like + random.between(-120, 120) * MINUTE);
            for _ in 0..1 + random.run(0.4, 4) {
                if self.inside(start) != start {
                    break;
                }
                let key = random.bits();
                let visit = Visit { customer: None, device: &device, manner, day: start / DAY, order: None, key };
                let targets = self.wishes(manner, Some(anchor), &[], &mut random);
                let (events, length) = self.writer.write(&visit, &targets, &mut random)?;
                written += events.len();
                self.add(events, start);
                start += length + random.between(1, 20) * DAY;
            }
        }
        Ok(())
    }

    /// What a visitor looks at without buying.
    fn wishes(&self, manner: Manner, anchor: Option<usize>, own: &[Order], random: &mut Random) -> Vec<Target> {
        let structure = self.writer.structure;
        let mut last = anchor.unwrap_or_else(|| structure.popular(random));
        let circle = if manner.just_browsing { 2 + random.below(2) } else { 0 };
        let count = if manner.just_browsing { 6 + random.below(8) } else { 1 + random.run(0.65, 5) };
        let mut leaves: Vec<usize> = Vec::new();
        let mut targets: Vec<Target> = Vec::with_capacity(count);
        for step in 0..count {
            let mut product = match own.get(random.below(own.len())) {
                Some(order) if random.chance(truth::OWN_HISTORY) => {
                    order.lines[random.below(order.lines.len())].product
                }
                _ if step == 0 && anchor.is_some() => last,
                _ => structure.next(last, random),
            };
            if leaves.len() < circle {
                leaves.push(structure.leaf_of[product]);
            } else if circle > 0 {
                product = structure.another_of_leaf(leaves[step % circle], last, random);
            }
            let swap = manner.deal_lover && random.chance(truth::DEAL_PRODUCT);
            if swap && self.writer.shop.products[product].sale_price.is_none() {
                product = structure.reduced(random);
            }
            last = product;
            let adds = random.chance(if manner.just_browsing { truth::ADD_JUST_BROWSING } else { truth::ADD });
            targets.push(Target { product, add: u32::from(adds) });
        }
        targets
    }

    /// A start that leaves the visit inside the source's year: what is outside is mirrored at its ends.
    fn inside(&self, start: i64) -> i64 {
        let last = (self.last_order * MINUTE - MARGIN).max(0);
        if start > last { (2 * last - start).max(0) } else { start.abs().min(last) }
    }

    /// Says who the customers are: once with their attributes, and once for every device before its first event.
    fn introduce(&mut self) -> Result<(), Error> {
        for customer in &self.writer.shop.customers {
            let visitor = Visitor::known(&customer.id)?;
            let Some(own) = self.events.get_mut(&visitor) else { continue };
            own.sort_by(|a, b| a.order_key().cmp(&b.order_key()));
            let Some(first) = own.first().map(|event| event.time) else { continue };
            let id = MessageId::new(format!("customer-{}", customer.id))?;
            let mut hello = Event::new(id, visitor.clone(), first.plus(-MINUTE), Action::Identify);
            hello.channel = Channel::Server;
            hello.traits = customer.traits.clone();
            let mut devices = BTreeSet::new();
            let mut logins = Vec::new();
            for event in own.iter() {
                let Some(device) = &event.device_id else { continue };
                if devices.insert(device.as_str()) && event.action != Action::Identify {
                    let id = MessageId::new(format!("login-{device}"))?;
                    let mut login = Event::new(id, visitor.clone(), event.time.plus(-SECOND), Action::Identify);
                    login.device_id = Some(device.clone());
                    login.channel = event.channel;
                    login.context.device = event.context.device.clone();
                    logins.push(login);
                }
            }
            own.extend(logins);
            own.push(hello);
        }
        Ok(())
    }

    /// Moves everything to where it should end, and sorts.
    fn finish(self) -> Vec<Event> {
        let newest = self.events.values().flatten().map(|event| event.time).max().unwrap_or_default();
        let days = self.options.end.plus(-3 * HOUR).since(newest).div_euclid(DAY);
        let mut all = Vec::with_capacity(self.events.values().map(Vec::len).sum());
        for (_, mut own) in self.events {
            for event in &mut own {
                event.time = event.time.plus(days * DAY);
                event.received = event.time;
            }
            own.sort_by(|a, b| a.order_key().cmp(&b.order_key()));
            all.append(&mut own);
        }
        all
    }
}

/// An order of the source as the event that a shop sends for it.
fn order_event(shop: &Grocery, order: &Order) -> Result<Event, Error> {
    let visitor = Visitor::known(&shop.customers[order.customer].id)?;
    let id = MessageId::new(format!("order-{}", order.id))?;
    let mut event = Event::new(id, visitor, Millis(order.minute * MINUTE), Action::Order);
    event.currency = Some(CURRENCY.to_owned());
    event.lines = order
        .lines
        .iter()
        .map(|line| Line {
            quantity: f64::from(line.quantity),
            // Four decimals: the head has the exact amount, and a shelf price per piece can be a fraction of a cent.
            price: Some((line.shelf() as f64 * 100.0 / f64::from(line.quantity)).round() / 10_000.0),
            discount: (line.discount() != 0).then(|| line.discount() as f64 / 100.0),
            ..Line::of(shop.products[line.product].id.clone())
        })
        .collect();
    let value: i64 = order.lines.iter().map(|line| line.value).sum();
    let coupons: i64 = order.lines.iter().map(|line| line.coupon).sum();
    let day = order.minute * MINUTE / DAY;
    let from = shop.redemptions.partition_point(|used| (used.customer, used.day) < (order.customer, day));
    let used =
        shop.redemptions.get(from).filter(|used| coupons > 0 && used.customer == order.customer && used.day == day);
    event.order = Some(OrderHead {
        id: Some(order.id.clone()),
        total: Some((value - coupons) as f64 / 100.0),
        revenue: Some(value as f64 / 100.0),
        discount: (coupons != 0).then(|| coupons as f64 / 100.0),
        coupon: used.map(|used| used.coupon.clone()),
    });
    Ok(event)
}
