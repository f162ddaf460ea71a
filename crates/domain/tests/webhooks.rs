//! Which addresses webhooks may go to.

use perennial_domain::WebhookPolicy;

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
