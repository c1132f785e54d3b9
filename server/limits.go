package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
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
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"vigie"
	"vigie/graph"
	"vigie/graph/wire"
)

// limitSettings are the limits of requests: what the API's clients may ask for.
// Size and time of a request are checked before it is decoded (wire.Intake),
// tokens, shape and cost of its operation before that runs (graph.Limits), and
// how many requests there are by [gate]. The limits of inputs, such as how many
// watches an account has, are no settings: they are in limits.go of the root.
type limitSettings struct {
	MaxBody          int64         `help:"The largest request body, in bytes; 16 times as large for publishers, and 65536 at most without a token." default:"1048576" type:"number" bounds:"1000..67108864" placeholder:"N"`
	MaxTokens        int           `help:"The most tokens (words and signs) in a GraphQL document." default:"${tokens}" type:"number" bounds:"100..1000000" placeholder:"N"`
	MaxDepth         int           `help:"The most levels of nested fields." default:"${depth}" type:"number" bounds:"3..1000" placeholder:"N"`
	MaxFields        int           `help:"The most fields in an operation, with its fragments expanded." default:"${fields}" type:"number" bounds:"10..1000000" placeholder:"N"`
	MaxAliases       int           `help:"The most aliases in an operation." default:"${aliases}" type:"number" bounds:"1..1000000" placeholder:"N"`
	MaxDirectives    int           `help:"The most directives in an operation." default:"${directives}" type:"number" bounds:"1..1000000" placeholder:"N"`
	MaxCost          int           `help:"The highest cost of an operation: 1 for a field, more for what takes more work, multiplied by the rows of the lists around it." default:"${cost}" type:"number" bounds:"100..100000000" placeholder:"N"`
	MaxTime          time.Duration `help:"The longest time for a query or mutation." default:"${time}" type:"number" bounds:"100ms..50s" placeholder:"TIME"`
	MaxOnSocket      int           `help:"The most operations open on one WebSocket." default:"${onSocket}" type:"number" bounds:"1..10000" placeholder:"N"`
	MaxSubscriptions int           `help:"The most subscriptions open for one account." default:"${subscriptions}" type:"number" bounds:"1..100000" placeholder:"N"`
	MaxStreams       int64         `help:"The most WebSockets and event streams open in all." default:"5000" type:"number" bounds:"1..1000000" placeholder:"N"`
	MaxConnections   int64         `help:"The most connections open from one network address, and the most WebSockets and event streams; connections of a trusted proxy are not counted." default:"1000" type:"number" bounds:"1..1000000" placeholder:"N"`
	MaxInFlight      int64         `help:"How many requests are answered at once; four times as many wait for up to a second, further ones get 503." default:"64" type:"number" bounds:"1..100000" placeholder:"N"`
	MaxExports       int64         `help:"How many exports are read at once; others wait. An account may have one." default:"4" type:"number" bounds:"1..1000" placeholder:"N"`
	RateAccount      float64       `help:"The most operations per minute for one account." default:"1200" type:"number" bounds:"1..1000000000" placeholder:"N"`
	RateAddress      float64       `help:"The most operations per minute for one network address without a token." default:"300" type:"number" bounds:"1..1000000000" placeholder:"N"`
	RateBadTokens    float64       `help:"The most wrong tokens per minute from one network address; then it must wait." default:"30" type:"number" bounds:"1..1000000000" placeholder:"N"`
	TrustedProxies   []string      `help:"Networks of the proxies in front of the server; their X-Forwarded-For is trusted." type:"networks" placeholder:"CIDR"`
	AllowedOrigins   []string      `help:"Sites whose pages may call the API from browsers (CORS), such as https://*.example.org; * stands for any part." type:"origins" placeholder:"ORIGIN"`
	Introspection    bool          `help:"Show the schema: allow introspection, suggestions and details of validation errors, and serve the playground." default:"true" negatable:""`
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
		Tokens: s.MaxTokens, Shape: graph.Shape{Depth: s.MaxDepth, Fields: s.MaxFields, Aliases: s.MaxAliases, Directives: s.MaxDirectives},
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
	proxies                    []netip.Prefix
	accounts, addresses, wrong *buckets
	signIns, answers           *queue
	signInsOf                  *queues // of one address
	work                       *queues // places are units of cost
	streams, connections       *shares
	strangers, known           senders
	exports                    exporting
	now                        func() time.Time
	overloads                  prometheus.Counter
}

// senders are the callers without a token, or those with one. What they have on
// its way to us, or on its way back, is counted apart: strangers cannot take
// what the others need.
type senders struct {
	requests, bytes *shares
	// time is how long a request may take to arrive, and its answer to be read.
	time time.Duration
}

const (
	// strangersBody is how long a request may be without a token. The longest
	// document of [graph.DefaultLimits], 3,000 words and signs, is half of it.
	strangersBody = 64 << 10
	// bytesPerValue is how many bytes of what one may send allow for a value: an
	// empty object takes three of them, and some 90 bytes of memory. fewValues may
	// always be there.
	bytesPerValue, fewValues = 64, 1000
	// waitingForWork is how many operations of a caller wait for those before them.
	// Each has a place that others cannot use.
	waitingForWork = 16
	// maxNesting is how many lists and objects may stand within one another. Of the
	// schema's inputs, a lot's CPV codes stand deepest: in seven.
	maxNesting = 32
)

// open makes the gate.
func (s limitSettings) open(now func() time.Time) (*gate, error) {
	g := &gate{
		limitSettings: s, accounts: newBuckets("account", s.RateAccount), addresses: newBuckets("address", s.RateAddress), wrong: newBuckets("badTokens", s.RateBadTokens), now: now,
		signIns: newQueue(s.MaxInFlight, 4*s.MaxInFlight, time.Second), answers: newQueue(s.MaxInFlight, 4*s.MaxInFlight, time.Second),
		// Half, so that one address that asks faster than tokens can be checked leaves the rest to others.
		signInsOf: newQueues(max(1, s.MaxInFlight/2), 2*s.MaxInFlight, time.Second),
		work:      newQueues(int64(s.MaxCost), waitingForWork, 5*time.Second),
		streams:   newShares(s.MaxConnections, s.MaxStreams), connections: newShares(s.MaxConnections, math.MaxInt64),
		strangers: senders{newShares(32, 1024), newShares(32*strangersBody, 256*strangersBody), 10 * time.Second},
		exports:   newExporting(s.MaxExports),
		overloads: newOverloads(),
		known:     senders{newShares(32, 1024), newShares(32*s.MaxBody, 64*s.MaxBody), time.Minute},
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
	name      string // for clients
	perMinute float64
	known     *lru.Cache[string, *rate.Limiter]
}

// remembered is how many of those who came lately are known.
const remembered = 100_000

func newBuckets(name string, perMinute float64) *buckets {
	known, err := lru.New[string, *rate.Limiter](remembered)
	if err != nil { // only where there is no room for any
		panic(err)
	}
	return &buckets{name, perMinute, known}
}

// take takes one of what is left for somebody; a minute's worth can be taken at
// once. The rate says what is left then, and the error when there is more.
func (b *buckets) take(who string, now time.Time) (wire.Rate, error) { return b.takeSome(who, 1, now) }

// takeSome takes several at once, or none. No more than a minute's worth may be
// asked for.
func (b *buckets) takeSome(who string, n int, now time.Time) (wire.Rate, error) {
	bucket, ok := b.known.Get(who)
	if !ok {
		bucket = rate.NewLimiter(rate.Limit(b.perMinute/60), max(1, int(b.perMinute)))
		if before, ok, _ := b.known.PeekOrAdd(who, bucket); ok {
			bucket = before
		}
	}
	allowed := bucket.AllowN(now, n)
	left, each := bucket.TokensAt(now), time.Duration(float64(time.Minute)/b.perMinute)
	r := wire.Rate{
		Policy: b.name, Quota: bucket.Burst(), Left: int(max(left, 0)), Window: time.Minute,
		Reset: time.Duration((float64(bucket.Burst()) - left) * float64(each)),
	}
	if !allowed {
		err := tooMany(time.Duration((float64(n) - left) * float64(each)))
		err.Limit = &vigie.Limit{Name: b.name, Maximum: r.Quota}
		return r, err
	}
	return r, nil
}

// caller says who asks, for counting: the owner of the token, or else the
// network that the request comes from.
func caller(ctx context.Context) (who string, known bool) {
	if key, ok := graph.ViewerKey(ctx); ok {
		return key, true
	}
	return addressOf(ctx), false
}

// sender is the caller, and the senders that it is counted with.
func (g *gate) sender(ctx context.Context) (who string, among *senders) {
	who, known := caller(ctx)
	if known {
		return who, &g.known
	}
	return who, &g.strangers
}

// intake is what requests have to pass before they are parsed.
func (g *gate) intake() wire.Intake {
	return wire.Intake{
		Limits: g.limits, Admit: g.admit,
		Begin: func(ctx context.Context) (func(), error) { return g.counting(g.answers.enter(ctx, 1)) },
		Open: func(ctx context.Context) (func(), error) {
			who, among := g.sender(ctx)
			return g.counting(among.requests.take(who, 1, cutting(ctx)))
		},
		Hold: func(ctx context.Context, n int) (func(), error) {
			who, among := g.sender(ctx)
			return g.counting(among.bytes.take(who, int64(n), cutting(ctx)))
		},
	}
}

// counting counts refusals because all places are taken, and not those because the caller has too much.
func (g *gate) counting(leave func(), err error) (func(), error) {
	if vigie.CodeOf(err) == vigie.Unavailable {
		g.overloads.Inc()
	}
	return leave, err
}

// cutting cuts off the request or message of a context.
func cutting(ctx context.Context) func() bool {
	return func() bool { return wire.Cut(ctx, tooBusy()) }
}

// pace has the operations of a caller that run at once cost no more together
// than one may alone: many dear ones at once would take all processors from
// others, and much memory.
func (g *gate) pace(ctx context.Context, cost int) (done func(), err error) {
	who, _ := caller(ctx)
	return g.work.enter(ctx, who, int64(cost))
}

// limits are what one request may be. Notices come many at once.
func (g *gate) limits(ctx context.Context) wire.Limits {
	l := wire.Limits{Bytes: g.MaxBody, Time: g.known.time, Depth: maxNesting}
	switch {
	case !graph.Known(ctx):
		l.Bytes, l.Time = min(l.Bytes, strangersBody), g.strangers.time
	case graph.Publishes(ctx):
		l.Bytes *= 16
	}
	l.Values = int(max(fewValues, l.Bytes/bytesPerValue))
	return l
}

// admit is the rate limit: it lets one more operation in, over any transport, of
// an account, or of an address without a token.
func (g *gate) admit(ctx context.Context) (wire.Rate, error) {
	turns := g.addresses
	who, known := caller(ctx)
	if known {
		turns = g.accounts
	}
	return turns.take(who, g.now())
}

// enterSignIn waits for a place to check a token in, which is free again after leave.
func (g *gate) enterSignIn(ctx context.Context) (leave func(), err error) {
	own, err := g.signInsOf.enter(ctx, addressOf(ctx), 1)
	if err != nil {
		return g.counting(nil, tooBusy()) // the people behind an address are not to blame for one another
	}
	all, err := g.counting(g.signIns.enter(ctx, 1))
	if err != nil {
		own()
		return nil, err
	}
	return func() { all(); own() }, nil
}

// signIn limits how often an address may be wrong. Right tokens go through
// whatever came before them, for many people share an address.
func (g *gate) signIn(next graph.SignIn) graph.SignIn {
	return func(ctx context.Context, authorization string) (*graph.Viewer, error) {
		viewer, err := next(ctx, authorization)
		if vigie.CodeOf(err) == vigie.Unauthenticated {
			if _, tooMany := g.wrong.take(addressOf(ctx), g.now()); tooMany != nil {
				return nil, tooMany
			}
		}
		return viewer, err
	}
}

// countStreams counts WebSockets and event streams for as long as they are open.
// One that makes room for another ends, and its client may come back.
func (g *gate) countStreams(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wire.Streams(r) {
			ctx, cancel := context.WithCancelCause(r.Context())
			defer cancel(nil)
			who, _ := caller(ctx)
			end, err := g.counting(g.streams.take(who, 1, func() bool { cancel(tooBusy()); return true }))
			if err != nil {
				turnAway(w, r, err)
				return
			}
			defer end()
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}

// beginList counts a request for a feed or a calendar among those of its address without a token, and has it wait for a
// place, which is free again after leave.
func (g *gate) beginList(ctx context.Context) (leave func(), err error) {
	if _, err := g.admit(ctx); err != nil {
		return nil, err
	}
	return g.counting(g.answers.enter(ctx, 1))
}

// turnAway answers a request that comes too often, or while there is no place.
func turnAway(w http.ResponseWriter, r *http.Request, err error) {
	e, _ := errors.AsType[*vigie.Error](err)
	status := http.StatusServiceUnavailable
	if e.Code == vigie.TooManyRequests {
		status = http.StatusTooManyRequests
	}
	w.Header().Set("Connection", "close") // nobody waits for the body
	writeError(w, r, status, e)
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

// counted is what an address is counted as: with IPv6, one line has 2⁶⁴ of them.
func counted(address string) string {
	at, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if at = at.Unmap(); at.Is4() {
		return at.String()
	}
	line, _ := at.WithZone("").Prefix(64) // which no IPv6 address is too short for
	return line.String()
}

// limitConnections has each address have so many connections at most; one more
// is closed at once. Of proxies that we trust there may be any number.
func (g *gate) limitConnections(l net.Listener, log *slog.Logger) net.Listener {
	return &limitedListener{Listener: l, gate: g, log: log, logging: rate.Sometimes{Interval: time.Minute}}
}

type limitedListener struct {
	net.Listener
	gate    *gate
	log     *slog.Logger
	logging rate.Sometimes
}

// Accept implements [net.Listener].
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host := conn.RemoteAddr().String()
		if bare, _, invalid := net.SplitHostPort(host); invalid == nil {
			host = bare
		}
		if l.gate.trusts(host) {
			return conn, nil
		}
		give, err := l.gate.connections.take(counted(host), 1, never)
		if err == nil {
			return &countedConn{conn, give}, nil
		}
		conn.Close()
		l.logging.Do(func() {
			l.log.Warn("an address has too many connections; if it is a proxy, name it in VIGIE_TRUSTED_PROXIES", "component", "http", "action", "accept", "address", host)
		})
	}
}

// countedConn is a connection that is counted until it is closed.
type countedConn struct {
	net.Conn
	give func()
}

// Close implements [net.Conn].
func (c *countedConn) Close() error {
	c.give()
	return c.Conn.Close()
}
