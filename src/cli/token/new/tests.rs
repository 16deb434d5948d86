use super::*;

fn token(name: &str) -> Token {
    Token {
        name: name.into(),
        tenant: "t".into(),
        roles: vec![Role::Read],
        sha256: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
    }
}

#[test]
fn a_lifetime_has_days() {
    for (text, seconds) in [("30d", 2_592_000), ("1d", 86_400), ("12h", 43_200), ("90s", 90), ("1.5h", 5400)]
    {
        assert_eq!(lifetime(text).map(|time| time.as_secs()), Ok(seconds), "{text}");
    }
    for text in ["", "d", "30", "-1d", "0d", "0s", "1.5d", "1w", "99999999999999999d", "99999999999999999h"] {
        assert!(lifetime(text).is_err(), "{text}");
    }
}

#[test]
fn a_secret_is_256_bits_that_nobody_had() {
    let (one, other) = (secret().expect("random bytes"), secret().expect("random bytes"));
    assert_ne!(one, other);
    let coded = one.strip_prefix("stk_").expect("the prefix");
    assert_eq!(URL_SAFE_NO_PAD.decode(coded).map(|bytes| bytes.len()), Ok(BYTES));
}

#[test]
fn without_a_name_it_has_its_tenants() {
    let mut file = TokenFile::default();
    assert_eq!(free_name(&file, "t"), "t");
    file.tokens = vec![token("t"), token("t-2")];
    assert_eq!(free_name(&file, "t"), "t-3");
    let long = "x".repeat(64);
    assert!(tokens::name_fault(&free_name(&file, &long)).is_none());
}

#[test]
fn roles_are_told_once_and_in_order() {
    let asked = [RoleName::Read, RoleName::Submit, RoleName::Read];
    assert_eq!(roles(&asked), [Role::Submit, Role::Read]);
}
