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
	// memory is by how much the server's may grow meanwhile, in MiB; 64 unless
	// said.
	memory int64
	// codes are the only ones that may be answered, "" for none; all but
	// INTERNAL unless said.
	codes []string
}

// lasts is how long an attack goes on at most, and shortest how long it is
// watched at least.
const (
	lasts    = 4 * time.Second
	shortest = 1200 * time.Millisecond
)

// attacks are all of them, by kind.
func attacks() []attack {
	return slices.Concat([]attack{{name: "nobody attacks", do: func(a *attacker) {}}},
		connections(), streams(), bodies(), documents(), texts(), costly(), tokens(), identifiers(), malformed())
}

func TestAttacks(t *testing.T) {
	onLinux(t)
	for name, stores := range pairs() {
		t.Run(name, func(t *testing.T) {
			s := serve(t, stores(t), tenders(t, 3000), nil)
			b := newBystanders(t, s)
			s.rest(t, b)
			for _, attack := range attacks() {
				t.Run(attack.name, func(t *testing.T) { attack.run(t, b) })
			}
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
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	before := cpu(t, s.process.Pid)
	seen := b.watch(ctx)
	if len(seen.failed) > 0 {
		t.Fatalf("before any attack: %s", seen.failed[0])
	}
	b.price = (cpu(t, s.process.Pid) - before) / time.Duration(len(seen.times))
	s.atRest = memory(t, s.process.Pid, "VmRSS")
	t.Logf("at rest it has %s, and takes %v of CPU for a plain query", mebibytes(s.atRest), b.price)
}

// cost is what an attack cost the server and others.
type cost struct {
	cpu    time.Duration // beyond what bystanders cost
	memory int64         // by how much it grew at most
	p99    time.Duration // of bystanders
	asked  int
	failed []string
	took   time.Duration
}

// run attacks. What bystanders saw is measured once more where it was too bad:
// the machine may have been busy with something else.
func (k attack) run(t *testing.T, b *bystanders) {
	calm := memory(t, b.server.process.Pid, "VmRSS") <= 2*b.server.atRest
	var c cost
	for range 2 {
		a := b.server.attacker(t)
		c = k.measure(a, b)
		t.Logf("%5.2f s of CPU, %s more, p99 %v of %d in %v; %s", c.cpu.Seconds(), mebibytes(c.memory), c.p99.Round(time.Millisecond), c.asked, c.took.Round(time.Millisecond), a.answers())
		k.judgeAnswers(a)
		if len(c.failed) == 0 && c.p99 < tolerable {
			break
		}
	}
	if most := or(k.cpu, 2*time.Second); c.cpu > most {
		t.Errorf("it takes %v of CPU, not %v", c.cpu, most)
	}
	if most := or(k.memory, 64) << 20; c.memory > most {
		t.Errorf("it takes %s, not %s", mebibytes(c.memory), mebibytes(most))
	}
	c.judgeBystanders(t)
	if calm {
		b.comesToRest(t)
	}
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
	a.ctx, cancel = context.WithTimeout(a.Context(), lasts)
	k.do(a)
	cancel()
	for time.Since(began) < shortest {
		time.Sleep(shortest - time.Since(began))
	}
	c := cost{took: time.Since(began), cpu: cpu(a, pid) - spent, memory: memory(a, pid, "VmHWM") - before}
	stop()
	a.leave()
	seen := <-saw
	c.p99, c.failed, c.asked = seen.p99(), seen.failed, len(seen.times)
	c.cpu = max(0, c.cpu-time.Duration(c.asked)*b.price)
	return c
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

// judgeBystanders looks whether others were disturbed.
func (c cost) judgeBystanders(t testing.TB) {
	t.Helper()
	if c.p99 >= tolerable {
		t.Errorf("others wait %v (p99)", c.p99)
	}
	if len(c.failed) > 0 {
		t.Errorf("%d of %d others were not answered, as by %s", len(c.failed), c.asked, c.failed[0])
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
