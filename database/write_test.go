package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"vigie/store"
	"vigie/store/storetest"
)

// A transaction whose caller leaves while it waits for another one does nothing, and keeps no other from its turn.
func TestWriteIsLeft(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			s, err := store.Open(t.Context(), open(t), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			nothing := func(context.Context, bun.Tx) error { return nil }
			begun, end := make(chan struct{}), make(chan struct{})
			done := make(chan error, 2)
			go func() {
				done <- s.Database().Write(t.Context(), func(context.Context, bun.Tx) error {
					close(begun)
					<-end
					return nil
				})
			}()
			<-begun
			leaving, leave := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, leave)
			ran := false
			if err := s.Database().Write(leaving, func(ctx context.Context, tx bun.Tx) error {
				ran = true
				<-ctx.Done() // where it need not wait
				return ctx.Err()
			}); err == nil {
				t.Errorf("no error, it ran: %v", ran)
			}
			if kind == "sqlite" && ran {
				t.Error("it ran while another one did")
			}
			go func() { done <- s.Database().Write(t.Context(), nothing) }()
			close(end)
			for range 2 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		})
	}
}
