//! The event lake in a folder.

use vitrine_domain::Event;
use vitrine_store::lake::Kind;
use vitrine_store::{Error, Objects};

use crate::support::{device, event, events, other_shop, shop};

const DAY: &str = "2026-09-21";

struct Lake {
    objects: Objects,
    folder: tempfile::TempDir,
}

impl Lake {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { objects: Objects::folder(folder.path()).unwrap(), folder }
    }

    async fn write(&self, day: &str, name: &str, events: &[Event]) {
        let lines: Vec<String> = events.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
        self.objects.write_lake(&shop(), Kind::Events, day, name, &lines).await.unwrap();
    }

    async fn read(&self) -> Vec<Event> {
        let mut found = Vec::new();
        let count = self.objects.read_events(&shop(), &mut |event| found.push(event)).await.unwrap();
        assert_eq!(count, found.len());
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    async fn files(&self) -> Vec<String> {
        let files = self.objects.list("shops/demo").await.unwrap();
        files.into_iter().map(|entry| entry.key.rsplit_once('/').unwrap().1.to_owned()).collect()
    }
}

#[tokio::test]
async fn events_come_back_once_each() {
    let lake = Lake::new();
    let all = events(&device("phone"), 10);
    lake.write(DAY, "1", &all[..6]).await;
    lake.write(DAY, "1", &all[..6]).await;
    lake.write(DAY, "2", &all[4..]).await;
    lake.write("2026-09-22", "3", &all[9..]).await;
    lake.objects.write_lake(&shop(), Kind::Decisions, DAY, "4", &["{}".to_owned()]).await.unwrap();
    lake.objects.write_lake(&other_shop(), Kind::Events, DAY, "5", &["not even JSON".to_owned()]).await.unwrap();
    assert_eq!(lake.read().await, all);
    assert_eq!(lake.objects.shops().await.unwrap(), [shop(), other_shop()]);
    // The same message id of another visitor is another event.
    lake.write(DAY, "6", &[event(&device("laptop"), "m0001", all[1].time)]).await;
    assert_eq!(lake.read().await.len(), 11);
}

#[tokio::test]
async fn of_a_corrected_event_the_last_writing_is_read() {
    let lake = Lake::new();
    let original = event(&device("phone"), "m1", crate::support::NOW);
    let named = |name: &str| Event { name: Some(name.to_owned()), ..original.clone() };
    lake.write(DAY, "0001", &[original.clone(), named("in the same file")]).await;
    assert_eq!(lake.read().await, [named("in the same file")]);
    lake.write(DAY, "0002", &[named("in a later file")]).await;
    assert_eq!(lake.read().await, [named("in a later file")]);
    lake.write("2026-09-22", "0000", &[named("on a later day")]).await;
    assert_eq!(lake.read().await, [named("on a later day")]);
}

#[tokio::test]
async fn merging_keeps_every_event_and_the_order_of_writing() {
    let lake = Lake::new();
    let all = events(&device("phone"), 40);
    for (n, part) in all.chunks(5).enumerate() {
        assert_eq!(lake.objects.compact_lake(&shop(), Kind::Events).await.unwrap(), [], "{n} files are few");
        lake.write(DAY, &format!("000{n}"), part).await;
    }
    let corrected = Event { name: Some("corrected".to_owned()), ..all[0].clone() };
    lake.write(DAY, "0008", std::slice::from_ref(&corrected)).await;
    lake.write("2026-09-22", "0009", &all[3..4]).await;
    assert_eq!(lake.objects.compact_lake(&shop(), Kind::Events).await.unwrap()[0].of, 9);
    assert_eq!(lake.files().await.len(), 2, "one for each day");
    let mut expected = all.clone();
    expected[0] = corrected;
    assert_eq!(lake.read().await, expected);

    // What comes to the same day after the merge is newer than what was merged.
    let again = Event { name: Some("corrected again".to_owned()), ..all[0].clone() };
    lake.write(DAY, "0010", std::slice::from_ref(&again)).await;
    expected[0] = again;
    assert_eq!(lake.read().await, expected);
}

#[tokio::test]
async fn a_merge_that_was_killed_before_it_deleted_is_merged_again() {
    let lake = Lake::new();
    let all = events(&device("phone"), 40);
    let write_all = async || {
        for (n, part) in all.chunks(5).enumerate() {
            lake.write(DAY, &format!("000{n}"), part).await;
        }
    };
    write_all().await;
    lake.objects.compact_lake(&shop(), Kind::Events).await.unwrap();
    // The originals are still there, as if none had been deleted.
    write_all().await;
    assert_eq!(lake.files().await.len(), 9);
    assert_eq!(lake.read().await, all);
    lake.objects.compact_lake(&shop(), Kind::Events).await.unwrap();
    assert_eq!(lake.files().await.len(), 1);
    assert_eq!(lake.read().await, all);
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_not_a_smaller_lake() {
    let lake = Lake::new();
    lake.write(DAY, "1", &events(&device("phone"), 50)).await;
    let file = lake.folder.path().join(format!("shops/demo/events/{DAY}/1.ndjson.zst"));
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&file, &bytes).unwrap();
    assert!(lake.objects.read_events(&shop(), &mut |_| {}).await.is_err());
    bytes.truncate(middle);
    std::fs::write(&file, &bytes).unwrap();
    assert!(lake.objects.read_events(&shop(), &mut |_| {}).await.is_err());
    let line = |text: &str| vec![text.to_owned()];
    lake.objects.write_lake(&shop(), Kind::Events, DAY, "1", &line("{\"m\":")).await.unwrap();
    let outcome = lake.objects.read_events(&shop(), &mut |_| {}).await;
    assert!(matches!(outcome, Err(Error::Corrupt { .. })), "{outcome:?}");
}
