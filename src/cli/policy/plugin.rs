//! How a plugin is named, as in a bundle: `builtin:NAME`, or the path of a component.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use admission::component::{self, Description};
use admission::shipped;

use super::table::list;
use crate::output::{Failure, chain};

pub(crate) const BUILTIN: &str = "builtin:";

/// The component that `plugin` names; a relative path starts at `folder`.
pub(crate) fn load(plugin: &str, folder: &Path) -> Result<Cow<'static, [u8]>, Failure> {
    if let Some(name) = plugin.strip_prefix(BUILTIN) {
        return shipped::plugin(name).map(Cow::Borrowed).ok_or_else(|| {
            Failure::new(format!("there is no plugin {plugin}"))
                .hint(format!("there are: {}", list(&shipped::plugin_names())))
        });
    }
    let path = folder.join(plugin);
    fs::read(&path).map(Cow::Owned).map_err(|error| {
        Failure::caused(&format!("cannot read {}", path.display()), &error)
            .hint("give a component (.wasm) or builtin:NAME; `stockade policy ls` lists those")
    })
}

/// `name` is how the user knows it.
pub(crate) fn describe(component: &[u8], name: &str) -> Result<Description, Failure> {
    component::describe(component)
        .map_err(|error| Failure::new(format!("{name}: {}", chain(&error))).hint(error.hint()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use admission::shipped;

    use super::{BUILTIN, describe, load};
    use crate::policy::testing::{self, Folder};

    #[test]
    fn a_path_starts_at_the_folder() {
        let folder = Folder::new();
        folder.write("x.wasm", "bytes");
        assert_eq!(*load("x.wasm", folder.path()).expect("there"), *b"bytes");
        let failure = load("y.wasm", folder.path()).expect_err("not there");
        assert!(format!("{failure:?}").contains(folder.path().to_str().expect("UTF-8")), "{failure:?}");
    }

    #[test]
    fn every_builtin_can_be_loaded_by_its_name() {
        for name in shipped::plugin_names() {
            let component = load(&format!("{BUILTIN}{name}"), Path::new("/nowhere")).expect(name);
            let description = describe(&component, name).expect("a policy");
            assert_eq!(description.metadata.expect("built by `policy build`").name, name);
            assert!(description.unknown_imports.is_empty(), "{name}");
        }
        assert!(load("builtin:no-such", Path::new("")).is_err());
    }

    #[test]
    fn what_is_no_policy_is_named_with_what_mends_it() {
        let failure =
            format!("{:?}", describe(&testing::module("validator"), "x.wasm").expect_err("a module"));
        assert!(failure.contains("x.wasm: a core module") && failure.contains("policy build"), "{failure}");
    }
}
