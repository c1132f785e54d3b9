package alert

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vigie"
	"vigie/ledger"
)

// While nothing can be recorded, no more than what a crash may repeat is sent. Then everything is recorded, in few batches.
func TestRecorderIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches [][]int64
		recorded := make(chan struct{})
		r := newRecorder(func(_ context.Context, sent []ledger.SentMail) error {
			<-recorded
			var ids []int64
			for _, s := range sent {
				ids = append(ids, s.Mail.ID)
			}
			batches = append(batches, ids)
			return nil
		})
		const all = 3 * maxUnrecorded
		sent := 0
		done := make(chan struct{})
		go func() {
			for i := range all {
				r.add(t.Context(), ledger.SentMail{Mail: &vigie.Mail{ID: int64(i)}})
				sent++
			}
			close(done)
		}()
		synctest.Wait()
		if sent != maxUnrecorded {
			t.Errorf("%d are sent that are not recorded", sent)
		}
		close(recorded)
		<-done
		if !r.wait() {
			t.Error("there were none")
		}
		if got := slices.Concat(batches...); len(got) != all || !slices.IsSorted(got) {
			t.Errorf("recorded are %v", got)
		}
		if len(batches) > 1+all/fullBatch {
			t.Errorf("%d batches", len(batches))
		}
		if r.wait() {
			t.Error("there are more")
		}
	})
}

// What is sent alone is recorded at once, and what cannot be recorded is said once.
func TestRecorderAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("no")
		start, at := time.Now(), time.Time{}
		r := newRecorder(func(context.Context, []ledger.SentMail) error {
			at = time.Now()
			return cause
		})
		r.add(t.Context(), ledger.SentMail{})
		r.wait()
		if !at.Equal(start) {
			t.Errorf("it is recorded after %v", at.Sub(start))
		}
		if err := r.failed(); !errors.Is(err, cause) {
			t.Errorf("the error is %v", err)
		}
		if err := r.failed(); err != nil {
			t.Errorf("it is said again: %v", err)
		}
	})
}

// Lanes claim more where mail is sent fast, and few where it is not.
func TestPace(t *testing.T) {
	var p pace
	first := p.next()
	for range 10 {
		p.took(p.next(), time.Millisecond)
	}
	if p.next() != mostClaims || first >= mostClaims {
		t.Errorf("from %d to %d", first, p.next())
	}
	p.took(p.next()/2, time.Millisecond) // there were no more
	p.took(p.next(), readValidFor/2)
	if p.next() != mostClaims {
		t.Errorf("it fell to %d", p.next())
	}
	for range 10 {
		p.took(p.next(), 2*readValidFor)
	}
	if p.next() != fewestClaims {
		t.Errorf("it stays at %d", p.next())
	}
}
