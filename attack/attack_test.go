package attack

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// attack is what one attacker does, and what it may cost.
type attack struct {
	name string
	// anonymous attackers have no token.
	anonymous bool
	// do does it, until it is done or, at the latest, the attack's time is over.
	do func(a *attacker)
	// cpu is how much processor time the server may take for it, beyond what
	// bystanders cost; 2 s unless said.
	cpu time.Duration
	// memory is by how much the server's may grow during the attack, in MiB; 96 unless
	// said: the heap may grow by as much as what lives before it is collected.
	memory int64
	// codes are the only ones that may be answered, "" for none; all but
	// INTERNAL unless said.
	codes []string
	// first is how the first request must be answered, as [answer.String] has it: with
	// data unless said. An attack that is refused before it does anything shows
	// nothing.
	first string
}

const (
	// lasts is how long an attack goes on at most, and shortest how long it is
	// watched at least.
	lasts    = time.Second
	shortest = 400 * time.Millisecond
	// unread is what may be taken for answers that nobody reads, in MiB: an account
	// may have 32 of them, as much again may be under way, and the heap is up to twice
	// what lives.
	unread = 256
	// awaits is how long an attacker waits for its last answers.
	awaits = 8 * time.Second
)

// attacks are those that may reach a store, and those that never do.
func attacks() (stored, others []attack) {
	baseline := attack{name: "no attack", do: func(a *attacker) { a.untilOver() }}
	stored = slices.Concat([]attack{baseline}, connections(), streams(), texts(), costly(), tokens(), identifiers())
	return stored, slices.Concat(bodies(), documents(), malformed())
}

func TestAttacks(t *testing.T) {
	onLinux(t)
	byItself(t)
	for name, stores := range pairs() {
		t.Run(name, func(t *testing.T) {
			s := serve(t, stores(t), tenders(t, 3000), nil)
			b := newBystanders(t, s)
			s.rest(t, b)
			list, others := attacks()
			if name == "embedded" {
				list = append(list, others...)
			}
			each := os.Getenv("VIGIE_TEST_TENDERS") != "" // the long form
			for _, attack := range list {
				t.Run(attack.name, func(t *testing.T) {
					attack.run(t, b)
					if each {
						b.comesToRest(t)
					}
				})
			}
			b.comesToRest(t)
		})
	}
}

// onLinux skips a test where nothing can be measured.
func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("NOT RUN: the server's processor time and memory are read from Linux's /proc")
	}
	if testing.Short() {
		t.Skip("NOT RUN: what is measured is a server without the race detector")
	}
}

// byItself skips a test that measures what others wait for, unless it is asked
// for: it needs a machine that does nothing else.
func byItself(t *testing.T) {
	t.Helper()
	if os.Getenv("VIGIE_TEST_ATTACKS") == "" {
		t.Skip("NOT RUN: set VIGIE_TEST_ATTACKS=1 on a machine that does nothing else, as make attack does")
	}
}

// tenders is how many there are.
func tenders(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv("VIGIE_TEST_TENDERS")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// rest notes the memory of a server that has answered for a while, and what an
// answer costs.
func (s *server) rest(t testing.TB, b *bystanders) {
	t.Helper()
	var seen *seen
	var before time.Duration
	for range 2 { // the first to warm up
		before = cpu(t, s.process.Pid)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		seen = b.watch(ctx)
		cancel()
		if len(seen.failed) > 0 {
			t.Fatalf("before any attack: %s", seen.failed[0])
		}
	}
	b.price = (cpu(t, s.process.Pid) - before) / time.Duration(seen.answered())
	s.atRest = memory(t, s.process.Pid, "VmRSS")
	t.Logf("at rest it has %s, and takes %v of CPU for a plain query", mebibytes(s.atRest), b.price)
}

// cost is what an attack cost the server and others.
type cost struct {
	cpu    time.Duration
	others time.Duration // what bystanders may have cost of it
	memory int64         // by how much it grew at most
	took   time.Duration
	seen   *seen // by bystanders
}

// run attacks.
func (k attack) run(t *testing.T, b *bystanders) {
	a := b.server.attacker(t)
	c := k.measure(a, b)
	t.Logf("%5.2f s of CPU (%.2f at most for others) in %.1f s, %s more, p99 of %d others %v; %s", c.cpu.Seconds(), c.others.Seconds(), c.took.Seconds(), mebibytes(c.memory), len(c.seen.ours), c.seen.waited().Round(time.Millisecond), a.answers())
	k.judgeFirst(a)
	k.judgeAnswers(a)
	if most := or(k.cpu, 2*time.Second) + c.others; c.cpu > most {
		t.Errorf("it takes %v of CPU, not %v", c.cpu, most)
	}
	if most := or(k.memory, 96) << 20; c.memory > most {
		t.Errorf("it takes %s, not %s", mebibytes(c.memory), mebibytes(most))
	}
	c.seen.judge(t)
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// measure attacks while bystanders ask.
func (k attack) measure(a *attacker, b *bystanders) cost {
	pid := a.process.Pid
	if k.anonymous {
		a.token = ""
	}
	forgetPeak(a, pid)
	before, began := memory(a, pid, "VmRSS"), time.Now()
	spent := cpu(a, pid)
	watching, stop := context.WithCancel(a.Context())
	defer stop()
	saw := make(chan *seen, 1)
	go func() { saw <- b.watch(watching) }()

	var cancel context.CancelFunc
	var hangUp context.CancelFunc
	a.ctx, cancel = context.WithTimeout(a.Context(), lasts)
	a.line, hangUp = context.WithTimeout(a.Context(), lasts+awaits)
	k.do(a)
	cancel()
	hangUp()
	for time.Since(began) < shortest {
		time.Sleep(shortest - time.Since(began))
	}
	c := cost{took: time.Since(began), cpu: cpu(a, pid) - spent, memory: memory(a, pid, "VmHWM") - before}
	stop()
	a.leave()
	c.seen = <-saw
	c.others = time.Duration(c.seen.answered()) * b.price
	return c
}

// judgeFirst looks whether an attack did what it is meant to do.
func (k attack) judgeFirst(a *attacker) {
	a.Helper()
	if a.first != nil && a.first.String() != or(k.first, "200") {
		a.Errorf("its first request is answered %s, not %s: %.300s", a.first, or(k.first, "200"), a.first.body)
	}
}

// judgeAnswers looks whether what was answered may be.
func (k attack) judgeAnswers(a *attacker) {
	a.Helper()
	if k.codes == nil {
		return
	}
	for what := range a.counts {
		_, code, _ := strings.Cut(what, " ")
		if !slices.Contains(k.codes, code) {
			a.Errorf("answered %s", what)
		}
	}
}

// judge looks whether bystanders were disturbed.
func (s *seen) judge(t testing.TB) {
	t.Helper()
	if waited := s.waited(); waited >= tolerable {
		t.Errorf("others wait %v (p99)", waited)
	}
	if len(s.failed) > 0 {
		t.Errorf("%d of %d others were not answered, as by %s", len(s.failed), len(s.ours), s.failed[0])
	}
}

// comesToRest waits until the server has less than twice the memory it had at
// rest, while others go on asking.
func (b *bystanders) comesToRest(t testing.TB) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { defer close(done); b.watch(ctx) }()
	defer func() { stop(); <-done }()
	var has int64
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if has = memory(t, b.server.process.Pid, "VmRSS"); has < 2*b.server.atRest {
			return
		}
	}
	t.Errorf("a minute later it still has %s, of %s at rest", mebibytes(has), mebibytes(b.server.atRest))
}
