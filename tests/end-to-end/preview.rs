//! The preview of a recurrence.

use http::StatusCode;
use perennial_tests::Service;
use serde_json::{Value, json};

const PATH: &str = "/v1/recurrence/preview";

#[test]
fn every_shared_vector_comes_out_right() {
    let service = Service::start();
    let admin = service.owner();
    let vectors = include_str!("../../crates/recurrence/tests/vectors/recurrence.jsonl");
    let mut checked = 0;
    for line in vectors.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let mut asked = json!({});
        for field in ["dtstart", "tz", "rrule", "exdate", "after", "limit"] {
            if let Some(value) = vector.get(field) {
                asked[field] = value.clone();
            }
        }
        let answer = admin.post(PATH).json(&asked).answer().ok(StatusCode::OK);
        assert_eq!(answer["occurrences"], vector["expected_utc"], "{}", vector["id"]);
        checked += 1;
    }
    println!("{checked} vectors through the preview endpoint");
    assert!(checked >= 133, "{checked} vectors");
}

#[test]
fn dates_and_floating_times_stay_local() {
    let service = Service::start();
    let ada = service.user("Ada");
    for (dtstart, shown) in [
        ("2026-03-27", json!(["2026-03-27", "2026-03-28"])),
        ("2026-03-27T02:30:00", json!(["2026-03-27T02:30:00", "2026-03-28T02:30:00"])),
    ] {
        let asked = json!({ "dtstart": dtstart, "tz": null, "rrule": "FREQ=DAILY;COUNT=2", "limit": 5 });
        let answer = ada.post(PATH).json(&asked).answer().ok(StatusCode::OK);
        assert_eq!(answer["occurrences"], shown);
        assert_eq!(answer["complete"], json!(true));
        assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()));
        assert!(answer["tzdata"].as_str().is_some_and(|text| text.starts_with("20")));
    }
}

#[test]
fn a_broken_rule_is_refused_where_it_is_broken() {
    let service = Service::start();
    let admin = service.owner();
    let good = json!({ "dtstart": "2026-03-06T14:00:00", "tz": "America/New_York", "rrule": "FREQ=DAILY", "limit": 3 });
    for (field, value, pointer) in [
        ("rrule", json!("FREQ=OFTEN"), "/rrule"),
        ("rrule", json!("FREQ=DAILY;BYDAY=€"), "/rrule"),
        ("rrule", json!("FREQ=DAILY;INTERVAL=0"), "/rrule"),
        ("tz", json!("Mars/Olympus"), "/tz"),
        ("tz", json!("+02:00"), "/tz"),
        ("dtstart", json!("2026-02-30T14:00:00"), "/dtstart"),
        ("rdate", json!(["2026-03-06T14:00:00", "soon"]), "/rdate/1"),
        ("exdate", json!(["never"]), "/exdate/0"),
        ("after", json!("2026-03-06T14:00:00"), "/after"),
        ("limit", json!(0), "/limit"),
        ("limit", json!(1001), "/limit"),
        ("colour", json!("red"), "/colour"),
    ] {
        let mut asked = good.clone();
        asked[field] = value;
        let problem = admin.post(PATH).json(&asked).answer().ok(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], json!(pointer), "{asked}: {problem}");
    }
}
