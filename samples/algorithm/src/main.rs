//! The two commands: judge the shipped algorithms with the own one among them, and serve a shop with it.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use vitrine_evaluate::cli;
use vitrine_learn::Lineup;
use vitrine_local::Serve;
use vitrine_runtime::telemetry;
use vitrine_sample_algorithm::BrandLoyalty;

/// Vitrine with one more algorithm: brand loyalty.
#[derive(Debug, Parser)]
#[command(name = "vitrine-sample-algorithm", version, max_term_width = 100)]
enum Command {
    /// Train and judge, with the arguments of vitrine-evaluate
    Evaluate(cli::Cli),
    /// Start the whole stack on this machine, with the arguments of vitrine-local
    Serve {
        /// Folder of everything that is kept
        #[arg(long, default_value = "data", env = "VITRINE_DATA")]
        data_dir: PathBuf,
        #[command(flatten)]
        serve: Serve,
    },
}

fn main() -> Result<()> {
    let started = Instant::now();
    let lineup = Lineup::default().with(BrandLoyalty);
    match Command::parse() {
        Command::Evaluate(arguments) => cli::run(arguments, lineup),
        Command::Serve { data_dir, serve } => start(data_dir, serve, lineup, started),
    }
}

#[tokio::main]
async fn start(data: PathBuf, serve: Serve, lineup: Lineup, started: Instant) -> Result<()> {
    telemetry::start(telemetry::Format::Text);
    vitrine_local::serve(data, serve, lineup, started).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_of_both_commands_fit_each_other() {
        Command::command().debug_assert();
    }
}
