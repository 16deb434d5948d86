use super::*;

const GOOD: &str = "[[token]]
name = 'ci'
tenant = 'acme'
roles = ['submit', 'read']
sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
created_at = '2026-01-01T00:00:00Z'
";

fn parsed(text: &str) -> Result<TokenFile, String> {
    TokenFile::parse(Path::new("t.toml"), text).map_err(|error| error.to_string())
}

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

#[test]
fn a_token_is_known_by_its_hash() {
    let set = TokenSet::new(&parsed(GOOD).expect("a good file"));
    let now = at("2026-06-01T00:00:00Z");
    let caller = set.find(b"test", now).expect("`test` has this hash");
    assert_eq!((caller.tenant.as_str(), caller.submitter.as_str()), ("acme", "ci"));
    assert_eq!(caller.roles, Roles { submit: true, read: true, admin: false });
    for wrong in
        ["tes", "test ", "Test", "", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
    {
        assert_eq!(set.find(wrong.as_bytes(), now), None, "{wrong}");
    }
}

#[test]
fn it_ends_when_it_expires() {
    let text = format!("{GOOD}expires_at = '2026-02-01T00:00:00Z'\n");
    let set = TokenSet::new(&parsed(&text).expect("a good file"));
    assert!(set.find(b"test", at("2026-01-31T23:59:59.999Z")).is_some());
    assert!(set.find(b"test", at("2026-02-01T00:00:00Z")).is_none());
    assert_eq!((set.usable(at("2026-01-15T00:00:00Z")), set.usable(at("2027-01-01T00:00:00Z"))), (1, 0));
}

#[test]
fn what_is_written_is_read_again() {
    let file = parsed(&format!("{GOOD}expires_at = '2026-02-01T00:00:00Z'\n")).expect("a good file");
    assert_eq!(parsed(&toml::to_string(&file).expect("TOML")), Ok(file));
    assert_eq!(parsed(""), Ok(TokenFile::default()));
    assert_eq!(toml::to_string(&TokenFile::default()), Ok(String::new()));
    assert_eq!(from_hex(&hex(&sha256(b"x"))), Some(sha256(b"x")));
}

#[test]
fn a_wrong_entry_is_named() {
    let with = |from: &str, to: &str| parsed(&GOOD.replace(from, to)).expect_err("refused");
    for (from, to, expected) in [
        ("'ci'", "'uid:0'", "t.toml: token `uid:0`: a name is"),
        ("'ci'", "''", "t.toml: token ``: a name is"),
        ("'acme'", "'-x'", "t.toml: token `ci`: a tenant is"),
        ("['submit', 'read']", "[]", "t.toml: token `ci`: there is no role"),
        ("['submit', 'read']", "['root']", "t.toml:4: unknown variant `root`"),
        ("9f86", "9F86", "t.toml: token `ci`: `sha256` is not"),
        ("9f86", "9f8", "t.toml: token `ci`: `sha256` is not"),
        ("9f86", "9f86ab", "t.toml: token `ci`: `sha256` is not"),
        ("2026-01-01T00:00:00Z", "soon", "t.toml:6: "),
        ("tenant", "tennant", "t.toml:3: unknown field `tennant`"),
        ("[[token]]", "[[tokens]]", "t.toml:1: unknown field `tokens`"),
    ] {
        let error = with(from, to);
        assert!(error.starts_with(expected), "{to}: {error}");
    }
    let twice = parsed(&GOOD.repeat(2)).expect_err("refused");
    assert_eq!(twice, "t.toml: token `ci`: another token has this name or this `sha256`");
    let same_hash = parsed(&(GOOD.to_owned() + &GOOD.replace("'ci'", "'cd'"))).expect_err("refused");
    assert!(same_hash.starts_with("t.toml: token `cd`: another token"), "{same_hash}");
}
