//! Which addresses webhooks may go to, and what they can be told of.

use perennial_domain::{EventType, Subscription, Topic, WebhookPolicy};

/// Reminders and all that is told of tasks, series and projects: each type that has a schema, by its name.
#[test]
fn a_channel_can_take_reminders_and_each_type_of_the_topic_of_tasks() {
    let schemas = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/events");
    let mut taken = 0;
    for schema in std::fs::read_dir(schemas).unwrap() {
        let file = schema.unwrap().file_name().into_string().unwrap();
        let name = file.trim_end_matches(".json").to_owned();
        let kind: EventType = serde_json::from_value(name.clone().into()).unwrap();
        assert_eq!(kind.name(), name);
        let takes = kind == EventType::ReminderFired || kind.topic() == Topic::TaskEvents;
        let read = Subscription::parse(std::slice::from_ref(&name));
        assert_eq!(read.is_ok_and(|types| types.takes(kind)), takes, "{name}");
        taken += usize::from(takes);
    }
    assert_eq!(taken, EventType::SUBSCRIBABLE.len());
}

#[test]
fn a_type_of_a_later_build_is_passed_over() {
    let types: Subscription = serde_json::from_str(r#"["task.created", "task.dreamt"]"#).unwrap();
    assert_eq!(types.names(), ["task.created"]);
}

#[test]
fn public_https_hosts_are_taken() {
    let policy = WebhookPolicy::default();
    for url in
        ["https://hooks.example.com", "https://hooks.example.com/a?b=c", "https://HOOKS.example.com:443/x"]
    {
        assert_eq!(policy.check(url), Ok(()), "{url}");
    }
}

#[test]
fn addresses_that_lead_inwards_are_refused() {
    let policy = WebhookPolicy::default();
    for url in [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.0x0.0x0.0x1/",
        "https://example.0x7f/",
        "https://10.1/",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://hooks..example.com/",
        "https://hooks.example.com\\@evil/",
        "https://hooks.example.com/\r\nHost: evil",
        "https://höoks.example.com/",
        "javascript:alert(1)",
    ] {
        assert!(policy.check(url).is_err(), "{url}");
    }
}

#[test]
fn plain_http_is_taken_only_for_the_origin_that_is_set() {
    let exact = WebhookPolicy { http_origin: Some("http://127.0.0.1:8080".to_owned()) };
    let any_port = WebhookPolicy { http_origin: Some("http://127.0.0.1:*".to_owned()) };
    for (policy, url, taken) in [
        (&exact, "http://127.0.0.1:8080/hook", true),
        (&exact, "http://127.0.0.1:8080", true),
        (&exact, "http://127.0.0.1:80801/", false),
        (&exact, "http://127.0.0.1:8080@evil.example/", false),
        (&exact, "http://127.0.0.1:8081/", false),
        (&any_port, "http://127.0.0.1:1/", true),
        (&any_port, "http://127.0.0.1:0/", false),
        (&any_port, "http://127.0.0.1:+80/", false),
        (&any_port, "http://127.0.0.1:-80/", false),
        (&any_port, "http://127.0.0.1:65536/", false),
        (&any_port, "http://127.0.0.1:1@evil.example/", false),
        (&any_port, "http://127.0.0.1.evil.example:1/", false),
        (&any_port, "http://127.0.0.1/", false),
        (&any_port, "https://hooks.example.com/", true),
    ] {
        assert_eq!(policy.check(url).is_ok(), taken, "{policy:?} {url}");
    }
}
