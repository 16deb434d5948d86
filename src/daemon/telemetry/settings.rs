//! What is to be exported, and where to: settings first, then the variables of OpenTelemetry
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).

use std::env;
use std::net::SocketAddr;

use super::collector::Collector;
use crate::listen::Address;
use crate::settings::{ConfigError, TelemetrySettings};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub(super) traces: Option<Collector>,
    pub(super) metrics: Option<Collector>,
    pub(crate) prometheus: Option<SocketAddr>,
}

impl Settings {
    pub(crate) fn resolve(settings: &TelemetrySettings) -> Result<Self, ConfigError> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let prometheus = settings.prometheus.as_deref().map(prometheus).transpose()?;
        let base = settings.otlp_endpoint.as_deref().map(endpoint).transpose()?;
        let to = |signal: &str| collector(base.as_deref(), signal, &variable);
        Ok(Self { traces: to("traces"), metrics: to("metrics"), prometheus })
    }

    /// To be bound while that may need root.
    pub(crate) fn address(&self) -> Option<Address> {
        self.prometheus.map(Address::Tcp)
    }
}

fn collector(
    base: Option<&str>,
    signal: &str,
    variable: &impl Fn(&str) -> Option<String>,
) -> Option<Collector> {
    let upper = signal.to_ascii_uppercase();
    let disabled = variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let none = variable(&format!("OTEL_{upper}_EXPORTER")).is_some_and(|value| value == "none");
    if disabled || none {
        return None;
    }
    if let Some(base) = base {
        return Some(Collector::At(format!("{}/v1/{signal}", base.trim_end_matches('/'))));
    }
    let names = ["OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), format!("OTEL_EXPORTER_OTLP_{upper}_ENDPOINT")];
    names.iter().any(|name| variable(name).is_some()).then_some(Collector::OfEnvironment)
}

fn endpoint(text: &str) -> Result<String, ConfigError> {
    let url = reqwest::Url::parse(text).ok();
    let plain = |url: &reqwest::Url| url.query().is_none() && url.fragment().is_none();
    let secret = |url: &reqwest::Url| !url.username().is_empty() || url.password().is_some();
    match url {
        // Not told again: neither here nor with the settings.
        Some(url) if secret(&url) => {
            let detail = "the URL of a collector has no place for a password";
            let hint = "give it by the variable `OTEL_EXPORTER_OTLP_HEADERS`";
            Err(ConfigError::setting("telemetry.otlp_endpoint", detail, hint))
        }
        Some(url) if matches!(url.scheme(), "http" | "https") && url.has_host() && plain(&url) => {
            Ok(text.into())
        }
        _ => {
            let detail = format!("`{text}` is not the URL of a collector");
            let hint = "write it as `http://127.0.0.1:4318`; `/v1/traces` and `/v1/metrics` are added";
            Err(ConfigError::setting("telemetry.otlp_endpoint", detail, hint))
        }
    }
}

fn prometheus(text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| {
        let detail = format!("`{text}` is not an IP address with a port");
        ConfigError::setting("telemetry.prometheus", detail, "write it as `127.0.0.1:9464`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_win_over_variables_and_off_is_off() {
        let none = |_: &str| None;
        let set =
            |name: &str| (name == "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT").then(|| "http://a:1".to_owned());
        assert_eq!(collector(None, "traces", &none), None);
        assert_eq!(collector(None, "traces", &set), None, "of another signal");
        assert_eq!(collector(None, "metrics", &set), Some(Collector::OfEnvironment));
        let at = Collector::At("http://b:2/x/v1/metrics".into());
        assert_eq!(collector(Some("http://b:2/x/"), "metrics", &set), Some(at));
        for (name, value) in [("OTEL_SDK_DISABLED", "True"), ("OTEL_METRICS_EXPORTER", "none")] {
            let off = |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(collector(Some("http://b:2"), "metrics", &off), None, "{name}");
        }
    }

    #[test]
    fn only_the_url_of_a_collector_will_do() {
        for wrong in ["", "127.0.0.1:4318", "ftp://a", "http://a?b", "http://", "unix:/a"] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
        let refused = endpoint("http://user:hunter2@a:1").expect_err("a password");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused:?}");
        for right in ["http://127.0.0.1:4318", "https://collector.example/otlp/"] {
            assert!(endpoint(right).is_ok(), "{right}");
        }
    }
}
