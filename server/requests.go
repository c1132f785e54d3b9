package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"

	"vigie/graph"
)

// plainID is a request id that can be logged as it comes.
var plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// identify gives each request an id, the one it brings or one of ours, and
// notes where it comes from. The client gets the id, and so do operators with
// each line about the request.
func (g *gate) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !plainID.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		ctx := context.WithValue(graph.WithRequest(r.Context(), id), addressKey{}, counted(g.address(r)))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// guarded gives all answers the headers that make browsers careful
// by; pages have policies of their own on top.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		next.ServeHTTP(w, r)
	})
}
