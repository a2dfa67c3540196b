// Makes expansion.json, the table that this crate is tested with, from what GitLab Runner does:
// `JobVariables.ExpandValue` is Go's os.Expand over `JobVariables.Get`, which is copied here.
//
//	go run expansion.go > expansion.json
package main

import (
	"encoding/json"
	"os"
)

// Stands for a variable of any name, so that the table shows which name was looked up.
func get(key string) string {
	switch key {
	case "$":
		return key
	case "*", "#", "@", "!", "?", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9":
		return ""
	}
	return "<" + key + ">"
}

func main() {
	texts := []string{
		"", "plain", "$", "$$", "$$$", "$$$$", "a$", "$A", "${A}", "$A$B", "${A}${B}", "x$A-${B}c", "$A_1", "$_", "$_A",
		"${A}b", "$Ab", "$A.b", "$A/b", "$A:$B", "$$A", "$$$A", "$${A}", "${$}A", "${$", "${$A}", "100$", "100 $ or more",
		"$ A", "$\tA", "$\nA", "$-A", "$-", "${-}", "$.", "$/", "$,", "$:", "$=", "$(date)", "$((1+1))", "$[1]", "$'x'", "$\"x\"",
		"$%A", "$^", "$~", "$+", "$&", "$;", "$|", "$<", "$>", "$\\A", "\\$A", "$0", "$1", "$9", "$10", "$1A", "${1}", "${10}",
		"${1A}", "$*", "$#", "$@", "$!", "$?", "${*}", "${#}", "${@}", "${!}", "${?}", "${#A}", "${!A}", "${A:-b}", "${A-b}",
		"${A:=b}", "${A%.*}", "${a-b}", "${A B}", "${ A }", "${A", "${", "${}", "${}A", "a${", "a${b", "${{A}}", "${A}}", "{$A}",
		"${A$B}", "${${A}}", "$A${", "$A${}$B", "ü$A€", "$ü", "${ü}", "$Aü", "%A%", "$\x00", "${A\nB}",
	}
	type row struct {
		Text     string `json:"text"`
		Expanded string `json:"expanded"`
	}
	table := make([]row, len(texts))
	for i, text := range texts {
		table[i] = row{text, os.Expand(text, get)}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(table); err != nil {
		panic(err)
	}
}
