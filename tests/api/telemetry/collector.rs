//! What spans are sent to: a receiver that decodes by OpenTelemetry's own definitions, or one that does not behave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Takes,
    /// Reads, and never answers.
    Silent,
    /// Answers without end.
    Floods,
}

pub(super) struct Collector {
    pub(super) address: SocketAddr,
    got: Arc<Mutex<Got>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Got {
    /// Requests by their paths.
    pub(super) asked: Vec<String>,
    pub(super) spans: Vec<Span>,
    /// As they were told last.
    pub(super) metrics: Vec<Metric>,
}

impl Collector {
    pub(super) fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let got = Arc::<Mutex<Got>>::default();
        let kept = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let got = Arc::clone(&kept);
                // Ends with the daemon's connection.
                std::thread::spawn(move || drop(serve(stream, manner, &got)));
            }
        });
        Self { address, got }
    }

    pub(super) fn got(&self) -> Got {
        locked(&self.got).clone()
    }
}

fn locked(got: &Mutex<Got>) -> MutexGuard<'_, Got> {
    got.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, manner: Manner, got: &Mutex<Got>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let Some((path, body)) = request(&mut stream)? else { return Ok(()) };
        locked(got).asked.push(path.clone());
        match manner {
            Manner::Takes => (),
            Manner::Silent => {
                std::thread::sleep(Duration::from_mins(1));
                return Ok(());
            }
            Manner::Floods => {
                stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")?;
                let piece = vec![b'x'; 65536];
                while stream.get_mut().write_all(&piece).is_ok() {}
                return Ok(());
            }
        }
        match &*path {
            "/v1/traces" => {
                let sent = ExportTraceServiceRequest::decode(&*body).expect("protobuf, as it says");
                let all = sent.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
                locked(got).spans.extend(all.flat_map(|scope| scope.spans));
            }
            "/v1/metrics" => {
                let sent = ExportMetricsServiceRequest::decode(&*body).expect("protobuf, as it says");
                let all = sent.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
                locked(got).metrics = all.flat_map(|scope| scope.metrics).collect();
            }
            other => panic!("nobody should ask for {other}"),
        }
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.get_mut().write_all(head)?;
    }
}

fn request(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a number");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some((path, body)))
}

/// The attribute of that name, as text.
pub(super) fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|KeyValue { key, .. }| key == name)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(truth) => truth.to_string(),
        other => format!("{other:?}"),
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

pub(super) fn micros(span: &Span) -> u64 {
    (span.end_time_unix_nano - span.start_time_unix_nano) / 1000
}
