use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::connection::{HANDSHAKE_TIMEOUT, HEADER_TIMEOUT};
use super::{GRACE, Listener, Tls, TlsError, serve};
use crate::guard::Guard;
use crate::router::layered;

const SLOW: Duration = Duration::from_millis(600);

struct Server {
    client: TcpStream,
    /// It has a request that takes long.
    busy: Arc<Notify>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

/// A server with one client.
async fn server() -> Server {
    server_with(None).await
}

async fn server_with(tls: Option<Tls>) -> Server {
    let busy = Arc::new(Notify::new());
    let takes = |time: Duration| {
        let busy = Arc::clone(&busy);
        get(async move || {
            busy.notify_one();
            sleep(time).await;
            "slow"
        })
    };
    let (slow, stuck) = (takes(SLOW), takes(10 * GRACE));
    let routes =
        Router::new().route("/fast", get(|| async { "fast" })).route("/slow", slow).route("/stuck", stuck);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { _ = stopped.await };
    let ended =
        tokio::spawn(serve(vec![Listener::tcp(listener, tls)], layered(routes, Guard::new(&[])), shutdown));
    Server { client: TcpStream::connect(address).await.expect("a connection"), busy, stop, ended }
}

async fn said(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).await.expect("an open connection");
}

/// All there is until the server closes the connection.
async fn rest(client: &mut TcpStream) -> String {
    let mut text = String::new();
    client.read_to_string(&mut text).await.expect("text");
    text
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let mut server = server().await;
    let twice = "GET /fast HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2);
    said(&mut server.client, &(twice + "GET /fast HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
        .await;
    assert_eq!(rest(&mut server.client).await.matches("fast").count(), 3);
}

#[tokio::test]
async fn without_a_host_a_request_is_malformed() {
    let mut server = server().await;
    said(&mut server.client, "GET /fast HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    let answer = rest(&mut server.client).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("urn:stockade:problem:malformed_request"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_problem_of_a_head_request_has_no_body() {
    let mut server = server().await;
    said(&mut server.client, "HEAD /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    let answer = rest(&mut server.client).await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn headers_must_come_in_time() {
    let mut server = server().await;
    let start = Instant::now();
    said(&mut server.client, "GET /fast HTTP/1.1\r\nhost: local").await;
    assert_eq!(rest(&mut server.client).await, "");
    assert!(start.elapsed() >= HEADER_TIMEOUT);
}

#[tokio::test]
async fn a_stop_lets_requests_under_way_end() {
    let mut server = server().await;
    said(&mut server.client, "GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    server.busy.notified().await;
    server.stop.send(()).expect("a server");
    assert!(rest(&mut server.client).await.ends_with("slow"));
    server.ended.await.expect("an end");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_ever() {
    let mut server = server().await;
    said(&mut server.client, "GET /stuck HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    server.busy.notified().await;
    let start = Instant::now();
    server.stop.send(()).expect("a server");
    server.ended.await.expect("an end");
    assert!(start.elapsed() >= GRACE);
}

/// A pair of this test's own, and its folder.
fn certificate(name: &str) -> (PathBuf, Tls) {
    let folder = std::env::temp_dir().join(format!("stockade-tls-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate");
    std::fs::write(folder.join("c"), pair.cert.pem()).expect("a file");
    std::fs::write(folder.join("k"), pair.signing_key.serialize_pem()).expect("a file");
    let tls = Tls::open(folder.join("c"), folder.join("k")).expect("a pair");
    (folder, tls)
}

#[tokio::test(start_paused = true)]
async fn a_handshake_must_come_in_time() {
    let (folder, tls) = certificate("slow");
    std::fs::remove_dir_all(folder).expect("an own folder");
    let mut server = server_with(Some(tls)).await;
    let start = Instant::now();
    server.client.write_all(&[22, 3, 1]).await.expect("an open connection");
    assert_eq!(rest(&mut server.client).await, "");
    assert!(start.elapsed() >= HANDSHAKE_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_handshakes() {
    let (folder, tls) = certificate("stop");
    std::fs::remove_dir_all(folder).expect("an own folder");
    let mut server = server_with(Some(tls)).await;
    sleep(Duration::from_secs(1)).await;
    let start = Instant::now();
    server.stop.send(()).expect("a server");
    server.ended.await.expect("an end");
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(rest(&mut server.client).await, "");
}

#[test]
fn a_certificate_that_cannot_be_renewed_stays() {
    let (folder, tls) = certificate("renewed");
    assert!(tls.reload().is_ok());
    std::fs::write(folder.join("k"), "nonsense").expect("a file");
    assert!(matches!(tls.reload(), Err(TlsError::Key { .. })));
    let other = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate");
    std::fs::write(folder.join("k"), other.signing_key.serialize_pem()).expect("a file");
    assert!(matches!(tls.reload(), Err(TlsError::Pair { .. })), "another's key");
    std::fs::write(folder.join("c"), "").expect("a file");
    assert!(matches!(tls.reload(), Err(TlsError::Certificate { .. })));
    std::fs::remove_dir_all(folder).expect("an own folder");
    assert!(matches!(tls.reload(), Err(TlsError::Read { .. })));
    assert!(!format!("{tls:?}").contains("key"));
}
