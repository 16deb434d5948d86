use crate::{State, Who, run};

/// A new token of this tenant, as the operator makes it. `roles` are separated by commas.
pub fn token(who: Who, state: &State, tenant: &str, roles: &str) -> String {
    let place = state.path().to_str().expect("a temporary path is text");
    let name = format!("{tenant}-{}", roles.replace(',', "-"));
    let words = ["token", "new", "--tenant", tenant, "--name", &name, "--role", roles, "--state-dir", place];
    let made = run(who, &words);
    assert_eq!(made.code, 0, "{made:?}");
    made.text().trim().to_owned()
}
