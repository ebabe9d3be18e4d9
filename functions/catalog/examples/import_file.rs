//! Reads a file as an import would and prints the report and the speed: a check by hand.
//!
//! ```text
//! cargo run --release -p vitrine-catalog --example import_file -- orders order-book.parquet
//! ```

use std::fs::File;
use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use vitrine_catalog::import::{Derived, Input, Options, Report, customers, orders, products};
use vitrine_domain::Millis;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: import_file products|orders|customers FILE [NOW]";
    let (subject, path) = (arguments.next().context(usage)?, arguments.next().context(usage)?);
    let now = arguments.next().unwrap_or_else(|| "2026-11-22T00:00:00Z".to_owned());
    let mut options = Options::at(Millis::parse(&now).context("NOW is no time")?);
    options.currency = Some("GBP".to_owned());
    let input = Input::file(File::open(&path)?).name(&path);
    let mut out = std::io::stdout().lock();
    let started = Instant::now();
    let mut bytes = 0;
    let mut derived = Derived::new();
    let report = match subject.as_str() {
        "products" => products(input, &options, &mut |product| measure(&product, &mut bytes))?,
        "orders" => orders(input, &options, Some(&mut derived), &mut |event| measure(&event, &mut bytes))?,
        "customers" => customers(input, &options, &mut |event| measure(&event, &mut bytes))?,
        _ => bail!(usage),
    };
    let took = started.elapsed().as_secs_f64();
    print(&mut out, &report)?;
    let speed = f64::from(u32::try_from(report.read)?) / took;
    writeln!(out, "{} rows in {took:.3} s: {speed:.0} rows a second, {bytes} bytes handed on", report.read)?;
    if !derived.is_empty() {
        writeln!(out, "{} products by their orders, such as", derived.len())?;
        for product in derived.into_products(&options).step_by(500) {
            writeln!(out, "  {} {:?} {:?}", product.id, product.title, product.price)?;
        }
    }
    Ok(())
}

fn measure(value: &impl serde::Serialize, bytes: &mut usize) -> Result<(), serde_json::Error> {
    *bytes += serde_json::to_vec(value)?.len();
    Ok(())
}

fn print(out: &mut impl Write, report: &Report) -> Result<()> {
    let mut short = report.clone();
    short.rows.truncate(5);
    writeln!(out, "{}", serde_json::to_string_pretty(&short)?)?;
    Ok(())
}
