package database_test

import (
	"context"
	"testing"
	"time"

	"vigie"
	"vigie/database"
	"vigie/store/storetest"
)

// Who must be alone is refused while a server works with the database, and leaves nothing behind.
func TestOpenAlone(t *testing.T) {
	for name, open := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			url := open(t)
			alone := func() *database.DB {
				t.Helper()
				db, err := database.OpenAlone(t.Context(), url, time.Now)
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
			alone().Close()
			server, err := database.Open(t.Context(), url, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			listening, stop := context.WithCancel(t.Context())
			woken := server.Changes(listening)
			if name == "postgres" {
				<-woken // once it listens
			}
			for range 2 {
				if _, err := database.OpenAlone(t.Context(), url, time.Now); vigie.CodeOf(err) != database.InUse {
					t.Errorf("beside a server: %v", err)
				}
			}
			stop()
			server.Close()
			alone().Close()
		})
	}
}
