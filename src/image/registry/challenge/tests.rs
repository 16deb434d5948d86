use super::*;

fn of(values: &[&str]) -> Option<Challenge> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(WWW_AUTHENTICATE, value.parse().expect("a header's value"));
    }
    challenge(&headers)
}

#[test]
fn the_best_offer_is_taken() {
    let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull""#;
    let realm = Url::parse("https://auth.docker.io/token").expect("a URL");
    let bearer = Some(Challenge::Bearer { realm, service: Some("registry.docker.io".into()) });
    assert_eq!(of(&[hub]), bearer);
    assert_eq!(of(&[r#"Basic realm="x""#, hub]), bearer);
    assert_eq!(of(&[&format!(r#"Basic realm="x", {hub}"#)]), bearer);
    assert_eq!(of(&[r#"basic realm="Registry Realm""#]), Some(Challenge::Basic));
    assert_eq!(of(&[r#"Bearer realm="no url""#, "Basic"]), Some(Challenge::Basic));
}

#[test]
fn what_cannot_be_answered_is_none() {
    for value in
        ["", "Negotiate", "Bearer", r"Bearer realm=", r#"Bearer realm="/relative""#, ",,,", "\"", "Digest x"]
    {
        assert_eq!(of(&[value]), None, "{value}");
    }
    assert_eq!(of(&[]), None);
}
