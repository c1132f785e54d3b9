package attack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	// bystanders' address, which attacks nobody.
	quietAddress = "127.0.0.2"
	// everyAsk is how often they ask.
	everyAsk = 20 * time.Millisecond
	// patience is how long they wait for an answer.
	patience = 10 * time.Second
	// tolerable is the longest that 99 of a hundred of them may wait, beyond what
	// the machine makes them wait.
	tolerable = 500 * time.Millisecond
)

// What a page asks: one thing, and now and then a list.
const (
	plainQuery = `query ($id: ID!) { tender(id: $id) { title deadline buyer { name } } watches(first: 10) { nodes { name } } }`
	listQuery  = `query ($id: ID!) { tender(id: $id) { title } tenders(first: 10) { totalCount nodes { id title buyer { name } } } }`
	listEvery  = 5
)

// bystanders are other users, who ask at a steady pace, whether or not they
// were answered before.
type bystanders struct {
	server *server
	// other is a reference server, which nobody attacks: how long it takes to
	// answer is up to the machine.
	other  *httptest.Server
	client *http.Client
	tokens []string
	price  time.Duration // CPU time of an answer
}

func newBystanders(t testing.TB, s *server) *bystanders {
	b := &bystanders{server: s, client: clientFrom(quietAddress, patience)}
	b.other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%x", sha256.Sum256(make([]byte, 256<<10))) // a tenth of an answer's work
	}))
	t.Cleanup(func() { b.client.CloseIdleConnections(); b.other.Close() })
	for i := range 40 { // so that nobody asks too often
		b.tokens = append(b.tokens, s.issuer.token(t, fmt.Sprint("bystander-", i), nil))
	}
	return b
}

// clientFrom is a client at an address of its own.
func clientFrom(address string, timeout time.Duration) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{
		Timeout:       timeout,
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 1000, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// seen is what bystanders saw.
type seen struct {
	mutex        sync.Mutex
	ours, others []time.Duration // how long answers took
	failed       []string
}

// work is how much more an answer takes than one of the reference server.
const work = 10

// waited is what 99 of a hundred answers took at most, beyond what the machine
// makes of as much work: it may be busy with something else.
func (s *seen) waited() time.Duration { return max(0, p99(s.ours)-work*p99(s.others)) }

func (s *seen) answered() int { return len(s.ours) - len(s.failed) }

func p99(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[(len(times)*99-1)/100]
}

// watch asks until ctx ends.
func (b *bystanders) watch(ctx context.Context) *seen {
	s := new(seen)
	var asking sync.WaitGroup
	ticker := time.NewTicker(everyAsk)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			asking.Wait()
			return s
		case <-ticker.C:
			asking.Go(func() { s.note(&s.ours, func() error { return b.answered(i) }) })
			asking.Go(func() { s.note(&s.others, b.otherAnswered) })
		}
	}
}

func (s *seen) note(times *[]time.Duration, ask func() error) {
	began := time.Now()
	err := ask()
	took := time.Since(began)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	*times = append(*times, took)
	if err != nil {
		s.failed = append(s.failed, err.Error())
	}
}

func (b *bystanders) otherAnswered() error {
	response, err := b.client.Get(b.other.URL)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func (b *bystanders) answered(i int) error {
	query := plainQuery
	if i%listEvery == 0 {
		query = listQuery
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"id": b.server.corpus.tenders[i%len(b.server.corpus.tenders)]}})
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, b.server.url("/graphql"), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+b.tokens[i%len(b.tokens)])
	response, err := b.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || bytes.Contains(text, []byte(`"errors"`)) {
		return fmt.Errorf("%d %.200s", response.StatusCode, text)
	}
	return nil
}
