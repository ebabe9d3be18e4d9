//! Where a request comes from and which address it came to, as whoever received it knows: the gateway, or the socket. Never a
//! header, which anybody can write.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::Extensions;
use http::request::Parts;

/// What the gateway says of a request; an extension of it.
#[derive(Debug, Clone, Default)]
pub struct Arrival {
    /// The network address that it came from.
    pub from: String,
    /// The domain that it came to: the whole API is there, by TLS.
    pub domain: Option<String>,
}

/// Where the whole API is reached, as the gateway says.
pub(crate) fn endpoint(extensions: &Extensions) -> Option<String> {
    let arrival = extensions.get::<Arrival>()?;
    arrival.domain.as_ref().map(|domain| format!("https://{domain}"))
}

/// The network address that a request came from; empty if nobody knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Address(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        if let Some(arrival) = parts.extensions.get::<Arrival>() {
            return Ok(Self(arrival.from.clone()));
        }
        let socket = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(socket.map(|ConnectInfo(socket)| socket.ip().to_string()).unwrap_or_default()))
    }
}
