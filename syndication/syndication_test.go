package syndication_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"vigie"
	"vigie/alert/link"
	"vigie/service"
	"vigie/store/storetest"
)

// A thousand readers of one feed cost one search, and so do those of its calendar. It is asked for again after a minute,
// and at once when the watch was edited.
func TestReadersShareOneSearch(t *testing.T) { eachPair(t, testReadersShareOneSearch) }

func testReadersShareOneSearch(t *testing.T, w *world) {
	w.publish(w.notice("1", "Voirie", 30))
	watch := w.watch("Voirie", keywords("voirie"))
	addresses := []string{w.service.WatchFeedURL(w.ana, watch), w.service.WatchCalendarURL(w.ana, watch), w.service.AccountFeedURL(w.ana), w.service.AccountCalendarURL(w.ana)}
	w.searches.Store(0) // those of the watch's warnings
	costs := func(when string, want int) {
		t.Helper()
		if got := w.searches.Swap(0); got != int64(want) {
			t.Errorf("%s: %d searches, want %d", when, got, want)
		}
	}
	readers := func(n int) {
		t.Helper()
		var all errgroup.Group
		all.SetLimit(64) // as many as a server answers at once
		for i := range n {
			all.Go(func() error {
				address := addresses[i%len(addresses)]
				if i%8 >= 4 { // an address has no case
					name := address[strings.LastIndex(address, "/")+1:]
					address = strings.TrimSuffix(address, name) + strings.ToUpper(name)
				}
				if answer := w.get(address); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "Voirie") {
					return fmt.Errorf("%s: %d %s", address, answer.Code, answer.Body)
				}
				return nil
			})
		}
		if err := all.Wait(); err != nil {
			t.Error(err)
		}
	}
	readers(4000)
	costs("at first", len(addresses))
	w.now = w.now.Add(59 * time.Second)
	readers(100)
	costs("within a minute", 0)
	w.now = w.now.Add(time.Second)
	readers(100)
	costs("after a minute", len(addresses))
	if _, _, err := w.service.UpdateWatch(t.Context(), w.ana, watch.ID, service.UpdateWatch{Name: new("Voirie 2")}); err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses[:2] {
		if text := w.read(address); !strings.Contains(text, "Voirie 2") {
			t.Errorf("after an edit: %s", text)
		}
	}
	costs("after an edit", 2)
}

// An address ends when its owner replaces it, or what it is of ends; and is of one purpose only.
func TestAddressesEnd(t *testing.T) { eachPair(t, testAddressesEnd) }

func testAddressesEnd(t *testing.T, w *world) {
	watch, other := w.watch("Voirie", keywords("voirie")), w.watch("Eaux", keywords("eau"))
	read := func(a *vigie.Account, watches ...*vigie.Watch) []string {
		list := []string{w.service.AccountFeedURL(a), w.service.AccountCalendarURL(a)}
		for _, of := range watches {
			list = append(list, w.service.WatchFeedURL(a, of), w.service.WatchCalendarURL(a, of))
		}
		return list
	}
	answers := func(when string, want int, addresses ...string) {
		t.Helper()
		for _, address := range addresses {
			if got := w.get(address); got.Code != want || want == http.StatusNotFound && (got.Header().Get("ETag") != "" || strings.Contains(got.Body.String(), "Voirie")) {
				t.Errorf("%s, %s: %d %s", when, address, got.Code, got.Body)
			}
		}
	}
	all := read(w.ana, watch, other)
	answers("at first", http.StatusOK, all...)

	rotated, err := w.service.RotateFeed(t.Context(), w.ana, &watch.ID)
	if err != nil {
		t.Fatal(err)
	}
	answers("a watch's was replaced", http.StatusNotFound, all[2:4]...)
	answers("a watch's was replaced", http.StatusOK, append(read(w.ana, rotated, other), all[0], all[4])...)
	all = read(w.ana, rotated, other)
	if _, err = w.service.RotateFeed(t.Context(), w.ana, nil); err != nil {
		t.Fatal(err)
	}
	owner, err := w.store.FeedOfAccount(t.Context(), w.ana.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.ana = owner.Account
	answers("all were replaced", http.StatusNotFound, all...)
	all = read(w.ana, rotated, other)
	answers("all were replaced", http.StatusOK, all...)

	if _, _, err := w.service.UpdateWatch(t.Context(), w.ana, watch.ID, service.UpdateWatch{Active: new(false)}); err != nil {
		t.Fatal(err)
	}
	answers("paused", http.StatusOK, all...)
	if err := w.service.DeleteWatch(t.Context(), w.ana, watch.ID); err != nil {
		t.Fatal(err)
	}
	answers("deleted", http.StatusNotFound, all[2:4]...)
	answers("deleted", http.StatusOK, all[0], all[4])
	if _, err := w.service.RestoreWatch(t.Context(), w.ana, watch.ID); err != nil {
		t.Fatal(err)
	}
	answers("restored", http.StatusOK, all...)

	w.secrets("two", "one")
	answers("another secret signs", http.StatusOK, append(read(w.ana, rotated, other), all...)...)
	w.secrets("two")
	answers("the former secret was removed", http.StatusNotFound, all...)
	all = read(w.ana, rotated, other)

	token := func(p link.Purpose, id int64, version string) string {
		return w.service.Feeds.Keys.Token(p, id, version)
	}
	for name, path := range map[string]string{
		"a feed's at calendars":    "/calendars/" + token(link.WatchFeed, watch.ID, "1.1") + ".ics",
		"a calendar's at feeds":    "/feeds/" + token(link.WatchCalendar, watch.ID, "1.1") + ".atom",
		"an account's for a watch": "/feeds/" + token(link.WatchFeed, watch.ID, "1") + ".atom",
		"of leaving a watch":       "/feeds/" + token(link.LeaveWatch, watch.ID, "1.1") + ".atom",
		"of a version to come":     "/feeds/" + token(link.WatchFeed, watch.ID, "1.2") + ".atom",
		"of no watch":              "/feeds/" + token(link.WatchFeed, 1<<40, "1.1") + ".atom",
		"no token":                 "/feeds/x.atom",
		"without an ending":        strings.TrimSuffix(strings.TrimPrefix(all[0], publicURL), ".atom"),
		"no tender":                "/calendars/tenders/x.ics",
		"a watch":                  "/calendars/tenders/" + w.store.IDs().ID(vigie.KindWatch, watch.ID) + ".ics",
		"no such tender":           "/calendars/tenders/" + w.store.IDs().ID(vigie.KindTender, 1<<40) + ".ics",
	} {
		answers(name, http.StatusNotFound, publicURL+path)
	}

	if err := w.store.Erase(t.Context(), w.ana.ID); err != nil {
		t.Fatal(err)
	}
	answers("erased", http.StatusNotFound, all...)
}

// Only the owner of a watch replaces its addresses.
func TestRotateOnlyOwn(t *testing.T) {
	w := newWorld(t)
	watch := w.watch("Voirie", keywords("voirie"))
	bob := storetest.Account(t, w.store, "bob")
	for _, id := range []int64{watch.ID, 0, 1 << 40} {
		if _, err := w.service.RotateFeed(t.Context(), bob, &id); vigie.CodeOf(err) != vigie.NotFound {
			t.Errorf("%d: %v", id, err)
		}
	}
	w.read(w.service.WatchFeedURL(w.ana, watch))
}

// A client that has a list already gets it again only if it changed.
func TestConditionalRequests(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		w.publish(w.notice(fmt.Sprint(i), fmt.Sprint("Voirie ", i), 30))
	}
	watch := w.watch("Voirie", keywords("voirie"))
	for _, address := range []string{w.service.WatchFeedURL(w.ana, watch), w.service.WatchCalendarURL(w.ana, watch), w.service.TenderCalendarURL(w.tender("1"))} {
		plain, packed := w.get(address), w.get(address, "Accept-Encoding", "gzip, br")
		tag, modified := plain.Header().Get("ETag"), plain.Header().Get("Last-Modified")
		if !strings.HasPrefix(tag, `"`) || modified != w.now.Format(http.TimeFormat) {
			t.Errorf("%s: %s, %s", address, tag, modified)
		}
		if long := plain.Body.Len() >= 1000; long && packed.Header().Get("Content-Encoding") != "gzip" || long && packed.Header().Get("ETag") == tag {
			t.Errorf("%s: %v", address, packed.Header())
		} else if long {
			unpacked, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(unpacked); err != nil || string(text) != plain.Body.String() {
				t.Errorf("%s: %v, %d bytes of %d", address, err, len(text), plain.Body.Len())
			}
		}
		if head := w.request(http.MethodHead, address); head.Code != http.StatusOK || head.Body.Len() > 0 || head.Header().Get("ETag") != tag || head.Header().Get("Content-Length") != fmt.Sprint(plain.Body.Len()) {
			t.Errorf("HEAD %s: %d %v", address, head.Code, head.Header())
		}
		for name, headers := range map[string][]string{
			"its tag":    {"If-None-Match", tag},
			"among tags": {"If-None-Match", `"x", ` + tag, "If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT"},
			"any":        {"If-None-Match", "*"},
			"its time":   {"If-Modified-Since", modified},
			"gzip":       {"If-None-Match", packed.Header().Get("ETag"), "Accept-Encoding", "gzip"},
		} {
			if answer := w.get(address, headers...); answer.Code != http.StatusNotModified || answer.Body.Len() > 0 || answer.Header().Get("Cache-Control") == "" {
				t.Errorf("%s, %s: %d %v", address, name, answer.Code, answer.Header())
			}
		}
		for name, headers := range map[string][]string{
			"another tag":   {"If-None-Match", `"x"`, "If-Modified-Since", modified},
			"a time before": {"If-Modified-Since", w.now.Add(-time.Second).Format(http.TimeFormat)},
		} {
			if answer := w.get(address, headers...); answer.Code != http.StatusOK {
				t.Errorf("%s, %s: %d", address, name, answer.Code)
			}
		}
		if answer := w.request(http.MethodPost, address); answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d %v", address, answer.Code, answer.Header())
		}
	}
	feed := w.service.WatchFeedURL(w.ana, watch)
	before := w.get(feed)
	w.now = w.now.Add(time.Minute)
	if same := w.get(feed); same.Header().Get("ETag") != before.Header().Get("ETag") || same.Header().Get("Last-Modified") != before.Header().Get("Last-Modified") {
		t.Errorf("made again: %v, was %v", same.Header(), before.Header())
	}
	if got := before.Header().Get("Cache-Control"); got != "private, max-age=60" {
		t.Errorf("Cache-Control: %s", got)
	}
	w.now = w.now.Add(time.Minute)
	w.publish(w.notice("20", "Voirie 20", 30))
	after := w.get(feed, "If-None-Match", before.Header().Get("ETag"), "If-Modified-Since", before.Header().Get("Last-Modified"))
	if after.Code != http.StatusOK || after.Header().Get("ETag") == before.Header().Get("ETag") || after.Header().Get("Last-Modified") != w.now.Format(http.TimeFormat) {
		t.Errorf("changed: %d %v, was %v", after.Code, after.Header(), before.Header())
	}
}

// What cannot be answered says what to do, in the reader's language.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	feed := w.service.WatchFeedURL(w.ana, w.watch("Voirie", keywords("voirie")))
	refused := func(name string, status int, retry, text string) {
		t.Helper()
		answer := w.get(feed, "Accept-Language", "en")
		if answer.Code != status || answer.Header().Get("Retry-After") != retry || !strings.Contains(answer.Body.String(), text) || answer.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", name, answer.Code, answer.Header(), answer.Body)
		}
	}
	w.down.Store(true)
	refused("the search does not answer", http.StatusServiceUnavailable, "60", "Try again shortly")
	w.down.Store(false)
	w.read(feed) // and a failure is not kept
	begin := w.lists.Begin
	for _, c := range []struct {
		err    error
		status int
		retry  string
	}{
		{&vigie.Error{Code: vigie.TooManyRequests, RetryAfter: 1200 * time.Millisecond}, http.StatusTooManyRequests, "2"},
		{&vigie.Error{Code: vigie.Unavailable, RetryAfter: time.Second}, http.StatusServiceUnavailable, "60"},
	} {
		w.lists.Begin = func(context.Context) (func(), error) { return nil, c.err }
		refused(fmt.Sprint(c.err), c.status, c.retry, "")
	}
	w.lists.Begin = begin
	words := make([]string, vigie.MaxKeywords)
	for i := range 110 { // two pairs of words for each keyword
		for j := range words {
			words[j] = fmt.Sprintf("mot%dx%d deux%dx%d trois", i, j, i, j)
		}
		w.watch(fmt.Sprint("Large ", i), keywords(words...))
	}
	feed = w.service.AccountFeedURL(w.ana)
	refused("too many criteria", http.StatusForbidden, "", "each watch")
}
