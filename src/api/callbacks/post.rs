//! One attempt: resolve, connect, send, and read the head of the answer. Nothing is kept from one to the next, no proxy is
//! asked, and a redirect is an answer like any other: following it would lead past the check of the address.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::{InvalidDnsNameError, ServerName};
use url::Host;

use super::address::Allow;
use super::target::{Target, TargetError, listed};
use super::tls::{Trust, TrustError};

/// From the first look-up to the status line.
const PATIENCE: Duration = Duration::from_secs(10);
/// For each address, of which the first may be the one that does not answer.
const CONNECT: Duration = Duration::from_secs(3);
const MAX_HEAD: usize = 64 << 10;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("no name that a certificate could be for: {0}")]
    Name(#[from] InvalidDnsNameError),
    #[error("TLS: {0}")]
    Tls(io::Error),
    #[error("HTTP: {0}")]
    Http(#[from] hyper::Error),
    #[error("cannot be put into a request: {0}")]
    Request(#[from] axum::http::Error),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Slow,
}

pub(super) struct Poster {
    pub(super) allow: Vec<Allow>,
    pub(super) trust: Trust,
}

impl Poster {
    pub(super) fn new(allow: Vec<Allow>) -> Self {
        Self { allow, trust: Trust::default() }
    }

    /// The receiver's answer. Its body is never read.
    pub(super) async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<StatusCode, PostError> {
        let target = Target::parse(url)?;
        let request = request(&target, headers, body)?;
        timeout(PATIENCE, self.exchange(&target, request)).await.unwrap_or(Err(PostError::Slow))
    }

    async fn exchange(&self, target: &Target, request: Request<Body>) -> Result<StatusCode, PostError> {
        let stream = self.connect(target).await?;
        if !target.tls {
            return Ok(send(stream, request).await?);
        }
        let connector = self.trust.connector().await?;
        let stream = connector.connect(server_name(&target.host)?, stream).await.map_err(PostError::Tls)?;
        Ok(send(stream, request).await?)
    }

    async fn connect(&self, target: &Target) -> Result<TcpStream, PostError> {
        let mut last = PostError::Slow;
        for address in target.addresses(&self.allow).await? {
            match self.connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<TcpStream, PostError> {
        let connected = timeout(CONNECT, TcpStream::connect(address)).await;
        let stream =
            connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(PostError::Connect)?;
        // An address of this host's own, public as it may be: what listens there may take us for somebody local.
        let own = stream.local_addr().is_ok_and(|local| local.ip() == address.ip());
        if own && !listed(address, &self.allow) {
            return Err(TargetError::Refused.into());
        }
        Ok(stream)
    }
}

fn request(target: &Target, headers: HeaderMap, body: Bytes) -> Result<Request<Body>, PostError> {
    let mut request = Request::post(&target.path).body(Body::from(body))?;
    *request.headers_mut() = headers;
    request.headers_mut().insert(header::HOST, target.authority.clone());
    Ok(request)
}

fn server_name(host: &Host<String>) -> Result<ServerName<'static>, InvalidDnsNameError> {
    match host {
        // A certificate's names have no dot at the end.
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned()),
        Host::Ipv4(ip) => Ok(ServerName::from(std::net::IpAddr::from(*ip))),
        Host::Ipv6(ip) => Ok(ServerName::from(std::net::IpAddr::from(*ip))),
    }
}

/// The connection ends with this call: it lives in no task of its own.
async fn send<S>(stream: S, request: Request<Body>) -> Result<StatusCode, hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await?;
    let mut answer = pin!(sender.send_request(request));
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        // Whatever ended the connection, the answer tells of it; it may have come just before.
        _ = connection => answer.await,
    };
    Ok(answer?.status())
}
