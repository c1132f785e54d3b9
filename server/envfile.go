package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"

	"vigie/server/setting"
)

// settings is the command that prints the settings of a server as a file of variables. `make generate` keeps its output
// in .env.example.
type settings struct{}

// Run runs the command.
func (c *settings) Run(parsed *kong.Context, p *process) error {
	return writeSettings(p.out, parsed.Model, p.reader())
}

// composed are the settings that compose.yaml gives its server itself.
func composed() []string {
	return []string{"VIGIE_LISTEN", "VIGIE_DATABASE_URL", "VIGIE_SEARCH_URL"}
}

// composeOwn are the variables of compose.yaml that are no settings of a server, with their help and default.
func composeOwn() [][3]string {
	return [][3]string{
		{"VIGIE_POSTGRES_PASSWORD", "The password of the database: letters and digits, such as \"openssl rand -hex 24\" makes. It must be set.", ""},
		{"VIGIE_PUBLISH", "The address of this machine at which the server can be reached.", "127.0.0.1:8080"},
		{"VIGIE_SEARCH_INDEXING_MEMORY", "How much memory Meilisearch may take for updates.", "1GiB"},
	}
}

// writeSettings writes all settings of a server, by group, each with its help and its default.
func writeSettings(w io.Writer, model *kong.Application, names *setting.Reader) error {
	var text strings.Builder
	fmt.Fprintf(&text, `# The settings of Vigie with their defaults, as "vigie settings" prints them.
# Copy this file to .env, and remove the # before what you set.
#
# A value with spaces or signs stands in single quotes: compose.yaml, systemd and shells then read the same, $ and # included.
# One with a ' in it stands in double quotes. "docker run --env-file" and "kubectl create secret --from-env-file" take quotes
# for a part of the value: leave them out there.
#
# compose.yaml reads .env. It sets these itself: %s.
# It needs VIGIE_POSTGRES_PASSWORD, VIGIE_SEARCH_KEY and VIGIE_SECRET.
# A variable with _FILE at the end of its name names a file with the value, which is set in place of the variable.

### compose.yaml
`, strings.Join(composed(), ", "))
	for _, v := range composeOwn() {
		writeVariable(&text, v[0], v[1], v[2])
	}
	group := ""
	for _, flag := range commandNamed(model.Node, "serve").Flags {
		title := "The server"
		if flag.Group != nil {
			title = flag.Group.Title
		}
		if title != group {
			group = title
			fmt.Fprintf(&text, "\n### %s\n", group)
		}
		value := flag.Default
		if flag.IsBool() && value == "" {
			value = "false"
		}
		writeVariable(&text, names.Variable(flag.Name), setting.Help(flag.Value), value)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func writeVariable(w io.Writer, name, help, value string) {
	fmt.Fprintf(w, "\n# %s\n#%s=%s\n", help, name, inQuotes(value))
}

// inQuotes is a value as compose, systemd and shells read it in the same way.
func inQuotes(value string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-._:/,@%+=", r)
	}
	if !strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
		return value
	}
	return "'" + value + "'"
}

// commandNamed is the command of a name.
func commandNamed(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	panic("server: there is no command " + name)
}
