// Command load drives a real server over loopback with a real load tool: a mix
// of what pages ask, at its capacity and at twice that; and, beside it, the
// same reads against PostGraphile on the same database.
//
//	scripts/with-postgres go run ./bench/load [--duration 60s] [--postgraphile | --reads-only]
//
// It needs the binary of `make build`, and, to compare, npm and wrk.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// options are the command's flags.
type options struct {
	Postgres     string        `help:"The PostgreSQL to make a database in." env:"VIGIE_TEST_POSTGRES_URL" required:""`
	Binary       string        `help:"The server." default:"bin/vigie"`
	Tenders      int           `help:"How many tenders there are." default:"20000"`
	Accounts     int           `help:"How many accounts, of three watches each." default:"500"`
	Connections  int           `help:"How many connections ask." default:"200"`
	Duration     time.Duration `help:"How long the load at 70 % of its capacity lasts." default:"60s"`
	Postgraphile bool          `help:"Compare reads with PostGraphile, which npm has."`
	ReadsOnly    bool          `help:"Compare them, and do nothing else."`
}

func main() {
	var o options
	kong.Parse(&o)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) error {
	site, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer site.close()
	if o.ReadsOnly {
		return site.compare(ctx)
	}
	mix := site.mix()
	fmt.Printf("%d tenders, %d watches, %d connections, PostgreSQL and Bleve\n\n", o.Tenders, 3*o.Accounts, o.Connections)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\trequests\ta second\tp50\tp95\tp99\t503\terrors\tMiB\t")

	capacity := site.drive(ctx, table, "as fast as it can", mix, vegeta.Rate{}, o.Connections, 10*time.Second)
	steady := site.drive(ctx, table, "70 % of that", mix, perSecond(0.7*capacity.rate), o.Connections, o.Duration)
	over := site.drive(ctx, table, "twice that", mix, perSecond(2*capacity.rate), 20*o.Connections, 15*time.Second)
	after := site.drive(ctx, table, "half, right after", mix, perSecond(0.5*capacity.rate), o.Connections, 10*time.Second)
	if err := table.Flush(); err != nil {
		return err
	}
	switch {
	case capacity.errors+steady.errors+over.errors+after.errors > 0:
		return fmt.Errorf("requests failed: %s", first(capacity.failure, steady.failure, over.failure, after.failure))
	case steady.busy+after.busy > 0:
		return fmt.Errorf("%d requests were refused below its capacity", steady.busy+after.busy)
	case over.busy == 0:
		return fmt.Errorf("at twice its capacity no request was refused")
	case !flat(steady.memory):
		return fmt.Errorf("memory grows: %v MiB", steady.memory)
	}
	fmt.Println("\nNo error; memory is flat; what is too much is refused, and it recovers at once.")
	if o.Postgraphile {
		return site.compare(ctx)
	}
	return nil
}

func first(failures ...string) string {
	for _, f := range failures {
		if f != "" {
			return f
		}
	}
	return ""
}

func perSecond(n float64) vegeta.Rate { return vegeta.Rate{Freq: max(1, int(n)), Per: time.Second} }

// outcome is how one drive went.
type outcome struct {
	rate         float64 // answered with 200, a second
	busy, errors int
	failure      string // the first
	memory       []uint64
}

// drive asks for a while, at a rate, or, at none, as fast as it is answered.
func (s *site) drive(ctx context.Context, table *tabwriter.Writer, name string, targets vegeta.Targeter, rate vegeta.Rate, connections int, d time.Duration) outcome {
	attacker := vegeta.NewAttacker(vegeta.Connections(connections), vegeta.MaxConnections(connections), vegeta.Workers(uint64(min(connections, 200))),
		vegeta.MaxWorkers(uint64(connections)), vegeta.Timeout(30*time.Second), vegeta.KeepAlive(true))
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	memory := s.watchMemory()
	var latencies vegeta.Metrics
	var o outcome
	answered := 0
	for r := range attacker.Attack(targets, rate, d, name) {
		switch {
		case r.Code == http.StatusServiceUnavailable && r.Headers.Get("Retry-After") != "":
			o.busy++
			continue
		case r.Code != http.StatusOK || failed(r.Body):
			if o.errors++; o.failure == "" {
				o.failure = fmt.Sprintf("%s: %d %s %.300s", name, r.Code, r.Error, r.Body)
			}
			continue
		}
		answered++
		latencies.Add(r)
	}
	o.memory = memory()
	latencies.Close()
	o.rate = float64(answered) / d.Seconds()
	l := latencies.Latencies
	fmt.Fprintf(table, "%s\t%d\t%.0f\t%v\t%v\t%v\t%d\t%d\t%d\t\n", name, answered+o.busy+o.errors, o.rate,
		l.P50.Round(time.Millisecond), l.P95.Round(time.Millisecond), l.P99.Round(time.Millisecond), o.busy, o.errors, o.memory[len(o.memory)-1])
	return o
}

// flat reports whether the last third of some measures is not above the middle
// one by more than a fifth.
func flat(memory []uint64) bool {
	n := len(memory) / 3
	if n == 0 {
		return true
	}
	mean := func(list []uint64) float64 {
		total := uint64(0)
		for _, m := range list {
			total += m
		}
		return float64(total) / float64(len(list))
	}
	return mean(memory[len(memory)-n:]) <= 1.2*mean(memory[n:len(memory)-n])
}
