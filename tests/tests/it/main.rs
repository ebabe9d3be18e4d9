//! The assembled stack, as a shop meets it. Every test has a stack of its own on a free port.
#![allow(missing_docs, reason = "tests name what they show")]

mod catalogue;
mod consent;
mod corpus;
mod decisions;
mod deployable;
mod erasure;
mod feed;
mod figures;
mod golden;
mod hostile;
mod identity;
mod isolation;
mod keys;
mod layering;
mod limits;
mod openapi;
mod own_vectors;
mod real_time;
mod restart;
mod restored;
mod robots;
mod rollback;
mod scan;
mod segments;
mod unreadable;
mod user_tokens;
