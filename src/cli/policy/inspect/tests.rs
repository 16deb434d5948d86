use admission::component::describe;

use super::report;
use crate::policy::testing;

#[test]
fn a_report_says_who_it_is_what_it_does_and_what_it_wants() {
    let description = describe(&testing::policy("hook-validation")).expect("a policy");
    let expected = format!(
        "example 1.2.3\n\
         An example.\n\n\
         contract      stockade:policy@0.1.0\n\
         size          {} bytes\n\
         digest        {}\n\
         hooks         validation\n\
         always there  types\n\
         grants        none\n\
         calls         none\n\
         metrics       seen\n\n\
         settings: none are described\n",
        description.size_bytes, description.digest
    );
    assert_eq!(report(&description), expected);
}

#[test]
fn calls_and_missing_metadata_are_told() {
    let report = report(&describe(&testing::component("mutator")).expect("a policy"));
    assert!(report.starts_with("a policy without metadata"));
    assert!(report.contains("patch.set-memory-bytes"));
    assert!(!report.contains("metrics"));
}

#[test]
fn the_json_names_its_units() {
    let description = describe(&testing::policy("mutator")).expect("a policy");
    let json = serde_json::to_value(description).expect("plain data");
    assert_eq!(json["metadata"]["name"], "example");
    assert_eq!(json["hooks"], serde_json::json!(["configuration", "mutation"]));
    assert!(json["size_bytes"].is_u64());
    assert_eq!(json["unknown_imports"], serde_json::json!([]));
}
