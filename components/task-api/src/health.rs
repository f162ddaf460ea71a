//! Whether the service is there, and of which versions.

use http::StatusCode;
use perennial_http_api::{Problem, Response, answer};
use perennial_store::SystemStore;
use serde_json::json;

/// The service answers; with what it is made of.
pub(crate) fn healthz(store: &impl SystemStore) -> Result<Response, Problem> {
    let (schema, _) = store.schema_version()?;
    Ok(answer(
        StatusCode::OK,
        &json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "schema": schema,
            "tzdata": perennial_recurrence::tzdata_version(),
        }),
    ))
}

/// The store answers, its schema is the one this build needs, and it can still write: a full disk is not ready.
pub(crate) fn readyz(store: &impl SystemStore) -> Result<Response, Problem> {
    let (found, needed) = store.schema_version()?;
    if found != needed {
        return Err(Problem::unavailable(format!(
            "the database has schema version {found}, this build needs {needed}"
        )));
    }
    store.probe()?;
    Ok(answer(StatusCode::OK, &json!({ "status": "ready" })))
}
