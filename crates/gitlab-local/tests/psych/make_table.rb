# frozen_string_literal: true

# Writes `table.jsonl`: what Ruby's Psych, called as GitLab calls it, makes of the documents in `inputs.rb`.
#
#     apt-get install ruby && ruby crates/gitlab-local/tests/psych/make_table.rb
#
# Each line has a text and what it became: `documents`, or the `error` of Ruby. A string, true, false, null and a list
# are what they are in JSON. A number is `{"Integer": "15"}` or `{"Float": "1.5"}` with Ruby's `to_s`, a symbol is
# `{"Symbol": "a"}`, a hash `{"Hash": [[key, value], ...]}`, a reference `{"Reference": [...]}`. `differs` says why our
# reader differs on purpose.

require 'json'
require 'psych'
require_relative 'inputs'
require_relative 'differences'

# GitLab's class for its tag: it takes a list of strings.
class Reference
  attr_reader :path

  def init_with(coder)
    @path = coder.seq
    valid = path.is_a?(Array) && !path.empty? && path.all?(String)
    raise Psych::Exception, '!reference is not valid' unless valid
  end
end

Psych.add_tag('!reference', Reference)

# Divided as by `Gitlab::Config::Loader::MultiDocYaml`, and loaded as by `Gitlab::Config::Loader::Yaml`.
def documents(text)
  parts = text.split(/^---\s+/, 3)
  loaded = parts.map { |part| Psych.safe_load(part, permitted_classes: [Symbol, Reference], aliases: true) }
  loaded.reject { |document| blank?(document) }
end

# As by Rails.
def blank?(value)
  return value.match?(/\A[[:space:]]*\z/) if value.is_a?(String)

  value.respond_to?(:empty?) ? value.empty? : !value
end

def encoded(value)
  case value
  when nil, true, false then value
  when String then value.dup.force_encoding('UTF-8')
  when Integer, Float then { value.class.name => value.to_s }
  when Symbol then { 'Symbol' => value.to_s }
  when Array then value.map { |item| encoded(item) }
  when Hash then { 'Hash' => value.map { |key, item| [encoded(key), encoded(item)] } }
  when Reference then { 'Reference' => encoded(value.path) }
  else raise "no encoding for #{value.class}"
  end
end

def row(text)
  { yaml: text, documents: encoded(documents(text)) }
rescue Psych::SyntaxError => e
  # The problem, without libyaml's context and place.
  { yaml: text, error: "Psych::SyntaxError: #{e.problem}" }
rescue StandardError => e
  { yaml: text, error: "#{e.class}: #{e.message}" }
end

texts = (SCALARS + MORE_SCALARS).map { |scalar| "v: #{scalar}\n" } + BLOCKS + STRUCTURES
rows = texts.uniq.map do |text|
  row = row(text)
  row[:differs] = DIFFERENCES[text] if DIFFERENCES.key?(text)
  JSON.generate(row)
end
head = { source: "Ruby #{RUBY_VERSION}, Psych #{Psych::VERSION}, libyaml #{Psych::LIBYAML_VERSION}", rows: rows.size }
File.write(File.join(__dir__, 'table.jsonl'), ([JSON.generate(head)] + rows).map { |line| "#{line}\n" }.join)
