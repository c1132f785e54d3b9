package service

import (
	"context"
	"errors"
	"testing"
	"time"

	"vigie/store"
	"vigie/store/storetest"
)

// Who asks for the sources and leaves has nobody else refused: the next answer is one.
func TestSourcesOutliveWhoAsks(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			opened, err := store.Open(t.Context(), open(t), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			s := &Service{Store: opened, Now: time.Now}
			gone, leave := context.WithCancel(t.Context())
			leave()
			if _, err := s.Sources(gone); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if list, err := s.Sources(t.Context()); err != nil || list == nil {
				t.Errorf("the next answer is %v, %v", list, err)
			}
		})
	}
}
