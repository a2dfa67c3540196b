# frozen_string_literal: true

# Writes `table.jsonl`: what Ruby's Psych, called as GitLab calls it, makes of the documents in `inputs.rb`.
#
#     apt-get install ruby && ruby crates/gitlab-local/tests/psych/make_table.rb
#
# Each line has a text and what it became: `documents`, or the `error` of Ruby. A string, true, false, null and a list
# are what they are in JSON. A number is `{"Integer": "15"}` or `{"Float": "1.5"}` with Ruby's `to_s`, a symbol is
# `{"Symbol": "a"}`, a hash `{"Hash": [[key, value], ...]}`, a reference `{"Reference": [...]}`. `differs` says why our
# reader differs on purpose.

require_relative 'reading'
require_relative 'inputs'
require_relative 'differences'

texts = (SCALARS + MORE_SCALARS).map { |scalar| "v: #{scalar}\n" } + BLOCKS + STRUCTURES
rows = texts.uniq.map do |text|
  row = row(text)
  row[:differs] = DIFFERENCES[text] if DIFFERENCES.key?(text)
  JSON.generate(row)
end
head = { source: "Ruby #{RUBY_VERSION}, Psych #{Psych::VERSION}, libyaml #{Psych::LIBYAML_VERSION}", rows: rows.size }
File.write(File.join(__dir__, 'table.jsonl'), ([JSON.generate(head)] + rows).map { |line| "#{line}\n" }.join)
