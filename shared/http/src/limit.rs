//! Token buckets for keys and visitors, in a table of fixed size.
//!
//! A bucket is one number: the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371 annex A;
//! it admits just what a bucket with a count of tokens admits). All arithmetic is in whole numbers, so the limit is exact.
//!
//! The table is sets of buckets, each behind a lock of its own that is held for some ten nanoseconds and never
//! while anything waits. An identifier's keyed hash (SipHash with a key of the process) says which set it is in. Where a set
//! is full, the fullest bucket makes room: a bucket that is full again is forgotten without loss, and where none is, its
//! owner is given at most a full bucket. So memory is bounded, and a mistake lets somebody through and never shuts anybody
//! out.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use vitrine_domain::{Millis, Shop, Visitor};
use vitrine_runtime::{Limits, Rate, metrics};

use crate::Problem;

/// Buckets of a set.
const WAYS: usize = 8;
/// Sets of buckets of keys: 2,048 keys in 34 KB.
const KEYS: usize = 256;
/// Sets of buckets of visitors: 65,536 visitors in 1.1 MB.
const VISITORS: usize = 8192;
/// Sets of buckets of sign-ins: 8,192 names and addresses in 136 KB.
const SIGN_INS: usize = 1024;
/// Sign-ins: a bucket holds 300 tokens and gets one back each second. One try of a name from one address costs 30, so ten
/// at once and then one in half a minute; of a name from anywhere 3, so that nobody far away shuts its owner out at once; of
/// an address 5, whatever the name.
const SIGN_IN: Rate = Rate { per_second: 1, burst: 300 };
const TRY_HERE: u32 = 30;
const TRY_ANYWHERE: u32 = 3;
const TRY_ANYBODY: u32 = 5;
/// Parts of a token: a bucket gets `per_second` parts back each millisecond.
const PARTS: i64 = 1000;

/// One bucket. One that nobody has used is full since the beginning of time.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    owner: u64,
    /// When it will be full, in milliseconds times tokens per second.
    full: i64,
}

/// What became of taking tokens out of a bucket that will be full at a time: when it will be full now, and how long to
/// wait, in milliseconds, if it held too little and nothing was taken.
fn take(rate: Rate, full: i64, tokens: u32, now: Millis) -> (i64, Option<i64>) {
    let (per_milli, capacity) = (i64::from(rate.per_second), i64::from(rate.burst) * PARTS);
    let now = now.0.saturating_mul(per_milli);
    // More than a whole bucket cannot be missing: it would be a clock that was set back.
    let missing = full.saturating_sub(now).clamp(0, capacity);
    // What no bucket can hold is taken out of a full one.
    let after = missing + i64::from(tokens.min(rate.burst)) * PARTS;
    if after <= capacity {
        return (now + after, None);
    }
    let (lacking, remainder) = ((after - capacity) / per_milli, (after - capacity) % per_milli);
    (now + missing, Some(lacking + i64::from(remainder > 0)))
}

/// Buckets of one rate.
#[derive(Debug)]
pub struct Buckets {
    rate: Rate,
    hasher: RandomState,
    sets: Box<[Mutex<[Bucket; WAYS]>]>,
}

impl Buckets {
    /// Full buckets for everybody, `8 * sets` of them remembered at once.
    #[must_use]
    pub fn new(rate: Rate, sets: usize) -> Self {
        let sets = (0..sets.max(1)).map(|_| Mutex::default()).collect();
        Self { rate, hasher: RandomState::new(), sets }
    }

    /// Takes tokens out of somebody's bucket; a price above the size of a bucket is the whole bucket.
    ///
    /// # Errors
    /// If there are too few: the milliseconds until there are enough. Nothing is taken then.
    pub fn take(&self, owner: impl Hash, tokens: u32, now: Millis) -> Result<(), i64> {
        let owner = self.hasher.hash_one(owner);
        // The set by the upper half of the hash, so that its members differ in all of it.
        let place = (owner >> 32) as usize % self.sets.len();
        let mut set = self.sets[place].lock().unwrap_or_else(PoisonError::into_inner);
        let (mut found, mut fullest) = (None, 0);
        for (at, bucket) in set.iter().enumerate() {
            if bucket.owner == owner {
                found = Some(at);
                break;
            }
            if bucket.full < set[fullest].full {
                fullest = at;
            }
        }
        let bucket = &mut set[found.unwrap_or(fullest)];
        let full = if found.is_some() { bucket.full } else { 0 };
        let (full, wait) = take(self.rate, full, tokens, now);
        *bucket = Bucket { owner, full };
        wait.map_or(Ok(()), Err)
    }
}

/// The limits of a function's keys and visitors.
#[derive(Debug)]
pub struct Limiter {
    keys: Buckets,
    visitors: Buckets,
    sign_ins: Buckets,
}

/// 429 with the seconds to wait, and the count of such answers.
fn refused(by: &'static str, what: &str, millis: i64) -> Problem {
    metrics::limited(by);
    let seconds = u32::try_from(millis.saturating_add(999) / 1000).unwrap_or(u32::MAX).max(1);
    Problem::too_many(format!("{what}; try again in {seconds} s"), seconds)
}

impl Limiter {
    /// Full buckets.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            keys: Buckets::new(limits.key, KEYS),
            visitors: Buckets::new(limits.visitor, VISITORS),
            sign_ins: Buckets::new(SIGN_IN, SIGN_INS),
        }
    }

    /// Counts a request of a known key.
    ///
    /// # Errors
    /// 429 if the key asks too much.
    pub fn key(&self, key: &str, now: Millis) -> Result<(), Problem> {
        self.keys.take(key, 1, now).map_err(|wait| refused("key", "this key asks more than its limit", wait))
    }

    /// Counts events of a visitor. They are counted apart from what the visitor asks: with a browser key anybody can write
    /// events in a customer's name, and must not silence them by it.
    ///
    /// # Errors
    /// 429 if there are too many.
    pub fn events(&self, shop: &Shop, visitor: &Visitor, events: u32, now: Millis) -> Result<(), Problem> {
        let taken = self.visitors.take(("events", shop, visitor), events, now);
        taken.map_err(|wait| refused("visitor", "these are more events than one visitor can cause", wait))
    }

    /// Counts a try to sign in, right or wrong.
    ///
    /// # Errors
    /// 429 if this name or this address was tried too often.
    pub fn sign_in(&self, shop: &str, name: &str, address: &str, now: Millis) -> Result<(), Problem> {
        let refused = |wait| refused("sign-in", "too many tries to sign in", wait);
        self.sign_ins.take(("address", address), TRY_ANYBODY, now).map_err(refused)?;
        self.sign_ins.take(("here", shop, name, address), TRY_HERE, now).map_err(refused)?;
        self.sign_ins.take(("anywhere", shop, name), TRY_ANYWHERE, now).map_err(refused)
    }

    /// Counts a question of a visitor: a list, or a page of lists.
    ///
    /// # Errors
    /// 429 if there are too many.
    pub fn question(&self, shop: &Shop, visitor: &Visitor, now: Millis) -> Result<(), Problem> {
        let taken = self.visitors.take(("questions", shop, visitor), 1, now);
        taken.map_err(|wait| refused("visitor", "this visitor asks more than one visitor can", wait))
    }
}

#[cfg(test)]
mod tests;
