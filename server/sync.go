package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vigie/alert/letter"
	"vigie/importer"
	"vigie/source"
	"vigie/store"
)

// sourceSettings say how public sources are read.
type sourceSettings struct {
	Since       string  `help:"Fill in what the sources published from this day on, without mailing anybody; without it, only what they publish from now on." type:"day" placeholder:"DAY"`
	BOAMPURL    string  `name:"boamp-url" help:"The portal with the dataset boamp." default:"https://boamp-datadila.opendatasoft.com" type:"url" placeholder:"URL"`
	TEDURL      string  `name:"ted-url" help:"Where TED has its notices." default:"https://ted.europa.eu" type:"url" placeholder:"URL"`
	TEDSearch   string  `name:"ted-search-url" help:"Where TED's search API answers." default:"https://api.ted.europa.eu" type:"url" placeholder:"URL"`
	DECPURL     string  `name:"decp-url" help:"The portal with the award data." default:"https://data.economie.gouv.fr" type:"url" placeholder:"URL"`
	FindATender string  `name:"find-a-tender-url" help:"Where Find a Tender answers." default:"https://www.find-tender.service.gov.uk" type:"url" placeholder:"URL"`
	SourceAgent string  `help:"The User-Agent that services are asked with." default:"Mozilla/5.0 (compatible; Vigie)" type:"name" placeholder:"TEXT"`
	SourceRate  float64 `help:"How many requests a minute a service is asked at most; by default 20, 300 for TED, and 5 for Find a Tender." default:"0" type:"number" bounds:"0..100000" placeholder:"N"`
	SourceProxy string  `help:"The proxy through which services are asked; by default as HTTPS_PROXY says." type:"url" placeholder:"URL"`
}

// readers returns the readers of the sources named, or of the French ones.
func (c *sourceSettings) readers(names []string, now func() time.Time) ([]source.Reader, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = time.Minute
	if c.SourceProxy != "" {
		proxy, err := url.Parse(c.SourceProxy)
		if err != nil {
			return nil, err
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	client := &http.Client{Transport: transport}
	web := func(perMinute float64) *source.Web {
		perMinute = cmp.Or(c.SourceRate, perMinute)
		return &source.Web{Client: client, Agent: c.SourceAgent, Limit: rate.NewLimiter(rate.Limit(perMinute/60), max(1, int(perMinute/10))), Now: now}
	}
	all := []source.Reader{
		source.BOAMP{URL: c.BOAMPURL, Web: web(20)},
		source.TED{SearchURL: c.TEDSearch, NoticeURL: c.TEDURL, Web: web(300)},
		source.DECP{URL: c.DECPURL, Web: web(20)},
		source.FindATender{URL: c.FindATender, Web: web(5)},
	}
	if len(names) == 0 {
		names = []string{"boamp", "ted", "decp"} // the French ones
	}
	return slices.DeleteFunc(all, func(r source.Reader) bool { return !slices.Contains(names, r.Name()) }), nil
}

// followers returns what follows the sources named.
func (c *sourceSettings) followers(names []string, s *store.Store, p *process) ([]*source.Follower, error) {
	readers, err := c.readers(names, p.now)
	var list []*source.Follower
	for _, r := range readers {
		list = append(list, &source.Follower{Reader: r, Store: s, Since: source.Day(c.Since), Now: p.now, Log: p.log()})
	}
	return list, err
}

// syncSources is the command that reads public sources once.
type syncSources struct {
	Names []string `arg:"" optional:"" name:"source" help:"boamp, ted, decp or find-a-tender; by default the first three." enum:"boamp,ted,decp,find-a-tender"`
	sourceSettings
	databaseSettings
}

// Run runs the command.
func (c *syncSources) Run(ctx context.Context, p *process) error {
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	followers, err := c.followers(c.Names, s, p)
	if err != nil {
		return err
	}
	var wrong error
	for _, f := range followers {
		var total importer.Tally
		f.Progress = func(day source.Day, t importer.Tally, err error) {
			total.Add(t)
			if err != nil {
				fmt.Fprintf(p.err, "%s %s: not read whole: %s\n", f.Reader.Name(), day, operatorMessage(err))
			}
		}
		err := f.Sync(ctx)
		fmt.Fprintf(p.out, "%s: %s\n", f.Reader.Name(), summary(total))
		if _, days := errors.AsType[*source.DayError](err); err != nil && !days {
			return fmt.Errorf("%s: %w", f.Reader.Name(), err)
		}
		wrong = errors.Join(wrong, err)
		if ctx.Err() != nil {
			break
		}
	}
	if wrong != nil {
		return errors.New("some days could not be read whole: run the command again later; what was read is kept")
	}
	return nil
}

// readSources returns how far the public sources are read, for mails; none where that cannot be read.
func (s *site) readSources(ctx context.Context) []letter.Source {
	health, err := source.HealthOf(ctx, s.store, s.now())
	if err != nil {
		s.log.ErrorContext(ctx, "sources cannot be read", "component", "sender", "action", "read sources", "error", err)
		return nil
	}
	list := make([]letter.Source, len(health))
	for i, h := range health {
		list[i] = letter.Source{Label: h.Label, WholeUntil: h.WholeUntil}
	}
	return list
}

// read follows the sources until stop.
func (s *site) read(ctx context.Context, followers []*source.Follower) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	for _, f := range followers {
		f.Metrics, f.Offset = s.consumers, rand.N(5*time.Minute)
		done.Go(func() { f.Consumer().Run(ctx) })
	}
	return func() {
		cancel()
		done.Wait()
	}
}
