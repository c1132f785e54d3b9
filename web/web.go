// Package web holds the reference page, "Ma veille de marchés": a client of the
// public API, for browsers. Its source is TypeScript, in src; `make page` builds
// it into dist, and go build puts that into the binary.
package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed dist
var files embed.FS

// Where the page is, and its parts to which mails lead: the values of settings
// such as those of package alert, below a server's own URL.
const (
	Path       = "/veille"
	WatchPath  = Path + "/veilles/{watchId}"
	TenderPath = Path + "/marches/{source}/{sourceRef}"
)

// policy lets the page run its own script and styles, and ask this server's API:
// nothing inline, nothing from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Settings are what the page says of the deployment.
type Settings struct {
	// Brand is in whose name the page is.
	Brand string
	// Home is the platform's own page, from which people come, signed in, and to which
	// they go back; "" for none.
	Home string
}

// Built reports whether the binary holds the page.
func Built() bool { return built(files) }

func built(files fs.FS) bool {
	_, err := fs.Stat(files, "dist/veille/index.html")
	return err == nil
}

// Handler serves the page at [Path] and below; it must be built.
func Handler(s Settings) http.Handler { return handler(files, s) }

func handler(files fs.FS, s Settings) http.Handler {
	var page bytes.Buffer
	if err := template.Must(template.ParseFS(files, "dist/veille/index.html")).Execute(&page, s); err != nil {
		panic("web: index.html is written wrongly: " + err.Error())
	}
	index := newAsset("index.html", page.Bytes())
	licences := readAsset(files, "licences.md")
	assets := map[string]asset{}
	entries, err := fs.ReadDir(files, "dist/veille/assets")
	if err != nil {
		panic("web: the page was built wrongly: " + err.Error())
	}
	for _, entry := range entries {
		if name := entry.Name(); path.Ext(name) != brotli {
			assets[name] = readAsset(files, "assets/"+name)
		}
	}

	mux := http.NewServeMux()
	// Which parts the page has, it knows itself.
	show := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		index.serve(w, r, "no-cache")
	}
	mux.HandleFunc("GET "+Path, show)
	mux.HandleFunc("GET "+Path+"/", show)
	// Whose work the script holds.
	mux.HandleFunc("GET "+Path+"/licences.md", func(w http.ResponseWriter, r *http.Request) { licences.serve(w, r, "no-cache") })
	mux.HandleFunc("GET "+Path+"/assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[r.PathValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		// Its hash is in the name, so what it names never changes.
		a.serve(w, r, "public, max-age=31536000, immutable")
	})
	return mux
}

// brotli ends the names of files that were compressed when the page was built.
const brotli = ".br"

// asset is a file as it is sent.
type asset struct {
	kind  string
	plain []byte
	// packed is the file in content codings, the shortest first.
	packed []packed
}

// packed is a file in a content coding (RFC 9110, 8.4).
type packed struct {
	coding  string
	content []byte
}

// kindOf is the type of a file, whatever the machine makes of its name.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".md":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// readAsset reads a file that was built with the page.
func readAsset(files fs.FS, name string) asset {
	content, err := fs.ReadFile(files, "dist/veille/"+name)
	if err != nil {
		panic("web: the page was built wrongly: " + err.Error())
	}
	a := newAsset(name, content)
	if content, err := fs.ReadFile(files, "dist/veille/"+name+brotli); err == nil {
		a.packed = slices.Insert(a.packed, 0, packed{"br", content})
	}
	return a
}

func newAsset(name string, content []byte) asset {
	a := asset{kind: kindOf(name), plain: content}
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		panic("web: " + err.Error()) // only where there is no such level
	}
	_, _ = z.Write(content) // into memory, which does not fail
	_ = z.Close()
	a.packed = []packed{{"gzip", zipped.Bytes()}}
	return a
}

func (a asset) serve(w http.ResponseWriter, r *http.Request, cache string) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", cache)
	h.Set("Vary", "Accept-Encoding")
	content := a.plain
	for _, p := range a.packed {
		if accepts(r, p.coding) {
			h.Set("Content-Encoding", p.coding)
			content = p.content
			break
		}
	}
	_, _ = w.Write(content) // what fails here is the client's connection
}

// accepts reports whether a client takes a content coding (RFC 9110, 12.5.3); where it names none, it gets none.
func accepts(r *http.Request, coding string) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			_, q, _ := strings.Cut(weight, "=")
			return strings.Trim(q, "0. ") != "" || strings.TrimSpace(weight) == ""
		}
	}
	return false
}
