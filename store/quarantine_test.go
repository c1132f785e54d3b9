package store_test

import (
	"strings"
	"testing"

	"vigie/database"
	"vigie/store"
	"vigie/store/storetest"
)

// A long error is cut between the characters that people see.
func TestQuarantinedErrorIsCut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		text := strings.Repeat("a", 995)
		q := &database.Quarantined{Consumer: database.AlertsConsumer, Item: 1, Kind: database.NoticeItem, Number: 1, Error: text + "👩‍🚒 and more"}
		if err := s.Database().SetAside(t.Context(), q, nil); err != nil {
			t.Fatal(err)
		}
		kept, err := s.Database().Quarantine(t.Context())
		if err != nil || len(kept) != 1 || kept[0].Error != text {
			t.Errorf("%v, error %v", kept, err)
		}
	})
}
