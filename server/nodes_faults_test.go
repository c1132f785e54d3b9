package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vigie/search/meili/meilitest"
	"vigie/search/nodes"
	"vigie/store/storetest"
)

// Three search nodes are killed, paused and emptied in turn, while people read and page through lists and a platform
// publishes: not one read fails, no list goes back in time by more than the bound, no page lacks or repeats what was
// there, and each node heals by itself. It is so of one server, and of two replicas that are asked in turn.
func TestSearchNodesFail(t *testing.T) {
	t.Parallel()
	t.Run("one server", func(t *testing.T) { failNodes(t, "sqlite:"+filepath.Join(t.TempDir(), "vigie.db"), 1) })
	t.Run("two replicas", func(t *testing.T) { failNodes(t, storetest.Postgres(t), 2) })
}

func failNodes(t *testing.T, database string, replicas int) {
	var servers []*meilitest.Process
	var urls, hosts []string
	for range 3 {
		s := meilitest.Start(t)
		servers, urls, hosts = append(servers, s), append(urls, s.URL), append(hosts, strings.TrimPrefix(s.URL, "http://"))
	}
	load := &listLoad{t: t, over: make(chan struct{}), bound: nodes.Bound}
	if replicas > 1 { // one learns each second what the other knows
		load.bound += 2 * time.Second
	}
	var all []*command
	for range replicas {
		server := start(t, map[string]string{
			"VIGIE_DATABASE_URL": database, "VIGIE_DATA": t.TempDir(), "VIGIE_SEARCH_URL": strings.Join(urls, ","), "VIGIE_SEARCH_KEY": servers[0].Key,
			"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_RATE_ACCOUNT": "1000000",
		}, nil, "serve")
		ready(t, server.listening(t))
		all, load.bases = append(all, server), append(load.bases, server.listening(t))
	}
	s := newSurvivor(t, all[0])
	for range 10 {
		s.publish()
	}
	s.finds()
	load.token = s.token
	load.published.Store(int64(s.published))
	load.begin()
	state := func(host string, up, fresh float64) {
		t.Helper()
		for _, server := range all {
			awaits(t, func() (bool, string) {
				series, _ := scrape(t, server.private(t))
				gotUp, gotFresh := series[fmt.Sprintf("vigie_search_node_up{node=%q}", host)], series[fmt.Sprintf("vigie_search_node_fresh{node=%q}", host)]
				return gotUp == up && gotFresh == fresh, fmt.Sprintf("%s: up %v and fresh %v, not %v and %v", host, gotUp, gotFresh, up, fresh)
			})
		}
	}
	for _, host := range hosts {
		state(host, 1, 1)
	}
	for _, fault := range []struct {
		name        string
		begins, end func(*meilitest.Process)
	}{
		{"killed", (*meilitest.Process).Kill, (*meilitest.Process).Restart},
		{"paused", (*meilitest.Process).Pause, (*meilitest.Process).Resume},
		{"emptied", func(p *meilitest.Process) { p.Kill(); p.Empty() }, (*meilitest.Process).Restart},
	} {
		for i, p := range servers {
			before := load.read.Load()
			fault.begins(p)
			state(hosts[i], 0, 0)
			if _, body := get(t, s.private+"/readyz"); !strings.Contains(string(body), `"ready":true`) || !strings.Contains(string(body), `"search":"ok"`) {
				t.Errorf("%s, node %d: /readyz says %s", fault.name, i, body)
			}
			awaits(t, func() (bool, string) {
				n := load.read.Load() - before
				return n >= 100, fmt.Sprintf("%s, node %d: only %d reads", fault.name, i, n)
			})
			fault.end(p)
			state(hosts[i], 1, 1)
		}
	}
	s.published = int(load.end())
	for range 30 { // whichever node answers
		s.finds()
	}
	answered := make(map[string]float64)
	for _, server := range all {
		series, _ := scrape(t, server.private(t))
		for _, host := range hosts {
			answered[host] += series[fmt.Sprintf(`vigie_search_node_reads_total{node=%q,outcome="answered"}`, host)]
		}
	}
	for _, host := range hosts {
		if answered[host] == 0 {
			t.Errorf("%s answered no read", host)
		}
	}
	t.Logf("%d reads, %d walks through all pages, %d published; answered by node: %v", load.read.Load(), load.walked.Load(), s.published, answered)
}

// listLoad reads a list all the time, and publishes.
type listLoad struct {
	t                       *testing.T
	bases                   []string // of the servers
	turn                    atomic.Int64
	token                   string
	bound                   time.Duration
	over                    chan struct{}
	working                 sync.WaitGroup
	published, read, walked atomic.Int64
	mutex                   sync.Mutex
	seen                    []sight
}

// sight is how many tenders were found once.
type sight struct {
	total int
	at    time.Time
}

func (l *listLoad) begin() {
	for range 4 {
		l.repeat(20*time.Millisecond, l.count)
	}
	l.repeat(50*time.Millisecond, l.walk)
	l.repeat(200*time.Millisecond, func() {
		if l.ask(publication(int(l.published.Load()+1)), new(struct{})) {
			l.published.Add(1)
		}
	})
}

func (l *listLoad) repeat(pause time.Duration, work func()) {
	l.working.Go(func() {
		for {
			select {
			case <-l.over:
				return
			case <-time.After(pause):
				work()
			}
		}
	})
}

// end ends the load, and returns how many tenders were published.
func (l *listLoad) end() int64 {
	close(l.over)
	l.working.Wait()
	return l.published.Load()
}

// ask asks what must succeed, and reports whether it did.
func (l *listLoad) ask(question string, into any) bool {
	text, err := json.Marshal(map[string]string{"query": question})
	if err != nil {
		l.t.Error(err)
		return false
	}
	request, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.bases[int(l.turn.Add(1))%len(l.bases)]+"/graphql", bytes.NewReader(text))
	if err != nil {
		l.t.Error(err)
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+l.token)
	began := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		l.t.Error(err)
		return false
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || bytes.Contains(said, []byte(`"errors"`)) {
		l.t.Errorf("%s after %s: %s %s %v", question, time.Since(began), response.Status, said, err)
		return false
	}
	if err := json.Unmarshal(said, into); err != nil {
		l.t.Error(err)
		return false
	}
	return true
}

// count counts the tenders. Nothing that was found more than the bound ago is missing.
func (l *listLoad) count() {
	began := time.Now()
	var said struct {
		Data struct{ MatchingTenders struct{ TotalCount int } }
	}
	if !l.ask(`{ matchingTenders { totalCount } }`, &said) {
		return
	}
	l.read.Add(1)
	total := said.Data.MatchingTenders.TotalCount
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for len(l.seen) > 1 && began.Sub(l.seen[1].at) > l.bound {
		l.seen = l.seen[1:]
	}
	if len(l.seen) > 0 && began.Sub(l.seen[0].at) > l.bound && total < l.seen[0].total {
		l.t.Errorf("found %d; %s before there were %d", total, began.Sub(l.seen[0].at), l.seen[0].total)
	}
	if len(l.seen) == 0 || total > l.seen[len(l.seen)-1].total {
		l.seen = append(l.seen, sight{total, time.Now()})
	}
}

// walk reads all pages, each where the one before ended, as far as there was something when it began.
func (l *listLoad) walk() {
	var first struct {
		Data struct{ MatchingTenders struct{ TotalCount int } }
	}
	if !l.ask(`{ matchingTenders { totalCount } }`, &first) {
		return
	}
	// What is found now may not be found by a copy that is a little behind: it is found after the bound.
	select {
	case <-l.over:
		return
	case <-time.After(l.bound):
	}
	times := make(map[string]int)
	after := "null"
	for {
		var page struct {
			Data struct {
				MatchingTenders struct {
					Nodes    []struct{ ID string }
					PageInfo struct {
						EndCursor   string
						HasNextPage bool
					}
				}
			}
		}
		if !l.ask(fmt.Sprintf(`{ matchingTenders(first: 20, after: %s, orderBy: PUBLISHED_AT_ASC) { nodes { id } pageInfo { endCursor hasNextPage } } }`, after), &page) {
			return
		}
		list := page.Data.MatchingTenders
		for _, tender := range list.Nodes {
			times[tender.ID]++
		}
		if !list.PageInfo.HasNextPage {
			break
		}
		after = fmt.Sprintf("%q", list.PageInfo.EndCursor)
	}
	l.walked.Add(1)
	if found := first.Data.MatchingTenders.TotalCount; len(times) < found || slices.Max(append(slices.Collect(maps.Values(times)), 1)) > 1 {
		l.t.Errorf("all pages have %d tenders, %d of them twice; %d were found before", len(times), len(times)-found, found)
	}
}
