//! A large shop made up from a seed, and its artifact, for benches. Linux only: clocks come from the system.
//!
//! The catalogue is a two-level tree of categories of skewed sizes; products have prices, stock, brands and attributes.
//! People come in visits, stay in few categories, and look at products near to what they looked at last, so that lists of
//! neighbours and the session index, which the shipped algorithms learn from the log, look like those of a shop. What would
//! take hours to train is made up in the right shape: the vectors of `encoder` and `factors` lie around the centres of
//! their categories, and the encoder's weights pass on what was looked at last and, less, what was looked at before.
//!
//! The artifact is made once and kept in the target folder under a name of everything that decides what it holds.
#![allow(dead_code, unreachable_pub, reason = "every bench is compiled with all of this and uses a part")]

mod log;
mod parts;
mod shop;

use std::path::{Path, PathBuf};

use vitrine_learn::artifact::VERSION;
use vitrine_learn::dataset::Builder;
use vitrine_learn::{Artifact, Interaction, Lineup, Settings, Trainer, settings};

pub use shop::Shop;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// To be raised when the generator changes what it makes.
const GENERATION: u32 = 1;
/// Actions of a visitor's history.
pub const HISTORY: usize = 50;
/// Parts of the model, as the shop of the performance targets has them.
const PARTS: [&str; 8] =
    ["popularity", "latest", "view_view", "view_order", "order_together", "order_next", "sessions", "repurchase"];

/// How large a shop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Products of the catalogue.
    pub products: usize,
    /// Narrowest categories.
    pub leaves: usize,
    /// Events of the log.
    pub events: usize,
}

/// The sizes that targets are stated for.
pub const SIZES: [Size; 3] = [
    Size { products: 10_000, leaves: 300, events: 500_000 },
    Size { products: 100_000, leaves: 600, events: 2_000_000 },
    Size { products: 1_000_000, leaves: 1_000, events: 3_000_000 },
];

impl Size {
    /// The size of so many products.
    pub fn of(products: usize) -> Result<Self> {
        let known = SIZES.into_iter().find(|size| size.products == products);
        known.ok_or_else(|| format!("no size of {products} products").into())
    }
}

/// The file of a shop's artifact, made if it is not there yet.
pub fn artifact_file(size: Size) -> Result<PathBuf> {
    let Size { products, leaves, events } = size;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    let file = folder.join(format!("{products}-{leaves}-{events}-format-{VERSION}-generation-{GENERATION}.bin"));
    if !file.exists() {
        std::fs::create_dir_all(&folder)?;
        let draft = folder.join(format!("draft-{}", std::process::id()));
        std::fs::write(&draft, make(size)?)?;
        std::fs::rename(draft, &file)?;
    }
    Ok(file)
}

/// A shop's artifact.
pub fn artifact(size: Size) -> Result<Artifact> {
    Ok(Artifact::open(artifact_file(size)?, &Lineup::default())?)
}

/// Histories of people whose events are in no log: [`HISTORY`] actions each, oldest first, the second half of them in the
/// visit that is not over. All differ.
pub fn visitors(size: Size, count: usize) -> Result<Vec<Vec<Interaction>>> {
    let shop = Shop::new(size)?;
    Ok((0..count as u64).map(|number| log::history(&shop, number, HISTORY)).collect())
}

fn make(size: Size) -> Result<Vec<u8>> {
    let shop = Shop::new(size)?;
    let products = shop.products()?;
    let settings = Settings {
        limits: settings::Limits { products: 2_000_000, memory_mb: 1 << 20, ..Default::default() },
        // Texts are no part of the model: as little of them as can be.
        content: settings::Content { dims: 8 },
        // Nothing is held out: one pass over the log.
        validation: settings::Validation { people: 0, ..Default::default() },
        ..Settings::default()
    };
    let mut builder = Builder::new(&products, &settings.limits)?;
    log::write(&shop, size.events, |visitor, events| Ok(builder.push(visitor, events)?))?;
    let data = builder.finish();
    let lineup = Lineup::default().only(|name| PARTS.contains(&name) || name == "encoder" || name == "factors");
    let lineup = lineup.with(parts::NextStep).with(parts::Tastes);
    let trainer = Trainer { lineup, settings, ..Trainer::default() };
    let bytes = trainer.train(&data, &mut |_, _, _| ())?.bytes;
    // What was made up must be what the shipped algorithms would have written.
    Artifact::from_bytes(bytes.clone(), &Lineup::default())?.verify()?;
    Ok(bytes)
}

/// CPU seconds of this thread.
pub fn thread_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The value that a share of all values does not exceed.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// A generator good enough for made-up data (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// One for each number under a name.
    pub fn of(name: &str, number: u64) -> Self {
        let mut random = Self(vitrine_learn::dataset::stable_hash(name.bytes()) ^ number.wrapping_mul(0x9e37_79b9));
        random.bits();
        random
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit.max(1) as u64) as usize
    }

    /// From zero to one.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Small numbers are more likely than large ones, the more so the higher the power.
    pub fn skewed(&mut self, limit: usize, power: i32) -> usize {
        ((self.unit().powi(power) * limit as f64) as usize).min(limit.saturating_sub(1))
    }

    /// About normal, of deviation one: the sum of four uniform numbers.
    pub fn normal(&mut self) -> f32 {
        let bits = self.bits();
        let sum: f32 = (0..4).map(|part| ((bits >> (16 * part)) & 0xffff) as f32).sum();
        (sum - 131_070.0) / (65_536.0 * (4.0_f32 / 12.0).sqrt())
    }
}
