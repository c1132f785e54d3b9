package ledger_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/ledger"
)

// A sender that records an outcome late, since the database did not answer, ends no lease of the one that has the mail now.
func TestLeaseOfAnother(t *testing.T) {
	const here, before = "b@example.org", "old@example.org"
	for name, record := range map[string]func(f *following, m *vigie.Mail) error{
		"not tried": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().ReleaseMails(f.t.Context(), []*vigie.Mail{m})
		},
		"delayed": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().MailDelayed(f.t.Context(), m, here, f.now, "451 later")
		},
		"postponed": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().MailPostponed(f.t.Context(), m, 1, f.now, "not composed")
		},
		"delayed, to a former address": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().MailDelayed(f.t.Context(), m, before, f.now, "451 later")
		},
		"refused, to a former address": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().Refused(f.t.Context(), m, &ledger.RecipientState{Email: before}, "550 5.1.1 nobody")
		},
		"bounced, to a former address": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().MailBounced(f.t.Context(), m.ID, before, true, "550 5.1.1 nobody")
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachFollowing(t, func(t *testing.T, f *following) {
				f.must(f.store.Ledger().Confirm(t.Context(), f.subscriber(f.roads).RecipientID, here))
				first, second := f.claimedTwice()
				f.must(record(f, first[0]))
				if third, _ := f.claim(); len(third) > 0 {
					t.Error("a third sender has the mail, too")
				}
				f.must(f.store.Ledger().ReleaseMails(t.Context(), second))
				if third, _ := f.claim(); len(third) != 1 {
					t.Errorf("released by the second one, %d mails are claimed", len(third))
				}
			})
		})
	}
}

// A mail that one sender sets aside while another one sends it is sent, and not again once what was set aside is tried again.
func TestSentWhileSetAside(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		f.must(f.store.Ledger().Confirm(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
		first, second := f.claimedTwice()
		f.must(f.store.Database().Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return f.store.Ledger().CloseAside(ctx, tx, first[0].ID)
		}))
		f.must(f.store.Ledger().MailsSent(t.Context(), []ledger.SentMail{{Mail: second[0], Address: "b@example.org"}}))
		f.must(f.store.Ledger().ReviveMail(t.Context(), first[0].ID))
		if again, _ := f.claim(); len(again) > 0 {
			t.Error("the mail is sent once more")
		}
	})
}

// claimedTwice has one sender claim a mail, and another one once the lease of the first is over.
func (f *following) claimedTwice() (first, second []*vigie.Mail) {
	f.t.Helper()
	f.enter(f.roads)
	first, _ = f.claim()
	f.leasesEnd()
	if second, _ = f.claim(); len(first) != 1 || len(second) != 1 {
		f.t.Fatalf("claimed %d mails, and then %d", len(first), len(second))
	}
	return first, second
}

// leasesEnd has all leases be over.
func (f *following) leasesEnd() {
	f.t.Helper()
	_, err := f.store.Database().NewRaw("UPDATE mails SET leased_until = 1 WHERE leased_until > 1").Exec(f.t.Context())
	f.must(err)
}
