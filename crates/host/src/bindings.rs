//! Generated from `wit/`. Nothing else in this crate is.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "perennial:host/imports",
    imports: { default: async | trappable },
    with: {
        "fermyon:spin/redis@2.0.0.connection": crate::redis::Connection,
        "spin:postgres/postgres@4.0.0.connection": crate::postgres::Connection,
        "spin:sqlite/sqlite@3.0.0.connection": crate::sqlite::Connection,
    },
    require_store_data_send: true,
});

pub(crate) mod redis_handler {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "perennial:host/redis-handler",
        exports: { default: async },
    });
}

pub(crate) mod cron_handler {
    wasmtime::component::bindgen!({
        path: "../../wit/deps/spin-cron@3.0.0",
        world: "spin:cron/spin-cron",
    });
}
