//! The sample shop: on the first start its catalogue and history go the way everything goes, through the table, its
//! stream, `fold`, `archive` and `retrain`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use vitrine_domain::{Event, Shop, Visitor};
use vitrine_runtime::Context;
use vitrine_store::staff::Role;

use crate::poller::Poller;
use crate::progress::Step;
use crate::readers::Reader;
use crate::shops::{self, Keys};
use crate::stack::Options;
use crate::staff;

/// The sample shop's name and its keys, which work on loopback only.
pub(crate) const SHOP: &str = "demo";
pub(crate) const BROWSER_KEY: &str = "demo";
pub(crate) const SERVER_KEY: &str = "demo-secret";
/// Events of one batch of writes.
const BATCH: usize = 2000;

/// Who runs the sample shop.
const ADMIN: &str = "admin";

/// Loads the sample shop, unless it has been loaded to the end before. Answers name and password of its admin if they were
/// made now.
pub(crate) async fn load(
    context: &Context,
    poller: &Arc<Poller>,
    options: &Options,
) -> Result<Option<(String, String)>> {
    let shop = Shop::new(SHOP)?;
    if context.table.live_model(&shop).await?.is_none() {
        fill(context, poller, options, &shop).await?;
    }
    if !context.table.staff_of(&shop).await?.is_empty() {
        return Ok(None);
    }
    let password = staff::add(&context.table, &shop, ADMIN, Role::Admin, context.clock.now()).await?;
    Ok(Some((ADMIN.to_owned(), password)))
}

async fn fill(context: &Context, poller: &Arc<Poller>, options: &Options, shop: &Shop) -> Result<()> {
    let now = context.clock.now();
    let keys = Keys { browser: BROWSER_KEY.to_owned(), server: SERVER_KEY.to_owned() };
    shops::put(&context.table, shop, &keys, now).await?;

    let step = Step::begin("Reading the sample shop", 0, options.quiet);
    let (products, content, rules, events) = tokio::task::spawn_blocking(move || {
        let grocery = vitrine_samples::grocery()?;
        let events = vitrine_samples::history(&grocery, &vitrine_samples::Options::until(now))?;
        let (content, rules) = (vitrine_samples::content()?, vitrine_samples::rules()?);
        Ok::<_, vitrine_samples::Error>((grocery.products, content, rules, events))
    })
    .await??;
    let (sold, told, done) = (products.len(), content.len(), events.len());
    step.end(&format!("{sold} products, {told} recipes and guides, {done} events"));

    let step = Step::begin("Stocking the shelves", products.len() as u64, options.quiet);
    let clock = context.clock.clone();
    for (done, chunk) in products.chunks(200).enumerate() {
        step.at(done as u64 * 200);
        context.table.upsert_products(shop, chunk, &move_now(&clock)).await.context("products were not stored")?;
    }
    step.end("done");

    let step = Step::begin("Telling what happened so far", events.len() as u64, options.quiet);
    link(context, shop, &events).await?;
    for (done, chunk) in events.chunks(BATCH).enumerate() {
        context.table.import_events(shop, chunk).await.context("events were not stored")?;
        step.at((done * BATCH) as u64);
    }
    step.end("done");

    if options.poll {
        let step = Step::begin("Folding profiles, filling the lake", events.len() as u64, options.quiet);
        let waiting = poller.caught_up();
        tokio::pin!(waiting);
        while tokio::time::timeout(Duration::from_millis(200), &mut waiting).await.is_err() {
            step.at(poller.records(Reader::Fold).min(poller.records(Reader::Archive)));
        }
        step.end("done");

        // As the schedule does it every day: grades of customers are by what all of them are.
        let step = Step::begin("Grading customers", 0, options.quiet);
        let swept = vitrine_fold::sweep(context).await.context("the visitors could not be looked at")?;
        step.end(&format!("{} visitors, {} came into a segment", swept.profiles, swept.changed));
    }

    let step = Step::begin("Learning", 0, options.quiet);
    let told = |stage: vitrine_retrain::Stage, done, total| {
        step.part(stage.as_str());
        step.of(done, total);
    };
    let outcome = vitrine_retrain::retrain(context, shop, &told).await.context("the training failed")?;
    step.end(&format!("{outcome}"));

    // Told after the training: the first model is that of the products, and takes these in as it does anything new.
    context.table.upsert_products(shop, &content, &move_now(&clock)).await.context("content was not stored")?;
    for rule in &rules {
        context.table.put_setting(shop, "rule", &rule.id, rule, 0).await.context("rules were not stored")?;
    }
    Ok(())
}

fn move_now(clock: &vitrine_runtime::Clock) -> impl Fn() -> vitrine_domain::Millis + Send + Sync + use<> {
    let clock = clock.clone();
    move || clock.now()
}

/// Devices and customers that events name together.
async fn link(context: &Context, shop: &Shop, events: &[Event]) -> Result<()> {
    let mut first = std::collections::BTreeMap::new();
    for event in events {
        if let (Visitor::Known(_), Some(device)) = (&event.visitor, &event.device_id) {
            let since = first.entry((Visitor::anonymous(device.clone())?, event.visitor.clone())).or_insert(event.time);
            *since = event.time.min(*since);
        }
    }
    for ((device, user), since) in first {
        context.table.link(shop, &device, &user, since).await?;
    }
    Ok(())
}
