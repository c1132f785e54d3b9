package vigie_test

import (
	"testing"
	"time"

	"vigie"
)

func TestNextDigest(t *testing.T) {
	for _, test := range []struct {
		zone      string
		hour      int32
		day       vigie.Weekday
		frequency vigie.Frequency
		after     string
		want      string
	}{
		{"Europe/Paris", 8, vigie.Monday, vigie.Immediate, "2026-11-09T07:30:00Z", "2026-11-09T07:30:00Z"},
		{"Europe/Paris", 8, vigie.Monday, vigie.Daily, "2026-11-09T06:59:59Z", "2026-11-09T07:00:00Z"},
		{"Europe/Paris", 8, vigie.Monday, vigie.Daily, "2026-11-09T07:00:00Z", "2026-11-10T07:00:00Z"},
		{"Europe/Paris", 8, vigie.Monday, vigie.Weekly, "2026-11-09T06:59:59Z", "2026-11-09T07:00:00Z"},
		{"Europe/Paris", 8, vigie.Monday, vigie.Weekly, "2026-11-09T07:00:00Z", "2026-11-16T07:00:00Z"},
		{"Europe/Paris", 8, vigie.Sunday, vigie.Weekly, "2026-11-09T07:00:00Z", "2026-11-15T07:00:00Z"},
		{"Europe/Paris", 8, vigie.Saturday, vigie.Weekly, "2026-11-09T07:00:00Z", "2026-11-14T07:00:00Z"},
		// The day is that of the account's zone: in Paris it is the 10th already.
		{"Europe/Paris", 0, vigie.Tuesday, vigie.Weekly, "2026-11-09T22:59:00Z", "2026-11-09T23:00:00Z"},
		{"Indian/Reunion", 8, vigie.Monday, vigie.Daily, "2026-11-09T00:00:00Z", "2026-11-09T04:00:00Z"},
		{"America/Guadeloupe", 23, vigie.Monday, vigie.Daily, "2026-11-09T12:00:00Z", "2026-11-10T03:00:00Z"},
		// Spring: from 2 h to 3 h on 29 March 2026, at 1:00 UTC.
		{"Europe/Paris", 8, vigie.Monday, vigie.Daily, "2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z"},
		{"Europe/Paris", 2, vigie.Monday, vigie.Daily, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"Europe/Paris", 2, vigie.Monday, vigie.Daily, "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"},
		{"Europe/Paris", 3, vigie.Monday, vigie.Daily, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		// Autumn: from 3 h to 2 h on 25 October 2026, at 1:00 UTC.
		{"Europe/Paris", 8, vigie.Monday, vigie.Daily, "2026-10-24T06:00:00Z", "2026-10-25T07:00:00Z"},
		{"Europe/Paris", 2, vigie.Monday, vigie.Daily, "2026-10-24T12:00:00Z", "2026-10-25T00:00:00Z"},
		{"Europe/Paris", 2, vigie.Monday, vigie.Daily, "2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"},
		{"Europe/Paris", 2, vigie.Sunday, vigie.Weekly, "2026-10-25T00:30:00Z", "2026-11-01T01:00:00Z"},
		{"Europe/Paris", 3, vigie.Monday, vigie.Daily, "2026-10-25T01:59:00Z", "2026-10-25T02:00:00Z"},
		// Midnight itself is skipped, on 29 March 2026 in Beirut.
		{"Asia/Beirut", 0, vigie.Monday, vigie.Daily, "2026-03-28T12:00:00Z", "2026-03-28T22:00:00Z"},
		{"America/New_York", 1, vigie.Monday, vigie.Daily, "2026-10-31T12:00:00Z", "2026-11-01T05:00:00Z"},
		{"America/New_York", 2, vigie.Monday, vigie.Daily, "2026-03-07T12:00:00Z", "2026-03-08T07:00:00Z"},
		{"Nowhere/Known", 8, vigie.Monday, vigie.Daily, "2026-11-09T06:00:00Z", "2026-11-09T07:00:00Z"},
	} {
		after, err := time.Parse(time.RFC3339, test.after)
		if err != nil {
			t.Fatal(err)
		}
		account := vigie.Account{TimeZone: test.zone, DigestHour: test.hour, DigestDay: test.day}
		if got := account.NextDigest(test.frequency, after).UTC().Format(time.RFC3339); got != test.want {
			t.Errorf("%s at %d h in %s after %s: %s, want %s", test.frequency, test.hour, test.zone, test.after, got, test.want)
		}
	}
}

// Over two years, in zones that change their clocks and one that does not, a
// day has one digest and only one.
func TestEveryDayHasOneDigest(t *testing.T) {
	for _, name := range []string{"Europe/Paris", "America/New_York", "Asia/Beirut", "Australia/Lord_Howe", "Indian/Reunion"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for hour := range int32(24) {
			account := vigie.Account{TimeZone: name, DigestHour: hour, DigestDay: vigie.Monday}
			day := time.Date(2026, 1, 1, 12, 0, 0, 0, zone)
			at := account.NextDigest(vigie.Daily, day.AddDate(0, 0, -1).Add(12*time.Hour-time.Second))
			for range 730 {
				if local := at.In(zone); local.YearDay() != day.YearDay() {
					t.Fatalf("%s at %d h: %s, want %s", name, hour, local, day.Format(time.DateOnly))
				}
				at, day = account.NextDigest(vigie.Daily, at), day.AddDate(0, 0, 1)
			}
		}
	}
}
