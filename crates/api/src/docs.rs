//! The description of the API as a page to read, made from the same document. What is served is `docs.html`, which a test holds
//! against this. It needs nothing from elsewhere, and no script.

use std::fmt::Write;

use serde_json::{Map, Value};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#222;background:#fff}\
code{font-size:.9em;background:#f2f2f2;padding:0 .2em}h2{border-bottom:1px solid #ccc;margin-top:2.5em}h3{margin-top:2em}\
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3em .6em;text-align:left;vertical-align:top}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#191919}code{background:#333}a{color:#8ab4f8}}";

/// The page of a document.
pub fn page(document: &Value) -> String {
    let mut page = Page(String::new());
    let title = format!("{} {}", said(document, "/info/title"), said(document, "/info/version"));
    page.write(&format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{0}</h1>\n<p>{1} The same for programs: <a href=\"/openapi.json\">/openapi.json</a> (OpenAPI 3.1).</p>\n",
        escaped(&title),
        escaped(said(document, "/info/summary")),
    ));
    let operations: Vec<_> = operations(document).collect();
    page.write("<h2>Operations</h2>\n<ul>\n");
    for (path, method, operation) in &operations {
        let id = escaped(said(operation, "/operationId"));
        let call = escaped(&format!("{method} {path}"));
        let words = prose(said(operation, "/summary"));
        page.write(&format!("<li><a href=\"#{id}\"><code>{call}</code></a> {words}</li>\n"));
    }
    page.write("</ul>\n");
    for (path, method, operation) in &operations {
        page.operation(path, method, operation);
    }
    page.write("<h2>Documents</h2>\n");
    for (name, schema) in members(document, "/components/schemas") {
        page.schema(name, schema);
    }
    page.write("</body>\n</html>\n");
    page.0
}

struct Page(String);

impl Page {
    fn write(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn operation(&mut self, path: &str, method: &str, operation: &Value) {
        let id = escaped(said(operation, "/operationId"));
        let call = escaped(&format!("{method} {path}"));
        let words = prose(said(operation, "/summary"));
        let who = match said(operation, "/x-scope") {
            "" => "Needs no token.".to_owned(),
            scope => format!("Needs a token with the scope <code>{}</code>.", escaped(scope)),
        };
        self.write(&format!("<h3 id=\"{id}\"><code>{call}</code></h3>\n<p>{words} {who}</p>\n"));
        self.table(
            &["Parameter", "in", "is", ""],
            items(operation, "/parameters").iter().map(|parameter| {
                let place = said(parameter, "/in");
                [
                    format!("<code>{}</code>", escaped(said(parameter, "/name"))),
                    escaped(place),
                    form(parameter.get("schema")),
                    prose(said(parameter, "/description")),
                ]
            }),
        );
        self.table(
            &["Body", "is"],
            members(operation, "/requestBody/content").map(|(media, content)| {
                [format!("<code>{}</code>", escaped(media)), form(content.get("schema"))]
            }),
        );
        self.table(
            &["Status", "means", "body"],
            members(operation, "/responses").map(|(status, response)| {
                let (means, body) = match said(response, "/$ref").rsplit_once('/') {
                    Some((_, kind)) => (format!("<code>{}</code>", escaped(kind)), link("Problem")),
                    None => {
                        let body = members(response, "/content")
                            .map(|(_, content)| form(content.get("schema")))
                            .collect();
                        ("It is carried out.".to_owned(), body)
                    }
                };
                [escaped(status), means, body]
            }),
        );
    }

    fn schema(&mut self, name: &str, schema: &Value) {
        let words = prose(said(schema, "/description"));
        self.write(&format!("<h3 id=\"schema-{0}\">{0}</h3>\n<p>{words}</p>\n", escaped(name)));
        if schema.get("properties").is_none() {
            self.write(&format!("<p>{}</p>\n", form(Some(schema))));
            return;
        }
        let required = items(schema, "/required");
        self.table(
            &["Member", "is", ""],
            members(schema, "/properties").map(|(member, schema)| {
                let must = required.iter().any(|name| name == member);
                [
                    format!("<code>{}</code>{}", escaped(member), if must { "" } else { "?" }),
                    form(Some(schema)),
                    prose(said(schema, "/description")),
                ]
            }),
        );
    }

    /// A table; none where it has no rows.
    fn table<const N: usize>(&mut self, heads: &[&str; N], rows: impl Iterator<Item = [String; N]>) {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return;
        }
        let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
        self.write(&format!("<table>\n<tr>{heads}</tr>\n"));
        for row in rows {
            let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
            self.write(&format!("<tr>{cells}</tr>\n"));
        }
        self.write("</table>\n");
    }
}

/// What a schema asks for, in a few words.
fn form(schema: Option<&Value>) -> String {
    let Some(schema) = schema else { return String::new() };
    if let Some((_, name)) = said(schema, "/$ref").rsplit_once('/') {
        return link(name);
    }
    let either: Vec<String> =
        ["/anyOf", "/oneOf"].iter().flat_map(|of| items(schema, of)).map(|one| form(Some(one))).collect();
    if !either.is_empty() {
        return either.join(" or ");
    }
    let words: Vec<String> = match schema.get("const") {
        Some(only) => vec![only.clone()],
        None => items(schema, "/enum").to_vec(),
    }
    .iter()
    .map(|word| format!("<code>{}</code>", escaped(word.as_str().unwrap_or_default())))
    .collect();
    if !words.is_empty() {
        return words.join(", ");
    }
    let mut form = escaped(&match schema.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        kind => kind.and_then(Value::as_str).unwrap_or("object").to_owned(),
    });
    if let Some(items) = schema.get("items") {
        let _ = write!(form, " of {}", self::form(Some(items)));
    }
    for (name, word) in [
        ("format", ""),
        ("minLength", "from "),
        ("maxLength", "to "),
        ("minimum", "from "),
        ("maximum", "to "),
        ("maxItems", "at most "),
    ] {
        match schema.get(name) {
            Some(Value::String(value)) => drop(write!(form, ", {word}{}", escaped(value))),
            Some(value) => drop(write!(form, ", {word}{value}")),
            None => {}
        }
    }
    form
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, String, &Value)> {
    members(document, "/paths").flat_map(|(path, methods)| {
        members(methods, "").map(move |(method, operation)| (path, method.to_uppercase(), operation))
    })
}

fn link(name: &str) -> String {
    format!("<a href=\"#schema-{0}\">{0}</a>", escaped(name))
}

/// Words in which what stands between backticks is code.
fn prose(words: &str) -> String {
    let parts = words.split('`').map(escaped).enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part }).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn said<'d>(document: &'d Value, pointer: &str) -> &'d str {
    let place = document.pointer(pointer);
    place.and_then(Value::as_str).unwrap_or_default()
}

fn items<'d>(document: &'d Value, pointer: &str) -> &'d [Value] {
    document.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn members<'d>(document: &'d Value, pointer: &str) -> impl Iterator<Item = (&'d str, &'d Value)> {
    let object = document.pointer(pointer).and_then(Value::as_object);
    object.into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_is_described_becomes_markup() {
        let evil = "<script>\"&";
        let document = json!({
            "info": { "title": evil, "summary": evil },
            "paths": { evil: { "get": {
                "operationId": evil, "summary": evil,
                "parameters": [{ "name": evil, "in": evil, "description": evil, "schema": { "enum": [evil] } }],
                "requestBody": { "content": { evil: { "schema": { "type": evil, "format": evil } } } },
                "responses": { evil: { "$ref": format!("#/{evil}") } },
            } } },
            "components": { "schemas": { evil: { "properties": { evil: { "$ref": format!("#/{evil}") } } } } },
        });
        let page = page(&document);
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;&quot;&amp;").count(), 23, "{page}");
    }

    #[test]
    fn what_is_asked_for_is_said_in_a_few_words() {
        for (schema, words) in [
            (json!({ "type": "string", "minLength": 1, "maxLength": 5 }), "string, from 1, to 5"),
            (json!({ "type": ["integer", "null"], "minimum": 0 }), "integer or null, from 0"),
            (
                json!({ "type": "array", "maxItems": 2, "items": { "$ref": "#/a/Due" } }),
                "array of <a href=\"#schema-Due\">Due</a>, at most 2",
            ),
            (json!({ "anyOf": [{ "const": "a" }, { "type": "null" }] }), "<code>a</code> or null"),
        ] {
            assert_eq!(form(Some(&schema)), words);
        }
        assert_eq!(prose("needs `a < b`, and more"), "needs <code>a &lt; b</code>, and more");
    }
}
