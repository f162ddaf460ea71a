//! The cron handler. Generated code and its registration live here.

wit_bindgen::generate!({
    path: "../../wit/deps/spin-cron@3.0.0",
    world: "spin-cron",
    async: true,
});

struct Probe;

impl Guest for Probe {
    async fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        spin_sdk::http::run(async move {
            crate::sql::note("tick", &metadata.timestamp.to_string())
                .map_err(|error| Error::Other(error.to_string()))
        })
    }
}

export!(Probe);
