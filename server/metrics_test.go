package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Operators see, at an address of their own, that the matcher follows.
func TestMetrics(t *testing.T) {
	env := map[string]string{
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_PRIVATE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(),
	}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	ready(t, base)
	at := server.said(t, `at=(127\.0\.0\.1:\d+)`)
	get := func(url string) (int, string) {
		t.Helper()
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	holds := func(want string) {
		t.Helper()
		var said string
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if _, said = get("http://" + at + "/metrics"); strings.Contains(said, "\n"+want+"\n") {
				return
			}
		}
		t.Fatalf("no %q in:\n%s", want, said)
	}
	token, err := sign(testSecret, "a", claims{Email: "a@example.org", EmailVerified: true}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	holds("vigie_match_watches 0")
	made := ask(t, base, token, `mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] } }) { watch { id } } }`, nil)
	if len(made.Errors) > 0 {
		t.Fatal(made.Errors)
	}
	holds("vigie_match_watches 1")
	id := made.Data["createWatch"].(map[string]any)["watch"].(map[string]any)["id"]
	off := ask(t, base, token, `mutation ($id: ID!) { updateWatch(id: $id, input: { active: false }) { watch { active } } }`, map[string]any{"id": id})
	if len(off.Errors) > 0 {
		t.Fatal(off.Errors)
	}
	holds("vigie_match_watches 0")
	if status, _ := get(base + "/metrics"); status != http.StatusNotFound {
		t.Errorf("the public address answers /metrics with %d", status)
	}
}
