//! Whose JWT bearer tokens are accepted.

use perennial_jwt::{Algorithm, Issuer, KeySource, Keys, Policy, Unfit};

use super::{Get, SettingError, Settings, read};

const ISSUER: &str = "jwt_issuer";
const AUDIENCE: &str = "jwt_audience";
const JWKS_URL: &str = "jwt_jwks_url";
const JWKS: &str = "jwt_jwks";
const ALGORITHMS: &str = "jwt_algorithms";

/// Longest issuer, audience and address, in characters.
const MAX_NAME: usize = 512;

/// JWT bearer tokens.
#[derive(Debug)]
pub struct JwtSettings {
    /// Whose tokens are accepted; none are where no variable is set.
    pub issuer: Option<Issuer>,
}

impl Settings for JwtSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let algorithms = algorithms(get)?;
        let (issuer, audience) = (name(get, ISSUER)?, name(get, AUDIENCE)?);
        let (url, document) = (name(get, JWKS_URL)?, read(get, JWKS)?);
        if [&issuer, &audience, &url, &document].iter().all(|value| value.is_empty()) {
            return Ok(Self { issuer: None });
        }
        let keys = match (url.is_empty(), document.is_empty()) {
            (false, true) => KeySource::Url(address(url)?),
            (true, false) => KeySource::Set(key_set(&document)?),
            (true, true) => {
                return Err(SettingError::new(JWKS_URL, "must be given, or jwt_jwks: JWT needs keys"));
            }
            (false, false) => {
                return Err(SettingError::new(JWKS, "must be empty where jwt_jwks_url is given"));
            }
        };
        for (name, value) in [(ISSUER, &issuer), (AUDIENCE, &audience)] {
            if value.is_empty() {
                return Err(SettingError::new(name, "must be given: the other settings of JWT are"));
            }
        }
        let policy = Policy::new(&issuer, &audience, &algorithms)
            .map_err(|error| SettingError::new(ISSUER, format!("is of a policy that {error}")))?;
        Ok(Self { issuer: Some(Issuer { policy, keys }) })
    }
}

/// Algorithms with commas between. Those that share a secret, and `none`, are not among them.
fn algorithms(get: &Get<'_>) -> Result<Vec<Algorithm>, SettingError> {
    let value = read(get, ALGORITHMS)?;
    let named: Option<Vec<Algorithm>> =
        value.split(',').map(|name| Algorithm::named(name.trim_matches(' '))).collect();
    named.ok_or_else(|| {
        let known = Algorithm::ALL.map(Algorithm::name).join(", ");
        SettingError::new(ALGORITHMS, format!("must be one or more of {known}, with commas between"))
    })
}

/// A name that is compared letter by letter, or nothing.
fn name(get: &Get<'_>, name: &'static str) -> Result<String, SettingError> {
    let value = read(get, name)?;
    if value.len() > MAX_NAME || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = format!("must be at most {MAX_NAME} visible ASCII characters, without spaces");
        return Err(SettingError::new(name, reason));
    }
    Ok(value)
}

/// Whoever answers at this address says which tokens are right, so it is https, or http to this machine.
pub(super) fn address(url: String) -> Result<String, SettingError> {
    let reason = "must be https://host[:port]/path, or http to 127.0.0.1, [::1] or localhost, without user and fragment";
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address are within its brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port_is_one = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    let scheme_is_one = match scheme {
        "https" => true,
        "http" => ["127.0.0.1", "[::1]", "localhost"].contains(&host),
        _ => false,
    };
    if scheme_is_one && port_is_one && !host.is_empty() && !url.contains(['@', '#', '\\', '*']) {
        return Ok(url);
    }
    Err(SettingError::new(JWKS_URL, reason))
}

/// A key set in the settings is written by hand: it has a key that can be used, and no private one.
fn key_set(document: &str) -> Result<Keys, SettingError> {
    let wrong = |reason: String| SettingError::new(JWKS, reason);
    let keys = Keys::from_jwks(document).map_err(|error| wrong(format!("{error}: it must be a JWK set")))?;
    if keys.unfit().any(|unfit| unfit == Unfit::Private) {
        return Err(wrong("has a key that holds its private half: give the public one only".to_owned()));
    }
    if keys.usable() == 0 {
        let why = keys.unfit().next().map(|unfit| format!(": the first {unfit}")).unwrap_or_default();
        return Err(wrong(format!("has no key that can be used{why}")));
    }
    Ok(keys)
}
