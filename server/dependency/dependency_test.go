package dependency

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fixture is a dependency that answers as the test says, in a bubble of time.
type fixture struct {
	*Dependency
	mutex  sync.Mutex
	probe  func(context.Context) error
	probes int
	log    bytes.Buffer
}

// Write keeps what is logged.
func (f *fixture) Write(line []byte) (int, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.log.Write(line)
}

// logged is what was logged.
func (f *fixture) logged() string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.log.String()
}

// replies has the dependency answer so from now on.
func (f *fixture) replies(probe func(context.Context) error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.probe = probe
}

// with answers with an error, or none.
func with(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func (f *fixture) ask(ctx context.Context) error {
	f.mutex.Lock()
	probe := f.probe
	f.probes++
	f.mutex.Unlock()
	return probe(ctx)
}

// asked is how often it was asked.
func (f *fixture) asked() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.probes
}

func watched(t *testing.T, err error, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{probe: with(err)}
		f.Dependency = New("search", f.ask, error.Error, slog.New(slog.NewTextHandler(f, nil)))
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
		if !f.Answers() || f.Err() != nil || f.logged() != "" {
			t.Errorf("at first: %v, logged %q", f.Err(), f.logged())
		}
		f.replies(with(refused))
		f.passes(f.Every)
		if !f.Answers() {
			t.Error("one failure counts as an outage")
		}
		f.passes(f.Again)
		if f.Answers() || !errors.Is(f.Err(), refused) {
			t.Errorf("after two failures: %v", f.Err())
		}
		f.passes(time.Minute)
		f.replies(with(nil))
		f.passes(f.Again)
		if !f.Answers() {
			t.Errorf("it answers, and still: %v", f.Err())
		}
		lines := strings.Split(strings.TrimSpace(f.logged()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], `level=WARN msg="dependency does not answer" dependency=search error="connection refused"`) ||
			!strings.Contains(lines[1], `level=INFO msg="dependency answers again" dependency=search away=1m1s`) {
			t.Errorf("logged:\n%s", f.logged())
		}
	})
}

// What is away from the start is known, and logged, at once.
func TestAwayFromTheStart(t *testing.T) {
	watched(t, errors.New("no such host"), func(f *fixture) {
		if f.Err() == nil || strings.Count(f.logged(), "no such host") != 1 {
			t.Errorf("%v, logged %q", f.Err(), f.logged())
		}
	})
}

// Who was failed by a dependency has it asked at once.
func TestSuspect(t *testing.T) {
	watched(t, nil, func(f *fixture) {
		before := f.asked()
		f.replies(with(errors.New("gone")))
		f.Suspect()
		synctest.Wait()
		f.Suspect()
		synctest.Wait()
		if f.asked() != before+2 || f.Err() == nil {
			t.Errorf("%d probes, %v", f.asked()-before, f.Err())
		}
	})
}

// A dependency that hangs is away, too.
func TestHangs(t *testing.T) {
	watched(t, nil, func(f *fixture) {
		f.replies(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		f.passes(f.Every + 2*f.Timeout + f.Again)
		if !errors.Is(f.Err(), context.DeadlineExceeded) {
			t.Errorf("it hangs, and: %v", f.Err())
		}
	})
}
