//! What the cloud takes for a list, an event and an idle month, as a shop's business case multiplies it by what it measured.

use vitrine_domain::results::CloudPrices;

use crate::bill::{Deployment, Usage};
use crate::plan::{self, DAYS, MILLION, RUNS_A_DAY, Way};
use crate::prices::{Error, Prices};
use crate::record::{Kind, Pace, Record};

/// The prices of a region. They are those of calls that come alone, through the HTTP API, with what is kept of them and what goes out,
/// and nothing that an account gets for nothing is taken off: a shop pays that at most.
///
/// # Errors
/// If the region, or something that is used, has no price.
pub fn prices(record: &Record, deployment: &Deployment, prices: &Prices, region: &str) -> Result<CloudPrices, Error> {
    let list = record.phase(Pace::Quiet, Kind::List);
    let mut decisions = plan::recommendations(record, deployment, Pace::Quiet, Kind::List, Way::Gateway, MILLION);
    decisions.add_times(&plan::kept_decisions(record, Pace::Quiet, MILLION), 1.0);
    decisions.add("egress", "egress", MILLION * list.each(list.answer_bytes as f64) / 1e9);
    let events = plan::events(record, deployment, Pace::Quiet, Kind::Event, Way::Gateway, MILLION);
    let mut month = plan::idle_month(record, deployment);
    month.add_times(&plan::training(record, deployment), RUNS_A_DAY * DAYS);

    let table = prices.region(region)?;
    let dollars = |usage: &Usage| Ok::<_, Error>((usage.price(table)?.total() * 1e4).round() / 1e4);
    let used =
        || [&decisions, &events, &month].into_iter().flat_map(|usage| &usage.0).filter_map(|one| table.get(one.price));
    let sources: std::collections::BTreeSet<String> = used().map(|price| price.source.clone()).collect();
    Ok(CloudPrices {
        region: region.to_owned(),
        as_of: used().map(|price| price.as_of.clone()).min().unwrap_or_default(),
        verified: used().all(|price| price.verified),
        sources: sources.into_iter().collect(),
        recorded: format!("{}, {}", record.made, record.what),
        million_decisions: dollars(&decisions)?,
        million_events: dollars(&events)?,
        month: dollars(&month)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::record;

    #[test]
    fn what_is_told_is_what_the_report_adds_up_and_the_api_takes_it() {
        let (record, deployment, prices) = (record(), Deployment::default(), Prices::built_in().unwrap());
        let told = super::prices(&record, &deployment, &prices, "eu-west-3").unwrap();
        let region = prices.region("eu-west-3").unwrap();
        let total = |usage: &Usage| usage.price(region).unwrap().total();
        let lists = plan::recommendations(&record, &deployment, Pace::Quiet, Kind::List, Way::Gateway, MILLION);
        let kept = total(&plan::kept_decisions(&record, Pace::Quiet, MILLION));
        // The record's answers have no bytes, so nothing goes out.
        assert!((told.million_decisions - total(&lists) - kept).abs() < 1e-4, "{told:?}");
        let events = plan::events(&record, &deployment, Pace::Quiet, Kind::Event, Way::Gateway, MILLION);
        assert!((told.million_events - total(&events)).abs() < 1e-4 && told.million_events > 0.0);
        let trainings = total(&plan::training(&record, &deployment)) * 4.0 * 365.0 / 12.0;
        assert!((told.month - total(&plan::idle_month(&record, &deployment)) - trainings).abs() < 1e-4);
        assert!(!told.verified && told.sources.iter().all(|source| source.starts_with("https://")), "{told:?}");
        let elsewhere = super::prices(&record, &deployment, &prices, "us-east-1").unwrap();
        assert!(elsewhere.million_decisions < told.million_decisions);
        let faults = CloudPrices { recorded: "a run".to_owned(), ..told.clone() }.faults();
        assert_eq!(faults, [], "{told:?}");
        assert!(matches!(super::prices(&record, &deployment, &prices, "mars-1"), Err(Error::Region(_))));
    }
}
