package playground

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"html"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var testExamples = []Example{{Query: `{ buyers(search: "é\"<b>") { id } }`, Variables: `{"a": 1}`}, {Query: "{ watches { totalCount } }"}}

// built is what the binary holds where the assets were fetched, or were not.
func built(t *testing.T, withAssets bool) fs.FS {
	t.Helper()
	held := fstest.MapFS{}
	for _, name := range []string{"page.html", "boot.js"} {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		held[name] = &fstest.MapFile{Data: text}
	}
	if withAssets {
		names, _ := readSums(sums)
		for _, name := range names {
			held["assets/"+name] = &fstest.MapFile{Data: []byte("/* " + name + " */")}
		}
	}
	return held
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// TestPage checks that all a page names is served and allowed.
func TestPage(t *testing.T) {
	for name, withAssets := range map[string]bool{"own files": true, "CDN": false} {
		t.Run(name, func(t *testing.T) {
			h := handler(built(t, withAssets), "/graphql", testExamples)
			w := get(t, h, "/playground")
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
				t.Fatalf("got %d, %s", w.Code, w.Header().Get("Content-Type"))
			}
			page := html.UnescapeString(w.Body.String())
			if !strings.Contains(page, `data-endpoint="/graphql"`) {
				t.Errorf("the page does not know where the API is:\n%s", page)
			}
			var shown []Example
			attribute := regexp.MustCompile(`data-examples="([^"]*)"`).FindStringSubmatch(w.Body.String())
			if attribute == nil || json.Unmarshal([]byte(html.UnescapeString(attribute[1])), &shown) != nil || !slices.Equal(shown, testExamples) {
				t.Errorf("the page has the examples %q, want %q", attribute, testExamples)
			}
			policy := w.Header().Get("Content-Security-Policy")
			if strings.Contains(policy, "unsafe-eval") || !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, cdn) == withAssets {
				t.Errorf("policy: %s", policy)
			}
			if regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(page) {
				t.Error("the page has an inline script, which its policy forbids")
			}
			urls := regexp.MustCompile(`(?:<script src|rel="stylesheet" href)="([^"]+)"`).FindAllStringSubmatch(page, -1)
			if len(urls) != 7 {
				t.Errorf("the page loads %d files, want React, its DOM, GraphiQL and its explorer, the styles of both, and our script", len(urls))
			}
			for _, u := range urls {
				if !strings.HasPrefix(u[1], "/") {
					if withAssets || !strings.HasPrefix(u[1], cdn+"/npm/") {
						t.Errorf("the page loads %s", u[1])
					}
					continue
				}
				w := get(t, h, u[1])
				kind := "text/javascript; charset=utf-8"
				if strings.HasSuffix(u[1], ".css") {
					kind = "text/css; charset=utf-8"
				}
				if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || w.Body.Len() == 0 {
					t.Errorf("%s: %d, %s", u[1], w.Code, w.Header().Get("Content-Type"))
				}
				// Our own script has no version in its name.
				if cached := strings.Contains(w.Header().Get("Cache-Control"), "immutable"); cached != strings.Contains(u[1], "@") {
					t.Errorf("%s: Cache-Control: %s", u[1], w.Header().Get("Cache-Control"))
				}
			}
		})
	}
}

func TestOtherPaths(t *testing.T) {
	h := handler(built(t, false), "/graphql", testExamples)
	for path, want := range map[string]int{
		"/playground/":                       http.StatusPermanentRedirect,
		"/playground/assets/":                http.StatusNotFound,
		"/playground/assets/README.md":       http.StatusNotFound,
		"/playground/assets/../page.html":    http.StatusTemporaryRedirect, // to the path without dots
		"/playground/assets/%2e%2e/boot.js":  http.StatusNotFound,
		"/playground/page.html":              http.StatusNotFound,
		"/playground/assets/react@0/LICENSE": http.StatusNotFound,
	} {
		if w := get(t, h, path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/playground", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestFetchedAssets checks the files that this build holds, if any: a browser
// refuses those that differ.
func TestFetchedAssets(t *testing.T) {
	names, _ := readSums(sums)
	if !hold(files, names) {
		if os.Getenv("VIGIE_TEST_ALL") != "" {
			t.Fatal("the assets are not here: « make playground » fetches them")
		}
		t.Skip("NOT RUN: the assets are not here: « make playground » fetches them")
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, "assets/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(text); !strings.Contains(sums, hex.EncodeToString(sum[:])+"  "+name+"\n") {
			t.Errorf("%s is not the file of assets.sha256", name)
		}
	}
}

// TestLeads: browsers that open the address of the API are shown the page;
// whatever else asks there is answered by the API.
func TestLeads(t *testing.T) {
	h := Leads(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for name, test := range map[string]struct {
		method, accept, upgrade string
		want                    int
	}{
		"a browser":           {http.MethodGet, browser, "", http.StatusFound},
		"a program":           {http.MethodGet, "application/json", "", http.StatusTeapot},
		"one that takes all":  {http.MethodGet, "*/*", "", http.StatusTeapot},
		"one that says none":  {http.MethodGet, "", "", http.StatusTeapot},
		"a form":              {http.MethodPost, browser, "", http.StatusTeapot},
		"the socket of a tab": {http.MethodGet, browser, "websocket", http.StatusTeapot},
		"with another offer":  {http.MethodGet, browser, "h2c", http.StatusFound},
	} {
		r := httptest.NewRequest(test.method, "/graphql?query=%7Bviewer%7D&variables=%7B%7D", nil)
		r.Header.Set("Accept", test.accept)
		r.Header.Set("Upgrade", test.upgrade)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s: %d, want %d", name, w.Code, test.want)
		}
		if to := w.Header().Get("Location"); w.Code == http.StatusFound && to != "/playground?query=%7Bviewer%7D&variables=%7B%7D" {
			t.Errorf("%s: to %s", name, to)
		}
	}
}
