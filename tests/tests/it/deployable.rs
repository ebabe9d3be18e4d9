//! What the functions are built with when they are deployed.

use anyhow::{Context as _, Result};

/// cargo-lambda fills whatever a release profile leaves open, and its choice for panics is to abort. A record of a stream that
/// panics is caught, reported and sent on alone, and a request that panics is answered; both need unwinding.
#[test]
fn a_panic_is_caught_in_deployed_functions_too() -> Result<()> {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))?;
    let (_, release) = manifest.split_once("[profile.release]").context("there is no release profile")?;
    let release = release.split("\n[").next().unwrap_or_default();
    assert!(release.lines().any(|line| line == "panic = \"unwind\""), "{release}");
    Ok(())
}

/// A function with less than 1,769 MB has less than one core, where a second thread only waits for the first.
#[test]
fn functions_with_a_part_of_a_core_have_one_thread() -> Result<()> {
    for function in ["collect", "recommend", "catalog", "manage", "privacy", "fold", "archive"] {
        let file = format!("{}/../functions/{function}/src/main.rs", env!("CARGO_MANIFEST_DIR"));
        let main = std::fs::read_to_string(&file).with_context(|| file)?;
        assert!(main.contains("#[tokio::main(flavor = \"current_thread\")]"), "{function}");
    }
    Ok(())
}
