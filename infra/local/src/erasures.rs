//! What an erasure has to reach on one machine besides the table and the objects: dead letters, and the table's own file,
//! which keeps deleted rows in free pages and consumed stream records with the keys of what was deleted.

use std::path::Path;

use anyhow::{Context as _, Result};
use aws_lambda_events::event::dynamodb::EventRecord;
use vitrine_domain::time::DAY;
use vitrine_domain::{Millis, Shop};
use vitrine_runtime::Context;
use vitrine_store::stream::{Record, decode, place_of};
use vitrine_store::tombstones::named;
use vitrine_store::{decisions, keys};

/// How long a dead letter is kept.
const LETTERS: i64 = 14 * DAY;
/// The file that says up to when the erased were taken out.
const NOTE: &str = "scrubbed";

/// Up to when the erased were taken out of the files of this machine.
pub(crate) fn scrubbed(data: &Path) -> Millis {
    let text = std::fs::read_to_string(data.join(NOTE)).unwrap_or_default();
    Millis(text.trim().parse().unwrap_or_default())
}

/// Notes up to when they were.
pub(crate) fn note(data: &Path, time: Millis) -> Result<()> {
    let file = data.join(NOTE);
    let part = file.with_extension("part");
    std::fs::write(&part, time.0.to_string())?;
    Ok(std::fs::rename(part, file)?)
}

/// Whether somebody was erased since a time.
pub(crate) async fn any_since(context: &Context, time: Millis) -> Result<bool> {
    for shop in context.objects.shops().await? {
        let lately = context.table.erasures_since(&shop, time).await?;
        if lately.iter().any(|record| record.requested >= time) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes the dead letters that are as old as the queue of the cloud lets them get. Answers how many.
pub(crate) fn expire_letters(folder: &Path, now: Millis) -> Result<usize> {
    let mut gone = 0;
    for file in std::fs::read_dir(folder).context("the dead letters cannot be listed")? {
        let file = file?;
        let written = file.metadata()?.modified()?.duration_since(std::time::UNIX_EPOCH)?.as_millis();
        if now.since(Millis(i64::try_from(written)?)) > LETTERS {
            std::fs::remove_file(file.path())?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Deletes the dead letters that are about somebody who was erased. Answers how many.
pub(crate) async fn bury_letters(context: &Context, folder: &Path) -> Result<usize> {
    let mut gone = 0;
    for file in std::fs::read_dir(folder).context("the dead letters cannot be listed")? {
        let file = file?.path();
        let letter: serde_json::Value = match serde_json::from_slice(&std::fs::read(&file)?) {
            Ok(letter) => letter,
            // Nobody can tell whom it is about.
            Err(_) => {
                std::fs::remove_file(&file)?;
                gone += 1;
                continue;
            }
        };
        // Of a letter without a record nobody can tell it either.
        let record = serde_json::from_value::<EventRecord>(letter["record"].clone()).ok();
        let of_erased = match record {
            Some(record) => is_of_erased(context, &record).await?,
            None => true,
        };
        if of_erased {
            std::fs::remove_file(&file)?;
            gone += 1;
        }
    }
    Ok(gone)
}

async fn is_of_erased(context: &Context, record: &EventRecord) -> Result<bool> {
    // What was deleted is not to be deleted again, and the letter names whose it was.
    if record.event_name == "REMOVE" {
        return Ok(true);
    }
    let Some((shop, visitor, (_, sk))) = place_of(record) else { return Ok(false) };
    let mut names = vec![visitor.clone()];
    names.extend(keys::parse_link(&sk));
    // Of what cannot be read the key still tells when it was.
    let time = keys::parse_decision(&sk).or_else(|| keys::parse_event(&sk).map(|(time, _)| time));
    let mut told = None;
    match decode(record) {
        Ok(Record::Event { event, .. }) => {
            names.extend(named(&event));
            told = Some(event);
        }
        Ok(Record::Decision { document, .. }) => names.extend(decisions::named(&document).into_iter().flatten()),
        _ => {}
    }
    let barred = context.table.barred_now(&context.tombstone_key(), &shop, names.clone()).await?;
    let then = match &told {
        Some(event) => barred.holds_event(event),
        None => time.is_some_and(|time| barred.holds(&visitor, time)),
    };
    Ok(then || names.iter().any(|name| barred.is_whole(name)))
}

/// What erasing once more came to in a shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The shop.
    pub shop: Shop,
    /// Erasures of which there is a record outside of the table.
    pub erasures: usize,
    /// Items that were deleted from the table.
    pub deleted: usize,
}

/// Erases once more, after a table was restored from a backup, whoever had been erased since: by the records of erasures that
/// lie beside the lake.
///
/// # Errors
/// If a store fails; doing it again goes on.
pub async fn erase_again(context: &Context) -> Result<Vec<Again>> {
    let (key, mut all) = (context.tombstone_key(), Vec::new());
    for shop in context.objects.shops().await? {
        let records = context.objects.erasures(&shop).await?;
        let deleted = context.table.replay_erasures(&key, &shop, &records).await?;
        all.push(Again { shop, erasures: records.len(), deleted });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vitrine_domain::{Shop, Visitor};
    use vitrine_engine::Engine;
    use vitrine_runtime::{Clock, Config};
    use vitrine_store::erasures::Until;

    use super::*;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn letter(kind: &str, of: &str, sk: &str, document: &Value) -> Value {
        json!({"function": "fold", "reason": "it failed", "record": {
            "eventID": "1", "eventName": kind, "eventSource": "aws:dynamodb", "awsRegion": "here",
            "dynamodb": {
                "ApproximateCreationDateTime": 1.0, "SizeBytes": 1, "SequenceNumber": "1",
                "Keys": {"PK": {"S": of}, "SK": {"S": sk}},
                "NewImage": {"PK": {"S": of}, "SK": {"S": sk}, "d": {"S": document.to_string()}},
            },
        }})
    }

    #[tokio::test]
    async fn letters_that_are_about_somebody_who_was_erased_go_and_others_stay() {
        let (engine, folder) = (Engine::memory().await.unwrap(), tempfile::tempdir().unwrap());
        let endpoint = engine.endpoint();
        let config = Config::read(&|name| match name {
            "VITRINE_TABLE" => Some("vitrine".to_owned()),
            "VITRINE_FOLDER" => Some(folder.path().join("objects").display().to_string()),
            "VITRINE_SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
            "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
            _ => None,
        });
        let context = Context::connect(config.unwrap(), Clock::set_to(NOW)).await.unwrap();
        context.table.create_if_missing().await.unwrap();
        let shop = Shop::new("demo").unwrap();
        let (anna, bert) = (Visitor::known("anna").unwrap(), Visitor::known("bert").unwrap());
        // Anna has a phone of her own, and the tablet in turns with Bert.
        for (device, user, minutes) in [("phone", &anna, 60), ("tablet", &anna, 60), ("tablet", &bert, 30)] {
            let device = Visitor::anonymous(device).unwrap();
            context.table.link(&shop, &device, user, NOW.plus(-minutes * 60_000)).await.unwrap();
        }
        context.table.erase(&context.tombstone_key(), &shop, &anna, Until::Ever, NOW).await.unwrap();

        let at = |minutes: i64| NOW.plus(-minutes * 60_000).sort_key();
        let (event, view) = (|minutes| format!("E#{}#m", at(minutes)), json!({"re": NOW.0, "k": "view"}));
        let own = |more: Value| {
            let mut document = view.clone();
            document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            document
        };
        let none = json!({});
        let alias = own(json!({"k": "alias", "pp": {"previousId": "phone"}}));
        let letters = [
            ("hers", true, letter("INSERT", "S#demo#V#u:anna", &event(5), &view)),
            ("her phone's", true, letter("INSERT", "S#demo#V#a:phone", &event(5), &view)),
            ("hers, unreadable", true, letter("INSERT", "S#demo#V#u:anna", &event(5), &json!({"k": 7}))),
            ("her time on the tablet", true, letter("INSERT", "S#demo#V#a:tablet", &event(70), &view)),
            ("his time on the tablet", false, letter("INSERT", "S#demo#V#a:tablet", &event(40), &view)),
            ("his", false, letter("INSERT", "S#demo#V#u:bert", &event(5), &view)),
            ("his, unreadable", false, letter("INSERT", "S#demo#V#u:bert", &event(5), &json!({"k": 7}))),
            ("his on her phone", true, letter("INSERT", "S#demo#V#u:bert", &event(5), &own(json!({"an": "phone"})))),
            ("his that names her phone", true, letter("INSERT", "S#demo#V#u:bert", &event(5), &alias)),
            ("her phone's link to him", true, letter("INSERT", "S#demo#V#u:bert", "L#a:phone", &none)),
            ("what she was shown", true, letter("INSERT", "S#demo#V#u:anna", &format!("D#{}#0a", at(5)), &none)),
            (
                "what he was shown on her phone",
                true,
                letter("INSERT", "S#demo#V#u:bert", &format!("D#{}#0a", at(5)), &json!({"dv": "phone"})),
            ),
            ("what he was shown", false, letter("INSERT", "S#demo#V#u:bert", &format!("D#{}#0a", at(5)), &none)),
            ("another shop's", false, letter("INSERT", "S#other#V#u:anna", &event(5), &view)),
            ("what was deleted", true, letter("REMOVE", "S#demo#V#u:anna", &event(5), &none)),
            ("without a record", true, json!({"function": "fold"})),
        ];
        let dead = folder.path().join("dead-letters");
        std::fs::create_dir(&dead).unwrap();
        for (name, _, letter) in &letters {
            std::fs::write(dead.join(name), letter.to_string()).unwrap();
        }
        std::fs::write(dead.join("no JSON"), "{").unwrap();
        let gone = letters.iter().filter(|(_, goes, _)| *goes).count() + 1;
        assert_eq!(bury_letters(&context, &dead).await.unwrap(), gone);
        let mut left: Vec<String> =
            std::fs::read_dir(&dead).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let mut stay: Vec<&str> = letters.iter().filter(|(_, goes, _)| !goes).map(|(name, ..)| *name).collect();
        stay.sort_unstable();
        assert_eq!(left, stay);
        assert_eq!(bury_letters(&context, &dead).await.unwrap(), 0);
    }

    #[test]
    fn letters_end_after_a_fortnight() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("fold-1.json"), "{}").unwrap();
        let now = Clock::system().now();
        for (days, gone, left) in [(0, 0, 1), (13, 0, 1), (15, 1, 0), (16, 0, 0)] {
            assert_eq!(expire_letters(folder.path(), now.plus(days * DAY)).unwrap(), gone, "after {days} days");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), left, "after {days} days");
        }
    }
}
