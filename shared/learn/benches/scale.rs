//! How the cost of training grows with the log: made-up shops of 0.5, 1.5 and 5 million events, each trained by a process of
//! its own, so that its peak of memory is its own.
//!
//! ```text
//! cargo bench -p vitrine-learn --bench scale -- [MILLIONS OF EVENTS[:PRODUCTS] ...]
//! ```
//!
//! Each artifact is then opened from a file by another process, first with nothing of it in the page cache, then again.
//!
//! People are made one after the other and forgotten, as they come out of a log. The catalogue grows with the root of the
//! log: 20,000 products at 5 million events. An event is one look or one order of fifteen lines: one in ten.

mod measure;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use measure::{Random, Result, cpu_seconds, peak_memory};
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
use vitrine_learn::dataset::Builder;
use vitrine_learn::validate::Judge;
use vitrine_learn::{Artifact, Interaction, Lineup, Question, Settings, train};

/// Events of one person.
const EVENTS: usize = 20;

fn product(number: usize) -> Result<Product> {
    const WORDS: [&str; 12] =
        ["fine", "organic", "large", "red", "dark", "fresh", "smoked", "light", "classic", "mild", "sweet", "dry"];
    let title = format!("{} {} article {}", WORDS[number % 12], WORDS[number / 12 % 12], number / 144);
    let mut product = Product::new(ProductId::new(format!("{number:06}"))?, title);
    product.description = format!("Everything there is to say about article {number}, in one sentence.");
    product.category = vec![format!("Department {}", number % 12), format!("Aisle {}", number % 120)];
    product.brand = Some(format!("Brand {}", number % 97));
    product.price = Some(1.0 + (number % 500) as f64 / 10.0);
    Ok(product)
}

/// One person's events, one in ten an order. Half of what people touch is of an aisle of theirs.
fn person(number: usize, products: &[Product], random: &mut Random) -> Result<(Visitor, Vec<Event>)> {
    let visitor = Visitor::known(number.to_string())?;
    let aisle = random.skewed(120);
    let mut pick = || {
        let any = random.skewed(products.len());
        let own = any / 120 * 120 + aisle;
        products[if random.below(2) == 0 && own < products.len() { own } else { any }].id.clone()
    };
    let mut events = Vec::new();
    for visit in 0..EVENTS as i64 {
        let order = visit % 10 == 9;
        let id = MessageId::new(visit.to_string())?;
        let time = Millis((visit * 5 + number as i64 % 200) * 86_400_000);
        let mut event = Event::new(id, visitor.clone(), time, if order { Action::Order } else { Action::View });
        event.lines = (0..if order { 15 } else { 1 }).map(|_| Line::of(pick())).collect();
        events.push(event);
    }
    Ok((visitor, events))
}

/// Trains a shop of so many million events and says what it cost.
fn measure(millions: f64, products: usize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let events = millions * 1e6;
    let products = (0..products).map(product).collect::<Result<Vec<_>>>()?;
    let settings = Settings::default();
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    let mut random = Random(1);
    let mut builder = Builder::new(&products, &settings.limits)?;
    for number in 0..(events / EVENTS as f64) as usize {
        let (visitor, events) = person(number, &products, &mut random)?;
        builder.push(&visitor, events)?;
    }
    let data = builder.finish();
    writeln!(out, "{millions} M events, {} products, {} actions", products.len(), data.counts().actions)?;
    let (mut stage, mut before) = ("reading", cpu);
    let mut parts = Vec::new();
    let mut failure = None;
    let (bytes, _) = train(&data, &settings, &mut |now, _, _| {
        if now.as_str() != stage {
            match cpu_seconds() {
                Ok(clock) => {
                    parts.push((stage, clock - before));
                    (stage, before) = (now.as_str(), clock);
                }
                Err(error) => failure = Some(error),
            }
        }
    })?;
    failure.map_or(Ok(()), Err)?;
    parts.push((stage, cpu_seconds()? - before));
    for (stage, seconds) in parts {
        writeln!(out, "  {stage:14} {seconds:8.1} CPU s, {:6.1} µs an event", seconds / millions)?;
    }
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let memory = peak_memory()? as f64 / f64::from(1 << 20);
    let size = bytes.len() as f64 / 1e6;
    writeln!(
        out,
        "  in all {wall:.1} s, {cpu:.1} CPU s, {:.1} µs an event; peak {memory:.0} MB; artifact {size:.1} MB",
        cpu / millions
    )?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("artifact");
    std::fs::write(&file, bytes)?;
    // Written back first, then forgotten.
    let name = file.to_string_lossy();
    run(Command::new("dd").args([
        &format!("of={name}"),
        "oflag=nocache",
        "conv=notrunc,fdatasync",
        "count=0",
        "status=none",
    ]))?;
    for _ in 0..2 {
        run(Command::new(std::env::current_exe()?).arg("open").arg(&file))?;
    }
    Ok(())
}

/// What a new process does until its first answer.
fn open(file: &Path) -> Result<()> {
    let start = Instant::now();
    let artifact = Artifact::open(file, &Lineup::default())?;
    let opened = start.elapsed().as_secs_f64() * 1e3;
    let history = [Interaction { row: 7, action: Action::View, age_days: 0.0 }];
    let judge = Judge::new(&artifact);
    let mut scores = judge.scores();
    scores.fill(&history, 0);
    let best = scores.blended(Question::New).iter().copied().fold(f32::MIN, f32::max);
    let answered = start.elapsed().as_secs_f64() * 1e3;
    writeln!(
        std::io::stdout(),
        "  opened in {opened:.1} ms, all products scored in {answered:.1} ms, the best {best:.2}"
    )?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    if command.status()?.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["open", file] => return open(Path::new(file)),
        [size] => {
            let (millions, products) = size.split_once(':').unwrap_or((size, ""));
            let millions: f64 = millions.parse()?;
            let products =
                if products.is_empty() { (20_000.0 * (millions / 5.0).sqrt()) as usize } else { products.parse()? };
            return measure(millions, products);
        }
        _ => (),
    }
    let sizes = if words.is_empty() { ["0.5", "1.5", "5"].map(String::from).to_vec() } else { words };
    for size in sizes {
        run(Command::new(std::env::current_exe()?).arg(size))?;
    }
    Ok(())
}
