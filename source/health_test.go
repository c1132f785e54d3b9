package source_test

import (
	"testing"
	"time"

	"vigie/source"
	"vigie/store/storetest"
)

// The health of a source says up to when it is known whole, and what is wrong.
func TestHealth(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	w := newWorld(t, 21)
	health := func() source.Health {
		t.Helper()
		list, err := source.HealthOf(t.Context(), s, w.now)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0]
	}
	if list, err := source.HealthOf(t.Context(), s, w.now); err != nil || len(list) != 0 {
		t.Errorf("before anything is followed: %v, %v", list, err)
	}
	w.script.Day("2026-11-02", source.Day("2026-11-02").Start(), 9)
	w.now = source.Day("2026-11-02").Start().Add(21 * time.Hour)
	f := w.follower(s, w.boamp)
	if err := f.Consumer().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	read := w.now
	if h := health(); h.Label != "BOAMP" || !h.WholeUntil.Equal(read) || h.MissingDays != 0 || h.LastError != "" || h.NoticesToday == 0 || !h.NextAt.Equal(read.Add(30*time.Minute)) {
		t.Errorf("after a reading: %+v", h)
	}
	w.now = w.now.AddDate(0, 0, 4)
	w.services.Rate = 100
	if err := w.follower(s, w.boamp).Consumer().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := health(); !h.WholeUntil.Equal(read) || h.MissingDays != 4 || h.LastError == "" || h.FailedAt == nil || !h.NextAt.After(w.now) {
		t.Errorf("while the service fails: %+v", h)
	}
	w.services.Rate = 0
	w.now = w.now.Add(time.Hour)
	if err := w.follower(s, w.boamp).Consumer().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := health(); !h.WholeUntil.Equal(w.now) || h.MissingDays != 0 || h.LastError != "" {
		t.Errorf("after it works again: %+v", h)
	}
	// Days that are asked for are missing until they are read; those that nobody asks for any longer are not.
	w.services.Rate = 100
	f = w.follower(s, w.boamp)
	f.Since = "2026-10-22"
	if err := f.Consumer().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := health(); h.MissingDays != 9 || !h.WholeUntil.Equal(w.now) {
		t.Errorf("before a fill: %+v", h)
	}
	w.services.Rate = 0
	w.now = w.now.Add(time.Hour)
	if err := f.Consumer().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := health(); h.MissingDays != 0 {
		t.Errorf("after a fill: %+v", h)
	}
	w.services.Rate = 100
	f.Since = "2026-10-01"
	w.now = w.now.Add(time.Minute)
	if err := f.Consumer().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := health(); h.MissingDays != 21 {
		t.Errorf("before a longer fill: %+v", h)
	}
	f.Since = ""
	if err := f.Consumer().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := health(); h.MissingDays != 0 {
		t.Errorf("once it is not asked for: %+v", h)
	}
}
