//! The whole page.

use serde_json::Value;

use super::schema::{kind, section};
use super::text::{escaped, line, paragraphs};

const METHODS: [&str; 5] = ["get", "head", "post", "put", "delete"];

/// A method of a path.
struct Entry<'a> {
    path: &'a str,
    method: &'static str,
    operation: &'a Value,
}

pub(super) fn page(document: &Value, style: &str) -> String {
    let entries = entries(document);
    let title = document["info"]["title"].as_str().unwrap_or_default();
    let about = paragraphs(document["info"]["description"].as_str().unwrap_or_default());
    let version = document["info"]["version"].as_str().unwrap_or_default();
    let tags = document["tags"].as_array().into_iter().flatten();
    let (mut menu, mut body) = (String::new(), String::new());
    for tag in tags {
        let name = tag["name"].as_str().unwrap_or_default();
        let ours = entries.iter().filter(|entry| entry.operation["tags"][0] == name);
        body = body + "<h2>" + &escaped(name) + "</h2>";
        body += &paragraphs(tag["description"].as_str().unwrap_or_default());
        for entry in ours {
            menu += &item(entry);
            body += &operation(entry);
        }
    }
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let schemas: String = schemas.map(|(name, schema)| section(name, schema)).collect();
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>{style}</style></head><body><nav><h1>{title} <small>{version}</small></h1>{menu}\
         <a href=\"#schemas\">schemas</a> <a href=\"/openapi.json\">openapi.json</a></nav><main>{about}{body}\
         <h2 id=schemas>schemas</h2><p>Fields with <b>*</b> are always there, or must be given.</p>{schemas}</main></body></html>"
    )
}

fn entries(document: &Value) -> Vec<Entry<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let of_path = |(path, item)| {
        METHODS.into_iter().filter_map(move |method| {
            let operation = Value::get(item, method)?;
            Some(Entry { path: String::as_str(path), method, operation })
        })
    };
    paths.flat_map(of_path).collect()
}

fn item(Entry { path, method, operation }: &Entry<'_>) -> String {
    let id = escaped(operation["operationId"].as_str().unwrap_or_default());
    format!("<a href=\"#{id}\"><b class={method}>{method}</b> {}</a>", escaped(path))
}

fn operation(Entry { path, method, operation }: &Entry<'_>) -> String {
    let id = escaped(operation["operationId"].as_str().unwrap_or_default());
    let summary = line(operation["summary"].as_str().unwrap_or_default());
    let about = paragraphs(operation["description"].as_str().unwrap_or_default());
    let path = escaped(path);
    format!(
        "<section class=operation id=\"{id}\"><h3><b class={method}>{method}</b> {path}</h3><p>{summary}.</p>{about}{}{}{}</section>",
        parameters(operation),
        body(operation),
        answers(operation)
    )
}

fn parameters(operation: &Value) -> String {
    let Some(parameters) = operation["parameters"].as_array() else { return String::new() };
    let rows = parameters.iter().map(|parameter| {
        let text = |key: &str| parameter[key].as_str().unwrap_or_default();
        format!(
            "<tr><td><code>{}</code> <small>{}</small></td><td>{}</td><td>{}</td></tr>",
            escaped(text("name")),
            escaped(text("in")),
            kind(&parameter["schema"]),
            paragraphs(text("description"))
        )
    });
    format!("<h4>parameters</h4><table>{}</table>", rows.collect::<String>())
}

fn body(operation: &Value) -> String {
    let Some(contents) = operation["requestBody"]["content"].as_object() else { return String::new() };
    let about = paragraphs(operation["requestBody"]["description"].as_str().unwrap_or_default());
    let forms = contents.iter().map(|(kind, content)| {
        let examples = content["examples"].as_object().into_iter().flatten();
        let examples = examples.map(|(_, example)| {
            let text = serde_json::to_string_pretty(&example["value"]).unwrap_or_default();
            format!("<pre>{}</pre>", escaped(&text))
        });
        let examples: String = examples.collect();
        format!("<p><code>{}</code> {}</p>{examples}", escaped(kind), of_schema(content))
    });
    format!("<h4>body</h4>{about}{}", forms.collect::<String>())
}

fn answers(operation: &Value) -> String {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let rows = responses.map(|(status, response)| {
        let contents = response["content"].as_object().into_iter().flatten();
        let contents = contents
            .map(|(kind, content)| format!("<code>{}</code> {}<br>", escaped(kind), of_schema(content)));
        let headers = response["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(name, _)| escaped(name)).collect::<Vec<_>>().join(", ");
        let about = paragraphs(response["description"].as_str().unwrap_or_default());
        let contents: String = contents.collect();
        format!(
            "<tr><td><b>{status}</b></td><td>{contents}<small>{headers}</small></td><td>{about}</td></tr>"
        )
    });
    format!("<h4>answers</h4><table>{}</table>", rows.collect::<String>())
}

fn of_schema(content: &Value) -> String {
    content.get("schema").map(kind).unwrap_or_default()
}
