use std::os::unix::fs::chown;

use support::{Daemon, State, Temp, Who};

use super::ask_fed;

pub(super) fn a_unix_socket(who: Who) {
    let temp = Temp::new();
    chown(temp.path(), Some(who.uid()), None).expect("an own folder can be given away");
    let server = format!("unix:{}", temp.path().join("stockade.sock").display());
    let _daemon = Daemon::start(who, &["--listen", &server]);
    let ran = ask_fed(who, &server, &["submit", "--wait", "--", "sh", "-c", "echo hello; exit 5"], b"");
    assert_eq!((ran.code, ran.text().as_str()), (5, "hello\n"), "{ran:?}");
    let away = ask_fed(who, "unix:/no/such/socket", &["ps"], b"");
    assert!(away.code == 2 && away.stderr.contains("\nhint: is `stockade serve` running there?"), "{away:?}");
}

pub(super) fn https(who: Who) {
    let (temp, state) = (Temp::new(), State::new(who));
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate");
    let certificate = temp.file("certificate.pem", pair.cert.pem()).display().to_string();
    let key = temp.file("key.pem", pair.signing_key.serialize_pem()).display().to_string();
    let daemon = Daemon::resumed(who, &state, &format!("tls_cert = '{certificate}'\ntls_key = '{key}'\n"));
    let port = daemon.address.port();
    let server = format!("https://localhost:{port}");
    let ran =
        ask_fed(who, &server, &["submit", "--cacert", &certificate, "--wait", "--", "echo", "hello"], b"");
    assert_eq!((ran.code, ran.text().as_str()), (0, "hello\n"), "{ran:?}");
    let mistakes = [
        (server.as_str(), None, "no TLS connection"),
        (&format!("https://127.0.0.1:{port}"), Some(&*certificate), "no TLS connection"),
        (&format!("http://localhost:{port}"), None, "error: "),
        (&server, Some("/no/such/file"), "--cacert /no/such/file"),
        (&server, Some(&*key), "--cacert"),
    ];
    for (server, cacert, word) in mistakes {
        let trusted = cacert.map_or_else(Vec::new, |file| vec!["--cacert", file]);
        let ran = ask_fed(who, server, &[&["ps"], &trusted[..]].concat(), b"");
        assert!(ran.code == 2 && ran.stderr.starts_with("error: "), "{server} {cacert:?}: {ran:?}");
        assert!(ran.stderr.contains(word), "{server} {cacert:?}: {ran:?}");
    }
}
