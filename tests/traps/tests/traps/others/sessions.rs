//! What the sessions of the pool are found in.

use perennial_traps::House;

/// What a session that writes finds set, once for each that differs. Within a statement a lock is waited for
/// as long as its function or itself says: that is no leaving.
const WATCH: [&str; 3] = [
    "CREATE TABLE house.found (settings text PRIMARY KEY)",
    "CREATE FUNCTION house.look() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
         INSERT INTO house.found VALUES (concat_ws('; ', current_user, session_user, current_setting('search_path'),
             current_setting('application_name'), current_setting('timezone'), current_setting('statement_timeout'),
             CASE WHEN current_setting('lock_timeout') IN ('1500ms', '2s', '2500ms') THEN '0' ELSE current_setting('lock_timeout') END,
             current_setting('default_transaction_isolation'),
             current_setting('default_transaction_read_only'), current_setting('session_replication_role'),
             pg_my_temp_schema())) ON CONFLICT DO NOTHING;
         RETURN NULL;
     END $$",
    "CREATE TRIGGER look AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION house.look()",
];

/// What the database knows of a house's sessions.
const SESSIONS: &str = "pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' \
     AND pid <> pg_backend_pid()";

/// From now on it is noted what sessions find set.
pub fn watch(house: &House) {
    for statement in WATCH {
        house.write_any(statement);
    }
}

/// No session is in a transaction that it does not work at, or has another name.
pub fn assert_none_waits(house: &House) {
    let waiting =
        house.number(&format!("SELECT count(*) FROM {SESSIONS} AND state LIKE 'idle in transaction%'"));
    assert_eq!(waiting, 0, "sessions are idle in a transaction");
    let named = house.tally(&format!("SELECT application_name, count(*) FROM {SESSIONS} GROUP BY 1"));
    assert!(named.keys().all(|name| name == "perennial"), "{named:?}");
}

/// Sessions are as they were begun, and none has anything of a guest; none runs.
pub fn assert_clean(house: &House) {
    assert_none_waits(house);
    let locks = format!("SELECT count(*) FROM pg_locks WHERE pid IN (SELECT pid FROM {SESSIONS})");
    assert_eq!(house.number(&locks), 0, "a lock is held");
    let temporary = "SELECT count(*) FROM pg_class WHERE relpersistence = 't'";
    assert_eq!(house.number(temporary), 0, "a temporary table is there");
    let found = house.tally("SELECT settings, 1::bigint FROM house.found");
    assert_eq!(found.len(), 1, "sessions with settings of their own: {found:#?}");
}
