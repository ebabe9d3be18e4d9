use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;

const START: i64 = 1_795_358_400_000;

/// A bucket as it is told: a count of tokens, here in thousandths.
struct Told {
    tokens: u64,
    at: i64,
}

/// The table's oracle: one count for everybody, in a map without bounds.
struct Oracle {
    rate: Rate,
    buckets: HashMap<u8, Told>,
}

impl Oracle {
    fn take(&mut self, owner: u8, tokens: u32, now: i64) -> Result<(), i64> {
        let capacity = u64::from(self.rate.burst) * 1000;
        let bucket = self.buckets.entry(owner).or_insert(Told { tokens: capacity, at: now });
        let came = (now - bucket.at) as u64 * u64::from(self.rate.per_second);
        *bucket = Told { tokens: (bucket.tokens + came).min(capacity), at: now };
        let wanted = u64::from(tokens.min(self.rate.burst)) * 1000;
        if wanted <= bucket.tokens {
            bucket.tokens -= wanted;
            return Ok(());
        }
        Err((wanted - bucket.tokens).div_ceil(u64::from(self.rate.per_second)) as i64)
    }
}

proptest! {
    #[test]
    fn a_bucket_admits_what_a_count_of_tokens_admits(
        per_second in 1..5000_u32,
        burst in 1..50_u32,
        steps in prop::collection::vec((0..5_u8, 1..60_u32, prop_oneof![Just(0_i64), 0..20_i64, 0..5000_i64]), 1..300),
    ) {
        let rate = Rate { per_second, burst };
        // One set of eight buckets for five people: nobody has to make room.
        let buckets = Buckets::new(rate, 1);
        let mut oracle = Oracle { rate, buckets: HashMap::new() };
        let mut now = START;
        for (owner, tokens, passed) in steps {
            now += passed;
            prop_assert_eq!(buckets.take(owner, tokens, Millis(now)), oracle.take(owner, tokens, now));
        }
    }

    #[test]
    fn waiting_as_long_as_told_is_enough_and_no_millisecond_less(
        per_second in 1..5000_u32, burst in 1..50_u32, tokens in 1..60_u32,
    ) {
        let buckets = Buckets::new(Rate { per_second, burst }, 1);
        buckets.take("a", burst, Millis(START)).unwrap();
        let wait = buckets.take("a", tokens, Millis(START)).unwrap_err();
        prop_assert!(buckets.take("a", tokens, Millis(START + wait - 1)).is_err());
        prop_assert!(buckets.take("a", tokens, Millis(START + wait)).is_ok());
    }

    #[test]
    fn room_for_others_never_shuts_anybody_out(people in prop::collection::vec(0..200_u32, 1..600)) {
        let rate = Rate { per_second: 10, burst: 3 };
        let buckets = Buckets::new(rate, 2);
        let mut oracle: HashMap<u32, u32> = HashMap::new();
        for (step, person) in people.into_iter().enumerate() {
            let now = Millis(START + step as i64);
            let asked = oracle.entry(person).or_default();
            let admitted = buckets.take(person, 1, now).is_ok();
            prop_assert!(admitted || *asked >= rate.burst, "{} was refused after {}", person, asked);
            *asked += 1;
        }
    }
}

#[test]
fn a_clock_that_is_set_back_empties_a_bucket_and_does_not_lock_it() {
    let buckets = Buckets::new(Rate { per_second: 10, burst: 5 }, 1);
    buckets.take("a", 1, Millis(START)).unwrap();
    let earlier = START - 3_600_000;
    assert_eq!(buckets.take("a", 1, Millis(earlier)), Err(100));
    assert_eq!(buckets.take("a", 1, Millis(earlier + 100)), Ok(()));
}

#[test]
fn threads_together_take_exactly_what_a_bucket_holds() {
    let buckets = Buckets::new(Rate { per_second: 1, burst: 10_000 }, KEYS);
    let taken = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    if buckets.take("hot", 1, Millis(START)).is_ok() {
                        taken.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(taken.load(Ordering::Relaxed), 10_000);
}

#[test]
fn the_table_has_the_size_that_its_description_says() {
    assert!(size_of::<Mutex<[Bucket; WAYS]>>() <= 136);
    assert_eq!((KEYS * WAYS, VISITORS * WAYS), (2_048, 65_536));
}

#[test]
fn a_refusal_says_when_to_come_back() {
    let limits = Limits { key: Rate { per_second: 1, burst: 1 }, visitor: Rate { per_second: 2, burst: 10 } };
    let limiter = Limiter::new(&limits);
    let (shop, visitor) = (Shop::new("demo").unwrap(), Visitor::anonymous("v").unwrap());
    limiter.key("k", Millis(START)).unwrap();
    let problem = limiter.key("k", Millis(START + 1)).unwrap_err();
    assert_eq!((problem.status.as_u16(), problem.code, problem.retry_after), (429, "too-many-requests", Some(1)));
    limiter.events(&shop, &visitor, 10, Millis(START)).unwrap();
    let problem = limiter.events(&shop, &visitor, 5, Millis(START)).unwrap_err();
    assert_eq!((problem.status.as_u16(), problem.retry_after), (429, Some(3)));
    limiter.question(&shop, &visitor, Millis(START)).unwrap();
    let elsewhere = Shop::new("other").unwrap();
    limiter.events(&elsewhere, &visitor, 5, Millis(START)).unwrap();
    limiter.key("another", Millis(START)).unwrap();
}
