use hyper::StatusCode;

use super::testing::{Scripted, answer, client};
use super::*;

fn asked(server: &Scripted, call: Call) -> Result<serde_json::Value, CallError> {
    let client = server.client();
    let mut done = None;
    block_on(async {
        done = Some(client.json(call).await);
        Ok(())
    })
    .expect("a runtime");
    done.expect("it was asked")
}

#[test]
fn a_request_says_who_where_and_what() {
    let server = Scripted::answering(vec![answer("200 OK", "", 2, "{}")]);
    let call =
        Call::post("/jobs").header(HeaderName::from_static("idempotency-key"), "k").json(b"{}".to_vec());
    asked(&server, call).expect("an answer");
    let host = format!("host: {}", server.address.trim_start_matches("http://"));
    let head = &server.requests()[0];
    assert_eq!(head[0], "POST /jobs HTTP/1.1");
    for line in [host.as_str(), "idempotency-key: k", "content-type: application/json", "content-length: 2"] {
        assert!(head.iter().any(|known| known == line), "{line}: {head:?}");
    }
    assert!(!head.iter().any(|line| line.starts_with("authorization")), "nobody gave a token: {head:?}");
}

#[test]
fn what_went_wrong_is_told_apart() {
    let server = Scripted::answering(vec![
        answer("404 Not Found", "", 30, r#"{"title":"No such job"}       "#),
        answer("429 Too Many Requests", "retry-after: 7\r\n", 0, ""),
        answer("200 OK", "", 2, "{"),
        answer("200 OK", "", 2, "{x"),
    ]);
    let mut errors = (0..4).map(|_| asked(&server, Call::get("/")).expect_err("an error"));
    let mut next = || errors.next().expect("one for each answer");
    let unknown = next();
    assert_eq!((unknown.status(), unknown.passes()), (Some(StatusCode::NOT_FOUND), false));
    assert_eq!(unknown.to_string(), "No such job");
    let full = next();
    assert_eq!((full.again_in(), full.passes()), (Some(7), true));
    assert_eq!(full.to_string(), "Too Many Requests (HTTP 429)");
    assert!(matches!(next(), CallError::Broken { .. }));
    assert!(matches!(next(), CallError::Unreadable { .. }));
}

#[test]
fn a_server_that_is_away_has_a_hint() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = gone.expect("a free port");
    for server in [format!("http://{address}"), "unix:/no/such/socket".into()] {
        let client = client(&server);
        let failure =
            block_on(async { Ok(client.send(Call::get("/")).await?) }).expect_err("nobody is there");
        let words = format!("{failure:?}");
        assert!(words.contains(&format!("cannot connect to {server}")), "{words}");
        assert!(words.contains("is `stockade serve` running there?"), "{words}");
    }
}
