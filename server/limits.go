package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"vigie"
	"vigie/graph"
	"vigie/graph/limit"
	"vigie/graph/wire"
)

// limitSettings are what the API's clients may ask for.
type limitSettings struct {
	MaxBody          int64         `help:"The largest request body, in bytes; 16 times as large for publishers." default:"1048576" type:"number" bounds:"1000..67108864" placeholder:"N"`
	MaxTokens        int           `help:"The most tokens (words and signs) in a GraphQL document." default:"${tokens}" type:"number" bounds:"100..1000000" placeholder:"N"`
	MaxDepth         int           `help:"The most levels of nested fields." default:"${depth}" type:"number" bounds:"3..1000" placeholder:"N"`
	MaxFields        int           `help:"The most fields in an operation, with its fragments expanded." default:"${fields}" type:"number" bounds:"10..1000000" placeholder:"N"`
	MaxAliases       int           `help:"The most aliases in an operation." default:"${aliases}" type:"number" bounds:"1..1000000" placeholder:"N"`
	MaxDirectives    int           `help:"The most directives in an operation." default:"${directives}" type:"number" bounds:"1..1000000" placeholder:"N"`
	MaxCost          int           `help:"The highest cost of an operation: 1 for a field, 100 for a search, multiplied by the rows of the lists around it." default:"${cost}" type:"number" bounds:"100..100000000" placeholder:"N"`
	MaxTime          time.Duration `help:"The longest time for a query or mutation." default:"${time}" type:"number" bounds:"100ms..50s" placeholder:"TIME"`
	MaxOnSocket      int           `help:"The most operations open on one WebSocket." default:"${onSocket}" type:"number" bounds:"1..10000" placeholder:"N"`
	MaxSubscriptions int           `help:"The most subscriptions open for one account." default:"${subscriptions}" type:"number" bounds:"1..100000" placeholder:"N"`
	MaxStreams       int64         `help:"The most WebSockets and event streams open in all." default:"5000" type:"number" bounds:"1..1000000" placeholder:"N"`
	MaxInFlight      int64         `help:"How many requests are answered at once; four times as many wait for up to a second, further ones get 503." default:"64" type:"number" bounds:"1..100000" placeholder:"N"`
	RateAccount      float64       `help:"The most operations per minute for one account." default:"1200" type:"number" bounds:"1..1000000000" placeholder:"N"`
	RateAddress      float64       `help:"The most operations per minute for one network address without a token." default:"300" type:"number" bounds:"1..1000000000" placeholder:"N"`
	RateBadTokens    float64       `help:"The most wrong tokens per minute from one network address; then it must wait." default:"30" type:"number" bounds:"1..1000000000" placeholder:"N"`
	TrustedProxies   []string      `help:"Networks of the proxies in front of the server; their X-Forwarded-For is trusted." type:"networks" placeholder:"CIDR"`
	AllowedOrigins   []string      `help:"Sites whose pages may call the API from browsers (CORS), such as https://*.example.org; * stands for any part." type:"origins" placeholder:"ORIGIN"`
	Introspection    bool          `help:"Show the schema: allow introspection and suggestions, and serve the playground." default:"true" negatable:""`
	TrustedDocuments string        `help:"A JSON file of the only GraphQL documents that may run, by id, or Apollo's manifest of them." type:"existingfile" placeholder:"FILE"`
}

// limitVars are the defaults that package graph knows.
func limitVars() map[string]string {
	d := graph.DefaultLimits()
	return map[string]string{
		"tokens": strconv.Itoa(d.Tokens), "depth": strconv.Itoa(d.Shape.Depth), "fields": strconv.Itoa(d.Shape.Fields),
		"aliases": strconv.Itoa(d.Shape.Aliases), "directives": strconv.Itoa(d.Shape.Directives), "cost": strconv.Itoa(d.Cost),
		"time": d.Time.String(), "onSocket": strconv.Itoa(d.OnSocket), "subscriptions": strconv.Itoa(d.Subscriptions),
	}
}

// graph are the limits of an operation.
func (s limitSettings) graph() graph.Limits {
	return graph.Limits{
		Tokens: s.MaxTokens, Shape: limit.Shape{Depth: s.MaxDepth, Fields: s.MaxFields, Aliases: s.MaxAliases, Directives: s.MaxDirectives},
		Cost: s.MaxCost, Time: s.MaxTime, OnSocket: s.MaxOnSocket, Subscriptions: s.MaxSubscriptions,
	}
}

// documents reads the trusted documents, by the id that the file gives them and
// by their hash; nil without a file. The file is an object of texts by id, as
// GraphQL Code Generator and Relay's compiler write it, or Apollo's manifest.
func (s limitSettings) documents() (map[string]string, error) {
	if s.TrustedDocuments == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.TrustedDocuments)
	if err != nil {
		return nil, fmt.Errorf("VIGIE_TRUSTED_DOCUMENTS (--trusted-documents): %w", err)
	}
	byID, err := readDocuments(text)
	if err != nil {
		return nil, fmt.Errorf("VIGIE_TRUSTED_DOCUMENTS (--trusted-documents): %s: %w", s.TrustedDocuments, err)
	}
	documents := make(map[string]string, 2*len(byID))
	for id, document := range byID {
		documents[id] = document
	}
	for _, document := range byID { // last, for a hash is never another's id
		documents[graph.Hash(document)] = document
	}
	return documents, nil
}

// readDocuments reads documents by id.
func readDocuments(text []byte) (map[string]string, error) {
	var members map[string]json.RawMessage
	if err := exactly(text, &members); err != nil {
		return nil, fmt.Errorf("not a JSON object of documents: %w", err)
	}
	byID := make(map[string]string)
	var format string
	if exactly(members["format"], &format) == nil && format == "apollo-persisted-query-manifest" {
		var operations []struct {
			ID   string `json:"id"`
			Body string `json:"body"`
		}
		if err := exactly(members["operations"], &operations); err != nil {
			return nil, fmt.Errorf("not Apollo's manifest: %w", err)
		}
		for _, operation := range operations {
			if _, twice := byID[operation.ID]; twice {
				return nil, fmt.Errorf("two documents have the id %q", operation.ID)
			}
			byID[operation.ID] = operation.Body
		}
	} else if err := exactly(text, &byID); err != nil {
		return nil, fmt.Errorf("neither a JSON object of documents nor Apollo's manifest: %w", err)
	}
	for id, document := range byID {
		if id == "" || document == "" {
			return nil, fmt.Errorf("the document %q has no id, or no text", id)
		}
	}
	return byID, nil
}

// gate lets requests in as long as there are not too many.
type gate struct {
	limitSettings
	proxies                     []netip.Prefix
	accounts, addresses, wrong  *buckets
	answering, waiting, streams *semaphore.Weighted
	now                         func() time.Time
}

// patient is how long a request waits for its turn.
const patient = time.Second

// open makes the gate.
func (s limitSettings) open(now func() time.Time) (*gate, error) {
	g := &gate{
		limitSettings: s, accounts: newBuckets(s.RateAccount), addresses: newBuckets(s.RateAddress), wrong: newBuckets(s.RateBadTokens), now: now,
		answering: semaphore.NewWeighted(s.MaxInFlight), waiting: semaphore.NewWeighted(4 * s.MaxInFlight), streams: semaphore.NewWeighted(s.MaxStreams),
	}
	for _, network := range s.TrustedProxies {
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			return nil, fmt.Errorf("VIGIE_TRUSTED_PROXIES (--trusted-proxies): %w", err)
		}
		g.proxies = append(g.proxies, prefix)
	}
	return g, nil
}

// defaultGate is that of the defaults.
func defaultGate(now func() time.Time) (*gate, error) {
	var s limitSettings
	if err := kong.ApplyDefaults(&s, kong.Vars(limitVars())); err != nil {
		return nil, err
	}
	return s.open(now)
}

// buckets are token buckets, one for each of those who came lately.
type buckets struct {
	perMinute float64
	known     *lru.Cache[string, *rate.Limiter]
}

// remembered is how many of those who came lately are known.
const remembered = 100_000

func newBuckets(perMinute float64) *buckets {
	known, err := lru.New[string, *rate.Limiter](remembered)
	if err != nil { // only where there is no room for any
		panic(err)
	}
	return &buckets{perMinute, known}
}

// take reports whether there was something left for one; a minute's worth can
// be taken at once.
func (b *buckets) take(who string, now time.Time) bool {
	bucket, ok := b.known.Get(who)
	if !ok {
		bucket = rate.NewLimiter(rate.Limit(b.perMinute/60), max(1, int(b.perMinute)))
		if before, ok, _ := b.known.PeekOrAdd(who, bucket); ok {
			bucket = before
		}
	}
	return bucket.AllowN(now, 1)
}

func tooMany() error {
	return &vigie.Error{Code: vigie.TooManyRequests, Text: vigie.Text{
		FR: "Vous avez envoyé trop de demandes. Attendez une minute, puis réessayez.", EN: "You sent too many requests. Wait a minute, then try again.",
	}}
}

// admit lets one more operation in, whichever way it came: of who bears a token,
// or else of an address.
func (g *gate) admit(ctx context.Context) error {
	turns, who := g.accounts, ""
	if key, ok := graph.ViewerKey(ctx); ok {
		who = key
	} else {
		turns, who = g.addresses, addressOf(ctx)
	}
	if !turns.take(who, g.now()) {
		return tooMany()
	}
	return nil
}

// signIn limits how often an address may be wrong. Right tokens go through
// whatever came before them, for many people share an address.
func (g *gate) signIn(next graph.SignIn) graph.SignIn {
	return func(ctx context.Context, authorization string) (*graph.Viewer, error) {
		viewer, err := next(ctx, authorization)
		if vigie.CodeOf(err) == vigie.Unauthenticated && !g.wrong.take(addressOf(ctx), g.now()) {
			return nil, tooMany()
		}
		return viewer, err
	}
}

// pass lets requests through whose turn comes in time, and tells others to come
// again: to answer some well is better than to answer all too late.
func (g *gate) pass(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wire.Streams(r) {
			if !g.streams.TryAcquire(1) {
				busy(w, r)
				return
			}
			defer g.streams.Release(1)
			next.ServeHTTP(w, r)
			return
		}
		if !g.answering.TryAcquire(1) {
			if !g.waiting.TryAcquire(1) {
				busy(w, r)
				return
			}
			ctx, cancel := context.WithTimeout(r.Context(), patient)
			err := g.answering.Acquire(ctx, 1)
			cancel()
			g.waiting.Release(1)
			if err != nil {
				busy(w, r)
				return
			}
		}
		defer g.answering.Release(1)
		next.ServeHTTP(w, r)
	})
}

func busy(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "1")
	writeError(w, r, http.StatusServiceUnavailable, vigie.Unavailable, vigie.Text{
		FR: "Le service est surchargé. Réessayez dans un instant.", EN: "The service is overloaded. Try again in a moment.",
	})
}

// address finds out where a request comes from: the last address before the
// proxies that we trust.
func (g *gate) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, before := range slices.Backward(forwarded) {
		if !g.trusts(host) {
			break
		}
		if _, err := netip.ParseAddr(strings.TrimSpace(before)); err != nil {
			break
		}
		host = strings.TrimSpace(before)
	}
	return host
}

func (g *gate) trusts(host string) bool {
	at, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(g.proxies, func(p netip.Prefix) bool { return p.Contains(at.Unmap()) })
}

type addressKey struct{}

// addressOf is where the request of a context comes from.
func addressOf(ctx context.Context) string {
	address, _ := ctx.Value(addressKey{}).(string)
	return address
}

// limitBody cuts what is longer than one may send. Notices come many at once.
func (g *gate) limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := g.MaxBody
		if graph.Publishes(r.Context()) {
			most *= 16
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}
