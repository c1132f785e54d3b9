package alert_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/alert/consent"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/store"
)

// moves signs an account's owner in with another address.
func (w *world) moves(subject, email string, verified bool) {
	w.t.Helper()
	_, err := w.store.SignIn(w.t.Context(), store.Claims{Issuer: "test", Subject: subject, Email: email, EmailVerified: verified})
	if err != nil {
		w.t.Fatal(err)
	}
}

func refuseForNow(post.Message) error {
	return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 later"}
}

// A mail that the mail server refused for now is still owed after the account's address became one that is a recipient
// of another watch already.
func TestAddressChangesWhileMailIsOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.account, "Cantine", vigie.Immediate, "cantine", "new@example.org")
		w.consents("new@example.org")
		w.publish("1", "Voirie")
		w.mailer.refuse = refuseForNow
		w.expect("refused for now", w.work())
		w.mailer.refuse = nil
		w.moves("ana", "new@example.org", true)
		w.expect("accepted", w.after(2*time.Hour), "new: 1 nouveau marché – veille Voirie")
		w.expect("once", w.after(72*time.Hour))
	})
}

// The same, where the old address had left one other watch.
func TestAddressThatLeftAnotherWatchChangesWhileMailIsOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		other := w.watch(w.account, "Cantine", vigie.Immediate, "cantine")
		if err := w.store.Ledger().LeaveWatch(t.Context(), w.subscription(w.account, other).ID, "ana@example.org"); err != nil {
			t.Fatal(err)
		}
		w.publish("1", "Voirie")
		w.mailer.refuse = refuseForNow
		w.expect("refused for now", w.work())
		w.mailer.refuse = nil
		w.moves("ana", "new@example.org", true)
		w.expect("accepted", w.after(2*time.Hour), "new: 1 nouveau marché – veille Voirie")
		w.expect("once", w.after(72*time.Hour))
	})
}

// What waits for the old address is owed to the new one, although that was once removed from the watch.
func TestAddressChangesToOneThatWasRemoved(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie", "new@example.org")
		w.consents("new@example.org")
		w.publish("1", "Voirie")
		w.expect("entered", w.work())
		if _, err := w.store.UpdateWatch(t.Context(), w.account, watch.ID, func(*vigie.Watch) {}, nil, &[]string{}); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
		w.expect("removed", w.work())
		w.moves("ana", "new@example.org", true)
		w.expect("digest", w.after(72*time.Hour), "new: 1 nouveau marché – veille Voirie")
	})
}

// The cancellation of a tender reaches the person whose address changed since the alert.
func TestCancelledAfterAddressChange(t *testing.T) {
	for name, others := range map[string][]string{"to a new one": nil, "to one that is on another watch": {"new@example.org"}} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				w.watch(w.account, "Cantine", vigie.Immediate, "cantine", others...)
				w.consents("new@example.org")
				w.publish("1", "Voirie")
				w.expect("sent", w.work(), "ana: 1 nouveau marché – veille Voirie")
				w.now = w.now.Add(time.Hour)
				w.moves("ana", "new@example.org", true)
				w.publish("1x", "Voirie", about(vigie.Cancellation, "1"))
				if got := w.after(time.Hour); len(got) != 1 {
					t.Errorf("no mail about the cancellation: %v", got)
				}
			})
		})
	}
}

// An address whose local part has a capital that is not ASCII is the account's own, and is mailed.
func TestCapitalLetterBeyondASCII(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		account, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "elodie", Email: "Élodie@example.org", EmailVerified: true})
		if err != nil {
			t.Fatal(err)
		}
		w.watch(account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.expect("published", w.work(), "Élodie: 1 nouveau marché – veille Voirie")
	})
}

// Two addresses of which only one is ASCII are two mailboxes: what becomes of the one (its letter K is the Kelvin sign,
// whose small letter is k) says nothing about the other.
func TestLetterThatIsLoweredToASCII(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.signIn("kim"), "Voirie", vigie.Immediate, "voirie")
		other, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "mallory", Email: "\u212aim@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		w.watch(other, "Voirie", vigie.Immediate, "voirie")
		w.mailer.refuse = func(m post.Message) error {
			if m.To == "\u212aim@example.org" {
				return &post.Error{Kind: post.ForAddress, Code: 550, Reply: "the mail server takes no addresses that are not ASCII"}
			}
			return nil
		}
		w.expect("asked", w.work())
		w.publish("1", "Voirie")
		w.expect("published", w.work(), "kim: 1 nouveau marché – veille Voirie")
	})
}

// refuseAlways refuses mail to an address for so long that the pauses between the tries have become long.
func (w *world) refuseAlways(address string) {
	w.mailer.refuse = func(m post.Message) error {
		if m.To == address {
			return refuseForNow(m)
		}
		return nil
	}
	for pause := time.Minute; pause < 30*time.Hour; pause *= 2 {
		w.work()
		w.now = w.now.Add(pause + time.Second)
	}
	w.work()
}

// The new address of an account does not wait for the mail server of the old one.
func TestNewAddressDoesNotWaitForOldServer(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.refuseAlways("ana@example.org")
		w.moves("ana", "new@example.org", true)
		w.publish("2", "Voirie", until(w.in(30*time.Hour)))
		got := w.after(2 * time.Hour)
		later := append(w.after(20*time.Hour), w.after(20*time.Hour)...)
		if len(got) == 0 {
			t.Errorf("two hours after a tender that closes in 30: no mail; then %v", later)
		}
	})
}

// An address that is verified now does not wait until a request for its consent is tried again.
func TestVerifiedAddressDoesNotWaitForConfirmation(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		account, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "eve", Email: "eve@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		w.watch(account, "Voirie", vigie.Immediate, "voirie")
		w.refuseAlways("eve@example.org")
		w.mailer.refuse = nil
		w.moves("eve", "eve@example.org", true)
		w.publish("2", "Voirie", until(w.in(30*time.Hour)))
		got := w.after(2 * time.Hour)
		later := append(w.after(20*time.Hour), w.after(20*time.Hour)...)
		if len(got) == 0 {
			t.Errorf("two hours after a tender that closes in 30: no mail; then %v", later)
		}
	})
}

// The account's address changes while a mail to the old one is being sent, which the mail server then refuses permanently:
// the old address is suppressed, not the new one.
func TestAddressChangesWhileMailIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		once := sync.OnceFunc(func() { w.moves("ana", "new@example.org", true) })
		w.mailer.refuse = func(m post.Message) error {
			if m.To != "ana@example.org" {
				return nil
			}
			once() // another request, meanwhile
			return &post.Error{Kind: post.ForAddress, Code: 550, Reply: "550 5.1.1 no such user"}
		}
		w.work()
		w.publish("2", "Voirie")
		w.expect("the next tender", w.after(time.Hour), "new: 1 nouveau marché – veille Voirie")
	})
}

// after calls then, once, after a query that contains a text.
type afterQuery struct {
	text string
	then func()
}

func (a *afterQuery) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (a *afterQuery) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	if then := a.then; then != nil && strings.Contains(e.Query, a.text) {
		a.then = nil
		then()
	}
}

// The link of a mail to one address confirms no other: also where the account's address changes while the link is
// followed.
func TestConfirmWhileAddressChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		mallory, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "mallory", Email: "mallory@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		w.watch(mallory, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		if err := w.sender.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(link.ConfirmPath + `([0-9a-v]+)`).FindStringSubmatch(w.mailer.messages[0].Text)
		w.mailer.messages = nil
		pages := (&consent.Pages{Ledger: w.store.Ledger(), Keys: w.mail.Keys, Brand: "Vigie", Locale: func(string) vigie.Locale { return "" }, Log: slog.Default()}).Handler()
		w.store.Database().Observe(&afterQuery{"left_watch", func() {
			if _, err := w.store.SignIn(context.Background(), store.Claims{Issuer: "test", Subject: "mallory", Email: "victim@example.org"}); err != nil {
				t.Error(err)
			}
		}})
		r := httptest.NewRequest(http.MethodPost, link.ConfirmPath+found[1], strings.NewReader(url.Values{}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, r)
		w.publish("1", "Voirie")
		for _, line := range w.work() {
			if strings.HasPrefix(line, "victim") && !strings.Contains(line, "Confirmez") {
				t.Errorf("mailed without consent: %s", line)
			}
		}
	})
}

// A notice is alerted to the address that the account has when its alert is entered, also where that changed after the
// ledger read whom to alert.
func TestAddressChangesWhileNoticeIsEntered(t *testing.T) {
	for name, before := range map[string]func(*world){
		"to one that is not known": func(*world) {},
		"to one of another watch": func(w *world) {
			w.watch(w.account, "Cantine", vigie.Immediate, "cantine", "new@example.org")
			w.consents("new@example.org")
		},
		"from one that left another watch": func(w *world) {
			other := w.watch(w.account, "École", vigie.Immediate, "école")
			if err := w.store.Ledger().LeaveWatch(w.t.Context(), w.subscription(w.account, other).ID, w.account.Email); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				before(w)
				w.publish("1", "Voirie")
				w.store.Database().Observe(&afterQuery{"w.keywords", func() { w.moves("ana", "new@example.org", true) }})
				w.expect("changed while it was entered", w.work(), "new: 1 nouveau marché – veille Voirie")
				w.expect("once", w.after(72*time.Hour))
			})
		})
	}
}

// An account's address changes into one of another of its watches while a mail to the old one is being sent and another mail
// waits for the new one. What the old address gets does not come to the new one, too; what it does not get does.
func TestAddressChangesWhileBothHaveMail(t *testing.T) {
	for name, test := range map[string]struct {
		refused error
		want    []string
	}{
		"accepted at the old address": {nil, []string{"ana: 1 nouveau marché – veille Voirie", "new: 1 nouveau marché – veille Cantine"}},
		"refused at the old address": {
			refuseForNow(post.Message{}), []string{"new: 1 nouveau marché – veille Cantine", "new: 1 nouveau marché – veille Voirie"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				other := w.watch(w.account, "Cantine", vigie.Immediate, "cantine", "new@example.org")
				if _, err := w.store.UpdateWatch(t.Context(), w.account, other.ID, func(*vigie.Watch) {}, new(bool), nil); err != nil {
					t.Fatal(err)
				}
				w.consents("new@example.org")
				w.publish("1", "Cantine")
				w.mailer.refuse = refuseForNow
				w.expect("refused for now", w.work())
				w.now = w.now.Add(10 * time.Second) // the first mail is not tried again yet
				w.publish("2", "Voirie")
				w.enter()
				w.mailer.refuse = nil
				lane := newSender(t, w.store, w.mailer, func() time.Time { return w.now })
				meanwhile := sync.OnceFunc(func() {
					w.moves("ana", "new@example.org", true)
					w.mailer.mutex.Unlock() // in this time another lane sends
					defer w.mailer.mutex.Lock()
					for range 3 {
						if err := lane.Step(t.Context()); err != nil {
							t.Error(err)
						}
						w.now = w.now.Add(2 * time.Minute)
					}
				})
				w.mailer.refuse = func(m post.Message) error {
					if m.To != "ana@example.org" {
						return nil
					}
					meanwhile()
					return test.refused
				}
				got := w.send()
				for range 5 {
					got = append(got, w.after(10*time.Minute)...)
				}
				w.expect("in the end", slices.Sorted(slices.Values(got)), test.want...)
			})
		})
	}
}
