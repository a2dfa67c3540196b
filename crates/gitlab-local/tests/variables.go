// The runner's part of the table that variables.rb begins: it replaces references once, by values as it got them
// (`Variables.Expand`: Go's os.Expand over `Variables.Get`), among variables of its own.
package main

import (
	"encoding/json"
	"os"
)

type variable struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Raw   bool   `json:"raw"`
}

type row struct {
	Name      string            `json:"name"`
	Variables []variable        `json:"variables"`
	Error     string            `json:"error,omitempty"`
	Sent      []variable        `json:"sent,omitempty"`
	Job       map[string]string `json:"job,omitempty"`
}

// What the runner puts before the variables that GitLab sends.
var own = []variable{
	{Key: "CI_BUILDS_DIR", Value: "/builds"},
	{Key: "CI_PROJECT_DIR", Value: "/builds/a/b"},
}

const special = "*#@!?0123456789"

func main() {
	var rows []row
	if err := json.NewDecoder(os.Stdin).Decode(&rows); err != nil {
		panic(err)
	}
	for i := range rows {
		if rows[i].Error == "" {
			rows[i].Job = job(append(append([]variable{}, own...), rows[i].Sent...))
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(rows); err != nil {
		panic(err)
	}
}

func job(all []variable) map[string]string {
	values := map[string]string{}
	for _, variable := range all {
		values[variable.Key] = variable.Value
	}
	get := func(name string) string {
		if name == "$" {
			return name
		}
		if len(name) == 1 && contains(special, name[0]) {
			return ""
		}
		return values[name]
	}
	expanded := map[string]string{}
	for _, variable := range all {
		expanded[variable.Key] = variable.Value
		if !variable.Raw {
			expanded[variable.Key] = os.Expand(variable.Value, get)
		}
	}
	return expanded
}

func contains(text string, char byte) bool {
	for i := range len(text) {
		if text[i] == char {
			return true
		}
	}
	return false
}
