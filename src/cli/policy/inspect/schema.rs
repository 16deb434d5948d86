//! A JSON Schema of settings as a short table. Only what people need to write settings is shown; `--json` has all of it.

use serde_json::{Map, Value};

use crate::policy::table::{plain, table};

/// A schema may refer to itself.
const DEPTH_MAX: usize = 5;
const ROWS_MAX: usize = 200;

pub(super) fn table_of(schema: &Value) -> String {
    let mut settings = Settings { root: schema, rows: vec![] };
    settings.properties("", schema, 0);
    if settings.rows.is_empty() {
        return "settings: none are described\n".into();
    }
    let head = ["SETTING", "TYPE", "DEFAULT", "DESCRIPTION"].map(String::from).to_vec();
    settings.rows.insert(0, head);
    table(&settings.rows)
}

struct Settings<'a> {
    root: &'a Value,
    rows: Vec<Vec<String>>,
}

impl<'a> Settings<'a> {
    /// Those of `schema`, the value at `path`, and of what is in them.
    fn properties(&mut self, path: &str, schema: &'a Value, depth: usize) {
        let schema = self.resolve(schema);
        if depth == DEPTH_MAX {
            return;
        }
        let required =
            |key: &str| schema["required"].as_array().is_some_and(|keys| keys.iter().any(|it| it == key));
        for (key, property) in schema["properties"].as_object().into_iter().flat_map(Map::iter) {
            if self.rows.len() == ROWS_MAX {
                return;
            }
            let path = if path.is_empty() { plain(key) } else { format!("{path}.{}", plain(key)) };
            self.row(&path, property, required(key));
            self.properties(&path, property, depth + 1);
        }
        if schema["items"].is_object() {
            self.properties(&format!("{path}[]"), &schema["items"], depth + 1);
        }
        if schema["additionalProperties"].is_object() {
            self.properties(&format!("{path}.*"), &schema["additionalProperties"], depth + 1);
        }
    }

    fn row(&mut self, path: &str, property: &'a Value, required: bool) {
        let resolved = self.resolve(property);
        // Beside a reference stands what is said about this use of it.
        let own = |key: &str| if property[key].is_null() { &resolved[key] } else { &property[key] };
        let default = match own("default") {
            Value::Null if required => "required".into(),
            Value::Null => "-".into(),
            value => value.to_string(),
        };
        let description = own("description").as_str().unwrap_or_default();
        self.rows.push(vec![
            path.into(),
            plain(&self.kind(resolved, 0)),
            plain(&default),
            plain(description),
        ]);
    }

    fn kind(&self, schema: &Value, depth: usize) -> String {
        let schema = self.resolve(schema);
        if let Some(values) = schema["enum"].as_array() {
            return values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
        }
        match &schema["type"] {
            Value::String(kind) if kind == "array" && schema["items"].is_object() && depth < DEPTH_MAX => {
                format!("array of {}", self.kind(&schema["items"], depth + 1))
            }
            Value::String(kind) => kind.clone(),
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
            _ => "any".into(),
        }
    }

    /// What a `$ref` into this schema points at; one reference deep, as generators write them.
    fn resolve<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        let pointer = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#'));
        pointer.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(schema)
    }
}

#[cfg(test)]
mod tests;
