//! Which crate may know which: the arrows of the code map, read from the manifests.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// For each crate, the crates of ours that it may name outside its tests.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("index", &[]),
    ("learn", &["domain"]),
    ("evaluate", &["domain", "learn"]),
    ("rank", &["domain", "index", "learn"]),
    ("store", &["domain"]),
    ("runtime", &["domain", "store"]),
    ("http", &["domain", "store", "runtime"]),
    ("collect", &["domain", "store", "runtime", "http"]),
    ("catalog", &["domain", "store", "runtime", "http"]),
    ("recommend", &["domain", "store", "runtime", "http", "learn", "index", "rank"]),
    ("manage", &["domain", "store", "runtime", "http", "rank", "learn"]),
    ("privacy", &["domain", "store", "runtime", "http"]),
    ("fold", &["domain", "store", "runtime"]),
    ("archive", &["domain", "store", "runtime"]),
    ("retrain", &["domain", "store", "runtime", "learn", "index"]),
    ("samples", &["domain"]),
    ("sample-algorithm", &["learn", "evaluate", "local", "runtime"]),
    ("engine", &[]),
];

/// Crates that put everything together.
const ASSEMBLING: &[&str] = &["cost", "local", "tests"];

fn metadata() -> Result<Value> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("cargo does not run")?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The dependencies of each crate of ours outside tests.
fn arrows() -> Result<BTreeMap<String, Vec<String>>> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let mut arrows = BTreeMap::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        let dependencies = package["dependencies"].as_array().context("no dependencies")?;
        let normal = dependencies.iter().filter(|d| d["kind"] != "dev").filter_map(|d| d["name"].as_str());
        arrows.insert(name, normal.map(str::to_owned).collect());
    }
    Ok(arrows)
}

#[test]
fn every_arrow_between_crates_is_on_the_map() -> Result<()> {
    let arrows = arrows()?;
    assert!(arrows.len() >= ALLOWED.len(), "{} crates found", arrows.len());
    for (name, dependencies) in &arrows {
        let own = name.strip_prefix("vitrine-").context(format!("{name} lacks the prefix"))?;
        if ASSEMBLING.contains(&own) {
            continue;
        }
        let allowed = ALLOWED.iter().find(|(known, _)| *known == own).map(|(_, allowed)| *allowed);
        let allowed = allowed.context(format!("{own} is not on the map: say what it may know"))?;
        for known in dependencies.iter().filter_map(|name| name.strip_prefix("vitrine-")) {
            assert!(allowed.contains(&known), "{own} must not know {known}");
        }
    }
    Ok(())
}

#[test]
fn clients_stay_in_their_crates() -> Result<()> {
    let arrows = arrows()?;
    let only = |client: &str, homes: &[&str]| {
        for (name, dependencies) in &arrows {
            let names = dependencies.iter().any(|d| d == client);
            assert!(!names || homes.contains(&name.as_str()), "{name} must not name {client}");
        }
    };
    for client in ["aws-sdk-dynamodb", "aws-sdk-dynamodbstreams", "aws-sdk-ssm", "aws-config", "object_store"] {
        only(client, &["vitrine-store"]);
    }
    only("dynoxide-rs", &["vitrine-engine"]);
    for client in ["qdrant-client", "hnsw_rs"] {
        only(client, &["vitrine-index"]);
    }
    for (name, dependencies) in &arrows {
        let function = ["collect", "catalog", "recommend", "manage", "privacy", "fold", "archive", "retrain"]
            .iter()
            .any(|function| name == &format!("vitrine-{function}"));
        let runtime = dependencies.iter().any(|d| d.starts_with("lambda_"));
        assert!(function || !runtime, "{name} must not name the Lambda runtime");
    }
    Ok(())
}
