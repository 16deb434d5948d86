use crate::hunt::Target;

mod bundle;
mod layer;
mod profile;
mod request;
mod settings;
mod wire;

pub(crate) fn all() -> Vec<Target> {
    vec![
        wire::target(),
        request::target(),
        profile::target(),
        layer::target(),
        settings::target(),
        bundle::target(),
    ]
}

/// A message without what is the input's own in it, so that it names a kind.
fn kind(message: &str) -> String {
    let mut quoted = false;
    let told = message.chars().filter(|letter| {
        quoted ^= matches!(letter, '`' | '"' | '\'');
        !quoted && !letter.is_ascii_digit()
    });
    told.take(100).collect()
}
