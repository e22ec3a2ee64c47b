//! The route table, as the API's own description tells it, so that whatever is added there is tested too.

use bob_core::account::Permission;
use bob_tower::{Area, openapi_json};
use serde_json::{Value, json};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Everybody, from everywhere.
    Open,
    /// No pages of other origins.
    OwnOrigin,
    /// Pages on the list of the widget key they send.
    WidgetKey,
    /// People who signed in to Bob.
    SignedIn,
    /// People who hold a permission.
    Holds(Permission),
    /// People of the platform who hold a permission.
    HoldsOnPlatform(Permission),
}

/// One method of one address.
#[derive(Debug, Clone)]
pub struct Route {
    pub method: String,
    pub path: String,
    pub area: String,
    pub rule: Rule,
    pub summary: String,
    /// Whether `business_id` may name a business.
    pub names_business: bool,
    /// A body that its schema takes; `None` when it takes none.
    pub body: Option<Sample>,
}

/// What is sent to a route.
#[derive(Debug, Clone)]
pub enum Sample {
    Json(Value),
    Text { media_type: String },
}

/// All routes.
pub fn table() -> Vec<Route> {
    let document: Value = serde_json::from_str(&openapi_json(Area::ALL)).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                area: operation["tags"][0].as_str().unwrap().to_owned(),
                rule: rule(path, operation),
                summary: operation["summary"].as_str().unwrap().to_owned(),
                names_business: parameters(operation).any(|name| name == "business_id"),
                body: body(&document, operation),
            });
        }
    }
    routes
}

fn parameters(operation: &Value) -> impl Iterator<Item = &str> {
    operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|parameter| parameter["name"].as_str())
}

/// What the description says of who may call; a route about which it says nothing that is known here fails.
fn rule(path: &str, operation: &Value) -> Rule {
    let Some(schemes) = operation["security"].as_array() else {
        let refusals = operation["responses"]["403"]["description"].as_str().unwrap_or_default();
        return if refusals.contains("cross_origin_refused") { Rule::OwnOrigin } else { Rule::Open };
    };
    if schemes.iter().any(|scheme| scheme.get("widget_key").is_some()) {
        return Rule::WidgetKey;
    }
    assert!(schemes.iter().any(|scheme| scheme.get("bearer").is_some()), "{path} names no rule: {schemes:?}");
    let Some(needs) = operation["description"].as_str().filter(|text| text.contains("Needs the permission"))
    else {
        return Rule::SignedIn;
    };
    let named = needs.split('`').nth(1).unwrap_or_default();
    let permission = Permission::ALL.iter().copied().find(|permission| permission.as_str() == named);
    let permission = permission.unwrap_or_else(|| panic!("{path} needs {named}, which is no permission"));
    if needs.contains("on the platform") {
        Rule::HoldsOnPlatform(permission)
    } else {
        Rule::Holds(permission)
    }
}

fn body(document: &Value, operation: &Value) -> Option<Sample> {
    let content = operation["requestBody"]["content"].as_object()?;
    if let Some(json) = content.get("application/json") {
        return Some(Sample::Json(sample(document, &json["schema"], "", 0)));
    }
    Some(Sample::Text { media_type: content.keys().next()?.clone() })
}

/// A value that a schema takes: the required fields and nothing else.
fn sample(document: &Value, schema: &Value, name: &str, depth: u32) -> Value {
    assert!(depth < 20, "the schema has no bottom: {name}");
    if let Some(named) = schema["$ref"].as_str() {
        let schema = document.pointer(named.strip_prefix('#').unwrap()).unwrap();
        return sample(document, schema, name, depth + 1);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let first = choices.iter().find(|choice| choice["type"] != "null").unwrap();
            return sample(document, first, name, depth + 1);
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let kind = kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("object");
    match kind {
        "string" => json!(match (schema["format"].as_str(), name) {
            (Some("uuid"), _) => "01900000-0000-7000-8000-00000000ffff",
            (Some("date-time"), _) => "2027-01-01T00:00:00Z",
            (_, "email") => "somebody@new.example",
            (_, "language") => "en",
            (_, "url") => "https://new.example/page",
            (_, "origin" | "origins") => "https://new.example",
            _ => "sample",
        }),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "array" => json!([sample(document, &schema["items"], name, depth + 1)]),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let fields = required.map(|field| {
                let value = sample(document, &schema["properties"][field], field, depth + 1);
                (field.to_owned(), value)
            });
            Value::Object(fields.collect())
        }
    }
}
