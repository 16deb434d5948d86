//! The JSON Schemas of all types on the wire, each under its own name.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use utoipa::openapi::Ref;

/// What is taken may leave out more than what is answered, so there is a generator for each.
pub(super) struct Schemas {
    taken: SchemaGenerator,
    answered: SchemaGenerator,
}

/// How a type comes among the schemas: [`SchemaGenerator::subschema_for`].
pub(super) type Register = fn(&mut SchemaGenerator) -> Schema;

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = "/components/schemas".into())
        };
        Self {
            taken: settings().for_deserialize().into_generator(),
            answered: settings().for_serialize().into_generator(),
        }
    }

    pub(super) fn take(&mut self, register: Register) -> Ref {
        reference(&register(&mut self.taken))
    }

    pub(super) fn answer(&mut self, register: Register) -> Ref {
        reference(&register(&mut self.answered))
    }

    /// By name.
    pub(super) fn finish(mut self) -> Value {
        let mut all = self.answered.take_definitions(false);
        all.append(&mut self.taken.take_definitions(false));
        all.into_iter().map(|(name, schema)| (name, plain(schema))).collect::<Map<_, _>>().into()
    }

    /// Names that mean one thing where they are taken and another where they are answered.
    #[cfg(test)]
    pub(super) fn in_doubt(mut self) -> Vec<String> {
        let (taken, answered) = (self.taken.take_definitions(false), self.answered.take_definitions(false));
        let same = |name: &String, schema: &Value| {
            taken.get(name).is_none_or(|t| plain(t.clone()) == plain(schema.clone()))
        };
        answered.iter().filter(|(name, schema)| !same(name, schema)).map(|(name, _)| name.clone()).collect()
    }
}

fn reference(schema: &Schema) -> Ref {
    Ref::new(schema.get("$ref").and_then(Value::as_str).unwrap_or_default())
}

/// The parameters of a query, by name: the fields of the type that it is read into.
pub(super) fn parameters<T: JsonSchema>() -> BTreeMap<String, Value> {
    let settings =
        SchemaSettings::draft2020_12().for_deserialize().with(|settings| settings.inline_subschemas = true);
    let mut root = settings.into_generator().into_root_schema_for::<T>();
    let Some(Value::Object(properties)) = root.remove("properties") else { return BTreeMap::new() };
    properties.into_iter().map(|(name, schema)| (name, given(plain(schema)))).collect()
}

/// A parameter is there or left out, and never `null`.
fn given(mut schema: Value) -> Value {
    if let Some(Value::Array(kinds)) = schema.get("type") {
        let kind = kinds.iter().find(|kind| *kind != "null").cloned();
        schema["type"] = kind.unwrap_or_default();
    }
    schema
}

pub(super) fn plain(schema: Value) -> Value {
    match Schema::try_from(schema) {
        Ok(mut schema) => {
            Plain.transform(&mut schema);
            schema.to_value()
        }
        Err(_) => Value::Bool(true),
    }
}

/// Takes away what is true of Rust and not of the wire.
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        words(schema);
        if schema.get("default").is_some_and(|default| !worth_saying(default)) {
            schema.remove("default");
        }
        if let Some(Value::String(text)) = schema.get_mut("description") {
            // Lines of a comment, and links that only rustdoc follows.
            *text = text
                .replace("[`", "`")
                .replace("`]", "`")
                .replace("\n\n", "\0")
                .replace('\n', " ")
                .replace('\0', "\n\n");
        }
    }
}

/// That a field may be left out is known from `required`.
fn worth_saying(default: &Value) -> bool {
    match default {
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// An enumeration of words is one `enum`, whether or not its words are explained.
fn words(schema: &mut Schema) {
    let Some(Value::Array(parts)) = schema.get("oneOf") else { return };
    let told = |part: &Value| {
        let one = part.get("const").map(|word| vec![word.clone()]);
        let words = one.or_else(|| part.get("enum")?.as_array().cloned())?;
        let about = part.get("description").and_then(Value::as_str).map(str::to_owned);
        (part.get("type")? == "string").then_some((words, about))
    };
    let Some(parts) = parts.iter().map(told).collect::<Option<Vec<_>>>() else { return };
    let explained = parts.iter().filter_map(|(words, about)| {
        Some(format!("- `{}`: {}", words.first()?.as_str()?, about.as_ref()?.replace('\n', " ")))
    });
    let list = explained.collect::<Vec<_>>().join("\n\n");
    let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let about = [about, &list].join("\n\n").trim().to_owned();
    let words: Vec<Value> = parts.into_iter().flat_map(|(words, _)| words).collect();
    schema.remove("oneOf");
    schema.insert("type".into(), "string".into());
    schema.insert("enum".into(), words.into());
    schema.insert("description".into(), json!(about));
}
