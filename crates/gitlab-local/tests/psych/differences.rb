# frozen_string_literal: true

line_breaks = 'U+0085 and U+2028 are no line breaks in YAML 1.2'
tabs = 'a tab may stand where a blank may'
anchors = 'the name of an anchor has more characters in YAML 1.2'
comments = 'a comment needs a blank before it in YAML 1.2'
keys = 'a list or a map as a key is refused, as GitLab does nearly everywhere'
dashes = 'a lone dash in brackets needs quotes in YAML 1.2'
colons = 'a colon may begin a scalar in brackets in YAML 1.2'

# Documents that our reader takes otherwise than Psych, each with the reason.
DIFFERENCES = {
  "v: \u0085\n" => line_breaks,
  "v: |\n  é\u2028x\n" => line_breaks,
  "v: |\n  a\u0085  b\n" => line_breaks,
  "v: >\n  a\u0085  b\n" => line_breaks,
  "a: 1\u2028b: 2\n" => line_breaks,
  "a: 1\u0085b: 2\n" => line_breaks,
  "a: x\u2028y\n" => line_breaks,
  "v: |\n  \ta\n" => tabs,
  "\ta: b\n" => tabs,
  "-\ta\n" => tabs,
  "- \ta\n" => tabs,
  "a: 1\n\t\nb: 2\n" => tabs,
  "a: 1\n\t# c\nb: 2\n" => tabs,
  "v: &a.b x\n" => anchors,
  "v: &a-b_c/d x\n" => anchors,
  "v: &é x\n" => anchors,
  "a: &x k\n*x: 1\n" => anchors,
  "v: |# no\n  a\n" => comments,
  "a: '1'#c\n" => comments,
  "a: [1]#c\n" => comments,
  "v: {{ x }}\n" => keys,
  "? [a]\n: b\n" => keys,
  "[a]: b\n" => keys,
  "{a: b}: c\n" => keys,
  "v: [-]\n" => dashes,
  "v: [a, -]\n" => dashes,
  "v: [a, :b]\n" => colons,
  "v: !reference [:a, b]\n" => colons,
  ": a\n" => 'a key may be empty in YAML 1.2',
  ":a: 1\na: 2\n" => 'GitLab makes symbols of all keys, so these are one',
  "...\n" => 'an empty document is none',
  "---\n...\n" => 'an empty document is none',
  "\ufeff---\na: 1\n" => 'a byte order mark before the first document is skipped'
}.freeze
