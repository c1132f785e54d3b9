package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"vigie/server/setting"
)

// manual is the command that prints the manual page.
type manual struct{}

// Run runs the command.
func (c *manual) Run(parsed *kong.Context, p *process) error {
	return writeManual(p.out, parsed.Model)
}

// writeManual writes the manual page of a command line, in the macros of man(7).
func writeManual(w io.Writer, model *kong.Application) error {
	var text strings.Builder
	fmt.Fprintf(&text, ".TH VIGIE 1 \"\" \"%s\" \"Vigie\"\n.SH NAME\nvigie \\- a tender watch behind a GraphQL API\n", roff(built().version))
	fmt.Fprintf(&text, ".SH SYNOPSIS\n.B vigie\n.I command\n[\\fIflags\\fR]\n.SH DESCRIPTION\n%s\n.SH COMMANDS\n", roff(model.Help))
	for _, leaf := range model.Leaves(true) {
		fmt.Fprintf(&text, ".SS %s\n%s\n", roff(leaf.Summary()), roff(leaf.Help))
		for _, argument := range leaf.Positional {
			writeEntry(&text, argument.Summary(), argument.Help)
		}
		for _, flag := range leaf.Flags {
			writeEntry(&text, flag.String(), setting.Help(flag.Value))
		}
	}
	text.WriteString(".SH EXIT STATUS\n0 if all went well, 1 if not, 2 if the command line or a setting is wrong. " +
		"\\fBbounce\\fR ends with 75 where the mail server is to try again.\n")
	_, err := io.WriteString(w, text.String())
	return err
}

// writeEntry writes what a flag or an argument means.
func writeEntry(w io.Writer, name, meaning string) {
	fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(name), roff(meaning))
}

// roff writes a text so that none of it is a command of roff.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ", `"`, `\(dq`, "…", "...", "é", `\['e]`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
