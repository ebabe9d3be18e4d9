//! Imports of whole inputs, by subject, and what holds for all of them.

mod customers;
mod google;
mod json_products;
mod orders;
mod properties;
mod samples;
mod shopify;

use std::convert::Infallible;

use vitrine_domain::{Event, Millis, Product};

use super::{Format, ImportError, Input, Options, Reason, Report};

/// The time of every import in these tests.
fn now() -> Millis {
    Millis::parse("2026-11-22T12:00:00Z").unwrap()
}

fn options() -> Options {
    Options::at(now())
}

fn try_products(input: Input<'_>, options: &Options) -> Result<(Report, Vec<Product>), ImportError> {
    let mut found = Vec::new();
    let report = super::products(input, options, &mut |product| -> Result<(), Infallible> {
        found.push(product);
        Ok(())
    })?;
    assert_eq!(report.products, u64::try_from(found.len()).unwrap());
    assert_eq!(report.read, report.kept + report.refused);
    assert_eq!(report.refused, report.reasons.values().sum::<u64>());
    Ok((report, found))
}

fn read_products(text: &str) -> (Report, Vec<Product>) {
    try_products(Input::bytes(text.to_owned()), &options()).unwrap()
}

fn one_product(text: &str) -> Product {
    let (report, found) = read_products(text);
    let [product] = <[Product; 1]>::try_from(found).unwrap_or_else(|all| panic!("{} products, {report:?}", all.len()));
    product
}

fn try_orders(input: Input<'_>, options: &Options) -> Result<(Report, Vec<Event>), ImportError> {
    let mut found = Vec::new();
    let report = super::orders(input, options, None, &mut |event| -> Result<(), Infallible> {
        found.push(event);
        Ok(())
    })?;
    assert_eq!(report.orders + report.refunds, u64::try_from(found.len()).unwrap());
    assert_eq!(report.read, report.kept + report.refused);
    Ok((report, found))
}

fn read_orders(text: &str) -> (Report, Vec<Event>) {
    try_orders(Input::bytes(text.to_owned()), &options()).unwrap()
}

fn try_customers(input: Input<'_>, options: &Options) -> Result<(Report, Vec<Event>), ImportError> {
    let mut found = Vec::new();
    let report = super::customers(input, options, &mut |event| -> Result<(), Infallible> {
        found.push(event);
        Ok(())
    })?;
    assert_eq!(report.customers, u64::try_from(found.len()).unwrap());
    assert_eq!(report.read, report.kept + report.refused);
    Ok((report, found))
}

/// The reasons of the refused rows, by row.
fn refusals(report: &Report) -> Vec<(u64, Reason)> {
    report.rows.iter().map(|row| (row.row, row.reason)).collect()
}

fn ids(found: &[Product]) -> Vec<&str> {
    found.iter().map(|product| product.id.as_str()).collect()
}

fn of(format: Format, text: impl Into<bytes::Bytes>) -> Input<'static> {
    Input::bytes(text.into()).format(Some(format))
}
