//! The parameters of the generated browsing, and who is what: the known truth that tests measure against.

use std::collections::BTreeSet;

use super::random::Random;
use super::structure::Structure;
use crate::Grocery;

/// Share of the browsing events in visits that end in an order.
pub const BUYING: f64 = 0.35;
/// Share of the browsing events in visits of customers that end without one.
pub const RETURNING: f64 = 0.25;
/// Share of the browsing events of anonymous visitors.
pub const ANONYMOUS: f64 = 0.40;

/// Share of customers who never shop online.
pub const STORE_ONLY: f64 = 0.3;
/// Range of the share of orders that the other customers place online.
pub const WEB_SHARE: (f64, f64) = (0.15, 0.75);
/// Share of online customers with a second device.
pub const SECOND_DEVICE: f64 = 0.3;
/// Share of devices that are phones; the others are desktops.
pub const PHONE: f64 = 0.45;
/// Share of phones that use the shop's app.
pub const APP: f64 = 0.3;
/// Share of customers' visits that begin logged out.
pub const LOGGED_OUT: f64 = 0.2;

/// Share of customers who are deal lovers.
pub const DEAL_LOVERS: f64 = 0.25;
/// Share of customers who are brand loyal.
pub const BRAND_LOYAL: f64 = 0.25;
/// Share of online customers who are just browsing when they do not buy.
pub const JUST_BROWSING: f64 = 0.2;
/// Probability that an anonymous visitor is a deal lover.
pub const ANONYMOUS_DEAL_LOVER: f64 = 0.25;
/// Probability that an anonymous visitor is just browsing.
pub const ANONYMOUS_JUST_BROWSING: f64 = 0.35;

/// Probability that a visit shows a promotion.
pub const PROMOTION_SHOWN: f64 = 0.3;
/// Probability that a deal lover clicks a promotion shown.
pub const PROMOTION_CLICK_DEAL_LOVER: f64 = 0.45;
/// Probability that anybody else does.
pub const PROMOTION_CLICK: f64 = 0.08;
/// Probability that a deal lover, without buying, looks at a reduced product instead.
pub const DEAL_PRODUCT: f64 = 0.5;

/// Probability that the next product is one often bought together with the one before.
pub const NEXT_BOUGHT_TOGETHER: f64 = 0.7;
/// Probability that it is one of the same narrowest category.
pub const NEXT_SAME_CATEGORY: f64 = 0.2;
/// How many products count as often bought together with one.
pub const NEIGHBOURS: usize = 20;
/// In how many orders two products must meet to count.
pub const LEAST_TOGETHER: u16 = 5;
/// How many times more often than by chance they must meet.
pub const LEAST_LIFT: f64 = 2.0;
/// Orders together at which closeness counts half.
pub const SHRINK: f64 = 10.0;
/// Probability that a returning customer looks at a product of their last ten orders.
pub const OWN_HISTORY: f64 = 0.5;
/// Probability that a buyer looks at an alternative first.
pub const ALTERNATIVE: f64 = 0.3;

/// Probability that a product is reached by a search.
pub const BY_SEARCH: f64 = 0.15;
/// Probability that it is reached through a category list.
pub const BY_LIST: f64 = 0.25;
/// Products in a list.
pub const LISTED: usize = 6;
/// Probability that the search of a brand loyal customer names the brand.
pub const BRAND_QUERY_LOYAL: f64 = 0.6;
/// Probability that anybody else's does.
pub const BRAND_QUERY: f64 = 0.05;

/// Probability that a product is added without buying.
pub const ADD: f64 = 0.25;
/// The same for visitors who are just browsing.
pub const ADD_JUST_BROWSING: f64 = 0.03;
/// Probability that a product added is removed at the basket, without buying.
pub const REMOVE: f64 = 0.1;
/// Probability that a visit with something in the basket looks at it.
pub const CART: f64 = 0.5;

/// What a stream of random numbers is for.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Customer,
    Order,
    Buying,
    Returning,
    Anonymous,
}

impl Stream {
    pub(crate) fn of(self, seed: u64, number: usize) -> Random {
        Random::of(seed, &[self as u64, number as u64])
    }
}

/// A browser or phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its random identifier, the anonymous id of its events.
    pub id: String,
    /// `desktop` or `phone`.
    pub class: &'static str,
    /// Whether it uses the shop's app.
    pub app: bool,
}

impl Device {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let (high, low) = (random.bits(), random.bits());
        let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
        let (d, e) = (0x8000 | ((low >> 48) & 0x3fff), low & 0xffff_ffff_ffff);
        let phone = random.chance(PHONE);
        let app = phone && random.chance(APP);
        let class = if phone { "phone" } else { "desktop" };
        Self { id: format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}"), class, app }
    }
}

/// What somebody is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner {
    /// Clicks promotions and prefers reduced products.
    pub deal_lover: bool,
    /// Searches by brand.
    pub brand_loyal: bool,
    /// Circles without buying.
    pub just_browsing: bool,
}

/// The truth about a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Shopper {
    /// What they are like.
    pub manner: Manner,
    /// Probability that one of their orders is placed online; zero for a customer of the store only.
    pub web_share: f64,
    /// Their devices; none for a customer of the store only.
    pub devices: Vec<Device>,
}

/// The truth about every customer, in the order of [`Grocery::customers`].
#[must_use]
pub fn customers(shop: &Grocery, seed: u64) -> Vec<Shopper> {
    let deal_lovers = highest(shop, DEAL_LOVERS, discount_share);
    let brand_loyal = highest(shop, BRAND_LOYAL, repeat_share);
    let shopper = |customer: usize| {
        let mut random = Stream::Customer.of(seed, customer);
        let online = !random.chance(STORE_ONLY);
        let web_share = WEB_SHARE.0 + (WEB_SHARE.1 - WEB_SHARE.0) * random.unit();
        let just_browsing = random.chance(JUST_BROWSING);
        let count = if random.chance(SECOND_DEVICE) { 2 } else { 1 };
        let devices: Vec<Device> = (0..count).map(|_| Device::draw(&mut random)).collect();
        let manner = Manner {
            deal_lover: deal_lovers.contains(&customer),
            brand_loyal: brand_loyal.contains(&customer),
            just_browsing: online && just_browsing,
        };
        if online {
            Shopper { manner, web_share, devices }
        } else {
            Shopper { manner, web_share: 0.0, devices: Vec::new() }
        }
    };
    (0..shop.customers.len()).map(shopper).collect()
}

/// For every product, the products that visitors turn to because they are often bought together with it, closest first.
#[must_use]
pub fn bought_together(shop: &Grocery) -> Vec<Vec<usize>> {
    Structure::new(shop).into_neighbours()
}

/// The customers with the highest measure, this share of all.
fn highest(shop: &Grocery, share: f64, measure: fn(&Grocery, usize) -> f64) -> BTreeSet<usize> {
    let mut by_measure: Vec<(f64, usize)> = (0..shop.customers.len()).map(|c| (measure(shop, c), c)).collect();
    by_measure.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    by_measure.truncate((shop.customers.len() as f64 * share).round() as usize);
    by_measure.into_iter().map(|(_, customer)| customer).collect()
}

/// Share of the shelf value of a customer's orders that they did not pay.
fn discount_share(shop: &Grocery, customer: usize) -> f64 {
    let lines = || shop.orders_of(customer).iter().flat_map(|order| &order.lines);
    let saved: i64 = lines().map(|line| line.discount() + line.coupon).sum();
    let shelf: i64 = lines().map(|line| line.shelf()).sum();
    saved as f64 / shelf.max(1) as f64
}

/// Share of a customer's order lines that repeat an earlier purchase.
fn repeat_share(shop: &Grocery, customer: usize) -> f64 {
    let mut seen = BTreeSet::new();
    let (mut lines, mut repeated) = (0_u32, 0_u32);
    for line in shop.orders_of(customer).iter().flat_map(|order| &order.lines) {
        lines += 1;
        repeated += u32::from(!seen.insert(line.product));
    }
    f64::from(repeated) / f64::from(lines.max(1))
}
