// Writes tests/doublestar.json: which paths match which patterns in the library that GitLab Runner matches artifacts
// and caches with. Run it in a folder of its own, with a go.mod that names github.com/bmatcuk/doublestar/v4 v4.10.0:
//
//	go run . > doublestar.json
package main

import (
	"encoding/json"
	"os"

	"github.com/bmatcuk/doublestar/v4"
)

type row struct {
	Pattern string   `json:"pattern"`
	Matches []string `json:"matches"`
	Invalid bool     `json:"invalid"`
}

func main() {
	// The runner cleans patterns first, so none ends with a slash or has an empty part.
	paths := []string{
		"a", "b", "ab", "abc", ".a", "a.log", "b.log", ".log", "a/b", "a/b/c", "a/b/c/d", "a/.b", "a/.b/c", "build",
		"build/a.o", "build/x/a.o", "build/x/y/a.o", "src/build/a.o", "out/report.xml", "out/report-1.xml",
		"out/report-12.xml", "out/x/report.xml", "a b", "a*b", "a[b", "ä", "a\\b", "{a}", "node_modules/x/y.js",
		".git/config", "a]", "-a", "a-b", "^a", "!a", "A",
	}
	patterns := []string{
		"a", "*", "**", "**/*", "*/*", "*/**", "**/a", "a/**", "a/**/c", "a/*/c", "**/c", "a/b/**",
		"*.log", "**/*.log", ".*", "**/.*", "build/**/*.o", "build/*.o", "**/build/**", "out/report*.xml",
		"out/report-?.xml", "out/report-[0-9].xml", "out/report-[0-9]*.xml", "out/report-{1,12}.xml",
		"out/{report,x/report}.xml", "{a,b}", "{a,b}.log", "{a,{b,ab}}", "[ab]", "[!ab]", "[^ab]", "[a-c]*", "a?b", "a\\*b",
		"a\\[b", "a**", "**b", "a**b", "a**/b", "?", "??", "[", "a[", "[]a]", "{a", "a}", "a{,b}", "\\{a\\}", "", "node_modules",
		"node_modules/**", "[a-]", "[-a]", "[!-a]", "***", "a/***", "a\\\\b", "**/{a,c}", "{**/a,b}", "*{a,b}*", "[A-Z]",
		"[\\^]a", "\\!a", "[!]a", "{a..c}", "[[:alpha:]]", "ä", "[ä]", "a{b,c{d,e}}",
	}
	rows := []row{}
	for _, pattern := range patterns {
		this := row{Pattern: pattern, Matches: []string{}}
		for _, path := range paths {
			matched, err := doublestar.Match(pattern, path)
			if err != nil {
				this.Invalid = true
			}
			if matched {
				this.Matches = append(this.Matches, path)
			}
		}
		if !doublestar.ValidatePattern(pattern) {
			this.Invalid = true
		}
		rows = append(rows, this)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(map[string]any{"paths": paths, "rows": rows}); err != nil {
		panic(err)
	}
}
