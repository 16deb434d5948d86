use super::Digest;

/// Of `abc`, from FIPS 180-4's examples.
const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const BASE64: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

#[test]
fn forms() {
    let digest = Digest::of(b"abc");
    assert_eq!(digest.to_string(), ABC);
    assert_eq!(Digest::parse(ABC), Some(digest));
    assert_eq!(Digest::from_base64(BASE64), Some(digest));
    assert_eq!(digest.repr(), format!("sha-256=:{BASE64}:"));
    assert_eq!(digest.tag(), format!("\"{ABC}\""));
}

#[test]
fn one_form_alone() {
    for text in
        [&ABC[1..], &ABC[..70], &ABC.to_uppercase(), &ABC.replace("ba", "BA"), &ABC.replace("ba", "+a"), ""]
    {
        assert_eq!(Digest::parse(text), None, "{text}");
    }
    assert_eq!(Digest::parse(&format!("sha256:{}", "é".repeat(32))), None);
    assert_eq!(Digest::from_base64("YWJj"), None);
    assert_eq!(Digest::from_base64("!"), None);
}
