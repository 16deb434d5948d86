//! What wasmtime makes of `sdk/wit`: the imports once, and one world per hook, so that each hook is there or not.

wasmtime::component::bindgen!({ path: "../../sdk/wit", world: "imports", additional_derives: [PartialEq] });

#[expect(unreachable_pub, reason = "generated code names it as if it were public")]
pub use self::stockade::policy::{
    call, container, facts, job, job_env, job_files, kv, log, metrics, outcome, patch, types,
};

macro_rules! hook {
    ($name:ident, $world:literal) => {
        pub(crate) mod $name {
            wasmtime::component::bindgen!({
                path: "../../sdk/wit",
                world: $world,
                with: { "stockade:policy/types": crate::bindings::types },
            });
        }
    };
}

hook!(mutation, "hook-mutation");
hook!(validation, "hook-validation");
hook!(pre_start, "hook-pre-start");
hook!(on_started, "hook-on-started");
hook!(on_exited, "hook-on-exited");
hook!(connection, "hook-connection");

/// It shares no types with the others.
pub(crate) mod configuration {
    wasmtime::component::bindgen!({ path: "../../sdk/wit", world: "hook-configuration" });
}
