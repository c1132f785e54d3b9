package alert_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/store"
	"vigie/store/storetest"
)

// Random walks over what those of TestWalks leave out: the account's address, its hour, day and zone, and a watch's
// frequency change, while the mail server refuses, the watch is deleted and restored, and the clock is ahead. All that is published is owed,
// once, to the account's own address, whichever it is then. VIGIE_TEST_SEED chooses the walks; of VIGIE_TEST_WALKS, a
// fortieth is taken on SQLite, and a two hundredth on PostgreSQL.
func TestSettingsWalks(t *testing.T) {
	walks := 30
	if testing.Short() {
		walks = 10
	}
	if text := os.Getenv("VIGIE_TEST_WALKS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		walks = n / 40
	}
	seed := seeded(t, 7)
	t.Logf("VIGIE_TEST_SEED=%d, %d walks", seed, walks)
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			left := walks
			if kind == "postgres" {
				left = max(1, walks/5)
			}
			for stream := range left {
				t.Run(fmt.Sprint(stream), func(t *testing.T) { settingsWalk(t, open(t), rand.New(rand.NewPCG(seed, uint64(stream)))) })
				if t.Failed() {
					break
				}
			}
		})
	}
}

func settingsWalk(t *testing.T, url string, random *rand.Rand) {
	w := newWorld(t, url)
	templates, err := letter.Load(fstest.MapFS{"digest.txt": {Data: []byte("{{range .Sections}}{{$kind := .Kind}}{{range .Tenders}}{{$kind}} {{.Title}}\n{{end}}{{end}}")}})
	if err != nil {
		t.Fatal(err)
	}
	w.mail.Templates = templates
	var log []string
	note := func(format string, values ...any) {
		log = append(log, w.now.Format("01-02 15:04 ")+fmt.Sprintf(format, values...))
	}
	watch := w.watch(w.account, "Voirie", vigie.Frequencies()[random.IntN(3)], "voirie")
	addresses := []string{"ana@example.org", "b@example.org", "c@example.org"}
	mailed := make(map[string]int)
	var published []string
	deleted := false
	send := func() {
		if err := w.sender.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, m := range w.mailer.messages {
			for line := range strings.Lines(m.Text) {
				kind, title, _ := strings.Cut(strings.TrimSpace(line), " ")
				note("mail to %s: %s", m.To, strings.TrimSpace(line))
				if _, ref, ok := strings.Cut(title, "objet "); ok && strings.EqualFold(kind, "new") {
					mailed[ref]++
				}
			}
		}
		w.mailer.messages = nil
	}
	for range 25 {
		switch random.IntN(8) {
		case 0, 1:
			ref := fmt.Sprint("t", len(published))
			published = append(published, ref)
			note("publish %s", ref)
			w.publish(ref, "Voirie objet "+ref, until(w.in(300*day)))
		case 2:
			u := vigie.AccountUpdate{DigestHour: new(int32(random.IntN(24))), TimeZone: new([]string{"Europe/Paris", "Pacific/Auckland", "America/Los_Angeles"}[random.IntN(3)]),
				DigestDay: new([]vigie.Weekday{vigie.Monday, vigie.Wednesday, vigie.Sunday}[random.IntN(3)])}
			note("account: %d %s %s", *u.DigestHour, *u.TimeZone, *u.DigestDay)
			if _, err := w.store.UpdateAccount(t.Context(), w.account.ID, u); err != nil {
				t.Fatal(err)
			}
		case 3:
			if !deleted {
				f := vigie.Frequencies()[random.IntN(3)]
				note("frequency: %s", f)
				w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Frequency = f })
			}
		case 4:
			to := addresses[random.IntN(3)]
			note("address: %s", to)
			w.moves("ana", to, true)
			w.account, err = w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "ana", Email: to, EmailVerified: true})
			if err != nil {
				t.Fatal(err)
			}
		case 5:
			if !deleted {
				note("delete")
				w.remove(w.account, watch)
				deleted = true
			}
		case 6:
			note("mail is refused from now on")
			w.mailer.refuse = refuseForNow
		case 7:
			if deleted { // a clock that is ahead ends holds too soon
				break
			}
			ahead := []time.Duration{30 * time.Minute, 5 * time.Hour, 8 * day}[random.IntN(3)]
			note("the clock is %v ahead", ahead)
			w.now = w.now.Add(ahead)
			w.enter()
			if random.IntN(2) == 0 {
				send()
			}
			w.now = w.now.Add(-ahead)
			note("it is set right")
		}
		if random.IntN(3) > 0 {
			w.enter()
		}
		if random.IntN(3) > 0 {
			send()
		}
		if random.IntN(2) == 0 {
			w.mailer.refuse = nil
		}
		w.now = w.now.Add([]time.Duration{time.Second, 10 * time.Minute, 3 * time.Hour, 20 * time.Hour}[random.IntN(4)])
		if deleted {
			note("restore")
			w.restore(w.account, watch)
			deleted = false
		}
	}
	w.mailer.refuse = nil
	for range 12 {
		w.enter()
		send()
		w.now = w.now.Add(26 * time.Hour)
	}
	send()
	for _, ref := range published {
		if mailed[ref] != 1 {
			t.Errorf("%s is mailed as new %d times\n\t%s", ref, mailed[ref], strings.Join(log, "\n\t"))
			break
		}
	}
}
