package alert

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/ledger"
	"vigie/store"
)

// Sender writes the messages of one channel that are due, and sends them. Every replica runs one for each channel.
//
// A message is claimed: stored with its Message-ID and its deliveries, for one sender alone until a lease ends. Nothing
// is sent within a transaction. If a sender stops in between, the next one sends the message unchanged. Only if it stops
// after the message was accepted and before that is recorded, the message is sent twice, under one Message-ID.
type Sender struct {
	Store   *store.Store
	Channel Channel
	Now     func() time.Time
	Log     *slog.Logger
	// Lease is for how long a claimed message is its sender's alone. An attempt is cut well before its end.
	Lease time.Duration
	// Spacing is the least time between two digests to one recipient.
	Spacing time.Duration
	// IndexVersion is the version of the search index that messages wait for.
	IndexVersion string
	// Fault is called at each point that is passed, if it is not nil.
	Fault   func(Fault)
	Metrics *Metrics
	// Consumers are the metrics of the consumer, and Fail is its injected fault; either may be nil.
	Consumers *consumer.Metrics
	Fail      consumer.Fault

	once sync.Once
	run  *consumer.Consumer
	// terms are the channel's; flights are nil where a lane sends one message after the other.
	terms    Terms
	flights  *flights
	recorder *recorder
	pace     pace
	// claiming is locked while a lane claims: in the database several would only wait for one another, with what they have
	// locked.
	claiming sync.Mutex
	// likely is whether the last claim left more; claiming guards it.
	likely bool
	// mails is the quarantine of mails that cannot be composed or sent, recipients that of recipients about which
	// deciding fails.
	mails, recipients *consumer.Quarantine
	// clock is when the time was last recorded, and compared when it was last compared with what others recorded;
	// clockMutex guards both.
	clockMutex      sync.Mutex
	clock, compared time.Time
}

const (
	// claimBatch is how many mails a lane claims at once, at first.
	claimBatch = 16
	// readValidFor is how long a recipient's state may be used after it was read.
	readValidFor = time.Second
	// heldPause is when a message is tried again that may not be sent for now, unless something changes before.
	heldPause = time.Hour
	// shutdownGrace is how long a mail that is being sent may take when we stop.
	shutdownGrace = 10 * time.Second
)

// Run works until ctx ends, on as many messages at once as the channel takes. Errors are logged, and the work is tried
// again.
func (s *Sender) Run(ctx context.Context) {
	c := s.consumer()
	var lanes sync.WaitGroup
	for range s.terms.Lanes {
		lanes.Go(func() { c.Run(ctx) })
	}
	lanes.Wait()
	s.flights.wait()
	s.recorder.wait()
}

// Step sends all that is due now. It is for tests that do not wait.
func (s *Sender) Step(ctx context.Context) error {
	c := s.consumer()
	for {
		err := c.Drain(ctx)
		sent := s.flights.wait()
		if recorded := s.recorder.wait(); err != nil || !sent && !recorded {
			return errors.Join(err, s.recorder.failed())
		}
	}
}

func (s *Sender) consumer() *consumer.Consumer {
	s.once.Do(func() {
		s.terms = s.Channel.Terms()
		name := database.MailsConsumer
		if s.terms.Channel == vigie.WebhookChannel {
			name = database.WebhooksConsumer
		}
		if s.terms.AtOnce > 1 {
			s.flights = newFlights(s.terms)
		}
		s.recorder = newRecorder(s.recordSent)
		s.run = &consumer.Consumer{
			Name: name, Work: s.step, Woken: s.flights.landings,
			Behind: func(ctx context.Context) (database.Behind, error) {
				return s.Store.Ledger().MailsBehind(ctx, s.terms.Channel)
			},
			DB: s.Store.Database(), Now: s.Now, Log: s.Log, Metrics: s.Consumers, Fault: s.Fail,
		}
		s.mails = &consumer.Quarantine{Consumer: s.run, Kind: database.MailItem, Also: s.Store.Ledger().CloseAside}
		s.recipients = &consumer.Quarantine{Consumer: s.run, Kind: database.RecipientItem}
	})
	return s.run
}

// step claims some mails and sends them.
func (s *Sender) step(ctx context.Context) (more bool, err error) {
	start := time.Now()
	if err := s.readClock(ctx); err != nil {
		return false, err
	}
	if err := s.revive(ctx); err != nil {
		return false, err
	}
	if err := s.recorder.failed(); err != nil {
		return false, err
	}
	limit, err := s.pace.next(), error(nil)
	if s.flights != nil {
		limit, err = s.flights.free()
	}
	if err != nil || limit == 0 {
		return false, err
	}
	mails, more, err := s.claim(ctx, limit)
	if err != nil || len(mails) == 0 {
		return more, err
	}
	s.fault(AfterClaim)
	sending := time.Now()
	sent, err := s.sendClaimed(ctx, mails, start)
	if err != nil {
		return false, errors.Join(err, s.release(ctx, mails[sent:]))
	}
	s.pace.took(len(mails), time.Since(sending))
	return true, s.release(ctx, mails[sent:]) // another lane may send them sooner
}

const (
	// keepTimeEvery is how often the time is recorded.
	keepTimeEvery = time.Minute
	// compareTimeEvery is how often it is compared with what others recorded.
	compareTimeEvery = time.Hour
)

// readClock records the time now and then, and makes up for a clock that was ahead and was set right: at the start, once
// ours goes back, and each hour, for another replica may have had that clock.
func (s *Sender) readClock(ctx context.Context) error {
	s.clockMutex.Lock()
	defer s.clockMutex.Unlock()
	now := s.Now()
	back := now.Before(s.clock)
	if !back && now.Sub(s.clock) < keepTimeEvery {
		return nil
	}
	if back || now.Sub(s.compared) >= compareTimeEvery {
		ahead, err := s.Store.Ledger().SetClockBack(ctx)
		if err != nil {
			return err
		}
		if ahead {
			s.Log.WarnContext(ctx, "a clock was ahead by more than an hour: what waits is decided about again", "component", "sender", "action", "claim")
		}
		if s.terms.Channel == vigie.WebhookChannel {
			if err := s.Store.Ledger().TakeBackHeld(ctx); err != nil {
				return err
			}
			if err := s.Store.Ledger().EraseLeft(ctx); err != nil {
				return err
			}
		}
		s.compared = now
	}
	if err := s.Store.Ledger().KeepTime(ctx); err != nil {
		return err
	}
	s.clock = now
	return nil
}

// revive opens quarantined mails again that an operator wants tried.
func (s *Sender) revive(ctx context.Context) error {
	asked, err := s.Store.Database().Retries(ctx, s.run.Name, claimBatch)
	if err != nil {
		return err
	}
	for _, row := range asked {
		if err := s.Store.Ledger().ReviveMail(ctx, row.Item); err != nil {
			return err
		}
	}
	return nil
}

// claim claims some mails. A recipient about which deciding fails is left for later, and quarantined if that does not
// help.
func (s *Sender) claim(ctx context.Context, limit int) (mails []*vigie.Mail, more bool, err error) {
	claimed, err := s.claimAlone(ctx, limit)
	if err != nil {
		return nil, false, err
	}
	for tender, cause := range claimed.Unreadable {
		s.Log.ErrorContext(ctx, "tender cannot be read: what waits of it waits longer", "component", "sender", "action", "claim", "tender", tender, "error", cause)
	}
	for recipient, cause := range claimed.Failed {
		if _, err := s.recipients.Failed(ctx, consumer.Item{ID: recipient, Number: recipient}, cause); err != nil {
			return nil, false, errors.Join(err, s.release(ctx, claimed.Mails))
		}
	}
	return claimed.Mails, claimed.More, nil
}

// claimAlone claims some mails while no other lane does.
func (s *Sender) claimAlone(ctx context.Context, limit int) (ledger.Claimed, error) {
	s.claiming.Lock()
	defer s.claiming.Unlock()
	hosts, owners := s.flights.busy()
	claimed, err := s.Store.Ledger().Claim(ctx, ledger.ClaimOptions{
		Channel: s.terms.Channel, Likely: s.likely, Busy: hosts, BusyOwners: owners, Limit: limit, Lease: s.Lease, Spacing: s.Spacing, IndexVersion: s.IndexVersion, Host: s.terms.Host,
		Guard: func(recipient int64, decide func() error) error { return s.guard(ctx, recipient, decide) },
	})
	s.likely = claimed.More && err == nil
	return claimed, err
}

// guard runs work for an item, and turns a panic into an error.
func (s *Sender) guard(ctx context.Context, item int64, work func() error) error {
	return consumer.Guard(func() error {
		if s.Fail != nil {
			if err := s.Fail(ctx, s.run.Name, []consumer.Item{{ID: item, Number: item}}); err != nil {
				return err
			}
		}
		return work()
	})
}

// release ends the leases of mails that were claimed and not tried, also when we stop.
func (s *Sender) release(ctx context.Context, mails []*vigie.Mail) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	return s.Store.Ledger().ReleaseMails(ctx, mails)
}

// time returns how long an attempt that begins now may take, of mails that were claimed at start: two thirds of the
// lease, or 0 where less is left of it.
func (s *Sender) time(start time.Time) time.Duration {
	attempt := s.Lease * 2 / 3
	if s.terms.Attempt != 0 {
		attempt = min(attempt, s.terms.Attempt)
	}
	if time.Since(start)+attempt > s.Lease {
		return 0
	}
	return attempt
}

func (s *Sender) fault(at Fault) {
	if s.Fault != nil {
		s.Fault(at)
	}
}

// sendClaimed reads the recipients of mails, and sends the mails as long as that is recent enough, one at least. It returns how
// many mails it handled.
func (s *Sender) sendClaimed(ctx context.Context, mails []*vigie.Mail, start time.Time) (int, error) {
	read := time.Now()
	reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	states, err := s.Store.Ledger().RecipientStates(reading, mails)
	if err != nil {
		return 0, err
	}
	compose, err := s.Channel.Prepare(reading, states, s.Now())
	if err != nil {
		return 0, err
	}
	for i, m := range mails {
		attempt := s.time(start)
		if i > 0 && time.Since(read) > readValidFor || attempt == 0 || stopped(ctx) {
			return i, nil
		}
		r := states[m.RecipientID]
		if r == nil {
			continue // the account was erased since, and the mail with it
		}
		if err := s.flights.start(r, func() error { return s.sendOne(ctx, compose, m, r, attempt) }); err != nil {
			if !errors.Is(err, errBusy) {
				return i, err
			}
			if err := s.release(ctx, mails[i:i+1]); err != nil {
				return i + 1, err
			}
		}
	}
	return len(mails), nil
}

// sendOne sends one mail, and puts it off if that makes us panic.
func (s *Sender) sendOne(ctx context.Context, compose Compose, m *vigie.Mail, r *ledger.RecipientState, attempt time.Duration) error {
	err := s.guard(ctx, m.ID, func() error { return s.send(ctx, compose, m, r, attempt) })
	if _, panicked := errors.AsType[*consumer.Panic](err); panicked {
		err = s.putOffPanicked(ctx, m, err)
	}
	return err
}

// stopped reports whether we are to stop.
func stopped(ctx context.Context) bool { return ctx.Err() != nil }

// send sends one mail, and has its outcome recorded. A mail that was begun is finished, also when we are to stop. An error
// means that no mail can be sent now.
func (s *Sender) send(ctx context.Context, compose Compose, m *vigie.Mail, r *ledger.RecipientState, attempt time.Duration) error {
	content := ledger.ContentOf(m, r, s.Now())
	if content.Later {
		return s.note(ctx, func(ctx context.Context) error {
			return s.Store.Ledger().MailPostponed(ctx, m, 0, s.Now().Add(heldPause), m.Error)
		})
	}
	if content.Empty {
		return s.note(ctx, func(ctx context.Context) error {
			return s.Store.Ledger().MailDropped(ctx, m, r.Email, content.Composed)
		})
	}
	message, err := compose(m, r, content)
	if err != nil { // for this mail at least: others can be sent
		return s.putOffUncomposed(ctx, m, err)
	}
	s.fault(BeforeSend)
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), attempt)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(shutdownGrace, cancel) })()
	if err := message.Send(sending); err != nil {
		return s.failed(ctx, m, r, err)
	}
	s.fault(AfterSend)
	s.Metrics.sent(m)
	s.recorder.add(ctx, ledger.SentMail{Mail: m, Address: r.Email, Composed: content.Composed})
	return nil
}

// recordSent records that messages were sent. One of which that fails keeps no other from it.
func (s *Sender) recordSent(ctx context.Context, sent []ledger.SentMail) error {
	err := consumer.Guard(func() error {
		return s.note(ctx, func(ctx context.Context) error { return s.Store.Ledger().MailsSent(ctx, sent) })
	})
	if err != nil && len(sent) > 1 && database.OfRow(err) {
		half := len(sent) / 2
		return errors.Join(s.recordSent(ctx, sent[:half]), s.recordSent(ctx, sent[half:]))
	}
	if err == nil {
		for range sent {
			s.fault(AfterRecord)
		}
		s.flights.wake() // what follows a message can be claimed now
	}
	return err
}

// putOffPanicked puts off a mail that made us panic, and quarantines it if that does not help.
func (s *Sender) putOffPanicked(ctx context.Context, m *vigie.Mail, cause error) error {
	aside, err := s.mails.Failed(ctx, consumer.Item{ID: m.ID, Number: m.ID}, cause)
	if err != nil || aside {
		return err
	}
	return s.putOffUncomposed(ctx, m, errors.New("the server failed on this mail; the log has the stack"))
}

// putOffUncomposed puts off a mail that cannot be composed: it is sent once the template is repaired.
func (s *Sender) putOffUncomposed(ctx context.Context, m *vigie.Mail, err error) error {
	s.Metrics.refused(AboutUs)
	return s.postpone(ctx, m, "compose", err)
}

// postpone puts off a mail that cannot be sent because of a fault on our side. However often that happens the mail
// stays owed, and none of these attempts counts among those that a server may refuse.
func (s *Sender) postpone(ctx context.Context, m *vigie.Mail, action string, err error) error {
	pause := untilRepaired.pause(m.Attempts)
	s.Log.ErrorContext(ctx, "mail waits for an operator", "component", "sender", "action", action, "mail", m.ID, "kind", m.Kind, "retry_in", pause, "error", err)
	s.Metrics.delayed(m)
	return s.note(ctx, func(ctx context.Context) error {
		return s.Store.Ledger().MailPostponed(ctx, m, untilRepaired.attempts(), s.Now().Add(pause), err.Error())
	})
}

// failed records that a mail was not accepted for a recipient, and decides by what the failure is about what follows.
// Only a failure about the recipient is final at once.
func (s *Sender) failed(ctx context.Context, m *vigie.Mail, r *ledger.RecipientState, err error) error {
	why, _ := errors.AsType[*Failure](err)
	if why == nil {
		return err
	}
	if why.After > 0 && r.Webhook != nil {
		until := s.Now().Add(why.After)
		if err := s.note(ctx, func(ctx context.Context) error { return s.Store.Ledger().LeaveAlone(ctx, r.Webhook, until) }); err != nil {
			return err
		}
	}
	s.Metrics.refused(why.About)
	patience := s.terms.Patience
	log := s.Log.With("component", "sender", "action", "send", "mail", m.ID, "recipient", m.RecipientID, "error", why)
	switch {
	case why.All:
		return why
	case why.About == AboutRecipient:
		log.WarnContext(ctx, "recipient suppressed")
		s.Metrics.failed(m)
		return s.note(ctx, func(ctx context.Context) error { return s.Store.Ledger().Refused(ctx, m, r, why.note()) })
	case why.About == AboutUs:
		return s.postpone(ctx, m, "send", why)
	case patience.over(m.Attempts, s.Now().Sub(m.Since())):
		log.ErrorContext(ctx, "mail given up")
		s.Metrics.failed(m)
		return s.note(ctx, func(ctx context.Context) error { return s.Store.Ledger().MailFailed(ctx, m, r.Email, why.note()) })
	}
	pause := max(patience.pause(m.Attempts), why.After)
	log.WarnContext(ctx, "mail refused, to be tried again", "retry_in", pause)
	s.Metrics.delayed(m)
	return s.note(ctx, func(ctx context.Context) error {
		return s.Store.Ledger().MailDelayed(ctx, m, r.Email, s.Now().Add(pause), why.note())
	})
}

// note records the outcome of a mail. It must not get lost, so it is tried until the database accepts it, or until we
// are to stop and the database does not answer.
func (s *Sender) note(ctx context.Context, write func(context.Context) error) error {
	noting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(shutdownGrace, cancel) })()
	_, err := backoff.Retry(noting, func() (struct{}, error) {
		err := s.flights.record(func() error { return write(noting) })
		if err != nil && vigie.CodeOf(err) != vigie.Unavailable {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(0))
	return err
}
