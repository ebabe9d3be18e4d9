//! Learning from a shop's log: catalogue and events in, one file out, from which a visitor's recommendations can be computed
//! in microseconds. Pure: no clock, no disk (but for mapping that file), no randomness that is not a function of a seed.
//!
//! # What is learned
//!
//! | part | the question it answers | how |
//! |---|---|---|
//! | [`encoder`] | what comes next after these steps? | one block of self-attention over the last 50 actions |
//! | [`factors`] | who likes what kind of thing? | implicit matrix factorisation, folded in by a closed-form solve |
//! | `paths`: [`diffusion`] | what is a few steps from what? | paths in the graph of what was met together |
//! | [`content`] | what reads alike? | hashed words and letters, reduced; beside them a [`text`] embedding, if one is given |
//! | [`popularity`] | what does everybody want? | decayed counts |
//! | `latest`: [`repurchase`] | what goes into orders now? | everybody's latest order |
//! | `view_view`, `view_order`, `order_together`, `order_next`: [`covisitation`] | what goes with what? | counting by pair of actions, against chance |
//! | [`sessions`] | what did people do next in sessions like this one? | neighbours of the current session |
//! | [`repurchase`] | what is bought again, and is it due? | repeat rates, beta and gamma priors in closed form |
//! | `own:NAME`: [`vectors`] | what does the shop itself know? | vectors that it computed |
//!
//! Each part is weak alone in some shop: lists of neighbours know nothing of a new product, texts know nothing of taste,
//! factors blur what is bought with what. [`blend`] adds them up, with weights that [`validate`] chooses on the shop's own
//! held-out actions, so the same code suits a grocer whose customers have a hundred orders and a shop of toys where people
//! come five times. They are chosen for two [questions](Question), what new product comes next and what comes next at all.
//! The sum is a sum: every recommendation can be taken apart into its reasons. What nobody has met is placed by its text
//! ([`cold`]).
//!
//! # One trait
//!
//! Every part is an [`Algorithm`]: it learns from a [`Lesson`], and answers with a vector to be compared with the products'
//! vectors, or with a [`Tally`] of sums of a few products. The [`Lineup`] says which take part. An algorithm of one's own joins
//! it and is trained, judged, weighed and served like the others ([`algorithm`]).
//!
//! The vectors of all parts are concatenated into one vector a product, and a visitor's vector is computed from
//! their history when they come ([`Artifact::visitor_vector`]): fold-in, not lookup, so a click a second old counts and
//! nobody has to be known in advance. The dot product of both is the first term of the score and a nearest-neighbour
//! query; the tallies are the second.
//!
//! # From events to an artifact
//!
//! ```
//! use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
//! use vitrine_learn::{Artifact, Dataset, Interaction, Lineup, Pair, Question, Scratch, Settings, train};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let products: Vec<Product> = ["penne", "pesto", "soap"]
//!     .into_iter()
//!     .map(|id| Ok(Product::new(ProductId::new(id)?, id)))
//!     .collect::<Result<_, vitrine_domain::InvalidId>>()?;
//!
//! // Three people look at penne and then at pesto.
//! let mut people = Vec::new();
//! for name in ["ada", "bob", "cyd"] {
//!     let visitor = Visitor::anonymous(name)?;
//!     let mut events = Vec::new();
//!     for (minute, id) in [(0, "penne"), (1, "pesto")] {
//!         let time = Millis(minute * 60_000);
//!         let mut event = Event::new(MessageId::new(format!("{name}-{minute}"))?, visitor.clone(), time, Action::View);
//!         event.lines.push(Line::of(ProductId::new(id)?));
//!         events.push(event);
//!     }
//!     people.push((visitor, events));
//! }
//!
//! let settings = Settings::default();
//! let data = Dataset::new(&products, &people, &settings.limits)?;
//! let (bytes, card) = train(&data, &settings, &mut |_stage, _done, _total| ())?;
//! assert_eq!(card.counts.people, 3);
//!
//! let artifact = Artifact::from_bytes(bytes, &Lineup::default())?;
//! let penne = artifact.position("penne").unwrap_or_default();
//! let (rows, _weights) = artifact.neighbours(Pair::ViewView, penne);
//! assert_eq!(artifact.id(rows[0]), "pesto");
//!
//! let mut visitor = vec![0.0; artifact.dims()];
//! let history = [Interaction { row: penne, action: Action::View, age_days: 0.0 }];
//! artifact.visitor_vector(&history, Question::New, &mut Scratch::default(), &mut visitor);
//! let score = |id: &str| {
//!     let vector = artifact.vector(artifact.position(id).unwrap_or(u32::MAX));
//!     visitor.iter().zip(vector).map(|(a, b)| a * b.to_f32()).sum::<f32>()
//! };
//! assert!(score("pesto") > score("soap"));
//! # Ok(())
//! # }
//! ```
//!
//! # Promises
//!
//! * **Deterministic.** Equal catalogue, events and settings give equal bytes, in whatever order they come and for any number
//!   of threads: work is cut into fixed chunks and nothing is summed across threads.
//! * **No leaks.** Holding out means training on a [`Dataset`] that does not contain what is held out. There is no other way
//!   for a model to see an event: an earlier model, which may have, is kept from the rehearsal.
//! * **Bounded.** Memory is proportional to the log and the catalogue, and both have limits with errors that name them.
//! * **Checked.** Closed forms are compared with dense solvers, counts with plain counts of all pairs, losses with their
//!   definition; the served score with the judged one; the reasons with their sum; damaged files with everything a fuzzer
//!   thinks of.

pub mod algorithm;
pub mod artifact;
pub mod blend;
pub mod card;
pub mod cold;
pub mod content;
pub mod conversion;
pub mod covisitation;
pub mod dataset;
pub mod diffusion;
pub mod encoder;
mod error;
pub mod factors;
pub mod halves;
pub mod history;
mod linear;
mod lineup;
pub mod log;
pub mod parallel;
pub mod popularity;
pub mod progress;
pub mod repurchase;
mod rows;
pub mod sessions;
pub mod settings;
pub mod tally;
pub mod text;
mod train;
pub mod validate;
pub mod vectors;

pub use algorithm::{Algorithm, Learned, Lesson, Scratch};
pub use artifact::{Artifact, Column, NumberLists, TextColumn};
pub use blend::{Part, Question};
pub use card::Card;
pub use covisitation::Pair;
pub use dataset::Dataset;
pub use error::Error;
pub use history::{Interaction, interactions};
pub use lineup::Lineup;
pub use progress::{Progress, Stage};
pub use settings::Settings;
pub use tally::Tally;
pub use train::{Rehearsal, Trained, Trainer, train};
pub use vectors::{Own, OwnVectors};
