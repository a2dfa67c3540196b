// Writes tests/durations.json: what Go's time.ParseDuration makes of texts, as GitLab Runner reads
// RUNNER_SCRIPT_TIMEOUT. Run it from crates/gitlab-local with
//
//	go run tests/durations.go > tests/durations.json
package main

import (
	"encoding/json"
	"os"
	"time"
)

type row struct {
	Text         string `json:"text"`
	Microseconds any    `json:"microseconds"`
}

func main() {
	texts := []string{
		"", "0", "+0", "-0", "00", "0s", "1", "1200", "40s", "45m", "2h", "1h20m", "4h30m30s", "1h 20m", " 5s", "5s ",
		"1.5h", ".5s", "5.s", ".s", "s", "h", "1d", "1w", "1S", "1M", "1H", "1min", "1hour", "300ms", "2us", "2µs", "2μs",
		"3000ns", "1ns", "+5s", "-5s", "-1h30m", "--5s", "+-5s", "5s-3s", "1h1h", "1m1h", "1e3s", "0x10s", "1_000s",
		"1,5s", "1.2.3s", "1h2", "99999h", "abc", "10m5", "5 m", "1h20m30.25s", "0.1ms", "٣s",
	}
	rows := []row{}
	for _, text := range texts {
		duration, err := time.ParseDuration(text)
		switch {
		case err != nil:
			rows = append(rows, row{text, nil})
		case duration < 0:
			rows = append(rows, row{text, "negative"})
		default:
			rows = append(rows, row{text, duration.Microseconds()})
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(rows); err != nil {
		panic(err)
	}
}
