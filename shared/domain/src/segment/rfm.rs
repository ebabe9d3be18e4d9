//! Grades of recency, frequency and money: each customer among all customers of the shop, in fifths (Hughes, Strategic
//! Database Marketing, 1994).

use serde::{Deserialize, Serialize};

use crate::filter::{Attributes, Person};

/// What a customer is graded by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// Days since the last order.
    pub days_since_order: f64,
    /// Orders.
    pub orders: f64,
    /// Revenue less refunds.
    pub spend: f64,
}

impl Customer {
    /// A visitor who ordered; none for one who did not.
    #[must_use]
    pub fn of(person: &Person<'_>) -> Option<Self> {
        let number = |name: &str| person.values(name).first().and_then(serde_json::Value::as_f64);
        Some(Self { days_since_order: number("days_since_order")?, orders: number("orders")?, spend: number("spend")? })
    }
}

/// The borders between the fifths, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Of days since the last order.
    pub recency: [f64; 4],
    /// Of orders.
    pub frequency: [f64; 4],
    /// Of spend.
    pub money: [f64; 4],
}

impl Scale {
    /// The borders of a shop's customers, or of a sample of them; none without customers.
    #[must_use]
    pub fn of(customers: &[Customer]) -> Option<Self> {
        Some(Self {
            recency: fifths(customers.iter().map(|customer| customer.days_since_order))?,
            frequency: fifths(customers.iter().map(|customer| customer.orders))?,
            money: fifths(customers.iter().map(|customer| customer.spend))?,
        })
    }

    /// Grades of recency, frequency and money, 1 to 5, 5 is best. Customers who are equal have the same grade, so where
    /// most order once a fifth can be empty.
    #[must_use]
    pub fn grades(&self, customer: &Customer) -> [u8; 3] {
        let above =
            |borders: &[f64; 4], value: f64| borders.iter().filter(|border| value > **border).map(|_| 1).sum::<u8>();
        [
            5 - above(&self.recency, customer.days_since_order),
            1 + above(&self.frequency, customer.orders),
            1 + above(&self.money, customer.spend),
        ]
    }
}

/// The values below which one, two, three and four fifths lie.
fn fifths(values: impl Iterator<Item = f64>) -> Option<[f64; 4]> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let border = |fifth: usize| values.get((values.len() * fifth).div_ceil(5).saturating_sub(1)).copied();
    Some([border(1)?, border(2)?, border(3)?, border(4)?])
}
