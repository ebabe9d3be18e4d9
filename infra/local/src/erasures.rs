//! What an erasure has to reach on one machine besides the table and the objects: dead letters, and the table's own file,
//! which keeps deleted rows in free pages and consumed stream records with the keys of what was deleted.

use std::path::Path;

use anyhow::{Context as _, Result};
use aws_lambda_events::event::dynamodb::EventRecord;
use vitrine_domain::Millis;
use vitrine_runtime::Context;
use vitrine_store::keys;
use vitrine_store::stream::{Record, decode, place_of};
use vitrine_store::tombstones::named;

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
    let Some((shop, visitor, (_, sk))) = place_of(record) else { return Ok(false) };
    let event = match decode(record) {
        Ok(Record::Event { event, .. }) => Some(event),
        _ => None,
    };
    // Of what cannot be read the key still tells when it was.
    let of_key = || keys::parse_decision(&sk).or_else(|| keys::parse_event(&sk).map(|(time, _)| time));
    let time = event.as_ref().map(|event| event.time).or_else(of_key);
    let mut names = vec![visitor.clone()];
    names.extend(keys::parse_link(&sk));
    names.extend(event.iter().flat_map(|event| named(event)));
    let barred = context.table.barred_now(&context.tombstone_key(), &shop, names.clone()).await?;
    let then = time.is_some_and(|time| barred.holds(&visitor, time));
    Ok(then || names.iter().any(|name| barred.is_whole(name)))
}
