use serde_json::Value;

use super::*;

/// The file that clients are made from.
const CHECKED_IN: &str = include_str!("../../../openapi.json");

fn document() -> Value {
    serde_json::from_str(&openapi_json(Area::ALL)).unwrap()
}

#[test]
fn the_checked_in_description_is_the_current_one() {
    let current = openapi_json(Area::ALL);
    assert!(CHECKED_IN == current, "run: cargo run -q -p bob-tower --example openapi > openapi.json");
}

#[test]
fn every_route_is_described_with_an_answer_and_a_summary() {
    let document = document();
    for route in ROUTES {
        let described = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
        let summary = described["summary"].as_str().unwrap_or_else(|| panic!("{} is not there", route.path));
        assert!(summary.ends_with('.') && summary.len() > 10, "{}: {summary}", route.path);
        let responses = described["responses"].as_object().unwrap();
        let ends_well = responses.keys().any(|status| status.starts_with('2') || status == "303");
        assert!(ends_well, "{} {} never ends well", route.method, route.path);
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = document();
    let mut names = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        names
            .extend(item.as_object().unwrap().values().map(|operation| operation["operationId"].to_string()));
    }
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!((names.len(), all), (all, ROUTES.len()));
}

#[test]
fn every_schema_that_is_named_is_there() {
    fn refs(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str().filter(|_| name == "$ref") {
                        Some(named) => found.push(named.to_owned()),
                        None => refs(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    refs(&document, &mut found);
    assert!(found.len() > ROUTES.len(), "{}", found.len());
    for named in found {
        let pointer = named.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{named}");
    }
}

#[test]
fn an_area_by_itself_describes_itself_only() {
    let chat: Value = serde_json::from_str(&openapi_json(&[Area::Chat])).unwrap();
    assert!(chat["paths"].get("/api/chat").is_some());
    assert!(chat["paths"].get("/api/auth/login").is_none());
}

#[test]
fn what_needs_a_sign_in_says_so() {
    let document = document();
    for route in ROUTES {
        let described = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
        let open = matches!(route.access, crate::route::Access::Open | crate::route::Access::OwnOrigin);
        assert_eq!(described.get("security").is_none(), open, "{}", route.path);
        assert!(open || described["responses"].get("401").is_some(), "{}", route.path);
    }
}
