package vigie_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"vigie"
)

// The design's table of transitions is the one that the code obeys.
func TestTransitionsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, declared []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z]+) \| ([A-Z]+) \|`).FindAllSubmatch(text, -1) {
		documented = append(documented, string(row[1])+" to "+string(row[2]))
	}
	for _, from := range vigie.DeliveryStates() {
		for _, to := range from.Next() {
			declared = append(declared, string(from)+" to "+string(to))
		}
	}
	slices.Sort(documented)
	slices.Sort(declared)
	if !slices.Equal(documented, declared) {
		t.Errorf("docs/design.md has the transitions\n%q\nand the code\n%q", documented, declared)
	}
}
