//! An own algorithm beside those that Vitrine ships: [`BrandLoyalty`], in one file of less than a hundred lines
//! (`src/brand.rs`). It learns how surely people stay with a brand and names more of the brands that a visitor chose.
//!
//! # What the trait asks
//!
//! An algorithm is a type that implements [`Algorithm`](vitrine_learn::Algorithm). Four of its functions are here:
//!
//! | function | when | what it does here |
//! |---|---|---|
//! | `name` | always | `brand`: its name in the artifact, the model card, the evaluation |
//! | `learn` | twice in a training | reads the [`Lesson`](vitrine_learn::Lesson) (products, everybody's actions, popularity) and gives named sections of numbers |
//! | `tally` | at every request | reads its sections from the [`Artifact`](vitrine_learn::Artifact) and adds up the scores of a few products |
//! | `evidence` | for what is shown | says which past action added how much: "Because you bought ..." |
//!
//! `check` looks once at a downloaded file. An algorithm whose products lie in a space gives vectors instead of sections and
//! implements `query` instead of `tally`. Parameters are chosen with [`Exam`](vitrine_learn::validate::Exam), which comes
//! with the first of the two lessons; what is held out is in no lesson. `learn` must not depend on clock, chance or the
//! order of a hash map: equal logs make equal models.
//!
//! Nothing else has to be known: the weight of the part beside the others is chosen on the shop's held-out actions, and is
//! zero where it does not help.
//!
//! # Serve it
//!
//! ```text
//! cargo run --release -p vitrine-sample-algorithm -- serve --data-dir data-own
//! ```
//!
//! This is `vitrine-local` with the line-up `Lineup::default().with(BrandLoyalty)`; the first start trains the sample shop
//! with it. Take a folder of its own, or train an older one anew (`sh samples/curl/retrain.sh`). The model card has the
//! part, its weights (`new` for products new to the visitor, `any` for all) and how good it is alone:
//!
//! ```text
//! curl -su demo-secret: http://127.0.0.1:8080/v1/models
//! ```
//!
//! In the shop at <http://127.0.0.1:8080/> each product says why it is there; what this part says counts for the past
//! action that it names.
//!
//! # Judge it
//!
//! ```text
//! cargo run --release -p vitrine-sample-algorithm -- evaluate log demo --data-dir data-own
//! cargo run --release -p vitrine-evaluate -- log demo --data-dir data-own
//! cargo run --release -p vitrine-sample-algorithm -- evaluate log demo --data-dir data-own --models brand,popularity
//! ```
//!
//! The first trains on all but the newest week and ranks the whole catalogue for everybody who came in it. The row `brand`
//! is the part alone: a tally that names only products of known brands is far from a whole recommender, so compare it with
//! `popularity`. Whether it is worth having is in the row `blend`: compare it with `blend` of the second command, which runs
//! without it, and look at the intervals. The third trains only what is named. Research files (`sequences`, `sessions`,
//! `baskets`) have no brands: there the part scores nothing and changes nothing.
//!
//! The second command does not compare with the live model, whose part it does not know; see below.
//!
//! # Deploy it
//!
//! Two functions handle models: `retrain` and `recommend`. Build both with the line-up in their context, by one line more in
//! `main`:
//!
//! ```text
//! let context = Context::from_env().await?.with(Lineup::default().with(BrandLoyalty));
//! ```
//!
//! Deploy `recommend` first. A function without the algorithm refuses the model ("the artifact has a part `brand` that this
//! program knows no algorithm for") and answers with the one before as long as it has it in memory. To take the algorithm
//! away, go the other way: `retrain` without it first, then `recommend`.

mod brand;

#[cfg(test)]
mod tests;

pub use brand::BrandLoyalty;
