//! Every interface a guest may import.

use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_http::WasiHttp;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http;

use super::state::GuestState;
use crate::bindings;

/// Links WASI 0.2, `wasi:http`, and Spin's interfaces.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<GuestState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    http::types::add_to_linker::<GuestState, WasiHttp>(&mut linker, &Default::default(), GuestState::http)?;
    http::outgoing_handler::add_to_linker::<GuestState, WasiHttp>(&mut linker, GuestState::http)?;
    bindings::fermyon::spin2_0_0::redis::add_to_linker::<GuestState, GuestState>(&mut linker, |state| state)?;
    bindings::fermyon::spin2_0_0::variables::add_to_linker::<GuestState, GuestState>(&mut linker, |state| {
        state
    })?;
    bindings::spin::postgres::postgres::add_to_linker::<GuestState, GuestState>(&mut linker, |state| state)?;
    bindings::spin::sqlite::sqlite::add_to_linker::<GuestState, GuestState>(&mut linker, |state| state)?;
    Ok(linker)
}
