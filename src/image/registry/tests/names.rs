//! What a name stands for, and who is told who we are.

use url::Url;

use super::*;

fn challenge(server: &Asked, scheme: &str) -> Answer {
    let host = server.header("host").expect("RFC 9112 section 3.2");
    let value = format!(r#"{scheme} realm="http://{host}/token",service="the registry""#);
    Answer::new(401, r#"{"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]}"#)
        .with("www-authenticate", value)
}

fn is_token(asked: &Asked) -> bool {
    asked.path.starts_with("/token")
}

#[tokio::test]
async fn a_tag_is_found_by_those_who_may_be_anybody() {
    let (place, server) = (Place::new(), Server::start(|_| manifest()));
    let (_, sent) = find(&place.client(), &server).await.expect("it is there");
    assert_eq!((sent.bytes.as_slice(), sent.digest), (MANIFEST, digest(MANIFEST)));
    assert_eq!(sent.media_type.as_deref(), Some("application/vnd.oci.image.manifest.v1+json"));
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/v2/app/manifests/1"));
    assert_eq!(asked.header("authorization"), None);
    assert!(asked.header("accept").expect("it says what it can read").contains("image.index.v1+json"));
}

#[tokio::test]
async fn a_password_is_for_the_token_server_and_a_token_for_the_registry() {
    let place = Place::new();
    let server = Server::start(|asked| match asked.header("authorization") {
        Some("Basic bWU6aHVudGVyMg==") if asked.path.starts_with("/token?") => {
            Answer::new(200, r#"{"token": "t1"}"#)
        }
        Some("Bearer t1") if is_manifest(asked) => manifest(),
        _ => challenge(asked, "Bearer"),
    });
    place.login(&server.name());
    find(&place.client(), &server).await.expect("with the password");
    let paths = server.paths();
    assert_eq!(paths[1], "GET /token?service=the+registry&scope=repository%3Aapp%3Apull");
    assert_eq!(paths.len(), 3, "{paths:?}");
}

#[tokio::test]
async fn a_refresh_token_is_posted() {
    let place = Place::new();
    let server = Server::start(|asked| match asked.header("authorization") {
        None if asked.method == "POST" => Answer::new(200, r#"{"access_token": "t2"}"#),
        Some("Bearer t2") => manifest(),
        _ => challenge(asked, "Bearer"),
    });
    place.logins(&format!(r#"{{"{}": {{"identitytoken": "again & again"}}}}"#, server.name()));
    find(&place.client(), &server).await.expect("with the token");
    let posted = String::from_utf8(server.asked()[1].body.clone()).expect("a form");
    assert!(
        posted.contains("grant_type=refresh_token") && posted.ends_with("refresh_token=again+%26+again"),
        "{posted}"
    );
}

#[tokio::test]
async fn a_password_that_is_wrong_or_missing_is_told_as_such() {
    let (place, server) = (Place::new(), Server::start(|asked| challenge(asked, "Basic")));
    let missing = find(&place.client(), &server).await.expect_err("nobody");
    assert_eq!(missing.code(), "unauthorized");
    assert!(missing.to_string().contains("UNAUTHORIZED: who are you?"), "{missing}");
    assert!(missing.hint().expect("a hint").contains("no credentials"), "{missing:?}");
    place.login(&server.name());
    let wrong = find(&place.client(), &server).await.expect_err("it takes nobody");
    assert_eq!(wrong.code(), "unauthorized");
    assert!(wrong.hint().expect("a hint").contains("auth.json"), "{wrong:?}");
    assert!(!format!("{wrong:?} {wrong} {:?}", wrong.hint()).contains("hunter2"), "{wrong:?}");
    let paths = server.paths();
    assert_eq!(paths.len(), 3, "nothing is tried again: {paths:?}");
}

#[tokio::test]
async fn what_a_token_server_says_is_taken_with_care() {
    let place = Place::new();
    let bodies: [&str; 6] = [
        r#"{"token": "a\r\nx-evil: 1"}"#,
        r#"{"token": ""}"#,
        "{}",
        "nonsense",
        r#"{"token": 1}"#,
        r#"{"token": "ü\u0000"}"#,
    ];
    for body in bodies {
        let server =
            Server::start(
                move |asked| {
                    if is_token(asked) { Answer::new(200, body) } else { challenge(asked, "Bearer") }
                },
            );
        let error = find(&place.client(), &server).await.expect_err(body);
        assert_eq!(error.code(), "registry_refused", "{body}: {error}");
    }
    let denied = Server::start(|asked| {
        if is_token(asked) { Answer::new(401, "wrong password") } else { challenge(asked, "Bearer") }
    });
    assert_eq!(find(&place.client(), &denied).await.expect_err("denied").code(), "unauthorized");
}

#[tokio::test]
async fn no_password_goes_to_a_realm_without_tls() {
    let place = Place::new();
    place.login("secure.example");
    let endpoint = place.settings().origin("secure.example").expect("a name");
    let credential = place.client().credential(&endpoint, "app").await.expect("a good file");
    let client = place.client();
    let session = Session::new(
        client.trusting(&endpoint).await.expect("TLS").downloads(&endpoint),
        endpoint,
        credential,
        "app",
        "repository:app:pull".into(),
    );
    let server = Server::start(|_| Answer::new(200, r#"{"token": "t"}"#));
    let realm = Url::parse(&format!("http://{}/token", server.name())).expect("a URL");
    let trouble = token::fetch(&session, realm, None, "repository:app:pull").await.expect_err("no TLS");
    assert_eq!(trouble.error.code(), "registry_refused");
    assert!(server.asked().is_empty(), "{:?}", server.asked());
}

#[tokio::test]
async fn a_redirect_leaves_the_credentials_behind() {
    let place = Place::new();
    let storage = Server::start(|_| manifest());
    let elsewhere = format!("http://{}/signed?signature=hunter3", storage.name());
    let server = Server::start(move |asked| match asked.header("authorization") {
        Some(_) => Answer::new(307, "").with("location", elsewhere.clone()),
        None => challenge(asked, "Basic"),
    });
    place.login(&server.name());
    find(&place.client(), &server).await.expect("by the redirect");
    assert_eq!(storage.asked()[0].header("authorization"), None);
    assert_eq!(storage.asked()[0].header("referer"), None);
    let round = Server::start(|_| Answer::new(302, "").with("location", "/again?signature=hunter3"));
    let error = find(&place.client(), &round).await.expect_err("it goes round and round");
    assert_eq!(error.code(), "registry_unreachable");
    assert!(!format!("{error:?}").contains("hunter3"), "{error:?}");
    assert!(round.asked().len() < 8, "{:?}", round.paths());
}

#[tokio::test]
async fn documents_are_bounded_whatever_their_length_is_said_to_be() {
    let place = Place::new();
    let piece = vec![b' '; 64 << 10];
    let answers = [
        ("too_large", Answer::new(200, vec![b' '; 5 << 20])),
        ("too_large", Answer::new(200, piece.as_slice()).endless()),
        ("registry_refused", Answer::new(400, piece.as_slice()).endless()),
    ];
    for (code, answer) in answers {
        let server = Server::start(move |_| answer.clone());
        let error = find(&place.client(), &server).await.expect_err("too large");
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().len() < 600, "{error}");
    }
}

#[tokio::test]
async fn a_registry_that_lies_about_a_digest_is_caught() {
    let place = Place::new();
    let wrong = digest(b"something else");
    let said = wrong.clone();
    let server = Server::start(move |_| manifest().with("docker-content-digest", said.clone()));
    assert_eq!(find(&place.client(), &server).await.expect_err("its header lies").code(), "digest_mismatch");
    let server = Server::start(|_| manifest());
    let reference = format!("{}/app@{wrong}", server.name()).parse().expect("a reference");
    assert_eq!(place.client().find(&reference).await.expect_err("another one").code(), "digest_mismatch");
    let (route, sent) = find(&place.client(), &server).await.expect("by its tag");
    let longer = Expected { digest: sent.digest, size: 1 + sent.bytes.len() as u64 };
    assert_eq!(route.manifest(&longer).await.expect_err("not that long").code(), "size_mismatch");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_not() {
    let place = Place::new();
    let left = std::sync::Mutex::new(vec![503, 429, 500]);
    let server = Server::start(move |_| match left.lock().expect("no test has failed").pop() {
        Some(status) => Answer::new(status, "later").with("retry-after", "0"),
        None => manifest(),
    });
    find(&place.client(), &server).await.expect("at the fourth try");
    assert_eq!(server.asked().len(), 4);
    for (status, code) in [(404, "image_not_found"), (400, "registry_refused"), (403, "unauthorized")] {
        let server = Server::start(move |_| Answer::new(status, "\u{1b}[31mno\n"));
        let error = find(&place.client(), &server).await.expect_err("it says no");
        assert_eq!((error.code(), server.asked().len()), (code, 1), "{error}");
        assert!(!error.to_string().contains(['\u{1b}', '\n']), "{error:?}");
    }
    let reference = "127.0.0.1:1/app".parse().expect("a reference");
    let error = place.client().find(&reference).await.expect_err("nobody listens there");
    assert_eq!(error.code(), "registry_unreachable");
}

#[test]
fn what_is_no_name_is_refused_before_anybody_is_asked() {
    let upper = format!("a@sha256:{}", "A".repeat(64));
    let (sha512, long) = (format!("a@sha512:{}", "0".repeat(128)), "a/".repeat(400) + "a");
    let names = [
        "",
        " ",
        "a b",
        "-a",
        "A",
        "a:",
        "a@",
        "a:\u{fc}",
        "a@sha256:12",
        "http://a/b",
        "a//b",
        "a/../b",
        "a:b:c",
        "../etc",
        "a\nb",
        "a\0",
        "a:\r\nHost: x",
        "a?b",
        "a#b",
        "a%2f",
        &upper,
        &sha512,
        &long,
    ];
    for name in names {
        let error = crate::store::names::normal(name).expect_err(name);
        assert_eq!(error.code(), "invalid_reference", "{name:?}");
        assert!(error.to_string().len() < 300, "{error}");
    }
}
