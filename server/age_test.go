package main

import (
	"testing"
	"time"

	"vigie/source"
)

// What a source publishes late is still mailed: a notice alerts for longer than its day is read again.
func TestLateNoticesAlert(t *testing.T) {
	s, problems := settled(t, whole(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, reader := range []source.Reader{source.BOAMP{}, source.TED{}, source.FindATender{}} {
		if read := time.Duration(reader.Rhythm().Nightly+1) * 24 * time.Hour; s.AlertMaxAge <= read {
			t.Errorf("%s: days are read again for %v, notices alert for %v", reader.Name(), read, s.AlertMaxAge)
		}
	}
}
