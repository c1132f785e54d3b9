package attack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	// bystanders' address, which attacks nobody.
	quietAddress = "127.0.0.2"
	// everyAsk is how often they ask.
	everyAsk = 10 * time.Millisecond
	// patience is how long they wait for an answer.
	patience = 10 * time.Second
	// tolerable is the longest that 99 of a hundred of them may wait.
	tolerable = 500 * time.Millisecond
)

// plainQuery is what a page asks.
const plainQuery = `query ($id: ID!) { tender(id: $id) { title buyer { name } } tenders(first: 10) { totalCount nodes { id title } } }`

// bystanders are other users, who ask at a steady pace, whether or not they
// were answered before.
type bystanders struct {
	server *server
	client *http.Client
	tokens []string
	price  time.Duration // CPU time of a plain query
}

func newBystanders(t testing.TB, s *server) *bystanders {
	b := &bystanders{server: s, client: clientFrom(quietAddress, patience)}
	t.Cleanup(b.client.CloseIdleConnections)
	for i := range 40 { // so that nobody asks too often
		b.tokens = append(b.tokens, token(t, fmt.Sprint("bystander-", i), nil))
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
	mutex  sync.Mutex
	times  []time.Duration
	failed []string
}

// p99 is what 99 of a hundred answers took at most.
func (s *seen) p99() time.Duration {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.times) == 0 {
		return 0
	}
	slices.Sort(s.times)
	return s.times[(len(s.times)*99-1)/100]
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
			asking.Go(func() { b.ask(s, i) })
		}
	}
}

func (b *bystanders) ask(s *seen, i int) {
	began := time.Now()
	err := b.answered(i)
	took := time.Since(began)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.times = append(s.times, took)
	if err != nil {
		s.failed = append(s.failed, err.Error())
	}
}

func (b *bystanders) answered(i int) error {
	body, err := json.Marshal(map[string]any{"query": plainQuery, "variables": map[string]any{"id": b.server.corpus.tenders[i%len(b.server.corpus.tenders)]}})
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
