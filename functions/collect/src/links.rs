//! Who belongs together, as far as this process has written it lately: most events of a known visitor say the same, and
//! writing it once is enough.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vitrine_domain::time::MINUTE;
use vitrine_domain::{Millis, Shop};

use crate::identity::Tie;

/// Ties remembered at once.
const MEMORY: usize = 8192;
/// How long a tie is remembered. It may be deleted meanwhile, when a visitor is erased and comes back.
const TRUST: i64 = 10 * MINUTE;

/// When a tie was written, and since when it said that it holds.
#[derive(Debug, Clone, Copy)]
struct Written {
    at: Millis,
    since: Millis,
}

/// The ties written lately.
#[derive(Debug, Default)]
pub(crate) struct Links(Mutex<HashMap<(Shop, String, String), Written>>);

fn key(shop: &Shop, tie: &Tie) -> (Shop, String, String) {
    (shop.clone(), tie.device.to_string(), tie.user.to_string())
}

impl Links {
    /// Whether a tie has to be written: it is new here, or holds since longer than was written.
    pub(crate) fn is_news(&self, shop: &Shop, tie: &Tie, now: Millis) -> bool {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = written.get(&key(shop, tie));
        !known.is_some_and(|known| known.since <= tie.since && now.since(known.at) < TRUST)
    }

    /// Remembers a tie that is in the table.
    pub(crate) fn remember(&self, shop: &Shop, tie: &Tie, now: Millis) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() >= MEMORY {
            written.clear();
        }
        let entry = written.entry(key(shop, tie)).or_insert(Written { at: now, since: tie.since });
        *entry = Written { at: now, since: entry.since.min(tie.since) };
    }
}

#[cfg(test)]
mod tests {
    use vitrine_domain::Visitor;

    use super::*;

    fn tie(user: &str, since: i64) -> Tie {
        let device = Visitor::anonymous("d").unwrap();
        Tie { device, user: Visitor::known(user).unwrap(), since: Millis(since) }
    }

    #[test]
    fn a_tie_is_news_until_it_is_written_and_again_when_it_holds_since_longer() {
        let (links, shop, other) = (Links::default(), Shop::new("one").unwrap(), Shop::new("two").unwrap());
        let now = Millis(1000);
        assert!(links.is_news(&shop, &tie("u", 10), now));
        links.remember(&shop, &tie("u", 10), now);
        assert!(!links.is_news(&shop, &tie("u", 10), now) && !links.is_news(&shop, &tie("u", 11), now));
        assert!(links.is_news(&shop, &tie("u", 9), now));
        assert!(links.is_news(&shop, &tie("v", 10), now) && links.is_news(&other, &tie("u", 10), now));
        links.remember(&shop, &tie("u", 50), now);
        assert!(!links.is_news(&shop, &tie("u", 10), now), "the earliest time stays");
        assert!(links.is_news(&shop, &tie("u", 10), now.plus(TRUST)));
    }

    #[test]
    fn memory_is_bounded() {
        let (links, shop) = (Links::default(), Shop::new("one").unwrap());
        for n in 0..2 * MEMORY + 7 {
            links.remember(&shop, &tie(&n.to_string(), 0), Millis(0));
        }
        assert!(links.0.lock().unwrap().len() <= MEMORY);
    }
}
