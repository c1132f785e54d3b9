package ledger_test

import (
	"testing"

	"vigie"
	"vigie/ledger"
)

// Keys that an earlier version made, which lowered all letters, are made again; what is known of the addresses stays.
func TestMendKeys(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		w := f.watch("Ponts", "Élodie@example.org")
		db := f.store.Database()
		for _, statement := range []string{
			"UPDATE recipients SET address_key = 'élodie@example.org' WHERE email = 'Élodie@example.org'",
			"INSERT INTO addresses (address_key, asks, bounced_at) VALUES ('élodie@example.org', 3, '2026-11-01 00:00:00+00:00')",
		} {
			_, err := db.NewRaw(statement).Exec(t.Context())
			f.must(err)
		}
		if got := f.recipients(w)[1].Status; got != vigie.Bounced {
			t.Fatalf("before, the address is %s", got)
		}
		for range 2 {
			f.must(ledger.MendKeys(t.Context(), db))
			var key string
			f.must(db.NewRaw("SELECT address_key FROM recipients WHERE email = 'Élodie@example.org'").Scan(t.Context(), &key))
			if got := f.recipients(w)[1].Status; got != vigie.Bounced || key != "Élodie@example.org" {
				t.Errorf("the address is %s, its key %q", got, key)
			}
		}
	})
}
