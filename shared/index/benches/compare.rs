//! The kinds side by side: `cargo bench -p vitrine-index` for 10,000 and 100,000 rows, `-- 1000000` for others.
//!
//! Times are CPU times of the thread that searches, so that other programs on the machine count little.
#![allow(clippy::print_stdout, reason = "a bench prints")]

#[path = "../tests/data/mod.rs"]
mod data;

use std::time::Duration;

use data::{Data, Shape};
use hnsw_rs::anndists::dist::DistL2;
use hnsw_rs::hnsw::Hnsw;
use rustix::time::{ClockId, clock_gettime};
use vitrine_index::{
    Bitmap, Flat, Found, Graph, GraphSettings, Hit, Index, Kind, Scratch, Settings, Stored, build, dot,
};

const DIMS: usize = 128;
const QUERIES: usize = 512;
const K: usize = 10;

fn now(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Takes the CPU seconds of the whole process.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = now(ClockId::ProcessCPUTime);
    let done = work();
    (done, (now(ClockId::ProcessCPUTime) - start).as_secs_f64())
}

#[derive(Clone)]
struct Scene {
    name: &'static str,
    allowed: Option<Bitmap>,
    /// The score of the last of the exact answer, for each query.
    last: Vec<f32>,
}

fn scenes(data: &Data, queries: &[&[f32]]) -> anyhow::Result<Vec<Scene>> {
    let exact = Flat::new(&data.halves, DIMS)?;
    let filters = [
        ("none", None),
        ("rand10", Some(data.by_chance(0.1, 5))),
        ("rand1", Some(data.by_chance(0.01, 6))),
        ("cat10", Some(data.of_category(0))),
        ("cat1", Some(data.of_category(1))),
        ("cat0.1", Some(data.of_category(2))),
    ];
    let (mut scratch, mut found) = (Scratch::default(), Found::default());
    let mut scenes = Vec::new();
    for (name, allowed) in filters {
        let mut last = Vec::new();
        for query in queries {
            exact.search(query, K, allowed.as_ref(), &mut scratch, &mut found)?;
            last.push(found.hits.last().map_or(f32::INFINITY, |hit| hit.score));
        }
        scenes.push(Scene { name, allowed, last });
    }
    Ok(scenes)
}

fn row(
    kind: &str,
    build: f64,
    bytes: usize,
    scenes: &[Scene],
    queries: &[&[f32]],
    mut search: impl FnMut(&[f32], Option<&Bitmap>, &mut Found) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut found = Found::default();
    for scene in scenes {
        let wanted = scene.allowed.as_ref().map_or(K, |allowed| allowed.count().min(K));
        let (mut times, mut right, mut touched, mut full) = (Vec::new(), 0, 0, 0);
        for (query, last) in queries.iter().zip(&scene.last) {
            let start = now(ClockId::ThreadCPUTime);
            search(query, scene.allowed.as_ref(), &mut found)?;
            times.push((now(ClockId::ThreadCPUTime) - start).as_secs_f64() * 1e6);
            right +=
                found.hits.iter().filter(|hit| hit.score >= *last * (1.0 - 1e-6 * last.signum())).count().min(wanted);
            touched += found.touched;
            full += usize::from(found.hits.len() == wanted);
        }
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "| {kind} | {build:.1} | {:.1} | {} | {:.0} | {:.0} | {:.4} | {:.0} | {:.1} % |",
            bytes as f64 / 1e6,
            scene.name,
            at(0.5),
            at(0.99),
            right as f64 / (queries.len() * wanted) as f64,
            touched as f64 / queries.len() as f64,
            100.0 * full as f64 / queries.len() as f64,
        );
    }
    Ok(())
}

/// A copy that starts where a line of the cache does, as sections of a file do.
struct Aligned<T>(Vec<T>, std::ops::Range<usize>);

impl<T: Copy> Aligned<T> {
    fn of(numbers: &[T], zero: T) -> Self {
        let mut copy = vec![zero; numbers.len() + 64 / size_of::<T>()];
        let start = copy.as_ptr().align_offset(64).min(copy.len() - numbers.len());
        let place = start..start + numbers.len();
        copy[place.clone()].copy_from_slice(numbers);
        Self(copy, place)
    }

    fn get(&self) -> &[T] {
        &self.0[self.1.clone()]
    }
}

/// Bytes of the process in memory.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|line| line.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()));
    pages.unwrap_or(0) * 4096
}

/// The graph with its guards, and the library alone with its hits sieved: twice as many until the list is full.
fn graphs(data: &Data, scenes: &[Scene], queries: &[&[f32]]) -> anyhow::Result<()> {
    let before = resident();
    let (graph, seconds) = timed(|| Graph::build(&data.halves, data.dims, GraphSettings::default()));
    let graph = graph?;
    let mut scratch = Scratch::default();
    row("hnsw_rs guarded", seconds, resident() - before, scenes, queries, |query, allowed, found| {
        Ok(graph.search(query, K, allowed, &mut scratch, found)?)
    })?;
    drop(graph);

    let before = resident();
    let longest =
        data.vectors.chunks_exact(data.dims).map(|v| v.iter().map(|x| x * x).sum::<f32>()).fold(0.0, f32::max);
    let longer: Vec<Vec<f32>> = data
        .vectors
        .chunks_exact(data.dims)
        .map(|v| [v, &[(longest - v.iter().map(|x| x * x).sum::<f32>()).max(0.0).sqrt()]].concat())
        .collect();
    let (alone, seconds) = timed(|| {
        let alone = Hnsw::<f32, DistL2>::new(16, data.rows(), 16, 200, DistL2 {});
        alone.parallel_insert(&longer.iter().zip(0..).collect::<Vec<_>>());
        alone
    });
    let selective: Vec<Scene> =
        scenes.iter().filter(|scene| matches!(scene.name, "none" | "rand1" | "cat1")).cloned().collect();
    let few = &queries[..queries.len().min(64)];
    row("hnsw_rs alone, hits sieved", seconds, resident() - before, &selective, few, |query, allowed, found| {
        let query: Vec<f32> = query.iter().copied().chain([0.0]).collect();
        let mut width = if allowed.is_some() { 1024 } else { 96 };
        loop {
            found.hits.clear();
            let hits = alone.search(&query, width, width).into_iter().map(|hit| hit.d_id as u32);
            let hits = hits.filter(|row| allowed.is_none_or(|allowed| allowed.contains(*row)));
            let score = |row: u32| dot(&query, &data.vectors[row as usize * data.dims..(row as usize + 1) * data.dims]);
            found.hits.extend(hits.map(|row| Hit { row, score: score(row) }).take(K));
            found.touched = 0;
            if found.hits.len() >= K || width >= data.rows() {
                return Ok(());
            }
            width *= 2;
        }
    })
}

fn compare(rows: usize, shape: Shape) -> anyhow::Result<()> {
    let data = Data::new(rows, DIMS, 2 * QUERIES, shape, 7);
    // The builder sees other queries than those measured here.
    let seen = &data.queries[..QUERIES * DIMS];
    let measured = if rows > 200_000 { 128 } else { QUERIES };
    let queries: Vec<&[f32]> = data.queries().skip(QUERIES).take(measured).collect();
    let scenes = scenes(&data, &queries)?;
    println!("\n{rows} rows x {DIMS}, {shape:?}\n");
    println!("| kind | build CPU s | MB | filter | µs p50 | µs p99 | recall@10 | touched | full lists |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut scratch = Scratch::default();
    let exact = Flat::new(&data.vectors, DIMS)?;
    row("exact f32", 0.0, data.vectors.len() * 4, &scenes, &queries, |query, allowed, found| {
        Ok(exact.search(query, K, allowed, &mut scratch, found)?)
    })?;
    let halves = Aligned::of(&data.halves, half::f16::ZERO);
    let exact = Flat::new(halves.get(), DIMS)?;
    row("exact f16", 0.0, data.halves.len() * 2, &scenes, &queries, |query, allowed, found| {
        Ok(exact.search(query, K, allowed, &mut scratch, found)?)
    })?;
    let threads = std::thread::available_parallelism()?.get();
    for (name, kind) in [("int8 + f16", Kind::Int8), ("lists + f16", Kind::Lists)] {
        let settings = Settings { kind: Some(kind), ..Settings::default() };
        let (built, seconds) = timed(|| build(&data.halves, DIMS, seen, &settings, threads));
        let built = built?;
        let bytes = data.halves.len() * 2 + built.sections.iter().map(|section| section.bytes.len()).sum::<usize>();
        let parts: Vec<(&str, Aligned<u8>)> =
            built.sections.iter().map(|s| (s.name, Aligned::of(&s.bytes, 0))).collect();
        let find = |name: &str| parts.iter().find(|(known, _)| *known == name).map(|(_, part)| part.get());
        let index = Stored::open(find, halves.get(), DIMS)?;
        row(name, seconds, bytes, &scenes, &queries, |query, allowed, found| {
            Ok(index.search(query, K, allowed, &mut scratch, found)?)
        })?;
    }
    if rows <= 100_000 && shape == Shape::Crowded {
        graphs(&data, &scenes, &queries)?;
    }
    let (built, seconds) = timed(|| build(&data.halves, DIMS, seen, &Settings::default(), threads));
    let report = built?.report;
    println!("\nThe builder ({seconds:.1} CPU s): {}", report.why);
    for of in report.candidates.iter().filter(|of| of.kind == Kind::Lists) {
        println!("{} lists, margin {:.2}, scan up to {} allowed rows.", of.lists, of.margin, of.exact_matches);
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    if asked.is_empty() {
        compare(10_000, Shape::Crowded)?;
        compare(100_000, Shape::Crowded)?;
        return compare(100_000, Shape::Loose);
    }
    asked.into_iter().try_for_each(|rows| compare(rows, Shape::Crowded))
}
