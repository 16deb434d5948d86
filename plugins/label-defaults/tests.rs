use stockade_policy::SettingsError;
use stockade_policy::testing::{self, Job, Patch};

use super::LabelDefaults;

#[test]
fn an_absent_label_is_added_and_a_present_one_is_kept() {
    let settings = r#"{"defaults": {"env": "dev", "owner": "{submitter}@{tenant}"}}"#;
    let run =
        testing::mutate_twice::<LabelDefaults>(&Job::new().tenant("acme").label("env", "prod"), settings);
    assert_eq!(run.patches, [Patch::new("label", "owner=local@acme")]);
    assert_eq!(run.job.labels["env"], "prod");
}

#[test]
fn a_required_label_must_be_there_and_have_an_allowed_value() {
    let settings = r#"{"required": {"cost/centre": ["cc-*", "none"]}}"#;
    let denial = |job: &Job| {
        let run = testing::validate::<LabelDefaults>(job, settings);
        (run.denial().code().to_owned(), run.denial().pointer().map(str::to_owned))
    };
    let at = Some("/labels/cost~1centre".to_owned());
    assert_eq!(denial(&Job::new()), ("label-missing".into(), at.clone()));
    assert_eq!(denial(&Job::new().label("cost/centre", "x-cc-1")), ("label-not-allowed".into(), at));
    testing::validate::<LabelDefaults>(&Job::new().label("cost/centre", "cc-17"), settings).allowed();
    testing::validate::<LabelDefaults>(&Job::new().label("cost/centre", "none"), settings).allowed();
}

#[test]
fn a_default_satisfies_a_requirement() {
    let settings = r#"{"defaults": {"env": "dev"}, "required": {"env": ["dev", "prod"]}}"#;
    let run = testing::mutate_twice::<LabelDefaults>(&Job::new(), settings);
    testing::validate::<LabelDefaults>(&run.job, settings).allowed();
}

#[test]
fn settings_that_do_nothing_or_deny_everything_are_refused() {
    for (settings, pointer) in [
        ("{}", ""),
        (r#"{"required": {"a/b": []}}"#, "/required/a~1b"),
        (r#"{"defaults": {"": "x"}}"#, "/defaults/"),
        (r#"{"defaults": {"a": 1}}"#, "/defaults/a"),
    ] {
        let errors = testing::check::<LabelDefaults>(settings);
        assert_eq!(errors.first().map(SettingsError::pointer), Some(pointer), "{settings}");
    }
}
