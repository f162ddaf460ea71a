//! Whether the service is there, and of which versions.

use http::StatusCode;
use perennial_http_api::{Problem, Response, answer};
use perennial_store::SystemStore;
use serde::Serialize;

/// The service as it is.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct HealthView {
    #[cfg_attr(feature = "schema", schemars(length(max = 10)))]
    status: &'static str,
    #[cfg_attr(feature = "schema", schemars(length(max = 40)))]
    version: &'static str,
    /// The version of the store's schema.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    schema: i64,
    /// The version of the zone data.
    #[cfg_attr(feature = "schema", schemars(length(max = 20)))]
    tzdata: &'static str,
}

/// The service is ready.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ReadyView {
    #[cfg_attr(feature = "schema", schemars(length(max = 10)))]
    status: &'static str,
}

/// The service answers; with what it is made of.
pub(crate) fn healthz(store: &impl SystemStore) -> Result<Response, Problem> {
    let (schema, _) = store.schema_version()?;
    Ok(answer(
        StatusCode::OK,
        &HealthView {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
            schema,
            tzdata: perennial_recurrence::tzdata_version(),
        },
    ))
}

/// The store answers, its schema is one that this build can work with, and it can still write: a full disk is not ready. Where builds
/// follow one another, the schema may be that of the next.
pub(crate) fn readyz(store: &impl SystemStore) -> Result<Response, Problem> {
    let (found, needed) = store.schema_version()?;
    if found < needed {
        return Err(Problem::unavailable(format!(
            "the database has schema version {found}, this build needs {needed}"
        )));
    }
    store.probe()?;
    Ok(answer(StatusCode::OK, &ReadyView { status: "ready" }))
}
