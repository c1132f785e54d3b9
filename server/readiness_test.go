package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Anyone may know that a part is away; who, where and why is for operators: at
// their own address, and in the log, once.
func TestReadinessNamesNobody(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	engine := closed.Addr().String()
	closed.Close()
	env := map[string]string{
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_SEARCH_URL": "http://" + engine,
	}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	for range 2 {
		status, body := get(t, base+"/readyz")
		said := map[string]any{}
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(said); status != http.StatusServiceUnavailable || got != "map[database:ok index:unavailable search:unavailable]" {
			t.Errorf("the public answer is %d %s", status, got)
		}
	}
	status, body := get(t, server.private(t)+"/readyz")
	if said := string(body); status != http.StatusServiceUnavailable || !strings.Contains(said, engine) || !strings.Contains(said, `"behind":{`) {
		t.Errorf("the private answer is %d %s", status, said)
	}
	if n := strings.Count(server.err.String(), `msg="not ready" part=search`); n != 1 {
		t.Errorf("it is logged %d times:\n%s", n, server.err.String())
	}
}
