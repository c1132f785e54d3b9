package syndication_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"

	"vigie"
)

// Calendars keep the rules of RFC 5545 whatever publishers write: lines end with CR LF, none is longer than 75 octets, none
// is cut within a character, and what was written is read.
func TestCalendarLines(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	pieces := []string{"Voirie", " ", "é", "œ", "日本語", "👩‍🚒", ",", ";", `\`, `\n`, `"`, ":", "&", "<b>", "]]>", "\n", "\r\n", "\x00", "\x0b", "\u2028", "\u202e", "\ufffe", "=", "BEGIN:VEVENT", "x", strings.Repeat("a", 90), strings.Repeat("é", 80)}
	text := func() string {
		var b strings.Builder
		for range 1 + g.IntN(40) {
			b.WriteString(pieces[g.IntN(len(pieces))])
		}
		return b.String()
	}
	const n = 60
	titles := make(map[string]bool)
	for i := range n {
		notice := w.notice(fmt.Sprint("r", i), "Voirie "+text(), 1+g.IntN(50))
		notice.Content.Title = strings.ReplaceAll(notice.Content.Title, "\x00", "") // as no database has it
		notice.Content.Reference = strings.ReplaceAll(text(), "\x00", "")
		w.publish(notice)
	}
	watch := w.watch("Voirie; \\n, \"lots\"", keywords("voirie"))
	for _, e := range w.feed(w.service.WatchFeedURL(w.ana, watch)).Entries {
		titles["Date limite de réponse : "+e.Title] = true
	}
	if len(titles) == 0 {
		t.Fatal("no titles")
	}
	calendar := w.read(w.service.WatchCalendarURL(w.ana, watch))
	lines := strings.Split(strings.TrimSuffix(calendar, "\r\n"), "\r\n")
	for _, line := range lines {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
	if starts := slices.DeleteFunc(lines, func(l string) bool { return l != "BEGIN:VEVENT" }); len(starts) != n {
		t.Errorf("%d events, want %d", len(starts), n)
	}
	for _, e := range w.events(w.service.WatchCalendarURL(w.ana, watch)) {
		if name := strings.ReplaceAll(value(e, ics.ComponentPropertySummary), "\u00a0", " "); !titles[name] && !strings.HasSuffix(name, "…") {
			t.Errorf("the event %q has the title of no entry", name)
		}
	}
}

// The alarms of an account are part of what it is given.
func TestAlarmsAreExported(t *testing.T) {
	w := newWorld(t)
	if _, err := w.service.UpdateAccount(t.Context(), w.ana, vigie.AccountUpdate{CalendarAlarmDays: new(int32(9))}); err != nil {
		t.Fatal(err)
	}
	export, err := w.service.Export(t.Context(), w.ana.ID)
	if err != nil || export.Account.CalendarAlarmDays != 9 {
		t.Errorf("%+v, %v", export, err)
	}
}
