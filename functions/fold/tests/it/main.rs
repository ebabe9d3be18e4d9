//! The fold against a real table and its stream.

mod compaction;
mod equality;
mod failures;
mod identity;
mod support;
