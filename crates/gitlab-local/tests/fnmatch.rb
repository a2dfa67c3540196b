# Makes fnmatch.json: which paths match which globs of `rules:exists` and `rules:changes` in Ruby, with GitLab's flags.
#
#     ruby fnmatch.rb > fnmatch.json

require 'json'

FLAGS = File::FNM_PATHNAME | File::FNM_DOTMATCH | File::FNM_EXTGLOB

PATHS = [
  'a', 'b', 'ab', 'abc', '.a', 'a.log', 'b.log', '.log', 'a/b', 'a/b/c', 'a/b/c/d', 'a/.b', 'a/.b/c', '.ci/a.yml',
  'Dockerfile', 'docker/Dockerfile', 'docker/x/Dockerfile', 'src/main.rs', 'src/lib/a.rs', 'src/lib/b.RS', 'src/.env',
  'docs/index.md', 'docs/x/y/z.md', 'README.md', 'readme.md', 'package.json', 'web/package.json', 'a b', 'a*b', 'a[b',
  'a?b', 'ä', 'ö/ä', 'a\\b', '{a}', '{a', 'a]', '-a', 'a-b', '^a', '!a', 'A', 'x{y,z}', 'a,b', 'aa/bb/cc.txt',
].freeze

PATTERNS = [
  'a', '*', '**', '**/*', '*/*', '*/**', '**/a', 'a/**', 'a/**/c', 'a/*/c', '**/c', 'a/b/**', 'a/**/*', '**/**', '**/**/*',
  '***', 'a**', '**a', 'a/**b', '**/b/**', '**/.*', '.*', '*.log', '**/*.log', '**/*.rs', '*.rs', 'src/**/*.rs', 'src/**.rs',
  'src/*', 'src/**', 'src/**/*', 'docs/**/*.md', 'docs/**/**/z.md', '**/Dockerfile', '*/Dockerfile', 'Dockerfile*',
  '**/package.json', '/Dockerfile', './Dockerfile', 'docker/', 'docker/Dockerfile/', '', '?', '??', 'a?c', '?.log', 'a/?',
  'a?b', '[ab]', '[a-c]', '[!a]', '[^a]', '[!a-b].log', '[a-]', '[]a]', '[a', 'a]', '[]', 'a[/]b', '[\\]]', '[A-Z]*',
  '*[.]md', '{a,b}', '{a,b}.log', '{a,{b,c}}', '*.{md,json}', '**/*.{md,rs}', '{src,docs}/**/*', '{src/*,README.md}', '{a}',
  '{,a}b', 'a{,b}', '{a,b', 'a,b}', 'x{y,z}', '\\{a\\}', '\\{a', '{a', '\\*', 'a\\*b', 'a\\?b', 'a\\[b', 'a\\\\b', 'ä', '[ä]',
  '?/ä', '**/ä', 'a b', 'a*b', 'readme.md', 'README.MD', '[r]eadme.md', '-a', '[-a]a', '^a', '!a', '{a,b}{b,c}', '{a,b}/{b,c}',
  '{**/c,b}', '**/{b,c}', '{src,docs}/{lib,x}/**/*', 'aa/**/cc.txt', 'aa/*/cc.txt', '**/bb/*',
].freeze

rows = PATTERNS.map do |pattern|
  matches = PATHS.select { |path| File.fnmatch?(pattern, path, FLAGS) }
  JSON.generate({ pattern: pattern, matches: matches })
end
puts "{\"paths\": #{JSON.generate(PATHS)},\n\"rows\": [\n#{rows.join(",\n")}\n]}"
