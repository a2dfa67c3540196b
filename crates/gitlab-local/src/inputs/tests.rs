//! Headers, values and blocks. The expectations are those of GitLab's documentation and of its specs.

mod access;

use super::*;
use crate::inputs::block::{Found, find};
use crate::variables::Variable;
use crate::yaml::{Value, documents};

const NO_RULES: fn(&str, &Variables) -> Result<bool, String> = |_, _| Ok(false);

fn read(text: &str) -> Vec<Node> {
    documents(&"ci.yml".into(), text).unwrap()
}

/// The content after `header`, both as text, with the inputs `given`.
fn put_in(header: &str, content: &str, given: &str) -> Result<Node, InputError> {
    let file = read(&format!("spec:\n  inputs: {header}\n---\n{content}\n"));
    let given = (!given.is_empty()).then(|| read(given).remove(0));
    let mut variables = Variables::default();
    variables.extend([
        Variable::new("CI_PROJECT_NAME", "shop"),
        Variable::new("NESTED", "$CI_PROJECT_NAME"),
    ]);
    interpolated(&file[0], &file[1], given.as_ref(), &variables, &NO_RULES)
}

fn value(header: &str, content: &str, given: &str) -> Value {
    let node = put_in(header, &format!("v: {content}"), given).unwrap();
    node.as_map().unwrap().get("v").unwrap().value.clone()
}

fn fault(header: &str, content: &str, given: &str) -> String {
    put_in(header, content, given).unwrap_err().fault
}

fn plain(yaml: &str) -> Value {
    let document = read(&format!("v: {yaml}")).remove(0);
    document.as_map().unwrap().get("v").unwrap().value.clone()
}

#[test]
fn values_keep_their_types_where_they_stand_alone() {
    let header = "{s: {default: x}, n: {type: number, default: 8}, b: {type: boolean, default: true}, a: {type: array, default: [{if: $CI}, y]}}";
    for (content, expected) in [
        ("$[[ inputs.s ]]", "x"),
        ("$[[inputs.n]]", "8"),
        ("$[[   inputs.b   ]]", "true"),
        ("$[[ inputs.a ]]", "[{if: $CI}, y]"),
        ("[a, '$[[ inputs.a ]]', b]", "[a, {if: $CI}, y, b]"),
        ("' $[[ inputs.n ]]'", "' 8'"),
        (
            "$[[ inputs.s ]]-$[[ inputs.n ]]-$[[ inputs.b ]]",
            "x-8-true",
        ),
        (
            "{'$[[ inputs.s ]]:$[[ inputs.n ]]': {'$[[ inputs.s ]]': 1}}",
            "{'x:8': {x: 1}}",
        ),
        ("'$[[ ]] $[[ inputs.s'", "'$[[ ]] $[[ inputs.s'"),
        (
            "!reference ['$[[ inputs.s ]]']",
            "!reference ['$[[ inputs.s ]]']",
        ),
    ] {
        assert_eq!(value(header, content, ""), plain(expected), "{content}");
    }
}

#[test]
fn given_values_win_over_defaults() {
    let header =
        "{env: {default: test, options: [test, prod]}, job: , n: {type: number, default: 1}}";
    let content = "'$[[ inputs.env ]] $[[ inputs.job ]] $[[ inputs.n ]]'";
    assert_eq!(
        value(header, content, "{env: prod, job: x}"),
        plain("prod x 1")
    );
    assert_eq!(
        value(header, content, "{job: x, n: 2.5}"),
        plain("test x 2.5")
    );
}

#[test]
fn a_value_that_is_missing_or_does_not_fit_is_told_in_gitlabs_words() {
    for (header, given, expected) in [
        (
            "{a: }",
            "",
            "`a` input: required value has not been provided",
        ),
        (
            "{a: {description: x}}",
            "{a: }",
            "`a` input: required value has not been provided",
        ),
        (
            "{a: {type: number, default: }}",
            "",
            "`a` input: default value is not a number",
        ),
        (
            "{a: {type: number}}",
            "{a: 1x}",
            "`a` input: provided value is not a number",
        ),
        ("{a: }", "[a]", "Given inputs must be a hash"),
        (
            "{a: {options: [x, ~]}}",
            "",
            "header:spec:inputs:a config options array cannot contain null values",
        ),
        (
            "{a: {options: [x], rules: []}}",
            "",
            "header:spec:inputs:a config please use only one of the following keys: rules, options",
        ),
        (
            "{a: {rules: [{if: '$[[ inputs.b ]] == null', default: x}]}}",
            "",
            "`a` input: rule[0] references undefined inputs: b",
        ),
        (
            "{a: {rules: [{if: x}]}}",
            "",
            "`a` input: rule with 'if' must define 'options' or 'default'",
        ),
        (
            "{a: {rules: [{default: x}]}}",
            "",
            "`a` input: fallback rule must define 'options'",
        ),
        (
            "{a: {rules: [{when: x}]}}",
            "",
            "header:spec:inputs:a:rules:rule config contains unknown keys: when",
        ),
        (
            "{a: {type: boolean}}",
            "{a: yep}",
            "`a` input: provided value is not a boolean",
        ),
        (
            "{a: {type: array}}",
            "{a: x}",
            "`a` input: provided value is not an array",
        ),
        (
            "{a: {options: [x, y]}}",
            "{a: z}",
            "`a` input: `z` cannot be used because it is not in the list of allowed options",
        ),
        (
            "{a: {type: boolean, options: [true]}}",
            "{a: true}",
            "`a` input: Options can only be used with string and number inputs",
        ),
        (
            "{a: {regex: '^v\\d+$'}}",
            "{a: x1}",
            "`a` input: provided value does not match required RegEx pattern",
        ),
        (
            "{a: {regex: '('}}",
            "{a: x}",
            "`a` input: invalid regular expression",
        ),
        (
            "{a: {regex: x, type: number}}",
            "{a: 1}",
            "`a` input: RegEx validation can only be used with string inputs",
        ),
        (
            "{a: {default: x}}",
            "{b: 1, c: 2}",
            "unknown input arguments: b, c",
        ),
        (
            "{a: {type: date}}",
            "",
            "header:spec:inputs:a type unknown value: date",
        ),
        (
            "{a: {defaults: x}}",
            "",
            "header:spec:inputs:a config contains unknown keys: defaults",
        ),
        ("{a: x}", "", "header:spec:inputs:a config should be a hash"),
        ("[a]", "", "header:spec:inputs config should be a hash"),
    ] {
        let fault = fault(header, "v: $[[ inputs.a ]]", given);
        assert!(fault.starts_with(expected), "{header} {given}: {fault}");
    }
    assert!(put_in("{a: {regex: '^v\\d+$'}}", "v: 1", "{a: v1}").is_ok());
}

#[test]
fn a_block_that_is_wrong_is_told_in_gitlabs_words() {
    for (block, expected) in [
        (
            "inputs.b",
            "unknown interpolation provided: `b` in `inputs.b`",
        ),
        (
            "input.a",
            "unknown interpolation provided: `input` in `input.a`",
        ),
        (
            "component.version",
            "unknown interpolation provided: `component` in `component.version` (only GitLab",
        ),
        (
            "inputs",
            "invalid pattern used for interpolation. valid pattern is $[[ inputs.input ]]",
        ),
        (
            "inputs.a.b",
            "unknown interpolation provided: `b` in `inputs.a.b`",
        ),
        (
            "inputs.a | posix_quote",
            "no function matching `posix_quote`",
        ),
        (
            "inputs.a | upper",
            "no function matching `upper`: check that the function name, arguments, and types are correct",
        ),
        (
            "inputs.a | truncate(1)",
            "no function matching `truncate(1)`",
        ),
        (
            "inputs.a | truncate(x,2)",
            "no function matching `truncate(x,2)`",
        ),
        (
            "inputs.n | truncate(0,1)",
            "error in `truncate` function: invalid input type: truncate can only be used with string inputs",
        ),
        (
            "inputs.a | truncate(0,1) | truncate(0,1) | truncate(0,1) | truncate(0,1)",
            "too many functions in interpolation block",
        ),
    ] {
        let fault = fault(
            "{a: {default: x}, n: {type: number, default: 1}}",
            &format!("v: \"$[[ {block} ]]\""),
            "",
        );
        assert!(fault.starts_with(expected), "{block}: {fault}");
    }
    let error = put_in("{}", "a: 1\nb:\n  - $[[ inputs.x ]]", "").unwrap_err();
    assert_eq!((error.at.line, error.at.column), (6, 5));
}

/// `posix_escape`: what Ruby 3.1's `Shellwords.shellescape` made of the same texts.
#[test]
fn functions_do_what_gitlabs_do() {
    for (default, functions, expected) in [
        ("'0123456789'", "truncate(1,3)", "123"),
        ("'0123456789'", "truncate( 1 , 7 ) | truncate(2,3)", "345"),
        ("'0123456789'", "truncate(20,3)", ""),
        ("äöü", "truncate(1,1)", "ö"),
        (
            "'test $CI_PROJECT_NAME ${CI_PROJECT_NAME} %CI_PROJECT_NAME%'",
            "expand_vars",
            "test shop shop shop",
        ),
        (
            "'$NESTED $UNKNOWN ${UNKNOWN} ${ x} 5% $'",
            "expand_vars",
            "$CI_PROJECT_NAME $UNKNOWN ${UNKNOWN} ${ x} 5% $",
        ),
        ("'$CI_PROJECT_NAME'", "expand_vars | truncate(0,2)", "sh"),
        ("''", "posix_escape", "''"),
        ("a b", "posix_escape", "a\\ b"),
        ("it's $X", "posix_escape", "it\\'s\\ \\$X"),
        ("\"a\\nb\"", "posix_escape", "a'\n'b"),
        ("é", "posix_escape", "\\é"),
        ("'a:b+c/d@e,f.g-h_i'", "posix_escape", "a:b+c/d@e,f.g-h_i"),
        ("'a=b~*?[]\\'", "posix_escape", "a\\=b\\~\\*\\?\\[\\]\\\\"),
    ] {
        let value = value(
            &format!("{{a: {{default: {default}}}}}"),
            &format!("'$[[ inputs.a | {functions} ]]'"),
            "",
        );
        assert_eq!(value, Value::Text(expected.into()), "{default} {functions}");
    }
    let split = value(
        "{a: {default: 'x, y,,z '}}",
        "\"$[[ inputs.a | split(',') ]]\"",
        "",
    );
    assert_eq!(split, plain("[x, y, z]"));
}

#[test]
fn blocks_are_found_as_gitlabs_pattern_finds_them() {
    for (text, expected) in [
        ("a$[[ b.c ]]d", Some(("a", "b.c", "d"))),
        ("$[[ a ]]b]]", Some(("", "a ]]b", ""))),
        ("$[[ab]]]", Some(("", "ab", "]"))),
        ("$[[a b\n]]", Some(("", "a b", ""))),
        ("$[[\n\n ab ]]", Some(("", "ab", ""))),
        ("$[[ a\nb ]] $[[cd]]", Some(("$[[ a\nb ]] ", "cd", ""))),
        ("$[[ a $[[ \n bc ]]", Some(("$[[ a ", "bc", ""))),
        ("$[[$[[ab]]", Some(("", "$[[ab", ""))),
        ("$[[ ]]", None),
        ("$[[ a", None),
        ("$[ [a.b]]", None),
        ("$[[ éé ]]", Some(("", "éé", ""))),
    ] {
        let found = find(text).map(
            |Found {
                 before,
                 content,
                 after,
                 ..
             }| (before, content, after),
        );
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn a_header_without_inputs_changes_nothing_and_one_that_is_not_followed_says_so() {
    let content = &read("a: $[[ b")[0];
    let header = |text: &str| read(text).remove(0);
    let variables = Variables::default();
    assert_eq!(
        interpolated(&header("spec: {}\n"), content, None, &variables, &NO_RULES).as_ref(),
        Ok(content)
    );
    assert_eq!(
        interpolated(&header("spec:\n"), content, None, &variables, &NO_RULES).as_ref(),
        Ok(content)
    );
    for (text, expected) in [
        (
            "spec: {include: [{local: x}]}",
            "header:spec:include is not followed",
        ),
        (
            "spec: {description: [x]}",
            "header:spec description should be a string",
        ),
        (
            "spec: {input: {}}",
            "header:spec config contains unknown keys: input",
        ),
        ("{spec: {}, x: 1}", "header config contains unknown keys: x"),
        ("spec: x", "header:spec config should be a hash"),
    ] {
        let fault = interpolated(&header(text), content, None, &variables, &NO_RULES)
            .unwrap_err()
            .fault;
        assert!(fault.starts_with(expected), "{text}: {fault}");
    }
}
