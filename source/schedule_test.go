package source

import (
	"math/rand/v2"
	"testing"
	"time"
)

func paris(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, DayOf(time.Now()).Start().Location())
	if err != nil {
		panic(err)
	}
	return t
}

func TestNext(t *testing.T) {
	rhythm := Rhythm{Every: 30 * time.Minute, Recent: 3, Nightly: 10}
	// All days but those named were read the day after, at noon, and recent ones at 10:00.
	planned := func(first Day, read map[Day]string) plan {
		p := plan{rhythm: rhythm, first: first, read: make(map[Day]time.Time)}
		for d := first; d <= "2026-11-30"; d = d.Add(1) {
			p.read[d] = d.Add(9).Start()
			if d > "2026-11-20" {
				p.read[d] = paris("2026-11-30 10:00")
			}
		}
		for d, at := range read {
			if delete(p.read, d); at != "" {
				p.read[d] = paris(at)
			}
		}
		return p
	}
	for name, test := range map[string]struct {
		now   string
		first Day
		read  map[Day]string
		day   Day
		at    string
	}{
		"all was just read":              {"2026-11-30 10:10", "2026-11-01", nil, "2026-11-30", "2026-11-30 10:30"},
		"half an hour later":             {"2026-11-30 10:31", "2026-11-01", nil, "2026-11-30", "2026-11-30 10:30"},
		"today is read, then yesterday":  {"2026-11-30 10:31", "2026-11-01", map[Day]string{"2026-11-30": "2026-11-30 10:30"}, "2026-11-29", "2026-11-30 10:30"},
		"at night older days":            {"2026-12-01 03:01", "2026-11-01", map[Day]string{"2026-12-01": "2026-12-01 03:00", "2026-11-30": "2026-12-01 03:00", "2026-11-29": "2026-12-01 03:00"}, "2026-11-28", "2026-12-01 03:00"},
		"a day that was never read":      {"2026-11-30 10:10", "2026-11-01", map[Day]string{"2026-11-05": ""}, "2026-11-05", ""},
		"a day that was read too early":  {"2026-11-30 10:10", "2026-11-01", map[Day]string{"2026-11-05": "2026-11-05 18:00"}, "2026-11-05", "0001-01-01 00:00"},
		"the newest of those never read": {"2026-11-30 10:10", "2026-10-01", map[Day]string{"2026-10-05": "", "2026-11-05": ""}, "2026-11-05", ""},
	} {
		p := planned(test.first, test.read)
		day, at := p.next(paris(test.now))
		if day != test.day || test.at != "" && test.at != "0001-01-01 00:00" && !at.Equal(paris(test.at)) {
			t.Errorf("%s: %s at %s, want %s at %s", name, day, at, test.day, test.at)
		}
	}
}

// Whatever days fail, and however long nothing was read, each day is in the end read whole after it has ended, and none
// is read for ever.
func TestNoDayIsPassedOver(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		p := plan{rhythm: Rhythm{Every: 30 * time.Minute, Recent: 1 + random.IntN(4), Nightly: 4 + random.IntN(8)}, first: "2026-11-01", read: make(map[Day]time.Time), paused: make(map[Day]time.Time)}
		now, end := paris("2026-11-01 08:00"), paris("2026-12-15 00:00")
		for ; now.Before(end); now = now.Add(time.Duration(1+random.IntN(90)) * time.Minute) {
			if random.IntN(300) == 0 {
				now = now.Add(time.Duration(random.IntN(10*24)) * time.Hour) // the server is stopped
			}
			for {
				day, at := p.next(now)
				if at.After(now) || random.IntN(200) == 0 {
					break
				}
				if random.IntN(10) == 0 {
					p.paused[day] = now.Add(time.Duration(1+random.IntN(30)) * time.Minute)
					continue
				}
				delete(p.paused, day)
				p.read[day] = now
			}
		}
		clear(p.paused)
		for range 100 { // a quiet night
			day, at := p.next(now)
			if at.After(now) {
				break
			}
			p.read[day] = now
		}
		if day, at := p.next(now); !at.After(now) {
			t.Fatalf("%s is still due", day)
		}
		for d := p.first; d < DayOf(now).Add(-p.rhythm.Nightly); d = d.Add(1) {
			if p.read[d].Before(d.End().Add(settled)) {
				t.Fatalf("%s was last read at %s, and is never read again", d, p.read[d])
			}
		}
		if missing := p.missing(now); missing > 0 {
			t.Fatalf("%d days are missing", missing)
		}
		// Yesterday may have been read last just before its end.
		if until := p.until(p.first, now); now.Sub(until) > 30*time.Hour {
			t.Fatalf("at %s, read until %s", now, until)
		}
	}
}

// Days are those of Paris, of 23, 24 and 25 hours.
func TestDays(t *testing.T) {
	if d := DayOf(time.Date(2026, 11, 29, 23, 30, 0, 0, time.UTC)); d != "2026-11-30" {
		t.Error(d)
	}
	for d, hours := range map[Day]float64{"2026-03-29": 23, "2026-10-25": 25, "2026-11-30": 24} {
		if got := d.End().Sub(d.Start()).Hours(); got != hours {
			t.Errorf("%s has %v hours", d, got)
		}
	}
	if n := Day("2026-03-01").daysUntil("2026-12-01"); n != 275 {
		t.Errorf("%d days", n)
	}
}
