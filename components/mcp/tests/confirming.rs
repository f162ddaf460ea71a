//! What is asked of a user in the middle of a call, over the protocol as it goes over the wire.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "indexing JSON")]

use std::cell::RefCell;

use http::{Request, StatusCode};
use mcp::{Carry, Tasks};
use perennial_http_api::Problem;
use perennial_mcp::{Names, Protocol, Reply};
use perennial_tools::{Called, Confirmation, Question, Refused, Tool};
use serde_json::{Map, Value, json};

/// Stands for the tools: it deletes what it is told to once it was confirmed, and remembers who asked.
#[derive(Default)]
struct Toolbox {
    deleted: RefCell<Vec<Value>>,
    agents: RefCell<Vec<Option<String>>>,
}

struct Carried<'a>(&'a Toolbox);

impl Carry for Carried<'_> {
    fn tools(&self) -> impl Iterator<Item = &'static Tool> {
        perennial_tools::tools(&[])
    }

    fn call(
        &mut self,
        agent: Option<&str>,
        name: &str,
        arguments: &Map<String, Value>,
        confirmation: Confirmation<'_>,
    ) -> Result<Called, Refused> {
        if name != "delete_tasks" {
            return Err(Refused::Unknown);
        }
        self.0.agents.borrow_mut().push(agent.map(str::to_owned));
        let handle = format!("handle of {}", json!(arguments["ids"]));
        let (done, asks) = match confirmation {
            Confirmation::Given(given) => (given == handle, false),
            Confirmation::InArguments => (arguments.get("confirm") == Some(&json!(handle)), false),
            Confirmation::Asks => (false, true),
        };
        if done {
            self.0.deleted.borrow_mut().push(arguments["ids"].clone());
        }
        let question = asks.then(|| Question { question: "Delete \"plants\"?".to_owned(), handle });
        let structured = json!({ "done": done });
        Ok(Called {
            structured,
            is_error: false,
            wrote: Vec::new(),
            needs_confirmation: question,
            failed: None,
        })
    }

    fn failed(&self, problem: &Problem) {
        panic!("{problem:?}");
    }
}

/// The result, or error, of a call with more parameters by somebody, who can ask by a form or cannot.
fn call(toolbox: &Toolbox, (user, token): (&str, &str), ids: Value, more: Value, asks: bool) -> Value {
    let can = if asks { json!({ "elicitation": {} }) } else { json!({}) };
    let mut params = json!({
        "name": "delete_tasks",
        "arguments": { "ids": ids },
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "tester", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": can,
        },
    });
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let request = Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "delete_tasks")
        .body(serde_json::to_vec(&message).unwrap())
        .unwrap();
    let names = Names { hosts: vec!["localhost".to_owned()], origins: Vec::new() };
    let mut protocol = Protocol::of::<Tasks<Carried<'_>>>(&names).unwrap();
    assert!(protocol.refuses(request.headers()).is_none());
    let mut server = Tasks::new(Carried(toolbox), user, token);
    let Reply::Whole(answer) = pollster::block_on(protocol.answer(request, &mut server)) else {
        panic!("a call is answered at once")
    };
    assert_eq!(answer.status(), StatusCode::OK);
    serde_json::from_slice(answer.body()).unwrap()
}

const ADA: (&str, &str) = ("ada", "prn_ada");

fn ids() -> Value {
    json!(["a", "b"])
}

/// What comes back of a question: the client's answer, and the state as it was given.
fn answered(asked: &Value, answer: Value) -> Value {
    json!({ "inputResponses": { "confirm": answer }, "requestState": asked["result"]["requestState"] })
}

fn yes() -> Value {
    json!({ "action": "accept", "content": { "confirm": true } })
}

#[test]
fn a_client_that_asks_its_user_deletes_what_the_user_confirmed() {
    let toolbox = Toolbox::default();
    let asked = call(&toolbox, ADA, ids(), json!({}), true);
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let form = &asked["result"]["inputRequests"]["confirm"];
    assert_eq!(form["method"], "elicitation/create");
    assert_eq!(form["params"]["message"], "Delete \"plants\"?");
    assert!(toolbox.deleted.borrow().is_empty(), "nothing before the answer");

    let done = call(&toolbox, ADA, ids(), answered(&asked, yes()), true);
    assert_eq!(done["result"]["structuredContent"], json!({ "done": true }));
    assert_eq!(done["result"]["content"][0]["text"], "{\"done\":true}", "the text is a copy");
    assert_eq!(*toolbox.deleted.borrow(), [ids()]);
    assert!(toolbox.agents.borrow().iter().all(|agent| agent.as_deref() == Some("tester")));
}

#[test]
fn a_user_who_does_not_say_yes_keeps_everything() {
    let toolbox = Toolbox::default();
    let asked = call(&toolbox, ADA, ids(), json!({}), true);
    for no in [
        json!({ "action": "decline" }),
        json!({ "action": "cancel" }),
        json!({ "action": "accept", "content": { "confirm": false } }),
    ] {
        let told = call(&toolbox, ADA, ids(), answered(&asked, no), true);
        assert_eq!(told["result"]["isError"], true, "{told}");
    }
    // What is no answer is asked again.
    for nothing in [
        json!({}),
        json!({ "action": "accept" }),
        json!({ "action": "accept", "content": { "confirm": "yes" } }),
    ] {
        let told = call(&toolbox, ADA, ids(), answered(&asked, nothing), true);
        assert_eq!(told["result"]["resultType"], "input_required", "{told}");
    }
    assert!(toolbox.deleted.borrow().is_empty());
}

#[test]
fn what_one_user_was_asked_confirms_nothing_else() {
    let toolbox = Toolbox::default();
    let asked = call(&toolbox, ADA, ids(), json!({}), true);
    let refused = |told: &Value| assert_eq!(told["error"]["code"], -32602, "{told}");
    refused(&call(&toolbox, ADA, json!(["a", "b", "c"]), answered(&asked, yes()), true));
    refused(&call(&toolbox, ("ada", "prn_other"), ids(), answered(&asked, yes()), true));
    refused(&call(&toolbox, ("bob", "prn_ada"), ids(), answered(&asked, yes()), true));
    let mut tampered = answered(&asked, yes());
    tampered["requestState"] = json!(format!("{}x", asked["result"]["requestState"].as_str().unwrap()));
    refused(&call(&toolbox, ADA, ids(), tampered, true));
    let mut without = answered(&asked, yes());
    without["requestState"].take();
    let told = call(&toolbox, ADA, ids(), without, true);
    assert_eq!(told["result"]["resultType"], "input_required", "a yes without a question: {told}");
    assert!(toolbox.deleted.borrow().is_empty());
}

#[test]
fn a_client_that_cannot_ask_has_the_handle_in_the_arguments() {
    let toolbox = Toolbox::default();
    let told = call(&toolbox, ADA, ids(), json!({}), false);
    assert_eq!(told["result"]["structuredContent"], json!({ "done": false }));
    let confirmed = json!({ "ids": ids(), "confirm": format!("handle of {}", ids()) });
    call(&toolbox, ADA, ids(), json!({ "arguments": confirmed }), false);
    assert_eq!(*toolbox.deleted.borrow(), [ids()]);
}
