//! The graph of `hnsw_rs`, guarded: for neighbours where index and queries live in one process. Never in a file.
//!
//! What the library does not do by itself is done here (measurements in the README):
//!
//! * **Dot products that are no distances.** Rows get one more number, `√(M² − |v|²)`, so that all have the length `M` of
//!   the longest, and queries a zero: then the nearest by angle has the largest dot product. The library's own `DistDot`
//!   panics on lengths that round above one; the distance here does not.
//! * **Filters.** A filter inside the library's search walks the whole graph. The search here is unfiltered and its hits
//!   are sieved: what it finds is the start of the unfiltered order, so the allowed hits among it are the start of the
//!   filtered one. Where that leaves too few, or few rows are allowed, the allowed rows are scanned instead.
//! * **Rows that no path leads to.** After the build every row is searched for; those that are not found are scored in every
//!   search, and if they are many the build is refused.
//! * **Order.** Hits are scored again by the contract's dot product and put in its order.
//! * **Files.** The library ends the process when a dump is damaged; nothing is dumped.

use std::cell::Cell;

use half::f16;
use hnsw_rs::anndists::dist::Distance;
use hnsw_rs::hnsw::Hnsw;

use crate::kernel::{Level, Number};
use crate::search::{Scratch, check_query, offer};
use crate::{Bitmap, Error, Flat, Found, Index};

/// How the graph is built and searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphSettings {
    /// Neighbours of a row in each layer, 2 to 255.
    pub neighbours: usize,
    /// Rows looked at when one is inserted.
    pub build_width: usize,
    /// Rows looked at in a search, at least.
    pub search_width: usize,
    /// Up to so many allowed rows in a hundred a search scans them.
    pub exact_percent: usize,
}

impl Default for GraphSettings {
    fn default() -> Self {
        Self { neighbours: 16, build_width: 200, search_width: 256, exact_percent: 10 }
    }
}

/// Most rows a search through the graph looks at; a filter that needs more is scanned.
const MOST_WIDTH: usize = 1024;
/// Above this share of rows that no path leads to (one in so many) the build is refused.
const UNREACHABLE: usize = 50;

thread_local! {
    /// Distances computed on this thread.
    static COUNTED: Cell<usize> = const { Cell::new(0) };
}

/// One less the cosine of vectors of length one.
#[derive(Debug, Clone, Copy)]
struct Angle(Level);

impl Distance<f32> for Angle {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        COUNTED.set(COUNTED.get() + 1);
        let distance = 1.0 - f32::dot(self.0, a, b);
        // Not `max`: the library sorts distances with `partial_cmp().unwrap()`.
        if distance > 0.0 { distance } else { 0.0 }
    }
}

/// Vectors in a slice and the graph over them.
pub struct Graph<'a> {
    flat: Flat<'a, f16>,
    graph: Hnsw<'static, f32, Angle>,
    settings: GraphSettings,
    /// Rows that no path leads to.
    stray: Vec<u32>,
}

impl std::fmt::Debug for Graph<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("rows", &self.len()).field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<'a> Graph<'a> {
    /// Builds the graph of row-major vectors, one row after another.
    ///
    /// # Errors
    /// [`Error::Vectors`] if they are not whole rows, [`Error::NotFinite`] if one holds NaN or an infinity,
    /// [`Error::Unreachable`] if no path leads to more than one row in fifty.
    pub fn build(vectors: &'a [f16], dims: usize, settings: GraphSettings) -> Result<Self, Error> {
        let flat = Flat::new(vectors, dims)?;
        if let Some(at) = vectors.iter().position(|number| !number.is_finite()) {
            return Err(Error::NotFinite { row: (at / dims) as u32 });
        }
        let neighbours = settings.neighbours.clamp(2, 255);
        let graph = Hnsw::new(neighbours, flat.len().max(1), 16, settings.build_width.max(8), Angle(Level::best()));
        let longest = vectors.chunks_exact(dims).map(square).fold(0.0_f64, f64::max);
        let mut longer = vec![0.0; dims + 1];
        for (row, vector) in vectors.chunks_exact(dims).enumerate() {
            lengthen(vector, longest, &mut longer);
            graph.insert_slice((&longer, row));
        }
        let mut built = Self { flat, graph, settings, stray: Vec::new() };
        built.stray = built.unreachable(vectors, dims, longest);
        if built.stray.len() * UNREACHABLE > built.len() {
            return Err(Error::Unreachable { rows: built.stray.len(), of: built.len() });
        }
        Ok(built)
    }

    /// The rows that a search for themselves does not find, nor any as near.
    fn unreachable(&self, vectors: &[f16], dims: usize, longest: f64) -> Vec<u32> {
        let mut longer = vec![0.0; dims + 1];
        let mut stray = Vec::new();
        for (row, vector) in (0..).zip(vectors.chunks_exact(dims)) {
            lengthen(vector, longest, &mut longer);
            let itself = self.graph.get_distance().eval(&longer, &longer);
            let nearest = self.graph.search(&longer, 1, self.settings.search_width.min(MOST_WIDTH));
            // As near, but for the rounding of the sum.
            if !nearest.first().is_some_and(|hit| hit.d_id == row as usize || hit.distance <= itself + f32::EPSILON) {
                stray.push(row);
            }
        }
        stray
    }

    /// The hits of an unfiltered search that is so wide that enough allowed rows should be among them.
    fn through_graph(
        &self,
        query: &[f32],
        width: usize,
        allowed: Option<&Bitmap>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) {
        let length = query.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let mut longer: Vec<f32> = query.iter().map(|x| (f64::from(*x) / length) as f32).collect();
        longer.push(0.0);
        let before = COUNTED.get();
        let hits = self.graph.search(&longer, width, width);
        found.touched += COUNTED.get() - before;
        found.bytes += found.touched * longer.len() * size_of::<f32>();
        scratch.rows.clear();
        let rows = hits.iter().map(|hit| hit.d_id as u32).chain(self.stray.iter().copied());
        scratch.rows.extend(rows.filter(|row| allowed.is_none_or(|allowed| allowed.contains(*row))));
        scratch.rows.sort_unstable();
        scratch.rows.dedup();
    }
}

fn square(vector: &[f16]) -> f64 {
    vector.iter().map(|number| number.to_f64().powi(2)).sum()
}

/// Adds the number that makes a row as long as the longest, and divides by that length.
fn lengthen(vector: &[f16], longest: f64, to: &mut [f32]) {
    let length = if longest > 0.0 { longest.sqrt() } else { 1.0 };
    for (to, number) in to.iter_mut().zip(vector) {
        *to = (number.to_f64() / length) as f32;
    }
    if let Some(last) = to.last_mut() {
        *last = ((longest - square(vector)).max(0.0).sqrt() / length) as f32;
    }
}

impl Index for Graph<'_> {
    fn len(&self) -> usize {
        self.flat.len()
    }

    fn dims(&self) -> usize {
        self.flat.dims()
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&Bitmap>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error> {
        found.clear();
        check_query(query, self.dims())?;
        let rows = self.len();
        let matches = allowed.map_or(rows, |allowed| allowed.count_below(rows));
        let wanted = k.min(matches);
        if wanted == 0 {
            return Ok(());
        }
        // As many allowed rows as wanted are expected in half of what is looked at.
        let width = self.settings.search_width.max(2 * wanted.saturating_mul(rows).div_ceil(matches));
        let length = query.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let selective = allowed.is_some() && matches * 100 <= rows * self.settings.exact_percent;
        if selective || width > MOST_WIDTH || width * 4 > rows || !(length > 1e-60 && length.is_finite()) {
            return self.flat.search(query, k, allowed, scratch, found);
        }
        self.through_graph(query, width, allowed, scratch, found);
        if scratch.rows.len() < wanted {
            found.touched = 0;
            return self.flat.search_more(query, k, allowed, scratch, found);
        }
        let Scratch { level, rows, scores, top, .. } = scratch;
        self.flat.scores_on(*level, query, rows, scores)?;
        top.start(k, rows.len());
        offer(top, rows.iter().copied(), scores);
        top.write(&mut found.hits);
        found.bytes += rows.len() * query.len() * size_of::<f16>();
        Ok(())
    }
}
