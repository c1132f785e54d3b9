package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/source"
	"vigie/source/sourcetest"
	"vigie/store"
	"vigie/store/storetest"
)

// TestFollowKills kills a server that follows BOAMP and TED, with SIGKILL, at its commits, while 5 of 100 answers of the
// services are faulty. In the end its tenders are those of a reading without kills and faults, each day was read whole, and
// of what was published since it began to follow, everybody was mailed once. VIGIE_TEST_FOLLOW_KILLS is how often.
func TestFollowKills(t *testing.T) {
	t.Parallel()
	kills := 20
	if n, err := strconv.Atoi(os.Getenv("VIGIE_TEST_FOLLOW_KILLS")); err == nil {
		kills = n
	}
	if testing.Short() {
		kills = 3
	}
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFollowed(t, open(t))
			for range kills {
				f.endPauses()
				f.siege.kill(beforeCommit, 1+f.siege.random.IntN(60))
			}
			f.finish()
			f.compare()
		})
	}
}

// followed is a server that follows sources.
type followed struct {
	*siege
	services *sourcetest.Services
	readers  []source.Reader
	sources  map[string]string
	today    source.Day
	since    source.Day
}

func newFollowed(t *testing.T, database string) *followed {
	f := &followed{siege: newSiege(t, database), today: source.DayOf(time.Now())}
	f.since = f.today.Add(-30)
	f.services = sourcetest.New(time.Now, 7)
	script := sourcetest.NewScript(f.services, 7)
	for d := f.since; d < f.today; d = d.Add(1) {
		script.Day(string(d), d.Start().AddDate(0, 0, -6), 40) // all of them are there by now
	}
	for i := range 12 {
		f.services.Publish(&sourcetest.Notice{
			ID: fmt.Sprintf("0d3c1a5e-0000-4000-8000-%012d", i), Procedure: fmt.Sprintf("0d3c1a5e-1111-4111-8111-%012d", i),
			BOAMP: fmt.Sprintf("26-9%03d", i), TED: fmt.Sprintf("9%03d-2026", i), Day: string(f.today), Kind: "call",
			Title: fmt.Sprintf("Travaux mot%dx", i), Buyer: "Commune de Valfleury", Deadline: string(f.today.Add(30)) + "T12:00",
		})
	}
	f.services.SetRate(5)
	boamp, ted := httptest.NewServer(f.services.BOAMP()), httptest.NewServer(f.services.TED())
	t.Cleanup(boamp.Close)
	t.Cleanup(ted.Close)
	f.sources = map[string]string{
		"VIGIE_BOAMP_URL": boamp.URL, "VIGIE_TED_URL": ted.URL, "VIGIE_TED_SEARCH_URL": ted.URL, "VIGIE_SOURCE_RATE": "60000", "VIGIE_SINCE": string(f.since),
		"VIGIE_DATABASE_URL": database,
	}
	for name, value := range f.sources {
		f.env = append(f.env, name+"="+value)
	}
	f.env = append(f.env, "VIGIE_SOURCES=boamp,ted", "VIGIE_SOURCE_RATE=600") // slow, so that kills come in the middle
	web := &source.Web{Client: boamp.Client(), Agent: "test", Now: time.Now}
	f.readers = []source.Reader{source.BOAMP{URL: boamp.URL, Web: web}, source.TED{SearchURL: ted.URL, NoticeURL: ted.URL, Web: web}}
	account, err := f.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "ana", Email: "ana@example.org", EmailVerified: true})
	if err == nil {
		w := vigie.Watch{Name: "Travaux", NameKey: "travaux", Active: true, Frequency: vigie.Immediate}
		w.Criteria = vigie.Criteria{Keywords: []string{"travaux"}, KeywordMode: vigie.AllKeywords}
		_, err = f.store.CreateWatch(t.Context(), account, w, true, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// endPauses ends the pauses that failures led to: a minute at least, which is longer than a server lives here.
func (f *followed) endPauses() {
	storetest.Exec(f.t, f.sources["VIGIE_DATABASE_URL"], "UPDATE sources SET retry_at = NULL")
}

// finish reads what the last kill left, and has a server mail it. The services are at their best again, and what waits
// because a day could not be read is read now.
func (f *followed) finish() {
	f.t.Helper()
	f.services.SetRate(0)
	if c := run(f.t, f.sources, "", "sync", "boamp", "ted"); c.status != 0 {
		f.t.Fatalf("sync: status %d\n%s%s", c.status, c.out.String(), c.err.String())
	}
	f.siege.finish()
}

func (f *followed) compare() {
	t := f.t
	whole := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	for _, r := range f.readers {
		reading := &source.Follower{Reader: r, Store: whole, Since: f.since, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		if err := reading.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(describeAll(allTenders(t, whole)), describeAll(allTenders(t, f.store))); diff != "" {
		t.Errorf("the tenders differ from those of a reading without kills:\n%s", diff)
	}
	_, read, err := f.store.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.readers {
		for d := f.since; d <= f.today; d = d.Add(1) {
			if !slices.ContainsFunc(read[r.Name()], func(day store.SourceDay) bool { return day.Day == string(d) }) {
				t.Errorf("%s %s was not read", r.Name(), d)
			}
		}
	}
	f.compareMails()
	t.Logf("%d kills, %d of them by the clock, %d answers of %d faulty", f.kills, f.late, total(f.services.Faults), f.services.Asked)
	if f.kills >= 20 && len(f.services.Faults) < 4 {
		t.Errorf("%d kinds of faults are too few to tell", len(f.services.Faults))
	}
}

// compareMails checks that each tender of today was mailed, in one mail, and nothing older.
func (f *followed) compareMails() {
	mails := make(map[string]map[string]bool) // Message-IDs by word
	for _, m := range f.mail.Received() {
		letter := readLetter(f.t, bytes.NewReader(m.Content))
		for line := range strings.Lines(letter.text) {
			entry := entries.FindStringSubmatch(line)
			switch {
			case entry != nil && mails[entry[2]] == nil:
				mails[entry[2]] = map[string]bool{letter.Get("Message-ID"): true}
			case entry != nil:
				mails[entry[2]][letter.Get("Message-ID")] = true
			}
		}
	}
	for i := range 12 {
		if word := fmt.Sprintf("mot%dx", i); len(mails[word]) != 1 {
			f.t.Errorf("%s was mailed in %d mails", word, len(mails[word]))
		}
	}
	if len(mails) != 12 {
		f.t.Errorf("%d tenders were mailed", len(mails))
	}
}
