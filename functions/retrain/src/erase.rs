//! Erasures behind the table: before a training reads anything, the erased are taken out of what it reads; once a model that
//! never knew them is live, no older one is left to go back to and the erasures are done.
//!
//! The lake is swept first, then the shop's own vectors, files that nobody imported and the census of visitors. Then the
//! erasure is counted, so that a training which read the lake before does not pass for one that did not. The records name
//! nobody: who a line belongs to is found by its keyed hash.

use vitrine_domain::time::DAY;
use vitrine_domain::{Millis, Shop};
use vitrine_learn::OwnVectors;
use vitrine_runtime::Context;
use vitrine_store::erasures::Record;
use vitrine_store::lake::Kind;
use vitrine_store::places::{Erasure, Place, Rewriting};
use vitrine_store::sweep::Erased;
use vitrine_store::vectors::{self, VectorSet};

use crate::{Error, card};

/// How long an uploaded file may wait to be imported, and vectors to be listed.
const WAITS: i64 = DAY;

/// Takes the erased out of everything that is learned from. Answers the erasures that are done once the next model is live.
pub(crate) async fn sweep(context: &Context, shop: &Shop) -> Result<Vec<Record>, Error> {
    let forgotten = forget_uploads(context, shop).await?;
    let mut waiting = context.table.waiting_erasures(shop).await?;
    if waiting.is_empty() {
        return Ok(waiting);
    }
    let (key, records) = (context.tombstone_key(), waiting.clone());
    let mut erased = Erased::of(&key, shop, &records);
    let mut touched = vec![(Place::Upload, forgotten)];
    for place in Place::ALL {
        if let Erasure::Rewritten(way) = place.erasure() {
            touched.push((*place, rewrite(context, shop, way, &mut erased).await?));
        }
    }
    context.table.note_erasure(shop).await?;
    for record in &waiting {
        put_copy(context, shop, record).await?;
    }
    // What was taken out for all of them together is told by the first: lines are not counted visitor by visitor.
    if let Some(first) = waiting.first_mut() {
        touched.into_iter().for_each(|(place, count)| first.touch(place, count));
        context.table.put_erasure(shop, first).await?;
    }
    tracing::info!(%shop, erasures = waiting.len(), "the erased were taken out of the lake");
    Ok(waiting)
}

/// Takes the erased out of the files of a place. Answers how many lines or rows were touched.
async fn rewrite(context: &Context, shop: &Shop, way: Rewriting, erased: &mut Erased<'_>) -> Result<u64, Error> {
    Ok(match way {
        Rewriting::EventLake => context.objects.erase_from_lake(shop, Kind::Events, erased).await?,
        Rewriting::DecisionLake => context.objects.erase_from_lake(shop, Kind::Decisions, erased).await?,
        Rewriting::OwnVectors => erase_vectors(context, shop, erased).await?,
        Rewriting::Census => {
            context.objects.forget_census(shop).await?;
            0
        }
    })
}

/// Takes the erased out of the shop's own vectors, and removes what no set names.
async fn erase_vectors(context: &Context, shop: &Shop, erased: &mut Erased<'_>) -> Result<u64, Error> {
    let (now, objects, table) = (context.clock.now(), &context.objects, &context.table);
    let mut touched = 0;
    for set in table.vector_sets(shop).await? {
        let Some(bytes) = objects.get(&set.value.object).await? else { continue };
        let wrong = |source| Error::Vectors { name: set.id.clone(), source };
        let mut own = OwnVectors::unpack(&set.id, &bytes).map_err(wrong)?;
        let before = own.visitors.len();
        own.visitors.retain(|(visitor, _)| !erased.holds(&visitor.to_string(), set.value.uploaded));
        let gone = before - own.visitors.len();
        if gone == 0 {
            continue;
        }
        touched += gone as u64;
        if own.visitors.is_empty() && own.products.is_empty() {
            table.remove_vector_set(objects, shop, &set.id).await?;
            continue;
        }
        let packed = own.pack().map_err(|error| Error::Pack { what: "own vectors", source: error.into() })?;
        let object = VectorSet::new_object(shop, &set.id, now)?;
        let new = VectorSet { object, visitors: own.visitors.len(), bytes: packed.len(), ..set.value.clone() };
        objects.put(&new.object, packed).await?;
        table.put_vector_set(objects, shop, &set.id, &new, Some(&set)).await?;
    }
    let named: Vec<String> = table.vector_sets(shop).await?.into_iter().map(|set| set.value.object).collect();
    for entry in objects.list(&vectors::folder(shop)).await? {
        // Identifiers that wait for their matrix: whom of the erased they name is not looked at.
        if vectors::is_ids(&entry.key) || !named.contains(&entry.key) && is_old(&entry.key, now) {
            objects.delete(&entry.key).await?;
        }
    }
    Ok(touched)
}

/// Deletes what waits too long, also where nobody was erased: files that nobody came to import, identifiers whose matrix never
/// came. Those that come are read without the erased.
pub(crate) async fn forget_uploads(context: &Context, shop: &Shop) -> Result<u64, Error> {
    let (now, mut gone) = (context.clock.now(), 0);
    let files = context.objects.list(&format!("shops/{shop}/jobs")).await?.into_iter();
    let files = files.filter(|entry| !entry.key.contains("/jobs/retrain/"));
    let ids = context.objects.list(&vectors::folder(shop)).await?.into_iter();
    for entry in files.chain(ids.filter(|entry| vectors::is_ids(&entry.key))) {
        if is_old(&entry.key, now) {
            context.objects.delete(&entry.key).await?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Writes a copy of a record outside of the table, so that its tombstones can be written again into one that was restored from
/// before.
async fn put_copy(context: &Context, shop: &Shop, record: &Record) -> Result<(), Error> {
    let copy = serde_json::to_vec(record).map_err(|e| Error::Pack { what: "an erasure", source: e.into() })?;
    Ok(context.objects.put(&format!("shops/{shop}/erasures/{}.json", record.id), copy).await?)
}

/// Whether an object whose name begins with its time is too old to be waited for.
fn is_old(key: &str, now: Millis) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    let time = name.split('-').next().and_then(|time| time.parse().ok());
    time.is_some_and(|time| now.since(Millis(time)) > WAITS)
}

/// Ends erasures: the live model does not know them, and no older version is kept.
pub(crate) async fn complete(
    context: &Context,
    shop: &Shop,
    mut swept: Vec<Record>,
    erasures: u64,
) -> Result<(), Error> {
    if swept.is_empty() {
        return Ok(());
    }
    let live = context.table.live_model(shop).await?.map(|(live, _)| live.version);
    if let Some(live) = &live
        && card::erasures(context, shop, live).await?.is_none_or(|then| then < erasures)
    {
        // Another training that read the lake before was faster: the next one ends it.
        return Ok(());
    }
    // All of them: files that held the erased were replaced, merged, imported and pruned.
    let purged = context.objects.delete_old_versions(shop).await?;
    if let Some(first) = swept.first_mut() {
        first.touch(Place::OldVersion, purged);
    }
    let now = context.clock.now();
    for mut record in swept {
        (record.completed, record.model) = (Some(now), live.clone());
        put_copy(context, shop, &record).await?;
        context.table.end_erasure(shop, &record).await?;
    }
    Ok(())
}
