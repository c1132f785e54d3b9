package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/ledger"
	"vigie/store"
	"vigie/store/storetest"
)

// hidden stands in for keyed hashes: it differs from any address.
func hidden(key string) func(address string) []string {
	return func(address string) []string {
		letters := []rune(key + strings.ToLower(address))
		slices.Reverse(letters)
		return []string{strings.ReplaceAll(string(letters), "@", "_")}
	}
}

func TestErase(t *testing.T) {
	for name, open := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			rawURL := open(t)
			f := &following{t: t, now: storetest.Noon()}
			var err error
			f.store, err = store.Open(t.Context(), rawURL, func() time.Time { return f.now })
			f.must(err)
			t.Cleanup(func() { f.store.Close() })
			f.store.Ledger().SetFingerprints(hidden("new"))
			f.account, err = f.store.SignIn(t.Context(), store.Claims{
				Issuer: "test", Subject: "subject-of-fictif", Email: "fictif@example.org", EmailVerified: true, Name: "Camille Fictif",
			})
			f.must(err)
			f.roads, f.schools = f.watch("Veille de Fictif", "Fictif.Associe@example.org"), f.watch("Écoles Fictif", "fictif.associe@example.org")
			id := f.subscriber(f.roads).RecipientID
			f.must(f.store.Ledger().Confirm(t.Context(), id, "fictif.associe@example.org"))
			f.enter(f.roads)
			mails, _ := f.claim()
			if len(mails) != 1 {
				t.Fatal("no mail was written")
			}
			f.must(f.store.Ledger().MailBounced(t.Context(), mails[0].ID, "fictif.associe@example.org", true, "550 fictif.associe@example.org unknown"))
			f.must(f.store.Ledger().Leave(t.Context(), id, "fictif.associe@example.org"))
			deliveries := storetest.Publish(t, f.store, storetest.Notice("marked", 0))[0].Notice
			f.must(f.store.SetMark(t.Context(), f.account.ID, store.Seen, true, []int64{deliveries.TenderID}))
			buyer := storetest.Tender(t, f.store, deliveries.TenderID).BuyerID
			_, err = f.store.UpdateWatch(t.Context(), f.account, f.roads.ID, func(w *vigie.Watch) {
				w.Criteria.Keywords, w.Criteria.BuyerIDs = []string{"fictif"}, []int64{buyer}
			}, nil, nil)
			f.must(err)
			other := storetest.Account(t, f.store, "other")

			exported, err := f.store.Export(t.Context(), f.account.ID)
			f.must(err)
			if a := exported.Account; a.Name != "Camille Fictif" || a.Email != "fictif@example.org" || !a.EmailVerified || !a.CreatedAt.Equal(f.now) {
				t.Errorf("the account: %+v", a)
			}
			if len(exported.Watches) != 2 || len(exported.Addresses) != 4 || len(exported.Mails) != 1 || len(exported.Deliveries) != 1 || len(exported.Marks) != 1 {
				t.Fatalf("the export: %+v", exported)
			}
			if w := exported.Watches[0]; w.Name != "Veille de Fictif" || !slices.Equal(w.Keywords, []string{"fictif"}) || len(w.Buyers) != 1 || !w.Active {
				t.Errorf("the watch: %+v", w)
			}
			if a := exported.Addresses[1]; a.Email != "Fictif.Associe@example.org" || a.ConfirmedAt == nil || a.LeftAt == nil || a.BouncedAt == nil || a.LeftWatchAt != nil {
				t.Errorf("the address: %+v", a)
			}
			if m := exported.Mails[0]; m.State != vigie.MailFailed || !strings.HasPrefix(m.Error, "550 fictif") || m.ID != *exported.Deliveries[0].MailID {
				t.Errorf("the mail: %+v, the delivery: %+v", m, exported.Deliveries[0])
			}
			if m := exported.Marks[0]; m.SourceRef != "marked" || m.SeenAt == nil || m.DismissedAt != nil {
				t.Errorf("the mark: %+v", m)
			}
			others, err := f.store.Export(t.Context(), other.ID)
			f.must(err)
			if n := len(others.Watches) + len(others.Addresses) + len(others.Mails) + len(others.Deliveries) + len(others.Marks); others.Account.Subject != "other" || n != 0 {
				t.Errorf("the other's export: %+v", others)
			}
			numberBefore, err := f.store.Database().LastNumber(t.Context())
			f.must(err)

			f.must(f.store.Erase(t.Context(), f.account.ID))

			for _, row := range storetest.Everything(t, rawURL) {
				if strings.Contains(strings.ToLower(row), "fictif") {
					t.Errorf("not deleted: %s", row)
				}
				for _, table := range []string{"recipients[", "subscriptions[", "mails[", "deliveries[", "reasons[", "tender_marks[", "watch_buyers["} {
					if strings.HasPrefix(row, table) { // these tables were the account's alone
						t.Errorf("not deleted: %s", row)
					}
				}
			}
			var deleted []int64
			f.must(f.store.Snapshot(t.Context(), func(ctx context.Context, now *store.Snapshot) error {
				for w, err := range now.ChangedWatches(ctx, numberBefore) {
					if err != nil {
						return err
					}
					if w.Criteria != nil {
						t.Errorf("watch %d is not deleted", w.ID)
					}
					deleted = append(deleted, w.ID)
				}
				return nil
			}))
			if !slices.Equal(deleted, []int64{f.roads.ID, f.schools.ID}) {
				t.Errorf("consumers read that %v are deleted", deleted)
			}
			if err := f.store.Erase(t.Context(), f.account.ID); vigie.CodeOf(err) != vigie.Unauthenticated {
				t.Errorf("erased twice: %v", err)
			}
			if _, err := f.store.Export(t.Context(), f.account.ID); vigie.CodeOf(err) != vigie.NotFound {
				t.Errorf("exported after it was erased: %v", err)
			}

			// An account that names the address later finds that it left, also by an older key.
			f.store.Ledger().SetFingerprints(func(address string) []string { return append(hidden("newer")(address), hidden("new")(address)...) })
			f.account = storetest.Account(t, f.store, "next")
			f.roads = f.watch("Voirie", "fictif.associe@example.org")
			f.schools = f.roads
			if got := statusOf(f, "fictif.associe@example.org"); got != vigie.Unsubscribed {
				t.Errorf("the address that left is %s", got)
			}
			// It bounced as well; a link of its own undoes both.
			f.must(f.store.Ledger().Rejoin(t.Context(), f.subscriber(f.roads).RecipientID, "fictif.associe@example.org"))
			if got := statusOf(f, "fictif.associe@example.org"); got != vigie.Pending {
				t.Errorf("the address that came back is %s", got)
			}
			f.must(f.store.Erase(t.Context(), f.account.ID))
			f.account = storetest.Account(t, f.store, "last")
			f.roads = f.watch("Voirie", "fictif.associe@example.org")
			if got := statusOf(f, "fictif.associe@example.org"); got != vigie.Pending {
				t.Errorf("what its owner undid is applied again: %s", got)
			}
			// The same person starts with a new, empty account.
			again, err := f.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "subject-of-fictif", Email: "fictif@example.org"})
			f.must(err)
			if again.Name != "" || again.ID <= f.account.ID {
				t.Errorf("the account came back: %+v", again)
			}
		})
	}
}

// TestEraseShared: what another account knows of an address stays.
func TestEraseShared(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		f.store.Ledger().SetFingerprints(hidden("new"))
		mine, mineWatch, mineID := f.account, f.roads, f.subscriber(f.roads).RecipientID
		f.account = storetest.Account(t, f.store, "neighbour")
		f.roads = f.watch("Voirie", "b@example.org")
		f.enter(f.roads)
		f.must(f.store.Ledger().Confirm(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
		mails, _ := f.claim()
		f.must(f.store.Ledger().MailBounced(t.Context(), mails[0].ID, "b@example.org", true, "unknown"))
		theirs := f.subscriber(f.roads).RecipientID
		f.must(f.store.Erase(t.Context(), mine.ID))
		if got := statusOf(f, "b@example.org"); got != vigie.Bounced {
			t.Errorf("the neighbour's address is %s", got)
		}
		if watches, err := f.store.Watches(t.Context(), mine.ID, store.WatchFilter{IDs: []int64{mineWatch.ID}}); err != nil || len(watches) != 0 {
			t.Errorf("the erased account has %v, %v", watches, err)
		}
		// A recipient that was to be alerted when its account was erased is left out, and delays nobody.
		n := storetest.Publish(t, f.store, storetest.Notice("later", 0))[0].Notice
		f.enterAlerts(ledger.AlertSubject{TenderID: n.TenderID, NoticeID: n.ID, Number: n.ID},
			ledger.Alert{RecipientID: mineID, Kind: vigie.DeliverNew, DueAt: f.now, Reasons: []vigie.Reason{{WatchID: mineWatch.ID}}},
			ledger.Alert{RecipientID: theirs, Kind: vigie.DeliverNew, DueAt: f.now, Reasons: []vigie.Reason{{WatchID: f.roads.ID}}})
		if _, deliveries, err := f.store.Ledger().Deliveries(t.Context(), f.roads.ID, ledger.DeliveryWindow{Limit: 10}); err != nil || deliveries != 2 {
			t.Errorf("the neighbour has %d deliveries, not 2: %v", deliveries, err)
		}
	})
}

// A mail that is refused while its account is erased says of its address what it would have: other accounts write to it no
// more. Where none names it, only a fingerprint stays.
func TestRefusedWhileErased(t *testing.T) {
	for _, shared := range []bool{true, false} {
		t.Run(fmt.Sprint("shared ", shared), func(t *testing.T) {
			eachFollowing(t, func(t *testing.T, f *following) {
				f.store.Ledger().SetFingerprints(hidden("new"))
				f.must(f.store.Ledger().Confirm(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
				f.enter(f.roads)
				mails, to := f.claim()
				mine := f.account
				name := func() {
					f.account = storetest.Account(t, f.store, "neighbour")
					f.roads = f.watch("Voirie", "b@example.org")
				}
				if shared {
					name()
				}
				f.must(f.store.Erase(t.Context(), mine.ID))
				f.must(f.store.Ledger().Refused(t.Context(), mails[0], to, "550 5.1.1 nobody"))
				kept, err := f.store.Database().NewSelect().Table("addresses").Where("address_key = 'b@example.org'").Exists(t.Context())
				if err != nil || kept != shared {
					t.Errorf("its address is kept: %v, error %v", kept, err)
				}
				if !shared {
					name()
				}
				if got := statusOf(f, "b@example.org"); got != vigie.Bounced {
					t.Errorf("to another account it is %s", got)
				}
			})
		})
	}
}

// statusOf returns the status of an address on the watch « roads ».
func statusOf(f *following, email string) vigie.RecipientStatus {
	f.t.Helper()
	for _, r := range f.recipients(f.roads) {
		if strings.EqualFold(r.Email, email) {
			return r.Status
		}
	}
	f.t.Fatalf("%s is not on the watch", email)
	return ""
}
