package main

import (
	"testing"
	"time"
)

// A clock that is put forward by days, and back, loses no mail and sends none
// twice; tokens are judged by it.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	const days = 5 * 24 * time.Hour
	box, jumping := t.TempDir(), new(clock)
	env := map[string]string{
		"VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
		"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_MAIL_SPACING": "50ms", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
	s := newSurvivor(t, startAt(t, env, nil, jumping.now, "serve"))
	ready(t, s.base)
	s.publish()
	s.mailed(box)
	now := s.token
	later, err := sign(testSecret, "ana", claims{Email: "ana@example.org", EmailVerified: true, Scope: publishScope, Sources: []string{"portal"}}, time.Now(), days+time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, jump := range []struct {
		ahead time.Duration
		token string
		valid bool
	}{
		{days, now, false},
		{days, later, true},
		{0, now, true},
		{-days, now, true},
		{0, now, true},
	} {
		jumping.set(jump.ahead)
		if a := ask(t, s.base, jump.token, `{ viewer { email } }`, nil); (a.code() == "") != jump.valid {
			t.Fatalf("%v ahead: %+v", jump.ahead, a)
		}
		if s.token = jump.token; !jump.valid {
			continue
		}
		s.do(publicationAt(s.published+1, jumping.now()))
		s.published++
		s.mailed(box)
	}
}
