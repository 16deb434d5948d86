use std::process::ExitCode;

use api::Role;
use api::tokens::{self, Token, TokenFile};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};

use crate::output::{self, Failure};
use crate::units::duration_ms;

use super::WhereArgs;

const DAY_MS: u64 = 86_400_000;
/// Of the part behind `stk_`: nobody guesses 256 bits.
const BYTES: usize = 32;

/// Make a token and print it, once: only its hash is kept
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: TOKEN=$(stockade token new --tenant ci --expires 30d)")]
pub(super) struct NewArgs {
    /// Whose jobs its caller sends and sees
    #[arg(long, value_name = "NAME", value_parser = tenant)]
    tenant: String,
    /// What its jobs have as submitter, and what it is revoked by [default: the tenant's name, and a number if needed]
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// What its caller may do; admin is everything, for all tenants
    #[arg(long, value_name = "ROLE", value_delimiter = ',', default_value = "submit,read")]
    role: Vec<RoleName>,
    /// From when on it is refused [units: d, h, m, s; default: never]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    expires: Option<SignedDuration>,
    #[command(flatten)]
    place: WhereArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleName {
    Submit,
    Read,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Submit => Self::Submit,
            RoleName::Read => Self::Read,
            RoleName::Admin => Self::Admin,
        }
    }
}

fn tenant(text: &str) -> Result<String, &'static str> {
    tokens::tenant_fault(text).map_or_else(|| Ok(text.to_owned()), Err)
}

fn name(text: &str) -> Result<String, &'static str> {
    tokens::name_fault(text).map_or_else(|| Ok(text.to_owned()), Err)
}

/// Of the units of every other duration, and days.
fn lifetime(text: &str) -> Result<SignedDuration, String> {
    let syntax = || "a lifetime is a number with one of the units d, h, m, s, such as `30d`".to_owned();
    let ms = match text.strip_suffix('d') {
        Some(days) => {
            days.parse::<u64>().ok().and_then(|days| days.checked_mul(DAY_MS)).ok_or_else(syntax)?
        }
        None => duration_ms(text).map_err(|_| syntax())?,
    };
    if ms == 0 {
        return Err("a token that has expired is of no use".into());
    }
    Ok(SignedDuration::from_millis(i64::try_from(ms).map_err(|_| syntax())?))
}

pub(super) fn new(args: &NewArgs) -> Result<ExitCode, Failure> {
    let store = args.place.store()?;
    let now = Timestamp::now();
    let expires_at = args.expires.map(|lifetime| now.checked_add(lifetime)).transpose();
    let expires_at = expires_at.map_err(|_| Failure::new("`--expires` is too far away"))?;
    let secret = secret()?;
    let token = store.change(|file| {
        let token = Token {
            name: args.name.clone().unwrap_or_else(|| free_name(file, &args.tenant)),
            tenant: args.tenant.clone(),
            roles: roles(&args.role),
            sha256: tokens::hex(&tokens::sha256(secret.as_bytes())),
            created_at: now,
            expires_at,
        };
        if file.tokens.iter().any(|known| known.name == token.name) {
            let hint = format!("choose another, or `stockade token revoke {}` first", token.name);
            return Err(Failure::new(format!("there is a token `{}` already", token.name)).hint(hint));
        }
        file.tokens.push(token.clone());
        Ok(token)
    })?;
    output::data(&(secret + "\n"))?;
    output::note(described(&token));
    Ok(ExitCode::SUCCESS)
}

/// Each once, in the order in which they are told.
fn roles(asked: &[RoleName]) -> Vec<Role> {
    let asked: Vec<_> = asked.iter().copied().map(Role::from).collect();
    Role::ALL.into_iter().filter(|role| asked.contains(role)).collect()
}

fn described(token: &Token) -> String {
    let Token { name, tenant, roles, expires_at, .. } = token;
    let roles: Vec<_> = roles.iter().map(|role| role.word()).collect();
    let until = expires_at.map_or_else(|| "never expires".to_owned(), |end| format!("expires {end:.0}"));
    format!("token `{name}` of tenant `{tenant}`: {}; {until}; it is shown this once", roles.join(", "))
}

fn free_name(file: &TokenFile, tenant: &str) -> String {
    let taken = |name: &String| file.tokens.iter().any(|token| token.name == *name);
    let short: String = tenant.chars().take(50).collect();
    let numbered = (2..).map(|number: u64| format!("{short}-{number}"));
    std::iter::once(short.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(short)
}

fn secret() -> Result<String, Failure> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::caused("the kernel gives no random bytes", &error))?;
    Ok(tokens::PREFIX.to_owned() + &URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests;
