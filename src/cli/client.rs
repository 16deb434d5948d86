//! The way to a server: HTTP/1.1 over TCP, TLS or a unix socket, one connection for each request.

mod args;
mod connect;
mod each;
mod error;
pub(crate) mod events;
mod find;
mod problem;
mod query;
mod relay;
mod server;
mod tls;
mod upload;

use std::future::Future;

use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use tokio::runtime;

pub(crate) use args::ServerArgs;
pub(crate) use each::{Each, each, for_each};
pub(crate) use error::CallError;
pub(crate) use events::Events;
pub(crate) use find::find;
pub(crate) use problem::Naming;
pub(crate) use query::{path, query};
pub(crate) use relay::{Relay, Wanted};
pub(crate) use server::Server;
pub(crate) use upload::Upload;

use crate::output::Failure;
use connect::Connector;

/// An answer that is read whole: a job with everything that it printed fits many times.
const LARGEST_ANSWER: usize = 256 << 20;

#[derive(Debug)]
pub(crate) struct Client {
    server: Server,
    connector: Connector,
    authorization: Option<HeaderValue>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    target: String,
    headers: Vec<(HeaderName, String)>,
    body: Bytes,
}

/// Of a request.
pub(crate) type Outgoing = Either<Full<Bytes>, Upload>;

/// What a server answered that did what it was asked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
}

impl Call {
    fn new(method: Method, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    pub(crate) fn post(target: impl Into<String>) -> Self {
        Self::new(Method::POST, target)
    }

    pub(crate) fn delete(target: impl Into<String>) -> Self {
        Self::new(Method::DELETE, target)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(self, body: Vec<u8>) -> Self {
        Self { body: body.into(), ..self }.header(CONTENT_TYPE, "application/json")
    }
}

impl Client {
    pub(crate) fn new(args: &ServerArgs) -> Result<Self, Failure> {
        let server = args.server.clone();
        let connector = Connector::new(&server, args.cacert.as_deref())?;
        Ok(Self { connector, authorization: args.authorization()?, server })
    }

    /// An answer that says no is an error.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, CallError> {
        let body = Either::Left(Full::new(call.body.clone()));
        self.sent(self.request(call, body)?).await
    }

    /// The same, with a file for its body.
    pub(crate) async fn upload<T: DeserializeOwned>(&self, call: Call, body: Upload) -> Result<T, CallError> {
        let answer = self.sent(self.request(call, Either::Right(body))?).await?;
        self.parsed(answer).await
    }

    async fn sent(&self, request: Request<Outgoing>) -> Result<Answer, CallError> {
        let mut connection = self.connector.connect(&self.server).await?;
        let broken = |source| CallError::Broken { server: self.server.clone(), source };
        let response = connection.send_request(request).await.map_err(broken)?;
        let (head, body) = response.into_parts();
        let answer = Answer { status: head.status, headers: head.headers, body };
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.refusal(answer).await)
    }

    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, CallError> {
        let answer = self.send(call).await?;
        self.parsed(answer).await
    }

    async fn parsed<T: DeserializeOwned>(&self, answer: Answer) -> Result<T, CallError> {
        let body = answer.whole(&self.server).await?;
        serde_json::from_slice(&body).map_err(|error| CallError::unreadable(&self.server, &error))
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    fn request(&self, call: Call, body: Outgoing) -> Result<Request<Outgoing>, CallError> {
        let agent = concat!("stockade/", env!("CARGO_PKG_VERSION"));
        let mut request = Request::builder().method(call.method).uri(call.target);
        request = request.header(HOST, self.server.host()).header(USER_AGENT, agent);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(body).map_err(|source| CallError::Unsendable { source })
    }

    async fn refusal(&self, answer: Answer) -> CallError {
        let (status, after) = (answer.status, answer.retry_after());
        match answer.whole(&self.server).await {
            Ok(body) => CallError::Refused(problem::Problem::read(status, after, &body).into()),
            Err(error) => error,
        }
    }
}

impl Answer {
    /// The next piece; `None` at the end.
    pub(crate) async fn piece(&mut self, server: &Server) -> Result<Option<Bytes>, CallError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|source| CallError::Broken { server: server.clone(), source })?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    async fn whole(mut self, server: &Server) -> Result<Vec<u8>, CallError> {
        let mut whole = Vec::new();
        while let Some(piece) = self.piece(server).await? {
            if whole.len() + piece.len() > LARGEST_ANSWER {
                return Err(CallError::unreadable(server, &"it is endless"));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }

    fn retry_after(&self) -> Option<u64> {
        self.headers.get(hyper::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()
    }
}

/// Does the work of a verb to its end, on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::caused("cannot start", &error))?;
    let done = runtime.block_on(work);
    // A name may still be looked up.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
