//! All settings at once, for the start of a host: a wrong one is refused there and not at the first request.

use perennial_jwt::KeySource;

use super::place::{Place, is_bare, place, postgres_port, redis_port, web_port};
use super::{
    AuditSettings, AuthSettings, BusChoice, BusSettings, CallbackSettings, Get, HotSettings, JwtSettings,
    LimitSettings, McpSettings, MetricsSettings, RetentionSettings, SettingError, Settings, StateSettings,
    StoreChoice, StoreSettings, WebhookSettings, read,
};

/// The default of `jwt_jwks_host`: a host that cannot exist (RFC 2606), because an allowed host may not be empty.
const NO_JWKS_HOST: &str = "https://none.invalid";

/// The default of `audit_anchor_host`, likewise.
const NO_ANCHOR_HOST: &str = "https://none.invalid";

/// The default of `database_host`, likewise.
const NO_DATABASE_HOST: &str = "postgres://none.invalid:5432";

/// The default of `rate_limit_redis_host`, likewise.
const NO_RATE_HOST: &str = "redis://none.invalid:6379";

/// Reads every variable of the application and checks those that must agree.
pub fn check(get: &Get<'_>) -> Result<(), SettingError> {
    let store = StoreSettings::read(get)?;
    RetentionSettings::read(get)?;
    let bus = BusSettings::read(get)?;
    if StateSettings::read(get)?.component.is_some() && bus.choice != BusChoice::Dapr {
        return Err(SettingError::new(super::state::NAME, "must be empty where bus is not dapr"));
    }
    HotSettings::read(get)?;
    AuthSettings::read(get)?;
    CallbackSettings::read(get)?;
    MetricsSettings::read(get)?;
    WebhookSettings::read(get)?;
    let limits = LimitSettings::read(get)?;
    let jwt = JwtSettings::read(get)?;
    if McpSettings::read(get)?.outside.is_some() && jwt.issuer.is_none() {
        let reason = "must be given where mcp_authorization_server is: whose tokens are accepted";
        return Err(SettingError::new("jwt_issuer", reason));
    }
    let url = match jwt.issuer.map(|issuer| issuer.keys) {
        Some(KeySource::Url(url)) => url,
        _ => NO_JWKS_HOST.to_owned(),
    };
    if let Some(place) = place(&url, web_port) {
        agrees(
            get,
            "jwt_jwks_host",
            &place,
            "jwt_jwks_url names, without its path, or the default for none",
        )?;
    }
    let url = AuditSettings::read(get)?.anchor_url.unwrap_or_else(|| NO_ANCHOR_HOST.to_owned());
    if let Some(place) = place(&url, web_port) {
        agrees(
            get,
            "audit_anchor_host",
            &place,
            "audit_anchor_url names, without its path, or the default for none",
        )?;
    }
    if matches!(bus.choice, BusChoice::Auto | BusChoice::Redis) {
        let url = redis(&bus.redis_url, "redis_url")?;
        agrees(get, "redis_host", &url, "redis_url names, without user and password")?;
    }
    let url = match &store.choice {
        StoreChoice::Sqlite(_) => NO_DATABASE_HOST,
        StoreChoice::Postgres(url) => url,
    };
    if let Some(place) = place(url, postgres_port) {
        agrees(
            get,
            "database_host",
            &place,
            "database_url names, without user, password and database, or the default for none",
        )?;
    }
    let url = redis(limits.redis_url.as_deref().unwrap_or(NO_RATE_HOST), "rate_limit_redis_url")?;
    agrees(
        get,
        "rate_limit_redis_host",
        &url,
        "rate_limit_redis_url names, without user and password, or the default for none",
    )
}

/// Where a Redis is.
fn redis(url: &str, name: &'static str) -> Result<Place, SettingError> {
    let form = "must be redis://host:port or rediss://host:port, perhaps with a user and password";
    place(url, redis_port).ok_or_else(|| SettingError::new(name, form))
}

/// Checks that a variable for `allowed_outbound_hosts`, which takes no path and no password, names this place.
fn agrees(get: &Get<'_>, name: &'static str, url: &Place, which: &str) -> Result<(), SettingError> {
    let host = read(get, name)?;
    let default_port = |scheme: &str| (scheme == url.scheme).then_some(url.default_port);
    if place(&host, default_port).as_ref() == Some(url) && is_bare(&host) {
        return Ok(());
    }
    let Place { scheme, host, port, .. } = url;
    Err(SettingError::new(name, format!("must be {scheme}://{host}:{port}: the place that {which}")))
}

#[cfg(test)]
mod tests {
    use perennial_domain::UserId;

    use super::*;

    fn with(changes: &[(&str, &str)]) -> Result<(), SettingError> {
        check(&|asked| {
            let changed = changes.iter().find(|(name, _)| *name == asked).map(|(_, value)| *value);
            Ok(changed
                .unwrap_or(match asked {
                    "store" => "sqlite",
                    "durability" => "full",
                    "database_host" => NO_DATABASE_HOST,
                    "bus" => "auto",
                    "dapr_http_port" => "3500",
                    "dapr_pubsub" => "pubsub",
                    "redis_url" | "redis_host" => "redis://127.0.0.1:6379",
                    "webhook_http_origin" => "http://none.invalid",
                    "jwt_algorithms" => "RS256,ES256,EdDSA",
                    "jwt_jwks_host" => NO_JWKS_HOST,
                    "keep_events" => "30",
                    "keep_conversations" => "90",
                    "audit_anchor_host" => NO_ANCHOR_HOST,
                    "quota_tasks" => "1000000",
                    "rate_limit_redis_host" => NO_RATE_HOST,
                    "mcp_hosts" => "localhost",
                    _ => "",
                })
                .to_owned())
        })
    }

    /// So many ids of users, with commas between.
    fn users(count: usize) -> String {
        let id = |number: usize| format!("0198c0de-0000-7000-8000-{number:012x}");
        (0..count).map(id).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn a_wrong_value_is_refused_by_its_name() {
        let (long, crowd) = ("x".repeat(513), users(101));
        for (name, value) in [
            ("store", "mysql"),
            ("durability", "fast"),
            // What is given and not used is a mistake: nothing would be kept there.
            ("database_url", "postgres://me:secret@db.example/perennial"),
            ("database_host", "postgres://db.example:5432"),
            ("database_host", ""),
            ("bus", "kafka"),
            ("dapr_http_port", ""),
            ("dapr_http_port", "0"),
            ("dapr_http_port", "+3500"),
            ("dapr_http_port", "65536"),
            ("dapr_pubsub", ""),
            ("dapr_pubsub", "pub/sub"),
            ("dapr_state_store", "statestore"),
            ("dapr_api_token", "two words"),
            ("redis_url", "127.0.0.1:6379"),
            ("redis_url", "redis://:6379"),
            ("redis_url", "redis://h:port"),
            ("redis_host", "redis://127.0.0.1:6380"),
            ("redis_host", "redis://me:secret@127.0.0.1:6379"),
            ("redis_host", ""),
            ("bootstrap_token", "two words"),
            ("bootstrap_token", "schlüssel"),
            ("bootstrap_token", "line\nbreak"),
            ("bootstrap_token", &long),
            ("metrics_token", "two words"),
            ("metrics_token", &long),
            ("app_api_token", " "),
            ("webhook_http_origin", "ftp://x"),
            ("webhook_http_origin", ""),
            ("webhook_http_origin", "http://"),
            ("webhook_http_origin", "http://127.0.0.1:+80"),
            ("webhook_http_origin", "http://127.0.0.1:80/hook"),
            ("webhook_http_origin", "http://*"),
            ("jwt_issuer", "two words"),
            ("jwt_algorithms", "HS256"),
            ("jwt_jwks_host", "https://id.example"),
            ("mcp_hosts", ""),
            ("mcp_origins", "app.example"),
            ("mcp_authorization_server", "id.example"),
            ("keep_events", "0"),
            ("keep_events", "3651"),
            ("keep_events", "30 d"),
            ("keep_conversations", ""),
            ("keep_conversations", "0"),
            ("keep_conversations", "3651"),
            ("hot_users", "ada"),
            ("hot_users", ","),
            ("hot_users", "admin,"),
            ("hot_users", "admin;admin"),
            ("hot_users", "Admin"),
            ("hot_users", "0198C0DE-0000-7000-8000-000000000000"),
            ("hot_users", "0198c0de-0000-7000-8000-00000000000"),
            ("hot_users", "0198c0de00000-7000-8000-000000000000"),
            ("hot_users", "0198c0de-0000-7000-8000-00000000000|"),
            ("hot_users", &crowd),
            ("quota_tasks", ""),
            ("quota_tasks", "0"),
            ("quota_tasks", "1000000001"),
            ("quota_tasks", "+5"),
            ("rate_limit_writes", "600"),
            ("rate_limit_writes", "0/60"),
            ("rate_limit_writes", "600/0"),
            ("rate_limit_writes", "600/86401"),
            ("rate_limit_writes", "600/60/2"),
            ("rate_limit_writes", " 600/60"),
            ("rate_limit_writes", "-600/60"),
            // Reads are counted in a Redis, or not at all; a Redis that counts nothing is a mistake.
            ("rate_limit_reads", "600/60"),
            ("rate_limit_redis_url", "redis://127.0.0.1:6379"),
            ("rate_limit_redis_host", "redis://127.0.0.1:6379"),
            ("audit_key", "too short"),
            ("audit_key", "thirty-two characters, with spaces"),
            // What is sent somewhere is signed.
            ("audit_anchor_url", "https://anchors.example/"),
            ("audit_anchor_host", "https://anchors.example"),
        ] {
            assert_eq!(with(&[(name, value)]).map_err(|error| error.name), Err(name), "{value:?}");
        }
    }

    #[test]
    fn a_database_is_named_with_its_password_once_and_where_it_is_by_itself() {
        let database = |url: &str, host: &str| {
            with(&[("store", "postgres"), ("database_url", url), ("database_host", host)])
        };
        let url = "postgres://me:hush@db.example/perennial?sslmode=require";
        for (url, host) in [
            (url, "postgres://db.example:5432"),
            (url, "postgres://DB.example"),
            ("postgres://db.example:6543", "postgres://db.example:6543/"),
            ("postgres://me@[::1]/perennial", "postgres://[::1]:5432"),
        ] {
            assert_eq!(database(url, host), Ok(()), "{url} {host}");
        }
        for wrong in [
            "",
            "db.example:5432",
            "mysql://me:hush@db.example/perennial",
            "host=db.example password=hush",
            "postgres://me:hush@/perennial",
            "postgres://me:hush@db.example:0/perennial",
            "postgres://me:hush@%2Frun%2Fpostgresql/perennial",
            "postgres://me:hush@one.example,two.example/perennial",
        ] {
            let error = database(wrong, "postgres://db.example:5432").unwrap_err();
            assert_eq!(error.name, "database_url", "{wrong}");
            assert!(!error.to_string().contains("hush"), "{error}");
        }
        for wrong in [
            "postgres://me:hush@2@db.example/perennial",
            "postgres://me@corp:hush@db.example/perennial",
            "postgres://me:1/hush@db.example/perennial",
            "postgres://db.example/perennial@hush",
        ] {
            let error = database(wrong, "postgres://db.example:5432").unwrap_err();
            assert_eq!(error.name, "database_url", "{wrong}");
            assert!(error.reason.contains("%40") && !error.reason.contains("hush"), "{error}");
        }
        let encoded = "postgres://me%40corp:hush%402@db.example/perennial?application_name=a@b";
        assert_eq!(database(encoded, "postgres://db.example:5432"), Ok(()));
        for wrong in [
            "",
            NO_DATABASE_HOST,
            "db.example:5432",
            "postgres://db.example:6543",
            "redis://db.example:5432",
            "postgres://db.example:5432/perennial",
            "postgres://db.example:5432?sslmode=require",
            "postgres://me:hush@db.example:5432",
            "postgres://*:5432",
        ] {
            let error = database(url, wrong).unwrap_err();
            assert_eq!(error.name, "database_host", "{wrong}");
            assert!(error.reason.contains("postgres://db.example:5432"), "{error}");
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_state_store_is_named_as_components_are() {
        for name in ["State Store", "state/store", "a?b", &"x".repeat(254)] {
            let refused = with(&[("bus", "dapr"), ("dapr_state_store", name)]).unwrap_err();
            assert_eq!(refused.name, "dapr_state_store", "{name}");
        }
    }

    #[test]
    fn what_is_right_is_taken() {
        for changes in [
            vec![],
            vec![("bus", "local"), ("redis_url", "")],
            vec![
                ("bus", "dapr"),
                ("redis_url", ""),
                ("dapr_http_port", "50123"),
                ("dapr_pubsub", "event-hubs.eu"),
                ("dapr_state_store", "state-store.eu"),
            ],
            vec![
                ("redis_url", "redis://me:p@ss@cache.example:7000/2"),
                ("redis_host", "redis://cache.example:7000"),
            ],
            vec![("redis_url", "rediss://[::1]"), ("redis_host", "rediss://[::1]:6379")],
            vec![("quota_tasks", "1"), ("rate_limit_writes", "1/86400")],
            vec![
                ("rate_limit_reads", "1000000000/1"),
                ("rate_limit_redis_url", "rediss://me:p@ss@cache.example/2"),
                ("rate_limit_redis_host", "rediss://cache.example:6379"),
            ],
            vec![("webhook_http_origin", "http://127.0.0.1:*"), ("bootstrap_token", "!~")],
        ] {
            assert_eq!(with(&changes), Ok(()), "{changes:?}");
        }
    }

    #[test]
    fn a_redis_that_was_named_is_the_bus_and_one_that_may_be_there_is_so_while_it_answers() {
        let bus = |url: &str| {
            let get = |name: &'static str| match name {
                "redis_url" => Ok(url.to_owned()),
                "bus" => Ok("auto".to_owned()),
                "dapr_http_port" => Ok("3500".to_owned()),
                "dapr_pubsub" => Ok("pubsub".to_owned()),
                _ => Ok(String::new()),
            };
            BusSettings::read(&get).unwrap().choice
        };
        assert_eq!(bus("redis://127.0.0.1:6379"), BusChoice::Auto);
        assert_eq!(bus("redis://cache:6379"), BusChoice::Redis);
        assert_eq!(bus(""), BusChoice::Local);
    }

    #[test]
    fn hot_users_are_those_that_are_named() {
        let hot = |value: &str| HotSettings::read(&|_| Ok(value.to_owned())).unwrap().users;
        assert_eq!(hot(""), []);
        let ada = UserId::new("0198c0de-0000-7000-8000-000000000000");
        assert_eq!(hot("admin, 0198c0de-0000-7000-8000-000000000000,admin"), [ada, UserId::admin()]);
        assert_eq!(hot(&users(100)).len(), 100);
    }

    #[test]
    fn where_keys_are_fetched_a_guest_may_call() {
        let jwt = |url, host| {
            with(&[
                ("jwt_issuer", "i"),
                ("jwt_audience", "a"),
                ("jwt_jwks_url", url),
                ("jwt_jwks_host", host),
            ])
        };
        let url = "https://id.example/jwks?a=b";
        for host in ["https://id.example", "https://ID.example:443"] {
            assert_eq!(jwt(url, host), Ok(()), "{host}");
        }
        assert_eq!(jwt("http://127.0.0.1:8080/jwks", "http://127.0.0.1:8080"), Ok(()));
        for host in
            ["", "https://none.invalid", "https://id.example:8443", "http://id.example:443", "https://*"]
        {
            let error = jwt(url, host).unwrap_err();
            assert_eq!(error.name, "jwt_jwks_host", "{host}");
            assert!(error.reason.contains("https://id.example:443"), "{error}");
        }
    }

    #[test]
    fn where_anchors_are_sent_a_guest_may_call() {
        let anchors = |url, host| {
            let key = ("audit_key", "thirty-two-characters-without-spaces");
            with(&[key, ("audit_anchor_url", url), ("audit_anchor_host", host)]).map_err(|error| error.name)
        };
        assert_eq!(anchors("", NO_ANCHOR_HOST), Ok(()));
        assert_eq!(anchors("https://anchors.example/a?b", "https://anchors.example"), Ok(()));
        assert_eq!(anchors("http://127.0.0.1:8080/", "http://127.0.0.1:8080"), Ok(()));
        assert_eq!(anchors("https://anchors.example/", NO_ANCHOR_HOST), Err("audit_anchor_host"));
        for url in ["anchors.example", "http://anchors.example/", "https://me:secret@anchors.example/"] {
            assert_eq!(anchors(url, NO_ANCHOR_HOST), Err("audit_anchor_url"), "{url}");
        }
    }

    #[test]
    fn a_redis_that_counts_may_be_called() {
        let counted = |url, host| {
            with(&[
                ("rate_limit_writes", "600/60"),
                ("rate_limit_redis_url", url),
                ("rate_limit_redis_host", host),
            ])
            .map_err(|error| error.name)
        };
        assert_eq!(counted("redis://cache.example:7000", "redis://cache.example:7000"), Ok(()));
        for host in [NO_RATE_HOST, "", "redis://cache.example:7001", "rediss://cache.example:7000"] {
            assert_eq!(counted("redis://cache.example:7000", host), Err("rate_limit_redis_host"), "{host}");
        }
        assert_eq!(counted("cache.example:7000", NO_RATE_HOST), Err("rate_limit_redis_url"));
    }

    #[test]
    fn callbacks_are_closed_where_no_token_is_set() {
        let token = |changes: &[(&str, &str)]| {
            let get = |asked: &'static str| {
                Ok(changes.iter().find(|(name, _)| *name == asked).map_or("", |(_, value)| *value).to_owned())
            };
            CallbackSettings::read(&get).unwrap().token
        };
        assert_eq!(token(&[]), "");
        assert_eq!(token(&[("bootstrap_token", "a")]), "a");
        assert_eq!(token(&[("bootstrap_token", "a"), ("app_api_token", "b")]), "b");
    }

    /// A secret is no part of what is said of it.
    #[test]
    fn an_error_tells_no_secret() {
        let error =
            with(&[("redis_url", "redis://me:hush@127.0.0.1:1"), ("bootstrap_token", "")]).unwrap_err();
        assert_eq!(error.name, "redis_host");
        assert!(!error.to_string().contains("hush"), "{error}");
        assert!(!with(&[("bootstrap_token", "hush hush")]).unwrap_err().to_string().contains("hush"));
    }
}
