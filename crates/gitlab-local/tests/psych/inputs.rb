# frozen_string_literal: true

# What the table asks Psych. Each entry is a document, or a scalar that `make_table.rb` makes the value of a key.

SCALARS = %w[
  0 00 000 1 -1 +1 -0 +0 01 07 08 09 010 017 018 0777 0o17 0o7 012345678901 012345670123 001234567012 123456789012
  0_7 0,7 0_ 0, 1_000 1,000 1_000_000 1,234,567 1_ 1, 1__0 1,,0 1_,0 _1 ,1 -1_000 +1,000
  12345678901234567890123 -12345678901234567890123 99999999999999999999999999999999999999999999 9223372036854775808
  0x0 0x1F 0xff 0XFF -0x10 +0x10 0x 0xfg 0x_1 0xdeadbeefdeadbeefdeadbeef 0x1_0 0b0 0b101 0b102 -0b11 0b1_1 0B1
  0777777777777777777777777777 -017 +017 -08
  1.0 1.10 3.0 3.10 1. .5 -.5 +.5 0.0 -0.0 +1.5 -1.5 1.50 01.5 00.5 . -. +. .. ... 1.2.3 1.2.3.4 v1.2 1.0.0-rc1
  1,000.5 1_000.5 1_.5 1.5_0 1.5,0 ,1.5 _.5 0.1 0.0001 0.00001 123456789.123456789 1000000000000000.0
  10000000000000000.0 123456789012345678.0 1e3 1E3 1e+3 1.e+3 1.0e3 1.0e+3 1.0e-3 1.5E+10 1.0E-10 1.0e+400 -1.0e+400
  12e4567 1e-3 12e03 0e0 5e 4e1 0.1e+1 .5e+3 2.0e+15 2.0e+16 1.7976931348623157e+308 5.0e-324
  .inf .Inf .INF -.inf +.inf -.INF .nan .NaN .NAN inf nan Infinity NaN -.nan .infinity
  1:30 01:30 1:30:15 22:22:22 1:60 1:59 1:5 0:0 00:00 190:20:30 1:2:3:4 -1:30 +1:30 -0:30 1_0:30 1__0:30 1:30.5
  1:30:15.25 1:30. 1:2.5_5 24:00 12:30:45 8080:80 80:8080 127.0.0.1:80 1:3O 9:99 1:30:60 1:009
  y Y n N yes Yes YES yEs no No NO on On ON off Off OFF true True TRUE tRuE false False FALSE t f
  ~ null Null NULL nUlL nil none None undefined ~~ ~x
  2024-01-02 2024-1-2 2024-13-01 2024-00-10 2024-02-30 2024-02-32 2024-12-31 24-01-02 2024-01 2024/01/02 -2024-01-02
  2024-01-02T03:04:05Z 2024-01-02t03:04:05 2024-01-02T03:04 2024-01-02T3:04:05 2024-01-02T03:04:05.678
  2024-01-02T03:04:05+01:00 2024-01-02T03:04:05+1 2024-01-02T03:04:05+0100 2024-01-02T03:04:05+123
  2024-01-02T03:04:05X 2024-01-02T99:99:99Z 20240102 2024.01.02 2024-01-02-03 10.0.0.0/8 1-2 1.2-3
  :symbol :a:b :1 : :: ::a :"quoted" :'quoted' :":double" :"open a:b a: :a-b :A_b http://x:80 //x a::b
  = == < << > a=b $VAR ${VAR} $CI_COMMIT_TAG /path ./path ../path -x --flag a,b a/b a|b (x) x@y ^ \\n \\ é ü ß ø Ωmega
  日本 -é .é :é 1é é1 x1 1x 1a 0xg 0b12 1.x 1,x 1_x +x -x .x ?x !x *.txt a#b ~/x @home `x` %x
  stable 1.21-alpine 3.12-slim 16 16-alpine latest sha256:abc 1d 2h 30m 90 5% 1K 1M 1Gi 500m 0.5 100.0 7.4 8.10 3.9
].freeze

# With blanks, and what must be quoted in the list above.
MORE_SCALARS = [
  "1 000", "1 hour 30 minutes", "- x", "2024-01-02 03:04:05", "2024-01-02 03:04:05 Z", "2024-01-02 03:04:05 +01:00",
  "2024-01-02   03:04:05 -05", "2024-01-02 3:04:05.1234567", "yes no", "on fire", "null and void", "true # comment",
  "0x1f # comment", "a#b", "a #b", "a # b", "x y  z", "x\ty", "x\t", "  x  ", ": x", ":x y", ":\"x y\"", ":'x y' z", "a:b",
  "if [ a ]; then b; fi", "echo \"x\"", "it's", "a \"b\" 'c'", "a, b", "$[[ inputs.x ]]", "${{ x }}", "12 # 34",
  "'1'", "'017'", "'true'", "'~'", "''", "'it''s'", "' x '", "':symbol'", "'2024-01-02'", "'a\\nb'", "'a # b'",
  "\"1\"", "\"017\"", "\"true\"", "\"\"", "\"a\\nb\"", "\"a\\tb\"", "\"\\u00e9\"", "\"\\x41\"", "\"\\U0001F600\"",
  "\"\\\\\"", "\"\\\"\"", "\"\\/\"", "\"\\e[0m\"", "\"\\0\"", "\"\\a\\b\\v\\f\\r\"", "\"\\N\\_\\L\\P\"", "\"\\ x\"",
  "\"a\\\n  b\"", "\"\\q\"", "\"\\x4\"", "\"\\$x\"", "\"\\'\"", "\"a\\tb\" # c", "'a' b", "\"a\" b",
  "!!str 1", "!!str 017", "!!str true", "!!str ~", "!!str", "!!str 2024-01-02", "!!int 7", "!!int '7'", "!!int x",
  "!!int \"017\"", "!!float 1", "!!float 1.5", "!!float '2'", "!!float x", "!!float 1e3", "!!float .inf", "!!bool yes",
  "!!bool 'yes'", "!!bool x", "!!null ''", "!!null x", "!!null ~", "!str 1", "!int '1'", "!float 3", "! 1", "! '1'",
  "! \"true\"", "! x", "!foo 1", "!foo '1'", "!foo \"true\"", "!foo bar", "!foo", "!foo 'a b'", "!!binary aGVsbG8=",
  "!binary aGVsbG8=", "!!binary", "!!timestamp 2024-01-02", "!!timestamp '2024-01-02'", "!ruby/object:Object {}",
  "!ruby/regexp /x/", "!ruby/range 1..2", "!ruby/symbol x", "!ruby/sym x", "!ruby/string x", "!ruby/class String",
  "!ruby/hash:Hash {a: 1}", "!ruby/array:Array [1]", "!ruby/struct {a: 1}", "!!set {a: ~}", "!!map {a: 1}",
  "!!seq [1]", "!map:Foo {a: 1}", "!seq:Foo [1]", "!str:Foo x", "!foo [1, 017]", "!foo {a: 1}",
  "!<tag:yaml.org,2002:str> 1", "!<!foo> 017", "!<!reference> [a, b]", "!foo!bar 1", "!x!",
  "!reference [.setup, script]", "!reference\n  - .setup\n  - script", "[!reference [a, b], c]",
  "[a, [!reference [b, c], !reference [d]]]", "{k: !reference [a, b]}", "!reference ['a', \"b\"]", "!reference [a, 1]",
  "!reference []", "!reference x", "!reference", "!reference {a: b}", "!reference [[a]]", "!reference [:a, b]",
  "!reference [a, !reference [b]]", "&x !reference [a]", "!reference &x [a]",
  "[]", "{}", "[a]", "[a, b]", "[a, b,]", "[,]", "[a,,b]", "[a b, c d]", "[1, 017, true, ~, 1.0, '1']", "[a: b]",
  "[a: b, c: d]", "[{a: b}]", "{a}", "{a, b: c}", "{a: 1, a: 2}", "{a: 1,}", "{a:1}", "{\"a\":1}", "{a: }", "{a: [b, {c: d}]}",
  "[a:b]", "[a, :b]", "[http://x]", "[a\n  , b]", "[a,\n b]", "[\n]", "[ ]", "{ }", "{a: b\n, c: d}", "[[[]]]", "[a, # c\n b]",
  "[\"a\", 'b']", "[\"a\":b]", "[? a : b]", "{? a : b}", "{? a}", "[&a x, *a]", "[*unknown]", "{a: *unknown}",
  "[$X, ${X}, a$]", "[a-b, -1, - 1]", "[-]", "[a, -]", "{{ x }}", "{{ x }}: 1", "[a", "{a", "[a}", "a]", "}", "]", "[a]b",
  "\"a", "'a", "@a", "`a`", "%a", "|a", ">a", "a: b", "a: b: c", "'a': b", "- a", "? a", "&a", "&a x", "&a\n  x", "*a", "&a *b",
  "&a &b x", "!a !b x", "!!str &a 1", "&a !!str 1", "&a.b x", "&a-b_c/d x", "&\u00e9 x", "\u0007", "\u0085", "\u00a0x", "\ufeffx",
].freeze

BLOCKS = [
  "v: |\n  a\n  b\n", "v: |-\n  a\n  b\n", "v: |+\n  a\n\n\nw: 1\n", "v: |\n  a\n\n\nw: 1\n", "v: >\n  a\n  b\n", "v: >-\n  a\n  b\n",
  "v: >\n  a\n\n  b\n", "v: >\n  a\n   b\n  c\n", "v: >\n\n  a\n\n\n  b\n", "v: >+\n  a\n\n", "v: |2\n    a\n   b\n", "v: |1\n  a\n",
  "v: |2-\n    a\n", "v: |-2\n    a\n", "v: |0\n  a\n", "v: |10\n  a\n", "v: |\n    a\n   b\n", "v: |\n\n\n  a\n", "v: |\n     \n  a\n",
  "v: |\n  a\n# comment\nw: 1\n", "v: |\n  a\n  # text\nw: 1\n", "v: | # comment\n  a\n", "v: |# no\n  a\n", "v: |\n", "v: |\nw: 1\n", "v: >\n",
  "v: |\n  017\n", "v: |-\n  017\n", "v: |-\n  true\n", "v: !!int |-\n  17\n", "v: !foo |-\n  017\n", "v: !!str |\n  a\n", "v: |\n  a", "v: |+\n  a",
  "v: >\n  a\n  b", "v: |\n  a\n ", "v: |\n  a\n  ", "v: |\n  \ta\n", "v: |\n\ta\n", "v: |\n  a\t\n", "v: |\n  a \n", "v: >\n  a \n  b\n",
  "v: >\n  a\n  \n  b\n", "- |\n a\n- >\n b\n", "- |\n  a\n-\n  b\n", "v:\n  - |\n    a\n    b\n  - c\n", "v: |\n  a: b\n  - c\n", "v: |\r\n  a\r\n  b\r\n",
  "v: |\n  a\r\n  b\n", "|\n  a\n", "--- |\n a\n", "v: &x |\n  a\nw: *x\n", "v: |\n  é\u2028x\n", "v: |\n  a\u0085  b\n", "v: >\n  a\u0085  b\n",
  "v: |\n  ---\n  a\n", "v: |\n a\n---\nb: 1\n", "v: >-\n  * a\n  * b\n\n  c\n", "v: |\n  a\n   \n\nw: 1\n", "v: >\n    a\n\n      b\n\n    c\n",
  "script:\n  - >\n    if x; then\n      y;\n    fi\n", "script:\n  - >-\n    docker run\n    --rm\n    image\n", "script:\n  - |\n    cat <<EOF\n    x\n    EOF\n",
].freeze

STRUCTURES = [
  # Several lines of a scalar
  "v: a\n  b\n", "v: a\n\n  b\n", "v: a\n  b\n\n\n  c\n", "v:\n  a\n  b\n", "v: 'a\n  b'\n", "v: 'a\n\n  b'\n", "v: \"a\n  b\"\n", "v: \"a\n\n  b\"\n",
  "v: \"a \\\n  b\"\n", "v: a # c\n  b\n", "v: a\n# c\n  b\n", "v: no\n\n  x\n", "v: 0\n\n  17\n", "v: a\nb\n", "v: 'a\nb'\n", "v: \"a\nb\"\n", "v: 1\n  2\n",
  "v: true\n  x\n", "v: a\n b: c\n", "v: a\n  b: c\n", "v:\n a\n b\nw: 1\n", "v: a:\n", "v: a:\n  b\n", "v: [a\nb]\n", "v: [a\n]\n", "v: {a: b\n}\n",
  # Merge keys
  "b: &b {x: 1, y: 2}\nv: {<<: *b, y: 3}\n", "b: &b {x: 1, y: 2}\nv: {y: 3, <<: *b}\n", "b: &b {x: 1}\nc: &c {x: 2, z: 3}\nv:\n  <<: [*b, *c]\n",
  "b: &b {x: 1}\nc: &c {x: 2, z: 3}\nv:\n  <<: *b\n  <<: *c\n", "b: &b {x: 1}\nc: &c {x: 2}\nv:\n  <<: *c\n  x: 0\n  <<: *b\n", "v: {<<: {x: 1}, y: 2}\n",
  "v: {<<: [{x: 1}, {x: 2, y: 2}]}\n", "v: {<<: [{x: 1}, 2]}\n", "v: {<<: x}\n", "v: {<<: ~}\n", "v: {<<: [x]}\n", "v: {<<: []}\n", "b: &b [{x: 1}]\nv: {<<: *b}\n",
  "b: &b x\nv: {<<: *b}\n", "b: &b {x: 1}\nv: {'<<': *b}\n", "b: &b {x: 1}\nv: {\"<<\": *b}\n", "b: &b {x: 1}\nv: {!!str <<: *b}\n", "b: &b {x: 1}\nv: [<<: *b]\n",
  "v: <<\n", "b: &b {x: 1, z: 2}\nc: &c {<<: *b, y: 3}\nv: {<<: *c, x: 9}\n", "b: &b {x: {p: 1}}\nv: {<<: *b, x: {q: 2}}\n",
  "b: &b {x: 1}\nv:\n  <<: *b\n  <<: {x: 5, w: 6}\n", "b: &b {x: 1, y: 1}\nc: &c {y: 2, x: 2}\nv: {k: 0, <<: [*b, *c], y: 3}\n", "v: {<<: !foo {x: 1}}\n",
  "b: &b {x: 1}\nv: {<<: !foo [*b]}\n", "b: &b {1: x, ~: y}\nv: {<<: *b}\n", "b: &b {}\nv: {<<: *b, a: 1}\n", "v: {<<: &n {x: 1}, y: *n}\n", "<<: {a: 1}\nb: 2\n",
  ".a: &a\n  script: [x]\n  tags: [t]\nv:\n  <<: *a\n  script: [y]\n",
  # Anchors
  "a: &x 1\nb: &x 2\nv: *x\n", "a: &x [1]\nv: [*x, *x]\n", "a: &x {k: v}\nv: [*x]\n", "a: &x\nv: *x\n", "a: &x\n  k: 1\nv: *x\n", "&k a: 1\nv: *k\n", "a: &x k\n*x : 1\n",
  "a: &x k\n? *x\n: 1\n", "a: &x k\n*x: 1\n", "v: *late\nb: &late 1\n", "a: &x '1'\nv: *x\n", "a: &x !!str 1\nv: *x\n", "a: &x !reference [b]\nv: *x\n", "a: &x 017\nv: *x\n",
  "a: &x [&y 1, *y]\nv: *y\n", "- &a a\n- *a\n", "a: &a b\nc: &c *a\n", "a: &a1 x\nv: [*a1,*a1]\n", "a: &a x\nv: *a # c\n", "a: &a x\nv: *a b\n",
  # Keys
  "a: 1\na: 2\n", "a: 1\nb: 2\na: 3\n", "1: a\n", "1: a\n'1': b\n", "true: a\n", "on: a\n", "'on': a\n", "yes: a\nno: b\n", "~: a\n", "null: a\n", ": a\n", "1.0: a\n", "1.50: a\n",
  "017: a\n", "0x1f: a\n", "1_000: a\n", ":a: 1\n", ":a: 1\na: 2\n", "2024-01-02: a\n", "1:30: a\n", "'a b': 1\n", "a b: 1\n", "\"a\\tb\": 1\n", "? a\n: b\n", "? a\n", "? [a]\n: b\n",
  "[a]: b\n", "{a: b}: c\n", "? |\n  a\n: b\n", "a : b\n", "a :b\n", "a:b\n", "a:\tb\n", "a:  b\n", "a: \tb\n", "a\t: b\n", "\ta: b\n", "a:\n\tb: c\n", "a:\n  b: c\n\td: e\n", "a: b\n c: d\n",
  "a:\nb:\n", "a:\n  b\nc\n", "a\n", "a\nb: c\n", "#a\nb: c\n", "a: #b\n", "a: # b\n  c\n", "job one: 1\njob:two: 2\n'job: three': 3\n", "a.b: 1\n.a: 2\n-a: 3\n", "$X: 1\n${X}: 2\n",
  "build 1/3: x\n", "a?b: 1\n?a: 2\n", "!!str a: 1\n", "!!int '1': a\n", "&a a: 1\n&b b: 2\n", "? a\n? b\n", "a: 1\n? b\n: 2\n", "é: 1\n", "a: 'b': c\n", "'a' 'b': 1\n",
  "#{'k' * 1030}: 1\n".sub('#{', 'k{'), "#{'k' * 1030}: 1\n", "#{'k' * 1000}: 1\n",
  # Lists
  "- a\n- b\n", "v:\n- a\n- b\n", "v:\n  - a\n  - b\n", "v:\n  - a\n   - b\n", "v:\n  - a\n - b\n", "v:\n- a\nw: 1\n", "-a\n", "-\n", "- \n", "-\n-\n", "- - a\n  - b\n", "- - - a\n", "- a: 1\n  b: 2\n",
  "- a: 1\n b: 2\n", "-\n  a: 1\n", "-   a: 1\n    b: 2\n", "- a\n-b\n", "- a\nb: 1\n", "a: 1\n- b\n", "v: - a\n", "v:\n  -\n    - a\n", "- # c\n  a\n", "- a # c\n", "-\ta\n", "- \ta\n", "-\t- a\n",
  "v: [a,\n  b\n]\n", "v:\n  [a]\n", "v:\n[a]\n", "- [a, b]\n- {c: d}\n", "script:\n  - echo a: b\n", "script:\n  - echo \"a: b\"\n", "script:\n  - 'echo a: b'\n", "script:\n  - echo a:b\n",
  "script:\n  - echo $X\n  - test -n \"$X\" || exit 1\n  - curl http://x/y?z=1&w=2\n", "script:\n  - [a, b]\n  - - c\n",
  # Documents, and what surrounds them
  "", "\n", " ", "# c\n", "---\n", "--- \n", "---", "...\n", "---\n...\n", "--- a\n", "---\na: 1\n", "--- {a: 1}\n", "---a: 1\n", "--- # c\na: 1\n", "a: 1\n...\n", "a: 1\n...\nb: 2\n",
  "a: 1\n---\nb: 2\n", "---\na: 1\n---\nb: 2\n", "a: 1\n---\nb: 2\n---\nc: 3\n", "---\na: 1\n---\nb: 2\n---\nc: 3\n", "---\n---\na: 1\n", "a: 1\n---\n", "a: 1\n--- \n\n", "a: 1\n---x: 1\n", "a: 1\n---\n[\n",
  "spec:\n  inputs: {}\n---\na: 1\n", "# c\n---\na: 1\n", "# c\n---\nspec: {}\n---\na: 1\n", "---\nspec: {}\n---\na: 1\n", "~\n---\na: 1\n", "[]\n---\na: 1\n", "{}\n---\na: 1\n", "a: |\n  x\n --- y\n", "a: 'x\n--- y'\n",
  "%YAML 1.1\n---\na: on\n", "%YAML 1.2\n---\na: on\n", "%YAML 2.0\n---\na: 1\n", "%TAG !e! tag:e,1:\n---\na: !e!x 1\n", "%FOO bar\n---\na: 1\n", "%YAML 1.1\na: 1\n", "a: 1\n%b: 2\n", "\ufeffa: 1\n", "\ufeff---\na: 1\n",
  "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r", "a:\r\n  - x\r\n  - y\r\n", "a: 1\u2028b: 2\n", "a: 1\u0085b: 2\n", "a: x\u2028y\n", "a: \u00a0\n", "a: 1 \n", "  a: 1\n  b: 2\n", " a: 1\nb: 2\n", "a: 1\n\n\n\nb: 2", "a: 1\n\t\nb: 2\n",
  "a: 1\n  # c\nb: 2\n", "a: 1\n\t# c\nb: 2\n", "a: 1#c\n", "a: '1'#c\n", "a: [1]#c\n", "a: [1] #c\n", "a: \"x\"  # c\n", "a: 1 b\n", "a: *\n", "a: &\n", "a: !\n", "a: @x\n", "a: `x`\n", "a: %x\n", "a: x%\n", "a: ,x\n",
  "a: [,x]\n", "a: ?\n", "a: ? x\n", "a: -\n", "a: - x\n", "a: --x\n", "a: ---\n", "a: ...\n", "a: |x\n", "a: x|y\n", "a: x > y\n", "a: #x\n", "a: x#\n", "a: \\x\n", "a: \"\\\n\"\n", "a: '\n'\n", "a: \u0000\n", "a: \u0001\n",
  "a: \u{1F600}\n", "a: \u{10FFFF}\n", "a: [\u00e9, '\u00e9']\n", "a: {b: c, d}\n", "a: {b: [c, d: e]}\n", "a: {b: {c: {d: 1}}}\n", "a: {\nb: 1,\nc: 2\n}\n", "a: {b: 1\nc: 2}\n", "a: {'b':1}\n", "a: {b:1, c: 2}\n", "a: [b, c]: d\n",
  "a: {b: 'c'}}\n", "a: [b]]\n", "a: \"b\" c: d\n", "a: b\n  - c\n", "a:\n  - b\n  c: d\n", "a:\n  c: d\n  - b\n", "a: {x: &y 1, z: *y}\n", "a: !!map\n  b: 1\n", "a: !!seq\n  - 1\n", "a: !foo\n  - 1\n", "a: !foo\n  b: 1\n",
  "a: &x !foo\n  b: 1\nc: *x\n", "a: &x\n  - 1\nb: *x\n", "a:\n  &x\n  b: 1\n", "a:\n  !foo\n  b: 1\n", "a: &x b: 1\n", "&x\na: 1\n", "--- &x\na: 1\n", "--- !foo\na: 1\n", "--- !foo {a: 1}\n", "!foo\na: 1\n",
  # What `random.rb` found
  "\ufeffa: 1\nb: 2\n", "\ufeff- a\n- b\n", "\ufeff a: 1\n b: 2\n", "a:\n\ufeff  b: 1\n", "a:\n\ufeff b: 1\n", "a: |\n\ufeff b\n", "a: \ufeffb\n", "\n\ufeffa: 1\n",
  "--- --- a\n", "--- ---\na: 1\n", "---\n--- a\n", "--- a\n--- b\n", "{}\n]", "{}\n]\na", "'a'b\n", "\"a\"#b\n", "\"\"_", "[a]]\n", "{? a}}~", "- {}\n[", "- a\n- {b: c}\n\n{", "- a\n[",
  "a: &x {k: &x 1}\nb: *x\n", "a: &x 1\nb: &x !reference [a]\nc: *x\n", "a: &x [&x b]\nc: *x\n", "a: &x 1\nb: &x [*x]\n", "a: !!str {}\n", "a: !!str {b: 1}\n", "a: !!str [b]\n", "a: !!float {b: 1}\n",
  "v: 1:30._5\n", "v: 1:30.5__5\n", "v: !!float nan\n", "v: !!float .nan\n", "v: !!float 1__0\n", "v: !!float 1_0\n", "v: !!float _1\n", "v: !!float ' 1 '\n", "v: !!float inf\n", "v: !!float 1e5\n",
  "v: [!foo, x]\n", "v: [!!str, x]\n", "v: [!!str , 1]\n", "v: [!foo]\n", "v: [&a, x]\n", "v: [&a ]\n", "v: [*a]\n", "v: [? : b]\n", "v: [?]\n", "v: [? a]\n", "v: [?a]\n", "v: {?}\n", "v: {? : b}\n",
  "v: {: b}\n", "v: [: b]\n", "v: {a? : b}\n", "v: {a ?b: c}\n", "v: [a:, b]\n", "v: {a:, b}\n", "v: {a:[b]}\n", "v: {a: b:c}\n", "v: [a #b\n, c]\n", "v: [a#b, c]\n", "v: [- a]\n", "v: {- a: b}\n", "v: [-a, --]\n",
  "!foo%41 v: 1\n", "v: !%c3%a9 x\n", "v: !%c3 x\n", "v: !%ff x\n", "v: !% x\n", "v: !<!str> 1\n", "v: !<> x\n", "v: !<!a x\n", "v: !a,b x\n", "v: !a{ x\n", "v: !!! x\n", "v: !!a!b x\n", "v: !a!!b x\n", "v: !\u00e9 x\n",
  "%YAML 1.3\n--- a\n", "%YAML 1\n--- a\n", "%YAML 1.1 # c\n--- a\n", "%YAML 1.1 x\n--- a\n", "%YAML 1.12345678901\n--- a\n", "%YAML 1.1\n%YAML 1.1\n--- a\n", "%TAG !e! x:\n--- !e!str 1\n", "%TAG e x\n--- a\n",
  "%TAG ! tag:yaml.org,2002:\n--- !str 1\n", "%TAG !e! tag:yaml.org,2002:\n%TAG !e! x\n--- !e!str 1\n", "%\n--- a\n", "%A-b\n--- a\n", "%YAML\n--- a\n", "a: 1\n%YAML 1.1\n", "a\n%b\n", " %a\n",
  "a: b # c\n  d\n", "a:\n  b # c\n  d\n", "a: 'b' # c\n  d\n", "a: |\n  b\n c\n", "a: |\n   b\n  c\n", "a: |\n \n  b\n", "a: |\n    \n  b\n", "a: >\n  b\n \n c\n", "- |\n \n - a\n", "a: |1-\n  b\n", "a: |-1+\n b\n", "a: |--\n b\n",
  "a: b\n\tc: d\n", "a:\n\t- b\n", "a:\n  b\n\tc\n", "a: 'b\n\tc'\n", "a: [b,\n\tc]\n", "a: b\t# c\n", "a: >\n\n\tb\n", "-\t-\tb\n", "?\ta\n", "a:\t|\n  b\n", "a:\t- b\n", "a:\tb: c\n", "{a:\tb}\n", "[\ta]\n", "\t[a]\n", "\t# c\na: 1\n", "a: 1\n\t\t\n",
  "a: \"\\\n\n  b\"\n", "a: \"b \\\n  \\  c\"\n", "a: \"\\ud800\"\n", "a: \"\\U00110000\"\n", "a: \"\\\t\"\n", "a: \"\\'\"\n", "a: \"b\n---\nc\"\n", "a: 'b\n...\nc'\n", "a: b\n--- c\n", "a: \"\u00e9\n\n\n b\"\n",
  "a: b\u2028  c\n", "a: 'b\u2028c'\n", "a: \"b\u0085\u0085c\"\n", "a: >\n  b\u2028  c\n", "# c\u0085a: 1\n", "a: b\r\n\r\n  c\r\n", "a: >\r\n  b\r\n\r\n  c\r\n", "a: b\r  c\r", "a: \f\n", "a: \u007f\n", "a: \u0080\n", "a: \ufffe\n",
  "? a\n?b\n", "? a\n: b\n: c\n", "a: 1\n: b\n", "a: b: c\n", "- a: b: c\n", "? - a\n  - b\n: c\n", "a:\n- b\n-c\n", "a:\n- b\n- - c\n  - d\ne: f\n", "a:\n- b: c\n  d: e\n- f\ng: h\n", "a: &x\n- b\n", "a: !!seq\n- b\n", "&x - a\n", "&x\n- a\n",
  "#{'k' * 1022}: 1\n", "#{'k' * 1024}: 1\n", "#{'k' * 1025}: 1\n", "[#{'k' * 1100}: 1]\n", "\"#{'k' * 1100}\": 1\n", "{#{'k' * 500}: #{'v' * 600}}\n", "[#{'k' * 500}, #{'v' * 600}]: 1\n"
].freeze
