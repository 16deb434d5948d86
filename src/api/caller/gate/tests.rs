use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use super::*;
use crate::caller::{Admin, tokens};
use crate::guard::Guard;
use crate::router::layered;
use crate::testing::{Answer, request, send};

const OWN: u32 = 4242;
const TCP: Peer =
    Peer::Tcp(std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1));

struct Server {
    router: Router,
    file: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        std::fs::remove_file(&self.file).ok();
    }
}

/// With one token, `stk_ci`, that may send and read.
fn server(name: &str) -> Server {
    let file = std::env::temp_dir().join(format!("stockade-gate-{name}-{}", std::process::id()));
    let hash = tokens::hex(&tokens::sha256(b"stk_ci"));
    let entry = format!(
        "[[token]]\nname = 'ci'\ntenant = 'acme'\nroles = ['submit', 'read']\nsha256 = '{hash}'\n\
         created_at = '2026-01-01T00:00:00Z'\n"
    );
    std::fs::write(&file, entry).expect("a file");
    Server { router: router(Callers::open(file.clone(), OWN).expect("a good file")), file }
}

fn router(callers: Callers) -> Router {
    let who = |caller: Caller| async move { format!("{} {}", caller.tenant, caller.submitter) };
    let routes = Router::new()
        .route("/who", get(who))
        .route("/admin", get(|_: Admin| async { "done" }))
        .route("/healthz", get(|| async { "ok" }))
        .route("/docs/{*file}", get(|| async { "page" }))
        .layer(from_fn_with_state(callers, authenticate));
    layered(routes, Guard::new(&[]))
}

async fn asked(router: &Router, path: &str, peer: Peer, authorization: &[&str]) -> Answer {
    let builder = authorization
        .iter()
        .fold(request("GET", path).extension(peer), |builder, value| builder.header("authorization", *value));
    let request: Request<Body> = builder.body(Body::empty()).expect("a request");
    send(router, request).await
}

#[tokio::test]
async fn a_token_says_who_it_is() {
    let server = server("who");
    let answer = asked(&server.router, "/who", TCP, &["Bearer stk_ci"]).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"acme ci"[..]));
    let answer = asked(&server.router, "/admin", TCP, &["Bearer stk_ci"]).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::FORBIDDEN, "forbidden"));
}

#[tokio::test]
async fn whoever_is_refused_is_told_how_to_ask() {
    let server = server("refused");
    let (plain, invalid) =
        (r#"Bearer realm="stockade""#, r#"Bearer realm="stockade", error="invalid_token""#);
    for (sent, problem, challenge) in [
        (&[][..], "unauthorized", plain),
        (&["Basic eDp5"], "unauthorized", plain),
        (&["Bearer"], "unauthorized", plain),
        (&["Bearer stk_wrong"], "invalid_token", invalid),
        (&["Bearer stk_ci", "Bearer stk_ci"], "invalid_token", invalid),
    ] {
        for path in ["/who", "/admin", "//who", "/healthz/../who"] {
            let answer = asked(&server.router, path, TCP, sent).await;
            if answer.status == StatusCode::NOT_FOUND {
                // No route, so nothing to keep from anybody.
                assert_ne!(path, "/who");
                continue;
            }
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::UNAUTHORIZED, problem),
                "{sent:?}"
            );
            assert_eq!(answer.header("www-authenticate"), challenge, "{sent:?}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("stk_wrong"));
        }
    }
}

#[tokio::test]
async fn what_is_public_needs_no_token() {
    let server = server("public");
    for sent in [&[][..], &["Bearer stk_wrong"]] {
        for path in ["/healthz", "/docs/index.html"] {
            assert_eq!(asked(&server.router, path, TCP, sent).await.status, StatusCode::OK, "{path}");
        }
    }
    for path in ["/Healthz", "/healthz/", "/docsx", "/version/x", "/jobs", ""] {
        assert!(!is_public(path), "{path}");
    }
}

#[tokio::test]
async fn root_and_the_servers_own_user_are_trusted_on_a_unix_socket() {
    let server = server("unix");
    for (uid, expected) in [(0, "default uid:0"), (OWN, "default uid:4242")] {
        let answer = asked(&server.router, "/who", Peer::Unix { uid }, &[]).await;
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, expected.as_bytes()));
        let admin = asked(&server.router, "/admin", Peer::Unix { uid }, &[]).await;
        assert_eq!(admin.status, StatusCode::OK);
        let token = asked(&server.router, "/who", Peer::Unix { uid }, &["Bearer stk_ci"]).await;
        assert_eq!(&token.body[..], b"acme ci", "who shows a token is taken by it");
        let wrong = asked(&server.router, "/who", Peer::Unix { uid }, &["Bearer stk_no"]).await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    }
    let other = asked(&server.router, "/who", Peer::Unix { uid: 1000 }, &[]).await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_unix_socket_is_reached_under_any_name_but_not_from_pages() {
    let server = server("host");
    let sent = |name: &'static str, value: &'static str, peer: Peer| {
        let request = Request::get("/who").extension(peer).header("host", "localhost");
        let mut request = request.body(Body::empty()).expect("a request");
        request.headers_mut().insert(name, HeaderValue::from_static(value));
        send(&server.router, request)
    };
    let unix = Peer::Unix { uid: OWN };
    assert_eq!(sent("host", "anything", unix).await.status, StatusCode::OK);
    assert_eq!(sent("host", "anything", TCP).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(sent("origin", "https://evil.example", unix).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_tokens_everybody_is_anonymous() {
    let router = router(Callers::anonymous());
    for sent in [&[][..], &["Bearer stk_ci"], &["Basic eDp5"]] {
        let answer = asked(&router, "/who", TCP, sent).await;
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"default anonymous"[..]));
    }
    assert_eq!(asked(&router, "/admin", TCP, &[]).await.status, StatusCode::OK);
}
