package main

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"vigie/web"
)

// pageSettings say whether people are shown the reference page.
type pageSettings struct {
	Page     bool   `help:"Serve the reference page at /veille. The platform passes people's tokens in links: /veille#token=…"`
	PageHome string `help:"The platform's page that signs people in and leads to /veille#token=…; the reference page leads back there." type:"url" placeholder:"URL"`
}

// open makes what serves the page; nil where it is not to be served.
func (s pageSettings) open(brand string) (http.Handler, error) {
	switch {
	case !s.Page:
		return nil, nil
	case !web.Built():
		return nil, errors.New("VIGIE_PAGE (--page): this binary was built without the page; \"make build\" builds both")
	}
	return web.Handler(web.Settings{Brand: brand, Home: s.PageHome}), nil
}

// leadToPage has mails lead to the page that this server serves, where no other
// was set.
func (m *mailSettings) leadToPage() {
	url := strings.TrimRight(m.PublicURL, "/")
	m.PageWatches = cmp.Or(m.PageWatches, url+web.Path)
	m.PageWatch = cmp.Or(m.PageWatch, url+web.WatchPath)
	m.PageTender = cmp.Or(m.PageTender, url+web.TenderPath)
}
