use std::collections::BTreeSet;

use serde_json::Value;

use super::{document, operations, parameter, schemas};

fn each_object(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|value| each_object(value, visit));
        }
        Value::Array(list) => list.iter().for_each(|value| each_object(value, visit)),
        _ => (),
    }
}

#[test]
fn every_reference_leads_to_something_and_everything_is_used() {
    let mut wanted = BTreeSet::new();
    each_object(document(), &mut |object| {
        if let Some(Value::String(path)) = object.get("$ref") {
            let found = document().pointer(path.trim_start_matches('#'));
            assert!(found.is_some(), "{path}");
            wanted.insert(path.clone());
        }
    });
    for kind in ["schemas", "headers"] {
        for name in document()["components"][kind].as_object().expect("an object").keys() {
            assert!(wanted.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is never used");
        }
    }
}

#[test]
fn a_name_means_one_thing() {
    let mut schemas = schemas::Schemas::new();
    for operation in operations::all() {
        operation.document(&mut schemas);
    }
    assert_eq!(schemas.in_doubt(), Vec::<String>::new());
    let mut names = BTreeSet::new();
    each_object(&document()["paths"], &mut |object| {
        if let Some(Value::String(name)) = object.get("operationId") {
            // Links name operations as well.
            assert!(object.get("responses").is_none() || names.insert(name.clone()), "{name} twice");
        }
    });
}

#[test]
fn nothing_of_a_parameter_is_lost_on_the_way() {
    let mut count = 0;
    for (name, wanted) in schemas::parameters::<crate::jobs::list::Parameters>() {
        let written = serde_json::to_value(parameter::schema(wanted.clone())).expect("plain data");
        assert_eq!(written, wanted, "{name}");
        count += 1;
    }
    assert!(count > 2);
}

#[test]
fn every_operation_says_what_it_is_and_who_may() {
    each_object(&document()["paths"], &mut |object| {
        let Some(Value::Object(responses)) = object.get("responses") else { return };
        let id = &object["operationId"];
        assert!(object["summary"].as_str().is_some_and(|text| !text.is_empty()), "{id}");
        assert_eq!(object.contains_key("security"), responses.contains_key("401"), "{id}");
        for (status, response) in responses {
            let problem = response.pointer("/content/application~1problem+json").is_some();
            assert!(
                status < &"400".to_owned() || problem || object["operationId"] == "head_blob",
                "{id} {status}"
            );
        }
    });
}

#[test]
fn enumerations_are_one_list_of_words() {
    let status = &document()["components"]["schemas"]["Status"];
    let words = status["enum"].as_array().expect("a list");
    assert_eq!(words.len(), 17, "{status}");
    assert!(status["description"].as_str().is_some_and(|text| text.contains("- `failed`: ")), "{status}");
}
