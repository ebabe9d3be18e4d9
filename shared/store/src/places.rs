//! Every place in which the stack keeps something, and how what is held on a visitor leaves it.
//!
//! The list is one macro call, and a place without its way of erasure does not compile; nor does one that is rewritten
//! without the code that does it. That there is no other place is shown where things are written: an object under another
//! name and an item with another key are refused, such a key stops every test that touches it, and whatever the test of
//! erasure finds in the table and in the data folder has to be one of these. What has no document, links and counts, has its
//! key checked in tests only.

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
    Rewritten(Rewriting),
    /// Taken out within an hour on one machine. In the cloud it ends by itself, after so many days.
    Scrubbed(i64),
    /// Replaced by the next training, which learns without the visitor; older versions cannot be gone back to.
    Retrained,
    /// Deleted when it was read, and at most a day later if it never is.
    Passing,
    /// Deleted once the next model is live, whosever it is.
    Purged,
    /// Nothing is held there on a visitor, for this reason.
    HoldsNobody(&'static str),
}

/// How what is the visitor's is taken out of files: each has its code in the training, which does not compile without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rewriting {
    /// Line by line, out of the event lake.
    EventLake,
    /// Line by line, out of the decision lake.
    DecisionLake,
    /// Row by row, out of every set of vectors.
    OwnVectors,
    /// As a whole: the census is taken anew.
    Census,
}

impl Erasure {
    /// In a word, for receipts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WithPartition | Self::WithMentions | Self::Purged => "deleted",
            Self::Rewritten(_) => "rewritten",
            Self::Retrained => "retrained",
            Self::Passing => "passing",
            Self::Scrubbed(_) => "scrubbed",
            Self::HoldsNobody(_) => "holds nobody",
        }
    }
}

/// Where a place is and how it is recognised. A key that ends in `#` is how keys begin; another one is the whole key.
enum Mark {
    /// In a visitor's partition, by the sort key.
    Visitor(&'static str),
    /// In another partition, by the partition's key behind the shop and the sort keys that there are.
    Shop(&'static str, &'static [&'static str]),
    /// An API key.
    Key,
    /// An object of a shop, by the folder behind the shop.
    Object(&'static str),
    /// What a bucket keeps besides its objects.
    Bucket,
    /// A file of a stack on one machine, by how its path in the data folder begins.
    File(&'static str),
    /// What the platform keeps of what the program says of itself.
    Told,
}

/// Sort keys that begin with a time, an identifier or a name.
const ANY: &[&str] = &[""];
/// Kinds of settings, their revision and their past, and jobs.
const SETTINGS: &[&str] = &[
    "attribution#",
    "cloud-prices#",
    "experiment#",
    "hold-out#",
    "placement#",
    keys::REVISION,
    "rfm#",
    "rule#",
    "segment#",
    "shop#",
    "vectors#",
    keys::BEFORE,
    keys::JOB,
];

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
    Tombstone: Mark::Shop("#T#", &[keys::TOMBSTONE]) => Erasure::HoldsNobody("a keyed hash, which stays");
    /// Records of erasures.
    ErasureRecord: Mark::Shop("#R", &["W#", "D#"]) => Erasure::HoldsNobody("keyed hashes and counts");
    /// Counts of what visitors did who are not remembered.
    Count: Mark::Shop("#A", ANY) => Erasure::HoldsNobody("sums by day and action");
    /// API keys and the keys that check user tokens.
    ApiKey: Mark::Key => Erasure::HoldsNobody("keys are the shop's");
    /// The list of a shop's keys, and its staff.
    KeyEntry: Mark::Shop("#K", ANY) => Erasure::HoldsNobody("keys are the shop's");
    /// Products.
    Product: Mark::Shop("#P#", &[keys::PRODUCT]) => Erasure::HoldsNobody("products are the shop's");
    /// Changes of the catalogue and settings.
    Change: Mark::Shop("#X", ANY) => Erasure::HoldsNobody("products are the shop's");
    /// Settings, their past, and jobs with their reports.
    Setting: Mark::Shop("#C", SETTINGS) => Erasure::HoldsNobody("settings are the shop's; reports on people tell rows and columns, no cells");
    /// Pointers to models.
    ModelPointer: Mark::Shop("#M", &[keys::CURRENT, "V#", keys::ERASURES]) => Erasure::HoldsNobody("names of versions");
    /// The event lake.
    EventLake: Mark::Object("events/") => Erasure::Rewritten(Rewriting::EventLake);
    /// The decision lake.
    DecisionLake: Mark::Object("decisions/") => Erasure::Rewritten(Rewriting::DecisionLake);
    /// Vectors that the shop computed itself.
    OwnVectors: Mark::Object("vectors/") => Erasure::Rewritten(Rewriting::OwnVectors);
    /// Artifacts, with the vectors that visitors were given; and their copies in a vector server.
    Artifact: Mark::Object("models/") => Erasure::Retrained;
    /// Counts of a shop's visitors and a sample of what is known of them.
    Census: Mark::Object("segments/") => Erasure::Rewritten(Rewriting::Census);
    /// A shop's results.
    Results: Mark::Object("results/") => Erasure::HoldsNobody("sums over many visitors");
    /// Uploaded files that wait to be imported.
    Upload: Mark::Object("jobs/") => Erasure::Passing;
    /// Old versions of a shop's objects, in a bucket that keeps them.
    OldVersion: Mark::Bucket => Erasure::Purged;
    /// Copies of the records of erasures, from which tombstones are written again after a restore.
    ErasureCopy: Mark::Object("erasures/") => Erasure::HoldsNobody("keyed hashes and counts");
    /// Deleted pages and stream records: on one machine in the table's file, in the cloud in the table's stream.
    TableFile: Mark::File("table.db") => Erasure::Scrubbed(1);
    /// Stream records that could not be taken in: files on one machine, messages of a queue in the cloud.
    DeadLetter: Mark::File("dead-letters/") => Erasure::Scrubbed(14);
    /// How far the readers of the stream are.
    StreamPlace: Mark::File("stream/") => Erasure::HoldsNobody("numbers of records");
    /// Downloaded artifacts.
    Scratch: Mark::File("scratch/") => Erasure::Retrained;
    /// Logs, traces and metrics.
    Log: Mark::Told => Erasure::HoldsNobody("no bodies, identifiers, keys or tokens");
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
            return (sk == keys::KEY).then_some(Self::ApiKey);
        }
        let rest = pk.strip_prefix("S#")?;
        let rest = rest.get(rest.find('#')?..)?;
        let is = |place: &&Self| match place.mark() {
            Mark::Visitor(key) => rest.starts_with("#V#") && matches(sk, key),
            Mark::Shop(partition, keys) => matches(rest, partition) && keys.iter().any(|key| matches(sk, key)),
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

fn matches(key: &str, mark: &str) -> bool {
    if mark.is_empty() || mark.ends_with('#') { key.starts_with(mark) } else { key == mark }
}

#[cfg(test)]
mod tests {
    use vitrine_domain::{MessageId, Millis, ProductId, Shop, Visitor};

    use super::*;
    use crate::settings;

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
        for kind in settings::OF_DECISIONS.iter().chain(&[
            settings::ATTRIBUTION,
            settings::CLOUD_PRICES,
            crate::privacy::KIND,
            crate::training::KIND,
            crate::vectors::KIND,
        ]) {
            let place = Place::of_item(&keys::settings(&shop), &keys::setting(kind, "x"));
            assert_eq!(place, Some(Place::Setting), "{kind}");
        }
        for (pk, sk) in [
            ("S#demo#Z", "1"),
            ("S#demo#V#a:x", "Z#1"),
            ("S#demo#V#a:x", "~PROFILES"),
            ("S#demo#CAMPAIGN", "rule#1"),
            ("S#demo#C", "campaign#1"),
            ("S#demo#C", "revisions"),
            ("S#demo#M", "1"),
            ("S#demo#R", "1"),
            ("S#demo#P#p", "REVIEW"),
            ("S#demo#T#00", "TOMBSTONES"),
            ("K#00", "1"),
            ("X#demo", "1"),
            ("S#demo", "1"),
        ] {
            assert_eq!(Place::of_item(pk, sk), None, "{pk} {sk}");
        }
    }

    #[test]
    fn an_item_in_no_place_is_not_written() {
        let refused = crate::table::item("S#demo#CAMPAIGN", "rule#1", "rule", "{}");
        assert!(matches!(refused, Err(crate::Error::Refused { code, .. }) if code == "NoPlace"));
    }

    #[test]
    fn every_way_of_rewriting_is_of_one_place() {
        let ways = Place::ALL.iter().filter_map(|place| match place.erasure() {
            Erasure::Rewritten(way) => Some(way),
            _ => None,
        });
        let mut ways: Vec<Rewriting> = ways.collect();
        let count = ways.len();
        ways.sort();
        ways.dedup();
        assert_eq!(ways.len(), count, "a place is rewritten by the code of another one");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "is in no place")]
    fn an_item_in_no_place_is_met_by_whatever_test_touches_it() {
        drop(crate::table::key("S#demo#Z", "1"));
    }

    #[tokio::test]
    async fn an_object_in_no_place_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let objects = crate::Objects::folder(folder.path()).unwrap();
        objects.put("shops/demo/models/v/card.json", "{}").await.unwrap();
        for key in ["shops/demo/somewhere/else", "elsewhere"] {
            let refused = objects.put(key, "{}").await;
            assert!(matches!(refused, Err(crate::Error::Refused { code, .. }) if code == "NoPlace"), "{key}");
            assert_eq!(objects.get(key).await.unwrap(), None);
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
