use super::*;
use crate::Silent;

fn with_mirror(place: &Place, registry: &Server, mirror: &Server) -> Client {
    let mirrors = vec![format!("http://{}", mirror.name())];
    let registries = [(registry.name(), Registry { mirrors, ..Registry::default() })].into();
    Client::new(Settings { registries, ..place.settings() }).expect("good settings")
}

#[tokio::test]
async fn a_mirror_is_asked_first_and_told_for_whom() {
    let (place, mirror, registry) =
        (Place::new(), Server::start(|_| manifest()), Server::start(|_| manifest()));
    // Its password is nothing to a mirror.
    place.login(&registry.name());
    find(&with_mirror(&place, &registry, &mirror), &registry).await.expect("from the mirror");
    assert!(registry.asked().is_empty());
    let ns = registry.name().replace(':', "%3A");
    assert_eq!(mirror.paths(), [format!("GET /v2/app/manifests/1?ns={ns}")]);
}

#[tokio::test]
async fn whatever_a_mirror_does_the_registry_is_there() {
    let place = Place::new();
    let wrong = digest(b"something else");
    let answers = [
        Answer::new(404, ""),
        Answer::new(500, ""),
        Answer::new(401, "").with("www-authenticate", "Basic"),
        Answer::new(200, "forged").with("docker-content-digest", wrong),
        manifest().cut(3),
    ];
    for answer in answers {
        let mirror = Server::start(move |_| answer.clone());
        let registry = Server::start(|_| manifest());
        let (_, sent) =
            find(&with_mirror(&place, &registry, &mirror), &registry).await.expect("from the registry");
        assert_eq!(sent.bytes, MANIFEST);
        assert_eq!((mirror.asked().len(), registry.asked().len()), (1, 1));
    }
}

#[tokio::test]
async fn a_blob_that_a_mirror_spoils_comes_from_the_registry() {
    let bytes = noise(2 << 20);
    let blob = blob_of(&bytes);
    let mut other = bytes.clone();
    other[5] ^= 1;
    for spoiled in [Answer::new(404, ""), Answer::new(200, other), Answer::new(200, "short")] {
        let place = Place::new();
        let mirror =
            Server::start(move |asked| if is_manifest(asked) { manifest() } else { spoiled.clone() });
        let served = bytes.clone();
        let registry = Server::start(move |_| Answer::new(200, served.as_slice()));
        let (route, _) =
            find(&with_mirror(&place, &registry, &mirror), &registry).await.expect("the manifest");
        route.fetch(&place.holder().await, &blob, &Silent).await.expect("from the registry");
        assert_eq!(registry.paths().len(), 1, "{:?}", registry.paths());
    }
}
