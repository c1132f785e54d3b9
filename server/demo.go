package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"

	"vigie"
	"vigie/graph"
	"vigie/importer"
	"vigie/ingest"
	"vigie/ingest/boamp"
	"vigie/query"
	"vigie/server/samples"
	"vigie/service"
	"vigie/source"
	"vigie/store"
	"vigie/web"
)

// demo is the command that shows the product.
type demo struct {
	Listen string `help:"The address to listen on; it must be local to this machine." default:"127.0.0.1:8080" type:"listen" placeholder:"HOST:PORT"`
	Data   string `help:"The folder of the database and the index." default:"vigie-data" type:"folder" placeholder:"DIR"`
	Empty  bool   `help:"Leave out the sample notices and watches."`
	Live   bool   `help:"Follow BOAMP and TED too; without it, the demo needs no network."`
	sourceSettings
}

// Run runs the command.
func (c *demo) Run(ctx context.Context, p *process) error {
	if !loopback(c.Listen) {
		return exit{misused, errors.New("demo signs everyone in, so it listens on a loopback address alone, such as 127.0.0.1:8080; use serve for others")}
	}
	listener, err := bind(ctx, c.Listen)
	if err != nil {
		return fmt.Errorf("VIGIE_LISTEN (--listen): %w", err)
	}
	defer listener.Close()
	database := databaseSettings{Data: c.Data}
	if err := database.migrate(ctx, p); err != nil {
		return err
	}
	s, err := database.openSite(ctx, p, searchSettings{}, untraced())
	if err != nil {
		return err
	}
	defer s.close()
	secret, err := ownSecret(c.Data)
	if err != nil {
		return err
	}
	if err := useSecrets(ctx, s.store, []string{secret}); err != nil {
		return err
	}
	claims := store.Claims{Issuer: "demo", Subject: "demo", Email: "demo@example.org", EmailVerified: true, Name: "Démonstration"}
	account, err := s.store.SignIn(ctx, claims)
	if err != nil {
		return err
	}
	if !c.Empty {
		if err := fillDemo(ctx, s, account, p.now()); err != nil {
			return fmt.Errorf("load the samples: %w", err)
		}
	}
	if err := c.furnish(s, secret, "http://"+listener.Addr().String(), p.now); err != nil {
		return err
	}
	defer s.mailing.close()
	s.signIn = func(ctx context.Context, _ string) (*graph.Viewer, error) {
		account, err := s.store.SignIn(ctx, claims)
		return &graph.Viewer{Account: account, Sources: []string{"demo"}}, err
	}
	front := door{listener, sameHost(s.handler())}
	// The samples are there before the index first follows, so it answers
	// nobody without them.
	defer s.follow(ctx)()
	if err := s.indexed(ctx); err != nil {
		return err
	}
	defer s.alert(ctx, p)()
	if c.Live {
		followers, err := c.live(s.store, p)
		if err != nil {
			return err
		}
		defer s.read(ctx, followers)()
	}
	fmt.Fprintf(p.out, "Vigie is ready: http://%s/ (data in %s, mails in %s; Ctrl-C stops it)\n", listener.Addr(), c.Data, filepath.Join(c.Data, "outbox"))
	return front.serve(ctx, s.log)
}

// live are those that follow what the help of Live names.
func (c *demo) live(s *store.Store, p *process) ([]*source.Follower, error) {
	return c.followers([]string{"boamp", "ted"}, s, p)
}

// furnish gives a site what `serve` makes of its settings, by their defaults.
func (c *demo) furnish(s *site, secret, url string, now func() time.Time) error {
	var err error
	if s.gate, err = defaultGate(now); err != nil {
		return err
	}
	var mail mailSettings
	if err := kong.ApplyDefaults(&mail); err != nil {
		return err
	}
	mail.PublicURL, mail.MailURL, mail.MailFrom = url, "outbox:"+filepath.Join(c.Data, "outbox"), "veille@vigie.example"
	mail.WebhookNetworks = []string{"127.0.0.0/8"} // a receiver that is tried out runs on this machine
	if web.Built() {
		s.page = web.Handler(web.Settings{Brand: mail.BrandName})
		mail.leadToPage()
	}
	letters, err := mail.templates()
	if err != nil {
		return err
	}
	if s.mailing, err = mail.open([]string{secret}, letters); err != nil {
		return err
	}
	s.keep = mail.KeepMails
	s.lists = mail.lists(letters)
	s.feeds = service.FeedAddresses{Keys: s.mailing.keys, PublicURL: url}
	return nil
}

// ownSecret is the demo's secret, made at the first start.
func ownSecret(dir string) (string, error) {
	path := filepath.Join(dir, "secret")
	text, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return string(text), err
	}
	secret := rand.Text() + rand.Text()
	return secret, os.WriteFile(path, []byte(secret), 0o600)
}

// indexed waits until the search index answers.
func (s *site) indexed(ctx context.Context) error {
	for {
		if _, err := s.indexer.Index(); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// loopback reports whether an address, with a port or without, is of this machine alone.
func loopback(address string) bool {
	host := (&url.URL{Host: address}).Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sameHost answers only those who ask for this machine by a loopback name: a
// page elsewhere whose name resolves to 127.0.0.1 would else be signed in.
func sameHost(next http.Handler) http.Handler {
	protect := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			http.Error(w, "demo answers to loopback names alone", http.StatusForbidden)
			return
		}
		protect.Handler(next).ServeHTTP(w, r)
	})
}

// fillDemo loads the samples into an empty database.
func fillDemo(ctx context.Context, s *site, account *vigie.Account, now time.Time) error {
	tenders, err := s.store.ChangedTenders(ctx, 0, 1)
	if err != nil || len(tenders) > 0 {
		return err
	}
	refused := func(r ingest.Record) { err = errors.Join(err, r.Err) }
	full, err := samples.FullAt(now)
	if err != nil {
		return err
	}
	records := func(yield func(ingest.Record) bool) {
		for r := range boamp.Read(samples.NoticesAt(now)) {
			if !yield(r) {
				return
			}
		}
		for _, n := range full {
			if !yield(ingest.Record{Notice: n, Ref: n.SourceRef}) {
				return
			}
		}
	}
	if _, publishErr := importer.Publish(ctx, s.store, now, records, true, refused); publishErr != nil || err != nil {
		return errors.Join(publishErr, err)
	}
	// The search index is not ready yet; watches need it for warnings alone.
	use := &service.Service{Store: s.store, Index: s.indexer.Index, Now: s.now, Log: s.log}
	for _, w := range sampleWatches() {
		if _, _, err := use.CreateWatch(ctx, account, w); err != nil {
			return err
		}
	}
	return nil
}

func sampleWatches() []service.CreateWatch {
	anyKeyword := vigie.AnyKeyword
	return []service.CreateWatch{
		{
			Name: "Voirie", Active: true, Frequency: vigie.Immediate, NotifyMe: true,
			Criteria: query.Patch{Keywords: &[]string{"voirie"}},
		},
		{
			Name: "Entretien dans le quart sud-est", Active: true, Frequency: vigie.Daily, NotifyMe: true, Recipients: []string{"agence-sud@example.org"},
			Criteria: query.Patch{
				Keywords: &[]string{"nettoyage", "entretien", "espaces verts"}, KeywordMode: &anyKeyword,
				Lists: query.Values{query.Department: {"01", "04", "05", "06", "07", "13", "26", "38", "42", "69", "73", "74", "83", "84"}},
			},
		},
		{
			Name: "Maîtrise d'œuvre", Active: false, Frequency: vigie.Weekly, NotifyMe: true,
			Criteria: query.Patch{Keywords: &[]string{"maîtrise d'œuvre"}, Lists: query.Values{query.Nature: {string(vigie.Services)}}},
		},
	}
}
