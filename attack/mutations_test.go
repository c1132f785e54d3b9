package attack

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestMutations mixes attacks, each by an attacker of its own, with sizes and
// counts drawn at random: by VIGIE_TEST_SEED, which is printed, for as long as
// VIGIE_TEST_ATTACK says. Whatever the mix, others are answered, no answer is an
// internal error, and memory comes back.
func TestMutations(t *testing.T) {
	onLinux(t)
	byItself(t)
	long := 3 * time.Second
	if text := os.Getenv("VIGIE_TEST_ATTACK"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(1)
	if text := os.Getenv("VIGIE_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d, for %v on each pair of stores", seed, long)
	for name, stores := range pairs() {
		t.Run(name, func(t *testing.T) {
			s := serve(t, stores(t), tenders(t, 1000), nil)
			b := newBystanders(t, s)
			s.rest(t, b)
			random := rand.New(rand.NewPCG(seed, 1))
			for end := time.Now().Add(long); time.Now().Before(end) && !t.Failed(); {
				b.suffer(t, mixed(random), random)
			}
		})
	}
}

// mixed draws one to three attacks.
func mixed(random *rand.Rand) []attack {
	stored, others := attacks()
	all := slices.Concat(stored, others)
	var mix []attack
	for range 1 + random.IntN(3) {
		mix = append(mix, all[random.IntN(len(all))])
	}
	return mix
}

// suffer has bystanders ask while attacks go on at once.
func (b *bystanders) suffer(t *testing.T, mix []attack, random *rand.Rand) {
	t.Helper()
	watching, stop := context.WithCancel(t.Context())
	defer stop()
	saw := make(chan *seen, 1)
	go func() { saw <- b.watch(watching) }()
	over, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	line, hangUp := context.WithTimeout(t.Context(), lasts+awaits)
	defer hangUp()

	var all sync.WaitGroup
	for _, k := range mix {
		t.Logf("%s", k.name)
		a := b.server.attacker(t)
		a.ctx, a.line, a.wild = over, line, true
		a.random = rand.New(rand.NewPCG(random.Uint64(), 1))
		if k.anonymous {
			a.token = ""
		}
		all.Go(func() {
			k.do(a)
			a.leave()
			k.judgeAnswers(a)
		})
	}
	all.Wait()
	stop()
	seen := <-saw
	t.Logf("p99 of %d others %v", len(seen.ours), seen.waited().Round(time.Millisecond))
	seen.judge(t)
	b.comesToRest(t)
}
