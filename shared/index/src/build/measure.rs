//! Recall and work of each kind, and the choice between them.

use half::f16;

use super::cluster::next;
use super::report::{Candidate, Filtered, Measured, Report};
use super::{PLUS, Section, Settings, TIMES, open, share};
use crate::about::{About, Kind};
use crate::stored::Mode;
use crate::{Bitmap, Error, Flat, Found, Index as _, Scratch, Stored};

/// Margins tried, from the narrowest.
const MARGINS: usize = 63;
const MARGIN: f32 = 0.25;
/// Filters of each kind; queries take turns.
const FILTERS: usize = 4;

/// Queries under filters, with what is to be found.
struct Scene<'a> {
    name: String,
    share: f64,
    filters: Vec<Option<Bitmap>>,
    queries: &'a [&'a [f32]],
    /// For each query the score of the last of the exact answer, and how many there are.
    answers: Vec<(f32, usize)>,
}

impl<'a> Scene<'a> {
    fn new(
        name: &str,
        share_of: f64,
        filters: Vec<Option<Bitmap>>,
        queries: &'a [&'a [f32]],
        exact: &Flat<'_, f16>,
        k: usize,
        threads: usize,
    ) -> Self {
        let mut answers = vec![(0.0, 0); queries.len()];
        let memory = || (Scratch::default(), Found::default());
        share(threads, answers.iter_mut(), memory, |at, answer, (scratch, found)| {
            let allowed = filters[at % filters.len()].as_ref();
            if exact.search(queries[at], k, allowed, scratch, found).is_ok() {
                *answer = (found.hits.last().map_or(f32::INFINITY, |hit| hit.score), found.hits.len());
            }
        });
        Self { name: name.to_owned(), share: share_of, filters, queries, answers }
    }

    fn measure(&self, index: &Stored<'_>, mode: Mode, k: usize, threads: usize) -> Measured {
        let mut each = vec![Measured::default(); self.queries.len()];
        let memory = || (Scratch::default(), Found::default());
        share(threads, each.iter_mut(), memory, |at, measured, (scratch, found)| {
            let allowed = self.filters[at % self.filters.len()].as_ref();
            if index.search_as(mode, self.queries[at], k, allowed, scratch, found).is_ok() {
                let (last, count) = self.answers[at];
                let right = found.hits.iter().filter(|hit| hit.score >= last).count();
                let recall = if count == 0 { 1.0 } else { right.min(count) as f64 / count as f64 };
                *measured = Measured { recall, touched: found.touched as f64, bytes: found.bytes as f64 };
            }
        });
        let count = each.len().max(1) as f64;
        each.iter().fold(Measured::default(), |sum, one| Measured {
            recall: sum.recall + one.recall / count,
            touched: sum.touched + one.touched / count,
            bytes: sum.bytes + one.bytes / count,
        })
    }
}

/// A share of the rows by chance.
fn by_chance(rows: usize, share: f64, seed: u64) -> Bitmap {
    let mut state = seed;
    let bound = (share * u64::MAX as f64) as u64;
    Bitmap::from_fn(rows, |_| next(&mut state) < bound)
}

/// A share of the rows that lie together: the lists around one drawn by chance, as a category would.
fn neighbourhood(index: &Stored<'_>, share: f64, seed: u64) -> Option<Bitmap> {
    let (inverted, codes) = (index.inverted?, index.codes?);
    let mut state = seed;
    let centres: Vec<&[u8]> = inverted.centres.chunks_exact(codes.stride).collect();
    let middle = *centres.get((next(&mut state) % centres.len().max(1) as u64) as usize)?;
    let distance = |centre: &[u8]| -> f64 {
        let scales = codes.scales.iter().map(|scale| f64::from(f32::from_le_bytes(*scale)));
        let squares = centre.iter().zip(middle).zip(scales);
        squares.map(|((a, b), scale)| ((f64::from(*a) - f64::from(*b)) * scale).powi(2)).sum()
    };
    let mut order: Vec<(f64, usize)> = centres.iter().map(|centre| distance(centre)).zip(0..).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let wanted = ((index.len() as f64 * share) as usize).max(1);
    let rows = order.into_iter().flat_map(|(_, list)| inverted.list(list)).map(|row| u32::from_le_bytes(*row));
    Some(Bitmap::from_rows(index.len(), rows.take(wanted)))
}

/// What was measured of each kind that there are sections for.
pub(super) fn candidates(
    parts: &[Section],
    vectors: &[f16],
    dims: usize,
    queries: &[f32],
    settings: &Settings,
    threads: usize,
) -> Result<Report, Error> {
    let exact = Flat::new(vectors, dims)?;
    let rows = exact.len();
    let held_out = queries.len() >= dims;
    let stand_ins: Vec<f32>;
    let queries = if held_out {
        queries
    } else {
        let step = (rows / settings.queries.max(1)).max(1);
        stand_ins = vectors.chunks_exact(dims).step_by(step).flatten().map(|number| number.to_f32()).collect();
        &stand_ins
    };
    let all = queries.len() / dims;
    let count = all.min(settings.queries.max(2));
    let taken: Vec<&[f32]> =
        (0..count).map(|at| at * all / count).map(|at| &queries[at * dims..(at + 1) * dims]).collect();
    // Calibrated on every other query, measured on the rest, if there are enough.
    let (fitting, testing): (Vec<_>, Vec<_>) = if taken.len() < 32 {
        (taken.clone(), taken)
    } else {
        (taken.iter().step_by(2).copied().collect(), taken.iter().skip(1).step_by(2).copied().collect())
    };

    let has = |kind| open(kind, parts, vectors, dims);
    let mut kinds = vec![has(Kind::ExactF16)?];
    kinds.extend(has(Kind::Int8).ok());
    let mut lists = has(Kind::Lists).ok();
    if let Some(lists) = &mut lists {
        calibrate(lists, &fitting, &exact, settings, threads);
    }
    let scenes = scenes(lists.as_ref(), &testing, &exact, settings, threads, &[0.3, 0.1, 0.01]);
    kinds.extend(lists);
    let candidates = kinds.iter().map(|index| {
        let mut measured = scenes.iter().map(|scene| scene.measure(index, Mode::Planned, settings.k, threads));
        let unfiltered = measured.next().unwrap_or_default();
        let filtered: Vec<Filtered> = scenes[1..]
            .iter()
            .zip(measured)
            .map(|(scene, measured)| Filtered { filter: scene.name.clone(), allowed: scene.share, measured })
            .collect();
        let least = filtered.iter().map(|filtered| filtered.measured.recall).fold(unfiltered.recall, f64::min);
        Candidate {
            kind: index.kind(),
            stored_bytes: parts.iter().filter(|p| super::belongs(p.name, index.kind())).map(|p| p.bytes.len()).sum(),
            lists: index.inverted.map_or(0, |inverted| inverted.count()),
            margin: index.inverted.map_or(0.0, |inverted| inverted.margin),
            exact_matches: index.about.exact as usize,
            unfiltered,
            filtered,
            reaches: index.kind() == Kind::ExactF16 || least >= settings.recall,
        }
    });
    Ok(Report {
        rows,
        dims,
        queries: testing.len(),
        held_out,
        recall_wanted: settings.recall,
        k: settings.k,
        candidates: candidates.collect(),
        chosen: Kind::ExactF16,
        why: String::new(),
    })
}

/// No filter first, then each share by chance and, where there are lists, of neighbourhoods.
fn scenes<'a>(
    lists: Option<&Stored<'_>>,
    queries: &'a [&'a [f32]],
    exact: &Flat<'_, f16>,
    settings: &Settings,
    threads: usize,
    shares: &[f64],
) -> Vec<Scene<'a>> {
    let scene = |name: &str, share, filters| Scene::new(name, share, filters, queries, exact, settings.k, threads);
    let seeds = || (0..FILTERS as u64).map(|filter| settings.seed.wrapping_mul(1000).wrapping_add(filter));
    let mut all = vec![scene("none", 1.0, vec![None])];
    for share in shares {
        let filters = seeds().map(|seed| Some(by_chance(exact.len(), *share, seed))).collect();
        all.push(scene("by chance", *share, filters));
        if let Some(lists) = lists {
            let filters = seeds().map(|seed| neighbourhood(lists, *share, seed)).collect();
            all.push(scene("neighbourhood", *share, filters));
        }
    }
    all
}

/// Finds the narrowest margin that reaches the recall, with three quarters of what may be missed to spare, without filters and
/// under wide ones; then the number of allowed rows up to which they are scanned.
fn calibrate(lists: &mut Stored<'_>, queries: &[&[f32]], exact: &Flat<'_, f16>, settings: &Settings, threads: usize) {
    // What holds for these queries holds for others a little less.
    let wanted = 1.0 - (1.0 - settings.recall) / 4.0;
    let wide = scenes(Some(lists), queries, exact, settings, threads, &[0.3, 0.12]);
    let reaches = |lists: &mut Stored<'_>, step: usize| {
        if let Some(inverted) = &mut lists.inverted {
            inverted.margin = step as f32 * MARGIN;
        }
        wide.iter().all(|scene| scene.measure(lists, Mode::ListsOnly, settings.k, threads).recall >= wanted)
    };
    let (mut low, mut high) = (0, MARGINS);
    while low < high {
        let step = usize::midpoint(low, high);
        if reaches(lists, step) {
            high = step;
        } else {
            low = step + 1;
        }
    }
    reaches(lists, high);
    let narrow = scenes(Some(lists), queries, exact, settings, threads, &[0.05, 0.02]);
    let mut exact_share = 0.0_f64;
    for scene in wide.iter().chain(&narrow).filter(|scene| scene.name == "neighbourhood") {
        let by_lists = scene.measure(lists, Mode::ListsOnly, settings.k, threads).bytes;
        let by_scan = scene.measure(lists, Mode::NoLists, settings.k, threads).bytes;
        // A scan is exact; it may cost twice as much, and what the filter has to do with the query is not known beforehand.
        if by_scan <= 2.0 * by_lists {
            exact_share = exact_share.max(scene.share);
        }
    }
    lists.about.exact = (exact_share * exact.len() as f64).ceil() as u32;
}

/// The kind that reads least of those that reach the recall. Lists must halve what codes read, because they cost a build
/// and are right by calibration only.
pub(super) fn choose(mut report: Report, settings: &Settings) -> Report {
    let bytes = |kind| report.candidates.iter().find(|c| c.kind == kind && c.reaches).map(|c| c.unfiltered.bytes);
    let (exact, codes, lists) = (bytes(Kind::ExactF16), bytes(Kind::Int8), bytes(Kind::Lists));
    let scan = codes.or(exact).unwrap_or(f64::INFINITY);
    let halves = lists.is_some_and(|lists| lists * 2.0 <= scan);
    let measured = |kind| report.candidates.iter().any(|candidate| candidate.kind == kind);
    let of =
        |bytes: Option<f64>| bytes.map_or_else(|| "more than it may".to_owned(), |bytes| format!("{bytes:.0} bytes"));
    report.chosen = match settings.kind {
        Some(kind) if measured(kind) => kind,
        _ if halves => Kind::Lists,
        _ if codes.is_some_and(|codes| exact.is_none_or(|exact| codes < exact)) => Kind::Int8,
        _ => Kind::ExactF16,
    };
    let reason = match report.chosen {
        _ if settings.kind == Some(report.chosen) => "the settings ask for it".to_owned(),
        Kind::ExactF16 if !measured(Kind::Int8) => {
            format!("{} rows are too few for anything but a scan of the numbers", report.rows)
        }
        Kind::ExactF16 => "no other kind reaches the recall and reads less".to_owned(),
        Kind::Int8 if !measured(Kind::Lists) => {
            format!(
                "a query reads {} instead of {}, and {} rows are too few for lists",
                of(codes),
                of(exact),
                report.rows
            )
        }
        Kind::Int8 => {
            format!("a query reads {} instead of {}, and lists do not halve that at the recall", of(codes), of(exact))
        }
        Kind::Lists => {
            format!("a query reads {} instead of the {} of a scan of codes at the recall", of(lists), of(codes))
        }
    };
    report.why = format!(
        "{}: {reason}. The graph is not considered in a file: it is rebuilt on the heap at every load and breaks on \
         selective filters.",
        report.chosen.name()
    );
    report
}

/// The header that a report leads to.
pub(super) fn about_of(report: &Report, rows: usize, dims: usize) -> About {
    let chosen = report.candidates.iter().find(|candidate| candidate.kind == report.chosen);
    About {
        kind: report.chosen,
        rows: rows as u32,
        dims: dims as u32,
        lists: chosen.map_or(0, |chosen| chosen.lists as u32),
        times: TIMES,
        plus: PLUS,
        exact: chosen.map_or(0, |chosen| chosen.exact_matches as u32),
        margin: chosen.map_or(0.0, |chosen| chosen.margin),
    }
}
