//! The keys of the table. Every one but the look-up of an API key starts with the shop, so that one shop can never read
//! another; identifiers from outside are escaped, so that none can reach into its neighbour's key.
//!
//! | item | PK | SK |
//! |---|---|---|
//! | API key | `K#<key hash>` | `KEY` |
//! | token key | `K#t:<key id>` | `KEY` |
//! | entry of a key | `S#<shop>#K` | `<key's own id>` |
//! | one of the staff | same | `staff#<name>` |
//! | event | `S#<shop>#V#<visitor>` | `E#<time>#<message id>` |
//! | profile | same | `~PROFILE` |
//! | compacted state | same | `!BASE` |
//! | mark of an event without a time | same | `!N#<message id>` |
//! | decision | same | `D#<time>#<id>` |
//! | link | same | `L#<other visitor>` |
//! | product | `S#<shop>#P#<product>` | `PRODUCT` |
//! | changes | `S#<shop>#X` | `<time>#<number><nonce>` |
//! | setting | `S#<shop>#C` | `<kind>#<id>` |
//! | revision of the settings | same | `revision` |
//! | what a setting was before a revision | same | `~H#<revision>` |
//! | job | same | `~J#<id>` |
//! | model | `S#<shop>#M` | `CURRENT`, `V#<version>` |
//! | number of erasures | same | `ERASURES` |
//! | tombstone | `S#<shop>#T#<keyed hash>` | `TOMBSTONE` |
//! | erasure | `S#<shop>#R` | `W#<id>`, `D#<id>` |
//! | counts of what nobody did | `S#<shop>#A` | `<day>#<action>` |
//!
//! `~` sorts after every letter and `!` before: one descending query meets the profile, the links and the newest events
//! and never a mark.

use vitrine_domain::{MessageId, Millis, ProductId, Shop, Visitor};

/// Sort key of a profile: after everything else of its partition.
pub const PROFILE: &str = "~PROFILE";
/// Sort key of the compacted state: before everything else.
pub const BASE: &str = "!BASE";
/// Sort key of a product.
pub const PRODUCT: &str = "PRODUCT";
/// Sort key of an API key.
pub const KEY: &str = "KEY";
/// Sort key of the revision of a shop's settings: between `experiment` and `segment`, as is everything that a decision is made
/// from, so that all of it is one query.
pub const REVISION: &str = "revision";
/// Begins the sort keys of what settings were before.
pub const BEFORE: &str = "~H#";
/// Begins the sort keys of jobs: after every setting, because a decision's query must not read the reports of a month.
pub const JOB: &str = "~J#";
/// Sort key of the live model.
pub const CURRENT: &str = "CURRENT";
/// Sort key of the number of erasures.
pub const ERASURES: &str = "ERASURES";
/// Sort key of a tombstone.
pub const TOMBSTONE: &str = "TOMBSTONE";

/// Escapes the two characters that have a meaning in keys.
#[must_use]
pub fn escape(id: &str) -> String {
    if !id.contains(['#', '%']) {
        return id.to_owned();
    }
    id.replace('%', "%25").replace('#', "%23")
}

/// Undoes [`escape`].
#[must_use]
pub fn unescape(text: &str) -> String {
    text.replace("%23", "#").replace("%25", "%")
}

/// Partition of a visitor.
#[must_use]
pub fn visitor(shop: &Shop, visitor: &Visitor) -> String {
    format!("S#{shop}#V#{}", escape(&visitor.to_string()))
}

/// Shop and visitor of a visitor's partition.
#[must_use]
pub fn parse_visitor(pk: &str) -> Option<(Shop, Visitor)> {
    let (shop, id) = pk.strip_prefix("S#")?.split_once("#V#")?;
    Some((Shop::new(shop).ok()?, Visitor::parse(&unescape(id)).ok()?))
}

/// Sort key of an event.
#[must_use]
pub fn event(time: Millis, id: &MessageId) -> String {
    format!("E#{}#{}", time.sort_key(), escape(id.as_str()))
}

/// Time and message id of an event's sort key.
#[must_use]
pub fn parse_event(sk: &str) -> Option<(Millis, MessageId)> {
    let (time, id) = sk.strip_prefix("E#")?.split_once('#')?;
    Some((Millis(time.parse().ok()?), MessageId::new(unescape(id)).ok()?))
}

/// The first sort key that an event of this time can have.
#[must_use]
pub fn events_from(time: Millis) -> String {
    format!("E#{}", time.sort_key())
}

/// Sort key of the mark that makes an event without a time count once.
#[must_use]
pub fn mark(id: &MessageId) -> String {
    format!("!N#{}", escape(id.as_str()))
}

/// Sort key of a decision.
#[must_use]
pub fn decision(time: Millis, nonce: &str) -> String {
    format!("D#{}#{}", time.sort_key(), escape(nonce))
}

/// Time of a decision's sort key.
#[must_use]
pub fn parse_decision(sk: &str) -> Option<Millis> {
    parse_decision_key(sk).map(|(time, _)| time)
}

/// Time and nonce of a decision's sort key.
#[must_use]
pub fn parse_decision_key(sk: &str) -> Option<(Millis, String)> {
    let (time, nonce) = sk.strip_prefix("D#")?.split_once('#')?;
    Some((Millis(time.parse().ok()?), unescape(nonce)))
}

/// Sort key of a link to another visitor.
#[must_use]
pub fn link(other: &Visitor) -> String {
    format!("L#{}", escape(&other.to_string()))
}

/// The other side of a link's sort key.
#[must_use]
pub fn parse_link(sk: &str) -> Option<Visitor> {
    Visitor::parse(&unescape(sk.strip_prefix("L#")?)).ok()
}

/// Partition of a product.
#[must_use]
pub fn product(shop: &Shop, id: &ProductId) -> String {
    format!("S#{shop}#P#{}", escape(id.as_str()))
}

/// Partition of a shop's changes: the delta.
#[must_use]
pub fn changes(shop: &Shop) -> String {
    format!("S#{shop}#X")
}

/// The shop whose changes a partition holds.
#[must_use]
pub fn parse_changes(pk: &str) -> Option<Shop> {
    Shop::new(pk.strip_prefix("S#")?.strip_suffix("#X")?).ok()
}

/// Partition of a shop's settings.
#[must_use]
pub fn settings(shop: &Shop) -> String {
    format!("S#{shop}#C")
}

/// Sort key of a setting.
#[must_use]
pub fn setting(kind: &str, id: &str) -> String {
    format!("{kind}#{}", escape(id))
}

/// Sort key of what a setting was before a revision changed it.
#[must_use]
pub fn before(revision: u64) -> String {
    format!("{BEFORE}{revision:012}")
}

/// Sort key of a job.
#[must_use]
pub fn job(id: &str) -> String {
    format!("{JOB}{}", escape(id))
}

/// Partition of a shop's models.
#[must_use]
pub fn models(shop: &Shop) -> String {
    format!("S#{shop}#M")
}

/// Sort key of a version of a shop's model.
#[must_use]
pub fn model(version: &str) -> String {
    format!("V#{version}")
}

/// Partition of a tombstone, by its keyed hash.
#[must_use]
pub fn tombstone(shop: &Shop, hash: &str) -> String {
    format!("S#{shop}#T#{hash}")
}

/// The hash of a tombstone's partition.
#[must_use]
pub fn parse_tombstone(pk: &str) -> Option<String> {
    pk.strip_prefix("S#")?.split_once("#T#").map(|(_, hash)| hash.to_owned())
}

/// Partition of the records of erasures.
#[must_use]
pub fn erasures(shop: &Shop) -> String {
    format!("S#{shop}#R")
}

/// Partition of the counts of events that nobody is named in.
#[must_use]
pub fn counts(shop: &Shop) -> String {
    format!("S#{shop}#A")
}

/// Partition of an API key, by its hash.
#[must_use]
pub fn api_key(hash: &str) -> String {
    format!("K#{hash}")
}

/// Partition of a shop's list of keys.
#[must_use]
pub fn shop_keys(shop: &Shop) -> String {
    format!("S#{shop}#K")
}

/// Sort key of one of a shop's staff: after all keys, whose ids are hexadecimal digits.
#[must_use]
pub fn staff(name: &str) -> String {
    format!("staff#{name}")
}

/// Partition of the key that checks user tokens, by its public id.
#[must_use]
pub fn token_key(id: &str) -> String {
    format!("K#t:{}", escape(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shop() -> Shop {
        Shop::new("demo").unwrap()
    }

    #[test]
    fn profile_links_and_events_come_in_this_order_and_nothing_between() {
        let device = Visitor::anonymous("x").unwrap();
        let id = MessageId::new("m").unwrap();
        let mut keys = [
            mark(&id),
            BASE.into(),
            decision(Millis::MAX, "d"),
            event(Millis::MAX, &id),
            event(Millis(0), &id),
            link(&device),
            PROFILE.into(),
        ];
        keys.sort();
        keys.reverse();
        assert_eq!(keys[..4], [PROFILE.to_owned(), link(&device), event(Millis::MAX, &id), event(Millis(0), &id)]);
    }

    #[test]
    fn what_decisions_are_made_from_lies_side_by_side_and_nothing_else_between() {
        let kinds = ["experiment", "hold-out", "placement"].map(|kind| setting(kind, "~"));
        let more = ["rfm", "rule", "segment", "shop", "training", "vectors"].map(|kind| setting(kind, "~"));
        let keys: Vec<String> = kinds.into_iter().chain([REVISION.into()]).chain(more).chain([before(9)]).collect();
        assert!(keys.is_sorted() && before(9) < before(10));
        assert!(before(999_999_999_999) < job("0"));
    }

    proptest! {
        #[test]
        fn keys_are_read_back(id in "[^\\p{Cc}]{1,30}", time in 0..9_999_999_999_999_i64) {
            for visitor in [Visitor::anonymous(id.clone()).unwrap(), Visitor::known(id.clone()).unwrap()] {
                prop_assert_eq!(parse_visitor(&super::visitor(&shop(), &visitor)), Some((shop(), visitor.clone())));
                prop_assert_eq!(parse_link(&link(&visitor)), Some(visitor));
            }
            if let Ok(message) = MessageId::new(id) {
                prop_assert_eq!(parse_event(&event(Millis(time), &message)), Some((Millis(time), message)));
            }
        }

        #[test]
        fn different_visitors_of_different_shops_never_meet(a in "[a-z#%:]{1,8}", b in "[a-z#%:]{1,8}") {
            let (va, vb) = (Visitor::anonymous(a.clone()).unwrap(), Visitor::anonymous(b.clone()).unwrap());
            let other = Shop::new("other").unwrap();
            prop_assert_eq!(visitor(&shop(), &va) == visitor(&shop(), &vb), a == b);
            prop_assert_ne!(visitor(&shop(), &va), visitor(&other, &vb));
        }
    }
}
