package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/ledger"
	"vigie/store"
	"vigie/store/storetest"
)

// following is an account with two watches that a second address is subscribed to; the test moves its clock.
type following struct {
	t              *testing.T
	store          *store.Store
	now            time.Time
	account        *vigie.Account
	roads, schools *vigie.Watch
	notices        int
}

// eachFollowing runs a test on every database.
func eachFollowing(t *testing.T, test func(t *testing.T, f *following)) {
	for name, url := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			f := &following{t: t, now: storetest.Noon()}
			var err error
			f.store, err = store.Open(t.Context(), url(t), func() time.Time { return f.now })
			f.must(err)
			t.Cleanup(func() { f.store.Close() })
			f.account = storetest.Account(t, f.store, "a")
			f.roads, f.schools = f.watch("Voirie", "B@example.org"), f.watch("Écoles", "b@example.org")
			test(t, f)
		})
	}
}

// must fails the test on an error.
func (f *following) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *following) watch(name, other string) *vigie.Watch {
	f.t.Helper()
	w, err := f.store.CreateWatch(f.t.Context(), f.account, vigie.Watch{Name: name, NameKey: name, Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, true, []string{other})
	f.must(err)
	return w
}

func (f *following) recipients(w *vigie.Watch) []*vigie.Recipient {
	f.t.Helper()
	all, err := f.store.Ledger().Recipients(f.t.Context(), f.account, []int64{w.ID})
	f.must(err)
	return all[w.ID]
}

// subscription returns the second address's subscription to a watch.
func (f *following) subscription(w *vigie.Watch) int64 {
	f.t.Helper()
	return f.recipients(w)[1].ID
}

// subscriber returns the second address as the addressee of its subscription's link.
func (f *following) subscriber(w *vigie.Watch) ledger.Addressee {
	f.t.Helper()
	a, err := f.store.Ledger().Subscriber(f.t.Context(), f.subscription(w))
	f.must(err)
	return a
}

// expect checks the status of the second address on both watches, and whether it may be mailed. The first address
// always may.
func (f *following) expect(when string, roads, schools vigie.RecipientStatus) {
	f.t.Helper()
	for w, want := range map[*vigie.Watch]vigie.RecipientStatus{f.roads: roads, f.schools: schools} {
		list := f.recipients(w)
		if list[0].Status != vigie.Confirmed || list[1].Status != want {
			f.t.Errorf("%s: the addresses are %s and %s to %s, not %s", when, list[0].Status, list[1].Status, w.Name, want)
		}
		recipients, err := f.store.Ledger().WatchRecipients(f.t.Context(), []int64{w.ID}, 1<<60)
		f.must(err)
		id := f.subscriber(w).RecipientID
		listed := slices.ContainsFunc(recipients, func(x ledger.WatchRecipient) bool { return x.RecipientID == id })
		if listed != (want == vigie.Confirmed) {
			f.t.Errorf("%s: that an address which is %s follows %s is %v", when, want, w.Name, listed)
		}
	}
}

// enter enters a delivery about a new tender to the second address because of a watch, whatever its consent.
func (f *following) enter(w *vigie.Watch) {
	f.t.Helper()
	f.notices++
	n := storetest.Publish(f.t, f.store, storetest.Notice(fmt.Sprint(f.notices), 0))[0].Notice
	f.enterAbout(ledger.AlertSubject{TenderID: n.TenderID, NoticeID: n.ID, Number: n.ID}, w)
}

// enterAbout enters a delivery to the second address because of a watch.
func (f *following) enterAbout(subject ledger.AlertSubject, w *vigie.Watch) {
	f.t.Helper()
	f.enterAlerts(subject, ledger.Alert{
		RecipientID: f.subscriber(w).RecipientID, Kind: vigie.DeliverNew, DueAt: f.now, Reasons: []vigie.Reason{{WatchID: w.ID}},
	})
}

func (f *following) enterAlerts(subject ledger.AlertSubject, alerts ...ledger.Alert) {
	f.t.Helper()
	again, err := f.store.Ledger().Enter(f.t.Context(), subject, alerts)
	if f.must(err); again {
		f.t.Fatal("recipients changed at the same time")
	}
}

// claim claims the second address's mails, and returns them with the recipient's state, nil if it was not checked.
func (f *following) claim() (mails []*vigie.Mail, seen *ledger.RecipientState) {
	f.t.Helper()
	id := f.subscriber(f.roads).RecipientID
	f.store.Ledger().DecideBy(func(r *ledger.RecipientState) ledger.Decision {
		if r.ID != id {
			return ledger.Decision{}
		}
		seen = r
		d := ledger.Decision{}
		for _, t := range r.Deliveries {
			if _, follows := r.Watches[t.Reasons[0].WatchID]; follows && r.Confirmed && !r.Left && !r.Bounced {
				d.Mail, d.Members = vigie.DigestMail, append(d.Members, t.ID)
			}
		}
		return d
	})
	claimed, err := f.store.Ledger().Claim(f.t.Context(), ledger.ClaimOptions{Limit: 10, Lease: time.Minute, Host: "vigie.example"})
	f.must(err)
	return claimed.Mails, seen
}

func TestAddressees(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		want := ledger.Addressee{RecipientID: f.subscriber(f.roads).RecipientID, Email: "B@example.org", WatchName: "Voirie", Locale: vigie.French}
		if diff := cmp.Diff(want, f.subscriber(f.roads)); diff != "" {
			t.Error(diff)
		}
		want.WatchName = ""
		all, err := f.store.Ledger().Addressee(t.Context(), want.RecipientID)
		if diff := cmp.Diff(want, all); diff != "" || err != nil {
			t.Error(diff, err)
		}
		own, err := f.store.Ledger().Subscriber(t.Context(), f.recipients(f.roads)[0].ID)
		if err != nil || !own.Confirmed || own.Email != "a@example.org" {
			t.Errorf("the account's own address is %+v, %v", own, err)
		}
		_, err = f.store.UpdateAccount(t.Context(), f.account.ID, vigie.AccountUpdate{Locale: new(vigie.English)})
		f.must(err)
		if got := f.subscriber(f.roads).Locale; got != vigie.English {
			t.Errorf("its language is %s", got)
		}
		// It must always be possible to leave, also a deleted watch.
		subscription := f.subscription(f.roads)
		f.must(f.store.DeleteWatch(t.Context(), f.account.ID, f.roads.ID))
		if deleted, err := f.store.Ledger().Subscriber(t.Context(), subscription); err != nil || deleted.Email != "B@example.org" {
			t.Errorf("addressee of a deleted watch: %+v, %v", deleted, err)
		}
	})
}

// A recipient that does not exist is not found; leaving it, and a bounce of what was sent to it, is not an error.
func TestConsentOfNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const nobody = 999_999
		_, addressee := s.Ledger().Addressee(t.Context(), nobody)
		_, subscriber := s.Ledger().Subscriber(t.Context(), nobody)
		_, mail := s.Ledger().MailAddress(t.Context(), nobody)
		for what, err := range map[string]error{
			"Addressee": addressee, "Subscriber": subscriber, "MailAddress": mail,
			"Confirm": s.Ledger().Confirm(t.Context(), nobody, "b@example.org"), "Rejoin": s.Ledger().Rejoin(t.Context(), nobody, "b@example.org"), "RejoinWatch": s.Ledger().RejoinWatch(t.Context(), nobody, "b@example.org"),
		} {
			if vigie.CodeOf(err) != vigie.NotFound {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, err := range map[string]error{
			"Leave": s.Ledger().Leave(t.Context(), nobody, "b@example.org"), "LeaveWatch": s.Ledger().LeaveWatch(t.Context(), nobody, "b@example.org"),
			"MailBounced": s.Ledger().MailBounced(t.Context(), nobody, "b@example.org", true, "550"),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestConfirm(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		f.expect("at first", vigie.Pending, vigie.Pending)
		id := f.subscriber(f.roads).RecipientID
		for range 2 { // pressing twice consents once
			f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
			f.expect("confirmed", vigie.Confirmed, vigie.Confirmed)
			if a := f.subscriber(f.roads); !a.Confirmed || a.Left {
				t.Errorf("the addressee is %+v", a)
			}
			if _, seen := f.claim(); seen == nil || !seen.Confirmed || seen.ConfirmationPending {
				t.Errorf("the recipient is %+v", seen)
			}
		}
		agreed := f.now
		f.now = f.now.Add(time.Hour)
		f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
		// How and when each consented: by its link, or because the issuer verified it.
		exported, err := f.store.Export(t.Context(), f.account.ID)
		f.must(err)
		for i, want := range []struct {
			by vigie.Consent
			at *time.Time
		}{{vigie.ByIssuer, exported.Account.EmailVerifiedAt}, {vigie.ByLink, &agreed}} {
			if a := exported.Addresses[i]; a.ConfirmedBy != want.by || a.ConfirmedAt == nil || !a.ConfirmedAt.Equal(*want.at) {
				t.Errorf("%s consented %s %v, not %s %s", a.Email, a.ConfirmedBy, a.ConfirmedAt, want.by, want.at)
			}
		}
		// The consent is for one account only.
		b := storetest.Account(t, f.store, "other")
		w, err := f.store.CreateWatch(t.Context(), b, vigie.Watch{Name: "Voirie", NameKey: "voirie", Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, false, []string{"b@example.org"})
		f.must(err)
		theirs, err := f.store.Ledger().Recipients(t.Context(), b, []int64{w.ID})
		if err != nil || theirs[w.ID][0].Status != vigie.Pending {
			t.Errorf("to another account it is %s, %v", theirs[w.ID][0].Status, err)
		}
	})
}

func TestLeave(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		id := f.subscriber(f.roads).RecipientID
		f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
		f.enter(f.roads)
		for range 2 {
			f.must(f.store.Ledger().Leave(t.Context(), id, "b@example.org"))
			f.expect("left", vigie.Unsubscribed, vigie.Unsubscribed)
		}
		if a := f.subscriber(f.roads); !a.Left || a.LeftWatch {
			t.Errorf("the addressee is %+v", a)
		}
		if mails, seen := f.claim(); len(mails) > 0 || seen == nil || !seen.Left || len(seen.Deliveries) == 0 {
			t.Errorf("%d mails to %+v", len(mails), seen)
		}
		// The watch's owner cannot undo it.
		for _, others := range [][]string{{}, {"b@example.org"}} {
			_, err := f.store.UpdateWatch(t.Context(), f.account, f.roads.ID, func(*vigie.Watch) {}, nil, &others)
			f.must(err)
		}
		f.expect("named again", vigie.Unsubscribed, vigie.Unsubscribed)

		f.now = f.now.Add(time.Hour)
		f.must(f.store.Ledger().Rejoin(t.Context(), id, "b@example.org"))
		f.expect("back", vigie.Confirmed, vigie.Confirmed)
		f.enter(f.schools)
		mails, seen := f.claim()
		if len(mails) != 1 || seen.Left || seen.ConfirmationPending {
			t.Errorf("%d mails to %+v", len(mails), seen)
		}
		for _, w := range seen.Watches { // no quiet note about that time
			if !w.LastMailedAt.Equal(f.now) {
				t.Errorf("it was last mailed about %s at %v", w.Name, w.LastMailedAt)
			}
		}
	})
}

// A recipient that leaves without having consented is no longer asked, and undoing that is not consent.
func TestLeaveUnconfirmed(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		if _, seen := f.claim(); seen == nil || !seen.ConfirmationPending {
			t.Fatalf("the recipient is %+v", seen)
		}
		id := f.subscriber(f.roads).RecipientID
		f.must(f.store.Ledger().Leave(t.Context(), id, "b@example.org"))
		f.must(f.store.Ledger().Rejoin(t.Context(), id, "b@example.org"))
		f.expect("left and back", vigie.Pending, vigie.Pending)
		if _, seen := f.claim(); seen == nil || seen.ConfirmationPending || seen.Confirmed {
			t.Errorf("the recipient is %+v", seen)
		}
		f.must(f.store.Ledger().Leave(t.Context(), id, "b@example.org"))
		f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
		f.expect("left and confirmed", vigie.Confirmed, vigie.Confirmed)
	})
}

func TestLeaveWatch(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		id := f.subscriber(f.roads).RecipientID
		f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
		f.enter(f.roads)
		f.enter(f.schools)
		for range 2 {
			f.must(f.store.Ledger().LeaveWatch(t.Context(), f.subscription(f.roads), "b@example.org"))
			f.expect("left one", vigie.Unsubscribed, vigie.Confirmed)
		}
		if a := f.subscriber(f.roads); a.Left || !a.LeftWatch {
			t.Errorf("the addressee is %+v", a)
		}
		mails, seen := f.claim()
		if _, follows := seen.Watches[f.roads.ID]; follows || len(mails) != 1 || len(seen.Deliveries) != 2 {
			t.Errorf("%d mails to %+v", len(mails), seen)
		}
		states, err := f.store.Ledger().RecipientStates(t.Context(), mails)
		if err != nil || len(states[id].Deliveries) != 1 || states[id].Deliveries[0].Reasons[0].WatchID != f.schools.ID {
			t.Errorf("its state is %+v, %v", states[id], err)
		}
		// To rejoin one watch is to rejoin.
		f.must(f.store.Ledger().Leave(t.Context(), id, "b@example.org"))
		f.must(f.store.Ledger().RejoinWatch(t.Context(), f.subscription(f.roads), "b@example.org"))
		f.expect("back", vigie.Confirmed, vigie.Confirmed)
		// To rejoin is not to rejoin a watch that was left by itself.
		f.must(f.store.Ledger().LeaveWatch(t.Context(), f.subscription(f.schools), "b@example.org"))
		f.must(f.store.Ledger().Rejoin(t.Context(), id, "b@example.org"))
		f.expect("back but for one", vigie.Confirmed, vigie.Unsubscribed)
	})
}

// Reading a recipient again before sending shows that it has left since.
func TestLeaveWhatIsClaimed(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		id := f.subscriber(f.roads).RecipientID
		f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
		f.enter(f.roads)
		mails, _ := f.claim()
		if len(mails) != 1 {
			t.Fatalf("%d mails", len(mails))
		}
		f.must(f.store.Ledger().LeaveWatch(t.Context(), f.subscription(f.roads), "b@example.org"))
		if states, err := f.store.Ledger().RecipientStates(t.Context(), mails); err != nil || len(states[id].Watches) != 1 {
			t.Errorf("it follows %+v, %v", states[id], err)
		}
		f.must(f.store.Ledger().Leave(t.Context(), id, "b@example.org"))
		if states, err := f.store.Ledger().RecipientStates(t.Context(), mails); err != nil || !states[id].Left {
			t.Errorf("it is %+v, %v", states[id], err)
		}
	})
}

func TestMailBounced(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		id := f.subscriber(f.roads).RecipientID
		f.must(f.store.Ledger().Confirm(t.Context(), id, "b@example.org"))
		f.enter(f.roads)
		mails, _ := f.claim()
		if len(mails) != 1 {
			t.Fatalf("%d mails", len(mails))
		}
		if address, err := f.store.Ledger().MailAddress(t.Context(), mails[0].ID); err != nil || address != "B@example.org" {
			t.Errorf("the mail is for %q, %v", address, err)
		}
		// A mail that bounced because of its content is not sent again, and other mails still go out.
		f.must(f.store.Ledger().MailBounced(t.Context(), mails[0].ID, "b@example.org", false, "554 no such text"))
		f.expect("refused", vigie.Confirmed, vigie.Confirmed)
		f.now = f.now.Add(time.Hour)
		if again, _ := f.claim(); len(again) > 0 {
			t.Errorf("it is sent again: %+v", again)
		}
		f.enter(f.schools)
		if mails, _ = f.claim(); len(mails) != 1 {
			t.Fatalf("%d mails", len(mails))
		}
		f.must(f.store.Ledger().MailsSent(t.Context(), []ledger.SentMail{{Mail: mails[0], Address: "b@example.org"}}))
		b := storetest.Account(t, f.store, "other")
		w, err := f.store.CreateWatch(t.Context(), b, vigie.Watch{Name: "Voirie", NameKey: "voirie", Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, false, []string{"b@Example.org"})
		f.must(err)
		for range 2 { // bounces can come several times
			f.must(f.store.Ledger().MailBounced(t.Context(), mails[0].ID, "b@example.org", true, "550 no such user"))
			f.expect("bounced", vigie.Bounced, vigie.Bounced)
		}
		theirs, err := f.store.Ledger().Recipients(t.Context(), b, []int64{w.ID})
		if err != nil || theirs[w.ID][0].Status != vigie.Bounced {
			t.Errorf("to another account it is %s, %v", theirs[w.ID][0].Status, err)
		}
		f.enter(f.roads)
		if mails, seen := f.claim(); len(mails) > 0 || seen == nil || !seen.Bounced {
			t.Errorf("%d mails to %+v", len(mails), seen)
		}
		// A recipient that follows a link of an earlier mail does exist.
		f.must(f.store.Ledger().Rejoin(t.Context(), id, "b@example.org"))
		f.expect("there", vigie.Confirmed, vigie.Confirmed)
	})
}
