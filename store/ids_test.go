package store_test

import (
	"testing"
	"time"

	"vigie"
	"vigie/database"
	"vigie/store"
	"vigie/store/storetest"
)

// The key of ids is made once: migrations and a new past do not change ids.
// Numbers are accepted in their old form up to the last one that was taken before
// the key was made; in a new database none is.
func TestIDKey(t *testing.T) {
	for kind, empty := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			url := empty(t)
			open := func() *store.Store {
				t.Helper()
				s, err := store.Open(t.Context(), url, time.Now)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				return s
			}
			s := open()
			id := s.IDs().ID(vigie.KindWatch, 1)
			if s.IDs().AcceptsOld(1) {
				t.Error("a new database accepts numbers")
			}
			if _, err := s.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "ana", Email: "ana@example.org"}); err != nil {
				t.Fatal(err)
			}
			if err := store.Migrate(t.Context(), url); err != nil {
				t.Fatal(err)
			}
			if err := s.Restored(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := open().IDs(); got.ID(vigie.KindWatch, 1) != id || got.AcceptsOld(1) {
				t.Error("the ids changed")
			}

			// As a version left it that gave out numbers.
			storetest.Exec(t, url, "DELETE FROM settings WHERE name IN ('id_key', 'last_plain_id')")
			if _, err := store.Open(t.Context(), url, time.Now); vigie.CodeOf(err) != database.Older {
				t.Errorf("it is opened without a key: %v", err)
			}
			last, err := s.Database().LastNumber(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Migrate(t.Context(), url); err != nil {
				t.Fatal(err)
			}
			if got := open().IDs(); got.ID(vigie.KindWatch, 1) == id || !got.AcceptsOld(last) || got.AcceptsOld(last+1) {
				t.Errorf("numbers up to %d are not accepted, or others are", last)
			}
		})
	}
}
