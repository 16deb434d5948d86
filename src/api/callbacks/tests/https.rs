//! Over TLS: to whom the certificate says it is, and to nobody else.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::allow;
use crate::callbacks::post::{PostError, Poster};
use crate::callbacks::tls::Trust;

/// A receiver with a certificate for that name, and whoever trusts it.
async fn receiver(name: &str) -> (SocketAddr, RootCertStore) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).expect("made");
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("a root");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a server");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 4096];
            let read = stream.read(&mut head).await.expect("a request");
            assert!(head[..read].starts_with(b"POST /x HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 201 x\r\ncontent-length: 0\r\n\r\n").await.expect("an answer");
        }
    });
    (address, roots)
}

async fn post(host: &str, port: u16, trust: Trust) -> Result<StatusCode, PostError> {
    let poster = Poster { trust, ..Poster::new(allow()) };
    poster.post(&format!("https://{host}:{port}/x"), HeaderMap::new(), Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn to_the_one_who_can_prove_it() {
    let (address, roots) = receiver("localhost").await;
    let answer = post("localhost", address.port(), Trust::only(roots)).await;
    assert_eq!(answer.expect("taken"), StatusCode::CREATED);
}

#[tokio::test]
async fn to_nobody_else() {
    let (address, roots) = receiver("elsewhere.example").await;
    assert!(matches!(post("localhost", address.port(), Trust::only(roots)).await, Err(PostError::Tls(_))));
    let (address, _) = receiver("localhost").await;
    let (_, other) = receiver("localhost").await;
    assert!(matches!(post("localhost", address.port(), Trust::only(other)).await, Err(PostError::Tls(_))));
}
