package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
)

// health is the command that asks a running server.
type health struct {
	Listen string `help:"The address that the server listens on." default:"127.0.0.1:8080" type:"listen" placeholder:"HOST:PORT"`
}

// Run runs the command.
func (c *health) Run(ctx context.Context, p *process) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere, so here too
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	at := "http://" + net.JoinHostPort(host, port)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("no server answers: does it run, and listen at %s (VIGIE_LISTEN, --listen)? %w", c.Listen, err)
	}
	defer answer.Body.Close()
	var said struct {
		Ready  *bool
		Reason string
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, answer.Body, 4096)).Decode(&said); err != nil || said.Ready == nil {
		return fmt.Errorf("what answers at %s is not a Vigie server: it answers /readyz with %s", at, answer.Status)
	}
	if !*said.Ready {
		return fmt.Errorf("not ready: %s", cmp.Or(meaningOf(said.Reason), said.Reason))
	}
	fmt.Fprintln(p.out, "ready")
	return nil
}

// meaningOf says what the reason means for which a process is not ready; "" if it is not one of this version's.
func meaningOf(reason string) string {
	switch reason {
	case stopsNow:
		return "stopping: the server is to end"
	case noDatabase:
		return "database: the database does not answer"
	case indexIsMissing:
		return "index: the search index is being built or read, or it is not the one that the other servers use; the server's log says which"
	}
	return ""
}
