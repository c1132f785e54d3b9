package main

import (
	"bufio"
	"fmt"
	"strings"

	"vigie/lexicon"
)

// analyze is the command that shows what the lexicon makes of a text.
type analyze struct {
	Pairs bool `help:"Print pairs of words too."`
}

// Run runs the command.
func (c *analyze) Run(p *process) error {
	lines := bufio.NewScanner(p.standardInput())
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		terms, _ := lexicon.Terms(lines.Text())
		var shown []string
		for _, term := range terms {
			if c.Pairs || !strings.Contains(term, "_") {
				shown = append(shown, term)
			}
		}
		if _, err := fmt.Fprintln(p.out, strings.Join(shown, " ")); err != nil {
			return err
		}
	}
	return lines.Err()
}
