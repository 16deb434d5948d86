//! HTTPS against a certificate made for the test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::{Case, Daemon, State, Temp, Who, cases, eventually, run, token};

use super::state_args;
use super::wire::{Answer, ask};

const PATIENCE: Duration = Duration::from_secs(20);
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

pub(super) fn cases() -> Vec<Case> {
    cases![https_alone, a_certificate_is_renewed, slow_handshakes_stand_in_nobodys_way, a_pair_that_is_none]
}

/// Writes a new pair, each file whole, and returns the certificate.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate");
    for (name, text) in [(CERTIFICATE, pair.cert.pem()), (KEY, pair.signing_key.serialize_pem())] {
        let new = folder.join(format!("{name}.new"));
        std::fs::write(&new, text).expect("an own folder");
        std::fs::rename(new, folder.join(name)).expect("an own folder");
    }
    pair.cert.der().clone()
}

struct Server {
    daemon: Daemon,
    folder: Temp,
    certificate: CertificateDer<'static>,
    state: State,
}

fn server(who: Who) -> Server {
    let (folder, state) = (Temp::new(), State::new(who));
    let certificate = certify(folder.path());
    let at = |name: &str| folder.path().join(name).display().to_string();
    let settings = format!("tls_cert = '{}'\ntls_key = '{}'\n", at(CERTIFICATE), at(KEY));
    Server { daemon: Daemon::resumed(who, &state, &settings), folder, certificate, state }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the daemon listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

fn client(trusted: &CertificateDer<'static>, protocols: &[&str]) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
    let mut config = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = "localhost".try_into().expect("a name");
    ClientConnection::new(Arc::new(config), name).expect("a client")
}

fn get(address: SocketAddr, trusted: &CertificateDer<'static>, path: &str, more: &str) -> Option<Answer> {
    let stream = StreamOwned::new(client(trusted, &["http/1.1"]), connect(address));
    ask(stream, "GET", path, &format!("host: localhost\r\n{more}"), "")
}

fn https_alone(who: Who) {
    let Server { daemon, certificate, folder: _folder, state } = server(who);
    let status = |path, more: &str| get(daemon.address, &certificate, path, more).map(|answer| answer.status);
    assert!(daemon.log().contains("listening on https://"), "{}", daemon.log());
    assert_eq!(status("/capabilities", ""), Some(200));
    let token = token(who, &state, "acme", "read");
    assert_eq!(status("/capabilities", ""), Some(401));
    assert_eq!(status("/capabilities", &format!("authorization: Bearer {token}\r\n")), Some(200));
    // A client that wants HTTP/2 alone is told in the handshake.
    let h2 = StreamOwned::new(client(&certificate, &["h2"]), connect(daemon.address));
    assert!(ask(h2, "GET", "/healthz", "host: localhost\r\n", "").is_none());
    let start = Instant::now();
    assert!(
        ask(connect(daemon.address), "GET", "/healthz", "host: localhost\r\n", "").is_none(),
        "plain HTTP"
    );
    assert!(start.elapsed() < Duration::from_secs(5), "it is told at once");
    assert_eq!(status("/healthz", ""), Some(200));
}

fn a_certificate_is_renewed(who: Who) {
    let Server { daemon, certificate: old, folder, state: _state } = server(who);
    let trusts = |certificate| get(daemon.address, certificate, "/healthz", "").is_some();
    let new = certify(folder.path());
    assert!(trusts(&old) && !trusts(&new), "the old one until it is told");
    daemon.signal(Signal::SIGHUP);
    eventually(Duration::from_secs(5), "the new certificate is shown", || trusts(&new).then_some(()));
    assert!(!trusts(&old));
    folder.file(KEY, "nonsense");
    daemon.signal(Signal::SIGHUP);
    let told = || daemon.log().contains("certificate not renewed").then_some(());
    eventually(Duration::from_secs(5), "the log tells of it", told);
    assert!(trusts(&new), "the one in force stays");
}

fn slow_handshakes_stand_in_nobodys_way(who: Who) {
    let Server { daemon, certificate, folder: _folder, state: _state } = server(who);
    // The head of a record that never comes, and nothing at all.
    let mut slow: Vec<_> = (0..60).map(|_| connect(daemon.address)).collect();
    for stream in slow.iter_mut().step_by(2) {
        stream.write_all(&[22, 3, 1, 2, 0, 1]).expect("an open connection");
    }
    let start = Instant::now();
    for _ in 0..5 {
        assert!(get(daemon.address, &certificate, "/healthz", "").is_some());
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    for stream in &mut slow {
        let mut rest = Vec::new();
        // An end or a reset, before this side's own patience is over.
        stream.read_to_end(&mut rest).ok();
        assert!(start.elapsed() < PATIENCE, "the server ends what is not TLS in time");
    }
    assert!(start.elapsed() > Duration::from_secs(5), "but gives it some time");
}

fn a_pair_that_is_none(who: Who) {
    let (folder, other, state) = (Temp::new(), Temp::new(), State::new(who));
    certify(folder.path());
    certify(other.path());
    folder.file("empty", "");
    let at = |folder: &Temp, name: &str| folder.path().join(name).display().to_string();
    let own = (at(&folder, CERTIFICATE), at(&folder, KEY));
    for (certificate, key) in [
        (own.0.clone(), at(&other, KEY)),
        (own.1.clone(), own.0.clone()),
        (at(&folder, "empty"), own.1.clone()),
        (own.0.clone(), at(&folder, "empty")),
        (own.0.clone(), at(&folder, "missing")),
    ] {
        let pair = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key];
        let ran = run(who, &[&pair[..], &state_args(&state)].concat());
        assert!(ran.code != 0 && ran.stderr.contains("hint: "), "{ran:?}");
        assert!(
            ran.stderr.contains(folder.path().to_str().expect("text")) || ran.stderr.contains("other"),
            "{ran:?}"
        );
        assert!(!ran.stderr.contains("listening on"), "{ran:?}");
    }
}
