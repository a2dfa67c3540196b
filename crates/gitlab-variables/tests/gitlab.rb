# Makes gitlab.json, the table that GitLab's part of this crate is tested with, from the texts of expansion.json.
#
# GitLab replaces references with Ruby's `gsub` and one expression for texts (`ExpandVariables`), another for values of
# variables (`Gitlab::Ci::Variables::Collection#expand_value`). Each name stands for `<NAME>`, but those that begin with
# `U` are unknown.
#
#     ruby gitlab.rb > gitlab.json
require 'json'

NAME = '(?<key>[a-zA-Z_][a-zA-Z0-9_]*)'
TEXT = /\$#{NAME}|\$\{\g<key>\}|%\g<key>%/
VALUE = /\$\$|%%|\$#{NAME}|\$\{\g<key>?\}|%\g<key>%/

MORE = %w[
  %A% %A%%B% %%A%% %%%A%%% %A%B% %A %1A% %% %%% %_% %Aü% 100%$A% $A%B% $$%A% %$A% %${A}% ${%A%} $%A% %A$B% %A-% %U%
  $U ${U} $$U %%U%% $U$A a%U%b $U%A% ${U}A ${UA}$A %Y-%m-%d %H%M%S %d/%m/%Y $$$U $A$$U% $A}${B
].freeze

def replaced(text, expression)
  text.gsub(expression) do |original|
    name = Regexp.last_match[:key]
    name.nil? || name.start_with?('U') ? original : "<#{name}>"
  end
end

texts = JSON.parse(File.read(File.join(__dir__, 'expansion.json'))).map { |row| row['text'] } + MORE
rows = texts.map do |text|
  { text: text, as_text: replaced(text, TEXT), as_value: replaced(text, VALUE) }
end
puts JSON.pretty_generate(rows.uniq)
