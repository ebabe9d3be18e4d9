//! What the daily sweep knows of all visitors of a shop: how many there are, how many are in each segment, and a sample of
//! them from which the size of a segment that is not saved yet is estimated. One object a shop, replaced by every sweep.
//!
//! The sample names nobody, but what it holds is somebody's: so the whole object goes when anybody is erased, and the next
//! sweep writes it anew.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use vitrine_domain::segment::{Customer, Scale};
use vitrine_domain::{Millis, Shop, State, Visitor};

use crate::lake::{Mark, compress, read_lines};
use crate::objects::Objects;
use crate::{Error, Result};

/// Visitors in a sample.
pub const SAMPLE: usize = 1_000;
/// Customers from whom the scale of grades is made.
const CUSTOMERS: usize = 20_000;

/// A census.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// What was counted.
    pub head: Head,
    /// Some of the visitors, each as likely as any other; all of them where there are few.
    pub sample: Vec<State>,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    /// When the sweep began.
    pub at: Millis,
    /// What there was to be looked at then.
    pub seen: Seen,
    /// Profiles, those of robots not among them.
    pub visitors: u64,
    /// How many of them are in each segment; one that nobody is in is missing.
    pub members: BTreeMap<String, u64>,
    /// What grades are measured by.
    pub scale: Option<Scale>,
}

/// What there is to be looked at. Whoever sees what they saw before has nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// The events.
    pub lake: Mark,
    /// The definitions of segments that the shop wrote itself, and their versions.
    pub segments: Vec<(String, u64)>,
}

/// A census under way.
#[derive(Debug, Default)]
pub struct Counting {
    visitors: u64,
    members: BTreeMap<String, u64>,
    sample: Lowest<String>,
    customers: Lowest<Customer>,
}

impl Counting {
    /// Takes a visitor in, with the segments they are in.
    ///
    /// # Errors
    /// If the state cannot be written down.
    pub fn add<'a>(
        &mut self,
        visitor: &Visitor,
        state: &State,
        customer: Option<Customer>,
        segments: impl IntoIterator<Item = &'a String>,
    ) -> Result<()> {
        self.visitors += 1;
        for segment in segments {
            *self.members.entry(segment.clone()).or_default() += 1;
        }
        let mut hasher = DefaultHasher::new();
        visitor.hash(&mut hasher);
        let lot = hasher.finish();
        if let Some(customer) = customer {
            self.customers.offer(lot, CUSTOMERS, || Ok(customer))?;
        }
        // Nothing that a segment can ask for is among what is left out.
        let text = || {
            let asked = State { actions: Vec::new(), latest: Vec::new(), ..state.clone() };
            serde_json::to_string(&asked).map_err(|e| Error::corrupt("profile of a sample", e))
        };
        self.sample.offer(lot, SAMPLE, text)
    }

    /// The scale of the customers so far; none without customers.
    #[must_use]
    pub fn scale(&self) -> Option<Scale> {
        let customers: Vec<Customer> = self.customers.0.iter().map(|kept| kept.value).collect();
        Scale::of(&customers)
    }
}

/// The values with the lowest lots: of many, as many as are kept, each as likely as any other.
#[derive(Debug)]
struct Lowest<T>(BinaryHeap<Kept<T>>);

impl<T> Default for Lowest<T> {
    fn default() -> Self {
        Self(BinaryHeap::new())
    }
}

#[derive(Debug)]
struct Kept<T> {
    lot: u64,
    value: T,
}

impl<T> PartialEq for Kept<T> {
    fn eq(&self, other: &Self) -> bool {
        self.lot == other.lot
    }
}

impl<T> Eq for Kept<T> {}

impl<T> PartialOrd for Kept<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Kept<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lot.cmp(&other.lot)
    }
}

impl<T> Lowest<T> {
    fn offer(&mut self, lot: u64, most: usize, value: impl FnOnce() -> Result<T>) -> Result<()> {
        if self.0.len() >= most && self.0.peek().is_some_and(|highest| highest.lot <= lot) {
            return Ok(());
        }
        self.0.push(Kept { lot, value: value()? });
        if self.0.len() > most {
            self.0.pop();
        }
        Ok(())
    }
}

fn key(shop: &Shop) -> String {
    format!("shops/{shop}/segments/census.ndjson.zst")
}

impl Objects {
    /// Writes a census in the place of the one before. `seen` is what was there when the sweep began.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn put_census(&self, shop: &Shop, at: Millis, seen: Seen, counted: Counting) -> Result<()> {
        let scale = counted.scale();
        let head = Head { at, seen, visitors: counted.visitors, members: counted.members, scale };
        let head = serde_json::to_string(&head).map_err(|e| Error::corrupt("census", e))?;
        let sample = counted.sample.0.into_sorted_vec().into_iter().map(|kept| kept.value);
        self.put(&key(shop), compress(&std::iter::once(head).chain(sample).collect::<Vec<_>>())?).await
    }

    /// The last census; none before the first sweep, and after an erasure until the next one.
    ///
    /// # Errors
    /// If the store fails or the object is damaged.
    pub async fn census(&self, shop: &Shop) -> Result<Option<Census>> {
        let Some(bytes) = self.get(&key(shop)).await? else { return Ok(None) };
        let (mut head, mut sample) = (None, Vec::new());
        read_lines(&bytes, &mut |line| {
            let damaged = |e| Error::corrupt("census", e);
            if head.is_none() {
                head = Some(serde_json::from_str(line).map_err(damaged)?);
            } else {
                sample.push(serde_json::from_str(line).map_err(damaged)?);
            }
            Ok(())
        })?;
        Ok(head.map(|head| Census { head, sample }))
    }

    /// Takes a census away, because somebody in it may have been erased.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget_census(&self, shop: &Shop) -> Result<()> {
        self.delete(&key(shop)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_of_all_and_no_larger_than_it_may_be() {
        let mut counting = Counting::default();
        let segments = ["a".to_owned(), "b".to_owned()];
        for n in 0..5_000_u32 {
            let visitor = Visitor::anonymous(format!("device-{n}")).unwrap();
            let state = State { visits: n, ..State::default() };
            let customer = Customer { days_since_order: f64::from(n), orders: 1.0, spend: f64::from(n) };
            let of = if n % 4 == 0 { &segments[..] } else { &segments[..1] };
            counting.add(&visitor, &state, Some(customer).filter(|_| n < 100), of).unwrap();
        }
        assert_eq!((counting.visitors, counting.members["a"], counting.members["b"]), (5_000, 5_000, 1_250));
        assert_eq!(counting.sample.0.len(), SAMPLE);
        let numbers: Vec<State> =
            counting.sample.0.iter().map(|kept| serde_json::from_str(&kept.value).unwrap()).collect();
        let low = numbers.iter().filter(|state| state.visits < 2_500).count();
        assert!((430..570).contains(&low), "{low} of a thousand are of the first half");
        assert_eq!(counting.scale().unwrap().money, [19.0, 39.0, 59.0, 79.0]);
    }
}
