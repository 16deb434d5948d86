//! The trace that a request is part of: <https://www.w3.org/TR/trace-context/>.

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// The specification asks to pass on 512 characters at least; what is longer is dropped.
const MOST_STATE: usize = 512;

/// The caller's span, if it sent one that is valid. One that is not is no reason to refuse a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parent(Option<SpanContext>);

impl Parent {
    pub(super) fn of(context: Option<SpanContext>) -> Self {
        Self(context)
    }

    pub(super) fn context(self) -> Option<SpanContext> {
        self.0
    }

    fn read(headers: &HeaderMap) -> Option<SpanContext> {
        let mut sent = headers.get_all(TRACEPARENT).iter();
        let (Some(only), None) = (sent.next(), sent.next()) else { return None };
        let context = parse(only.to_str().ok()?)?;
        let state: Vec<_> =
            headers.get_all(TRACESTATE).iter().filter_map(|part| part.to_str().ok()).collect();
        let state = state.join(",");
        let state = if state.len() <= MOST_STATE { TraceState::from_str(&state).ok() } else { None };
        let (trace, span, flags) = (context.trace_id(), context.span_id(), context.trace_flags());
        Some(SpanContext::new(trace, span, flags, true, state.unwrap_or_default()))
    }
}

impl<S: Sync> FromRequestParts<S> for Parent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Self::read(&parts.headers)))
    }
}

/// `None` where it is not valid. A later version may have more at its end (section 3.2.4 there).
pub(super) fn parse(text: &str) -> Option<SpanContext> {
    let mut fields = text.trim_matches([' ', '\t']).split('-');
    let version = hex(fields.next()?, 2)?;
    let (trace, span) = (hex(fields.next()?, 32)?, hex(fields.next()?, 16)?);
    let flags = u8::from_str_radix(hex(fields.next()?, 2)?, 16).ok()?;
    let more = fields.next().is_some();
    if version == "ff" || (version == "00" && more) {
        return None;
    }
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    // Sampled is the one flag that is known.
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

/// Lower case only.
fn hex(text: &str, length: usize) -> Option<&str> {
    let valid = text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    valid.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_valid_comes_back_the_same() {
        let context = parse(VALID).expect("the specification's own example");
        assert!(context.is_sampled() && context.is_remote());
        assert_eq!(super::super::traceparent(&context), VALID);
        // Of a later version only what is known counts.
        let later = VALID.replacen("00", "cc", 1) + "-what-comes-later";
        assert_eq!(parse(&later).map(|later| later.trace_id()), Some(context.trace_id()));
    }

    #[test]
    fn what_is_not_valid_is_none() {
        let zeros =
            ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"].map(|id| (id, "0".repeat(id.len())));
        let mut wrong: Vec<_> = zeros.iter().map(|(id, zero)| VALID.replace(id, zero)).collect();
        wrong.extend([VALID.to_uppercase(), VALID.replacen("00", "ff", 1), format!("{VALID}-01")]);
        wrong.extend(["", "00", "00-", &VALID[..54], "00-é"].map(str::to_owned));
        for text in wrong {
            assert_eq!(parse(&text), None, "{text}");
        }
    }
}
