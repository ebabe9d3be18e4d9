//! What each stage of a visitor's query costs: every part of the vector, every tally (and how many products it reaches), and
//! what is said for a page of 20 products. Thread CPU time over 10,000 calls of 1,000 visitors with 50 actions each, half of
//! them in the newest visit.
//!
//! ```text
//! cargo bench -p vitrine-rank --bench parts -- 10000 100000 1000000
//! ```

mod generated;

use std::hint::black_box;
use std::io::Write;

use generated::{Result, Size, percentile, thread_seconds};
use vitrine_learn::{Artifact, Interaction, Question, Scratch, Tally};

/// Visitors, and how often each is asked for.
const VISITORS: usize = 1_000;
const CALLS: usize = 10_000;
/// Products of a page.
const PAGE: usize = 20;

/// Prints median and 99th percentile of a call over all visitors; `call` says how many products it reached.
fn time(what: &str, visitors: &[Vec<Interaction>], mut call: impl FnMut(&[Interaction]) -> usize) -> Result<()> {
    // Scratch space grows, pages come in.
    for history in visitors {
        black_box(call(history));
    }
    let (mut micros, mut rows) = (Vec::with_capacity(CALLS), Vec::with_capacity(CALLS));
    for history in visitors.iter().cycle().take(CALLS) {
        let start = thread_seconds();
        let reached = call(black_box(history));
        micros.push((thread_seconds() - start) * 1e6);
        rows.push(reached as f64);
    }
    let (p50, p99) = (percentile(&mut micros, 0.5), percentile(&mut micros, 0.99));
    let (typical, most) = (percentile(&mut rows, 0.5), percentile(&mut rows, 1.0));
    writeln!(
        std::io::stdout(),
        "  {what:24} p50 {p50:8.1} µs   p99 {p99:8.1} µs   products p50 {typical:6.0} most {most:6.0}"
    )?;
    Ok(())
}

fn measure(size: Size) -> Result<()> {
    let artifact = generated::artifact(size)?;
    let visitors = generated::visitors(size, VISITORS)?;
    writeln!(std::io::stdout(), "{} products, {} dimensions", artifact.len(), artifact.dims())?;
    let (mut scratch, mut tally) = (Scratch::default(), Tally::new(artifact.len()));
    for (at, part) in artifact.parts().iter().enumerate() {
        if part.has_vectors() {
            let mut query = vec![0.0; part.range.len()];
            time(&part.name, &visitors, |history| {
                artifact.part_query(at, history, &mut scratch, &mut query);
                0
            })?;
        } else {
            time(&part.name, &visitors, |history| {
                artifact.part_tally(at, history, &mut scratch, &mut tally);
                let reached = tally.rows().len();
                tally.clear();
                reached
            })?;
        }
    }
    let mut vector = vec![0.0; artifact.dims()];
    time("whole vector", &visitors, |history| {
        artifact.visitor_vector(history, Question::New, &mut scratch, &mut vector);
        0
    })?;
    writeln!(std::io::stdout(), "  sums of all tallies: {:016x}", fingerprint(&artifact, &visitors))?;
    let pages = pages(&artifact, &visitors);
    for (at, part) in artifact.parts().iter().enumerate().filter(|(_, part)| !part.has_vectors()) {
        let mut number = 0;
        time(&format!("{} evidence", part.name), &visitors, |history| {
            let (page, mut said) = (&pages[number % VISITORS], 0);
            artifact.part_evidence(at, history, page, &mut scratch, &mut |_, _, _| said += 1);
            number += 1;
            said
        })?;
    }
    time("all tallies", &visitors, |history| {
        let mut reached = 0;
        for at in 0..artifact.parts().len() {
            artifact.part_tally(at, history, &mut scratch, &mut tally);
            reached += tally.rows().len();
            tally.clear();
        }
        reached
    })
}

/// The products of a page for each visitor: the best of all tallies added up.
fn pages(artifact: &Artifact, visitors: &[Vec<Interaction>]) -> Vec<Vec<u32>> {
    let (mut scratch, mut tally) = (Scratch::default(), Tally::new(artifact.len()));
    let page = |history: &Vec<Interaction>| {
        (0..artifact.parts().len()).for_each(|at| artifact.part_tally(at, history, &mut scratch, &mut tally));
        let mut rows = tally.rows().to_vec();
        rows.sort_by(|a, b| tally.sum(*b).total_cmp(&tally.sum(*a)).then(a.cmp(b)));
        rows.truncate(PAGE);
        tally.clear();
        rows
    };
    visitors.iter().map(page).collect()
}

/// A hash of all sums, bit by bit: what a change makes faster it must not change.
fn fingerprint(artifact: &Artifact, visitors: &[Vec<Interaction>]) -> u64 {
    let (mut scratch, mut tally) = (Scratch::default(), Tally::new(artifact.len()));
    let mut hash = 0_u64;
    for history in visitors {
        for at in 0..artifact.parts().len() {
            artifact.part_tally(at, history, &mut scratch, &mut tally);
            for row in tally.rows() {
                let bits = u64::from(*row) << 32 | u64::from(tally.sum(*row).to_bits());
                hash = (hash ^ bits).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
            }
            tally.clear();
        }
    }
    hash
}

fn main() -> Result<()> {
    let mut sizes: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 100_000];
    }
    sizes.into_iter().try_for_each(|products| measure(Size::of(products)?))
}
