/// A kind of secret that can be told from its shape alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    PrivateKey,
    AwsAccessKey,
    GithubToken,
    GitlabToken,
    SlackToken,
    GoogleApiKey,
    StripeKey,
    NpmToken,
    PypiToken,
}

/// How a token of a rule looks: a beginning, then at least so many characters of an alphabet.
pub(crate) struct Shape {
    pub(crate) prefix: &'static str,
    pub(crate) rule: Rule,
    pub(crate) length: usize,
    pub(crate) alphabet: Alphabet,
}

#[derive(Clone, Copy)]
pub(crate) enum Alphabet {
    Upper,
    Alphanumeric,
    /// With `-` and `_`.
    Url,
}

impl Alphabet {
    pub(crate) fn holds(self, byte: u8) -> bool {
        match self {
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        }
    }
}

const fn shape(prefix: &'static str, rule: Rule, length: usize, alphabet: Alphabet) -> Shape {
    Shape { prefix, rule, length, alphabet }
}

/// Private keys are not here: see [`super::scan`].
pub(crate) const SHAPES: [Shape; 17] = [
    shape("AKIA", Rule::AwsAccessKey, 16, Alphabet::Upper),
    shape("ASIA", Rule::AwsAccessKey, 16, Alphabet::Upper),
    shape("AIza", Rule::GoogleApiKey, 35, Alphabet::Url),
    shape("ghp_", Rule::GithubToken, 36, Alphabet::Alphanumeric),
    shape("gho_", Rule::GithubToken, 36, Alphabet::Alphanumeric),
    shape("ghu_", Rule::GithubToken, 36, Alphabet::Alphanumeric),
    shape("ghs_", Rule::GithubToken, 36, Alphabet::Alphanumeric),
    shape("ghr_", Rule::GithubToken, 36, Alphabet::Alphanumeric),
    shape("github_pat_", Rule::GithubToken, 22, Alphabet::Url),
    shape("glpat-", Rule::GitlabToken, 20, Alphabet::Url),
    shape("xoxa-", Rule::SlackToken, 20, Alphabet::Url),
    shape("xoxb-", Rule::SlackToken, 20, Alphabet::Url),
    shape("xoxp-", Rule::SlackToken, 20, Alphabet::Url),
    shape("sk_live_", Rule::StripeKey, 24, Alphabet::Alphanumeric),
    shape("rk_live_", Rule::StripeKey, 24, Alphabet::Alphanumeric),
    shape("npm_", Rule::NpmToken, 36, Alphabet::Alphanumeric),
    shape("pypi-AgE", Rule::PypiToken, 50, Alphabet::Url),
];

impl Rule {
    pub(crate) const ALL: [Self; 9] = [
        Self::PrivateKey,
        Self::AwsAccessKey,
        Self::GithubToken,
        Self::GitlabToken,
        Self::SlackToken,
        Self::GoogleApiKey,
        Self::StripeKey,
        Self::NpmToken,
        Self::PypiToken,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PrivateKey => "private-key",
            Self::AwsAccessKey => "aws-access-key",
            Self::GithubToken => "github-token",
            Self::GitlabToken => "gitlab-token",
            Self::SlackToken => "slack-token",
            Self::GoogleApiKey => "google-api-key",
            Self::StripeKey => "stripe-key",
            Self::NpmToken => "npm-token",
            Self::PypiToken => "pypi-token",
        }
    }

    /// For messages.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::PrivateKey => "a private key",
            Self::AwsAccessKey => "an AWS access key",
            Self::GithubToken => "a GitHub token",
            Self::GitlabToken => "a GitLab token",
            Self::SlackToken => "a Slack token",
            Self::GoogleApiKey => "a Google API key",
            Self::StripeKey => "a Stripe live key",
            Self::NpmToken => "an npm token",
            Self::PypiToken => "a PyPI token",
        }
    }
}
