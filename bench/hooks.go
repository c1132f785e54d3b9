package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/webhook"
	"vigie/store"
)

// mostEndpoints is how many addresses of loopback there are for them.
const mostEndpoints = 1 << 20

// HooksOptions say what [Hooks] measures.
type HooksOptions struct {
	// Endpoints is how many there are, each of an account of its own and on a host of its own; Dead how many of them accept
	// nothing: a third hangs, a third refuses connections, a third answers 500.
	Endpoints, Dead int
	// Postgres is the URL of a PostgreSQL server, in which a schema is made for the time of the measure; "" for a SQLite file.
	Postgres string
	// Profile is a file for what the processor did, in the form of pprof; "" for none.
	Profile string
}

// HooksReport is what [Hooks] measured.
type HooksReport struct {
	Database  string `json:"database"`
	Endpoints int    `json:"endpoints"`
	Dead      int    `json:"dead"`
	// SetUpSeconds is how long it took to sign the accounts in and to save their watches and webhooks.
	SetUpSeconds float64 `json:"set_up_s"`
	// P50, P95 and Max are how long after the tender was published endpoints had answered 200, in seconds.
	P50 float64 `json:"p50_s"`
	P95 float64 `json:"p95_s"`
	Max float64 `json:"max_s"`
	// MessagesPerSecond is from the first accepted to the last.
	MessagesPerSecond float64 `json:"messages_per_s"`
	// CPUSeconds is the processor time of this process, the endpoints included, from the publication on.
	CPUSeconds float64 `json:"cpu_s"`
}

// Hooks measures webhooks from a tender's publication to the answers of endpoints on loopback, over TLS, with everything in
// between as in production: the ledger, the matcher, the sender, the database.
func Hooks(ctx context.Context, o HooksOptions) (report *HooksReport, err error) {
	s, kind, drop, err := emptyStore(ctx, o.Postgres)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	report = &HooksReport{Database: kind, Endpoints: o.Endpoints, Dead: o.Dead}
	e := &endpoints{dead: o.Dead, accepted: make(map[string]time.Time), all: make(chan struct{}), want: o.Endpoints - o.Dead}
	stop, err := e.listen(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	vault, err := webhook.NewVault([]string{strings.Repeat("s", 32)})
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := e.add(ctx, s, vault, o.Endpoints); err != nil {
		return nil, err
	}
	report.SetUpSeconds = time.Since(start).Seconds()
	client := webhook.NewClient(webhook.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: time.Now, Roots: e.roots})
	defer client.Close()
	log := slog.New(slog.DiscardHandler) // the dead are logged at each try
	channel := &alert.Webhooks{Store: s, Client: client, Vault: vault, Now: time.Now, Log: log, Settings: alert.Settings{Brand: letter.Brand{Name: "Vigie"}}}
	published, used, err := publish(ctx, s, channel, log, e.all, o.Profile)
	if err != nil {
		return nil, err
	}
	times := e.times()
	report.P50, report.P95, report.Max = delays(published, times)
	report.MessagesPerSecond, report.CPUSeconds = rate(times), used.Seconds()
	return report, nil
}

// endpoints are web servers, each at an address of its own. The first ones are dead.
type endpoints struct {
	dead  int
	port  int // they listen at
	roots *x509.CertPool
	issue func(net.Conn) (*tls.Certificate, error)

	mutex    sync.Mutex
	accepted map[string]time.Time
	want     int
	all      chan struct{} // closed when all that live have accepted the message
}

// ways are how endpoints are dead.
const (
	hangs = iota
	refuses
	fails
	ways
)

// address is that of the nth endpoint.
func address(n int) string { return fmt.Sprintf("127.%d.%d.%d", 16+n>>16, n>>8&255, n&255) }

// add adds the webhooks, each to a watch of an account of its own.
func (e *endpoints) add(ctx context.Context, s *store.Store, vault *webhook.Vault, count int) error {
	for n := range count {
		w, err := watchOf(ctx, s, n, "voirie", false)
		if err != nil {
			return err
		}
		port := e.port
		if n < e.dead && n%ways == refuses {
			port = 1024 // where nobody listens
		}
		host := fmt.Sprintf("%s:%d", address(n), port)
		hook := &vigie.Webhook{AccountID: w.AccountID, WatchID: w.ID, Host: host, Format: vigie.StandardWebhook, ConfirmedAt: &w.CreatedAt}
		err = s.AddWebhook(ctx, hook, func(id string) string {
			secret := webhook.DatedSecret{Secret: webhook.Secret(strings.Repeat("k", webhook.SecretSize))}
			return webhook.Credentials{URL: fmt.Sprintf("https://%s/%d", host, n), Secrets: []webhook.DatedSecret{secret}}.Seal(vault, id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *endpoints) listen(ctx context.Context) (stop func(), err error) {
	if err := e.certify(); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	e.port = listener.Addr().(*net.TCPAddr).Port
	server := &http.Server{Handler: http.HandlerFunc(e.serve), ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return e.issue(hello.Conn) }}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return func() { server.Close() }, nil
}

// certify makes an authority, which issues a certificate for each address that is connected to.
func (e *endpoints) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	issue := func(template, parent *x509.Certificate) ([]byte, error) {
		template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		return x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, key)
	}
	root := &x509.Certificate{Subject: pkix.Name{CommonName: "Endpoints"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := issue(root, root)
	if err != nil {
		return err
	}
	authority, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	e.roots = x509.NewCertPool()
	e.roots.AddCert(authority)
	e.issue = func(c net.Conn) (*tls.Certificate, error) {
		local, err := netip.ParseAddrPort(c.LocalAddr().String())
		if err != nil {
			return nil, err
		}
		der, err := issue(&x509.Certificate{IPAddresses: []net.IP{local.Addr().AsSlice()}, KeyUsage: x509.KeyUsageDigitalSignature}, authority)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
	}
	return nil
}

// serve is an endpoint.
func (e *endpoints) serve(w http.ResponseWriter, r *http.Request) {
	var n int
	if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	switch {
	case n >= e.dead:
		w.WriteHeader(http.StatusOK)
		e.accept(r.Host)
	case n%ways == hangs:
		<-r.Context().Done()
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (e *endpoints) accept(host string) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if _, again := e.accepted[host]; again {
		return
	}
	e.accepted[host] = time.Now()
	if len(e.accepted) == e.want {
		close(e.all)
	}
}

func (e *endpoints) times() []time.Time {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	var times []time.Time
	for _, at := range e.accepted {
		times = append(times, at)
	}
	return times
}
