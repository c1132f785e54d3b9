package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// sample is what the binary holds where the page was built.
func sample() fstest.MapFS {
	return fstest.MapFS{
		"dist/veille/index.html":           {Data: []byte(`<title>{{.Brand}}</title><div data-brand="{{.Brand}}" data-home="{{.Home}}"></div>`)},
		"dist/veille/licences.md":          {Data: []byte("# Licenses")},
		"dist/veille/assets/index-1.js":    {Data: []byte(strings.Repeat("// script\n", 100))},
		"dist/veille/assets/index-1.js.br": {Data: []byte("packed")},
		"dist/veille/assets/index-1.css":   {Data: []byte("body {}")},
		"dist/veille/assets/icon-1.svg":    {Data: []byte("<svg/>")},
		"dist/veille/assets/font-1.woff2":  {Data: []byte("font")},
	}
}

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	h := handler(sample(), Settings{Brand: `<"Marchés">`, Home: "https://platform.example/?a=1&b=2"})
	for _, path := range []string{"/veille", "/veille/", "/veille/nouvelle", "/veille/marches/boamp/00-1"} {
		w := get(t, h, path)
		want := `<title>&lt;&#34;Marchés&#34;&gt;</title><div data-brand="&lt;&#34;Marchés&#34;&gt;" data-home="https://platform.example/?a=1&amp;b=2"></div>`
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: %d, %s", path, w.Code, w.Body)
		}
		header := w.Header()
		if header.Get("Content-Type") != "text/html; charset=utf-8" || header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %v", path, header)
		}
		if policy := header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: %s", path, policy)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/veille", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestAssets(t *testing.T) {
	h := handler(sample(), Settings{})
	for name, kind := range map[string]string{
		"index-1.js": "text/javascript; charset=utf-8", "index-1.css": "text/css; charset=utf-8", "icon-1.svg": "image/svg+xml", "font-1.woff2": "application/octet-stream",
	} {
		w := get(t, h, "/veille/assets/"+name)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %v", name, w.Code, w.Header())
		}
	}
	plain := get(t, h, "/veille/assets/index-1.js")
	zipped := get(t, h, "/veille/assets/index-1.js", "Accept-Encoding", "gzip")
	if zipped.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" || zipped.Body.Len() >= plain.Body.Len() {
		t.Errorf("%d bytes, compressed %d: %v", plain.Body.Len(), zipped.Body.Len(), zipped.Header())
	}
	for accept, coding := range map[string]string{
		"br": "br", "gzip, deflate, br, zstd": "br", "GZIP;q=0.5, BR": "br", "br;q=0, gzip": "gzip", "br; q=0.000, gzip;q=0.1": "gzip", "gzip": "gzip",
		"brotli, x-gzip": "", "deflate": "", "": "",
	} {
		w := get(t, h, "/veille/assets/index-1.js", "Accept-Encoding", accept)
		if w.Header().Get("Content-Encoding") != coding || coding == "br" && w.Body.String() != "packed" {
			t.Errorf("%q gets %q: %q", accept, w.Header().Get("Content-Encoding"), w.Body)
		}
	}
	if w := get(t, h, "/veille/assets/index-1.css", "Accept-Encoding", "br, gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("what was not compressed by Brotli: %v", w.Header())
	}
	if w := get(t, h, "/veille/assets/index-1.js.br"); w.Code != http.StatusNotFound {
		t.Errorf("the compressed file by itself: %d", w.Code)
	}
	reader, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(reader); err != nil || string(text) != plain.Body.String() {
		t.Errorf("compressed it is another: %v", err)
	}
	if w := get(t, h, "/veille/licences.md"); w.Body.String() != "# Licenses" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("licences: %d, %v", w.Code, w.Header())
	}
	for _, path := range []string{"/veille/assets/none.js", "/veille/assets/", "/veille/assets/..%2findex.html"} {
		if w := get(t, h, path); w.Code == http.StatusOK && strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestNotBuilt(t *testing.T) {
	if built(fstest.MapFS{"dist/README.md": {Data: []byte("the page")}}) || !built(sample()) {
		t.Error("it does not know whether the page is there")
	}
}

// TestBuiltPage checks the page that this build holds, if any: all that it loads
// is there, and nothing of it is inline, which its policy forbids.
func TestBuiltPage(t *testing.T) {
	if !Built() {
		if os.Getenv("VIGIE_TEST_ALL") != "" {
			t.Fatal("the page is not here: « make page » builds it")
		}
		t.Skip("NOT RUN: the page is not here: « make page » builds it")
	}
	h := Handler(Settings{Brand: "Vigie"})
	page := get(t, h, "/veille").Body.String()
	if regexp.MustCompile(`<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=`).MatchString(page) {
		t.Errorf("inline:\n%s", page)
	}
	urls := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(urls) < 3 {
		t.Errorf("it loads %d files, want a script, styles and an icon", len(urls))
	}
	for _, url := range urls {
		if w := get(t, h, url[1]); w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %v", url[1], w.Code, w.Header())
		}
	}
}
