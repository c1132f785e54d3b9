package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// version and revision are what the linker says (-ldflags "-X main.version=… -X main.revision=…"): the name of the
// release, and the commit that it was built of. Nothing else writes them.
var version, revision string

// build is what this program was built of.
type build struct{ version, revision, goVersion string }

// built reads what the build recorded: what the linker was told, else what Go records of a checkout or a module. What
// was not recorded is "unknown".
func built() build {
	b := build{version: version, revision: revision}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.goVersion = info.GoVersion
		if info.Main.Version != "(devel)" {
			b.version = cmp.Or(b.version, info.Main.Version)
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.revision = cmp.Or(b.revision, s.Value)
			}
		}
	}
	const unknown = "unknown"
	return build{cmp.Or(b.version, unknown), cmp.Or(b.revision, unknown), cmp.Or(b.goVersion, unknown)}
}

func (b build) String() string {
	return fmt.Sprintf("vigie %s (commit %s, %s)", b.version, b.revision, b.goVersion)
}

// about is the command that prints the version.
type about struct{}

// Run runs the command.
func (c *about) Run(p *process) error {
	_, err := fmt.Fprintln(p.out, built())
	return err
}

// help is the command that explains others.
type help struct {
	Command []string `arg:"" optional:"" help:"The command to explain, such as import boamp."`
}

// Run runs the command.
func (c *help) Run(parsed *kong.Context) error {
	asked, err := kong.Trace(parsed.Kong, c.Command)
	if err != nil {
		return err
	}
	if asked.Error != nil {
		return exit{misused, asked.Error}
	}
	return asked.PrintUsage(false)
}
