//! What `wit-bindgen` makes of `sdk/wit`. The names here are the contract's own; authors meet them through the modules above.
#![allow(unsafe_code, missing_debug_implementations, unreachable_pub, clippy::pedantic, reason = "generated")]

wit_bindgen::generate!({ path: "wit", world: "imports", generate_all });

/// One world per hook: a component exports the hooks that its author names, and no others.
macro_rules! hook {
    ($module:ident, $world:literal $(, $types:path)?) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                world: $world,
                pub_export_macro: true,
                with: { $("stockade:policy/types@0.1.0": $types)? },
            });
        }
    };
}
hook!(configuration, "hook-configuration");
hook!(mutation, "hook-mutation", crate::bindings::stockade::policy::types);
hook!(validation, "hook-validation", crate::bindings::stockade::policy::types);
hook!(pre_start, "hook-pre-start", crate::bindings::stockade::policy::types);
hook!(on_started, "hook-on-started", crate::bindings::stockade::policy::types);
hook!(on_exited, "hook-on-exited", crate::bindings::stockade::policy::types);
hook!(connection, "hook-connection", crate::bindings::stockade::policy::types);
