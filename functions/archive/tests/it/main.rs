//! The archive against a real table, its stream and a folder as object store.

mod archive;
mod support;
