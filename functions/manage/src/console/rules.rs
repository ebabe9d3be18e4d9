//! Rules: what the shop wants shown, whatever the model says; in the order in which they act.

mod edit;
mod list;
mod order;
mod preview;
mod shape;

pub(super) use edit::{create, edit, new, remove, save};
pub(super) use list::list;
pub(super) use order::order;
pub(super) use preview::{Wish, lists, preview, refused, section as preview_section, wishes};
pub(super) use shape::{sentence, told as content};
