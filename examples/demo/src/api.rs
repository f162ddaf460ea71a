//! The calls of the public API that the demo makes.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use http::{Method, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ureq::Agent;
use uuid::Uuid;

/// How often a request that got no answer is sent again, under the same `Idempotency-Key`.
const ATTEMPTS: usize = 3;

/// The service.
#[derive(Debug)]
pub struct Api {
    agent: Agent,
    base: String,
    token: String,
    sweep: bool,
}

/// What `/healthz` says.
#[derive(Debug, Deserialize)]
pub struct Health {
    /// Of the service.
    pub version: String,
}

/// A task, as far as the demo tells of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// When it was due first.
    pub due: Option<Due>,
    /// How it comes back.
    pub recurrence: Option<Recurrence>,
    /// The occurrence to be done next.
    pub occurrence: Option<Occurrence>,
}

/// A local time and its zone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Due {
    /// A date, or a date-time.
    pub local: String,
    /// `None` = wherever the user is.
    pub tz: Option<String>,
}

/// A rule, and what it is counted from.
#[derive(Debug, Clone, Deserialize)]
pub struct Recurrence {
    /// RFC 5545 RECUR.
    pub rrule: String,
    /// `due` or `completion`.
    pub anchor: String,
}

/// One instance of a task.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Occurrence {
    /// Its name within the task.
    pub recurrence_id: Option<String>,
    /// When it is due.
    pub due: Option<Due>,
    /// The same as an instant.
    pub due_at: Option<String>,
    /// The occurrence that it follows.
    pub predecessor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl Api {
    /// The service at `base`; `sweep` = it has no clock of its own.
    pub fn new(base: &str, token: String, sweep: bool) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .proxy(None)
            .build()
            .into();
        Self { agent, base: base.trim_end_matches('/').to_owned(), token, sweep }
    }

    /// How the service is.
    pub fn health(&self) -> anyhow::Result<Health> {
        self.call(Method::GET, "/healthz", None).with_context(|| {
            format!("nothing answers at {}. Run `make up` first, in another terminal", self.base)
        })
    }

    /// GET.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.call(Method::GET, path, None)
    }

    /// POST.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.call(Method::POST, path, Some(json!(body).to_string()))
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.call::<Value>(Method::DELETE, path, None).map(drop)
    }

    /// All items of a list.
    pub fn all<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        let mut items = Vec::new();
        let mut query = "?limit=200".to_owned();
        loop {
            let page: Page<T> = self.get(&format!("{path}{query}"))?;
            items.extend(page.items);
            match page.next_cursor {
                Some(cursor) => query = format!("?limit=200&cursor={cursor}"),
                None => return Ok(items),
            }
        }
    }

    /// One slice of the clock's work, where the service has no clock.
    pub fn tick(&self) -> anyhow::Result<()> {
        if self.sweep {
            self.call::<Value>(Method::POST, "/internal/sweep", None)?;
        }
        Ok(())
    }

    fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<T> {
        let key = Uuid::now_v7().to_string();
        let mut last = anyhow!("not tried");
        for _ in 0..ATTEMPTS {
            match self.attempt(&method, path, body.as_deref(), &key) {
                Ok((status, text)) => return understood(&method, path, status, &text),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn attempt(
        &self,
        method: &Method,
        path: &str,
        body: Option<&str>,
        key: &str,
    ) -> anyhow::Result<(u16, String)> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.token))
            .header("dapr-api-token", &self.token);
        if method != Method::GET {
            request = request.header("idempotency-key", key);
        }
        let mut response = match body {
            Some(body) => {
                self.agent.run(request.header("content-type", "application/json").body(body.to_owned())?)?
            }
            None => self.agent.run(request.body(())?)?,
        };
        Ok((response.status().as_u16(), response.body_mut().read_to_string()?))
    }
}

fn understood<T: DeserializeOwned>(
    method: &Method,
    path: &str,
    status: u16,
    body: &str,
) -> anyhow::Result<T> {
    match status {
        200..=299 => {
            let body = if body.is_empty() { "null" } else { body };
            serde_json::from_str(body)
                .with_context(|| format!("{method} {path} answered something unexpected: {body}"))
        }
        401 => bail!("the service does not know this token: is it another service's state directory?"),
        _ => bail!("{method} {path} answered {status}: {body}"),
    }
}
