//! Reading a secret, against a service that answers what it is told to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::secret;
use crate::Error;

const SECRET: &str = "a-secret-that-nobody-may-ever-see-in-a-log";

/// Answers the requests of one test in turn, the last answer for ever, and keeps what was asked.
struct Service {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    async fn answering(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers: Vec<(u16, String)> = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let kept = asked.clone();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let request = read(&mut socket).await;
                let turn = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(request);
                    kept.len() - 1
                };
                let (status, body) = answers.get(turn).unwrap_or_else(|| answers.last().unwrap());
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} said\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A request with its body.
async fn read(socket: &mut tokio::net::TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = socket.read(&mut buffer).await.unwrap();
        request.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if count == 0 || body.len() >= length.unwrap_or(0_usize) {
            return text;
        }
    }
}

fn parameter(kind: &str, value: &str) -> String {
    format!(r#"{{"Parameter": {{"Name": "/shop/secret", "Type": "{kind}", "Value": "{value}", "Version": 1}}}}"#)
}

#[tokio::test]
async fn a_secure_string_is_read_in_clear_with_one_call() {
    let service = Service::answering(&[(200, &parameter("SecureString", SECRET))]).await;
    assert_eq!(secret("/shop/secret", Some(&service.address)).await.unwrap(), SECRET);
    let asked = service.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].to_ascii_lowercase().contains("x-amz-target: amazonssm.getparameter"), "{}", asked[0]);
    let (_, body) = asked[0].split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, serde_json::json!({"Name": "/shop/secret", "WithDecryption": true}));
}

#[tokio::test]
async fn a_service_that_is_busy_is_asked_again() {
    let busy = (400, r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#);
    let service = Service::answering(&[busy, busy, (200, &parameter("SecureString", SECRET))]).await;
    assert_eq!(secret("/shop/secret", Some(&service.address)).await.unwrap(), SECRET);
    assert_eq!(service.asked().len(), 3);
}

#[tokio::test]
async fn what_went_wrong_names_the_parameter_and_never_the_secret() {
    let cut = format!(r#"{{"Parameter": {{"Value": "{SECRET}", "Type": "#);
    for (status, body, why) in [
        (400, r#"{"__type": "ParameterNotFound"}"#, "ParameterNotFound"),
        (400, r#"{"__type": "AccessDeniedException", "message": "no"}"#, "AccessDeniedException"),
        (200, &parameter("String", SECRET), "it is no SecureString"),
        (200, &parameter("SecureString", ""), "it is empty"),
        (200, "{}", "the answer has none"),
        (200, &cut, "the answer cannot be read"),
    ] {
        let service = Service::answering(&[(status, body)]).await;
        let error = secret("/shop/secret", Some(&service.address)).await.unwrap_err();
        assert!(
            matches!(&error, Error::Parameter { name, why: told } if name == "/shop/secret" && told == why),
            "{error}"
        );
        assert!(error.to_string().contains("/shop/secret"), "{error}");
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    }
}
