//! How requests reach the service.

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::{Answer, Client, Unanswered};

/// A request was not answered: nobody is there, or whoever is cannot say what became of it.
#[derive(Debug)]
pub struct Gone;

/// The way to the service: it is taken anew for each request, and may lead to another of those that serve.
pub trait Door: Sync {
    /// Has somebody who serves asked once, by a client without a token; gives what they answered to the request itself.
    ///
    /// # Errors
    /// Where it has to be asked again.
    fn ask(&self, ask: &dyn Fn(&Client) -> Result<Answer, Unanswered>) -> Result<Answer, Gone>;

    /// What time it is for the service.
    fn now(&self) -> DateTime<Utc>;
}

/// Reads something that is there.
pub(super) fn read(door: &dyn Door, token: &str, path: &str) -> Result<Value, Gone> {
    let answer = door.ask(&|client| client.with_token(Some(token)).call(Method::GET, path).send())?;
    Ok(answer.ok(StatusCode::OK))
}
