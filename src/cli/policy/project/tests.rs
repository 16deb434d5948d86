use std::fs;
use std::path::PathBuf;

use super::{FILE, Language, Project};
use crate::policy::testing::Folder;

const GOOD: &str = "name = 'cap'\nversion = '0.1.0'\ndescription = 'Caps.'\nlanguage = 'rust'\n";

#[test]
fn a_project_is_its_policy_toml_and_schema() {
    let folder = Folder::new();
    folder.write(FILE, &format!("{GOOD}metrics = ['denied']\nsettings_schema = 'schema.json'\n"));
    folder.write("schema.json", r#"{"type": "object"}"#);
    let project = Project::load(folder.path()).expect("valid");
    assert_eq!((project.language, project.metadata.name.as_str()), (Language::Rust, "cap"));
    assert_eq!(project.metadata.metrics, ["denied"]);
    assert_eq!(project.metadata.settings_schema, Some(serde_json::json!({"type": "object"})));
    assert_eq!(project.component(), folder.path().join("cap.wasm"));
}

#[test]
fn what_is_wrong_is_named_with_its_file() {
    for (text, word) in [
        (GOOD.replace("cap'", "Cap'"), "`Cap`"),
        (GOOD.replace("rust", "cobol"), "cobol"),
        (format!("{GOOD}metric = []\n"), "metric"),
        (GOOD.replace("version", "# "), "version"),
        (format!("{GOOD}settings_schema = 'none.json'\n"), "none.json"),
        (format!("{GOOD}settings_schema = '{FILE}'\n"), "not JSON"),
    ] {
        let folder = Folder::new();
        folder.write(FILE, &text);
        let failure = format!("{:?}", Project::load(folder.path()).expect_err(word));
        assert!(
            failure.contains(word) && failure.contains(folder.path().to_str().expect("UTF-8")),
            "{failure}"
        );
    }
}

#[test]
fn a_folder_without_one_gets_a_hint() {
    let folder = Folder::new();
    let failure = format!("{:?}", Project::load(folder.path()).expect_err("nothing there"));
    assert!(failure.contains("policy new"), "{failure}");
    fs::create_dir(folder.path().join(FILE)).expect("free");
    assert!(Project::load(&PathBuf::from(folder.path())).is_err());
}
