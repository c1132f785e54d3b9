package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"
)

// TestTiming asks for a watch of another's and for one that is not there, in
// turns: neither what is answered nor how long it takes tells which is which.
// VIGIE_TEST_TIMES is how often.
func TestTiming(t *testing.T) {
	onLinux(t)
	times := 300
	if text := os.Getenv("VIGIE_TEST_TIMES"); text != "" {
		var err error
		if times, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for name, stores := range pairs() {
		t.Run(name, func(t *testing.T) {
			s := serve(t, stores(t), 10, nil)
			anothers, nobodys := s.watchOf(t), s.watchOf(t)
			nobodys.ask(`mutation { deleteAccount(confirmEmail: "attacker-`+nobodys.at+`@example.org") { userErrors { code } } }`, nil)
			a := s.attacker(t)
			var tokens []string // so that nobody asks too often
			for i := range 1 + times/400 {
				tokens = append(tokens, s.issuer.token(t, fmt.Sprint("prober-", i), nil))
			}
			var there, absent []time.Duration
			ids := [2]string{anothers.id, nobodys.id}
			for i := range 2 * times {
				a.token = tokens[i%len(tokens)]
				began := time.Now()
				got := a.ask(`query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": ids[(i+i/2)%2]}) // each is first as often
				took := time.Since(began)
				if !bytes.HasPrefix(got.body, []byte(`{"data":{"node":null},"extensions":{"cost":`)) {
					t.Fatalf("answered %d %s", got.status, got.body)
				}
				if (i+i/2)%2 == 0 {
					there = append(there, took)
				} else {
					absent = append(absent, took)
				}
			}
			// Of two drawn from the same times either is the longer one as often; five
			// standard errors, and what no network would show.
			bound := 5*math.Sqrt(1/(6*float64(times))) + 0.02
			share := longer(there, absent)
			t.Logf("of %d pairs another's takes longer in %.3f of all, 0.5 ± %.3f", times, share, bound)
			if math.Abs(share-0.5) > bound {
				t.Errorf("by the time it takes another's is known: it takes longer in %.3f of all", share)
			}
		})
	}
}

// owner is an attacker who has a watch.
type owner struct {
	*attacker
	id string
}

func (s *server) watchOf(t *testing.T) owner {
	t.Helper()
	o := owner{attacker: s.attacker(t)}
	o.createWatch(`{ name: "Mine", criteria: { keywords: ["voirie"] } }`)
	var got struct {
		Data struct {
			Watches struct{ Nodes []struct{ ID string } }
		}
	}
	answered := o.ask(`{ watches { nodes { id } } }`, nil)
	if err := json.Unmarshal(answered.body, &got); err != nil || len(got.Data.Watches.Nodes) != 1 {
		t.Fatalf("no watch: %.300s", answered.body)
	}
	o.id = got.Data.Watches.Nodes[0].ID
	return o
}

// longer is in what share of all pairs x is longer than y (Mann and Whitney).
func longer(xs, ys []time.Duration) float64 {
	n := 0.0
	for _, x := range xs {
		for _, y := range ys {
			switch {
			case x > y:
				n++
			case x == y:
				n += 0.5
			}
		}
	}
	return n / float64(len(xs)*len(ys))
}
