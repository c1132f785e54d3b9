package ledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"vigie"
	"vigie/ledger"
	"vigie/store"
	"vigie/store/storetest"
)

// However much there is, one step deletes at most a batch, and all is deleted in the end.
func TestForgettingInBatches(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		const many = 2*vigie.MaxBatch + 10
		id := f.subscriber(f.roads).RecipientID
		f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
		var notices []*vigie.Notice
		for i := range many {
			notices = append(notices, storetest.Notice(fmt.Sprint("n", i), 0, func(n *vigie.Notice) { n.Content.Deadline = new(f.now.Add(time.Hour)) }))
		}
		for len(notices) > 0 {
			n := min(len(notices), vigie.MaxBatch)
			for _, p := range storetest.Publish(t, f.store, notices[:n]...) {
				f.enterAlerts(ledger.AlertSubject{TenderID: p.Notice.TenderID, NoticeID: p.Notice.ID, Number: p.Notice.ID},
					ledger.Alert{RecipientID: id, Kind: vigie.DeliverNew, DueAt: f.now, Reasons: []vigie.Reason{{WatchID: f.roads.ID, Keywords: []string{"voirie"}}}})
			}
			notices = notices[n:]
		}
		mails, _ := f.claim()
		if len(mails) != 1 {
			t.Fatalf("%d mails are written", len(mails))
		}
		f.must(f.store.Ledger().MailsSent(t.Context(), []ledger.SentMail{{Mail: mails[0], Address: "b@example.org"}}))
		f.must(f.store.AddAuditEntry(t.Context(), "test", "desk", "account", []*vigie.Account{f.account}))
		held := func() *store.Export {
			t.Helper()
			e, err := f.store.Export(t.Context(), f.account.ID)
			f.must(err)
			return e
		}
		steps := func(before time.Time, forget func(context.Context, time.Time, int64) (int64, error)) (steps int) {
			t.Helper()
			for next, left := int64(0), len(held().Deliveries); steps == 0 || next > 0; steps++ {
				var err error
				next, err = forget(t.Context(), before, next)
				f.must(err)
				now := len(held().Deliveries)
				if left-now > vigie.MaxBatch {
					t.Errorf("%d are deleted at once", left-now)
				}
				left = now
			}
			return steps
		}
		steps(f.now, f.store.Ledger().ExpireDeliveries)
		steps(f.now, f.store.Ledger().ExpireMails)
		more, err := f.store.DeleteAuditEntries(t.Context(), f.now)
		f.must(err)
		if e := held(); more || len(e.Deliveries) != many || len(e.Mails) != 1 || len(e.Accesses) != 1 {
			t.Errorf("what is not old enough was deleted: %d deliveries, %d mails, %d accesses are left", len(e.Deliveries), len(e.Mails), len(e.Accesses))
		}
		f.now = f.now.Add(2 * time.Hour)
		if n := steps(f.now, f.store.Ledger().ExpireMails); n < 1 || len(held().Mails) != 1 {
			t.Error("a mail was deleted before its deliveries")
		}
		if n := steps(f.now, f.store.Ledger().ExpireDeliveries); n < 3 {
			t.Errorf("deleted in %d steps", n)
		}
		steps(f.now, f.store.Ledger().ExpireMails)
		_, err = f.store.DeleteAuditEntries(t.Context(), f.now)
		f.must(err)
		if e := held(); len(e.Deliveries)+len(e.Mails)+len(e.Accesses) != 0 {
			t.Errorf("%d deliveries, %d mails, %d accesses are left", len(e.Deliveries), len(e.Mails), len(e.Accesses))
		}
	})
}
