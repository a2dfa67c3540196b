# frozen_string_literal: true

keys = 'a list or a map as a key is refused, as GitLab does nearly everywhere'

# Documents that our reader takes otherwise than Psych, each with the reason.
DIFFERENCES = {
  "v: {{ x }}\n" => keys,
  "? [a]\n: b\n" => keys,
  "? - a\n  - b\n: c\n" => keys,
  "[a]: b\n" => keys,
  "{a: b}: c\n" => keys,
  "a: !!str {}\n" => 'a map with the tag of a text is refused: Psych makes null of it, or fails'
}.freeze
