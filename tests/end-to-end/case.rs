//! A request that is ready to be sent, and what it must come to.

use http::Method;
use perennial_tests::Client;
use serde_json::Value;

/// One request that has not been sent yet.
pub(crate) struct Case {
    /// Who sends it.
    pub caller: Client,
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    /// A body that makes it another request.
    pub other_body: Option<Value>,
    pub if_match: Option<String>,
    pub honours_if_match: bool,
    /// The status of its answer.
    pub status: u16,
    /// Counts its effects: one more once it has been carried out.
    pub effects: Box<dyn Fn(&Client) -> i64 + Sync>,
}

impl Case {
    pub(crate) fn new(
        caller: &Client,
        method: Method,
        path: impl Into<String>,
        status: u16,
        count: impl Fn(&Client) -> usize + Sync + 'static,
    ) -> Self {
        Self {
            caller: caller.clone(),
            method,
            path: path.into(),
            body: None,
            other_body: None,
            if_match: None,
            honours_if_match: false,
            status,
            effects: Box::new(move |user| signed(count(user))),
        }
    }

    /// A DELETE, whose effect is that one is there no more.
    pub(crate) fn removing(
        caller: &Client,
        path: &str,
        count: impl Fn(&Client) -> usize + Sync + 'static,
    ) -> Self {
        let effects = Box::new(move |user: &Client| -signed(count(user)));
        Self { effects, ..Self::new(caller, Method::DELETE, path, 204, |_| 0) }
    }

    pub(crate) fn sending(self, body: Value, other: Value) -> Self {
        Self { body: Some(body), other_body: Some(other), ..self }
    }

    pub(crate) fn on_a_task(self) -> Self {
        Self { honours_if_match: true, ..self }
    }

    /// The path of the task that the request is about.
    pub(crate) fn task(&self) -> String {
        self.path.split('/').take(4).collect::<Vec<_>>().join("/")
    }

    /// The same with the ETag that the task has now.
    pub(crate) fn if_match(self) -> Self {
        let tag = self.caller.call(Method::GET, self.task()).answer().header("etag").to_owned();
        Self { if_match: Some(tag), ..self }
    }
}

pub(crate) fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap()
}
