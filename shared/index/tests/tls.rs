//! A server behind TLS. The client trusts whom the system trusts; `SSL_CERT_FILE` says who that is, here an authority of the
//! test's own. A process reads it once, so each case is a process.

use std::process::Command;

use anyhow::{Result, ensure};
use vitrine_index::testing::Double;
use vitrine_index::{Payload, Point, Remote, RemoteSettings};

/// Set in the processes of the cases: whether they should be able to speak with the server.
const CASE: &str = "VITRINE_TEST_TRUSTS";

#[test]
#[allow(clippy::disallowed_methods, reason = "how a test speaks with its own processes is no configuration")]
fn https_is_spoken_with_whom_the_system_trusts_and_with_nobody_else() -> Result<()> {
    if let Ok(trusts) = std::env::var(CASE) {
        return tokio::runtime::Runtime::new()?.block_on(ask(trusts == "yes"));
    }
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem");
    for trusts in ["yes", "no"] {
        let mut again = Command::new(std::env::current_exe()?);
        again.args(["--exact", "https_is_spoken_with_whom_the_system_trusts_and_with_nobody_else", "--nocapture"]);
        again.env(CASE, trusts).env_remove("SSL_CERT_FILE");
        if trusts == "yes" {
            again.env("SSL_CERT_FILE", authority);
        }
        let output = again.output()?;
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        ensure!(output.status.success() && told.contains("1 passed"), "trusts: {trusts}\n{told}");
    }
    Ok(())
}

async fn ask(trusts: bool) -> Result<()> {
    let double = Double::with_key("open sesame");
    let url = double.serve_tls(include_str!("tls/server.pem"), include_str!("tls/server.key")).await?;
    let settings = RemoteSettings { api_key: Some("open sesame".to_owned()), tries: 1, ..RemoteSettings::at(url) };
    let asked = async {
        let remote = Remote::new(settings)?;
        remote.create("c", 2, &[]).await?;
        remote.upsert("c", &[Point { row: 7, vector: vec![1.0, 0.0], payload: Payload::new() }]).await?;
        remote.count("c", None).await
    };
    match asked.await {
        Ok(count) => ensure!(trusts && count == 1, "{count} points, from a server that is not trusted"),
        Err(error) => ensure!(!trusts, "{error:?}"),
    }
    Ok(())
}
