//! The kinds side by side: `cargo bench -p vitrine-index` for 10,000 and 100,000 rows, `-- 1000000` for others.
//!
//! Times are CPU times of the thread that searches, so that other programs on the machine count little.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints")]

#[path = "../tests/data/mod.rs"]
mod data;

use std::time::Duration;

use data::{Data, Shape};
use rustix::time::{ClockId, clock_gettime};
use vitrine_index::{Bitmap, Built, Flat, Found, Index, Kind, Scratch, Settings, Stored, build};

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

fn compare(rows: usize) -> anyhow::Result<()> {
    let data = Data::new(rows, DIMS, 2 * QUERIES, Shape::Crowded, 7);
    // The builder sees other queries than those measured here.
    let (seen, fresh) = data.queries.split_at(QUERIES * DIMS);
    let measured = if rows > 200_000 { 128 } else { QUERIES };
    let queries: Vec<&[f32]> = fresh.chunks_exact(DIMS).take(measured).collect();
    let scenes = scenes(&data, &queries)?;
    println!("\n{rows} rows x {DIMS}\n");
    println!("| kind | build CPU s | MB | filter | µs p50 | µs p99 | recall@10 | touched | full lists |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut scratch = Scratch::default();
    let exact = Flat::new(&data.vectors, DIMS)?;
    row("exact f32", 0.0, data.vectors.len() * 4, &scenes, &queries, |query, allowed, found| {
        Ok(exact.search(query, K, allowed, &mut scratch, found)?)
    })?;
    let exact = Flat::new(&data.halves, DIMS)?;
    row("exact f16", 0.0, data.halves.len() * 2, &scenes, &queries, |query, allowed, found| {
        Ok(exact.search(query, K, allowed, &mut scratch, found)?)
    })?;
    let threads = std::thread::available_parallelism()?.get();
    for (name, kind) in [("int8 + f16", Kind::Int8), ("lists + f16", Kind::Lists)] {
        let settings = Settings { kind: Some(kind), ..Settings::default() };
        let (built, seconds) = timed(|| build(&data.halves, DIMS, seen, &settings, threads));
        let built: Built = built?;
        let bytes = data.halves.len() * 2 + built.sections.iter().map(|section| section.bytes.len()).sum::<usize>();
        let index = Stored::open(|name| built.section(name), &data.halves, DIMS)?;
        row(name, seconds, bytes, &scenes, &queries, |query, allowed, found| {
            Ok(index.search(query, K, allowed, &mut scratch, found)?)
        })?;
        if let Some(lists) = built.report.candidates.iter().find(|candidate| candidate.kind == Kind::Lists) {
            eprintln!("lists {} margin {} exact {}", lists.lists, lists.margin, lists.exact_matches);
        }
    }
    let (built, seconds) = timed(|| build(&data.halves, DIMS, seen, &Settings::default(), threads));
    println!("\nThe builder ({seconds:.1} CPU s): {}", built?.report.why);
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![10_000, 100_000] } else { asked };
    sizes.into_iter().try_for_each(compare)
}
