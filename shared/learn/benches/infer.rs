//! What a request costs: the encoder over the last 50 actions, the visitor's vector of a whole model (encoder, fold-in and
//! all), and how often they allocate.
//!
//! ```text
//! cargo bench -p vitrine-learn --bench infer
//! ```

#![allow(unsafe_code, reason = "an allocator that counts")]

mod measure;

use std::alloc::{GlobalAlloc, Layout as Size, System};
use std::hint::black_box;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use measure::{Random, Result};
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
use vitrine_learn::{Artifact, Dataset, Lineup, Question, Scratch, Settings, history::Interaction, train};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, size: Size) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(size) }
    }
    unsafe fn dealloc(&self, place: *mut u8, size: Size) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(place, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PRODUCTS: usize = 2_000;
const CALLS: usize = 20_000;

/// Everybody's events.
type People = Vec<(Visitor, Vec<Event>)>;

fn shop() -> Result<(Vec<Product>, People)> {
    let mut random = Random(1);
    let product = |number: usize| Ok(Product::new(ProductId::new(number.to_string())?, format!("Article {number}")));
    let products = (0..PRODUCTS).map(product).collect::<Result<Vec<_>>>()?;
    let mut people = Vec::new();
    for number in 0..500 {
        let visitor = Visitor::known(number.to_string())?;
        let mut events = Vec::new();
        for step in 0..20_i64 {
            let time = Millis(step * 3_600_000);
            let mut event = Event::new(MessageId::new(step.to_string())?, visitor.clone(), time, Action::View);
            event.lines.push(Line::of(products[random.skewed(PRODUCTS)].id.clone()));
            events.push(event);
        }
        people.push((visitor, events));
    }
    Ok((products, people))
}

/// Prints the median, the 99th percentile and the allocations of a call, after a first one that may grow scratch space.
fn time(out: &mut impl Write, what: &str, mut call: impl FnMut()) -> Result<()> {
    call();
    let mut micros = Vec::with_capacity(CALLS);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..CALLS {
        let start = Instant::now();
        call();
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    micros.sort_by(f64::total_cmp);
    let (p50, p99) = (micros[CALLS / 2], micros[CALLS * 99 / 100]);
    Ok(writeln!(out, "{what:18} p50 {p50:7.1} µs, p99 {p99:7.1} µs, {allocations} allocations in {CALLS} calls")?)
}

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    let mut settings = Settings::default();
    // Speed does not depend on how well it learned.
    (settings.encoder.epochs, settings.factors.iterations) = (1, 1);
    let (products, people) = shop()?;
    let data = Dataset::new(&products, &people, &settings.limits)?;
    let (bytes, _) = train(&data, &settings, &mut |_, _, _| ())?;
    let artifact = Artifact::from_bytes(bytes, &Lineup::default())?;
    let past = |i: u32| Interaction { row: i * 79 % PRODUCTS as u32, action: Action::View, age_days: (50 - i) as f32 };
    let history: Vec<Interaction> = (0..50).map(past).collect();
    let mut scratch = Scratch::default();
    for (number, part) in artifact.parts().iter().enumerate().filter(|(_, part)| !part.range.is_empty()) {
        let mut vector = vec![0.0; part.range.len()];
        time(&mut out, &part.name, || artifact.part_query(number, black_box(&history), &mut scratch, &mut vector))?;
    }
    let mut vector = vec![0.0; artifact.dims()];
    time(&mut out, "visitor's vector", || {
        artifact.visitor_vector(black_box(&history), Question::New, &mut scratch, &mut vector);
    })
}
