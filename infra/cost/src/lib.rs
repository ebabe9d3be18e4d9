//! What the stack costs: a recorded run, multiplied by list prices.
//!
//! The run counts what the functions really do: calls and bytes of every kind, units of the table by its published rules,
//! CPU time, log lines. The arithmetic from there to dollars is pure and reads nothing. `infra/COST.md` says how the figures
//! come about and what is assumed.

pub mod bill;
pub mod figures;
pub mod function;
pub mod limits;
pub mod logs;
pub mod plan;
pub mod prices;
pub mod proxy;
pub mod record;
pub mod report;
pub mod run;
pub mod told;
pub mod units;
pub mod visit;
