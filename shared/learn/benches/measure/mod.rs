//! What the benches share: clocks, medians, a seeded generator, and the Python side. Linux only: the figures come from
//! `/proc`.
//!
//! The Python packages, once, from the root of the repository:
//!
//! ```text
//! python3 -m venv target/bench-venv
//! target/bench-venv/bin/pip install -r shared/learn/benches/requirements.txt
//! ```
//!
//! The variable `PYTHON` names another interpreter that has them.
#![allow(dead_code, unreachable_pub, reason = "every bench is compiled with all of this and uses a part")]

use std::path::{Path, PathBuf};
use std::process::Command;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Seconds of CPU that this process has used, all threads together; clock ticks of 10 ms.
pub fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold anything; user and system time are fields 14 and 15, counted from one.
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/self/stat has no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<std::result::Result<f64, _>>()? / 100.0)
}

/// The most memory that this process has used at once, in bytes.
pub fn peak_memory() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("/proc/self/status has no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// The middle value, of an even number the upper of both.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A generator good enough for made-up data (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    /// Small numbers are more likely than large ones, as products are in shops.
    pub fn skewed(&mut self, limit: usize) -> usize {
        let unit = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        ((unit * unit * limit as f64) as usize).min(limit - 1)
    }
}

/// The interpreter that has the packages.
fn interpreter() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench-venv/bin/python");
    std::env::var_os("PYTHON").map_or_else(|| default.into(), PathBuf::from)
}

/// Runs a script of this folder and reads the numbers that it prints, one line `name number number ...` after another.
pub fn python(script: &str, arguments: &[&Path]) -> Result<Vec<(String, Vec<f64>)>> {
    const INSTALL: &str = "install the Python side first: python3 -m venv target/bench-venv && \
         target/bench-venv/bin/pip install -r shared/learn/benches/requirements.txt (or set PYTHON to an interpreter)";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(script);
    let output = Command::new(interpreter())
        .arg(path)
        .args(arguments)
        .envs([("OPENBLAS_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1"), ("OMP_WAIT_POLICY", "passive")])
        .output()
        .map_err(|error| format!("{}: {error}; {INSTALL}", interpreter().display()))?;
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("ModuleNotFoundError") {
        return Err(format!("{}; {INSTALL}", error.lines().last().unwrap_or_default()).into());
    }
    if !output.status.success() {
        return Err(format!("{script} failed:\n{error}").into());
    }
    let mut figures = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { continue };
        figures.push((name.to_owned(), words.map(str::parse).collect::<std::result::Result<_, _>>()?));
    }
    Ok(figures)
}

/// The numbers of a name among what a script printed.
pub fn named(figures: &[(String, Vec<f64>)], name: &str) -> Result<Vec<f64>> {
    let found = figures.iter().find(|(word, _)| word == name);
    Ok(found.ok_or_else(|| format!("the script printed no `{name}`"))?.1.clone())
}
