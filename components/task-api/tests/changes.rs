//! Taking changes back: what it gives back, and what it leaves alone.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod service;

use std::cell::RefCell;

use perennial_domain::WebhookPolicy;
use perennial_fixture::{Counting, NOON};
use perennial_http_api::Accepted;
use perennial_store::sqlite::{Durability, NativeSql, Sql, SqlError, Sqlite, Value as SqlValue};
use serde_json::{Value, json};
use service::{OWNER, Published, Service, request};
use task_api::{Answered, Api, Limits, handle};

impl Service {
    fn get(&mut self, address: &str) -> Value {
        self.json(&format!("GET {address}"), &Value::Null)
    }

    fn task(&mut self, body: &Value) -> String {
        self.json("POST /v1/tasks", body)["id"].as_str().unwrap().to_owned()
    }

    /// The change that a request made.
    fn change(&mut self, line: &str, body: &Value) -> String {
        let response = self.send(OWNER, line, &[], body);
        assert!(response.status().is_success(), "{line}: {}", String::from_utf8_lossy(response.body()));
        response.headers()["change-id"].to_str().unwrap().to_owned()
    }
}

type Hook<'a> = RefCell<Option<Box<dyn FnOnce() + 'a>>>;

/// A connection on which something else happens right after the first statement that holds a text.
struct Interrupted<'a>(NativeSql, &'static str, Hook<'a>);

impl Sql for Interrupted<'_> {
    fn execute(&self, statement: &str, parameters: &[SqlValue]) -> Result<Vec<Vec<SqlValue>>, SqlError> {
        let rows = self.0.execute(statement, parameters);
        if statement.contains(self.1)
            && let Some(meanwhile) = self.2.borrow_mut().take()
        {
            meanwhile();
        }
        rows
    }
}

/// What was acknowledged stays, also where it came between the looks at the change and at the task.
#[test]
fn a_change_that_came_meanwhile_is_not_taken_back() {
    for between in ["FROM audit_v4 AS c WHERE c.user_id = ?1 AND c.told = 1 AND c.id = ?2", "'overrides'"] {
        let mut service = Service::default();
        let id = service.task(&json!({ "title": "one" }));
        let change = service.change(&format!("PATCH /v1/tasks/{id}"), &json!({ "title": "two" }));
        let path = service.fixture.path();
        let status = {
            let service = RefCell::new(&mut service);
            let meanwhile = || {
                let changed = json!({ "title": "three", "description": "written meanwhile" });
                service.borrow_mut().change(&format!("PATCH /v1/tasks/{id}"), &changed);
            };
            let sql = NativeSql::open(&path).unwrap();
            let sql = Interrupted(sql, between, RefCell::new(Some(Box::new(meanwhile))));
            let store = Sqlite::open(sql, Durability::Normal).unwrap();
            let published = Published::default();
            let accepted = Accepted { bootstrap_token: OWNER, issuer: None, key_server: &published };
            let mut api = Api {
                store: &store,
                webhooks: &WebhookPolicy::default(),
                limits: Limits::default(),
                now: NOON,
                ids: &mut Counting(2_000_000),
                correlation_id: "test".to_owned(),
            };
            let asked = request(OWNER, &format!("POST /v1/changes/{change}/undo"), &[], &Value::Null);
            let Answered { response, .. } = pollster::block_on(handle(&mut api, &accepted, asked));
            response.status().as_u16()
        };
        let task = service.get(&format!("/v1/tasks/{id}"));
        assert_eq!(
            (status, &task["title"], &task["description"]),
            (422, &json!("three"), &json!("written meanwhile"))
        );
    }
}
