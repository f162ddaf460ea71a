//! The entry point: an HTTP request in, an answer out, and then the events that the request caused.

use perennial_events::{RelayError, relay_stream};
use perennial_guest::{FreshIds, Settings, log, now, open_bus, open_store, read, respond};
use perennial_http_api::{Problem, Response};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

use crate::{Answered, Api, handle, without_store};

#[http_component]
async fn serve(request: IncomingRequest, out: ResponseOutparam) {
    let settings = match Settings::from_host() {
        Ok(settings) => settings,
        Err(error) => return respond(out, Problem::misconfigured(error.to_string()).into()).await,
    };
    let request = match read(request).await {
        Ok(request) => request,
        Err(problem) => return respond(out, problem.into()).await,
    };
    if let Some(response) = without_store(&request, &settings.bootstrap_token) {
        return respond(out, response).await;
    }
    let store = match open_store(&settings) {
        Ok(store) => store,
        Err(error) => {
            log::error("the store did not open", &error);
            return respond(out, Response::from(Problem::from(error))).await;
        }
    };
    let mut ids = FreshIds;
    let mut api = Api { store: &store, settings: &settings, now: now(), ids: &mut ids };
    let Answered { response, wrote } = handle(&mut api, &request);
    respond(out, response).await;

    // The client has its answer. Whatever fails from here on is made up for by the next sweep.
    let Some(user) = wrote else { return };
    let relayed = async {
        let bus = open_bus(&settings)?;
        relay_stream(&store, &bus, &user.stream(), &now).await?;
        // Without a clock trigger, each write also runs one slice of the clock's work.
        if let Some(local) = bus.local() {
            local.post("/internal/sweep", Vec::new()).await?;
        }
        Ok::<_, RelayError>(())
    };
    if let Err(error) = relayed.await {
        log::warn("events wait for the next sweep", &error);
    }
}
