package dependency

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fixture is a dependency that answers as the test says, in a bubble of time.
type fixture struct {
	*Dependency
	err    error
	probes int
	log    bytes.Buffer
}

func watched(t *testing.T, err error, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{err: err}
		f.Dependency = New("search", func(context.Context) error { f.probes++; return f.err }, error.Error, slog.New(slog.NewTextHandler(&f.log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Run(ctx)
		}()
		synctest.Wait()
		test(f)
		cancel()
		<-done
	})
}

func (f *fixture) passes(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// One failure is no outage; two are. It is logged once when the dependency goes, and once when it comes back.
func TestGoesAndComesBack(t *testing.T) {
	watched(t, nil, func(f *fixture) {
		refused := errors.New("connection refused")
		if !f.Answers() || f.Err() != nil || f.log.Len() > 0 {
			t.Errorf("at first: %v, logged %q", f.Err(), f.log.String())
		}
		f.err = refused
		f.passes(f.Every)
		if !f.Answers() {
			t.Error("one failure counts as an outage")
		}
		f.passes(f.Again)
		if f.Answers() || !errors.Is(f.Err(), refused) {
			t.Errorf("after two failures: %v", f.Err())
		}
		f.passes(time.Minute)
		f.err = nil
		f.passes(f.Again)
		if !f.Answers() {
			t.Errorf("it answers, and still: %v", f.Err())
		}
		lines := strings.Split(strings.TrimSpace(f.log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], `level=WARN msg="dependency does not answer" dependency=search error="connection refused"`) ||
			!strings.Contains(lines[1], `level=INFO msg="dependency answers again" dependency=search away=1m1s`) {
			t.Errorf("logged:\n%s", f.log.String())
		}
	})
}

// What is away from the start is known, and logged, at once.
func TestAwayFromTheStart(t *testing.T) {
	watched(t, errors.New("no such host"), func(f *fixture) {
		if f.Err() == nil || strings.Count(f.log.String(), "no such host") != 1 {
			t.Errorf("%v, logged %q", f.Err(), f.log.String())
		}
	})
}

// Who was failed by a dependency has it asked at once.
func TestSuspect(t *testing.T) {
	watched(t, nil, func(f *fixture) {
		before := f.probes
		f.err = errors.New("gone")
		f.Suspect()
		synctest.Wait()
		f.Suspect()
		synctest.Wait()
		if f.probes != before+2 || f.Err() == nil {
			t.Errorf("%d probes, %v", f.probes-before, f.Err())
		}
	})
}

// A dependency that hangs is away, too.
func TestHangs(t *testing.T) {
	watched(t, nil, func(f *fixture) {
		f.Probe = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		f.passes(f.Every + 2*f.Timeout + f.Again)
		if !errors.Is(f.Err(), context.DeadlineExceeded) {
			t.Errorf("it hangs, and: %v", f.Err())
		}
	})
}
