//! Searching by words, as a client does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::service::{OWNER, Service};

fn titles(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect()
}

fn service() -> Service {
    let mut service = Service::default();
    for (title, description, tag) in [
        ("Pay the rent", "by wire", "home"),
        ("Call the landlord", "the rent is late", "home"),
        ("Rent a car", "", "holiday"),
        ("Buy milk", "", "shop"),
    ] {
        let body = json!({ "title": title, "description": description, "tags": [tag] });
        service.json("POST /v1/tasks", &body);
    }
    service
}

#[test]
fn the_best_come_first_and_the_pages_go_on() {
    let mut service = service();
    let mut get = |query: &str| service.json(&format!("GET /v1/tasks?{query}"), &Value::Null);
    let all = get("q=rent");
    assert_eq!(titles(&all), ["Pay the rent", "Rent a car", "Call the landlord"]);
    assert_eq!(all["next_cursor"], Value::Null);
    assert_eq!(titles(&get("q=%22the+rent%22")), ["Pay the rent", "Call the landlord"]);
    assert_eq!(titles(&get("q=rent+-car&tag=home")), ["Pay the rent", "Call the landlord"]);
    assert_eq!(titles(&get("q=ren&sort=created")), ["Pay the rent", "Call the landlord", "Rent a car"]);
    assert_eq!(titles(&get("q=rent+hom&status=open&filter=title+~+pay")), ["Pay the rent"]);
    assert!(titles(&get("q=bread")).is_empty());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..4 {
        let page = get(&format!("q=rent&limit=1{cursor}"));
        seen.extend(titles(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, titles(&all));
}

#[test]
fn what_cannot_be_searched_for_is_said_with_its_place() {
    let mut service = service();
    let long = "x".repeat(201);
    for (query, status, pointer) in [
        ("q=", 400, Value::Null),
        ("q=!!!", 422, json!("/q")),
        ("q=-rent", 422, json!("/q")),
        ("q=a+b+c+d+e+f+g+h+i+j+k", 422, json!("/q")),
        ("sort=relevance", 422, json!("/sort")),
        ("q=rent&sort=-relevance", 400, Value::Null),
        ("q=%FF", 400, Value::Null),
        ("q=a%00b", 422, json!("/q")),
        (&format!("q={long}"), 400, Value::Null),
        ("q=rent&q=car", 400, Value::Null),
    ] {
        let response = service.send(OWNER, &format!("GET /v1/tasks?{query}"), &[], &Value::Null);
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(response.status().as_u16(), status, "{query}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}: {problem}");
    }
}

#[test]
fn a_cursor_is_of_its_own_list() {
    let mut service = service();
    let page = service.json("GET /v1/tasks?q=rent&limit=1", &Value::Null);
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = service.send(OWNER, &format!("GET /v1/tasks?sort=due&cursor={cursor}"), &[], &Value::Null);
    assert_eq!(other.status().as_u16(), 400);
}
