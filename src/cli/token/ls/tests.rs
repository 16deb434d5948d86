use api::Role;

use super::*;

#[test]
fn a_row_for_each_and_none_of_its_hash() {
    let token = |name: &str, end: Option<i64>| Token {
        name: name.into(),
        tenant: "acme".into(),
        roles: vec![Role::Submit, Role::Read],
        sha256: "ab".repeat(32),
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: end.map(|end| Timestamp::from_second(end).expect("a time")),
    };
    let now = Timestamp::from_second(100).expect("a time");
    let text = table(&[token("a-long-name", None), token("b", Some(100)), token("c", Some(101))], now);
    assert_eq!(
        text,
        "NAME         TENANT  ROLES        CREATED               EXPIRES\n\
         a-long-name  acme    submit,read  1970-01-01T00:00:00Z  never\n\
         b            acme    submit,read  1970-01-01T00:00:00Z  1970-01-01T00:01:40Z (expired)\n\
         c            acme    submit,read  1970-01-01T00:00:00Z  1970-01-01T00:01:41Z\n"
    );
    assert_eq!(table(&[], now), "NAME  TENANT  ROLES  CREATED  EXPIRES\n");
}
