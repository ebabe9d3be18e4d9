//! What a decision costs, from the decoded profile to the rendered answer: a filter that a tenth of the catalogue passes, five
//! rules, diversity, twenty products with their reasons, for 1,000 visitors of 50 actions, over large made-up shops. Thread
//! CPU time over 10,000 decisions, in all and by stage; then the same with a list of 200 products to be ranked, without a
//! filter, and what a new process does until its first answer.
//!
//! ```text
//! cargo bench -p vitrine-rank --bench decide -- 10000 100000 1000000
//! ```

mod generated;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use generated::{Result, Shop, Size, percentile, thread_seconds};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use vitrine_domain::{Action, Filter, Millis, PastAction, Placement, ProductId, Rule, Seen, Strategy};
use vitrine_learn::artifact::with_sections;
use vitrine_learn::dataset::stable_hash;
use vitrine_learn::{Artifact, Interaction, Lineup, Question, Scratch};
use vitrine_rank::{Answer, Audience, Reason, Request, Shelf, Stage, Words, Workspace, decide};

const VISITORS: usize = 1_000;
const DECISIONS: usize = 10_000;
const NOW: Millis = Millis(1_764_000_000_000);
/// Visitors whose vectors the index is calibrated with; they are none of those that are measured.
const CALIBRATING: usize = 300;

/// The file of a shop's artifact with its index, made if it is not there yet.
fn indexed(size: Size) -> Result<PathBuf> {
    let plain = generated::artifact_file(size)?;
    let file = plain.with_extension("laid");
    if file.exists() {
        return Ok(file);
    }
    let artifact = generated::artifact(size)?;
    let histories = generated::visitors(size, VISITORS + CALIBRATING)?.split_off(VISITORS);
    let mut scratch = Scratch::default();
    let mut queries = vec![0.0; CALIBRATING * artifact.dims()];
    for (history, query) in histories.iter().zip(queries.chunks_exact_mut(artifact.dims())) {
        artifact.visitor_vector(history, Question::Any, &mut scratch, query);
    }
    // Products of a category lie together.
    let mut order: Vec<u32> = (0..artifact.len() as u32).collect();
    order.sort_by_key(|row| (artifact.categories(*row), *row));
    let settings = vitrine_index::Settings { order: Some(order), ..Default::default() };
    let built = vitrine_index::build(artifact.vectors(), artifact.dims(), &queries, &settings, 2)?;
    writeln!(std::io::stdout(), "index of {} products: {}", artifact.len(), built.report.why)?;
    let sections: Vec<_> = built.sections.into_iter().map(|s| (s.name.to_owned(), s.width, s.bytes)).collect();
    let draft = file.with_extension("draft");
    std::fs::write(&draft, with_sections(std::fs::read(plain)?, &sections)?)?;
    std::fs::rename(draft, &file)?;
    Ok(file)
}

/// A history as a profile holds it.
fn decoded(artifact: &Artifact, history: &[Interaction]) -> Result<Vec<PastAction>> {
    let past = |past: &Interaction| {
        let at = NOW.plus(-(f64::from(past.age_days) * 86_400_000.0) as i64);
        Ok(PastAction { product: ProductId::new(artifact.id(past.row))?, action: past.action, at, key: 0 })
    };
    history.iter().map(past).collect()
}

fn rules() -> Result<Vec<Rule>> {
    let effects = [
        json!({"kind": "boost", "filter": "brand in [\"Brand 3\", \"Brand 17\"]", "factor": 1.5}),
        json!({"kind": "bury", "filter": "stock < 5", "factor": 2.0}),
        json!({"kind": "hide", "filter": "colour = \"beige\" and created < \"2023-01-01\""}),
        json!({"kind": "at_most", "attribute": "brand", "count": 3}),
        json!({"kind": "share", "filter": "discount > 0.2", "share": 0.2}),
    ];
    let rule = |(at, effect)| serde_json::from_value(json!({"id": format!("rule-{at}"), "effect": effect}));
    Ok(effects.into_iter().enumerate().map(rule).collect::<std::result::Result<_, _>>()?)
}

/// Filters that about a tenth of the catalogue passes: some departments, up to a price. No two are the same, so that hardly
/// any is known when it is asked.
fn filters(shelf: &Shelf, departments: usize) -> Result<Vec<Filter>> {
    let passing = |number: usize, names: usize, price: f64| {
        let names: Vec<String> =
            (0..names).map(|at| format!("\"Department {}\"", (number * 7 + at) % departments)).collect();
        Filter::parse(&format!("category in [{}] and price < {price}", names.join(", ")))
    };
    let mut filters: Vec<Filter> = Vec::new();
    for number in 0..400 {
        let price = 15.0 + number as f64 / 10.0;
        let mut best: Option<(f64, Filter)> = None;
        for names in 1..=departments / 2 {
            let filter = passing(number, names, price)?;
            let share = shelf.rows(&filter)?.count() as f64 / shelf.len() as f64;
            let off = (share - 0.1).abs();
            if best.as_ref().is_none_or(|(known, _)| off < *known) {
                best = Some((off, filter));
            }
        }
        filters.extend(best.map(|(_, filter)| filter));
    }
    Ok(filters)
}

/// An answer as it goes over the wire.
#[derive(Serialize)]
struct Item<'a> {
    product_id: &'a str,
    score: f32,
    propensity: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a RawValue>,
    reasons: &'a [Reason],
}

/// Whoever sends a list has its products: they are not sent back.
fn render(shelf: &Shelf, answer: &Answer, listed: bool) -> Result<Vec<u8>> {
    let items: Vec<Item<'_>> = answer
        .items
        .iter()
        .map(|item| {
            Ok(Item {
                product_id: shelf.id(item.row),
                score: item.score,
                propensity: item.propensity,
                product: if listed { None } else { Some(serde_json::from_str(shelf.json(item.row))?) },
                reasons: &item.reasons,
            })
        })
        .collect::<Result<_>>()?;
    Ok(serde_json::to_vec(&items)?)
}

/// Times of many decisions, in microseconds.
#[derive(Default)]
struct Times {
    total: Vec<f64>,
    stages: Vec<(&'static str, Vec<f64>)>,
}

impl Times {
    fn stage(&mut self, name: &'static str, micros: f64) {
        match self.stages.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => times.push(micros),
            None => self.stages.push((name, vec![micros])),
        }
    }

    fn print(&mut self, what: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        let (p50, p99) = (percentile(&mut self.total, 0.5), percentile(&mut self.total, 0.99));
        writeln!(out, "  {what:34} p50 {:7.3} ms   p99 {:7.3} ms", p50 / 1e3, p99 / 1e3)?;
        for (name, times) in &mut self.stages {
            let (p50, p99) = (percentile(times, 0.5), percentile(times, 0.99));
            writeln!(out, "    {name:10} p50 {p50:7.0} µs   p99 {p99:7.0} µs")?;
        }
        Ok(())
    }
}

/// Decides for every visitor in turn and says what it took.
fn measure(what: &str, shelf: &Shelf, decisions: usize, request: impl Fn(usize) -> RequestParts) -> Result<()> {
    let placement = Placement {
        diversity: 0.3,
        per_category: 4,
        bought: Seen::Allow,
        ..Placement::new("home", Strategy::Personal, 20)
    };
    let (mut work, mut times, mut shown, mut touched) = (Workspace::default(), Times::default(), 0, 0);
    // What makes decisions faster must not change them.
    let mut answers = 0_u64;
    let rank = Placement::new("rank", Strategy::Personal, 200);
    for number in 0..decisions + VISITORS {
        let parts = request(number);
        let start = thread_seconds();
        let mut last = start;
        let mut stages = Vec::with_capacity(8);
        let mut passed = |name: &'static str| {
            let now = thread_seconds();
            stages.push((name, (now - last) * 1e6));
            last = now;
        };
        let placement = if parts.among.is_some() { &rank } else { &placement };
        let request = Request {
            history: &parts.history,
            rules: &parts.rules,
            filter: parts.filter.as_deref(),
            among: parts.among.as_deref().map(Vec::as_slice),
            seed: number as u64,
            words: Words { audience: parts.audience, ..Words::default() },
            ..Request::new(placement, NOW)
        };
        let answer = decide(shelf, &request, &mut work, &mut |stage: Stage| passed(stage.as_str()))?;
        let body = render(shelf, &answer, parts.among.is_some())?;
        passed("render");
        let total = (thread_seconds() - start) * 1e6;
        answers = (answers ^ stable_hash(body)).wrapping_mul(0x0100_0000_01b3);
        // The first round brings pages in and lets scratch space grow.
        if number >= VISITORS {
            times.total.push(total);
            stages.into_iter().for_each(|(name, micros)| times.stage(name, micros));
            (shown, touched) = (shown + answer.items.len(), touched + answer.touched);
        }
    }
    times.print(what)?;
    let each = |sum: usize| sum as f64 / decisions as f64;
    writeln!(
        std::io::stdout(),
        "    {:.1} products shown, {:.0} vectors compared, answers {answers:016x}",
        each(shown),
        each(touched)
    )?;
    Ok(())
}

/// What a decision is asked.
struct RequestParts {
    history: Arc<Vec<PastAction>>,
    rules: Arc<Vec<Rule>>,
    filter: Option<Arc<Filter>>,
    among: Option<Arc<Vec<u32>>>,
    audience: Audience,
}

fn size(size: Size) -> Result<()> {
    let file = indexed(size)?;
    let artifact = Arc::new(Artifact::open(&file, &Lineup::default())?);
    let shelf = Shelf::new(Some(artifact.clone()), &[]);
    let visitors = generated::visitors(size, VISITORS)?;
    let histories =
        visitors.iter().map(|history| Ok(Arc::new(decoded(&artifact, history)?))).collect::<Result<Vec<_>>>()?;
    let rules = Arc::new(rules()?);
    let filters: Vec<Arc<Filter>> = filters(&shelf, size.leaves.div_ceil(20))?.into_iter().map(Arc::new).collect();
    let shares: Vec<f64> =
        filters.iter().map(|f| Ok(shelf.rows(f)?.count() as f64 / shelf.len() as f64)).collect::<Result<_>>()?;
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} products, {} dimensions, artifact {:.1} MB; filters pass {:.1} % in the mean",
        artifact.len(),
        artifact.dims(),
        std::fs::metadata(&file)?.len() as f64 / 1e6,
        mean * 100.0
    )?;
    drop(out);
    let history = |number: usize| histories[number % VISITORS].clone();
    let before = resident()?;
    measure("decide, filter of 10 %", &shelf, DECISIONS, |number| RequestParts {
        history: history(number),
        rules: rules.clone(),
        filter: Some(filters[number * 31 % filters.len()].clone()),
        among: None,
        audience: Audience::Shopper,
    })?;
    writeln!(
        std::io::stdout(),
        "    resident {:.1} MB after {DECISIONS} decisions, {before:.1} MB before",
        resident()?
    )?;
    measure("decide, no filter", &shelf, DECISIONS / 4, |number| RequestParts {
        history: history(number),
        rules: rules.clone(),
        filter: None,
        among: None,
        audience: Audience::Shopper,
    })?;
    let list = |number: usize| {
        let mut random = generated::Random::of("list", number as u64);
        Arc::new((0..200).map(|_| random.below(size.products) as u32).collect())
    };
    for (what, audience) in
        [("rank a list of 200, with reasons", Audience::Shopper), ("rank a list of 200", Audience::Nobody)]
    {
        measure(what, &shelf, DECISIONS, |number| RequestParts {
            history: history(number),
            rules: rules.clone(),
            filter: None,
            among: Some(list(number)),
            audience,
        })?;
    }
    for _ in 0..3 {
        let status = Command::new(std::env::current_exe()?).arg("first").arg(&file).status()?;
        if !status.success() {
            return Err("the new process failed".into());
        }
    }
    Ok(())
}

/// What a new process does: opens the artifact and answers once.
fn first(file: &Path) -> Result<()> {
    let start = Instant::now();
    let artifact = Arc::new(Artifact::open(file, &Lineup::default())?);
    let opened = start.elapsed().as_secs_f64() * 1e3;
    let shelf = Shelf::new(Some(artifact.clone()), &[]);
    let row = |at: u32| at * 977 % artifact.len() as u32;
    let history: Vec<Interaction> = (0..50)
        .map(|at| Interaction { row: row(at), action: Action::View, age_days: 0.01 * (50 - at) as f32 })
        .collect();
    let history = decoded(&artifact, &history)?;
    let placement = Placement { diversity: 0.3, ..Placement::new("home", Strategy::Personal, 20) };
    let filter = Filter::parse("category = \"Department 1\" and price < 30")?;
    let rules = rules()?;
    let request = Request { history: &history, rules: &rules, filter: Some(&filter), ..Request::new(&placement, NOW) };
    let answer = decide(&shelf, &request, &mut Workspace::default(), &mut |_| ())?;
    let body = render(&shelf, &answer, false)?;
    let answered = start.elapsed().as_secs_f64() * 1e3;
    writeln!(
        std::io::stdout(),
        "  new process: opened in {opened:.1} ms, first answer of {} products ({} bytes) after {answered:.1} ms",
        answer.items.len(),
        body.len()
    )?;
    Ok(())
}

/// Resident memory of this process, in MB.
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1024.0)
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [command, file] = &words[..]
        && command == "first"
    {
        return first(Path::new(file));
    }
    // The shop must be made before anything is measured, so that its memory is not counted.
    let sizes: Vec<usize> = if words.is_empty() {
        vec![10_000, 100_000]
    } else {
        words.iter().map(|word| Ok(word.parse()?)).collect::<Result<_>>()?
    };
    let one = sizes.len() == 1;
    for products in sizes {
        let of = Size::of(products)?;
        Shop::new(of)?;
        indexed(of)?;
        if one {
            size(of)?;
        } else {
            // Each size in a process of its own: memory is its own.
            let status = Command::new(std::env::current_exe()?).arg(products.to_string()).status()?;
            if !status.success() {
                return Err(format!("{products} products failed").into());
            }
        }
    }
    Ok(())
}
