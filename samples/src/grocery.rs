//! The embedded shop: what it sells, who buys there, and every order line of a year.
//!
//! The tables are compressed CSV files whose layout is described in `samples/README.md`. Rows refer to customers and
//! products by row number; so do the structs here, by index.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use vitrine_domain::{Availability, Product, ProductId};

use crate::Error;

/// Currency of every amount.
pub const CURRENCY: &str = "USD";
/// Share of the price that a private label costs the shop. Made up: the source has no costs.
pub const PRIVATE_LABEL_COST: f64 = 0.65;
/// Share of the price that any other brand costs the shop. Made up as well.
pub const BRAND_COST: f64 = 0.75;
/// The brand of products whose maker the source calls private.
pub const PRIVATE_LABEL: &str = "Private label";

const PRODUCTS: (&str, &[u8]) = ("products", include_bytes!("../grocery/products.csv.zst"));
const CUSTOMERS: (&str, &[u8]) = ("customers", include_bytes!("../grocery/customers.csv.zst"));
const ORDERS: (&str, &[u8]) = ("orders", include_bytes!("../grocery/orders.csv.zst"));
const CAMPAIGNS: (&str, &[u8]) = ("campaigns", include_bytes!("../grocery/campaigns.csv.zst"));
const REDEMPTIONS: (&str, &[u8]) = ("redemptions", include_bytes!("../grocery/redemptions.csv.zst"));

/// The whole shop. Minutes and days count from the first of January of the source's year, in UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct Grocery {
    /// What it sells, the most bought first.
    pub products: Vec<Product>,
    /// Who buys there: households, in ascending order of their number.
    pub customers: Vec<Customer>,
    /// Their orders: by customer, then by time.
    pub orders: Vec<Order>,
    /// The shop's campaigns of coupons.
    pub campaigns: Vec<Campaign>,
    /// The coupons that were used: by customer, then by day.
    pub redemptions: Vec<Redemption>,
}

impl Grocery {
    /// How many order lines there are.
    #[must_use]
    pub fn order_lines(&self) -> usize {
        self.orders.iter().map(|order| order.lines.len()).sum()
    }

    /// The range of one customer's orders in [`orders`](Self::orders).
    #[must_use]
    pub fn orders_of(&self, customer: usize) -> &[Order] {
        let from = self.orders.partition_point(|order| order.customer < customer);
        let to = self.orders.partition_point(|order| order.customer <= customer);
        &self.orders[from..to]
    }
}

/// A household that the shop knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    /// Its number, used as user id.
    pub id: String,
    /// What is known of it: `age`, `income`, `home_ownership`, `marital_status`, `household_size`, `household_comp`,
    /// `kids_count`; what is unknown is absent.
    pub traits: Map<String, Value>,
}

/// A basket that was paid.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The source's number of the basket.
    pub id: String,
    /// Index of the customer.
    pub customer: usize,
    /// When it was paid.
    pub minute: i64,
    /// What was in it; every product once.
    pub lines: Vec<OrderLine>,
}

/// One product of an order. Amounts are cents for the whole line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLine {
    /// Index of the product.
    pub product: usize,
    /// How many.
    pub quantity: u32,
    /// What the shop received for it.
    pub value: i64,
    /// The shop's own reduction (loyalty price).
    pub retail: i64,
    /// A maker's coupon: part of what the shop received, paid back by the maker.
    pub coupon: i64,
    /// What the shop added to a maker's coupon.
    pub coupon_match: i64,
}

impl OrderLine {
    /// The price on the shelf for the whole line, in cents.
    #[must_use]
    pub const fn shelf(&self) -> i64 {
        self.value + self.discount()
    }

    /// What the shop took off that price, in cents.
    #[must_use]
    pub const fn discount(&self) -> i64 {
        self.retail + self.coupon_match
    }
}

/// A mailing of coupons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Its number in the source.
    pub id: u32,
    /// `Type A` (large, personal), `Type B` or `Type C`.
    pub kind: String,
    /// First day.
    pub start: i64,
    /// Last day.
    pub end: i64,
    /// Indices of the customers who received it, ascending.
    pub customers: Vec<usize>,
    /// Indices of the products its coupons are good for, ascending.
    pub products: Vec<usize>,
}

/// A coupon that was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// Index of the customer.
    pub customer: usize,
    /// The day.
    pub day: i64,
    /// Number of the campaign.
    pub campaign: u32,
    /// The coupon's code.
    pub coupon: String,
}

/// Reads the embedded shop: about 0.1 s in a release build.
///
/// # Errors
/// Only if the embedded files are damaged.
pub fn grocery() -> Result<Grocery, Error> {
    let products = rows::<ProductRow>(PRODUCTS)?.into_iter().map(product).collect::<Result<Vec<_>, _>>()?;
    let customers = rows::<BTreeMap<String, String>>(CUSTOMERS)?.into_iter().map(customer).collect::<Vec<_>>();
    let (orders, campaigns) = (rows::<OrderRow>(ORDERS)?, rows::<CampaignRow>(CAMPAIGNS)?);
    let redemptions = rows::<RedemptionRow>(REDEMPTIONS)?;
    let shop = Grocery {
        orders: orders_of(&orders)?,
        campaigns: campaigns.into_iter().map(campaign).collect(),
        redemptions: redemptions.into_iter().map(redemption).collect(),
        products,
        customers,
    };
    check(&shop)?;
    Ok(shop)
}

fn rows<T: DeserializeOwned>((table, packed): (&'static str, &[u8])) -> Result<Vec<T>, Error> {
    let text = zstd::decode_all(packed).map_err(|source| Error::Decompress { table, source })?;
    let mut reader = csv::Reader::from_reader(text.as_slice());
    reader.deserialize().collect::<Result<_, _>>().map_err(|source| Error::Csv { table, source })
}

#[derive(Deserialize)]
struct ProductRow {
    id: String,
    name: String,
    size: String,
    variety: Option<u32>,
    department: String,
    category: String,
    r#type: String,
    brand: String,
    price: i64,
    sale: Option<i64>,
    sold_out: Option<u8>,
}

#[derive(Deserialize)]
struct OrderRow {
    order: Option<u64>,
    customer: Option<usize>,
    minute: Option<i64>,
    product: usize,
    quantity: Option<u32>,
    value: i64,
    retail: Option<i64>,
    coupon: Option<i64>,
    r#match: Option<i64>,
}

#[derive(Deserialize)]
struct CampaignRow {
    id: u32,
    r#type: String,
    start: i64,
    end: i64,
    customers: String,
    products: String,
}

#[derive(Deserialize)]
struct RedemptionRow {
    customer: usize,
    day: i64,
    campaign: u32,
    coupon: String,
}

fn dollars(cents: i64) -> f64 {
    cents as f64 / 100.0
}

/// `Potato chips, 11.5 oz, variety 3`: what it is, how much, and which of several that nothing else tells apart.
fn title(row: &ProductRow) -> String {
    let mut title = row.name.clone();
    if !row.size.is_empty() && !row.name.contains(&row.size) {
        title = format!("{title}, {}", row.size);
    }
    if let Some(variety) = row.variety {
        title = format!("{title}, variety {variety}");
    }
    title
}

fn product(row: ProductRow) -> Result<Product, Error> {
    let mut product = Product::new(ProductId::new(row.id.as_str())?, title(&row));
    let private = row.brand == PRIVATE_LABEL;
    product.description =
        if private { format!("{} of our own label", row.name) } else { format!("{} by {}", row.name, row.brand) };
    if !row.size.is_empty() {
        product.description = format!("{}, {}", product.description, row.size);
        product.attributes.insert("size".to_owned(), Value::from(row.size));
    }
    product.description.push('.');
    product.category = [row.department, row.category, row.r#type].into_iter().filter(|part| !part.is_empty()).collect();
    let share = if private { PRIVATE_LABEL_COST } else { BRAND_COST };
    product.cost = Some((row.price as f64 * share).round() / 100.0);
    product.attributes.insert("private_label".to_owned(), Value::from(private));
    product.brand = Some(row.brand);
    product.price = Some(dollars(row.price));
    product.sale_price = row.sale.map(dollars);
    product.currency = Some(CURRENCY.to_owned());
    if row.sold_out.is_some() {
        product.availability = Availability::OutOfStock;
    }
    Ok(product)
}

fn customer(mut row: BTreeMap<String, String>) -> Customer {
    let id = row.remove("id").unwrap_or_default();
    let known = row.into_iter().filter(|(_, value)| !value.is_empty());
    Customer { id, traits: known.map(|(name, value)| (name, Value::from(value))).collect() }
}

fn orders_of(rows: &[OrderRow]) -> Result<Vec<Order>, Error> {
    let mut orders: Vec<Order> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        if let (Some(id), Some(customer), Some(minute)) = (row.order, row.customer, row.minute) {
            orders.push(Order { id: id.to_string(), customer, minute, lines: Vec::new() });
        }
        let Some(order) = orders.last_mut() else {
            return Err(Error::Reference { table: "orders", what: "the order of line", row: number });
        };
        order.lines.push(OrderLine {
            product: row.product,
            quantity: row.quantity.unwrap_or(1),
            value: row.value,
            retail: row.retail.unwrap_or(0),
            coupon: row.coupon.unwrap_or(0),
            coupon_match: row.r#match.unwrap_or(0),
        });
    }
    Ok(orders)
}

fn numbers(text: &str) -> Vec<usize> {
    text.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn campaign(row: CampaignRow) -> Campaign {
    Campaign {
        id: row.id,
        kind: row.r#type,
        start: row.start,
        end: row.end,
        customers: numbers(&row.customers),
        products: numbers(&row.products),
    }
}

fn redemption(row: RedemptionRow) -> Redemption {
    Redemption { customer: row.customer, day: row.day, campaign: row.campaign, coupon: row.coupon }
}

/// Everything later code does by index is checked here once, so that it can index.
fn check(shop: &Grocery) -> Result<(), Error> {
    let (products, customers) = (shop.products.len(), shop.customers.len());
    let inside = |table, what, mut rows: Box<dyn Iterator<Item = usize> + '_>, len| match rows.find(|row| *row >= len) {
        Some(row) => Err(Error::Reference { table, what, row }),
        None => Ok(()),
    };
    let bought = shop.orders.iter().flat_map(|order| order.lines.iter().map(|line| line.product));
    inside("orders", "customer", Box::new(shop.orders.iter().map(|order| order.customer)), customers)?;
    inside("orders", "product", Box::new(bought), products)?;
    let sent = shop.campaigns.iter().flat_map(|campaign| campaign.customers.iter().copied());
    let covered = shop.campaigns.iter().flat_map(|campaign| campaign.products.iter().copied());
    inside("campaigns", "customer", Box::new(sent), customers)?;
    inside("campaigns", "product", Box::new(covered), products)?;
    inside("redemptions", "customer", Box::new(shop.redemptions.iter().map(|used| used.customer)), customers)
}
