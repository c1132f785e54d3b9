package feed_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/feed"
	"vigie/query"
	"vigie/query/querytest"
	"vigie/store"
	"vigie/store/storetest"
)

// event is a line in which a racing process reports what it did or saw.
type event struct {
	// A watch was created or changed; Criteria is nil if it was paused.
	Watch, Number int64
	Criteria      *vigie.Criteria `json:",omitempty"`
	// A notice was matched as of a change.
	Notice, At int64
	Tender     *vigie.Tender `json:",omitempty"`
	Matched    []int64       `json:",omitempty"`
}

const racer = "VIGIE_TEST_RACER"

// Two processes change the same watches and publish notices, and each matches the notices of both: a thousand races.
// Each notice is matched with every watch exactly as it was at one moment not before the notice: no match is missing,
// and none comes from a state that had ended.
func TestMatcherRaces(t *testing.T) {
	if url := os.Getenv(racer); url != "" {
		race(t, url)
		return
	}
	const processes, rounds = 2, 500
	url := storetest.Postgres(t)
	outputs := make([]bytes.Buffer, processes)
	var running sync.WaitGroup
	for i := range processes {
		running.Go(func() {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMatcherRaces$")
			child.Env = append(os.Environ(), racer+"="+url, "VIGIE_TEST_ROUNDS="+strconv.Itoa(rounds), "VIGIE_TEST_SEED="+strconv.Itoa(i))
			child.Stdout, child.Stderr = &outputs[i], os.Stderr
			if err := child.Run(); err != nil {
				t.Errorf("process %d: %v\n%s", i, err, outputs[i].String())
			}
		})
	}
	running.Wait()
	if t.Failed() {
		return
	}
	states := make(map[int64][]event) // of each watch, in order
	var matches []event
	for i := range outputs {
		lines := bufio.NewScanner(&outputs[i])
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				continue // output of the testing package
			}
			if e.Tender != nil {
				matches = append(matches, e)
			} else {
				states[e.Watch] = append(states[e.Watch], e)
			}
		}
	}
	for _, e := range deletions(t, url) {
		states[e.Watch] = append(states[e.Watch], e)
	}
	for _, list := range states {
		slices.SortFunc(list, func(a, b event) int { return int(a.Number - b.Number) })
	}
	found := 0
	for _, m := range matches {
		if m.At < m.Notice {
			t.Fatalf("notice %d was matched as of %d", m.Notice, m.At)
		}
		facts, _ := query.FactsOf(m.Tender)
		var want []int64
		for watch, list := range states {
			var now *vigie.Criteria
			for _, state := range list {
				if state.Number <= m.At {
					now = state.Criteria
				}
			}
			if now != nil && query.Compile(*now).Matches(facts) {
				want = append(want, watch)
			}
		}
		slices.Sort(want)
		if !slices.Equal(m.Matched, want) {
			t.Fatalf("notice %d as of %d matches %v, not %v", m.Notice, m.At, m.Matched, want)
		}
		found += len(want)
	}
	t.Logf("%d watches changed, %d matches of notices checked, %d watches matched", len(states), len(matches), found)
	if len(matches) < rounds/2*processes || found < len(matches) {
		t.Errorf("%d notices matched %d watches: too few to prove much", len(matches), found)
	}
}

// deletions holds the deleted watches, with the change that deleted them.
func deletions(t *testing.T, url string) []event {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), "SELECT id AS watch, number FROM watches WHERE deleted_at IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[event])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// race is one of the processes.
func race(t *testing.T, url string) {
	rounds, _ := strconv.Atoi(os.Getenv("VIGIE_TEST_ROUNDS"))
	seed, _ := strconv.ParseUint(os.Getenv("VIGIE_TEST_SEED"), 10, 64)
	g := querytest.New(seed)
	s, account := openWithAccount(t, url)
	var writing sync.Mutex
	say := func(e event) {
		writing.Lock()
		defer writing.Unlock()
		line, _ := json.Marshal(e)
		fmt.Printf("%s\n", line)
	}
	done := make(chan struct{})
	var matching sync.WaitGroup
	matching.Go(func() { matchAll(t, s, say, done) })
	for i := range rounds {
		name := fmt.Sprintf("%d-%d", seed, i)
		content := vigie.Content{Title: g.Text(8) + " voirie", Departments: []string{"01"}}
		_, err := s.Publish(t.Context(), []*vigie.Notice{{
			Source: "race", SourceRef: name, Kind: vigie.ContractNotice, PublishedAt: time.Now().UTC().Truncate(time.Second),
			Buyer: vigie.BuyerName{Name: "Commune d'Exemple"}, Content: content,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := changeAny(t.Context(), s, g, account, name, say); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	matching.Wait()
}

// changeAny creates, edits, pauses, switches on or deletes a watch.
func changeAny(ctx context.Context, s *store.Store, g querytest.Generator, account *vigie.Account, name string, say func(event)) error {
	c := g.Criteria()
	c.BuyerIDs, c.Natures, c.CPVCodes = nil, nil, nil
	watches, err := s.Watches(ctx, account.ID, store.WatchFilter{})
	if err != nil {
		return err
	}
	if len(watches) < 5 || g.IntN(4) == 0 && len(watches) < 30 {
		w, err := s.CreateWatch(ctx, account, vigie.Watch{Name: name, NameKey: name, Active: true, Frequency: vigie.Daily, Criteria: c}, false, nil)
		if err == nil {
			say(event{Watch: w.ID, Number: w.Number, Criteria: &c})
		}
		return err
	}
	id := watches[g.IntN(len(watches))].ID
	if g.IntN(8) == 0 {
		err = s.DeleteWatch(ctx, account.ID, id)
	} else {
		active := g.IntN(4) > 0
		var w *vigie.Watch
		if w, err = s.UpdateWatch(ctx, account, id, func(w *vigie.Watch) { w.Criteria, w.Active = c, active }, nil, nil); err == nil {
			e := event{Watch: id, Number: w.Number}
			if active {
				e.Criteria = &c
			}
			say(e)
		}
	}
	if vigie.CodeOf(err) == vigie.NotFound { // the other process deleted it
		return nil
	}
	return err
}

// matchAll matches every notice once, until done is closed and all are matched.
func matchAll(t *testing.T, s *store.Store, say func(event), done <-chan struct{}) {
	m := feed.NewMatcher(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	var cursor int64
	for last := false; ; {
		select {
		case <-done:
			last = true
		default:
		}
		seen := cursor
		err := s.Snapshot(t.Context(), func(ctx context.Context, now *store.Snapshot) error {
			if err := m.Update(ctx, now); err != nil {
				return err
			}
			numbers, err := now.NoticesAfter(ctx, cursor, 100)
			if err != nil {
				return err
			}
			notices, err := now.Notices(ctx, numbers)
			if err != nil {
				return err
			}
			for _, n := range notices {
				tenders, err := now.Tenders(ctx, []int64{n.TenderID})
				if err != nil {
					return err
				}
				e := event{Notice: n.ID, At: now.Number, Tender: tenders[n.TenderID], Matched: m.Match(tenders[n.TenderID])}
				slices.Sort(e.Matched)
				say(e)
				cursor = n.ID
			}
			return nil
		})
		if err != nil {
			t.Error(err)
			return
		}
		if last && cursor == seen {
			return
		}
	}
}
