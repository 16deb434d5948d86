#![forbid(unsafe_code)]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../sdk/wit", world: "imports", imports: { default: trappable } });
}
mod on_exited {
    wasmtime::component::bindgen!({ path: "../../sdk/wit", world: "hook-on-exited", with: { "stockade:policy/types": super::bindings::stockade::policy::types } });
}
