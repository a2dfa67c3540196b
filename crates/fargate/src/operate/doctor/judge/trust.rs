//! Trust policies of roles: whether ECS can take a role for tasks.

use serde_json::Value;

/// Tasks, as conditions of a trust policy see them.
#[derive(Debug)]
pub(super) struct Tasks<'a> {
    pub(super) account: &'a str,
    pub(super) region: &'a str,
}

/// Why ECS cannot take a role with this trust policy for the tasks, if that is sure. One statement that fits is enough.
pub(super) fn distrust(policy: &Value, tasks: &Tasks<'_>) -> Option<String> {
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        one => Vec::from_iter(one),
    };
    let trusting = statements
        .into_iter()
        .filter(|statement| trusts_tasks(statement));
    let mut whys = Vec::new();
    for statement in trusting {
        whys.push(unmet(statement, tasks)?);
    }
    let first = whys.into_iter().next();
    Some(
        first
            .unwrap_or_else(|| "its trust policy does not name ecs-tasks.amazonaws.com".to_owned()),
    )
}

fn trusts_tasks(statement: &Value) -> bool {
    let has = |pointer: &str, wanted: &[&str]| {
        let is_wanted = |one: &Value| one.as_str().is_some_and(|text| wanted.contains(&text));
        match statement.pointer(pointer) {
            Some(Value::Array(list)) => list.iter().any(is_wanted),
            one => one.is_some_and(is_wanted),
        }
    };
    has("/Effect", &["Allow"])
        && has("/Principal/Service", &["ecs-tasks.amazonaws.com"])
        && has("/Action", &["sts:AssumeRole", "sts:*", "*"])
}

/// The first condition of a statement that these tasks surely do not meet, in words.
fn unmet(statement: &Value, tasks: &Tasks<'_>) -> Option<String> {
    let operators = statement.get("Condition").and_then(Value::as_object);
    let mut conditions = operators
        .into_iter()
        .flatten()
        .flat_map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            keys.map(move |(key, wanted)| (operator.as_str(), key.as_str(), wanted))
        });
    conditions.find_map(|(operator, key, wanted)| {
        let wanted: Vec<_> = match wanted {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            one => Vec::from_iter(one.as_str()),
        };
        // The values are alternatives.
        let may_fit = wanted.is_empty()
            || wanted
                .iter()
                .any(|value| may_fit(operator, key, value, tasks));
        (!may_fit).then(|| {
            format!(
                "its trust policy wants {key} {}, and tasks are of {} in {}",
                wanted.join(" or "),
                tasks.account,
                tasks.region
            )
        })
    })
}

/// Whether a condition may let tasks through. What other operators and keys make of them is not known here.
fn may_fit(operator: &str, key: &str, value: &str, tasks: &Tasks<'_>) -> bool {
    let is_judged = matches!(
        operator,
        "StringEquals" | "StringLike" | "ArnEquals" | "ArnLike"
    );
    // A variable of IAM has its value at the call.
    if !is_judged || value.contains("${") {
        return true;
    }
    // ArnEquals takes wildcards as ArnLike does (IAM: ARN condition operators).
    let fits = |pattern: &str, text: &str| match operator {
        "StringEquals" => pattern == text,
        _ => matches(pattern, text),
    };
    match key.to_ascii_lowercase().as_str() {
        "aws:sourceaccount" => fits(value, tasks.account),
        "aws:sourcearn" => {
            let parts: Vec<_> = value.splitn(6, ':').collect();
            match (operator, parts.as_slice()) {
                (_, [_, _, _, region, account, _]) if !is_across_parts(operator, &parts) => {
                    fits(region, tasks.region) && fits(account, tasks.account)
                }
                _ => true,
            }
        }
        _ => true,
    }
}

/// Whether a wildcard before the last part of an ARN may stand for several parts: it may where texts are compared, and
/// not where ARNs are.
fn is_across_parts(operator: &str, parts: &[&str]) -> bool {
    operator == "StringLike" && parts.iter().take(5).any(|part| part.contains('*'))
}

/// Whether a text fits a pattern with `*` for any characters and `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    let mut letters = text.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            matches(rest.as_str(), text)
                || (letters.next().is_some() && matches(pattern, letters.as_str()))
        }
        Some(one) => {
            let is_same = letters
                .next()
                .is_some_and(|letter| one == '?' || one == letter);
            is_same && matches(rest.as_str(), letters.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trusting(condition: &Value) -> Value {
        json!({
            "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole",
            "Condition": condition,
        })
    }

    fn is_sure_to_fail(statements: &Value) -> bool {
        let tasks = Tasks {
            account: "111122223333",
            region: "eu-west-1",
        };
        distrust(&json!({ "Statement": statements }), &tasks).is_some()
    }

    #[test]
    fn only_what_surely_does_not_fit_is_distrust() {
        for (condition, fails) in [
            (json!({}), false),
            (
                json!({ "StringEquals": { "aws:SourceAccount": "111122223333" } }),
                false,
            ),
            (
                json!({ "StringEquals": { "AWS:sourceaccount": "444455556666" } }),
                true,
            ),
            (
                json!({ "StringEquals": { "aws:SourceAccount": ["444455556666", "111122223333"] } }),
                false,
            ),
            (
                json!({ "StringEquals": { "aws:SourceAccount": ["444455556666", "777788889999"] } }),
                true,
            ),
            (
                json!({ "StringEquals": { "aws:SourceAccount": "1111*" } }),
                true,
            ),
            (
                json!({ "StringLike": { "aws:SourceAccount": "1111*" } }),
                false,
            ),
            (
                json!({ "StringLike": { "aws:SourceAccount": "4444????6666" } }),
                true,
            ),
            (
                json!({ "StringNotEquals": { "aws:SourceAccount": "444455556666" } }),
                false,
            ),
            (
                json!({ "ForAnyValue:StringEquals": { "aws:SourceAccount": "444455556666" } }),
                false,
            ),
            (
                json!({ "StringEquals": { "aws:SourceAccount": "${aws:PrincipalAccount}" } }),
                false,
            ),
            (
                json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ecs:eu-*:111122223333:*" } }),
                false,
            ),
            (
                json!({ "ArnEquals": { "aws:SourceArn": "arn:aws:ecs:*:111122223333:*" } }),
                false,
            ),
            (
                json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ecs:us-*:111122223333:*" } }),
                true,
            ),
            (
                json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ecs:*:444455556666:*" } }),
                true,
            ),
            (
                json!({ "StringLike": { "aws:SourceArn": "arn:aws:ecs:*" } }),
                false,
            ),
            (
                json!({ "StringLike": { "aws:SourceArn": "arn:*:task/*:x" } }),
                false,
            ),
            (
                json!({ "StringLike": { "aws:SourceArn": "arn:aws:ecs:us-east-2:111122223333:*" } }),
                true,
            ),
            (
                json!({ "ArnNotLike": { "aws:SourceArn": "arn:aws:ecs:us-east-2:111122223333:*" } }),
                false,
            ),
        ] {
            assert_eq!(
                is_sure_to_fail(&json!([trusting(&condition)])),
                fails,
                "{condition}"
            );
        }
    }

    #[test]
    fn one_statement_that_fits_is_enough() {
        let of =
            |account: &str| trusting(&json!({ "StringEquals": { "aws:SourceAccount": account } }));
        let (own, other) = (of("111122223333"), of("444455556666"));
        assert!(!is_sure_to_fail(&json!([other, own])));
        assert!(!is_sure_to_fail(&json!([own, other])));
        assert!(is_sure_to_fail(&json!([other, other])));
        assert!(is_sure_to_fail(&json!([])));
    }
}
