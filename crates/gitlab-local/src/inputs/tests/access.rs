//! What blocks name, and what the values become.

use super::*;

/// `spec/lib/gitlab/ci/config/interpolation/access_spec.rb`
#[test]
fn items_and_keys_of_lists_can_be_named() {
    let header = "{s: {default: x}, a: {type: array, default: [one, [c, d], {if: $CI, deep: [{v: [8]}]}, ~]}}";
    for (access, expected) in [
        ("inputs.a[0]", Ok("one")),
        ("inputs.a[1][0]", Ok("c")),
        ("inputs.a[1]", Ok("[c, d]")),
        ("inputs.a[2].if", Ok("$CI")),
        ("inputs.a[2].deep[0].v", Ok("[8]")),
        ("inputs.a[3]", Ok("")),
        (
            "inputs.a[4]",
            Err("array index 4 out of bounds (size: 4) in `inputs.a[4]`"),
        ),
        (
            "inputs.s[0]",
            Err("cannot index into non-array value at [0] in `inputs.s[0]`"),
        ),
        (
            "inputs.a[-1]",
            Err("invalid array index in `inputs.a[-1]`: `-1` is not a valid index"),
        ),
        (
            "inputs.a[]",
            Err("invalid array index in `inputs.a[]`: `` is not a valid index"),
        ),
        (
            "inputs.a[0",
            Err("invalid array index in `inputs.a[0`: missing closing bracket"),
        ),
        (
            "inputs.a[0]junk",
            Err("invalid array index syntax in `inputs.a[0]junk`"),
        ),
        (
            "inputs.a[1].[0]",
            Err("invalid indexed access without a key in `inputs.a[1].[0]`"),
        ),
        (
            "inputs.a[0][0][0][0][0][0]",
            Err("too many array indices in `inputs.a[0][0][0][0][0][0]` (maximum depth: 5)"),
        ),
    ] {
        let content = format!("v: '$[[ {access} ]]'");
        let node = put_in(header, &content, "").map_err(|error| error.fault);
        let value = node.map(|node| node.as_map().unwrap()["v"].value.clone());
        assert_eq!(
            value,
            expected.map(plain).map_err(str::to_owned),
            "{access}"
        );
    }
}

/// `spec/lib/ci/inputs/*_spec.rb`
#[test]
fn values_become_what_their_type_asks_for() {
    for (declared, given, expected) in [
        ("default: 1.50", "", "'1.5'"),
        ("default: true", "", "'true'"),
        ("default: ", "", "''"),
        ("default: x", "017", "'15'"),
        ("default: x", "[a, 1]", "'[\"a\", 1]'"),
        ("options: [1, 2]", "2", "'2'"),
        ("{options: [1, x]}", "'1'", "'1'"),
        ("regex: '^$', default: ''", "", "''"),
        ("type: number", "'8'", "8"),
        ("type: number", "'-1.5e3'", "-1500.0"),
        ("type: number, options: [1, 2]", "1.0", "1.0"),
        ("type: boolean", "'true'", "true"),
        (
            "type: array",
            "'[\"a\", {\"b\": [1, null]}]'",
            "[a, {b: [1, ~]}]",
        ),
        ("type: array, default: []", "", "[]"),
        ("description: x", "$[[ matrix.A ]]", "'$[[ matrix.A ]]'"),
    ] {
        let header = format!("{{a: {{{}}}}}", declared.trim_matches(['{', '}']));
        let given = match given {
            "" => String::new(),
            given => format!("a: {given}"),
        };
        let value = value(&header, "$[[ inputs.a ]]", &given);
        assert_eq!(value, plain(expected), "{declared} {given}");
    }
}

/// GitLab fills these in when it knows the instances of a job.
#[test]
fn blocks_of_a_matrix_stay() {
    let content = "['$[[ matrix.A ]]', 'x $[[matrix.A]] $[[ inputs.s ]]']";
    let value = value("{s: {default: y}}", content, "");
    assert_eq!(value, plain("['$[[ matrix.A ]]', 'x $[[matrix.A]] y']"));
}
