//! The vectors of a version on a Qdrant server: a collection for each version, written and checked before the version is
//! published, and gone when the version is.
//!
//! A collection bears the name of its version, and whoever searches names the version that it has in memory. So there is no
//! moment in which two versions mix, and a collection that a killed training left half-written is one that nobody names. The
//! alias is for people and tools: it follows the live version, a little later.
//!
//! Visitors have a collection of their own, of the live version alone: it goes with the next version, or when something was
//! erased since. It cannot be written again from the artifact, so a version to which a shop goes back has none.
//!
//! The row of a product is its point's id; its payload has the artifact's columns, by which filters are evaluated, and
//! whether it could be bought. All of it can be written again from the artifact, and is where the server lost it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use half::f16;
use vitrine_domain::Shop;
use vitrine_index::{
    Bitmap, Condition, Field, Flat, Index, Payload, Point, Remote, RemoteSettings, SELLABLE, Value, dot_f16, is_field,
};
use vitrine_learn::artifact::Column;
use vitrine_learn::{Artifact, Lineup};
use vitrine_runtime::telemetry::causes;
use vitrine_runtime::{Context, VectorServer};
use vitrine_store::models::Live;

use crate::{Error, card};

/// Share of the ten nearest products that the server must find.
const RECALL: f64 = 0.95;
/// How many nearest products are compared.
const NEAREST: usize = 10;
/// Queries that recall is measured with.
const QUERIES: usize = 64;
/// The field of a visitor's key.
const VISITOR: &str = "visitor";
/// Categories whose products are counted on both sides.
const CATEGORIES: u32 = 3;
/// Points made at once.
const AT_ONCE: usize = 2_048;
/// Longest wait for the server's own index, which a million rows take minutes for.
const INDEXING: Duration = Duration::from_secs(600);

/// The server that carries the vectors.
pub(crate) struct Server<'a> {
    context: &'a Context,
    names: &'a VectorServer,
    remote: Remote,
}

impl<'a> Server<'a> {
    /// The server, if one carries the vectors.
    ///
    /// # Errors
    /// If its address is none.
    pub(crate) fn of(context: &'a Context) -> Result<Option<Self>, Error> {
        let Some(names) = &context.config.vectors else { return Ok(None) };
        let settings = RemoteSettings {
            api_key: names.api_key.clone(),
            timeout: Duration::from_secs(10),
            pause: Duration::from_millis(200),
            ..RemoteSettings::at(&names.url)
        };
        Ok(Some(Self { context, names, remote: Remote::new(settings).map_err(Error::Server)? }))
    }

    /// Writes the vectors of a version and checks what the server makes of them. What was not carried whole is taken away
    /// again. `queries` are vectors that visitors would ask for; without any, products are asked for by their own.
    ///
    /// # Errors
    /// If the server fails, holds something else than was written, or does not find what it holds.
    pub(crate) async fn carry(
        &self,
        shop: &Shop,
        version: &str,
        artifact: Arc<Artifact>,
        queries: Vec<f32>,
        visitors: Vec<(u64, Vec<f32>)>,
    ) -> Result<(), Error> {
        if artifact.is_empty() || artifact.dims() == 0 {
            return Ok(());
        }
        let collection = self.names.collection(shop, version);
        let carried = async {
            self.write(&collection, &artifact).await?;
            self.remote.wait_until_indexed(&collection, INDEXING).await.map_err(Error::Server)?;
            self.count(&collection, &artifact).await?;
            let dims = artifact.dims();
            self.measure(&collection, artifact, queries).await?;
            self.write_visitors(&self.names.visitors_of(shop, version), dims, visitors).await
        };
        let failed = match carried.await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if let Err(error) = self.forget(shop, version).await {
            // Nobody names it; it goes with other leftovers.
            tracing::warn!(%shop, version, cause = causes(&error), "vectors that are not used stay for now");
        }
        Err(failed)
    }

    async fn write(&self, collection: &str, artifact: &Artifact) -> Result<(), Error> {
        let fields = fields(artifact);
        // What an earlier attempt left there may be of other rows.
        self.remote.remove(collection).await.map_err(Error::Server)?;
        let indexed: Vec<(&str, Field)> = fields.iter().map(|(name, _, field)| (*name, *field)).collect();
        let indexed = [&[(SELLABLE, Field::Bool)][..], &indexed[..]].concat();
        self.remote.create(collection, artifact.dims(), &indexed).await.map_err(Error::Server)?;
        for first in (0..artifact.len()).step_by(AT_ONCE) {
            let rows = first..artifact.len().min(first + AT_ONCE);
            let points: Vec<Point> = rows.map(|row| point(artifact, &fields, row as u32)).collect();
            self.remote.upsert(collection, &points).await.map_err(Error::Server)?;
        }
        Ok(())
    }

    /// Writes visitors, for who is like whom: a point has the key of a visitor, which is a hash, and nothing else of them.
    async fn write_visitors(&self, collection: &str, dims: usize, visitors: Vec<(u64, Vec<f32>)>) -> Result<(), Error> {
        if visitors.is_empty() {
            return Ok(());
        }
        self.remote.remove(collection).await.map_err(Error::Server)?;
        self.remote.create(collection, dims, &[(VISITOR, Field::Keyword)]).await.map_err(Error::Server)?;
        let wanted = visitors.len();
        let points = (0..).zip(visitors).map(|(row, (key, vector))| {
            let payload = Payload::from([(VISITOR.to_owned(), Value::Keyword(format!("{key:016x}")))]);
            Point { row, vector, payload }
        });
        let points: Vec<Point> = points.collect();
        self.remote.upsert(collection, &points).await.map_err(Error::Server)?;
        self.remote.wait_until_indexed(collection, INDEXING).await.map_err(Error::Server)?;
        let found = self.remote.count(collection, None).await.map_err(Error::Server)?;
        if found != wanted {
            return Err(Error::Carried { what: "visitors".to_owned(), wanted, found });
        }
        Ok(())
    }

    /// Compares how many products there are: of all, of those that can be bought, of the first categories.
    async fn count(&self, collection: &str, artifact: &Artifact) -> Result<(), Error> {
        let rows = || 0..artifact.len() as u32;
        let mut expected = vec![
            ("products".to_owned(), None, artifact.len()),
            (
                "products that can be bought".to_owned(),
                Some(sellable()),
                rows().filter(|row| artifact.sellable(*row)).count(),
            ),
        ];
        if let Some(Column::Texts(column)) = artifact.column("category") {
            for code in 0..column.len().min(CATEGORIES) {
                let name = column.text(code);
                let count = rows().filter(|row| column.codes(*row).contains(&code)).count();
                expected.push((format!("products in {name:?}"), Some(Condition::equals("category", name)), count));
            }
        }
        for (what, condition, wanted) in expected {
            let found = self.remote.count(collection, condition.as_ref()).await.map_err(Error::Server)?;
            if found != wanted {
                return Err(Error::Carried { what, wanted, found });
            }
        }
        Ok(())
    }

    /// Compares what the server finds, asked as recommendations ask it, with the exact answer.
    async fn measure(&self, collection: &str, artifact: Arc<Artifact>, queries: Vec<f32>) -> Result<(), Error> {
        let dims = artifact.dims();
        let (queries, exact, sellable_rows) = tokio::task::spawn_blocking(move || exact(&artifact, queries)).await??;
        let (mut found, mut wanted) = (0, 0);
        for (query, exact) in queries.chunks_exact(dims).zip(&exact) {
            let condition = sellable();
            let search = self.remote.search(collection, query, NEAREST, Some(&condition), Some(sellable_rows));
            let hits = search.await.map_err(Error::Server)?.hits;
            // Products that are as near as the last of the exact answer are as right.
            let worst = exact.worst - exact.rounding;
            found += hits.iter().filter(|hit| hit.score >= worst).count().min(exact.count);
            wanted += exact.count;
        }
        let found = if wanted == 0 { 1.0 } else { found as f64 / wanted as f64 };
        if found < RECALL { Err(Error::Recall { found, needed: RECALL }) } else { Ok(()) }
    }

    /// Whether the live version is not on the server, or was published while the server was away. A server that does not
    /// answer lacks nothing.
    ///
    /// # Errors
    /// If the object store fails.
    pub(crate) async fn lacks(&self, shop: &Shop, live: &Live) -> Result<bool, Error> {
        match self.remote.state(&self.names.collection(shop, &live.version)).await {
            Ok(Some(_)) => Ok(card::carried(self.context, shop, &live.version).await?.is_some_and(|(_, all)| !all)),
            Ok(None) => Ok(true),
            Err(_) => Ok(false),
        }
    }

    /// Takes away the vectors of a version.
    ///
    /// # Errors
    /// If the server fails.
    pub(crate) async fn forget(&self, shop: &Shop, version: &str) -> Result<(), Error> {
        for collection in [self.names.collection(shop, version), self.names.visitors_of(shop, version)] {
            self.remote.remove(&collection).await.map_err(Error::Server)?;
        }
        Ok(())
    }

    /// Makes the server hold what it should: the live version, written anew where it is missing or not whole; the aliases on
    /// it; and then no collection of this shop of versions that are left over. `known` are the versions that are kept.
    ///
    /// # Errors
    /// If the server fails, or the live version cannot be carried.
    pub(crate) async fn tidy(
        &self,
        shop: &Shop,
        live: Option<&Live>,
        known: &BTreeSet<&str>,
        is_left: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(), Error> {
        let Some(live) = live else { return self.sweep(shop, None, known, is_left).await };
        self.mend(shop, live).await?;
        let products = (self.names.alias(shop), self.names.collection(shop, &live.version));
        let visitors = (self.names.visitors_alias(shop), self.names.visitors_of(shop, &live.version));
        for (alias, collection) in [products, visitors] {
            let named = self.remote.live(&alias).await.map_err(Error::Server)?;
            let there = self.remote.state(&collection).await.map_err(Error::Server)?.is_some();
            if there && named.as_ref() != Some(&collection) {
                self.remote.switch(&alias, &collection).await.map_err(Error::Server)?;
            }
        }
        self.sweep(shop, Some(live), known, is_left).await
    }

    /// Takes the visitors of a version away.
    pub(crate) async fn forget_visitors(&self, shop: &Shop, version: &str) -> Result<(), Error> {
        self.remote.remove(&self.names.visitors_of(shop, version)).await.map_err(Error::Server)
    }

    async fn sweep(
        &self,
        shop: &Shop,
        live: Option<&Live>,
        known: &BTreeSet<&str>,
        is_left: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(), Error> {
        // Visitors are those of the live version, and only while nothing was erased since it was trained.
        let of_live = match live {
            Some(live) => {
                let then = card::erasures(self.context, shop, &live.version).await?;
                then == Some(self.context.table.erasures(shop).await?)
            }
            None => false,
        };
        for collection in self.remote.collections().await.map_err(Error::Server)? {
            let Some((version, visitors)) = self.names.version(shop, &collection) else { continue };
            let is_live = live.is_some_and(|live| live.version == version);
            let stays = match visitors {
                true if is_live => of_live,
                true => !is_left(version) && !known.contains(version),
                false => !is_left(version),
            };
            if !stays {
                self.remote.remove(&collection).await.map_err(Error::Server)?;
            }
        }
        Ok(())
    }

    /// Writes the live version if the server does not have all of it: it was published without a server, or the server was
    /// set up anew. The artifact is read only then.
    async fn mend(&self, shop: &Shop, live: &Live) -> Result<(), Error> {
        let collection = self.names.collection(shop, &live.version);
        let there = self.remote.state(&collection).await.map_err(Error::Server)?.is_some();
        if let (true, Some((products, true))) = (there, card::carried(self.context, shop, &live.version).await?)
            && self.remote.count(&collection, None).await.map_err(Error::Server)? == products
        {
            return Ok(());
        }
        let Some(bytes) = self.context.objects.get(&live.artifact).await? else { return Ok(()) };
        let lineup = self.context.added::<Lineup>().cloned().unwrap_or_default();
        let artifact = tokio::task::spawn_blocking(move || Artifact::from_bytes(bytes.to_vec(), &lineup)).await?;
        let Ok(artifact) = artifact else { return Ok(()) };
        tracing::info!(%shop, collection, "the vectors of the live version are written to the server");
        self.carry(shop, &live.version, Arc::new(artifact), Vec::new(), Vec::new()).await?;
        card::note_carried(self.context, shop, &live.version).await
    }
}

/// What could be bought.
fn sellable() -> Condition {
    Condition::Equals(SELLABLE.to_owned(), Value::Bool(true))
}

/// The columns that filters can be evaluated by on the server.
fn fields(artifact: &Artifact) -> Vec<(&str, Column<'_>, Field)> {
    let names = artifact.column_names().into_iter().filter(|name| is_field(name));
    let fields = names.filter_map(|name| {
        let column = artifact.column(name)?;
        let field = match column {
            Column::Numbers(_) | Column::NumberLists(_) => Field::Number,
            Column::Flags(_) => Field::Bool,
            Column::Texts(_) => Field::Keyword,
        };
        Some((name, column, field))
    });
    fields.collect()
}

/// A product as a point.
fn point(artifact: &Artifact, fields: &[(&str, Column<'_>, Field)], row: u32) -> Point {
    let value = |column: &Column<'_>| match column {
        Column::Numbers(numbers) => numbers.get(row as usize).filter(|x| x.is_finite()).map(|x| Value::Number(*x)),
        Column::NumberLists(lists) => {
            Some(lists.of(row)).filter(|list| !list.is_empty()).map(|list| Value::Numbers(list.to_vec()))
        }
        Column::Flags(flags) => match flags.get(row as usize) {
            Some(&Column::NO) => Some(Value::Bool(false)),
            Some(&Column::YES) => Some(Value::Bool(true)),
            _ => None,
        },
        Column::Texts(column) => {
            let words: Vec<String> = column.codes(row).iter().map(|code| column.text(*code).to_owned()).collect();
            Some(words).filter(|words| !words.is_empty()).map(Value::Keywords)
        }
    };
    let mut payload: Payload =
        fields.iter().filter_map(|(name, column, _)| Some(((*name).to_owned(), value(column)?))).collect();
    payload.insert(SELLABLE.to_owned(), Value::Bool(artifact.sellable(row)));
    Point { row, vector: artifact.vector(row).iter().map(|x| x.to_f32()).collect(), payload }
}

/// What the exact answer to a query is like.
struct Exact {
    /// How many products it has.
    count: usize,
    /// The score of the last of them.
    worst: f32,
    /// How far another program's sum may be off.
    rounding: f32,
}

/// The queries, at most so many, with their exact answers, and how many products can be bought.
fn exact(artifact: &Artifact, mut queries: Vec<f32>) -> Result<(Vec<f32>, Vec<Exact>, usize), Error> {
    let dims = artifact.dims();
    if queries.is_empty() {
        let step = artifact.len().div_ceil(QUERIES).max(1);
        queries = artifact.vectors().chunks_exact(dims).step_by(step).flatten().map(|x| x.to_f32()).collect();
    }
    queries.truncate(QUERIES * dims);
    let flat: Flat<'_, f16> = Flat::new(artifact.vectors(), dims)?;
    let allowed = Bitmap::from_fn(artifact.len(), |row| artifact.sellable(row));
    let one = |query: &[f32]| -> Result<Exact, Error> {
        let hits = flat.find(query, NEAREST, Some(&allowed))?.hits;
        let worst = hits.last().map_or(0.0, |hit| dot_f16(query, artifact.vector(hit.row)));
        let best = hits.first().map_or(0.0, |hit| hit.score.abs());
        Ok(Exact { count: hits.len(), worst, rounding: 1e-4 * best.max(worst.abs()).max(1e-3) })
    };
    let answers = queries.chunks_exact(dims).map(one).collect::<Result<_, _>>()?;
    Ok((queries, answers, allowed.count()))
}
