package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// demo follows what its help says.
func TestDemoFollows(t *testing.T) {
	followers, err := new(demo).live(nil, &process{now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range followers {
		names = append(names, f.Reader.Name())
	}
	if !slices.Equal(names, []string{"boamp", "ted"}) {
		t.Errorf("it follows %v", names)
	}
}

// demo answers to the loopback names of this machine, as browsers write them, and to no other.
func TestSameHost(t *testing.T) {
	h := sameHost(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8080": 200, "localhost": 200, "localhost:8080": 200, "[::1]": 200, "[::1]:8080": 200,
		"example.org": 403, "127.0.0.1.example.org": 403, "[::2]": 403, "127.0.0.1:80:x": 403, "": 403,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host: %s: %d, want %d", host, w.Code, want)
		}
	}
}
