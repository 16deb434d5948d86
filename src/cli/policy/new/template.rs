//! What a new project holds. Everything is in the binary, so that `new` needs no network and no checkout.

use crate::policy::project::Language;

/// The name that the templates bear, so that they can be built and tested where they stand.
const PLACEHOLDER: &str = "my-policy";

#[derive(Clone, Debug)]
pub(super) struct File {
    /// Below the project.
    pub(super) path: String,
    pub(super) text: String,
}

/// Files of one folder of the repository.
#[derive(Debug)]
struct Folder {
    /// In the repository.
    #[cfg(test)]
    from: &'static str,
    /// In the project, with a slash at its end; empty for the project itself, whose files bear its name.
    to: &'static str,
    files: &'static [(&'static str, &'static str)],
}

macro_rules! folder {
    ($from:literal => $to:literal: $($file:literal),+ $(,)?) => {
        Folder {
            #[cfg(test)]
            from: $from,
            to: $to,
            files: &[$(($file, include_str!(concat!("../../../../", $from, "/", $file)))),+],
        }
    };
}

const RUST: &[Folder] = &[
    folder!("src/cli/policy/template-rust" => "":
        ".gitignore", "Cargo.toml", "README.md", "cases.toml", "policy.rs", "policy.toml", "settings.schema.json"),
    folder!("sdk/rust" => "stockade-policy/": "Cargo.toml", "README.md", "bindings.rs", "call.rs", "container.rs", "env.rs", "export.rs", "facts.rs", "files.rs", "fmt.rs", "glob.rs", "host.rs", "job.rs", "kv.rs", "lib.rs", "log.rs", "metrics.rs", "outcome.rs", "patch.rs", "policy.rs", "prelude.rs", "settings.rs", "settings/access.rs", "settings/error.rs", "settings/json.rs", "settings/tests.rs", "step.rs", "testing.rs", "testing/document.rs", "testing/fake.rs", "testing/host.rs", "testing/host/job.rs", "testing/host/patch.rs", "testing/job.rs", "testing/run.rs", "verdict.rs"),
    folder!("sdk/wit" => "stockade-policy/wit/": "README.md", "exports.wit", "imports.wit", "types.wit", "worlds.wit"),
];
const JS: &[Folder] = &[
    folder!("sdk/js/template" => "": ".gitignore", "README.md", "cases.toml", "jsconfig.json", "package-lock.json", "package.json",
        "policy.js", "policy.toml", "settings.schema.json", "wit/world.wit"),
    folder!("sdk/js/stockade-policy" => "stockade-policy/": "contract.d.ts", "index.d.ts", "index.js", "settings.js", "utf8.js"),
    folder!("sdk/wit" => "wit/deps/stockade-policy/": "README.md", "exports.wit", "imports.wit", "types.wit", "worlds.wit"),
];
const PYTHON: &[Folder] = &[
    folder!("sdk/python/template" => "": ".gitignore", "README.md", "build.sh", "cases.toml", "policy.py", "policy.toml",
        "requirements.txt", "settings.schema.json", "wit/world.wit"),
    folder!("sdk/python/stockade_policy" => "stockade_policy/": "__init__.py", "component.py", "settings.py"),
    folder!("sdk/wit" => "wit/deps/stockade-policy/": "README.md", "exports.wit", "imports.wit", "types.wit", "worlds.wit"),
];

/// The files of a project in `language` for the policy `name`.
pub(super) fn files(language: Language, name: &str) -> Vec<File> {
    folders(language).iter().flat_map(|folder| folder.files(name)).collect()
}

fn folders(language: Language) -> &'static [Folder] {
    match language {
        Language::Rust => RUST,
        Language::Js => JS,
        Language::Python => PYTHON,
    }
}

impl Folder {
    fn files(&self, name: &str) -> impl Iterator<Item = File> {
        self.files.iter().map(move |(path, text)| File {
            path: format!("{}{path}", self.to),
            text: if self.to.is_empty() { text.replace(PLACEHOLDER, name) } else { (*text).into() },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use clap::ValueEnum;

    use super::{PLACEHOLDER, files, folders};
    use crate::policy::project::Language;

    /// What tools leave in a template that was built where it stands.
    const MADE: [&str; 6] = ["target", "node_modules", ".venv", "build", "__pycache__", "Cargo.lock"];

    /// Links are the SDK and the contract, which come from their own folders.
    fn walk(dir: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(dir).expect("a folder of the repository") {
            let entry = entry.expect("readable");
            let name = entry.file_name().into_string().expect("UTF-8");
            let kind = entry.file_type().expect("known");
            if MADE.contains(&name.as_str())
                || Path::new(&name).extension().is_some_and(|it| it == "wasm")
                || kind.is_symlink()
            {
                continue;
            }
            if kind.is_dir() {
                walk(&entry.path(), &format!("{below}{name}/"), found);
            } else {
                found.insert(format!("{below}{name}"));
            }
        }
    }

    #[test]
    fn no_file_of_a_template_is_forgotten() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for folder in Language::value_variants().iter().flat_map(|language| folders(*language)) {
            let mut there = BTreeSet::new();
            walk(&root.join(folder.from), "", &mut there);
            let embedded: BTreeSet<String> =
                folder.files.iter().map(|(path, _)| (*path).to_owned()).collect();
            assert_eq!(embedded, there, "{}", folder.from);
        }
    }

    #[test]
    fn each_language_has_a_whole_project_of_the_name_and_no_path_twice() {
        for language in Language::value_variants() {
            let files = files(*language, "speed-limit");
            let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(paths.len(), files.len(), "{language:?}");
            for wanted in ["policy.toml", "cases.toml", "settings.schema.json", "README.md", ".gitignore"] {
                assert!(paths.contains(wanted), "{language:?}: {wanted}");
            }
            let left: Vec<_> = files.iter().filter(|file| file.text.contains(PLACEHOLDER)).collect();
            assert!(left.is_empty(), "{language:?}: {left:?}");
        }
    }
}
