//! Reads a file of another system into the shop: rows are read on a thread of their own and written in batches while
//! reading goes on.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::Read;
use std::pin::pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;
use vitrine_domain::{Event, Millis, Product, ProductId, Purpose, Purposes, Shop, Visitor};
use vitrine_runtime::Context;
use vitrine_store::catalogue::Catalogue;
use vitrine_store::jobs::JobKind;
use vitrine_store::tombstones::named;

use crate::import::{self, DateOrder, Derived, Format, ImportError, Input, Options, Report};

/// Products or events written at a time.
const BATCH: usize = 1000;
/// Chunks of a body, and batches of rows, that wait for each other.
const WAITING: usize = 4;
/// Events without a time of their own written at once.
const CONCURRENCY: usize = 16;

/// What an import is told, in the words of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct Wishes {
    /// `google-tsv`, `google-xml`, `shopify-csv`, `shopify-json`, `json-ld`, `json`, `ndjson`, `csv` or `parquet`; found
    /// out if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
    /// Name of the file, which helps to find out its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filename: Option<String>,
    /// The file is the whole catalogue: products that it does not name are withdrawn, if every row could be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) complete: bool,
    /// Make the catalogue from the order book too, for shops without a product feed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) with_products: bool,
    /// ISO 4217 code of amounts that come without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<String>,
    /// Address of the shop, for formats that name products without saying where they are sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) site: Option<String>,
    /// `day-first` or `month-first`, for dates such as 03/04/2026.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dates: Option<String>,
}

/// What an import did to the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// What was read, kept and refused, row by row.
    #[serde(flatten)]
    pub(crate) report: Report,
    /// Products that are new or different now.
    pub(crate) written: usize,
    /// Products that were the same already.
    pub(crate) unchanged: usize,
    /// Products that a complete feed no longer names.
    pub(crate) withdrawn: usize,
    /// Products made from the order book.
    pub(crate) derived: usize,
}

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The file cannot be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The stores failed; what was written stays, and the same import may be sent again.
    #[error(transparent)]
    Store(#[from] vitrine_store::Error),
    /// A wish cannot be understood.
    #[error("`{name}` is none of those it can be")]
    Wish {
        /// Which.
        name: &'static str,
    },
    /// The reading thread ended unexpectedly.
    #[error("the file could not be read to its end")]
    Reader(#[source] tokio::task::JoinError),
}

impl Wishes {
    fn options(&self, context: &Context, shop: &Shop, purposes: Purposes) -> Result<Options, LoadError> {
        let dates = match self.dates.as_deref() {
            None => DateOrder::Unknown,
            Some("day-first") => DateOrder::DayFirst,
            Some("month-first") => DateOrder::MonthFirst,
            Some(_) => return Err(LoadError::Wish { name: "dates" }),
        };
        Ok(Options {
            currency: self.currency.clone(),
            site: self.site.clone(),
            secret: format!("{shop} {}", context.config.secret),
            dates,
            purposes,
            ..Options::at(context.clock.now())
        })
    }

    fn format(&self) -> Result<Option<Format>, LoadError> {
        match self.format.as_deref() {
            None | Some("" | "auto") => Ok(None),
            Some(name) => Format::parse(name).map(Some).ok_or_else(|| LoadError::Wish { name: "format" }),
        }
    }
}

/// A body as it arrives, for a reader on another thread.
pub(crate) struct Arriving {
    chunks: mpsc::Receiver<std::io::Result<Bytes>>,
    current: Bytes,
}

impl Arriving {
    /// A body, and what feeds it: to be waited for beside its reader, and over when the reader has gone.
    pub(crate) fn of(body: impl Stream<Item = std::io::Result<Bytes>>) -> (impl Future<Output = ()>, Self) {
        let (feed, chunks) = mpsc::channel(WAITING);
        let feeding = async move {
            let mut body = pin!(body);
            while let Some(chunk) = body.next().await {
                if feed.send(chunk).await.is_err() {
                    break;
                }
            }
        };
        (feeding, Self { chunks, current: Bytes::new() })
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        let taken = self.current.split_to(count);
        buffer.get_mut(..count).unwrap_or_default().copy_from_slice(&taken);
        Ok(count)
    }
}

/// What is read: a body that arrives or is there, or a file.
pub(crate) enum Origin {
    Arriving(Arriving),
    Bytes(Bytes),
    File(File),
}

/// A file and what is known of it; it goes to the reading thread as it is.
struct Incoming {
    origin: Origin,
    name: Option<String>,
    format: Option<Format>,
}

impl Incoming {
    fn input(self) -> Input<'static> {
        let input = match self.origin {
            Origin::Arriving(body) => Input::stream(body),
            Origin::Bytes(bytes) => Input::bytes(bytes),
            Origin::File(file) => Input::file(file),
        };
        let input = input.format(self.format);
        match self.name {
            Some(name) => input.name(name),
            None => input,
        }
    }
}

/// The receiver of rows has gone: it failed, and says why itself.
#[derive(Debug, thiserror::Error)]
#[error("nobody takes the rows")]
struct Gone;

/// Hands rows on in batches.
struct Batches<T> {
    batch: Vec<T>,
    to: mpsc::Sender<Vec<T>>,
}

impl<T> Batches<T> {
    fn push(&mut self, row: T) -> Result<(), Gone> {
        self.batch.push(row);
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), Gone> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() { Ok(()) } else { self.to.blocking_send(batch).map_err(|_| Gone) }
    }
}

/// Imports a file into a shop.
pub(crate) async fn load(
    context: &Context,
    shop: &Shop,
    kind: JobKind,
    origin: Origin,
    wishes: &Wishes,
) -> Result<Imported, LoadError> {
    let purposes = context.table.default_purposes(shop).await?;
    let options = wishes.options(context, shop, purposes)?;
    let input = Incoming { origin, name: wishes.filename.clone(), format: wishes.format()? };
    match kind {
        JobKind::Orders => load_orders(context, shop, input, options, wishes.with_products).await,
        JobKind::Customers => load_events(context, shop, options, move |sink, options| {
            import::customers(input.input(), options, &mut |event| sink.push(event)).map(|report| (report, None))
        })
        .await
        .map(|(imported, _)| imported),
        _ => load_products(context, shop, input, options, wishes.complete).await,
    }
}

async fn load_products(
    context: &Context,
    shop: &Shop,
    input: Incoming,
    options: Options,
    complete: bool,
) -> Result<Imported, LoadError> {
    let (to, mut batches) = mpsc::channel::<Vec<Product>>(WAITING);
    let reading = tokio::task::spawn_blocking(move || {
        let mut sink = Batches { batch: Vec::new(), to };
        let report = import::products(input.input(), &options, &mut |product| sink.push(product));
        sink.flush().ok();
        report
    });
    let clock = context.clock.clone();
    let now = move || clock.now();
    let (mut written, mut unchanged) = (0, 0);
    let mut named = HashSet::new();
    while let Some(batch) = batches.recv().await {
        let done = context.table.upsert_products(shop, &batch, &now).await?;
        written += done.written;
        unchanged += done.unchanged;
        if complete {
            named.extend(batch.into_iter().map(|product| product.id));
        }
    }
    let report = reading.await.map_err(LoadError::Reader)??;
    let mut imported = Imported { report, written, unchanged, withdrawn: 0, derived: 0 };
    if complete && imported.report.is_whole() {
        imported.withdrawn = withdraw_others(context, shop, &named, &now).await?;
    }
    Ok(imported)
}

async fn withdraw_others(
    context: &Context,
    shop: &Shop,
    named: &HashSet<ProductId>,
    now: &(dyn Fn() -> Millis + Send + Sync),
) -> Result<usize, LoadError> {
    let live = context.table.live_model(shop).await?.map(|(live, _)| live);
    let catalogue = Catalogue::load(&context.table, &context.objects, shop, live.as_ref()).await?;
    let gone: Vec<ProductId> =
        catalogue.products.into_iter().map(|product| product.id).filter(|id| !named.contains(id)).collect();
    context.table.withdraw_products(shop, &gone, now).await?;
    Ok(gone.len())
}

async fn load_orders(
    context: &Context,
    shop: &Shop,
    input: Incoming,
    options: Options,
    with_products: bool,
) -> Result<Imported, LoadError> {
    let told = options.clone();
    let (mut imported, derived) = load_events(context, shop, options, move |sink, options| {
        let mut derived = with_products.then(Derived::new);
        let report = import::orders(input.input(), options, derived.as_mut(), &mut |event| sink.push(event))?;
        Ok((report, derived))
    })
    .await?;
    let Some(derived) = derived else { return Ok(imported) };
    let products: Vec<Product> = derived.into_products(&told).collect();
    let clock = context.clock.clone();
    let now = move || clock.now();
    for batch in products.chunks(BATCH) {
        let done = context.table.upsert_products(shop, batch, &now).await?;
        imported.written += done.written;
        imported.unchanged += done.unchanged;
    }
    imported.derived = products.len();
    Ok(imported)
}

/// Reads events on a thread of their own and writes them, links between devices and customers first.
async fn load_events(
    context: &Context,
    shop: &Shop,
    told: Options,
    read: impl FnOnce(&mut Batches<Event>, &Options) -> Result<(Report, Option<Derived>), ImportError> + Send + 'static,
) -> Result<(Imported, Option<Derived>), LoadError> {
    let now = told.now;
    let key = context.tombstone_key();
    let (to, mut batches) = mpsc::channel::<Vec<Event>>(WAITING);
    let reading = tokio::task::spawn_blocking(move || {
        let mut sink = Batches { batch: Vec::new(), to };
        let report = read(&mut sink, &told);
        sink.flush().ok();
        report
    });
    while let Some(batch) = batches.recv().await {
        let named: BTreeSet<Visitor> = batch.iter().flat_map(named).collect();
        let table = &context.table;
        let barred = table.barred_now(&key, shop, named).await?;
        let agreed = |event: &Event| event.purposes.allows(Purpose::Personalise) && !barred.refused(&event.visitor);
        let batch: Vec<Event> = batch.into_iter().filter(agreed).filter_map(|event| barred.admit(event)).collect();
        for event in &batch {
            if let (Visitor::Known(_), Some(device)) = (&event.visitor, &event.device_id)
                && let Ok(device) = Visitor::anonymous(device.clone())
            {
                context.table.link(shop, &device, &event.visitor, event.time).await?;
            }
        }
        // Events that did not say when they were take the time of the import, which a second import would not repeat.
        let (undated, dated): (Vec<Event>, Vec<Event>) = batch.into_iter().partition(|event| event.time == now);
        context.table.import_events(shop, &dated).await?;
        let marked = first_of_each(undated)
            .into_iter()
            .map(|event| async move { table.put_event_without_time(shop, &event).await });
        stream::iter(marked).buffer_unordered(CONCURRENCY).try_collect::<Vec<_>>().await?;
    }
    let (report, derived) = reading.await.map_err(LoadError::Reader)??;
    Ok((Imported { report, written: 0, unchanged: 0, withdrawn: 0, derived: 0 }, derived))
}

/// Events without those whose mark another one before them writes: two transactions at once on one item disturb each other.
fn first_of_each(events: Vec<Event>) -> Vec<Event> {
    let mut seen = HashSet::new();
    events.into_iter().filter(|event| seen.insert((event.visitor.clone(), event.id.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use vitrine_domain::{Action, MessageId};

    use super::*;

    #[test]
    fn rows_that_repeat_each_other_are_written_once_and_those_of_others_all_the_same() {
        let of = |visitor: &str, id: &str, name: &str| {
            let (id, visitor) = (MessageId::new(id).unwrap(), Visitor::known(visitor).unwrap());
            Event { name: Some(name.to_owned()), ..Event::new(id, visitor, Millis(1), Action::View) }
        };
        let rows = [of("anna", "1", "a"), of("anna", "2", "b"), of("anna", "1", "again"), of("bert", "1", "c")];
        let [first, second, _, third] = rows.clone();
        assert_eq!(first_of_each(rows.to_vec()), [first, second, third]);
    }
}
