package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"vigie"
	"vigie/address"
	"vigie/query"
	"vigie/store"
)

// SupportAgent is who asks for a support agent, as its token says.
type SupportAgent struct{ Issuer, Subject string }

// maxFound is how many accounts are found by an address.
const maxFound = 20

// FindAccounts returns the accounts whose own address it is, and then those
// that write to it. That the agent sees them is written down first, as an access
// by a field of the API.
func (s *Service) FindAccounts(ctx context.Context, supportAgent SupportAgent, field, email string) ([]*vigie.Account, error) {
	accounts, err := s.Store.AccountsOfAddress(ctx, address.Canonical(strings.TrimSpace(email)), maxFound)
	if err != nil {
		return nil, err
	}
	return accounts, s.Store.AddAuditEntry(ctx, supportAgent.Issuer, supportAgent.Subject, field, accounts)
}

// OpenWatch returns the account whose a watch is. That the agent sees it is
// written down first.
func (s *Service) OpenWatch(ctx context.Context, supportAgent SupportAgent, field string, watch int64) (*vigie.Account, error) {
	account, err := s.Store.AccountOfWatch(ctx, watch)
	switch {
	case vigie.CodeOf(err) == vigie.NotFound:
		if err := s.Store.AddAuditEntry(ctx, supportAgent.Issuer, supportAgent.Subject, field, nil); err != nil {
			return nil, err
		}
		return nil, noWatch()
	case err != nil:
		return nil, err
	}
	return account, s.Store.AddAuditEntry(ctx, supportAgent.Issuer, supportAgent.Subject, field, []*vigie.Account{account})
}

// AlertExplanation is what an address was told of a tender because of a watch,
// or why it was not.
type AlertExplanation struct {
	Recipient  *vigie.Recipient
	Deliveries []*store.Outgoing
	Reasons    []*AlertReason
}

// Alerted tells whether a mail was accepted.
func (e *AlertExplanation) Alerted() bool {
	return slices.ContainsFunc(e.Deliveries, func(d *store.Outgoing) bool { return d.Status() == vigie.DeliverySent })
}

// AlertReason is why an address was told, or was not.
type AlertReason struct {
	Code AlertReasonCode
	Text vigie.Text
	At   *time.Time // when it happened, or will; nil where that is not known
	// Reply is what the mail server said, where it refused.
	Reply string
}

// AlertReasonCode is why an address was told, or was not, for programs.
type AlertReasonCode string

// The reasons.
const (
	AlertSent          AlertReasonCode = "SENT"
	AlertWaiting       AlertReasonCode = "WAITING"
	AlertHeld          AlertReasonCode = "HELD"
	AlertDelayed       AlertReasonCode = "DELAYED"
	AlertFailed        AlertReasonCode = "FAILED"
	AlertDropped       AlertReasonCode = "DROPPED"
	AlertRemoved       AlertReasonCode = "REMOVED"
	AlertPending       AlertReasonCode = "PENDING"
	AlertUnsubscribed  AlertReasonCode = "UNSUBSCRIBED"
	AlertBounced       AlertReasonCode = "BOUNCED"
	AlertDismissed     AlertReasonCode = "DISMISSED"
	AlertWatchInactive AlertReasonCode = "WATCH_INACTIVE"
	AlertNotMatching   AlertReasonCode = "NOT_MATCHING"
	AlertBeforeWatch   AlertReasonCode = "BEFORE_WATCH"
	AlertQuiet         AlertReasonCode = "QUIET"
	AlertNotMatchedYet AlertReasonCode = "NOT_MATCHED_YET"
	AlertNotOnline     AlertReasonCode = "NOT_ONLINE"
	AlertUnknown       AlertReasonCode = "UNKNOWN"
)

// ExplainAlert says what each address of a watch of an account was told of a
// tender, or why it was not. What stands against a mail is judged by what is
// known now.
func (s *Service) ExplainAlert(ctx context.Context, account *vigie.Account, w *vigie.Watch, tender int64) ([]*AlertExplanation, error) {
	t, match, err := s.explain(ctx, w, tender)
	if err != nil {
		return nil, err
	}
	recipients, err := s.Store.AllRecipients(ctx, account, w.ID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.Store.Attempts(ctx, w.ID, t.ID)
	if err != nil {
		return nil, err
	}
	marks, err := s.Store.Marks(ctx, account.ID, []int64{t.ID})
	if err != nil {
		return nil, err
	}
	against, err := s.againstAlert(ctx, w, t, match)
	if err != nil {
		return nil, err
	}
	var list []*AlertExplanation
	for _, r := range recipients {
		e := &AlertExplanation{Recipient: r, Deliveries: []*store.Outgoing{}}
		for _, a := range attempts {
			if a.SubscriptionID == r.ID {
				e.Deliveries = append(e.Deliveries, &a.Outgoing)
				e.Reasons = append(e.Reasons, becameOf(a))
			}
		}
		if !e.Alerted() {
			e.Reasons = append(append(e.Reasons, againstAddress(r, marks[t.ID])...), against...)
		}
		if len(e.Reasons) == 0 {
			e.Reasons = append(e.Reasons, &AlertReason{Code: AlertUnknown, Text: vigie.Text{
				FR: "Rien ne s'y oppose aujourd'hui : la veille ou le marché étaient autres à l'arrivée de l'avis, l'avis était déjà trop ancien pour une alerte, " +
					"ou c'est plus ancien que ce qui est conservé.",
				EN: "Nothing stands against it now: the watch or the tender was another when the notice came, the notice was too old to alert by then, " +
					"or it is longer ago than is kept.",
			}})
		}
		list = append(list, e)
	}
	return list, nil
}

// becameOf says what became of a delivery.
func becameOf(a *store.Attempt) *AlertReason {
	switch a.Status() {
	case vigie.DeliverySent:
		return &AlertReason{Code: AlertSent, At: a.ClosedAt, Text: vigie.Text{
			FR: "Un serveur de messagerie a accepté le message : il peut être dans les indésirables.",
			EN: "A mail server accepted the mail: it may be in the spam folder.",
		}}
	case vigie.DeliveryFailed:
		return &AlertReason{Code: AlertFailed, At: a.ClosedAt, Reply: a.Error, Text: vigie.Text{
			FR: "Le serveur de messagerie a refusé le message définitivement.",
			EN: "The mail server refused the mail for good.",
		}}
	case vigie.DeliveryDropped:
		at := a.DroppedAt
		if at == nil {
			at = a.ClosedAt
		}
		return &AlertReason{Code: AlertDropped, At: at, Text: vigie.Text{
			FR: "Au moment de l'envoi, le message n'était plus utile ou n'était plus permis.",
			EN: "When the mail was due, it was no longer relevant, or no longer allowed.",
		}}
	case vigie.DeliveryHeld:
		return &AlertReason{Code: AlertHeld, At: &a.DueAt, Text: heldFor(a.HeldFor)}
	case vigie.DeliveryWaiting, vigie.DeliveryClaimed:
	}
	if a.Error != "" {
		return &AlertReason{Code: AlertDelayed, At: a.RetryAt, Reply: a.Error, Text: vigie.Text{
			FR: "Le serveur de messagerie a refusé le message pour l'instant ; un nouvel essai est prévu.",
			EN: "The mail server refused the mail for the time being; it is tried again.",
		}}
	}
	return &AlertReason{Code: AlertWaiting, At: &a.DueAt, Text: vigie.Text{FR: "Le message doit encore partir.", EN: "The mail is still to leave."}}
}

// heldFor says what stands in the way of a delivery that is held.
func heldFor(reason vigie.HoldReason) vigie.Text {
	switch reason {
	case vigie.HoldWatchDeleted:
		return vigie.Text{
			FR: "La veille est supprimée : le message partira si elle est rétablie dans les 24 heures.",
			EN: "The watch is deleted: the mail leaves if it is restored within 24 hours.",
		}
	case vigie.HoldUnconfirmed:
		return vigie.Text{
			FR: "La plateforme ne garantit plus cette adresse pour l'instant : le message partira dès qu'elle sera confirmée.",
			EN: "The platform does not vouch for this address at the moment: the mail leaves once it is confirmed.",
		}
	case vigie.HoldWatchInactive:
	}
	return vigie.Text{
		FR: "La veille est désactivée : le message partira si elle est réactivée à temps.",
		EN: "The watch is switched off: the mail leaves if it is switched on in time.",
	}
}

// againstAddress says what stands against a mail to an address.
func againstAddress(r *vigie.Recipient, m store.Marks) []*AlertReason {
	var list []*AlertReason
	if r.RemovedAt != nil {
		list = append(list, &AlertReason{Code: AlertRemoved, At: r.RemovedAt, Text: vigie.Text{
			FR: "L'adresse a été retirée de la veille.",
			EN: "The address was taken from the watch.",
		}})
	}
	switch r.Status {
	case vigie.Pending:
		list = append(list, &AlertReason{Code: AlertPending, Text: vigie.Text{
			FR: "L'adresse n'est pas confirmée.",
			EN: "The address is not confirmed.",
		}})
	case vigie.Unsubscribed:
		list = append(list, &AlertReason{Code: AlertUnsubscribed, At: r.StatusAt, Text: vigie.Text{
			FR: "La personne qui lit cette adresse s'est désabonnée.",
			EN: "Whoever reads this address has left.",
		}})
	case vigie.Bounced:
		list = append(list, &AlertReason{Code: AlertBounced, At: r.StatusAt, Text: vigie.Text{
			FR: "Un message à cette adresse est revenu.",
			EN: "A mail to this address came back.",
		}})
	case vigie.Confirmed:
	}
	if m.Dismissed && r.Primary {
		list = append(list, &AlertReason{Code: AlertDismissed, Text: vigie.Text{
			FR: "Le compte a écarté ce marché.",
			EN: "The account dismissed this tender.",
		}})
	}
	return list
}

// againstAlert says what stands against mails because of a watch about a
// tender, whoever they are for.
func (s *Service) againstAlert(ctx context.Context, w *vigie.Watch, t *vigie.Tender, match query.Explanation) ([]*AlertReason, error) {
	told, err := s.Store.AlertsCursor(ctx)
	if err != nil {
		return nil, err
	}
	byTender, err := s.Store.Notices(ctx, []int64{t.ID})
	if err != nil {
		return nil, err
	}
	since := slices.DeleteFunc(byTender[t.ID], func(n *vigie.Notice) bool { return n.ID <= w.Since })
	var list []*AlertReason
	because := func(code AlertReasonCode, text vigie.Text) { list = append(list, &AlertReason{Code: code, Text: text}) }
	if !w.Active {
		because(AlertWatchInactive, vigie.Text{FR: "La veille est désactivée.", EN: "The watch is switched off."})
	}
	if !match.Matches {
		because(AlertNotMatching, notMatching(match))
	}
	switch {
	case len(since) == 0:
		because(AlertBeforeWatch, vigie.Text{
			FR: "Le marché a été publié avant que la veille ne soit créée ou réactivée : il est dans la liste, sans alerte.",
			EN: "The tender was published before the watch was made or switched on: it is listed, not mailed.",
		})
	case !slices.ContainsFunc(since, func(n *vigie.Notice) bool { return !n.Quiet }):
		because(AlertQuiet, vigie.Text{FR: "Le marché a été importé sans alerte.", EN: "The tender was imported without alerting."})
	case since[len(since)-1].ID > told:
		because(AlertNotMatchedYet, vigie.Text{FR: "L'avis n'a pas encore été examiné.", EN: "The notice is still to be matched."})
	}
	if t.Status(s.now()) != vigie.StatusOnline {
		because(AlertNotOnline, vigie.Text{FR: "Le marché n'est plus en ligne.", EN: "The tender cannot be answered any more."})
	}
	return list, nil
}

// notMatching names the criteria that a tender does not meet.
func notMatching(match query.Explanation) vigie.Text {
	var fr, en []string
	for _, c := range match.Criteria {
		if !c.Satisfied {
			fr, en = append(fr, c.Label.FR), append(en, c.Label.EN)
		}
	}
	return vigie.Text{
		FR: "La veille ne retient pas ce marché : " + strings.Join(fr, " ; ") + ".",
		EN: "The watch does not match this tender: " + strings.Join(en, "; ") + ".",
	}
}
