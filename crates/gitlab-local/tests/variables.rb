# Makes the table that expansion of a job's variables is tested with: what GitLab sends, and what a job has in the end.
#
# GitLab sorts the variables by their references (Ruby's TSort), replaces each reference by a value that is complete,
# and leaves the rest to the runner: unknown names and references to variables with `expand: false`
# (`Ci::BuildRunnerPresenter#runner_variables`). Several variables may have one name: a later one hides an earlier one,
# and may refer to it. The runner's part is in variables.go.
#
#     ruby variables.rb | go run variables.go > variables.json
require 'json'
require 'tsort'

REFERENCE = /\$\$|%%|\$(?<key>[a-zA-Z_][a-zA-Z0-9_]*)|\$\{\g<key>?\}|%\g<key>%/

# name: [[key, value], ...]; `[key, value, true]` is not expanded.
CASES = {
  'nothing to do' => [%w[A 1], ['B', ''], ['C', 'a b']],
  'in order' => [%w[A 1], %w[B $A-2], %w[C ${B}-3]],
  'out of order' => [%w[C $B-3], %w[B ${A}-2], %w[A 1]],
  'windows form' => [%w[A 1], %w[B x%A%y], %w[C %B%%A%], %w[D %U%-%A]],
  'a date format' => [%w[A %Y-%m-%d], %w[H 1], %w[B %H%M]],
  'unknown names' => [%w[A x$U/y], %w[B $A], %w[C ${U}], %w[D $1$?${A:-b}]],
  'dollars' => [%w[A $$B], %w[B b], %w[C $A], %w[D $$$B], %w[E 5$], ['F', '$ B'], %w[G $$$$B], %w[H ${C}$$]],
  'percents' => [%w[A %%B%%], %w[B b], %w[C %A%], %w[D 100%]],
  'a dollar meets a name' => [%w[A $], %w[B b], %w[C ${A}B], %w[D $A], %w[E $C]],
  'braces' => [%w[A a], %w[B ${A], %w[C ${}A], %w[D ${A}}], %w[E $${A}], %w[F $B}]],
  'not expanded' => [%w[A a], ['R', 'raw-$A-%A%-$$', true], %w[B $R], %w[C $B], %w[D ${R}$A]],
  'a value that is not expanded refers to itself' => [['R', '$R', true], %w[B $R]],
  'a reference to itself' => [%w[A $A:/bin], %w[B $A], %w[C $B]],
  'two references to itself' => [%w[A $A$A!]],
  'a hidden variable' => [%w[A 1], %w[A $A-2], %w[B $A]],
  'two hidden variables' => [%w[A 1], %w[A $A-2], %w[A $A-3], %w[B <$A>]],
  'a hidden variable that is used' => [%w[A 1], %w[B $A], %w[A 2]],
  'a hidden variable is not expanded' => [['A', '$B', true], %w[B b], %w[A $A-2]],
  'hidden by one that is not expanded' => [%w[A 1], %w[B $A], ['A', '$C', true], %w[C c]],
  'a hidden variable with references' => [%w[A $B-1], %w[B b], %w[A $A-2], %w[C $A]],
  'known to the runner' => [%w[A $CI_PROJECT_DIR/out], %w[B $A/x], %w[CI_BUILDS_DIR mine], %w[C ${CI_BUILDS_DIR}]],
  'a cycle of two' => [%w[A $B], %w[B $A], %w[C c]],
  'a cycle of three' => [%w[X $B], %w[A $B], %w[B $C], %w[C $A]],
  'a cycle through hidden variables' => [%w[A $B], %w[B 1], %w[B $A]],
  'a cycle of windows form' => [%w[A %B%], %w[B $A]],
  'no cycle without expansion' => [%w[A $B], ['B', '$A', true]],
  'no cycle of dollars' => [%w[A $$B], %w[B $A]],
  'a long chain' => (0...150).map { |n| ["V#{n}", n < 149 ? "$V#{n + 1}." : 'end'] },
  'letters of other languages' => [%w[A ä], %w[B $Aö], %w[C ${A}ö], %w[D $äA]],
  'lines' => [['A', "1\n$B"], %w[B 2], ['C', "$A\n$B"]]
}.freeze

Item = Struct.new(:key, :value, :raw) do
  def references
    raw ? [] : value.scan(REFERENCE).flatten.compact
  end
end

# A list of variables as a graph.
class Graph
  include TSort

  def initialize(items)
    @items = items
    @named = items.group_by(&:key)
  end

  def tsort_each_node(&block) = @items.each(&block)

  def tsort_each_child(item, &block)
    item.references.flat_map { |name| @named.fetch(name, []) }.each(&block)
  end

  def cycles = strongly_connected_components.select { |component| component.size > 1 }
end

def sent(items)
  graph = Graph.new(items)
  cycles = graph.cycles.map { |component| component.map(&:key).inspect }
  return { error: "circular variable reference detected: #{cycles.join(', ')}" } if cycles.any?

  known = {}
  done = graph.tsort.map do |item|
    value = item.raw ? item.value : item.value.gsub(REFERENCE) do |original|
      other = known[Regexp.last_match[:key]]
      other.nil? || other.raw ? original : other.value
    end
    known[item.key] = Item.new(item.key, value, item.raw)
  end
  { sent: done.map { |item| { key: item.key, value: item.value, raw: item.raw } } }
end

rows = CASES.map do |name, variables|
  items = variables.map { |key, value, raw| Item.new(key, value, raw || false) }
  { name: name, variables: items.map(&:to_h), **sent(items.map(&:dup)) }
end
puts JSON.pretty_generate(rows)
