// Package playground serves GraphiQL, for people who explore the API.
package playground

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

//go:embed assets boot.js page.html
var files embed.FS

// sums names the files of GraphiQL and React, as npm and the CDN know them,
// with their SHA-256: what `make playground` fetches, and what a browser
// accepts.
//
//go:embed assets.sha256
var sums string

// cdn is asked for the files where the binary was built without them.
const cdn = "https://cdn.jsdelivr.net"

// Example is an operation to start from, with its variables as JSON; "" for none.
type Example struct {
	Query     string `json:"query"`
	Variables string `json:"variables"`
}

// Handler serves the page at /playground and its files below. The page asks
// the API at endpoint, and opens with a tab for each example, and one for the
// operation that its own address carries (?query=…&variables=…), if any.
func Handler(endpoint string, examples []Example) http.Handler {
	return handler(files, endpoint, examples)
}

// Leads has browsers that open the API's own address shown the page, with what
// that address carries. Programs get their answers from api.
func Leads(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if r.Method != http.MethodGet || strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || !strings.Contains(r.Header.Get("Accept"), "text/html") {
			api.ServeHTTP(w, r)
			return
		}
		target := url.URL{Path: "/playground", RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, target.String(), http.StatusFound)
	})
}

// asset is a file of others that the page loads.
type asset struct{ URL, Integrity string }

func handler(files fs.FS, endpoint string, examples []Example) http.Handler {
	names, integrity := readSums(sums)
	base, from := "/playground/assets/", ""
	if !hold(files, names) {
		base, from = cdn+"/npm/", " "+cdn
	}
	shown, err := json.Marshal(examples)
	if err != nil {
		panic("playground: " + err.Error()) // texts alone, which do not fail
	}
	page := struct {
		Endpoint, Examples string
		Styles, Scripts    []asset
	}{Endpoint: endpoint, Examples: string(shown)}
	for _, name := range names {
		a := asset{base + name, integrity[name]}
		switch path.Ext(name) {
		case ".css":
			page.Styles = append(page.Styles, a)
		case ".js":
			page.Scripts = append(page.Scripts, a)
		}
	}
	var html bytes.Buffer
	if err := template.Must(template.ParseFS(files, "page.html")).Execute(&html, page); err != nil {
		panic("playground: the page is written wrongly: " + err.Error())
	}
	// GraphiQL writes <style> elements and keeps its fonts in its CSS.
	policy := "default-src 'none'; script-src 'self'" + from + "; style-src 'self' 'unsafe-inline'" + from +
		"; font-src 'self' data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

	mux := http.NewServeMux()
	mux.HandleFunc("GET /playground", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(html.Bytes()))
	})
	mux.Handle("GET /playground/{$}", http.RedirectHandler("/playground", http.StatusPermanentRedirect))
	mux.HandleFunc("GET /playground/assets/boot.js", func(w http.ResponseWriter, r *http.Request) {
		serveFile(w, r, files, "boot.js", "no-cache")
	})
	mux.HandleFunc("GET /playground/assets/{name...}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if integrity[name] == "" {
			http.NotFound(w, r)
			return
		}
		// The version is in the name, so what it names never changes.
		serveFile(w, r, files, "assets/"+name, "public, max-age=31536000, immutable")
	})
	return mux
}

// serveFile serves a file with a type that does not depend on the machine.
func serveFile(w http.ResponseWriter, r *http.Request, files fs.FS, name, cache string) {
	if _, err := fs.Stat(files, name); err != nil {
		http.NotFound(w, r)
		return
	}
	kind := "text/plain; charset=utf-8"
	switch path.Ext(name) {
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".js":
		kind = "text/javascript; charset=utf-8"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", cache)
	http.ServeFileFS(w, r, files, name)
}

// hold reports whether all assets are there.
func hold(files fs.FS, names []string) bool {
	for _, name := range names {
		if _, err := fs.Stat(files, "assets/"+name); err != nil {
			return false
		}
	}
	return true
}

// readSums reads what sha256sum writes: names in order, and their hashes as
// browsers want them (Subresource Integrity).
func readSums(sums string) (names []string, integrity map[string]string) {
	integrity = make(map[string]string)
	for line := range strings.Lines(sums) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		raw, err := hex.DecodeString(sum)
		if err != nil {
			panic("playground: assets.sha256: " + err.Error())
		}
		names = append(names, name)
		integrity[name] = "sha256-" + base64.StdEncoding.EncodeToString(raw)
	}
	return names, integrity
}
