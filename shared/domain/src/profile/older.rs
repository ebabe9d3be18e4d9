//! Visits and trades that are no longer kept one by one, in sums by the day, and by the week once they are older than five
//! weeks. So what is asked of a window of up to a year is answered for the most faithful customer too, in a few kilobytes.

use serde::{Deserialize, Serialize};

use super::{Trade, Visit, bounded};
use crate::Millis;
use crate::time::DAY;

/// Days for which sums are kept: the longest window, and a day more.
const KEPT: u32 = 366;
/// Days for which they are kept by the day.
const BY_DAY: u32 = 35;
/// Days of a sum that is older.
const WEEK: u32 = 7;
/// Most sums of a kind. More than there are days and weeks only where a customer pays in several currencies.
pub const OLDER: usize = 96;

/// Some days, counted from the beginning of 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    /// The first of them.
    pub first: u32,
    /// How many: one or seven.
    pub count: u32,
}

impl Days {
    fn of(at: Millis) -> Self {
        Self { first: u32::try_from(at.0 / DAY).unwrap_or_default(), count: 1 }
    }

    /// Whether half of them or more lie in a window. What falls on its edge is off by half a day, or half a week, at most.
    #[must_use]
    pub fn are_within(self, since: Millis, until: Millis) -> bool {
        let middle = Millis(i64::from(self.first) * DAY + i64::from(self.count) * DAY / 2);
        middle > since && middle <= until
    }

    /// As they are kept when the newest sum is of another day.
    fn seen_from(self, newest: u32) -> Self {
        if newest.saturating_sub(self.first) <= BY_DAY {
            self
        } else {
            Self { first: self.first / WEEK * WEEK, count: WEEK }
        }
    }
}

/// Sums of some days; stored as arrays to stay small.
pub(super) trait Sum: Sized {
    /// Of which days.
    fn days(&mut self) -> &mut Days;
    /// Whether both can be one sum, their days aside.
    fn goes_with(&self, other: &Self) -> bool;
    /// Both together.
    fn add(&mut self, other: &Self);
}

/// Visits of some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u32, u32, u32, u32, u32)", into = "(u32, u32, u32, u32, u32, u32)")]
pub struct Visits {
    /// The days.
    pub days: Days,
    /// How many visits.
    pub visits: u32,
    /// Pages and screens opened.
    pub pages: u32,
    /// Product pages looked at.
    pub views: u32,
    /// Products put into the basket.
    pub adds: u32,
}

impl From<(u32, u32, u32, u32, u32, u32)> for Visits {
    fn from((first, count, visits, pages, views, adds): (u32, u32, u32, u32, u32, u32)) -> Self {
        Self { days: Days { first, count }, visits, pages, views, adds }
    }
}

impl From<Visits> for (u32, u32, u32, u32, u32, u32) {
    fn from(v: Visits) -> Self {
        (v.days.first, v.days.count, v.visits, v.pages, v.views, v.adds)
    }
}

impl From<Visit> for Visits {
    fn from(v: Visit) -> Self {
        Self { days: Days::of(v.to), visits: 1, pages: v.pages, views: v.views, adds: v.adds }
    }
}

impl Sum for Visits {
    fn days(&mut self) -> &mut Days {
        &mut self.days
    }

    fn goes_with(&self, other: &Self) -> bool {
        self.days == other.days
    }

    fn add(&mut self, other: &Self) {
        self.visits = self.visits.saturating_add(other.visits);
        self.pages = self.pages.saturating_add(other.pages);
        self.views = self.views.saturating_add(other.views);
        self.adds = self.adds.saturating_add(other.adds);
    }
}

/// Stored form of [`Trades`].
type Stored = (u32, u32, u32, u32, u32, f64, f64, String);

/// Orders and returns of some days in one currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Trades {
    /// The days.
    pub days: Days,
    /// Orders.
    pub orders: u32,
    /// Of them, those with a discount or coupon.
    pub discounted: u32,
    /// Refunds and cancellations.
    pub back: u32,
    /// Revenue less what was paid back.
    pub value: f64,
    /// Pieces ordered less pieces returned.
    pub units: f64,
    /// Currency of the value; empty where none was named.
    pub currency: String,
}

impl From<Stored> for Trades {
    fn from((first, count, orders, discounted, back, value, units, currency): Stored) -> Self {
        Self { days: Days { first, count }, orders, discounted, back, value, units, currency }
    }
}

impl From<Trades> for Stored {
    fn from(t: Trades) -> Self {
        (t.days.first, t.days.count, t.orders, t.discounted, t.back, t.value, t.units, t.currency)
    }
}

impl From<Trade> for Trades {
    fn from(t: Trade) -> Self {
        let sign = if t.back { -1.0 } else { 1.0 };
        Self {
            days: Days::of(t.at),
            orders: u32::from(!t.back),
            discounted: u32::from(!t.back && t.discounted),
            back: u32::from(t.back),
            value: sign * t.value,
            units: sign * t.units,
            currency: t.currency,
        }
    }
}

impl Sum for Trades {
    fn days(&mut self) -> &mut Days {
        &mut self.days
    }

    fn goes_with(&self, other: &Self) -> bool {
        self.days == other.days && self.currency == other.currency
    }

    fn add(&mut self, other: &Self) {
        self.orders = self.orders.saturating_add(other.orders);
        self.discounted = self.discounted.saturating_add(other.discounted);
        self.back = self.back.saturating_add(other.back);
        self.value = bounded(self.value + other.value);
        self.units = bounded(self.units + other.units);
    }
}

/// Puts the newest behind the others; the oldest of too many goes into the sums.
pub(super) fn push<T, S: Sum + From<T>>(kept: &mut Vec<T>, new: T, most: usize, sums: &mut Vec<S>) {
    if kept.len() >= most {
        take_in(sums, kept.remove(0).into());
    }
    kept.push(new);
}

/// Takes in what is no longer kept one by one, and lets go of what is older than any window.
fn take_in<T: Sum>(sums: &mut Vec<T>, mut new: T) {
    let newest = sums.iter_mut().map(|sum| sum.days().first).fold(new.days().first, u32::max);
    let all = std::mem::take(sums);
    for mut sum in all.into_iter().chain([new]) {
        *sum.days() = sum.days().seen_from(newest);
        if newest.saturating_sub(sum.days().first) > KEPT + WEEK {
            continue;
        }
        match sums.iter_mut().find(|other| other.goes_with(&sum)) {
            Some(other) => other.add(&sum),
            None => sums.push(sum),
        }
    }
    sums.drain(..sums.len().saturating_sub(OLDER));
}
