// Command vigie is a tender watch behind a GraphQL API.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/uptrace/bun"
	"golang.org/x/term"

	"vigie"
	"vigie/alert"
	"vigie/consumer"
	"vigie/server/setting"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	p := &process{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv, names: environment, now: time.Now}
	p.asks, p.takeLog = term.IsTerminal(int(os.Stdin.Fd())), slog.SetDefault
	os.Exit(p.run(ctx, os.Args[1:]))
}

// environment are the names of the variables that there are.
func environment() []string {
	names := os.Environ()
	for i, variable := range names {
		names[i], _, _ = strings.Cut(variable, "=")
	}
	return names
}

// process is a command's input, output, environment and clock.
type process struct {
	in       io.Reader
	out, err io.Writer
	// asks is whether a person sits at the input, who can be asked.
	asks bool
	// takeLog has what libraries write to Go's own log written to a server's; nil in tests, which share Go's.
	takeLog func(*slog.Logger)
	env     func(name string) (string, bool)
	// names are those of all variables that env finds; nil where none is looked for.
	names func() []string
	now   func() time.Time
	// logging says how the log is written; away reports whether a dependency is known to be away, nil where none is watched.
	logging logSettings
	away    func() bool
	// problems are what is wrong with the settings; only the command that checks
	// them runs if there are any.
	problems []error
	// fault is called at the points at which tests stop the process, and queries
	// with every query of the database; nil outside of tests.
	fault   func(alert.Fault)
	queries bun.QueryHook
	// fail makes items of consumers fail in tests; nil outside of them.
	fail consumer.Fault
}

// commands are the words that follow `vigie`.
type commands struct {
	Version kong.VersionFlag `help:"Print the version, and stop."`

	Demo   demo  `cmd:"" help:"Try Vigie with sample notices, everything embedded, on this machine only."`
	Serve  serve `cmd:"" help:"Run the server, for production."`
	Import struct {
		Boamp   importBOAMP   `cmd:"" help:"Import notices from BOAMP's open data."`
		Ted     importTED     `cmd:"" help:"Import notices of TED, as it gives them."`
		Ocds    importOCDS    `cmd:"" help:"Import releases of the Open Contracting Data Standard."`
		Decp    importDECP    `cmd:"" help:"Import French data about awards (DECP)."`
		Watches importWatches `cmd:"" help:"Import people's watches from another system."`
	} `cmd:"" help:"Import notices, or watches from another system."`
	Account struct {
		Export accountExport `cmd:"" help:"Print all data held about a person, as JSON."`
		Delete accountDelete `cmd:"" help:"Erase a person's account, permanently."`
	} `cmd:"" help:"Export or erase a person's data."`
	Secret struct {
		Adopt secretAdopt `cmd:"" help:"Start using other secrets, because the former ones are lost or were stolen: links in mails already sent stop working."`
	} `cmd:"" help:"Manage the secrets that the database accepts."`
	Sync       syncSources `cmd:"" name:"sync" help:"Read public sources once: what they published since they were last read."`
	Audit      audit       `cmd:"" help:"Print who read accounts, or the back office, with a token of scope \"support\" or \"admin\"."`
	Analyze    analyze     `cmd:"" help:"Print the terms of each line of standard input: the words that keywords are compared with."`
	Token      token       `cmd:"" help:"Print a token that is signed with VIGIE_SECRET."`
	Migrate    migrate     `cmd:"" help:"Bring the database up to date, and stop."`
	Restored   restored    `cmd:"" help:"Prepare a database that was just restored from a backup; run it before the server starts."`
	Quarantine quarantine  `cmd:"" help:"List or retry items that failed and were set aside."`
	Reindex    reindex     `cmd:"" help:"Have the running server rebuild its search index; the old one answers until the new one is ready."`
	Bounce     bounce      `cmd:"" help:"Read a bounce on standard input; have your mail server pipe bounces to it."`
	Check      check       `cmd:"" help:"Check the settings of \"serve\", and try what they name: database, search engine, issuer, mail server, collector of traces, folders. No mail is sent."`
	Health     health      `cmd:"" help:"Ask a running server whether it is ready, and if not, why."`
	Settings   settings    `cmd:"" help:"Print all settings of \"serve\" with their defaults, as a file of variables (.env)."`
	Completion completion  `cmd:"" help:"Print the completion of commands and flags for bash; zsh takes it after \"bashcompinit\"."`
	Manual     manual      `cmd:"" help:"Print the manual page, vigie(1)."`
	About      about       `cmd:"" name:"version" help:"Print the version, and what it was built of."`
	Help       help        `cmd:"" help:"Explain a command, or list all."`
}

// parser makes what reads command lines.
func (p *process) parser(c *commands, settings *setting.Reader, more ...kong.Option) *kong.Kong {
	parser, err := kong.New(c, append(more,
		kong.Name("vigie"),
		kong.Description("A tender watch (veille de marchés) behind a GraphQL API. "+
			"Every flag can also be set by a variable: --database-url by VIGIE_DATABASE_URL, or by VIGIE_DATABASE_URL_FILE, a file that holds the value."),
		kong.Vars(limitVars()), kong.Vars{"version": built().String()},
		kong.Writers(p.out, p.err),
		settings.Option(),
		kong.Bind(p),
	)...)
	if err != nil {
		panic("server: the commands are declared wrongly: " + err.Error())
	}
	return parser
}

// run runs a command and returns the exit status: 0, 1 where it failed (or the
// one that the failure has), 2 where it was misspelt.
func (p *process) run(ctx context.Context, args []string) int {
	exited, status := false, 0
	settings := p.reader()
	parser := p.parser(&commands{}, settings,
		kong.Exit(func(code int) { exited, status = true, code }), kong.BindTo(ctx, (*context.Context)(nil)))
	parsed, err := parser.Parse(args)
	if exited { // --help printed what was asked for
		return status
	}
	if err != nil {
		fmt.Fprintf(p.err, "vigie: %v%s\nRun \"vigie --help\" to see the commands.\n", err, variablesOf(err, settings))
		return misspelt(args[:min(len(args), 1)])
	}
	if p.problems = settings.Problems(); len(p.problems) > 0 && parsed.Command() != "check" {
		for _, problem := range p.problems {
			fmt.Fprintln(p.err, "vigie:", problem)
		}
		return misspelt(args[:1])
	}
	return p.end(ctx, parsed.Run(), isServer(parsed.Command()))
}

// isServer reports whether a command works until it is stopped.
func isServer(command string) bool { return command == "serve" || command == "demo" }

// end says why a command failed, and returns its exit status.
func (p *process) end(ctx context.Context, err error, server bool) int {
	switch {
	case err == nil, server && errors.Is(err, context.Canceled):
		return 0
	case ctx.Err() != nil && !server:
		fmt.Fprintln(p.err, "vigie: interrupted")
	default:
		for _, one := range each(err) {
			fmt.Fprintln(p.err, "vigie:", strings.Join(strings.Fields(operatorMessage(one)), " ")) // on one line
		}
	}
	if e, ok := errors.AsType[exit](err); ok {
		return e.status
	}
	return 1
}

// variablesOf names the variables that set the flags that an error says are missing.
func variablesOf(err error, settings *setting.Reader) string {
	flags, missing := strings.CutPrefix(err.Error(), "missing flags: ")
	if !missing {
		return ""
	}
	var names []string
	for flag := range strings.SplitSeq(flags, ", ") {
		name, _, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		names = append(names, settings.Variable(name))
	}
	return " (or set " + strings.Join(names, ", ") + ")"
}

// misused is the exit status where the command line or a setting is wrong: to run the command again helps nobody.
const misused = 2

// misspelt is the exit status of a wrong command line. A mail server that pipes to
// a command keeps the mail until somebody has corrected it.
func misspelt(args []string) int {
	if slices.Equal(args, []string{"bounce"}) {
		return tryAgain
	}
	return misused
}

// operatorMessage says what went wrong, and why.
func operatorMessage(err error) string {
	e, ok := errors.AsType[*vigie.Error](err)
	if !ok || e.Text.EN == "" {
		return err.Error()
	}
	message := e.Text.EN
	switch {
	case e.Err != nil && strings.HasSuffix(message, "Try again shortly."): // that is for people who use the API; operators need the cause
		message = e.Err.Error()
	case e.Err != nil:
		message += " (" + e.Err.Error() + ")"
	}
	if doing, ends := strings.CutSuffix(err.Error(), e.Error()); ends {
		return doing + message
	}
	return message
}
