# frozen_string_literal: true

# What Ruby's Psych, called as GitLab calls it, makes of a text: a row of `table.jsonl`.

require 'json'
require 'psych'

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
  when String then text(value)
  when Integer, Float then { value.class.name => value.to_s }
  when Symbol then { 'Symbol' => text(value.to_s) }
  when Array then value.map { |item| encoded(item) }
  when Hash then { 'Hash' => value.map { |key, item| [encoded(key), encoded(item)] } }
  when Reference then { 'Reference' => encoded(value.path) }
  else raise "no encoding for #{value.class}"
  end
end

def text(string)
  text = string.dup.force_encoding('UTF-8')
  text.valid_encoding? ? text : raise('no text')
end

def row(text)
  { yaml: text, documents: encoded(documents(text)) }
rescue Psych::SyntaxError => e
  # The problem, without libyaml's context and place.
  { yaml: text, error: "Psych::SyntaxError: #{e.problem}" }
rescue StandardError, SystemStackError => e
  { yaml: text, error: "#{e.class}: #{e.message}" }
end
