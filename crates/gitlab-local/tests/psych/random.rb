# frozen_string_literal: true

# Writes rows as of `table.jsonl` for random documents, to find what our reader takes otherwise than Psych.
#
#     ruby crates/gitlab-local/tests/psych/random.rb 1 100000 >random.jsonl
#     PSYCH_TABLE=$PWD/random.jsonl cargo test -p gitlab-local --lib psych -- --nocapture
#
# The first argument is the seed. A third of the documents are damaged at a few places. A difference that matters
# becomes an entry of `inputs.rb`.

require_relative 'reading'
require_relative 'inputs'

# Makes documents out of the texts in `inputs.rb`.
class Author
  TEXTS = (SCALARS + MORE_SCALARS).freeze
  # Texts that are values within lines, and those that are items within brackets.
  VALUES, ITEMS = ['v: %s', 'v: [%s]'].map do |frame|
    TEXTS.select { |text| row(format(frame, text.gsub('%', '%%')).gsub('%%', '%'))[:documents] }
  end.freeze
  KEYS = ['script', 'stage', 'image', '.base', 'default', 'a b', 'a:b', "'q'", '"d"', '$X', 'build 1/3', '1', 'on', '~',
          '1.5', '017', '!!str a', '!!str <<', ':a', '-a', '?a', 'a?', 'é'].freeze
  TAGS = ['!!str', '!foo', '!', '!!map', '!!seq', '!reference', '!!int', '!!float', '!!null', '!<x>', '!é', '!a%41'].freeze
  # Characters that mean something, and some that are rare.
  SIGNS = ("-?:,[]{}#&*!|>'\"%@`~<=.+_\\/$ \t\n\r\f\u00e9\u00a0\ufeff0128xyE".chars +
           ["\r\n", '---', '...', '<<', "\n  ", ': ', ' #', '- ', "\u0085", "\u2028"]).freeze

  def initialize(seed)
    @random = Random.new(seed)
  end

  def document
    @anchors = []
    text = "#{heading}#{block(0, 3)}"
    text += "#{pick(["---\n", "--- \n", "...\n", "--- # c\n"])}#{block(0, 2)}" if chance(0.05)
    text = text.gsub("\n", pick(["\r\n", "\r"])) if chance(0.05)
    chance(0.35) ? damaged(text) : text
  end

  private

  def pick(items) = items[@random.rand(items.size)]

  def chance(part) = @random.rand < part

  def times(most) = @random.rand(1..most)

  def heading
    chance(0.1) ? pick(["---\n", "\ufeff", "%YAML 1.1\n---\n", "# c\n", '--- ', "\n\n", "\ufeff---\n"]) : ''
  end

  # A map, a list or a scalar in lines of their own.
  def block(indent, depth)
    blanks = ' ' * indent
    case @random.rand(10)
    when 0..5 then Array.new(times(4)) { blanks + entry(indent, depth) }.join
    when 6..8 then Array.new(times(4)) { "#{blanks}-#{value(indent, depth)}" }.join
    else "#{blanks}#{pick(VALUES)}\n"
    end
  end

  def entry(indent, depth)
    return "<<:#{merged}\n" if chance(0.1) && @anchors.any?
    return "? #{pick(VALUES)}\n#{' ' * indent}:#{value(indent, depth)}" if chance(0.03)

    "#{properties.lstrip} ".lstrip + "#{pick(KEYS)}#{pick([':', ':', ':', ' :'])}#{value(indent, depth)}"
  end

  def merged
    pick([" *#{pick(@anchors)}", " [*#{pick(@anchors)}, *#{pick(@anchors)}]", " {x: 1, y: 2}", " [{x: 1}, *#{pick(@anchors)}]"])
  end

  def value(indent, depth)
    case @random.rand(12)
    when 0..3 then depth.positive? ? "#{properties}\n#{block(indent + times(3), depth - 1)}" : "\n"
    when 4 then " #{block(indent + 2, depth - 1).lstrip}" if depth.positive? && @line_start
    when 5 then "#{properties} #{lines(indent)}"
    when 6 then "#{properties} #{flow(3)}#{ending}"
    when 7 then " *#{pick(@anchors)}#{ending}" if @anchors.any?
    when 8 then "#{properties} #{folded(indent)}"
    end || "#{properties} #{pick(VALUES)}#{ending}"
  end

  def ending = pick(["\n", "\n", "\n", " # c\n", "\n\n", " \n", "\n# c\n", "\t\n"])

  def properties
    return '' if chance(0.85)

    anchor = pick(%w[a b c d])
    marks = [chance(0.7) ? "&#{anchor}" : nil, chance(0.4) ? pick(TAGS.first(@random.rand(TAGS.size) + 1)) : nil].compact
    @anchors |= [anchor] if marks.any? { |mark| mark.start_with?('&') }
    marks.shuffle(random: @random).map { |mark| " #{mark}" }.join
  end

  # A block scalar.
  def lines(indent)
    header = pick(%w[| >]) + pick(['', '', '', '-', '+', '2', '2-', '+1']) + pick(['', '', ' # c', ' '])
    texts = ['a', 'b c', '', '', ' ', '  d', '# x', '- y', "\te", 'é: z', 'x # y', '    ']
    body = Array.new(@random.rand(6)) { "#{' ' * (indent + 2)}#{pick(texts)}" }
    body = body.map { |line| line.strip.empty? ? pick(['', line, ' ']) : line }
    "#{header}\n#{body.map { |line| "#{line}\n" }.join}"
  end

  # A plain or quoted scalar of several lines.
  def folded(indent)
    quote = pick(['', "'", '"'])
    words = pick([%w[a b-c 12 yes], ['x #y', 'a:b', '~', 'é'], SCALARS])
    parts = Array.new(times(3)) { pick(words).delete(quote) }
    breaks = ["\n", "\n\n", " \n", "\n \n", "\t\n"] + (quote == '"' ? ["\\\n", "\\n\n"] : [])
    "#{quote}#{parts.join("#{pick(breaks)}#{' ' * (indent + times(4))}")}#{quote}\n"
  end

  def flow(depth)
    items = Array.new(@random.rand(4)) do
      item = depth.positive? && chance(0.3) ? flow(depth - 1) : pick(ITEMS)
      item = "*#{pick(@anchors)} " if chance(0.1) && @anchors.any?
      chance(0.5) ? "#{properties} #{pick(KEYS)}#{pick([': ', ' : ', ":\n   "])}#{item}" : "#{properties} #{item}"
    end
    list = items.join(pick([',', ', ', ",\n    ", ' ,']))
    chance(0.5) ? "[#{list}#{pick(['', '', ',', ' '])}]" : "{#{list}#{pick(['', '', ',', ' '])}}"
  end

  def damaged(text)
    times(3).times do
      at = @random.rand(text.size + 1)
      text = text[0...at] + case @random.rand(5)
                            when 0..1 then pick(SIGNS) + text[at..]
                            when 2 then text[(at + 1)..].to_s
                            when 3 then pick(SIGNS) + text[(at + 1)..].to_s
                            else text[[at - 10, 0].max..]
                            end
    end
    text
  end
end

author = Author.new(Integer(ARGV.fetch(0)))
puts JSON.generate({ source: 'random' })
Integer(ARGV.fetch(1)).times { puts JSON.generate(row(author.document)) }
