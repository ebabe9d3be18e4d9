//! One suite, run on every kind of index: the answers of brute force within the recall that the kind promises, always full
//! lists, always in order, whatever the filter.

#[path = "../data/mod.rs"]
mod data;
mod kinds;
mod random;
mod remote;
mod stored;
mod suite;
