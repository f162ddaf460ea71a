//! Letting a client in: whose tokens are accepted, the store where it is needed, and what is told of a failure.

use std::cell::OnceCell;

use http::{HeaderMap, StatusCode};
use perennial_http_api::{Accepted, Problem, may_be_jwt};
use perennial_store::StoreError;

use crate::{
    AuthSettings, GuestStore, HttpKeys, JwtSettings, SettingError, Settings, StoreSettings, let_go, log,
    open_store,
};

/// Whose tokens are accepted.
pub struct Accepting {
    auth: AuthSettings,
    jwt: Option<JwtSettings>,
}

impl Accepting {
    /// As the variables say. Those of JWTs are read only where the request may carry one.
    ///
    /// # Errors
    /// Where a variable is wrong, by its name.
    pub fn from_host(headers: &HeaderMap) -> Result<Self, SettingError> {
        let jwt = may_be_jwt(headers).then(JwtSettings::from_host).transpose()?;
        Ok(Self { auth: AuthSettings::from_host()?, jwt })
    }

    /// The same, as requests are looked at by it.
    pub fn accepted(&self) -> Accepted<'_, HttpKeys> {
        Accepted {
            bootstrap_token: &self.auth.bootstrap_token,
            issuer: self.jwt.as_ref().and_then(|jwt| jwt.issuer.as_ref()),
            key_server: HttpKeys,
        }
    }
}

/// The store of a request, opened at the first call that needs it.
#[derive(Default)]
pub struct Opened(OnceCell<GuestStore>);

impl Opened {
    /// The store.
    ///
    /// # Errors
    /// Where it cannot be opened, or the variables that name it are wrong.
    pub fn open(&self) -> Result<&GuestStore, StoreError> {
        if let Some(store) = self.0.get() {
            return Ok(store);
        }
        let settings = StoreSettings::from_host().map_err(|error| StoreError::Database(error.to_string()))?;
        let store = open_store(&settings)?;
        Ok(self.0.get_or_init(|| store))
    }

    /// The store, if it was opened.
    pub fn get(&self) -> Option<&GuestStore> {
        self.0.get()
    }

    /// Leaves what it is reached by to others, until it is needed again: a client may take its time with its request, and with its
    /// answer.
    pub fn let_go(&self) {
        self.get().into_iter().for_each(let_go);
    }
}

/// A problem as its client is told it. This is the one place where a failure within a request is logged: of a component, at the form of
/// an address.
pub fn told(
    problem: Problem,
    (component, route): (&str, &str),
    request_id: impl FnOnce() -> String,
) -> Problem {
    match problem.cause() {
        // The bearer is told no more than that the token is not valid.
        Some(cause) if problem.status() == StatusCode::UNAUTHORIZED => {
            log::warn("a request was refused", &cause);
            problem
        }
        Some(cause) => {
            let request_id = request_id();
            log::request_failed(component, route, &request_id, cause);
            problem.of_request(&request_id)
        }
        None => problem,
    }
}
