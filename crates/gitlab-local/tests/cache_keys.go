// Makes cache_keys.json, the table of keys of caches as GitLab Runner uses them: signs that are encoded count as signs,
// a key is a path that cannot leave its folder (Go's path.Join), and the last part of it has no blank at its end.
//
//	go run cache_keys.go > cache_keys.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
	"unicode"
)

var signs = strings.NewReplacer("%2e", ".", "%2E", ".")
var slashes = strings.NewReplacer("%2f", "/", "%2F", "/")

type row struct {
	Key       string `json:"key"`
	Sanitized string `json:"sanitized"`
	Warning   string `json:"warning"`
}

func sanitize(key string) row {
	if key == "" {
		return row{}
	}
	left := path.Join("/", strings.ReplaceAll(slashes.Replace(signs.Replace(key)), `\`, "/"))
	clean := ""
	for left != "" && clean == "" {
		folder, name := path.Split(left)
		if name = strings.TrimRightFunc(name, unicode.IsSpace); name == "" {
			left = strings.TrimSuffix(folder, "/")
			continue
		}
		clean = path.Join(folder[1:], name)
	}
	switch clean {
	case "":
		return row{key, clean, fmt.Sprintf("cache key %q could not be sanitized", key)}
	case key:
		return row{key, clean, ""}
	}
	return row{key, clean, fmt.Sprintf("cache key %q sanitized to %q", key, clean)}
}

func main() {
	keys := []string{
		"", "a", "main", "a/b", "a-b_c.d", "a b", "a ", " a", "a\t", "a/ ", "a/ / ", " / a", "a /b", "/a", "/a/", "//a//b//",
		"./a", "a/.", "a/..", "../a", "../../a/b", "a/../b", "..", ".", "/", " ", "...", "a/.../b", "a\\b", "\\a", "..\\..\\a",
		"%2e%2e/a", "%2E%2E%2Fa", "a%2fb", "a%2Fb", "%252e", "%2", "%2g", "key-non_protected", "über/käse",
		"feature/x-1", "a:b", "a*b?", "a%2e", "%2e", "a\n", "a/b ",
	}
	table := make([]row, len(keys))
	for i, key := range keys {
		table[i] = sanitize(key)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(table); err != nil {
		panic(err)
	}
}
