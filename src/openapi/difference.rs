//! What one document says and another does not.

use serde_json::Value;

/// Every difference, one a line, by its place: `paths./books.get.parameters.limit.schema.maximum: 100, was 50`.
pub fn difference(before: &Value, after: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", before, after, &mut lines);
    lines
}

fn compare(place: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                let place = below(place, name);
                match after.get(name) {
                    Some(now) => compare(&place, value, now, lines),
                    None => lines.push(format!("{place}: is gone")),
                }
            }
            for name in after.keys().filter(|name| !before.contains_key(*name)) {
                lines.push(format!("{}: is new", below(place, name)));
            }
        }
        (Value::Array(before), Value::Array(after)) if named(before) && named(after) => {
            for (name, value) in before.iter().map(|item| (name(item), item)) {
                let place = below(place, &name);
                match after.iter().find(|item| self::name(item) == name) {
                    Some(now) => compare(&place, value, now, lines),
                    None => lines.push(format!("{place}: is gone")),
                }
            }
            let known: Vec<String> = before.iter().map(name).collect();
            for name in after.iter().map(name).filter(|name| !known.contains(name)) {
                lines.push(format!("{}: is new", below(place, &name)));
            }
        }
        _ => lines.push(format!("{place}: {after}, was {before}")),
    }
}

fn below(place: &str, name: &str) -> String {
    match place {
        "" => name.to_owned(),
        place => format!("{place}.{name}"),
    }
}

/// Whether items are parameters, which are known by their names and not by their order.
fn named(items: &[Value]) -> bool {
    items
        .iter()
        .all(|item| item.get("name").is_some() && item.get("in").is_some())
}

fn name(item: &Value) -> String {
    let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
    match text("in") {
        "query" => text("name").to_owned(),
        place => format!("{} (in {place})", text("name")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_named_by_their_places() {
        let before = json!({
            "paths": {
                "/books": {"get": {"parameters": [
                    {"name": "limit", "in": "query", "schema": {"maximum": 50}},
                    {"name": "old", "in": "query", "schema": {}},
                ]}},
                "/gone": {},
            },
            "tags": ["a", "b"],
        });
        let after = json!({
            "paths": {
                "/books": {"get": {"parameters": [
                    {"name": "X-New", "in": "header", "schema": {}},
                    {"name": "limit", "in": "query", "schema": {"maximum": 100}},
                ]}},
                "/new": {},
            },
            "tags": ["b"],
        });
        assert_eq!(
            difference(&before, &after),
            [
                "paths./books.get.parameters.limit.schema.maximum: 100, was 50",
                "paths./books.get.parameters.old: is gone",
                "paths./books.get.parameters.X-New (in header): is new",
                "paths./gone: is gone",
                "paths./new: is new",
                "tags: [\"b\"], was [\"a\",\"b\"]",
            ]
        );
        assert!(difference(&before, &before).is_empty());
    }
}
