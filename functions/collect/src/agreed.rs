//! Who has said lately that they may be personalised for, as far as this process knows: most clients say it with every event,
//! and the table is asked only when it is news. Then it is asked afresh: a refusal that another running copy noted a moment
//! ago has to be taken back, and whoever says it once does not say it again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vitrine_domain::{Millis, Shop, Visitor};
use vitrine_store::tombstones::TRUST;

/// Visitors remembered at once.
const MEMORY: usize = 8192;

/// When each visitor's agreement was held against the table: no news for as long as an answer of the table is trusted, so that
/// none is asked for more often.
#[derive(Debug, Default)]
pub(crate) struct Agreed(Mutex<HashMap<(Shop, Visitor), Millis>>);

impl Agreed {
    /// Whether the table has to be asked if a visitor refused before.
    pub(crate) fn is_news(&self, shop: &Shop, visitor: &Visitor, now: Millis) -> bool {
        let agreed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        agreed.get(&(shop.clone(), visitor.clone())).is_none_or(|at| now.since(*at) >= TRUST)
    }

    /// Remembers what a visitor said and the table knows. That they agree is news again after they refused.
    pub(crate) fn remember(&self, shop: &Shop, visitor: Visitor, refuses: bool, now: Millis) {
        let mut agreed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if agreed.len() >= MEMORY {
            agreed.clear();
        }
        let key = (shop.clone(), visitor);
        if refuses {
            agreed.remove(&key);
        } else if agreed.get(&key).is_none_or(|at| now.since(*at) >= TRUST) {
            agreed.insert(key, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_somebody_agrees_is_news_after_a_while_and_after_they_refused() {
        let (agreed, one, two) = (Agreed::default(), Shop::new("one").unwrap(), Shop::new("two").unwrap());
        let anna = Visitor::known("anna").unwrap();
        let is_news = |at| agreed.is_news(&one, &anna, Millis(at));
        assert!(is_news(0));
        agreed.remember(&one, anna.clone(), false, Millis(0));
        agreed.remember(&one, anna.clone(), false, Millis(TRUST - 1));
        assert!(!is_news(TRUST - 1) && is_news(TRUST), "saying it again does not put off that the table is asked");
        assert!(agreed.is_news(&two, &anna, Millis(0)));
        agreed.remember(&one, anna.clone(), true, Millis(1));
        assert!(is_news(1));
    }

    #[test]
    fn memory_is_bounded() {
        let (agreed, shop) = (Agreed::default(), Shop::new("one").unwrap());
        for n in 0..2 * MEMORY + 7 {
            agreed.remember(&shop, Visitor::known(n.to_string()).unwrap(), false, Millis(0));
        }
        assert!(agreed.0.lock().unwrap().len() <= MEMORY);
    }
}
