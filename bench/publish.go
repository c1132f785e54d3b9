package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie/bench/corpus"
	"vigie/store"
)

// publishCommand publishes as fast as it can, as one of several processes that [Replicas] starts.
type publishCommand struct {
	Database string `required:"" help:"The database, which has its tables."`
	Source   string `required:"" help:"The source of the notices."`
	Count    int    `required:"" help:"How many there are."`
	Notices  string `env:"VIGIE_TEST_DATA" help:"A folder of BOAMP notices to take words from; by default the bundled samples." placeholder:"DIR"`
}

// publishing is what a process that publishes says at its end. Times are in seconds.
type publishing struct {
	Notices int     `json:"notices"`
	CPU     float64 `json:"cpu_s"`
	// Began and Ended are when it published, in seconds since 1970.
	Began float64 `json:"began"`
	Ended float64 `json:"ended"`
	// Waited is how long it waited for the queue of publishers, Queue how long it then had it, and Numbers for how long of
	// that the row of change numbers was locked.
	Waited  float64 `json:"waited_s"`
	Queue   float64 `json:"queue_s"`
	Numbers float64 `json:"numbers_s"`
	// QueueCPU is the processor time of the process while it had the queue.
	QueueCPU float64 `json:"queue_cpu_s"`
}

// Run runs the command.
func (c *publishCommand) Run(ctx context.Context, out io.Writer) error {
	words, err := corpus.Open(c.Notices)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, c.Database, time.Now)
	if err != nil {
		return err
	}
	defer s.Close()
	held := new(heldLocks)
	s.Database().Observe(held)
	next, stop := iter.Pull(corpus.From(c.Source, words.Calls(c.Count, uint64(len(c.Source)), time.Now())))
	defer stop()
	used, began := processorTime(), time.Now()
	stage, err := importStage(ctx, s, next, c.Count)
	if err != nil {
		return err
	}
	return errors.Join(printJSON(out, publishing{
		Notices: stage.Notices, CPU: (processorTime() - used).Seconds(), Began: unix(began), Ended: unix(time.Now()),
		Waited: held.waited.Seconds(), Queue: held.queue.Seconds(), Numbers: held.numbers.Seconds(), QueueCPU: held.cpu.Seconds(),
	}))
}

func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// heldLocks adds up for how long the transactions of a process that publishes hold what only one may hold. They come one
// after another.
type heldLocks struct {
	waited, queue, numbers, cpu time.Duration
	// since when each is held; zero where it is not.
	queueSince, numbersSince time.Time
	usedBefore               time.Duration
}

// BeforeQuery implements [bun.QueryHook].
func (h *heldLocks) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

// AfterQuery implements [bun.QueryHook].
func (h *heldLocks) AfterQuery(_ context.Context, event *bun.QueryEvent) {
	now := time.Now()
	switch {
	case strings.Contains(event.Query, "pg_advisory_xact_lock"):
		h.waited += now.Sub(event.StartTime)
		h.queueSince, h.usedBefore = now, processorTime()
	case strings.HasPrefix(event.Query, "UPDATE change_numbers"):
		h.numbersSince = now
	case event.Query == "COMMIT" && !h.queueSince.IsZero():
		h.queue += now.Sub(h.queueSince)
		h.cpu += processorTime() - h.usedBefore
		if !h.numbersSince.IsZero() {
			h.numbers += now.Sub(h.numbersSince)
		}
		h.queueSince, h.numbersSince = time.Time{}, time.Time{}
	}
}
