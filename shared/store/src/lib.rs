//! The table, the object store and the secrets. No other crate names an AWS SDK or `object_store`.
//!
//! One table holds everything that is written on the request path; its keys are built in [`keys`] and nowhere else. The
//! object store holds the event lake and the model artifacts. There is no trait in front of the table: the stack on one
//! machine talks to a real DynamoDB API, so the tests run the code that ships.

pub mod api_keys;
pub mod aside;

mod calls;
pub mod catalogue;
pub mod census;
pub mod counts;
pub mod decisions;
pub mod erasures;
mod error;
pub mod events;
pub mod held;
pub mod jobs;
pub mod keys;
pub mod lake;
pub mod models;
pub mod objects;
pub mod parameters;
pub mod past;
pub mod places;
pub mod privacy;
pub mod products;
pub mod profiles;
pub mod results;
mod sdk;
pub mod settings;
pub mod staff;
pub mod stream;
pub mod sweep;
mod table;
pub mod tail;
pub mod tombstones;
pub mod training;
pub mod vectors;
mod versions;

pub use error::Error;
pub use objects::Objects;
pub use table::{Connection, Table};

/// Something that is waited for, behind a pointer. The code of a future is compiled wherever it is waited for; that of one
/// behind a pointer, where it is put there. So what is large and entered from several programs is handed out like this.
pub type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What every call here answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Chooses the process's TLS implementation. Every client of this crate does so itself; whoever opens an HTTPS client of
/// another kind calls it first. Another part of the process may have chosen already, and either is fine.
pub fn choose_tls() {
    rustls::crypto::ring::default_provider().install_default().ok();
}
