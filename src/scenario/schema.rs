//! JSON Schemas (draft 2020-12) of scenarios and ensembles, for editors.
//!
//! They are made from the catalogues of both formats and say what those say: structure, words, units. What refers to
//! what is checked by `dmsim check` only.

use std::collections::BTreeMap;

use serde_json::{Map as Object, Value, json};

use super::format::SCENARIO;
use crate::dms::ensemble::format::ENSEMBLE;
use crate::dms::ensemble::shape::{Key, Map, Quantity, Shape};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
const HOST_NAME: &str = "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$";

/// The schema of scenario files.
#[must_use]
pub fn of_scenarios() -> Value {
    schema("dmsim scenario", &SCENARIO)
}

/// The schema of ensemble files. Unknown keys are refused inside, where DMS would ignore them in silence; at the top
/// they hold anchors.
#[must_use]
pub fn of_ensembles() -> Value {
    schema("DMS ensemble", &ENSEMBLE)
}

fn schema(title: &str, map: &'static Map) -> Value {
    let mut definitions = Definitions::default();
    let mut root = definitions.map(map);
    let mut add =
        |key: &str, value: Value| root.as_object_mut().map(|object| object.insert(key.into(), value));
    add("$schema", DRAFT.into());
    add("title", title.into());
    add("$defs", definitions.done.into_iter().collect::<Object<String, Value>>().into());
    root
}

/// Maps that were met, each described once under `$defs`.
#[derive(Default)]
struct Definitions {
    done: BTreeMap<String, Value>,
    names: Vec<(*const Map, String)>,
}

impl Definitions {
    /// A reference to a map's definition, which is made when it is met first.
    fn reference(&mut self, map: &'static Map) -> Value {
        let known = self.names.iter().find(|(own, _)| std::ptr::eq(*own, map)).map(|(_, name)| name.clone());
        let name = known.unwrap_or_else(|| {
            let name = self.unused(map.what);
            // Noted before it is described: a supervisor has supervisors.
            self.names.push((map, name.clone()));
            let described = self.map(map);
            self.done.insert(name.clone(), described);
            name
        });
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    fn unused(&self, what: &str) -> String {
        let article = what.strip_prefix("a ").or_else(|| what.strip_prefix("an ")).unwrap_or(what);
        let plain: String = article.replace(' ', "_").chars().filter(|c| *c != '`').collect();
        let taken = |name: &String| self.names.iter().any(|(_, own)| own == name);
        let mut candidates =
            std::iter::once(plain.clone()).chain((2..).map(|number| format!("{plain}_{number}")));
        candidates.find(|name| !taken(name)).unwrap_or(plain)
    }

    fn map(&mut self, map: &'static Map) -> Value {
        let properties: Object<String, Value> =
            map.keys.iter().map(|key| (key.name.to_owned(), self.key(key))).collect();
        let required: Vec<&str> = map.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
        let mut object = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        if !map.open {
            object["additionalProperties"] = json!(false);
        }
        for (key, other) in map.needs {
            object["dependentRequired"][key] = json!([other]);
        }
        if map.one_of.is_empty() {
            return object;
        }
        if map.one_of.len() == map.keys.len() {
            object["minProperties"] = json!(1);
            object["maxProperties"] = json!(1);
        } else {
            object["oneOf"] = map.one_of.iter().map(|key| json!({ "required": [key] })).collect();
        }
        object
    }

    fn key(&mut self, key: &'static Key) -> Value {
        let mut value = self.shape(key.shape);
        let default = key.default.map_or(String::new(), |default| format!(" (default: {default})"));
        value["description"] = json!(format!("{}{default}", key.about));
        value
    }

    fn shape(&mut self, shape: Shape) -> Value {
        match shape {
            Shape::Text => json!({ "type": "string" }),
            Shape::Filled => json!({ "type": "string", "minLength": 1 }),
            Shape::Matching(pattern) => json!({ "type": "string", "pattern": pattern }),
            Shape::Words(words) => json!({ "enum": words }),
            Shape::Nothing => json!({ "type": "null" }),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::Whole(low, i64::MAX) => json!({ "type": "integer", "minimum": low }),
            Shape::Whole(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
            Shape::Number => json!({ "type": "number" }),
            Shape::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
            Shape::Positive => json!({ "type": "number", "exclusiveMinimum": 0 }),
            Shape::Scalar => json!({ "type": ["string", "number", "boolean", "null"] }),
            Shape::Quantity(quantity) => json!({ "type": "string", "pattern": pattern(&quantity) }),
            Shape::List(item) => json!({ "type": "array", "items": self.shape(*item) }),
            Shape::FilledList(item) => json!({ "type": "array", "items": self.shape(*item), "minItems": 1 }),
            Shape::ListOf(length, item) => {
                json!({ "type": "array", "items": self.shape(*item), "minItems": length, "maxItems": length })
            }
            Shape::Named(item) => json!({ "type": "object", "additionalProperties": self.shape(*item) }),
            Shape::Hosts(item) => json!({
                "type": "object",
                "propertyNames": { "pattern": HOST_NAME },
                "additionalProperties": self.shape(*item),
                "minProperties": 1,
            }),
            Shape::Map(map) => self.reference(map),
            Shape::Tagged(tag, maps) => self.tagged(tag, maps),
            Shape::Either(shapes) => {
                json!({ "anyOf": shapes.iter().map(|shape| self.shape(*shape)).collect::<Vec<_>>() })
            }
        }
    }

    /// A map that is described by the word under one of its keys. The word `null` may be a real null.
    fn tagged(&mut self, tag: &str, maps: &'static [(&'static str, &'static Map)]) -> Value {
        let words = |word: &str| if word == "null" { json!([word, null]) } else { json!([word]) };
        let mut all: Vec<Value> = maps.iter().map(|(word, _)| json!(word)).collect();
        if maps.iter().any(|(word, _)| *word == "null") {
            all.push(Value::Null);
        }
        let cases: Vec<Value> = maps
            .iter()
            .map(|(word, map)| {
                let condition = json!({ "properties": { tag: { "enum": words(word) } }, "required": [tag] });
                json!({ "if": condition, "then": self.reference(map) })
            })
            .collect();
        json!({
            "type": "object",
            "properties": { tag: { "enum": all } },
            "required": [tag],
            "allOf": cases,
        })
    }
}

/// The regular expression of a number with a unit.
fn pattern(quantity: &Quantity) -> String {
    let mut units: Vec<String> = Vec::new();
    for (name, _) in quantity.units {
        let mut forms = vec![(*name).to_owned()];
        if quantity.any_case && name.len() > 1 {
            forms.extend([name.to_lowercase(), name.to_uppercase()]);
        }
        for form in forms {
            let form = form.replace('/', "\\/");
            if !units.contains(&form) {
                units.push(form);
            }
        }
    }
    let number = "\\+?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?";
    let optional = if quantity.bare { "?" } else { "" };
    let one = format!("{number}\\s*({}){optional}\\s*", units.join("|"));
    let repeat = if quantity.repeated { "+" } else { "" };
    format!("^\\s*({one}){repeat}$")
}

#[cfg(test)]
mod tests;
