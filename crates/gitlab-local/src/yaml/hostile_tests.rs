//! Files of 1 MB that are made to take long. Each is read or refused within five seconds of one processor.

use std::time::Duration;

use crate::yaml::documents;

/// Bytes of a file.
const SIZE: usize = 1_000_000;

/// Processor time of one file, in an unoptimized build.
const MOST: Duration = Duration::from_secs(5);

/// Processor time of this thread, whatever else the machine does.
fn processor_time() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(times.split(' ').next().unwrap().parse().unwrap())
}

/// `unit` as often as it fits into a file.
fn many(unit: &str) -> String {
    unit.repeat(SIZE / unit.len())
}

/// Units with their number in place of `#`.
fn numbered(unit: &str) -> String {
    let count = SIZE / (unit.len() + 5);
    (0..count)
        .map(|number| unit.replace('#', &number.to_string()))
        .collect()
}

/// Reads a file, and remembers it if that took long.
fn check(name: &str, text: &str, slow: &mut Vec<String>) {
    let start = processor_time();
    let result = documents(&"hostile".into(), text);
    let time = processor_time() - start;
    let outcome = match result {
        Ok(documents) => format!("{} documents", documents.len()),
        Err(error) => error.fault,
    };
    println!("{time:8.1?} {name:.40}: {outcome:.100}");
    if time > MOST {
        slow.push(format!("{name}: {time:?}"));
    }
}

#[test]
fn no_unit_takes_long_however_often_it_is_repeated() {
    let mut slow = Vec::new();
    for unit in [
        "[",
        "]",
        "{",
        "}",
        "[],",
        "{},",
        "{a: ",
        "[a: ",
        "- ",
        "-\n",
        "- - ",
        "? ",
        "? - ",
        ": ",
        "a: ",
        "a:\n",
        "a:\n ",
        "x ",
        "x\n",
        "x\n\n",
        "'",
        "\"",
        "''",
        "\\\"",
        "\"\\x41",
        "'a' ",
        "\"a\":",
        "!",
        "!a ",
        "!!str ",
        "!<",
        "!<a> ",
        "&",
        "&a ",
        "*a ",
        "*",
        "|",
        "|\n",
        "|\n ",
        ">\n  ",
        "#",
        "# \n",
        " #",
        "---",
        "---\n",
        "--- \n",
        "...\n",
        "... ",
        "%",
        "%YAML 1.1\n",
        "%TAG ! a\n",
        "\t",
        "\n",
        "\r",
        "\r\n",
        " ",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\0",
        "@",
        "`",
        ",",
        "<<: ",
        "<<: {}\n",
        "$[[ ",
        "$[[ a ]]",
        "é",
        "\u{10ffff}",
        "1",
        "1_",
        "1,",
        "0x1",
        ":",
        "::",
        "1:",
        ".",
        "- [",
        "- {a: ",
        "a: [",
        "a: {",
        "[[],",
        "? [a]\n",
        "{a}: b\n",
        "- |\n",
        "- >\n a\n",
        "- 'a\n\n",
        "a: b: ",
        "a: 'b' c\n",
        "-\t",
        "- \t- ",
        "[? ",
        "{? ",
        "[a]: ",
        "\"a\": \"b\"\n",
    ] {
        check(unit, &many(unit), &mut slow);
    }
    for before in ["a: ", "a: |\n ", "a: ["] {
        for unit in ["\n", "x\n", "[],", "1,", "- ", "\t", "\\\n"] {
            check(
                &format!("{before}{unit}"),
                &format!("{before}{}", many(unit)),
                &mut slow,
            );
        }
    }
    assert_eq!(slow, [""; 0]);
}

#[test]
fn no_file_takes_long_whatever_it_repeats() {
    let keys = (0..2000)
        .map(|number| format!("k{number}: 1, "))
        .collect::<String>();
    let list = "x, ".repeat(2000);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(90), close.repeat(90));
    let mut slow = Vec::new();
    for (name, text) in [
        ("many keys", numbered("k#: \n")),
        ("many keys in braces", format!("{{{}}}", numbered("k#, "))),
        ("many anchors", numbered("- &a# x\n")),
        ("one anchor, many times", many("- &a x\n")),
        ("an anchor and its alias", numbered("- &a# x\n- *a#\n")),
        (
            "a chain of aliases",
            format!(
                "- &a0 x\n{}",
                (1..40_000)
                    .map(|n| format!("- &a{n} [*a{}]\n", n - 1))
                    .collect::<String>()
            ),
        ),
        (
            "aliases of a long list",
            format!("a: &a [{list}]\nb: [{}]\n", many("*a,")),
        ),
        (
            "a list of merges",
            format!("a: &a {{{keys}}}\nb:\n  <<: [{}]\n", many("*a,")),
        ),
        (
            "merges in one map",
            format!("a: &a {{{keys}}}\nb:\n{}", many("  <<: *a\n")),
        ),
        (
            "merges in many maps",
            format!("a: &a {{{keys}}}\n{}", numbered("k#: {<<: *a}\n")),
        ),
        (
            "merges of merges",
            format!(
                "a0: &a0 {{{keys}}}\n{}",
                (1..20_000)
                    .map(|n| format!("a{n}: &a{n} {{<<: *a{}}}\n", n - 1))
                    .collect::<String>()
            ),
        ),
        ("deep lists", many(&format!("- {}\n", deep("[", "]")))),
        ("deep maps", many(&format!("- {}\n", deep("{a: ", "}")))),
        ("one long decimal", format!("a: {}", many("1"))),
        ("one long hexadecimal", format!("a: 0x{}", many("f"))),
        ("one long octal", format!("a: 0{}", many("7"))),
        (
            "hexadecimal numbers",
            many(&format!("- 0x{}\n", "f".repeat(9000))),
        ),
        ("one long float", format!("a: 1.{}", many("1"))),
        ("one long exponent", format!("a: 1.0e+{}", many("1"))),
        ("one long sexagesimal", format!("a: {}:30", many("1"))),
        ("one long symbol", format!("a: :\"{}", many("x\""))),
        ("one long tag", format!("a: !{} x", many("a"))),
        ("one long tag of escapes", format!("a: !{} x", many("%41"))),
        ("many tags", numbered("- !t# x\n")),
        (
            "one long anchor",
            format!("- &{}\n- *{}", "a".repeat(SIZE / 2), "a".repeat(SIZE / 2)),
        ),
        ("one long key", format!("{}: x", many("k"))),
        ("one long quoted key", format!("\"{}\": x", many("k"))),
        (
            "keys of 1000 letters",
            many(&format!("{}: x\n", "k".repeat(1000))),
        ),
        (
            "no keys of 1000 letters",
            many(&format!("{}\n", "k".repeat(1000))),
        ),
        ("one long comment", format!("a: b #{}", many("x"))),
        ("indented comments", many("                    # x\n")),
        (
            "a block of blanks",
            format!(
                "a: |\n{}",
                many("                                                  \n")
            ),
        ),
        ("references", many("- !reference [a, b]\n")),
        ("binary", format!("a: !!binary {}", many("QUJD"))),
    ] {
        check(name, &text, &mut slow);
    }
    assert_eq!(slow, [""; 0]);
}
