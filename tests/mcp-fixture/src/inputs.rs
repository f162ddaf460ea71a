//! Calls in the middle of which the client is asked for something (MRTR).

use perennial_mcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, InputRequiredResult,
};
use perennial_mcp::{Confirmations, ErrorData};
use serde_json::{Map, Value, json};

use crate::server::{said, wrong};

/// What a client is asked for, by the name of the answer.
fn wanted(name: &str) -> Value {
    let form = |message: &str, field: &str, kind: &str| {
        let schema =
            json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] });
        json!({ "method": "elicitation/create", "params": { "mode": "form", "message": message, "requestedSchema": schema } })
    };
    let sample = |question: &str, tokens: u32| {
        let message = json!({ "role": "user", "content": { "type": "text", "text": question } });
        json!({ "method": "sampling/createMessage", "params": { "messages": [message], "maxTokens": tokens } })
    };
    match name {
        "user_name" => form("What is your name?", "name", "string"),
        "step1" => form("Step 1: What is your name?", "name", "string"),
        "step2" => form("Step 2: What is your favorite color?", "color", "string"),
        "user_context" => form("What context should the prompt use?", "context", "string"),
        "confirm" => form("Please confirm", "ok", "boolean"),
        "capital_question" => sample("What is the capital of France?", 100),
        "greeting" => sample("Generate a greeting", 50),
        _ => json!({ "method": "roots/list", "params": {} }),
    }
}

/// A result that asks for these answers.
pub fn ask(names: &[&str], state: Option<String>) -> Result<InputRequiredResult, ErrorData> {
    let requests: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), wanted(name))).collect();
    let requests = serde_json::from_value(Value::Object(requests)).map_err(wrong)?;
    Ok(InputRequiredResult::new(Some(requests), state))
}

/// A tool that asks; `None` where the name is of none.
pub fn call(
    call: &CallToolRequestParams,
    can: &ClientCapabilities,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let tool = call.name.strip_prefix("test_input_required_result_")?;
    Some(match tool {
        "elicitation" => simple(call, "user_name", "/content/name"),
        "sampling" => simple(call, "capital_question", "/content/text"),
        "list_roots" => simple(call, "client_roots", "/roots/0/uri"),
        "request_state" | "tampered_state" => sealed(call, &[&["confirm"]]),
        "multiple_inputs" => sealed(call, &[&["user_name", "greeting", "client_roots"]]),
        "multi_round" => sealed(call, &[&["step1"], &["step2"]]),
        "capabilities" => {
            let names = [
                can.elicitation.as_ref().map(|_| "user_name"),
                can.sampling.as_ref().map(|_| "capital_question"),
                can.roots.as_ref().map(|_| "client_roots"),
            ];
            let names: Vec<&str> = names.into_iter().flatten().collect();
            ask(&names, None).map(CallToolResponse::from)
        }
        _ => return None,
    })
}

/// Asks until the answer has what is looked for.
fn simple(call: &CallToolRequestParams, name: &str, pointer: &str) -> Result<CallToolResponse, ErrorData> {
    let found = answer(call, name).and_then(|answer| answer.pointer(pointer)).and_then(Value::as_str);
    match found {
        Some(found) => said(&format!("Hello, {found}!")),
        None => ask(&[name], None).map(CallToolResponse::from),
    }
}

fn answer<'a>(call: &'a CallToolRequestParams, name: &str) -> Option<&'a Value> {
    call.input_responses.as_ref()?.get(name)
}

/// Rounds whose number is kept in the sealed state.
fn sealed(call: &CallToolRequestParams, rounds: &[&[&str]]) -> Result<CallToolResponse, ErrorData> {
    let seal = Confirmations::of("fixture", "no secret: nothing depends on it")
        .ok_or_else(|| wrong("there is no seal"))?;
    let done = match &call.request_state {
        None => 0,
        Some(state) => {
            let round = seal.open(call, state);
            let round = round.map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
            let round: usize = serde_json::from_slice(&round).map_err(wrong)?;
            let answered =
                rounds.get(round).is_some_and(|names| names.iter().all(|name| answer(call, name).is_some()));
            if answered { round.saturating_add(1) } else { round }
        }
    };
    match rounds.get(done) {
        None => said("state-ok"),
        Some(names) => {
            let state = seal.seal(call, done.to_string().as_bytes());
            ask(names, Some(state)).map(CallToolResponse::from)
        }
    }
}
