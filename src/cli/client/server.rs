use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use hyper::Uri;

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Tcp {
        /// A name or an address; one of IPv6 without its brackets.
        host: String,
        port: u16,
        tls: bool,
    },
    Unix(PathBuf),
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.strip_prefix("//").unwrap_or(path) {
                "" => Err("name the socket, such as `unix:/run/stockade.sock`".into()),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let form = || String::from("write it as http://HOST:PORT, https://HOST:PORT or unix:/PATH");
        let uri: Uri = text.parse().map_err(|_| form())?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(form()),
        };
        if uri.path_and_query().is_some_and(|rest| rest != "/") {
            return Err("leave out what follows the port: the server's routes begin at `/`".into());
        }
        let authority = uri.authority().ok_or_else(form)?;
        if authority.as_str().contains('@') {
            return Err("a token is not part of the URL: use `--token-file` or STOCKADE_TOKEN".into());
        }
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host) {
            Some("") => Some(if tls { 443 } else { 80 }),
            _ => authority.port_u16(),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = port.filter(|_| !host.is_empty()).ok_or_else(form)?;
        Ok(Self::Tcp { host, port, tls })
    }
}

impl Server {
    /// For the `Host` header.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Tcp { host, port, .. } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp { host, port, .. } => format!("{host}:{port}"),
            Self::Unix(_) => "localhost".into(),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { tls, .. } => {
                write!(f, "{}://{}", if *tls { "https" } else { "http" }, self.host())
            }
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn addresses_are_read_and_shown_alike() {
        let same =
            ["http://127.0.0.1:7070", "https://jobs.example.org:443", "http://[::1]:80", "unix:/run/s.sock"];
        for text in same {
            assert_eq!(text.parse::<Server>().map(|server| server.to_string()).as_deref(), Ok(text));
        }
        for (text, shown) in [
            ("https://jobs.example.org/", "https://jobs.example.org:443"),
            ("http://localhost", "http://localhost:80"),
            ("unix:///run/s.sock", "unix:/run/s.sock"),
        ] {
            assert_eq!(
                text.parse::<Server>().map(|server| server.to_string()).as_deref(),
                Ok(shown),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for text in [
            "",
            "unix:",
            "localhost:7070",
            "ftp://a",
            "http://",
            "http://a:b",
            "http://a:99999",
            "http://a/b",
            "http://a?b",
            "http://stk_secret@a",
            "http://a:",
            "//a",
        ] {
            assert!(text.parse::<Server>().is_err(), "{text}");
        }
    }
}
