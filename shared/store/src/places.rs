//! Every place in which the stack keeps something, and how what is held on a visitor leaves it.
//!
//! The list is one macro call, and a place without its way of erasure does not compile. That there is no other place is
//! shown by the test of erasure: whatever it finds in the table and in the data folder has to be one of these.

use serde::{Deserialize, Serialize};

use crate::keys;

/// How what is held on a visitor leaves a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// Deleted at once, with all that lies in the visitor's partition.
    WithPartition,
    /// Deleted at once; what others say of the visitor is taken out of what they say.
    WithMentions,
    /// What is the visitor's is taken out of each file before the next training.
    Rewritten,
    /// Replaced by the next training, which learns without the visitor; older versions cannot be gone back to.
    Retrained,
    /// Deleted when it was read, and at most a day later if it never is.
    Passing,
    /// Deleted once the next model is live, whosever it is.
    Purged,
    /// Nothing is held there on a visitor, for this reason.
    HoldsNobody(&'static str),
}

impl Erasure {
    /// In a word, for receipts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WithPartition | Self::WithMentions | Self::Purged => "deleted",
            Self::Rewritten => "rewritten",
            Self::Retrained => "retrained",
            Self::Passing => "passing",
            Self::HoldsNobody(_) => "holds nobody",
        }
    }
}

/// Where a place is and how it is recognised.
enum Mark {
    /// In a visitor's partition, by how the sort key begins.
    Visitor(&'static str),
    /// In another partition, by how the keys begin behind the shop.
    Shop(&'static str, &'static str),
    /// An API key.
    Key,
    /// An object of a shop, by the folder behind the shop.
    Object(&'static str),
    /// What a bucket keeps besides its objects.
    Bucket,
    /// A file of a stack on one machine, by how its path in the data folder begins.
    File(&'static str),
}

macro_rules! places {
    ($($(#[doc = $doc:literal])+ $name:ident: $mark:expr => $erasure:expr;)+) => {
        /// A place.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Place {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Place {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// How what is held on a visitor leaves it.
            #[must_use]
            pub const fn erasure(self) -> Erasure {
                match self {
                    $(Self::$name => $erasure,)+
                }
            }

            const fn mark(self) -> Mark {
                match self {
                    $(Self::$name => $mark,)+
                }
            }
        }
    };
}

places! {
    /// Events in the table.
    Event: Mark::Visitor("E#") => Erasure::WithMentions;
    /// Marks of events that came without a time.
    EventMark: Mark::Visitor("!N#") => Erasure::WithPartition;
    /// Profiles, with affinities and last actions.
    Profile: Mark::Visitor(keys::PROFILE) => Erasure::WithPartition;
    /// Compacted states behind profiles.
    CompactedState: Mark::Visitor(keys::BASE) => Erasure::WithPartition;
    /// Decisions in the table.
    Decision: Mark::Visitor("D#") => Erasure::WithMentions;
    /// Links between devices and customers, on both sides.
    Link: Mark::Visitor("L#") => Erasure::WithMentions;
    /// Tombstones.
    Tombstone: Mark::Shop("#T#", keys::TOMBSTONE) => Erasure::HoldsNobody("a keyed hash, which stays");
    /// Records of erasures.
    ErasureRecord: Mark::Shop("#R", "") => Erasure::HoldsNobody("keyed hashes and counts");
    /// Counts of what visitors did who are not remembered.
    Count: Mark::Shop("#A", "") => Erasure::HoldsNobody("sums by day and action");
    /// API keys and the keys that check user tokens.
    ApiKey: Mark::Key => Erasure::HoldsNobody("keys are the shop's");
    /// The list of a shop's keys.
    KeyEntry: Mark::Shop("#K", "") => Erasure::HoldsNobody("keys are the shop's");
    /// Products.
    Product: Mark::Shop("#P#", "") => Erasure::HoldsNobody("products are the shop's");
    /// Changes of the catalogue and settings.
    Change: Mark::Shop("#X", "") => Erasure::HoldsNobody("products are the shop's");
    /// Settings, their past, and jobs with their reports.
    Setting: Mark::Shop("#C", "") => Erasure::HoldsNobody("settings are the shop's; reports tell of rows by their number");
    /// Pointers to models.
    ModelPointer: Mark::Shop("#M", "") => Erasure::HoldsNobody("names of versions");
    /// The event lake.
    EventLake: Mark::Object("events/") => Erasure::Rewritten;
    /// The decision lake.
    DecisionLake: Mark::Object("decisions/") => Erasure::Rewritten;
    /// Vectors that the shop computed itself.
    OwnVectors: Mark::Object("vectors/") => Erasure::Rewritten;
    /// Artifacts, with the vectors that visitors were given; and their copies in a vector server.
    Artifact: Mark::Object("models/") => Erasure::Retrained;
    /// Counts of a shop's visitors and a sample of what is known of them.
    Census: Mark::Object("segments/") => Erasure::Rewritten;
    /// A shop's results.
    Results: Mark::Object("results/") => Erasure::HoldsNobody("sums over many visitors");
    /// Uploaded files that wait to be imported.
    Upload: Mark::Object("jobs/") => Erasure::Passing;
    /// Old versions of a shop's objects, in a bucket that keeps them.
    OldVersion: Mark::Bucket => Erasure::Purged;
    /// Copies of the records of erasures, from which tombstones are written again after a restore.
    ErasureCopy: Mark::Object("erasures/") => Erasure::HoldsNobody("keyed hashes and counts");
    /// The table's file, with deleted pages and consumed stream records, on one machine.
    TableFile: Mark::File("table.db") => Erasure::Rewritten;
    /// Stream records that could not be taken in.
    DeadLetter: Mark::File("dead-letters/") => Erasure::Rewritten;
    /// How far the readers of the stream are.
    StreamPlace: Mark::File("stream/") => Erasure::HoldsNobody("numbers of records");
    /// Downloaded artifacts.
    Scratch: Mark::File("scratch/") => Erasure::Retrained;
    /// The secret, the weights of the text embedding, where the stack listens, and when the erased were last taken out.
    StackFile: Mark::File("") => Erasure::HoldsNobody("files of the program");
}

impl Place {
    /// Its name in receipts.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// The folders of a shop's objects in which something may be held on visitors, each with a slash at its end.
    pub(crate) fn folders_of_visitors() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().filter_map(|place| match (place.mark(), place.erasure()) {
            (_, Erasure::HoldsNobody(_)) => None,
            (Mark::Object(folder), _) => Some(folder),
            _ => None,
        })
    }

    /// The place of an item of the table, by its keys.
    #[must_use]
    pub fn of_item(pk: &str, sk: &str) -> Option<Self> {
        if pk.starts_with("K#") {
            return Some(Self::ApiKey);
        }
        let rest = pk.strip_prefix("S#")?;
        let rest = rest.get(rest.find('#')?..)?;
        let is = |place: &&Self| match place.mark() {
            Mark::Visitor(begins) => rest.starts_with("#V#") && sk.starts_with(begins),
            Mark::Shop(partition, begins) => rest.starts_with(partition) && sk.starts_with(begins),
            _ => false,
        };
        Self::ALL.iter().find(is).copied()
    }

    /// The place of an object, by its key.
    #[must_use]
    pub fn of_object(key: &str) -> Option<Self> {
        let (_, rest) = key.strip_prefix("shops/")?.split_once('/')?;
        let is = |place: &&Self| matches!(place.mark(), Mark::Object(folder) if rest.starts_with(folder));
        Self::ALL.iter().find(is).copied()
    }

    /// The place of a file of a stack on one machine, by its path in the data folder.
    #[must_use]
    pub fn of_file(path: &str) -> Option<Self> {
        if let Some(key) = path.strip_prefix("objects/") {
            return Self::of_object(key);
        }
        let alone = ["secret", "text.weights", "running.json", "scrubbed"];
        let is = |place: &&Self| match place.mark() {
            Mark::File("") => alone.contains(&path),
            Mark::File(begins) => path.starts_with(begins),
            _ => false,
        };
        Self::ALL.iter().find(is).copied()
    }
}

#[cfg(test)]
mod tests {
    use vitrine_domain::{MessageId, Millis, ProductId, Shop, Visitor};

    use super::*;

    #[test]
    fn every_key_of_the_table_is_of_a_place() {
        let shop = Shop::new("demo").unwrap();
        let (visitor, id) = (Visitor::anonymous("V#E#1").unwrap(), MessageId::new("m").unwrap());
        let of = keys::visitor(&shop, &visitor);
        for (pk, sk, place) in [
            (of.clone(), keys::event(Millis(1), &id), Place::Event),
            (of.clone(), keys::mark(&id), Place::EventMark),
            (of.clone(), keys::PROFILE.to_owned(), Place::Profile),
            (of.clone(), keys::BASE.to_owned(), Place::CompactedState),
            (of.clone(), keys::decision(Millis(1), "n"), Place::Decision),
            (of, keys::link(&visitor), Place::Link),
            (keys::tombstone(&shop, "00"), keys::TOMBSTONE.to_owned(), Place::Tombstone),
            (keys::erasures(&shop), "W#1".to_owned(), Place::ErasureRecord),
            (keys::counts(&shop), "2026-11-22#view".to_owned(), Place::Count),
            (keys::api_key("00"), keys::KEY.to_owned(), Place::ApiKey),
            (keys::token_key("00"), keys::KEY.to_owned(), Place::ApiKey),
            (keys::shop_keys(&shop), "00".to_owned(), Place::KeyEntry),
            (keys::product(&shop, &ProductId::new("p").unwrap()), keys::PRODUCT.to_owned(), Place::Product),
            (keys::changes(&shop), "0".to_owned(), Place::Change),
            (keys::settings(&shop), keys::REVISION.to_owned(), Place::Setting),
            (keys::models(&shop), keys::ERASURES.to_owned(), Place::ModelPointer),
        ] {
            assert_eq!(Place::of_item(&pk, &sk), Some(place), "{pk} {sk}");
        }
        for (pk, sk) in [("S#demo#Z", "1"), ("S#demo#V#a:x", "Z#1"), ("X#demo", "1"), ("S#demo", "1")] {
            assert_eq!(Place::of_item(pk, sk), None, "{pk} {sk}");
        }
    }

    #[test]
    fn files_are_of_places() {
        for (path, place) in [
            ("objects/shops/demo/events/2026-11-22/a.ndjson.zst", Some(Place::EventLake)),
            ("objects/shops/demo/models/v/artifact.bin", Some(Place::Artifact)),
            ("objects/shops/demo/segments/census.ndjson.zst", Some(Place::Census)),
            ("objects/shops/demo/somewhere/else", None),
            ("objects/elsewhere", None),
            ("table.db-wal", Some(Place::TableFile)),
            ("dead-letters/fold-1.json", Some(Place::DeadLetter)),
            ("secret", Some(Place::StackFile)),
            ("a new file", None),
        ] {
            assert_eq!(Place::of_file(path), place, "{path}");
        }
    }
}
