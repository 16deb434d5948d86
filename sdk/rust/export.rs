/// Exports a policy's hooks, and its settings' check: `export!(MemoryCap: mutation, validation)`. Hooks are `mutation`,
/// `validation`, `pre_start`, `on_started`, `on_exited` and `connection`; each needs its trait.
#[macro_export]
macro_rules! export {
    ($policy:ty: $($hook:ident),+ $(,)?) => {
        const _: () = {
            #[allow(dead_code, reason = "used by the exports, which only a component has")]
            type Hooks = $crate::runtime::Hooks<$policy>;
            $crate::__export_hook!(configuration Hooks);
            $($crate::__export_hook!($hook Hooks);)+

            // A component runs the function of this name while it is made.
            #[cfg(target_arch = "wasm32")]
            #[unsafe(export_name = "_initialize")]
            extern "C" fn initialize() {
                $crate::runtime::initialize::<$policy>();
            }
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_hook {
    ($hook:ident $hooks:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::$hook::export!($hooks with_types_in $crate::bindings::$hook);
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = $crate::runtime::$hook::<$hooks>;
    };
}

/// The runtime of a policy that does without `std`: a small allocator, and a panic that is a trap. It makes a component about
/// 10 KB smaller. Beside it the policy says `#![cfg_attr(target_arch = "wasm32", no_std)]`, and finds `String`, `Vec`,
/// `format!` and the rest in [`prelude`](crate::prelude).
#[macro_export]
macro_rules! no_std {
    () => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[global_allocator]
            static ALLOCATOR: $crate::runtime::Allocator = $crate::runtime::Allocator::new();

            #[panic_handler]
            fn panic(_: &::core::panic::PanicInfo<'_>) -> ! {
                ::core::arch::wasm32::unreachable()
            }
        };
    };
}

/// What the macros need; not for authors.
pub mod runtime {
    use alloc::boxed::Box;
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::marker::PhantomData;

    #[cfg(target_arch = "wasm32")]
    pub use rlsf::SmallGlobalTlsf as Allocator;

    use crate::bindings::stockade::policy::types::{Additions, Denial, Notes};
    use crate::bindings::{
        configuration::exports::stockade::policy::configuration as configuration_wire,
        connection::exports::stockade::policy::connection as connection_wire,
        mutation::exports::stockade::policy::mutation as mutation_wire,
        on_exited::exports::stockade::policy::on_exited as on_exited_wire,
        on_started::exports::stockade::policy::on_started as on_started_wire,
        pre_start::exports::stockade::policy::pre_start as pre_start_wire,
        validation::exports::stockade::policy::validation as validation_wire,
    };
    use crate::{
        Connection, Container, Job, Mutate, OnExited, OnStarted, Outcome, Policy, PreStart, Validate, Verdict,
    };

    /// The contract's side of a policy.
    #[derive(Debug)]
    pub struct Hooks<P>(PhantomData<P>);

    /// What was read while the instance was made; a component is of one policy.
    #[cfg(target_arch = "wasm32")]
    static SETTINGS: once_cell::race::OnceBox<Box<dyn core::any::Any + Send + Sync>> =
        once_cell::race::OnceBox::new();

    /// Reads the settings, and has the allocator grow the memory for it. In a call both would cost more than most answers,
    /// and an instance may be made before there is one. Nothing else may be asked here: who asks for what is not the same
    /// for all its calls is never made ahead.
    #[cfg(target_arch = "wasm32")]
    pub fn initialize<P: Policy>() {
        // Those that cannot be read are `validate-settings`' to refuse, with the reason.
        if let Ok(policy) = crate::settings::parse::<P>(&crate::host::call::settings()) {
            SETTINGS.set(Box::new(Box::new(policy))).ok();
        }
    }

    /// The policy of this instance's one call.
    fn policy<P: Policy>() -> &'static P {
        #[cfg(target_arch = "wasm32")]
        if let Some(policy) = SETTINGS.get().and_then(|policy| policy.downcast_ref()) {
            return policy;
        }
        // Gone with the instance.
        Box::leak(Box::new(settings()))
    }

    /// Settings of this call. `validate-settings` has accepted them, so a failure is the service's, and a trap denies.
    pub(crate) fn settings<P: Policy>() -> P {
        match crate::settings::parse(&crate::host::call::settings()) {
            Ok(policy) => policy,
            Err(error) => {
                crate::log::error(&alloc::string::ToString::to_string(&error));
                panic!("settings that were accepted cannot be read")
            }
        }
    }

    #[allow(clippy::result_large_err, reason = "the contract's type")]
    fn wire(verdict: Verdict) -> Result<Notes, Denial> {
        match verdict {
            Ok(notes) => Ok(notes.into_wire()),
            Err(denial) => Err(denial.into_wire()),
        }
    }

    impl<P: Policy> configuration_wire::Guest for Hooks<P> {
        fn validate_settings(json: String) -> Result<(), Vec<configuration_wire::SettingsError>> {
            let errors = crate::settings::check::<P>(&json);
            if errors.is_empty() {
                return Ok(());
            }
            Err(errors.into_iter().map(crate::SettingsError::into_wire).collect())
        }
    }

    impl<P: Mutate> mutation_wire::Guest for Hooks<P> {
        fn mutate() -> Result<Notes, Denial> {
            wire(policy::<P>().mutate(&Job::current()))
        }
    }

    impl<P: Validate> validation_wire::Guest for Hooks<P> {
        fn validate() -> Result<Notes, Denial> {
            wire(policy::<P>().validate(&Job::current()))
        }
    }

    impl<P: PreStart> pre_start_wire::Guest for Hooks<P> {
        fn approve() -> Result<Notes, Denial> {
            wire(policy::<P>().approve(&Job::current(), &Container::current()))
        }
    }

    impl<P: OnStarted> on_started_wire::Guest for Hooks<P> {
        fn started() -> Additions {
            policy::<P>().started(&Job::current(), &Container::current()).into_wire()
        }
    }

    impl<P: OnExited> on_exited_wire::Guest for Hooks<P> {
        fn exited() -> Additions {
            policy::<P>().exited(&Job::current(), &Container::current(), &Outcome::current()).into_wire()
        }
    }

    impl<P: Connection> connection_wire::Guest for Hooks<P> {
        fn connect(host: String, port: u16) -> Result<Notes, Denial> {
            wire(policy::<P>().connect(&Job::current(), &host, port))
        }
    }

    /// Natively there is nothing to export; a missing trait is found all the same.
    macro_rules! check_hook {
        ($($hook:ident: $guest:path),+ $(,)?) => {
            $(pub const fn $hook<H: $guest>() {})+
        };
    }
    check_hook!(
        configuration: configuration_wire::Guest,
        mutation: mutation_wire::Guest,
        validation: validation_wire::Guest,
        pre_start: pre_start_wire::Guest,
        on_started: on_started_wire::Guest,
        on_exited: on_exited_wire::Guest,
        connection: connection_wire::Guest,
    );
}
