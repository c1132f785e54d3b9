package ledger_test

import (
	"testing"
	"time"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// signIn signs the account of « following » in with an address; verified is the token's claim, nil for none.
func (f *following) signIn(email string, verified *bool) {
	f.t.Helper()
	var err error
	f.account, err = f.store.SignIn(f.t.Context(), store.Claims{
		Issuer: "test", Subject: "a", Email: email, EmailVerified: verified != nil && *verified, VerificationAbsent: verified == nil,
	})
	f.must(err)
}

// subscriptionOf returns the subscription of an address to a watch.
func (f *following) subscriptionOf(w *vigie.Watch, email string) int64 {
	f.t.Helper()
	for _, r := range f.recipients(w) {
		if r.Email == email {
			return r.ID
		}
	}
	f.t.Fatalf("%s is not on %s", email, w.Name)
	return 0
}

// status returns the status of an address on a watch, "" if it is not on it.
func (f *following) status(w *vigie.Watch, email string) vigie.RecipientStatus {
	f.t.Helper()
	for _, r := range f.recipients(w) {
		if r.Email == email {
			return r.Status
		}
	}
	return ""
}

// bounce makes a mail to the second address bounce.
func (f *following) bounce() {
	f.t.Helper()
	f.enter(f.roads)
	mails, _ := f.claim()
	if len(mails) != 1 {
		f.t.Fatalf("%d mails", len(mails))
	}
	f.must(f.store.Ledger().MailBounced(f.t.Context(), mails[0].ID, "b@example.org", true, "550 no such user"))
}

// The owner of an account cannot undo that another person left by claiming that person's address: the issuer must
// verify it.
func TestResubscribeAnother(t *testing.T) {
	leavings := map[string]func(f *following){
		"all": func(f *following) {
			f.must(f.store.Ledger().Leave(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
		},
		"the watch": func(f *following) {
			f.must(f.store.Ledger().LeaveWatch(t.Context(), f.subscription(f.roads), "b@example.org"))
		},
	}
	for name, leave := range leavings {
		t.Run(name, func(t *testing.T) {
			eachFollowing(t, func(t *testing.T, f *following) {
				f.must(f.store.Ledger().Confirm(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
				leave(f)
				for _, verified := range []*bool{new(false), nil} {
					f.signIn("b@example.org", verified)
					err := f.store.Resubscribe(t.Context(), f.account, f.subscriptionOf(f.roads, "B@example.org"))
					if vigie.CodeOf(err) != vigie.NotAllowed {
						t.Errorf("the owner of the account undid it: %v", err)
					}
				}
				// Nor can a request that began while the address was verified.
				before := *f.account
				before.EmailVerified = true
				if err := f.store.Resubscribe(t.Context(), &before, f.subscriptionOf(f.roads, "B@example.org")); vigie.CodeOf(err) != vigie.NotAllowed {
					t.Errorf("a request from before undid it: %v", err)
				}
				if got := f.status(f.roads, "B@example.org"); got != vigie.Unsubscribed {
					t.Errorf("the status is %s", got)
				}
				f.signIn("b@example.org", new(true))
				f.must(f.store.Resubscribe(t.Context(), f.account, f.subscriptionOf(f.roads, "B@example.org")))
				if got := f.status(f.roads, "B@example.org"); got != vigie.Confirmed {
					t.Errorf("verified, the status is %s", got)
				}
			})
		})
	}
}

// Resubscribing changes one account. What holds for an address on all accounts, a bounce or what is kept of erased
// accounts, is undone only by the address's own link.
func TestResubscribeIsForOneAccount(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		f.store.Ledger().SetFingerprints(hidden("key"))
		// It left an account that was erased, and this one.
		id := f.subscriber(f.roads).RecipientID
		f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
		deleted := storetest.Account(t, f.store, "gone")
		w, err := f.store.CreateWatch(t.Context(), deleted, vigie.Watch{Name: "Voirie", NameKey: "voirie", Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, false, []string{"b@example.org"})
		f.must(err)
		theirs, err := f.store.Ledger().Recipients(t.Context(), deleted, []int64{w.ID})
		f.must(err)
		a, err := f.store.Ledger().Subscriber(t.Context(), theirs[w.ID][0].ID)
		f.must(err)
		f.must(f.store.Ledger().Leave(t.Context(), a.RecipientID, a.Email))
		f.must(f.store.Erase(t.Context(), deleted.ID))
		f.must(f.store.Ledger().Leave(t.Context(), id, "b@example.org"))
		f.signIn("b@example.org", new(true))
		f.must(f.store.Resubscribe(t.Context(), f.account, f.subscriptionOf(f.roads, "B@example.org")))
		if got := f.status(f.roads, "B@example.org"); got != vigie.Confirmed {
			t.Errorf("the status is %s", got)
		}
		next := storetest.Account(t, f.store, "next")
		w, err = f.store.CreateWatch(t.Context(), next, vigie.Watch{Name: "Voirie", NameKey: "voirie", Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, false, []string{"b@example.org"})
		f.must(err)
		theirs, err = f.store.Ledger().Recipients(t.Context(), next, []int64{w.ID})
		if err != nil || theirs[w.ID][0].Status != vigie.Unsubscribed {
			t.Errorf("another account finds it %s: %v", theirs[w.ID][0].Status, err)
		}
	})
	eachFollowing(t, func(t *testing.T, f *following) {
		id := f.subscriber(f.roads).RecipientID
		f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
		f.bounce()
		for _, verified := range []*bool{new(true), new(false)} {
			f.signIn("b@example.org", verified)
			if err := f.store.Resubscribe(t.Context(), f.account, f.subscriptionOf(f.roads, "B@example.org")); vigie.CodeOf(err) != vigie.NotAllowed {
				t.Errorf("from an address that bounced: %v", err)
			}
			if got := f.status(f.roads, "B@example.org"); got != vigie.Bounced {
				t.Errorf("the address that bounced is %s", got)
			}
		}
		f.must(f.store.Ledger().Rejoin(t.Context(), id, "b@example.org"))
		if got := f.status(f.roads, "B@example.org"); got != vigie.Confirmed {
			t.Errorf("after its own link the status is %s", got)
		}
	})
}

// An address that left stays so, also if the account had it for a while and has another now.
func TestLeavingOutlastsClaims(t *testing.T) {
	leavings := map[string]func(f *following){
		"all": func(f *following) {
			f.must(f.store.Ledger().Leave(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
		},
		"the watch": func(f *following) {
			f.must(f.store.Ledger().LeaveWatch(t.Context(), f.subscription(f.roads), "b@example.org"))
		},
	}
	for name, leave := range leavings {
		for known, knows := range map[string]bool{"a new address": false, "an address of another watch": true} {
			t.Run(name+", "+known, func(t *testing.T) {
				eachFollowing(t, func(t *testing.T, f *following) {
					if knows {
						_, err := f.store.CreateWatch(t.Context(), f.account, vigie.Watch{Name: "Ponts", NameKey: "ponts", Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, false, []string{"c@example.org"})
						f.must(err)
					}
					id := f.subscriber(f.roads).RecipientID
					subscription := f.subscription(f.roads)
					f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
					leave(f)
					f.signIn("b@example.org", new(false))
					f.signIn("c@example.org", new(true))
					// A new address counts as having left too; a known one keeps its own state.
					want := vigie.Unsubscribed
					if knows && name == "all" {
						want = vigie.Confirmed
					}
					if got := f.status(f.roads, "c@example.org"); got != want {
						t.Errorf("the address that takes over is %q", got)
					}
					_, err := f.store.UpdateWatch(t.Context(), f.account, f.roads.ID, func(*vigie.Watch) {}, nil, &[]string{"b@example.org"})
					f.must(err)
					if got := f.status(f.roads, "B@example.org"); got != vigie.Unsubscribed {
						t.Errorf("named again, it is %q", got)
					}
					// Its links still lead to it.
					who, err := f.store.Ledger().Subscriber(t.Context(), subscription)
					if err != nil || who.Email != "B@example.org" || who.RecipientID != id {
						t.Errorf("its link is %+v: %v", who, err)
					}
				})
			})
		}
	}
}

// A person who left still counts as having left after a change of address, until the person undoes it.
func TestLeavingMovesAlong(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		own, err := f.store.Ledger().Subscriber(t.Context(), f.recipients(f.roads)[0].ID)
		f.must(err)
		f.must(f.store.Ledger().Leave(t.Context(), own.RecipientID, own.Email))
		f.signIn("new@example.org", new(true))
		for _, w := range []*vigie.Watch{f.roads, f.schools} {
			if got := f.status(w, "new@example.org"); got != vigie.Unsubscribed {
				t.Errorf("on %s the new address is %q", w.Name, got)
			}
		}
		f.must(f.store.Resubscribe(t.Context(), f.account, f.subscriptionOf(f.roads, "new@example.org")))
		if got := f.status(f.schools, "new@example.org"); got != vigie.Confirmed {
			t.Errorf("back, it is %q", got)
		}
	})
}

// What an address chose on an account that was erased holds again when an account has it as its own, or names it.
func TestForgottenHoldsForClaims(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		f.store.Ledger().SetFingerprints(hidden("key"))
		mine := f.account
		f.must(f.store.Ledger().Leave(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
		f.must(f.store.Erase(t.Context(), mine.ID))
		for i, c := range []struct {
			verified *bool
			want     vigie.RecipientStatus
		}{{new(false), vigie.Unsubscribed}, {nil, vigie.Unsubscribed}, {new(true), vigie.Confirmed}} {
			claim := func(email string, verified *bool) {
				var err error
				f.account, err = f.store.SignIn(t.Context(), store.Claims{
					Issuer: "test", Subject: string(rune('p' + i)), Email: email, EmailVerified: verified != nil && *verified, VerificationAbsent: verified == nil,
				})
				f.must(err)
			}
			claim("first@example.org", new(true))
			f.roads = f.watch("Voirie", "other@example.org")
			claim("b@example.org", c.verified)
			if got := f.status(f.roads, "b@example.org"); got != c.want {
				t.Errorf("claimed, it is %q, not %s", got, c.want)
			}
		}
	})
}

// The time since when an issuer verifies the present address is known. A token without the claim leaves it as it is.
func TestVouchedSince(t *testing.T) {
	const yes, no, absent = "yes", "no", "absent"
	eachFollowing(t, func(t *testing.T, f *following) {
		start := f.now
		for i, step := range []struct {
			email, verified string
			since           int // hours; -1 for never
		}{
			{"a@example.org", absent, -1}, {"a@example.org", no, -1}, {"a@example.org", yes, 2}, {"A@example.org", yes, 2}, {"a@example.org", absent, 2},
			{"b@example.org", yes, 5}, {"", no, 5}, {"", absent, 5}, {"b@example.org", no, -1}, {"b@example.org", absent, -1}, {"b@example.org", yes, 10},
			{"c@example.org", absent, -1}, {"b@example.org", absent, -1}, {"b@example.org", yes, 13},
		} {
			f.now = start.Add(time.Duration(i) * time.Hour)
			a, err := f.store.SignIn(t.Context(), store.Claims{
				Issuer: "i", Subject: "1", Email: step.email, EmailVerified: step.verified == yes, VerificationAbsent: step.verified == absent,
			})
			f.must(err)
			switch {
			case step.since < 0 && a.EmailVerifiedAt == nil && !a.EmailVerified:
			case step.since >= 0 && a.EmailVerified && a.EmailVerifiedAt != nil && a.EmailVerifiedAt.Equal(start.Add(time.Duration(step.since)*time.Hour)):
			default:
				t.Errorf("step %d: %v, since %v", i, a.EmailVerified, a.EmailVerifiedAt)
			}
			if step.email == "" && a.Email != "b@example.org" {
				t.Errorf("step %d: the address is %q", i, a.Email)
			}
		}
	})
}
