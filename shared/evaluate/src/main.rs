//! `vitrine-evaluate`: figures of the models, on files and on a shop's log.

use clap::Parser;
use vitrine_evaluate::cli::{Cli, run};
use vitrine_learn::Lineup;

fn main() -> anyhow::Result<()> {
    run(Cli::parse(), Lineup::default())
}
