//! Decisions on a small trained shop, against brute force and against what each rule promises.

mod chance;
mod filters;
mod order;
mod reasons;
mod rules;
mod search;
mod support;
