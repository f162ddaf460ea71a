//! Wrong bodies, media types, headers, queries, methods and paths.

use http::Method;

use crate::case::Case;
use crate::door::Ids;

const MALFORMED: (u16, &str) = (400, "malformed");
const TITLE: &str = r#"{"title": "x"}"#;

pub fn cases(ids: &Ids) -> Vec<Case> {
    let mut cases = bodies(ids);
    cases.extend(headers(ids));
    cases.extend(queries(ids));
    cases.extend(paths(ids));
    cases
}

fn bodies(ids: &Ids) -> Vec<Case> {
    let task = format!("/v1/tasks/{}", ids.series);
    let post = |what: &str, refused| Case::new(what, Method::POST, "/v1/tasks", refused);
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let large = format!(r#"{{"title": "x", "description": "{}"}}"#, "y".repeat(64 * 1024));
    vec![
        post("no body", (415, "unsupported-media-type")),
        post("an empty body", MALFORMED).body(""),
        post("half a body", MALFORMED).body(r#"{"title": "x""#),
        post("two bodies", MALFORMED).body(r#"{"title": "x"}{"title": "y"}"#),
        post("not JSON", MALFORMED).body("title=x"),
        post("not UTF-8", MALFORMED).body(b"{\"title\": \"\xff\"}".to_vec()),
        post("half a surrogate", MALFORMED).body(r#"{"title": "\ud800"}"#),
        post("very deep JSON", (422, "invalid")).body(deep),
        Case::new("a field twice in a patch", Method::PATCH, &task, (422, "invalid"))
            .body(r#"{"due": {"local": "2026-12-01", "local": "2026-12-02"}}"#)
            .at("/due/local"),
        post("a field twice", (422, "invalid")).body(r#"{"title": "x", "title": "y"}"#).at("/title"),
        post("a list", (422, "invalid")).body("[]").at(""),
        post("null", (422, "invalid")).body("null").at(""),
        post("a list with a title", (422, "invalid")).body(r#"["hello"]"#).at(""),
        post("a body over the limit", (413, "too-large")).body(large),
        post("a form", (415, "unsupported-media-type"))
            .media_type("application/x-www-form-urlencoded")
            .body(TITLE),
        post("text", (415, "unsupported-media-type")).media_type("text/plain").body(TITLE),
        post("another charset", (415, "unsupported-media-type"))
            .media_type("application/json; charset=latin1")
            .body(TITLE),
        post("a compressed body", (415, "unsupported-media-type"))
            .header("content-encoding", "gzip")
            .body(TITLE),
        post("no media type", (415, "unsupported-media-type")).media_type("").body(TITLE),
    ]
}

fn headers(ids: &Ids) -> Vec<Case> {
    let post = |what: &str| Case::new(what, Method::POST, "/v1/tasks", MALFORMED).body(TITLE);
    let task = format!("/v1/tasks/{}", ids.series);
    vec![
        post("an empty key").header("idempotency-key", ""),
        post("a key over the limit").header("idempotency-key", "k".repeat(256)),
        post("a key with a space").header("idempotency-key", "two words"),
        post("two keys").header("idempotency-key", "one").header("idempotency-key", "two"),
        Case::new("a version without quotes", Method::PATCH, &task, (400, "malformed"))
            .header("if-match", "3")
            .body(TITLE),
        Case::new("another version", Method::PATCH, &task, (412, "precondition-failed"))
            .header("if-match", "\"99\"")
            .body(TITLE),
    ]
}

fn queries(ids: &Ids) -> Vec<Case> {
    let occurrences = format!("/v1/tasks/{}/occurrences", ids.series);
    let lists = ["/v1/tasks", &occurrences, "/v1/notifications", "/v1/channels", "/v1/parked"];
    let wrong = [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=%2B1",
        "limit=ten",
        "limit=",
        "cursor=nonsense",
        "cursor=",
        "colour=red",
        "limit=%",
        "limit=%zz",
        "limit=%FF",
        "%6Cimit=0",
    ];
    let mut cases: Vec<Case> = lists
        .iter()
        .flat_map(|list| wrong.iter().map(move |query| format!("{list}?{query}")))
        .map(|path| Case::new(path.clone(), Method::GET, path, MALFORMED))
        .collect();
    for query in ["status=cancelled", "limit=1&limit=2"] {
        let path = format!("/v1/tasks?{query}");
        cases.push(Case::new(path.clone(), Method::GET, path, MALFORMED));
    }
    for bound in ["2026-11-30T09:00:60Z", "2026-11-30T09%3A00%3a60"] {
        let path = format!("{occurrences}?from={bound}&to=2026-12-01");
        cases.push(Case::new(path.clone(), Method::GET, path, MALFORMED));
    }
    for query in ["all=yes", "all=", "all=true&all=true", "kind=event"] {
        let path = format!("/v1/parked?{query}");
        cases.push(Case::new(path.clone(), Method::GET, path, MALFORMED));
    }
    for query in ["from=2026-12-01", "to=2026-12-01", "from=&to=", "from=2026-12-01&to=2026-12-02&cursor=x"] {
        let path = format!("{occurrences}?{query}");
        cases.push(Case::new(path.clone(), Method::GET, path, MALFORMED));
    }
    for path in [format!("/v1/tasks/{}/reopen", ids.done), "/v1/parked/1/retry".to_owned()] {
        let path = format!("{path}?now=true");
        cases.push(Case::new(path.clone(), Method::POST, path, MALFORMED).body(""));
    }
    cases.push(Case::new("a task that is no id", Method::GET, "/v1/notifications?task=7", MALFORMED));
    cases
}

fn paths(ids: &Ids) -> Vec<Case> {
    let task = format!("/v1/tasks/{}", ids.series);
    let missing = |path: &str| Case::new(path, Method::GET, path, (404, "not-found"));
    let method = |method: Method, path: &str| {
        Case::new(format!("{method} {path}"), method, path, (405, "method-not-allowed"))
    };
    let retry = |id: &str| {
        let path = format!("/v1/parked/{id}/retry");
        Case::new(format!("POST {path}"), Method::POST, path, (404, "not-found")).body("")
    };
    vec![
        missing("/v1"),
        missing("/v1/"),
        missing("/v1/chores"),
        missing("/v2/tasks"),
        missing("/v1/tasks/7"),
        missing("/v1/tasks/01980000-0000-7000-8000-000000000000"),
        missing("/v1/tasks/..%2F..%2Fetc"),
        missing(&format!("{task}/nothing")),
        Case::new("an unknown address by an unknown method", Method::TRACE, "/v1/chores", (404, "not-found")),
        Case::new("an unknown callback", Method::GET, "/internal/nothing", (404, "not-found")),
        Case::new("an unknown callback that is posted", Method::POST, "/internal/nobody", (404, "not-found")),
        method(Method::GET, "/internal/sweep"),
        method(Method::POST, "/healthz"),
        method(Method::PUT, "/v1/tasks"),
        method(Method::DELETE, "/v1/tasks"),
        method(Method::PUT, &task),
        method(Method::POST, &task),
        method(Method::GET, &format!("{task}/complete")),
        method(Method::GET, &format!("{task}/reopen")),
        method(Method::POST, "/v1/parked"),
        method(Method::GET, "/v1/parked/1/retry"),
        method(Method::DELETE, "/v1/parked/1/retry"),
        missing("/v1/parked/1"),
        retry("1"),
        retry("-1"),
        retry("+1"),
        retry("99999999999999999999"),
        retry("nothing"),
        retry("01980000-0000-7000-8000-000000000000"),
        method(Method::POST, "/v1/notifications"),
        method(Method::PATCH, "/v1/users"),
    ]
}
