//! Expressions of an `if`, with the results that GitLab gives: its documentation ("CI/CD variable expressions"), and
//! its own tests of `Gitlab::Ci::Pipeline::Expression` (`Statement`, `Parser`, `Lexer` and the lexemes).

use super::outcomes::variables;
use crate::file::rules::holds;
use crate::variables::{Variable, Variables};

/// Checks `rows` of an expression and whether it holds.
fn check(rows: &[(&str, bool)]) {
    let mut known = variables(&[
        ("VARIABLE", "some value"),
        ("EMPTY", ""),
        ("BLANK", " "),
        ("NO", "false"),
        ("TEXT", "this is content"),
        ("PATTERN", "/^this.*/"),
        ("BAD", "/(/"),
        ("BRANCH", "feature/x"),
        ("BRANCHES", "/^(feature/|release/).*$/i"),
        ("LINES", "a\n/content/\nb"),
        ("ALL", "//"),
        ("ONE", "/t/"),
        ("PART", "content"),
        ("OTHER", "$VARIABLE"),
        ("PRESENT", "my variable"),
        ("PATH", "a/path/variable/value"),
        ("FULL", "/a/full/path/variable/value"),
        ("abcde", "abcde"),
    ]);
    known.extend([Variable {
        key: "RAW".to_owned(),
        value: "$VARIABLE".to_owned(),
        raw: true,
    }]);
    for (expression, expected) in rows {
        assert_eq!(holds(expression, &known), Ok(*expected), "{expression}");
    }
}

#[test]
fn texts_are_compared() {
    check(&[
        // Documentation, "Compare a variable to a string", "… is undefined", "… is empty", "… exists".
        ("$VARIABLE == \"some value\"", true),
        ("'some value' == $VARIABLE", true),
        ("$VARIABLE != 'some value'", false),
        ("$UNDEFINED == null", true),
        ("null == $UNDEFINED", true),
        ("$VARIABLE == null", false),
        ("$EMPTY == null", false),
        ("$UNDEFINED != null", false),
        ("$EMPTY != null", true),
        ("$EMPTY == \"\"", true),
        ("\"\" != $EMPTY", false),
        ("$UNDEFINED == \"\"", false),
        ("$VARIABLE", true),
        ("$EMPTY", false),
        ("$UNDEFINED", false),
        ("$BLANK", false),
        ("null", false),
        ("$NO", true),
        ("$NO == \"false\"", true),
        // GitLab 18.5 (merge request 204549): values are followed; texts between quotes are not.
        ("$OTHER == $VARIABLE", true),
        ("$VARIABLE == \"$VARIABLE\"", false),
        ("$RAW == \"$VARIABLE\"", true),
        // The lexeme `Boolean` is no text.
        ("true", true),
        ("false", false),
        ("$NO == false", false),
        ("($VARIABLE == 'some value') == true", true),
        // Operators of one kind bind to the left.
        ("$VARIABLE == 'some value' == true", true),
        ("$VARIABLE == 'x' == $NO", false),
    ]);
}

#[test]
fn patterns_match() {
    check(&[
        // Documentation, "Compare a variable to a regex pattern".
        ("$TEXT =~ /^content.*/", false),
        ("$TEXT =~ /content$/", true),
        ("$TEXT =~ /CONTENT/i", true),
        ("$TEXT !~ /content/", false),
        ("$UNDEFINED =~ /ab/", false),
        ("$UNDEFINED !~ /ab/", true),
        ("$EMPTY =~ /^$/", true),
        ("$BRANCH =~ /^feature\\//", true),
        ("$PRESENT =~ /var.*e$/", true),
        ("$PRESENT =~ /va\\r.*e$/", false),
        ("$PRESENT =~ /va\\/r.*e$/", false),
        ("$PATH =~ /path\\/variable/", true),
        ("$FULL =~ /^\\/a\\/full\\/path\\/variable\\/value$/", true),
        ("$PRESENT !~ /^v\\/ar.*/", true),
        ("$PRESENT !~ /VAR.*/i", false),
        ("$TEXT =~ /THIS.*CONTENT/ims", true),
        // A slash that follows an end belongs to the pattern.
        ("$BRANCH =~ /feature//", true),
        // A pattern is no text, and it is there.
        ("/ab/", true),
        ("$ONE == /t\\/?/", false),
        ("/ab/ == /ab/", true),
        // "Store the regex pattern in a variable". Its last slash ends it, and one line is enough.
        ("$TEXT =~ $PATTERN", true),
        ("$TEXT !~ $PATTERN", false),
        ("$BRANCH =~ $BRANCHES", true),
        ("$BRANCH !~ $BRANCHES", false),
        ("$TEXT =~ $LINES", true),
        ("$TEXT =~ $ALL", true),
        ("$TEXT =~ $ONE", true),
        ("$TEXT =~ $UNDEFINED", false),
        ("$TEXT !~ $UNDEFINED", true),
        ("$TEXT !~ null", true),
        // A right side that is no pattern is searched for the left one.
        ("$TEXT =~ $BAD", false),
        ("$TEXT !~ $BAD", true),
        ("$abcde =~ \"abcde\"", true),
        ("$abcde =~ $abcde", true),
        ("$PART =~ $TEXT", true),
        ("$TEXT =~ $PART", false),
        ("$TEXT !~ $PART", true),
        ("$EMPTY =~ $PART", true),
    ]);
}

#[test]
fn operators_join_expressions() {
    check(&[
        // Documentation, "Join variable expressions together": `&&` binds more than `||`.
        ("$UNDEFINED && $VARIABLE || $TEXT", true),
        ("$UNDEFINED && ($VARIABLE || $TEXT)", false),
        ("$VARIABLE =~ /^some/ && $TEXT == \"x\"", false),
        ("($VARIABLE == \"x\" || $NO == \"false\") && $TEXT", true),
        (
            "$VARIABLE == 'x' || $TEXT && $EMPTY == '' || $UNDEFINED",
            true,
        ),
        ("$VARIABLE || $UNDEFINED && $EMPTY", true),
        ("($PRESENT) && (null || $EMPTY == \"\")", true),
        ("(\"string\" || \"test\") == \"string\"", true),
        ("(null || (\"test\" == \"string\"))", false),
        ("(\"string\" == (\"test\" && \"string\"))", true),
        ("(\"string\" == (\"test\" || \"string\"))", false),
        ("(\"string\" == \"test\" || \"string\")", true),
        (
            "(\"string\" == (\"string\" || ((\"1\" == \"1\") && (\"2\" == \"3\"))))",
            true,
        ),
        ("(($PRESENT && null) || $EMPTY == \"\")", true),
        // An empty text is as good as any other to Ruby's operators; only the result must not be blank.
        ("$EMPTY && $PRESENT", true),
        ("$PRESENT && $EMPTY", false),
        ("$EMPTY || $PRESENT", false),
        ("\"\" || $VARIABLE", false),
        ("$UNDEFINED || $PRESENT", true),
        ("$EMPTY == 'x' || $PRESENT", true),
        ("null && $PRESENT", false),
        // White space, also of several lines, is nothing.
        ("  $VARIABLE\n  &&\t$TEXT\n", true),
        ("$VARIABLE==\"some value\"&&$TEXT", true),
    ]);
}

#[test]
fn expressions_that_gitlab_refuses_are_refused() {
    let deep = "(".repeat(200);
    // 99 words are as many as the lexer takes.
    let words = |pairs: usize| format!("$A{}", " && $A".repeat(pairs));
    let (longest, long) = (words(49), format!("({})", words(48)) + " ");
    assert!(holds(&longest, &Variables::default()).is_ok());
    assert!(holds(&long, &Variables::default()).is_ok());
    let longer = format!("({})", words(49));
    for expression in [
        "$A ==",
        "== $A",
        "$A $B",
        "$A \"text\"",
        "($A",
        "$A)",
        "$A == (",
        "$A == (\"aa\"",
        "$A == (\"aa\"))",
        "(($A == \"aa\")",
        "()",
        "A == 'b'",
        "$A == b",
        "$A = 1",
        "$A == \"b",
        "$A == \"b'",
        "$A == 'b\nc'",
        "${A}",
        "$",
        "!$A",
        "trueish",
        "nullable",
        "$A =~ /(/",
        "$A =~ /(?=b)/",
        "$A =~ //",
        // A pattern has two characters at least, unless a variable holds it.
        "$A =~ /a/",
        "$A =~ /a\\/",
        "$A =~ /a\nb/",
        "$A & $B",
        "$A\u{a0}",
        "",
        " ",
        &deep,
        &longer,
    ] {
        assert!(
            holds(expression, &Variables::default()).is_err(),
            "{expression}"
        );
    }
}
