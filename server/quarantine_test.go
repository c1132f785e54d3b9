package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vigie/consumer"
	"vigie/store/storetest"
)

// From the outside: a notice that makes the server panic ends nothing, and what
// comes after it is alerted; operators see that it is set aside, and have it
// tried again without a restart.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			database, box := open(t), t.TempDir()
			env := map[string]string{
				"VIGIE_DATABASE_URL": database, "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret,
				"VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_PRIVATE_LISTEN": "127.0.0.1:0",
				"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_MAIL_SPACING": "50ms", "VIGIE_PUBLIC_URL": "https://vigie.example",
			}
			var poisoned atomic.Bool
			poisoned.Store(true)
			var first atomic.Int64
			server := startWith(t, env, func(p *process) {
				p.fail = func(_ context.Context, name string, items []consumer.Item) error {
					for _, item := range items {
						if name == "alerts" && poisoned.Load() && (first.CompareAndSwap(0, item.ID) || first.Load() == item.ID) {
							panic("it cannot be read")
						}
					}
					return nil
				}
			}, "serve")
			base := server.listening(t)
			metrics := "http://" + server.said(t, `serving metrics" at=(127\.0\.0\.1:\d+)`) + "/metrics"
			ready(t, base)
			says := func(lines ...string) {
				t.Helper()
				awaits(t, func() (bool, string) {
					_, body := get(t, metrics)
					for _, line := range lines {
						if !strings.Contains(string(body), "\n"+line+"\n") {
							return false, fmt.Sprintf("no %s in:\n%s", line, body)
						}
					}
					return true, ""
				})
			}
			for _, name := range []string{"alerts", "catch-up", "index", "mails", "news"} {
				says(fmt.Sprintf("vigie_behind{consumer=%q} 0", name), fmt.Sprintf("vigie_behind_seconds{consumer=%q} 0", name),
					fmt.Sprintf("vigie_consumer_failures_total{consumer=%q} 0", name), fmt.Sprintf("vigie_quarantine{consumer=%q} 0", name))
			}
			says(`vigie_consumer_leads{consumer="alerts"} 1`, `vigie_consumer_leads{consumer="index"} 1`, `vigie_consumer_leads{consumer="catch-up"} 0`,
				`vigie_consumer_leads{consumer="retention"} 0`)

			s := newSurvivor(t, server)
			s.publish()
			s.publish()
			mailed := func(want ...int) {
				t.Helper()
				awaits(t, func() (bool, string) {
					times := make(map[string]int)
					for _, letter := range outbox(t, box) {
						for _, m := range tendersOf.FindAllStringSubmatch(letter.text, -1) {
							times[m[1]]++
						}
					}
					expected := make(map[string]int)
					for _, n := range want {
						expected[fmt.Sprint(n)] = 1
					}
					return fmt.Sprint(times) == fmt.Sprint(expected), fmt.Sprintf("mails about %v, not %v", times, expected)
				})
			}
			mailed(2)
			idle(t, server.private(t))
			says(`vigie_quarantine{consumer="alerts"} 1`, `vigie_quarantine{consumer="index"} 0`, `vigie_consumer_failures_total{consumer="alerts"} 3`)
			status, body := get(t, server.private(t)+"/readyz")
			var said struct{ Quarantine map[string]int }
			if err := json.Unmarshal(body, &said); err != nil || status != http.StatusOK || fmt.Sprint(said.Quarantine) != "map[alerts:1]" {
				t.Errorf("/readyz answers %d: %s", status, body)
			}

			id := fmt.Sprintf("alerts/%d", first.Load())
			if c := run(t, env, "", "quarantine"); c.status != 0 || !strings.HasPrefix(c.out.String(), id+"\tnotice\tsince ") || !strings.Contains(c.out.String(), "3 tries, last ") ||
				!strings.HasSuffix(c.out.String(), "\tpanic: it cannot be read\n") {
				t.Errorf("%d %q %s", c.status, c.out.String(), c.err.String())
			}
			var line asideLine
			if c := run(t, env, "", "quarantine", "--json"); json.Unmarshal([]byte(c.out.String()), &line) != nil || line.ID != id || line.Tries != 3 || time.Since(line.FirstAt) > time.Hour {
				t.Errorf("%d %q %s", c.status, c.out.String(), c.err.String())
			}
			for _, wrong := range []string{"alerts", "alerts/x", "/1", "1"} {
				if c := run(t, env, "", "quarantine", "retry", wrong); c.status != 2 || !strings.Contains(c.err.String(), "alerts/123") {
					t.Errorf("%s: %d %s", wrong, c.status, c.err.String())
				}
			}
			if c := run(t, env, "", "quarantine", "retry", "alerts/1", id); c.status != 1 || !strings.HasPrefix(c.out.String(), "1 ") || !strings.Contains(c.err.String(), "not set aside") {
				t.Errorf("%d %q %s", c.status, c.out.String(), c.err.String())
			}
			says(`vigie_consumer_failures_total{consumer="alerts"} 4`, `vigie_quarantine{consumer="alerts"} 1`) // in vain

			poisoned.Store(false)
			if c := run(t, env, "", "quarantine", "retry"); c.status != 0 || !strings.HasPrefix(c.out.String(), "1 ") {
				t.Errorf("%d %q %s", c.status, c.out.String(), c.err.String())
			}
			mailed(1, 2)
			says(`vigie_quarantine{consumer="alerts"} 0`)
			if c := run(t, env, "", "quarantine"); c.status != 0 || c.out.String() != "" || !strings.HasSuffix(c.err.String(), "vigie: nothing is set aside\n") {
				t.Errorf("%d %q %s", c.status, c.out.String(), c.err.String())
			}
			server.stops(t)
		})
	}
}

// What names an item finds it again, whatever the consumer is called; other words name none.
func TestItemIDs(t *testing.T) {
	for _, consumer := range []string{"alerts", "source boamp", "index search-2:7700", "index search:7700/second"} {
		item, err := itemOf(itemID(consumer, 4711))
		if err != nil || item.Consumer != consumer || item.Item != 4711 {
			t.Errorf("of %q: %+v, %v", consumer, item, err)
		}
	}
	for _, id := range []string{"", "alerts", "/4711", "4711", "alerts/", "alerts/x"} {
		if item, err := itemOf(id); err == nil {
			t.Errorf("%q is %+v", id, item)
		}
	}
}
