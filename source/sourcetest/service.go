// Package sourcetest has public sources for tests: servers that answer as the real services do, faults included.
package sourcetest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Notice is a notice that services publish.
type Notice struct {
	// ID is its UUID, with its version "-01" the same everywhere; Procedure that of its procedure.
	ID, Procedure string
	// BOAMP and TED are its numbers there, "" where it is not published.
	BOAMP, TED string
	// Day is its day of publication, 2026-11-30; it is there from At on.
	Day string
	At  time.Time
	// Kind is "call", "correction", "cancellation" or "award".
	Kind string
	// Title and Buyer are texts without markup; Deadline is a clock in Paris, 2026-12-15T12:00.
	Title, Buyer, Deadline string
	// Bare notices of the BOAMP come without their own data, and so without their UUID.
	Bare bool
}

// Services are the services, with the notices that they have.
type Services struct {
	// Now decides what is published already.
	Now func() time.Time
	// Rate is how many answers in a hundred are faulty.
	Rate int
	// Fault names what goes wrong with the answer to a request, "" for nothing; nil if Rate decides.
	Fault func(*http.Request) string
	// Rows is how many rows a page of TED's search has, whatever limit asks for: few, so that there are several. With many
	// notices a day there must be more, as at the service, or few lists of so many pages are whole.
	Rows int

	mutex   sync.Mutex
	random  *rand.Rand
	notices []*Notice
	// Faults counts the faults, by their kind, and Asked the requests.
	Faults map[string]int
	Asked  int
}

// New returns services without notices, whose faults are those of a seed.
func New(now func() time.Time, seed uint64) *Services {
	return &Services{Now: now, Rows: 5, random: rand.New(rand.NewPCG(seed, 0)), Faults: make(map[string]int)}
}

// Publish adds notices.
func (s *Services) Publish(notices ...*Notice) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.notices = append(s.notices, notices...)
}

// SetRate sets how many answers in a hundred are faulty, while services answer.
func (s *Services) SetRate(rate int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.Rate = rate
}

// SetFault sets what goes wrong with answers, while services answer.
func (s *Services) SetFault(fault func(*http.Request) string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.Fault = fault
}

// of returns the notices of a day that are there now and have a number.
func (s *Services) of(day string, number func(*Notice) string) []*Notice {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var list []*Notice
	for _, n := range s.notices {
		if n.Day == day && number(n) != "" && !n.At.After(s.Now()) {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *Notice) int { return strings.Compare(number(a), number(b)) })
	return list
}

// faults are what goes wrong with answers, each a middleware.
var faults = map[string]func(http.ResponseWriter, *http.Request, http.Handler){
	"too many requests": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	},
	"server error": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusBadGateway) },
	"HTML": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>Maintenance</title>")
	},
	"empty 202": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("X-Amzn-Waf-Action", "challenge")
		w.WriteHeader(http.StatusAccepted)
	},
	"half an answer": func(w http.ResponseWriter, r *http.Request, h http.Handler) {
		kept := record(r, h)
		copyHeader(w, kept)
		w.Header().Set("Content-Length", fmt.Sprint(len(kept.body)+1))
		w.Write(kept.body[:len(kept.body)/2])
		panic(http.ErrAbortHandler)
	},
	"half an answer that looks whole": func(w http.ResponseWriter, r *http.Request, h http.Handler) {
		kept := record(r, h)
		copyHeader(w, kept)
		w.Write(kept.body[:len(kept.body)/2])
	},
	"error inside of a 200": func(w http.ResponseWriter, r *http.Request, h http.Handler) {
		kept := record(r, h)
		copyHeader(w, kept)
		w.Write(kept.body[:len(kept.body)/2])
		fmt.Fprint(w, "\nStreaming interrupted due to the following error: index is not available")
	},
	"silence": func(w http.ResponseWriter, r *http.Request, h http.Handler) {
		kept := record(r, h)
		copyHeader(w, kept)
		w.Write(kept.body[:len(kept.body)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	},
}

// faulty makes some answers of a service faulty.
func (s *Services) faulty(h http.Handler) http.Handler {
	names := make([]string, 0, len(faults))
	for name := range faults {
		names = append(names, name)
	}
	slices.Sort(names)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		s.Asked++
		fault := ""
		switch {
		case s.Fault != nil:
			fault = s.Fault(r)
		case s.random.IntN(100) < s.Rate:
			fault = names[s.random.IntN(len(names))]
		}
		if fault != "" {
			s.Faults[fault]++
		}
		s.mutex.Unlock()
		if fault == "" {
			h.ServeHTTP(w, r)
			return
		}
		faults[fault](w, r, h)
	})
}

// answer is an answer that is kept to be spoilt.
type answer struct {
	header http.Header
	status int
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) {
	a.body = append(a.body, p...)
	return len(p), nil
}

func record(r *http.Request, h http.Handler) *answer {
	kept := &answer{header: make(http.Header), status: http.StatusOK}
	h.ServeHTTP(kept, r)
	return kept
}

func copyHeader(w http.ResponseWriter, kept *answer) {
	for name, values := range kept.header {
		w.Header()[name] = values
	}
}
