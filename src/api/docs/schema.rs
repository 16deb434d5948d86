//! A JSON Schema as a table of its fields.

use serde_json::Value;

use super::text::{escaped, line, paragraphs};

/// Facts that are told beside the type, and their words.
const FACTS: [(&str, &str); 10] = [
    ("minimum", "at least"),
    ("maximum", "at most"),
    ("minLength", "characters from"),
    ("maxLength", "characters up to"),
    ("minItems", "entries from"),
    ("maxItems", "entries up to"),
    ("maxProperties", "entries up to"),
    ("pattern", "matches"),
    ("const", "is"),
    ("default", "default"),
];

pub(super) fn section(name: &str, schema: &Value) -> String {
    let name = escaped(name);
    format!("<section class=schema id=\"{name}\"><h3>{name}</h3>{}</section>", body(schema))
}

fn body(schema: &Value) -> String {
    let about = schema["description"].as_str().map(paragraphs).unwrap_or_default();
    let kind =
        if schema.get("properties").is_none() { format!("<p>{}</p>", kind(schema)) } else { String::new() };
    about + &kind + &fields(schema) + &variants(schema)
}

/// Each form of a type that has several, by the word in its `type` or `verdict`.
fn variants(schema: &Value) -> String {
    let forms = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    forms.into_iter().flatten().fold(String::new(), |html, form| {
        let Some(properties) = form["properties"].as_object() else { return html };
        let Some(word) = properties.values().find_map(|field| field["const"].as_str()) else { return html };
        let also =
            form["$ref"].as_str().map(|path| format!("<p>All of {}.</p>", link(path))).unwrap_or_default();
        let about = form["description"].as_str().map(paragraphs).unwrap_or_default();
        html + "<h4><code>" + &escaped(word) + "</code></h4>" + &about + &also + &fields(form)
    })
}

fn fields(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else { return String::new() };
    let required = schema["required"].as_array();
    let rows = properties.iter().fold(String::new(), |rows, (name, field)| {
        let must = required.is_some_and(|names| names.iter().any(|required| required == name));
        let mark = if must { " <b title=required>*</b>" } else { "" };
        let about = field["description"].as_str().map(paragraphs).unwrap_or_default();
        rows + &format!(
            "<tr><td><code>{}</code>{mark}</td><td>{}</td><td>{about}</td></tr>",
            escaped(name),
            kind(field)
        )
    });
    format!("<table>{rows}</table>")
}

/// The type in a few words.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(path) = schema["$ref"].as_str() {
        return link(path);
    }
    if let Some(forms) = schema["anyOf"].as_array() {
        return forms.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words =
            words.iter().map(|word| format!("<code>{}</code>", escaped(&word.to_string().replace('"', ""))));
        return words.collect::<Vec<_>>().join(" ");
    }
    types(schema) + &facts(schema)
}

fn types(schema: &Value) -> String {
    let words: Vec<&str> = match &schema["type"] {
        Value::String(word) => vec![word],
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any JSON"],
    };
    let inner = match words.first() {
        Some(&"array") if schema.get("items").is_some() => format!(" of {}", kind(&schema["items"])),
        Some(&"object") if schema["additionalProperties"].is_object() => {
            format!(" of {}", kind(&schema["additionalProperties"]))
        }
        _ => schema["format"].as_str().map(|format| format!(" ({})", escaped(format))).unwrap_or_default(),
    };
    match words.split_first() {
        Some((first, [])) => format!("{first}{inner}"),
        Some((first, rest)) => format!("{first}{inner} or {}", rest.join(" or ")),
        None => String::new(),
    }
}

fn facts(schema: &Value) -> String {
    let said = FACTS.iter().filter_map(|(key, word)| Some((word, schema.get(*key)?)));
    let said = said.map(|(word, value)| match value {
        Value::String(text) => format!("<br><small>{word} <code>{}</code></small>", escaped(text)),
        value => format!("<br><small>{word} {}</small>", line(&value.to_string())),
    });
    said.collect()
}

fn link(path: &str) -> String {
    let name = escaped(path.rsplit('/').next().unwrap_or(path));
    format!("<a href=\"#{name}\">{name}</a>")
}
