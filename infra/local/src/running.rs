//! Where a running stack can be found: a small file in its data folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// A running stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Where its API listens.
    pub address: SocketAddr,
    /// Where its table listens.
    pub dynamodb: String,
}

fn file(data: &Path) -> PathBuf {
    data.join("running.json")
}

impl Running {
    pub(crate) fn write(&self, data: &Path) -> Result<()> {
        Ok(std::fs::write(file(data), serde_json::to_vec(self)?)?)
    }

    pub(crate) fn remove(data: &Path) {
        std::fs::remove_file(file(data)).ok();
    }

    /// The stack that runs on a data folder, if one answers.
    #[must_use]
    pub fn find(data: &Path) -> Option<Self> {
        let running: Self = serde_json::from_slice(&std::fs::read(file(data)).ok()?).ok()?;
        let timeout = std::time::Duration::from_millis(500);
        std::net::TcpStream::connect_timeout(&running.address, timeout).ok()?;
        Some(running)
    }
}
