package nodes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vigie"
	"vigie/search"
)

// rig is an engine of servers in memory, of which each has the same documents.
type rig struct {
	*Engine
	t       *testing.T
	servers []*server
	index   search.Index
}

func newRig(t *testing.T, n int, seed uint64, documents int64) *rig {
	t.Helper()
	r := &rig{t: t}
	var members []Member
	for i := range n {
		s := newServer()
		r.servers = append(r.servers, s)
		members = append(members, Member{fmt.Sprintf("node-%d", i), s})
	}
	random := rand.New(rand.NewPCG(seed, 0))
	r.Engine = New(members, Options{Random: random.IntN})
	var err error
	if r.index, err = r.Open(t.Context(), "tenders"); err != nil {
		t.Fatal(err)
	}
	if err := r.index.Put(t.Context(), numbered(1, documents)); err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs the engine until the test ends.
func (r *rig) run(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// total is what a search finds, and how long it takes.
func (r *rig) total() (int, time.Duration, error) {
	began := time.Now()
	results, err := r.index.Search(r.t.Context(), []search.Query{{}})
	if err != nil {
		return 0, time.Since(began), err
	}
	if results[0].Cursor != 0 {
		r.t.Error("an answer has a cursor that was not asked for")
	}
	return results[0].Total, time.Since(began), nil
}

func (r *rig) finds(want int) time.Duration {
	r.t.Helper()
	got, took, err := r.total()
	if err != nil || got != want {
		r.t.Errorf("found %d, %v; want %d", got, err, want)
	}
	return took
}

// A node that refuses connections, or answers nothing, costs some time and no error, and is read again when it is back.
func TestNodeAway(t *testing.T) {
	for name, fault := range map[string]func(s *server, is bool){
		"down":   func(s *server, is bool) { s.down = is },
		"paused": func(s *server, is bool) { s.paused = is },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 2, 1, 10)
				defer r.run(t.Context())()
				r.servers[0].become(func(s *server) { fault(s, true) })
				for range 50 {
					// Late after 100 ms, as long as nothing is known of usual times.
					if took := r.finds(10); took > 200*time.Millisecond {
						t.Errorf("a read takes %s", took)
					}
				}
				time.Sleep(3 * time.Second)
				if s := r.States(); s[0].Up || s[0].Fresh || !s[1].Up || !s[1].Fresh {
					t.Errorf("while it is away: %+v", s)
				}
				asked := r.servers[0].times()
				for range 50 {
					r.finds(10)
				}
				if n := r.servers[0].times() - asked; n > 3 {
					t.Errorf("the node that is away is asked %d times for 50 reads", n)
				}
				r.servers[0].become(func(s *server) { fault(s, false) })
				time.Sleep(3 * time.Second)
				asked = r.servers[0].times()
				for range 50 {
					r.finds(10)
				}
				if n := r.servers[0].times() - asked; n < 10 {
					t.Errorf("the node that is back is asked %d times for 50 reads", n)
				}
			})
		})
	}
}

// More reads than may be asked of a second node wait for one that stops answering: they turn to another as soon as the
// node is known to be away.
func TestReadsLeaveNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, 1, 10)
		defer r.run(t.Context())()
		time.Sleep(time.Second)
		r.servers[0].become(func(s *server) { s.paused = true })
		var reading sync.WaitGroup
		for range 60 {
			reading.Go(func() {
				if took := r.finds(10); took > 2*askFor+unknown {
					t.Errorf("a read takes %s", took)
				}
			})
		}
		reading.Wait()
		if _, hedges := r.answered(); hedges == 0 || hedges > burst+60*share+1 {
			t.Errorf("%d reads were asked of a second node", hedges)
		}
	})
}

// Only while all nodes are away does a read fail, and not before it was tried for some time.
func TestAllAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, 1, 10)
		defer r.run(t.Context())()
		for _, s := range r.servers {
			s.become(func(s *server) { s.down = true })
		}
		if _, took, err := r.total(); vigie.CodeOf(err) != vigie.Unavailable || took > 4*time.Second || took < time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		if err := r.Ping(t.Context()); vigie.CodeOf(err) != vigie.Unavailable {
			t.Errorf("ping: %v", err)
		}
		time.AfterFunc(time.Second, func() { r.servers[1].become(func(s *server) { s.down = false }) })
		r.finds(10)
		if err := r.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What is wrong with a query is so at each node: one is asked.
func TestBadRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, 1, 10)
		before := r.servers[0].times() + r.servers[1].times() + r.servers[2].times()
		if _, err := r.index.Search(t.Context(), []search.Query{{Offset: -1}}); vigie.CodeOf(err) != vigie.BadRequest {
			t.Error(err)
		}
		if n := r.servers[0].times() + r.servers[1].times() + r.servers[2].times() - before; n != 1 {
			t.Errorf("%d nodes were asked", n)
		}
	})
}

// A copy that lost its data answers nothing, from the first read on, although its node answers and nothing said so before; and
// nothing can be put into it that would hide the loss.
func TestLostCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, 1, 100)
		feeder, err := r.Nodes()[0].Open(t.Context(), "tenders")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := feeder.Cursor(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.servers[0].become(func(s *server) { s.indexes = map[string]*content{"tenders": {docs: map[int64]bool{}}} })
		for range 50 {
			r.finds(100)
		}
		if words, err := r.index.Words(t.Context()); err != nil || words["voirie"] != 100 {
			t.Error(words, err)
		}
		defer r.run(t.Context())()
		time.Sleep(2 * time.Second)
		if s := r.States(); !s[0].Up || s[0].Fresh || s[0].Behind != 100 {
			t.Errorf("of the lost copy it is said: %+v", s[0])
		}
		if err := feeder.Put(t.Context(), numbered(101, 101)); vigie.CodeOf(err) != vigie.Unavailable || !errors.Is(err, errLost) {
			t.Errorf("put into a copy that has lost data: %v", err)
		}
		// It is filled, and read as soon as it has all.
		if cursor, err := feeder.Cursor(t.Context()); err != nil || cursor != 0 {
			t.Error(cursor, err)
		}
		for n := int64(1); n <= 100; n += 10 {
			if err := feeder.Put(t.Context(), numbered(n, n+9)); err != nil {
				t.Fatal(err)
			}
			r.finds(100)
		}
		if s := r.States(); !s[0].Fresh || s[0].Behind != 0 {
			t.Errorf("of the filled copy it is said: %+v", s[0])
		}
		// With the other one gone, it answers alone; were it not whole, nobody would.
		r.servers[1].become(func(s *server) { s.down = true })
		r.finds(100)
		r.servers[0].become(func(s *server) { s.indexes = map[string]*content{"tenders": {docs: map[int64]bool{}}} })
		if got, _, err := r.total(); vigie.CodeOf(err) != vigie.Unavailable {
			t.Errorf("of a lost copy alone %d are found, %v", got, err)
		}
	})
}

// A copy that is behind is read for [Bound], then no longer; but if the fresher ones are away it is better than nothing.
func TestBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, 1, 100)
		defer r.run(t.Context())()
		time.Sleep(2 * Bound)
		ahead, err := r.Nodes()[1].Open(t.Context(), "tenders")
		if err != nil {
			t.Fatal(err)
		}
		if err := ahead.Put(t.Context(), numbered(101, 110)); err != nil {
			t.Fatal(err)
		}
		totals := make(map[int]int)
		for range 100 {
			got, _, err := r.total()
			if err != nil {
				t.Fatal(err)
			}
			totals[got]++
		}
		if totals[100] == 0 || totals[110] == 0 || len(totals) != 2 {
			t.Errorf("at first: %v", totals)
		}
		time.Sleep(Bound)
		for range 100 {
			r.finds(110)
		}
		if s := r.States(); s[0].Fresh || s[0].Behind != 10 {
			t.Errorf("of the one behind it is said: %+v", s[0])
		}
		r.servers[1].become(func(s *server) { s.down = true })
		for range 10 {
			r.finds(100)
		}
	})
}

// A node that is opened while another is away is filled and read later, and the engine opens without it.
func TestOpensWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, 1, 10)
		defer r.run(t.Context())()
		r.servers[0].become(func(s *server) { s.paused = true })
		time.Sleep(3 * time.Second)
		again, err := r.Open(t.Context(), "others")
		if err != nil {
			t.Fatal(err)
		}
		fed, err := r.Nodes()[1].Open(t.Context(), "others")
		if err != nil {
			t.Fatal(err)
		}
		if err := fed.Put(t.Context(), numbered(1, 5)); err != nil {
			t.Fatal(err)
		}
		results, err := again.Search(t.Context(), []search.Query{{}})
		if err != nil || results[0].Total != 5 {
			t.Error(results, err)
		}
		r.servers[0].become(func(s *server) { s.paused = false })
		time.Sleep(3 * time.Second)
		for range 20 {
			results, err := again.Search(t.Context(), []search.Query{{}})
			if err != nil || results[0].Total != 5 {
				t.Error(results, err)
			}
		}
		if s := r.States(); !s[0].Up || s[0].Fresh || s[0].Behind != 5 {
			t.Errorf("of the empty copy it is said: %+v", s[0])
		}
	})
}

// While the copy that has all is slow to open, nobody can know that another one lacks something; as soon as it answers,
// the other is not read any more.
func TestFreshestOpensLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, 1, 100)
		r.servers[0].become(func(s *server) {
			s.indexes["tenders"] = &content{docs: make(map[int64]bool)}
		})
		filled := &stored{r.servers[0], "tenders"}
		if err := filled.Put(t.Context(), numbered(1, 30)); err != nil {
			t.Fatal(err)
		}
		r.servers[1].become(func(s *server) { s.takes = 2 * askFor })
		r.Engine = New([]Member{{"node-0", r.servers[0]}, {"node-1", r.servers[1]}}, Options{})
		began := time.Now()
		var err error
		if r.index, err = r.Open(t.Context(), "tenders"); err != nil || time.Since(began) > 2*askFor {
			t.Errorf("opened after %s: %v", time.Since(began), err)
		}
		if cursor, err := r.index.Cursor(t.Context()); err != nil || cursor != 30 {
			t.Errorf("the cursor is %d, %v", cursor, err)
		}
		r.servers[1].become(func(s *server) { s.takes = time.Millisecond })
		defer r.run(t.Context())()
		time.Sleep(2 * askEvery)
		for range 20 {
			r.finds(100)
		}
	})
}

// loads reads from many goroutines, for some time, and returns how long each read took.
func (r *rig) loads(readers int, during, pause time.Duration, want int) (times []time.Duration) {
	var mutex sync.Mutex
	var reading sync.WaitGroup
	until := time.Now().Add(during)
	for range readers {
		reading.Go(func() {
			for time.Now().Before(until) {
				took := r.finds(want)
				mutex.Lock()
				times = append(times, took)
				mutex.Unlock()
				time.Sleep(pause)
			}
		})
	}
	reading.Wait()
	return times
}

func (r *rig) answered() (byNode []int64, hedges int64) {
	for _, s := range r.States() {
		byNode = append(byNode, s.Answered)
		hedges += s.Hedges
	}
	return byNode, hedges
}

// Equal nodes get as many reads each; a slower one fewer, and again as many when it is as fast again.
func TestSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, 1, 10)
		r.loads(9, 3*time.Second, time.Millisecond, 10)
		all, _ := r.answered()
		for i, n := range all {
			if total := all[0] + all[1] + all[2]; n < total/4 {
				t.Errorf("node %d answers %d of %d", i, n, total)
			}
		}
		r.servers[2].become(func(s *server) { s.takes = 4 * time.Millisecond })
		r.loads(9, 3*time.Second, time.Millisecond, 10)
		slow, _ := r.answered()
		if n := slow[2] - all[2]; n*2 > slow[0]-all[0] || n == 0 {
			t.Errorf("the slow one answers %d, another %d", n, slow[0]-all[0])
		}
		r.servers[2].become(func(s *server) { s.takes = time.Millisecond })
		time.Sleep(10 * time.Second)
		r.loads(9, 3*time.Second, time.Millisecond, 10)
		after, _ := r.answered()
		if n := after[2] - slow[2]; n*2 < after[0]-slow[0] {
			t.Errorf("when it is fast again it answers %d, another %d", n, after[0]-slow[0])
		}
	})
}

// A read that is late is asked of a second node; but where all are late, few are, for that would make it worse.
func TestHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, 1, 10)
		r.loads(6, 5*time.Second, time.Millisecond, 10)
		_, before := r.answered()
		r.servers[0].become(func(s *server) { s.takes = time.Second })
		for _, took := range r.loads(6, 5*time.Second, time.Millisecond, 10) {
			if took > 20*time.Millisecond {
				t.Errorf("a read takes %s", took)
			}
		}
		answered, hedges := r.answered()
		if hedges == before {
			t.Error("no read was asked of a second node")
		}
		for _, s := range r.servers {
			s.become(func(s *server) { s.takes = time.Second })
		}
		n := len(r.loads(50, 10*time.Second, time.Millisecond, 10))
		_, after := r.answered()
		if asked := after - hedges; float64(asked) > burst+share*float64(n)+1 {
			t.Errorf("%d of %d reads were asked of a second node while all are slow", asked, n)
		}
		t.Logf("%v answered, %d hedges while one was slow, %d of %d reads while all were", answered, hedges-before, after-hedges, n)
	})
}

// feed feeds a node as its consumer does: it reads the cursor at first, every five seconds and after each failure.
func (r *rig) feed(ctx context.Context, n *Node, last func() int64, held func() bool, pause func() time.Duration) {
	var index search.Index
	var cursor int64
	var verified time.Time
	step := func() (err error) {
		if index == nil {
			if index, err = n.Open(ctx, "tenders"); err != nil {
				return err
			}
		}
		if time.Since(verified) >= 5*time.Second {
			if cursor, err = index.Cursor(ctx); err != nil {
				return err
			}
			verified = time.Now()
		}
		to := min(last(), cursor+200)
		if to == cursor {
			return nil
		}
		if err := index.Put(ctx, numbered(cursor+1, to)); err != nil {
			verified = time.Time{}
			return err
		}
		cursor = to
		return nil
	}
	for ctx.Err() == nil {
		if !held() {
			_ = step() // tried again
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause()):
		}
	}
}

// While one node after the other is killed, paused, slow, emptied or not fed, at random, and numbers are published, no
// read fails, none finds what no copy ever contained, none goes back in time by more than the bound, and all heals.
func TestRandomFaults(t *testing.T) {
	seed := uint64(1)
	if said := os.Getenv("VIGIE_TEST_SEED"); said != "" {
		seed, _ = strconv.ParseUint(said, 10, 64)
	}
	seeds := 2
	if testing.Short() {
		seeds = 1
	}
	for range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomFaults(t, seed) })
		})
		seed++
	}
}

func randomFaults(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	var mutex sync.Mutex // of random, and of what follows
	upTo := func(d time.Duration) time.Duration {
		mutex.Lock()
		defer mutex.Unlock()
		return time.Duration(random.Int64N(int64(d)))
	}
	r := newRig(t, 3, seed, 100)
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	defer func() { stop(); working.Wait() }()
	working.Go(func() { r.Run(ctx) })

	last := int64(100)
	working.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(upTo(200 * time.Millisecond))
			mutex.Lock()
			last += random.Int64N(20)
			mutex.Unlock()
		}
	})
	published := func() int64 {
		mutex.Lock()
		defer mutex.Unlock()
		return last
	}
	held := make([]bool, 3)
	for i, n := range r.Nodes() {
		working.Go(func() {
			r.feed(ctx, n, published, func() bool {
				mutex.Lock()
				defer mutex.Unlock()
				return held[i]
			}, func() time.Duration { return 50*time.Millisecond + upTo(250*time.Millisecond) })
		})
	}

	// What reads found, and when: no later one finds less.
	type sight struct {
		total int
		at    time.Time
	}
	var seen []sight
	reads := 0
	for range 10 {
		working.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				got, took, err := r.total()
				mutex.Lock()
				reads++
				if err != nil {
					t.Errorf("after %s: %v", took, err)
				}
				for len(seen) > 1 && began.Sub(seen[1].at) > Bound {
					seen = seen[1:]
				}
				if len(seen) > 0 && began.Sub(seen[0].at) > Bound && got < seen[0].total {
					t.Errorf("found %d, and %d were found %s before", got, seen[0].total, began.Sub(seen[0].at))
				}
				if len(seen) == 0 || got > seen[len(seen)-1].total {
					seen = append(seen, sight{got, time.Now()})
				}
				mutex.Unlock()
				time.Sleep(upTo(30 * time.Millisecond))
			}
		})
	}

	kinds := []string{"killed", "paused", "slow", "emptied", "not fed"}
	counted := make(map[string]int)
	faults := 40
	if testing.Short() {
		faults = 15
	}
	for n := range faults {
		time.Sleep(upTo(3 * time.Second))
		i, lasts := int(upTo(3)), 100*time.Millisecond+upTo(8*time.Second)
		s := r.servers[i]
		fault := kinds[upTo(time.Duration(len(kinds)))]
		if n < len(kinds) { // each at least once, whatever is drawn
			fault = kinds[n]
		}
		counted[fault]++
		hold := func(is bool) {
			mutex.Lock()
			defer mutex.Unlock()
			held[i] = is
		}
		s.become(func(s *server) {
			switch fault {
			case "killed":
				s.down = true
			case "paused":
				s.paused = true
			case "slow":
				s.takes = lasts / 10
			case "emptied":
				s.down, s.indexes = true, make(map[string]*content)
			}
		})
		hold(fault == "not fed")
		time.Sleep(lasts)
		s.become(func(s *server) { s.down, s.paused, s.takes = false, false, time.Millisecond })
		hold(false)
		// One at a time: the next begins once this one has healed.
		healed := func() bool {
			state := r.States()[i]
			return state.Up && state.Fresh
		}
		for deadline := time.Now().Add(2 * time.Minute); !healed(); time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s for %s, node %d does not heal: %+v", fault, lasts, i, r.States())
			}
		}
	}
	_, hedges := r.answered()
	mutex.Lock()
	defer mutex.Unlock()
	if limit := burst + share*float64(reads); float64(hedges) > limit {
		t.Errorf("%d hedges of %d reads", hedges, reads)
	}
	t.Logf("%d reads, %d numbers, %d hedges, faults %v", reads, last, hedges, counted)
}
