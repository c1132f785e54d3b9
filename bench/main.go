// Command bench measures what the product claims, by recipes that anyone can run
// again.
//
//	go run ./bench match [--watches 1000000] [--postgres URL] [--json]
//	go run ./bench alert [--recipients 10000] [--profile FILE] [--postgres URL] [--json]
//	go run ./bench hooks [--endpoints 10000] [--dead 1] [--profile FILE] [--postgres URL] [--json]
//	go run ./bench import [--notices 1000000] [--index] [--profile FILE] [--postgres URL] [--meili URL] [--json]
//	go run ./bench scale [--tenders 10000,100000,1000000] [--watches 10000,100000,1000000] [--pairs sqlite+bleve,postgres+meilisearch]
//	go run ./bench replicas --postgres URL [--replicas 1,2,4] [--json]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"vigie/bench/corpus"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs a command and returns the exit status: 0, 1 where it failed, 2 where
// the command line is not right.
func run(ctx context.Context, args []string, out, problems io.Writer) int {
	var commands struct {
		Match    matchCommand    `cmd:"" help:"Measure the matcher: one tender against many watches."`
		Alert    alertCommand    `cmd:"" help:"Measure alerts: from a published tender to the mails accepted."`
		Hooks    hooksCommand    `cmd:"" help:"Measure webhooks: from a published tender to the answers of many endpoints, some of them dead."`
		Import   importCommand   `cmd:"" help:"Measure the import of notices, and the building of a search index, while the database grows."`
		Scale    scaleCommand    `cmd:"" help:"Measure how each figure grows with the number of tenders and of watches."`
		Replicas replicasCommand `cmd:"" help:"Measure several servers on one database, and several processes that publish at once."`
		Publish  publishCommand  `cmd:"" hidden:"" help:"Publish as fast as it can: what the command replicas starts."`
	}
	helped := false
	parser, err := kong.New(&commands, kong.Name("bench"), kong.Description("Measure Vigie's speed."), kong.Writers(out, problems),
		kong.Exit(func(int) { helped = true }), kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(out, (*io.Writer)(nil)))
	if err != nil {
		panic("bench: the commands are declared wrongly: " + err.Error())
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped:
		return 0
	case err != nil:
		fmt.Fprintln(problems, "bench:", err)
		return 2
	}
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(problems, "bench:", err)
		return 1
	}
	return 0
}

// matchCommand is the command that measures the matcher.
type matchCommand struct {
	Watches  int    `default:"1000000" help:"How many watches to hold."`
	Tenders  int    `default:"1000" help:"How many tenders of each kind to match."`
	Cold     int    `default:"50" help:"How many of them to match again with cleared processor caches."`
	Seed     uint64 `default:"1" help:"The seed of the random watches and tenders; the same seed gives the same ones."`
	JSON     bool   `name:"json" help:"Print JSON."`
	Postgres string `help:"A PostgreSQL server (postgres://…) to run the same comparison in, in a schema of its own." placeholder:"URL"`
	Notices  string `env:"VIGIE_TEST_DATA" help:"A folder of BOAMP notices to take words from; by default the bundled samples." placeholder:"DIR"`
}

// Validate checks the numbers; kong calls it.
func (c *matchCommand) Validate() error {
	if c.Watches < 1 || c.Tenders < 1 || c.Cold < 0 {
		return errors.New("--watches and --tenders must be at least 1, --cold at least 0")
	}
	return nil
}

// Run runs the command.
func (c *matchCommand) Run(ctx context.Context, out io.Writer) error {
	words, err := corpus.Open(c.Notices)
	if err != nil {
		return err
	}
	report, err := Match(ctx, words, MatchOptions{
		Watches: c.Watches, Tenders: c.Tenders, Seed: c.Seed, Cold: c.Cold, Postgres: c.Postgres,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, report)
	}
	return printMatch(out, report)
}

func printJSON(out io.Writer, report any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}

func printMatch(w io.Writer, r *MatchReport) error {
	fmt.Fprintf(w, "%d watches of words in %d notices: %d registrations, %d distinct words and codes\n", r.Watches, r.Notices, r.Postings, r.Atoms)
	fmt.Fprintf(w, "built in %.1f s, %.0f bytes a watch, a full garbage collection takes %.1f ms\n\n", r.BuildSeconds, r.BytesPerWatch, r.GCMillis)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "tenders\t\tcount\tmatching\tp50 ms\tp99 ms\tns a match\tcandidates a match\tmatches a tender\ttimes the index\t")
	for _, m := range r.Measures {
		// PostgreSQL does not say how many candidates it tried; only it has a ratio.
		candidates, times := fmt.Sprintf("%.2f", m.CandidatesPerMatch), ""
		if m.Ratio > 0 {
			candidates, times = "", fmt.Sprintf("%.1f", m.Ratio)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%.2f %%\t%.3f\t%.3f\t%.0f\t%s\t%.0f\t%s\t\n", m.Tenders, m.Circumstance, m.Count,
			100*m.Share, m.P50, m.P99, 1e9/m.MatchesPerSecond, candidates, m.MatchesPerTender, times)
	}
	return table.Flush()
}

// alertCommand is the command that measures alerts.
type alertCommand struct {
	Recipients  int    `default:"10000" help:"How many recipients get an alert about the tender."`
	Connections int    `default:"4" help:"How many connections to the mail server to use at once."`
	Profile     string `help:"Write what the processor does meanwhile to this file, for go tool pprof." placeholder:"FILE"`
	JSON        bool   `name:"json" help:"Print JSON."`
	Postgres    string `help:"A PostgreSQL server (postgres://…) to use, in a schema of its own; by default SQLite." placeholder:"URL"`
}

// Validate checks the numbers; kong calls it.
func (c *alertCommand) Validate() error {
	if c.Recipients < 1 || c.Connections < 1 {
		return errors.New("--recipients and --connections must be at least 1")
	}
	return nil
}

// Run runs the command.
func (c *alertCommand) Run(ctx context.Context, out io.Writer) error {
	r, err := Alert(ctx, AlertOptions{Recipients: c.Recipients, Connections: c.Connections, Postgres: c.Postgres, Profile: c.Profile})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, r)
	}
	_, err = fmt.Fprintf(out, "%s: %d people signed up in %.1f s; from publication to mail accepted p50 %.2f s, p95 %.2f s, max %.2f s; %.0f mails a second, %.0f µs of processor time each\n",
		r.Database, r.Recipients, r.SetUpSeconds, r.P50, r.P95, r.Max, r.MailsPerSecond, r.CPUMicros)
	return err
}

// hooksCommand is the command that measures webhooks.
type hooksCommand struct {
	Endpoints int    `default:"10000" help:"How many endpoints get an alert about the tender."`
	Dead      int    `default:"1" help:"How many in a hundred of them hang, refuse connections or answer 500."`
	Profile   string `help:"Write what the processor does meanwhile to this file, for go tool pprof." placeholder:"FILE"`
	JSON      bool   `name:"json" help:"Print JSON."`
	Postgres  string `help:"A PostgreSQL server (postgres://…) to use, in a schema of its own; by default SQLite." placeholder:"URL"`
}

// Validate checks the numbers; kong calls it.
func (c *hooksCommand) Validate() error {
	if c.Endpoints < 1 || c.Endpoints > mostEndpoints || c.Dead < 0 || c.Dead > 99 {
		return fmt.Errorf("--endpoints must be 1 to %d, --dead 0 to 99", mostEndpoints)
	}
	return nil
}

// Run runs the command.
func (c *hooksCommand) Run(ctx context.Context, out io.Writer) error {
	r, err := Hooks(ctx, HooksOptions{Endpoints: c.Endpoints, Dead: c.Endpoints * c.Dead / 100, Postgres: c.Postgres, Profile: c.Profile})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, r)
	}
	_, err = fmt.Fprintf(out, "%s: %d endpoints, %d of them dead, added in %.1f s; from publication to accepted p50 %.2f s, p95 %.2f s, max %.2f s; %.0f messages a second, %.1f s of processor time\n",
		r.Database, r.Endpoints, r.Dead, r.SetUpSeconds, r.P50, r.P95, r.Max, r.MessagesPerSecond, r.CPUSeconds)
	return err
}

// importCommand is the command that measures the import.
type importCommand struct {
	Notices  int    `default:"1000000" help:"How many notices to import."`
	Every    int    `default:"100000" help:"After how many to print the rate."`
	Index    bool   `help:"Build the search index, too."`
	Profile  string `help:"Write what the processor does meanwhile to this file, for go tool pprof." placeholder:"FILE"`
	JSON     bool   `name:"json" help:"Print JSON."`
	Postgres string `help:"A PostgreSQL server (postgres://…) to use, in a schema of its own; by default SQLite." placeholder:"URL"`
	Meili    string `help:"A Meilisearch that is empty (http://…), to build the index in; by default Bleve." placeholder:"URL"`
	MeiliKey string `help:"Its key."`
	Data     string `env:"VIGIE_TEST_DATA" help:"A folder of BOAMP notices to import; by default the bundled samples." placeholder:"DIR"`
}

// Validate checks the numbers; kong calls it.
func (c *importCommand) Validate() error {
	if c.Notices < 1 || c.Every < 1 {
		return errors.New("--notices and --every must be at least 1")
	}
	return nil
}

// Run runs the command.
func (c *importCommand) Run(ctx context.Context, out io.Writer) error {
	notices, err := corpus.Notices(c.Data)
	if err != nil {
		return err
	}
	r, err := Import(ctx, notices, ImportOptions{
		Notices: c.Notices, Every: c.Every, Postgres: c.Postgres, Index: c.Index || c.Meili != "", Meili: c.Meili, MeiliKey: c.MeiliKey, Profile: c.Profile,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, r)
	}
	return printImport(out, r)
}
