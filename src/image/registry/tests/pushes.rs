use super::*;
use crate::Silent;

async fn push(place: &Place, server: &Server, blob: &[u8]) -> Result<(), Error> {
    let holder = place.holder().await;
    let blob = holder.put(blob.to_vec()).await.expect("a blob");
    let push = Push {
        manifest: MANIFEST.to_vec(),
        digest: digest(MANIFEST),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        blobs: vec![blob],
        elsewhere: vec!["other".into()],
    };
    let to = format!("{}/app:2", server.name()).parse().expect("a reference");
    place.client().push(holder.store(), &to, &push, &Silent).await
}

#[tokio::test]
async fn what_is_there_is_not_sent() {
    let (place, server) = (Place::new(), Server::start(|_| Answer::new(200, "")));
    push(&place, &server, b"blob").await.expect("nothing is to be done but the manifest");
    let digest = digest(b"blob");
    assert_eq!(server.paths(), [format!("HEAD /v2/app/blobs/{digest}"), "PUT /v2/app/manifests/2".into()]);
    assert_eq!(server.asked()[1].body, MANIFEST);
    let mounting = Server::start(|asked| Answer::new(if asked.method == "HEAD" { 404 } else { 201 }, ""));
    push(&place, &mounting, b"blob").await.expect("it is mounted");
    let mount = format!("POST /v2/app/blobs/uploads/?mount={}&from=other", digest.replace(':', "%3A"));
    assert_eq!(mounting.paths()[1], mount);
}

#[tokio::test]
async fn a_blob_goes_where_the_registry_says_and_credentials_do_not() {
    let place = Place::new();
    let bytes = noise(3 << 20);
    let storage = Server::start(|_| Answer::new(201, ""));
    let elsewhere = format!("http://{}/put?signature=1", storage.name());
    let server = Server::start(move |asked| match (asked.header("authorization"), asked.method.as_str()) {
        (None, _) => Answer::new(401, "").with("www-authenticate", "Basic realm=x"),
        (_, "HEAD") => Answer::new(404, ""),
        (_, "POST") => Answer::new(202, "").with("location", elsewhere.clone()),
        _ => Answer::new(201, ""),
    });
    place.login(&server.name());
    push(&place, &server, &bytes).await.expect("it is pushed");
    let [put] = storage.asked().try_into().expect("one request");
    assert_eq!(put.path, format!("/put?signature=1&digest={}", digest(&bytes).replace(':', "%3A")));
    assert_eq!(put.header("authorization"), None);
    assert!(put.body == bytes);
}

#[tokio::test]
async fn an_upload_that_fails_is_begun_anew() {
    let place = Place::new();
    let left = std::sync::Mutex::new(1);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "HEAD" => Answer::new(404, ""),
        "POST" => Answer::new(202, "").with("location", "/v2/app/blobs/uploads/1?state=x"),
        "PUT" if asked.path.contains("/uploads/") => {
            let mut left = left.lock().expect("no test has failed");
            *left -= 1;
            Answer::new(if *left == 0 { 500 } else { 201 }, "")
        }
        _ => Answer::new(201, ""),
    });
    push(&place, &server, b"blob").await.expect("at the second try");
    let puts =
        server.paths().iter().filter(|path| path.starts_with("PUT /v2/app/blobs/uploads/1?state=x&")).count();
    assert_eq!(puts, 2);
}

#[tokio::test]
async fn a_registry_that_keeps_something_else_is_told_of() {
    let (place, wrong) = (Place::new(), digest(b"something else"));
    let server = Server::start(move |_| Answer::new(201, "").with("docker-content-digest", wrong.clone()));
    assert_eq!(push(&place, &server, b"blob").await.expect_err("another digest").code(), "digest_mismatch");
    let refusing = Server::start(|asked| match asked.method.as_str() {
        "HEAD" => Answer::new(404, ""),
        _ => Answer::new(403, r#"{"errors": [{"code": "DENIED", "message": "read only"}]}"#),
    });
    let error = push(&place, &refusing, b"blob").await.expect_err("read only");
    assert_eq!(error.code(), "unauthorized");
    assert!(error.to_string().contains("DENIED: read only"), "{error}");
}
