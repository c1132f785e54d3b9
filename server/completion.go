package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completion is the command that prints what a shell completes commands and flags by.
type completion struct{}

// Run runs the command.
func (c *completion) Run(parsed *kong.Context, p *process) error {
	return writeCompletion(p.out, parsed.Model)
}

// writeCompletion writes a function of bash that knows the words that may follow each command. Where none fits, bash
// completes names of files.
func writeCompletion(w io.Writer, model *kong.Application) error {
	var cases strings.Builder
	writeWords(&cases, model.Node, "")
	_, err := fmt.Fprintf(w, `# source <(vigie completion)
_vigie() {
	local typed=${COMP_WORDS[COMP_CWORD]} path= words= i
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -* ]] && break
		path+=" ${COMP_WORDS[i]}"
	done
	case "$path " in
%s	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$typed")
}
complete -o bashdefault -o default -F _vigie vigie
`, cases.String())
	return err
}

// writeWords writes the case of a command, after those of its own commands, which begin with the same words.
func writeWords(w io.Writer, node *kong.Node, path string) {
	var words []string
	for _, child := range node.Children {
		if !child.Hidden {
			writeWords(w, child, path+" "+child.Name)
			words = append(words, child.Name)
		}
	}
	for _, flags := range node.AllFlags(true) {
		for _, flag := range flags {
			words = append(words, "--"+flag.Name)
			if flag.Tag.Negatable != "" {
				words = append(words, "--no-"+flag.Name)
			}
		}
	}
	slices.Sort(words)
	fmt.Fprintf(w, "\t%q*) words=%q ;;\n", path+" ", strings.Join(slices.Compact(words), " "))
}
