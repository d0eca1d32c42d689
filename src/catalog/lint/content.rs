//! Whether the patterns, the values and the names within a case make sense.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Located;
use crate::catalog::{Action, Case, Problem, Step};
use crate::condition::IDENTITY;
use crate::judge::pattern;
use crate::value;

/// The variables that are there without being saved.
const GIVEN_VARIABLES: [&str; 10] = [
    "revision",
    "session",
    "url",
    "endpoint",
    "path",
    "path-with-token",
    "tool",
    "arguments",
    "resource",
    "prompt",
];

/// The fields of a step that hold patterns, and those that hold what is sent. `tolerate` has its own names.
const PATTERNS: [&str; 10] = [
    "expect",
    "expect_status",
    "expect_headers",
    "expect_body",
    "expect_notifications",
    "given",
    "given_notifications",
    "until",
    "hear",
    "quiet",
];
const TOLERATED: [&str; 4] = ["answer", "status", "headers", "notifications"];
const VALUES: [&str; 5] = ["send", "params", "headers", "result", "error"];

/// Everything wrong within one case.
pub(super) fn problems(case: &Located<'_, Case>) -> Vec<Problem> {
    let mut walk = Walk {
        case,
        saved: BTreeSet::new(),
        started: BTreeSet::new(),
        problems: Vec::new(),
    };
    walk.value("/client", &Value::Object(case.item.client.clone()));
    for (index, step) in case.item.steps.iter().enumerate() {
        walk.step(&format!("/steps/{index}"), step);
    }
    walk.problems
}

struct Walk<'a> {
    case: &'a Located<'a, Case>,
    saved: BTreeSet<String>,
    started: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn report(&mut self, pointer: &str, message: String) {
        self.problems.push(self.case.problem(pointer, message));
    }

    fn step(&mut self, pointer: &str, step: &Step) {
        if let Action::Together(steps) = &step.action {
            let steps = || {
                let inner = steps.iter().enumerate();
                inner.map(|(index, step)| (format!("{pointer}/together/{index}"), step))
            };
            // All is sent before anything is saved.
            steps().for_each(|(pointer, step)| self.sends(&pointer, step));
            steps().for_each(|(pointer, step)| self.expects(&pointer, step));
            return;
        }
        self.sends(pointer, step);
        self.expects(pointer, step);
    }

    fn sends(&mut self, pointer: &str, step: &Step) {
        self.names(pointer, &step.action);
        if let Some(name) = &step.identity {
            let need = format!("{IDENTITY}{name}");
            if !self.case.item.needs.contains(&need) {
                let message = format!("the case does not say that it needs {need}");
                self.report(&format!("{pointer}/as"), message);
            }
        }
        // The written form has one field per pattern and value, under the name that the author knows.
        let Ok(written) = serde_json::to_value(step) else {
            return self.report(pointer, "the step cannot be written as JSON".to_owned());
        };
        for field in VALUES {
            self.optional(pointer, field, &written, Self::value);
        }
        self.optional(pointer, "bytes", &written, Self::bytes);
        let http = format!("{pointer}/http");
        for field in ["path", "headers"] {
            self.optional(&http, field, &written["http"], Self::value);
        }
        self.optional(&http, "body", &written["http"], Self::bytes);
    }

    fn expects(&mut self, pointer: &str, step: &Step) {
        let Ok(written) = serde_json::to_value(step) else {
            return;
        };
        self.optional(pointer, "given", &written, Self::pattern);
        self.saved.extend(step.expect.save.keys().cloned());
        for field in PATTERNS.into_iter().filter(|field| *field != "given") {
            self.optional(pointer, field, &written, Self::pattern);
        }
        for (index, tolerance) in step.expect.tolerate.iter().enumerate() {
            let pointer = format!("{pointer}/tolerate/{index}");
            for field in TOLERATED {
                self.optional(&pointer, field, &written["tolerate"][index], Self::pattern);
            }
            self.cites(&pointer, tolerance.requirement.as_ref());
        }
        self.cites(pointer, step.expect.requirement.as_ref());
    }

    fn names(&mut self, pointer: &str, action: &Action) {
        match action {
            Action::Start { name, .. } => {
                self.started.insert(name.clone());
            }
            Action::Await { name, .. } | Action::Cancel { name }
                if !self.started.contains(name) =>
            {
                self.report(pointer, format!("no step before this one starts {name:?}"));
            }
            _ => {}
        }
    }

    fn cites(&mut self, pointer: &str, requirement: Option<&String>) {
        let unknown = requirement.filter(|id| !self.case.item.requirements.contains(id));
        if let Some(id) = unknown {
            let message = format!("{id:?} is not among the requirements of the case");
            self.report(&format!("{pointer}/requirement"), message);
        }
    }

    fn optional(
        &mut self,
        pointer: &str,
        field: &str,
        holder: &Value,
        look: fn(&mut Self, &str, &Value),
    ) {
        if let Some(value) = holder.get(field) {
            look(self, &format!("{pointer}/{field}"), value);
        }
    }

    fn pattern(&mut self, pointer: &str, pattern: &Value) {
        if let Err(error) = pattern::check(pattern) {
            self.report(&format!("{pointer}{}", error.pointer), error.message);
        }
        self.variables(pointer, pattern);
    }

    fn value(&mut self, pointer: &str, value: &Value) {
        self.sent(pointer, value, value::check(value));
    }

    fn bytes(&mut self, pointer: &str, bytes: &Value) {
        self.sent(pointer, bytes, value::check_bytes(bytes));
    }

    fn sent(&mut self, pointer: &str, value: &Value, checked: Result<(), value::ValueError>) {
        if let Err(error) = checked {
            self.report(&format!("{pointer}{}", error.pointer), error.message);
        }
        self.variables(pointer, value);
    }

    /// Every `$var` must have been saved by an earlier step, or be given.
    fn variables(&mut self, pointer: &str, value: &Value) {
        match value {
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    self.variables(&format!("{pointer}/{index}"), value);
                }
            }
            Value::Object(object) if object.len() == 1 && object.contains_key("$literal") => {}
            Value::Object(object) => {
                if let (1, Some(Value::String(name))) = (object.len(), object.get("$var"))
                    && !GIVEN_VARIABLES.contains(&name.as_str())
                    && !self.saved.contains(name)
                {
                    self.report(pointer, format!("no step before this one saves {name:?}"));
                }
                for (name, value) in object {
                    let token = name.replace('~', "~0").replace('/', "~1");
                    self.variables(&format!("{pointer}/{token}"), value);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::load::{Kind, SourceFile};

    fn problems_of(steps: &str) -> Vec<String> {
        let file = SourceFile {
            name: "tools.json".into(),
            kind: Kind::Cases,
            text: "".into(),
        };
        let case = format!(
            r#"{{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "steps": {steps} }}"#
        );
        let case = Located {
            file: &file,
            index: 0,
            item: serde_json::from_str(&case).unwrap(),
        };
        problems(&case).iter().map(Problem::to_string).collect()
    }

    #[test]
    fn patterns_and_names_are_looked_up() {
        let table = [
            (
                r#"[{ "request": "x", "save": { "a": "/result" }, "expect": { "result": { "$var": "a" } } }]"#,
                "",
            ),
            (
                r#"[{ "request": "x", "params": { "a/b": { "$var": "b" } } }]"#,
                "/0/steps/0/params/a~1b: no step before",
            ),
            (
                r#"[{ "request": "x", "params": { "$literal": { "$var": "b" } } }]"#,
                "",
            ),
            (
                r#"[{ "request": "x", "expect": { "$regex": "(" } }]"#,
                "/0/steps/0/expect/$regex: ",
            ),
            (
                r#"[{ "alive": true }, { "await": "x" }]"#,
                "/0/steps/1: no step before this one starts \"x\"",
            ),
            (
                r#"[{ "request": "x", "start": "x" }, { "cancel": "x" }]"#,
                "",
            ),
            (r#"[{ "bytes": { "$base64": "AA==" } }]"#, ""),
            (
                r#"[{ "bytes": { "$base64": "?" } }]"#,
                "/0/steps/0/bytes/$base64: ",
            ),
            (
                r#"[{ "send": { "$base64": "AA==" } }]"#,
                "/0/steps/0/send: there is no directive",
            ),
            (
                r#"[{ "request": "x", "requirement": "tools/two" }]"#,
                "/0/steps/0/requirement: \"tools/two\" is not",
            ),
            (
                r#"[{ "request": "x", "as": "expired" }]"#,
                "/0/steps/0/as: the case does not say that it needs identity:expired",
            ),
            (
                r#"[{ "together": [{ "request": "x" },
                    { "request": "x", "tolerate": [{ "why": "w", "answer": { "$regex": "(" } }] }] }]"#,
                "/0/steps/0/together/1/tolerate/0/answer/$regex: ",
            ),
            (
                r#"[{ "together": [{ "request": "x", "save": { "a": "/result" } },
                    { "send": { "$var": "a" } }] }]"#,
                "/0/steps/0/together/1/send: no step before this one saves",
            ),
            (
                r#"[{ "together": [{ "request": "x", "save": { "a": "/result" } },
                    { "request": "x", "expect": { "$var": "a" } }] }]"#,
                "",
            ),
        ];
        for (steps, expected) in table {
            let found = problems_of(steps);
            match expected {
                "" => assert_eq!(found, Vec::<String>::new()),
                _ => assert!(
                    found.len() == 1 && found[0].contains(expected),
                    "{expected}\n{found:#?}"
                ),
            }
        }
    }
}
