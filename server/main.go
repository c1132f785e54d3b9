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
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/uptrace/bun"

	"vigie"
	"vigie/alert"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &process{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv, now: time.Now}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// process is what a command has of the world around it.
type process struct {
	in       io.Reader
	out, err io.Writer
	env      func(name string) (string, bool)
	now      func() time.Time
	// fault is told of the points at which tests stop the process, and queries of
	// all that is asked of the database; nil outside of tests.
	fault   func(alert.Fault)
	queries bun.QueryHook
}

// log writes lines for operators.
func (p *process) log() *slog.Logger { return slog.New(named{slog.NewTextHandler(p.err, nil)}) }

// commands are the words that follow `vigie`.
type commands struct {
	Demo   demo  `cmd:"" help:"Show Vigie with sample notices, everything embedded, for this machine alone."`
	Serve  serve `cmd:"" help:"Serve the API, for production."`
	Import struct {
		Boamp   importBOAMP   `cmd:"" help:"Import notices of BOAMP, as its open data gives them."`
		Watches importWatches `cmd:"" help:"Import the watches that people had on another system."`
	} `cmd:"" help:"Import what others publish, and what others held."`
	Account struct {
		Export accountExport `cmd:"" help:"Print all that is held of a person, as JSON."`
		Delete accountDelete `cmd:"" help:"Erase a person's account, for good."`
	} `cmd:"" help:"Do what persons may ask of those who hold their data."`
	Secret struct {
		Adopt secretAdopt `cmd:"" help:"Use the database with other secrets than it knows, because the former are lost or were stolen: links in mails that were sent stop working."`
	} `cmd:"" help:"Manage what the database knows of the secrets."`
	Audit    audit    `cmd:"" help:"Print who looked at accounts with a token of the scope support."`
	Analyze  analyze  `cmd:"" help:"Print the terms of each line of standard input: what keywords are matched by."`
	Token    token    `cmd:"" help:"Print a signed token, for development."`
	Migrate  migrate  `cmd:"" help:"Bring the database up to date, and stop."`
	Restored restored `cmd:"" help:"Tell that the database was just restored from a backup, before the server starts on it."`
	Reindex  reindex  `cmd:"" help:"Have the server build its search index anew; the old one answers meanwhile."`
	Bounce   bounce   `cmd:"" help:"Read a mail that came back on standard input; for a mail server to pipe to."`
	Health   health   `cmd:"" help:"Ask a running server whether it is ready."`
	Bench    struct {
		Match benchMatch `cmd:"" help:"Measure the matcher: one tender against many watches."`
		Alert benchAlert `cmd:"" help:"Measure alerts: from a published tender to the mails accepted."`
	} `cmd:"" help:"Measure what is claimed."`
}

// run runs a command and returns the exit status: 0, 1 where it failed (or the
// one that the failure has), 2 where it was misspelt.
func (p *process) run(ctx context.Context, args []string) int {
	var c commands
	exited, status := false, 0
	parser, err := kong.New(&c,
		kong.Name("vigie"),
		kong.Description("A tender watch (veille de marchés) behind a GraphQL API. "+
			"Every flag can also be set by a variable: --database-url by VIGIE_DATABASE_URL, or by VIGIE_DATABASE_URL_FILE, a file that holds the value."),
		kong.Vars(limitVars()),
		kong.Writers(p.out, p.err),
		kong.Exit(func(code int) { exited, status = true, code }),
		kong.Resolvers(kong.ResolverFunc(p.fromEnvironment)),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p),
	)
	if err != nil {
		panic("server: the commands are declared wrongly: " + err.Error())
	}
	parsed, err := parser.Parse(args)
	if exited { // --help printed what was asked for
		return status
	}
	if err != nil {
		fmt.Fprintf(p.err, "vigie: %v\nRun « vigie --help » to see the commands.\n", err)
		return 2
	}
	err = parsed.Run()
	if e, ok := errors.AsType[exit](err); ok {
		fmt.Fprintln(p.err, "vigie:", operatorMessage(err))
		return e.status
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(p.err, "vigie:", operatorMessage(err))
		return 1
	}
	return 0
}

// operatorMessage says what went wrong, and why.
func operatorMessage(err error) string {
	if e, ok := errors.AsType[*vigie.Error](err); ok && e.Text.EN != "" {
		if e.Err != nil {
			return e.Text.EN + " (" + e.Err.Error() + ")"
		}
		return e.Text.EN
	}
	return err.Error()
}
