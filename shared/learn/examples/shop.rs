//! How long training takes: a made-up shop of 4,000 products, 300,000 order lines and 100,000 browsing events.
//!
//! ```text
//! cargo run --release -p vitrine-learn --example shop -- [THREADS] [PRODUCTS] [SCALE OF THE LOG]
//! ```
//!
//! Says where the time goes, how large the artifact is, and what opening, checking and asking it cost.

use std::io::Write;
use std::time::Instant;

use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
use vitrine_learn::{Artifact, Dataset, Interaction, Settings, train};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A generator good enough for a made-up shop (splitmix64).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Small numbers are more likely than large ones, as products are in shops.
    fn skewed(&mut self, below: usize) -> usize {
        let unit = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        ((unit * unit * below as f64) as usize).min(below - 1)
    }
}

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

/// One person: ten orders of fifteen lines and fifty views, or views alone.
fn person(number: usize, products: &[Product], random: &mut Random) -> Result<(Visitor, Vec<Event>)> {
    let visitor = Visitor::known(number.to_string())?;
    let aisle = random.skewed(120);
    let mut pick = || {
        let number = random.skewed(products.len());
        // Half of what people touch is of their aisle.
        let own = number / 120 * 120 + aisle;
        products[if number.is_multiple_of(2) && own < products.len() { own } else { number }].id.clone()
    };
    let mut events = Vec::new();
    for visit in 0..60_i64 {
        let order = visit % 6 == 5;
        let id = MessageId::new(visit.to_string())?;
        let time = Millis(visit * 5 * 86_400_000 + number as i64);
        let mut event = Event::new(id, visitor.clone(), time, if order { Action::Order } else { Action::View });
        event.lines = (0..if order { 15 } else { 1 }).map(|_| Line::of(pick())).collect();
        events.push(event);
    }
    Ok((visitor, events))
}

fn main() -> Result<()> {
    let number = |at: usize, default: usize| std::env::args().nth(at).map_or(Ok(default), |text| text.parse());
    let (threads, count, scale) = (number(1, 1)?, number(2, 4_000)?, number(3, 1)?);
    let products = (0..count).map(product).collect::<Result<Vec<_>>>()?;
    let mut random = Random(1);
    let people = (0..2_000 * scale).map(|i| person(i, &products, &mut random)).collect::<Result<Vec<_>>>()?;

    let mut out = std::io::stdout().lock();
    let settings = Settings { threads, ..Settings::default() };
    let start = Instant::now();
    let data = Dataset::new(&products, &people, &settings.limits)?;
    writeln!(out, "{:7.3} s  {:?}", start.elapsed().as_secs_f64(), data.counts())?;
    let mut stage = None;
    let (bytes, card) = train(&data, &settings, &mut |now, _, _| {
        if stage != Some(now) {
            stage = Some(now);
            let _ = writeln!(out, "{:7.3} s  {}", start.elapsed().as_secs_f64(), now.as_str());
        }
    })?;
    writeln!(out, "{:7.3} s  trained: {} bytes, CRC {:08x}", start.elapsed().as_secs_f64(), card.bytes, card.checksum)?;

    let path = std::env::temp_dir().join(format!("vitrine-{}.artifact", std::process::id()));
    std::fs::write(&path, bytes)?;
    let clock = Instant::now();
    let artifact = Artifact::open(&path)?;
    writeln!(out, "opened in {:.3} ms", clock.elapsed().as_secs_f64() * 1e3)?;
    let clock = Instant::now();
    artifact.verify()?;
    writeln!(out, "verified in {:.3} ms", clock.elapsed().as_secs_f64() * 1e3)?;
    let history: Vec<Interaction> = (0..50_u32)
        .map(|i| Interaction { row: i * 79 % artifact.len().max(1) as u32, weight: 1.0, age_days: 50.0 - i as f32 })
        .collect();
    let mut visitor = vec![0.0; artifact.dims()];
    let clock = Instant::now();
    for _ in 0..10_000 {
        artifact.visitor_vector(std::hint::black_box(&history), &mut visitor);
    }
    writeln!(out, "a visitor's vector from 50 actions in {:.1} µs", clock.elapsed().as_secs_f64() * 1e2)?;
    std::fs::remove_file(path)?;
    Ok(())
}
