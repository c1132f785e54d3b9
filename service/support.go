package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"vigie"
	"vigie/address"
	"vigie/database"
	"vigie/ledger"
	"vigie/query"
	"vigie/store"
)

// SupportAgent is who asks for a support agent, as its token says.
type SupportAgent struct {
	Issuer, Subject string
	// Admin is whether it may read what is about all accounts together.
	Admin bool
}

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

// AlertExplanation is what was sent to an address about a tender because of a watch,
// or why it was not.
type AlertExplanation struct {
	Recipient  *vigie.Recipient
	Deliveries []*ledger.Outgoing
	Reasons    []*AlertReason
}

// Alerted reports whether an alert was accepted. A reminder is not of the watch.
func (e *AlertExplanation) Alerted() bool {
	return slices.ContainsFunc(e.Deliveries, func(d *ledger.Outgoing) bool {
		return d.Status() == vigie.DeliverySent && d.Kind != vigie.DeliverReminder
	})
}

// AlertReason is why an address got an alert, or none.
type AlertReason struct {
	Code AlertReasonCode
	Text vigie.Text
	At   *time.Time // when it happened, or will; nil where that is not known
	// Reply is what the mail server said, where it refused.
	Reply string
}

// AlertReasonCode is why an address got an alert, or none, for programs.
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
	AlertSetAside      AlertReasonCode = "SET_ASIDE"
	AlertNotOnline     AlertReasonCode = "NOT_ONLINE"
	AlertUnknown       AlertReasonCode = "UNKNOWN"
)

// ExplainAlert says what was sent to each address of an account's watch about a
// tender, or why it was not. What stands against a mail is judged by what is
// known now.
func (s *Service) ExplainAlert(ctx context.Context, account *vigie.Account, w *vigie.Watch, tender int64) ([]*AlertExplanation, error) {
	t, match, err := s.explain(ctx, w, tender)
	if err != nil {
		return nil, err
	}
	recipients, err := s.Store.Ledger().AllRecipients(ctx, account, w.ID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.Store.Ledger().Attempts(ctx, w.ID, t.ID)
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
		e := &AlertExplanation{Recipient: r, Deliveries: []*ledger.Outgoing{}}
		for _, a := range attempts {
			if a.SubscriptionID == r.ID {
				e.Deliveries = append(e.Deliveries, a)
				e.Reasons = append(e.Reasons, becameOf(a))
			}
		}
		if !e.Alerted() {
			e.Reasons = append(append(e.Reasons, againstAddress(r, marks[t.ID])...), against...)
		}
		if len(e.Reasons) == 0 {
			e.Reasons = append(e.Reasons, &AlertReason{Code: AlertUnknown, Text: vigie.Text{
				FR: "Aucune raison n’est connue. La veille ou le marché ont pu changer depuis la publication de l’avis, l’avis a pu être trop ancien pour une alerte, " +
					"ou l’envoi est plus ancien que les données conservées.",
				EN: "No reason is known. The watch or the tender may have changed since the notice was published, the notice may have been too old for an alert, " +
					"or the alert is older than what is kept.",
			}})
		}
		list = append(list, e)
	}
	return list, nil
}

// becameOf says what became of a delivery.
func becameOf(a *ledger.Outgoing) *AlertReason {
	if a.WebhookID != 0 {
		return messageBecame(a)
	}
	switch a.Status() {
	case vigie.DeliverySent:
		return &AlertReason{Code: AlertSent, At: a.ClosedAt, Text: vigie.Text{
			FR: "Le courriel a été envoyé et accepté par le serveur de messagerie. S’il n’est pas dans la boîte de réception, cherchez-le parmi les indésirables.",
			EN: "The email was sent, and the mail server accepted it. If it is not in the inbox, look in the spam folder.",
		}}
	case vigie.DeliveryFailed:
		return &AlertReason{Code: AlertFailed, At: a.ClosedAt, Reply: a.Error, Text: vigie.Text{
			FR: "Le serveur de messagerie du destinataire a refusé le courriel : il ne sera pas renvoyé. Vérifiez l’adresse.",
			EN: "The recipient's mail server refused the email: it will not be sent again. Check the address.",
		}}
	case vigie.DeliveryDropped:
		at := a.DroppedAt
		if at == nil {
			at = a.ClosedAt
		}
		return &AlertReason{Code: AlertDropped, At: at, Text: vigie.Text{
			FR: "Le courriel n’a pas été envoyé : au moment de l’envoi, il n’était plus utile (marché terminé, par exemple) ou plus autorisé.",
			EN: "The email was not sent: when it was due, it was no longer relevant (the tender had ended, for instance) or no longer allowed.",
		}}
	case vigie.DeliveryHeld:
		return &AlertReason{Code: AlertHeld, At: &a.DueAt, Text: heldFor(a.HeldFor)}
	case vigie.DeliveryWaiting, vigie.DeliveryClaimed:
	}
	if a.Error != "" {
		return &AlertReason{Code: AlertDelayed, At: a.RetryAt, Reply: a.Error, Text: vigie.Text{
			FR: "Le serveur de messagerie a refusé le courriel pour l’instant. Un nouvel envoi aura lieu automatiquement.",
			EN: "The mail server refused the email for now. It will be sent again automatically.",
		}}
	}
	return &AlertReason{Code: AlertWaiting, At: &a.DueAt, Text: vigie.Text{FR: "Le courriel n’est pas encore parti. Il sera envoyé à l’heure prévue.", EN: "The email has not left yet. It will be sent when it is due."}}
}

// messageBecame says what became of a delivery to a webhook.
func messageBecame(a *ledger.Outgoing) *AlertReason {
	switch a.Status() {
	case vigie.DeliverySent:
		return &AlertReason{Code: AlertSent, At: a.ClosedAt, Text: vigie.Text{
			FR: "L’alerte a été envoyée au webhook, qui l’a acceptée.", EN: "The alert was sent to the webhook, which accepted it.",
		}}
	case vigie.DeliveryFailed:
		return &AlertReason{Code: AlertFailed, At: a.ClosedAt, Reply: a.Error, Text: vigie.Text{
			FR: "Le webhook a refusé l’alerte : elle ne sera pas renvoyée.", EN: "The webhook refused the alert: it will not be sent again.",
		}}
	case vigie.DeliveryDropped:
		at := a.DroppedAt
		if at == nil {
			at = a.ClosedAt
		}
		return &AlertReason{Code: AlertDropped, At: at, Text: vigie.Text{
			FR: "L’alerte n’a pas été envoyée au webhook : il n’a pas demandé ce type d’alerte, ou elle n’était plus utile ou plus autorisée.",
			EN: "The alert was not sent to the webhook: it did not ask for this kind of alert, or the alert was no longer relevant or allowed.",
		}}
	case vigie.DeliveryHeld:
		return &AlertReason{Code: AlertHeld, At: &a.DueAt, Text: heldFor(a.HeldFor)}
	case vigie.DeliveryWaiting, vigie.DeliveryClaimed:
	}
	if a.Error != "" {
		return &AlertReason{Code: AlertDelayed, At: a.RetryAt, Reply: a.Error, Text: vigie.Text{
			FR: "Le webhook n’a pas accepté l’alerte pour l’instant. Un nouvel essai aura lieu automatiquement.",
			EN: "The webhook did not accept the alert for now. It will be sent again automatically.",
		}}
	}
	return &AlertReason{Code: AlertWaiting, At: &a.DueAt, Text: vigie.Text{FR: "L’alerte n’est pas encore partie. Elle sera envoyée dans un instant.", EN: "The alert has not left yet. It will be sent in a moment."}}
}

// heldFor says what stands in the way of a delivery that is held.
func heldFor(reason vigie.HoldReason) vigie.Text {
	switch reason {
	case vigie.HoldWatchDeleted:
		return vigie.Text{
			FR: "La veille a été supprimée. Le courriel ne partira que si elle est rétablie dans les 24 heures suivant sa suppression.",
			EN: "The watch was deleted. The email will be sent only if it is restored within 24 hours of its deletion.",
		}
	case vigie.HoldUnconfirmed:
		return vigie.Text{
			FR: "La plateforme ne garantit plus cette adresse. Le courriel partira quand elle sera de nouveau confirmée.",
			EN: "The platform no longer vouches for this address. The email will be sent once it is confirmed again.",
		}
	case vigie.HoldWebhookInactive:
		return vigie.Text{
			FR: "Le webhook est désactivé, ou n’a pas confirmé sa nouvelle adresse. L’alerte ne partira que s’il est réactivé avant la fin du marché, dans les 30 jours.",
			EN: "The webhook is switched off, or has not confirmed its new URL. The alert will be sent only if it is switched on before the tender ends, within 30 days.",
		}
	case vigie.HoldWatchInactive:
	}
	return vigie.Text{
		FR: "La veille est désactivée. Le courriel ne partira que si elle est réactivée avant la fin du marché, dans les 30 jours.",
		EN: "The watch is switched off. The email will be sent only if it is switched on before the tender ends, within 30 days.",
	}
}

// againstAddress says what stands against a mail to an address.
func againstAddress(r *vigie.Recipient, m store.Marks) []*AlertReason {
	var list []*AlertReason
	if r.RemovedAt != nil {
		list = append(list, &AlertReason{Code: AlertRemoved, At: r.RemovedAt, Text: vigie.Text{
			FR: "L’adresse a été retirée de la veille : elle ne reçoit plus ses alertes.",
			EN: "The address was removed from the watch: it no longer gets its alerts.",
		}})
	}
	if r.Webhook != nil {
		return append(list, againstWebhook(r.Webhook)...)
	}
	switch r.Status {
	case vigie.Pending:
		list = append(list, &AlertReason{Code: AlertPending, Text: vigie.Text{
			FR: "L’adresse n’est pas confirmée : elle ne recevra d’alertes qu’après confirmation.",
			EN: "The address is not confirmed: it will get no alerts until it is.",
		}})
	case vigie.Unsubscribed:
		list = append(list, &AlertReason{Code: AlertUnsubscribed, At: r.StatusAt, Text: vigie.Text{
			FR: "Le destinataire s’est désinscrit. Lui seul peut se réinscrire.",
			EN: "The recipient unsubscribed. Only they can subscribe again.",
		}})
	case vigie.Bounced:
		list = append(list, &AlertReason{Code: AlertBounced, At: r.StatusAt, Text: vigie.Text{
			FR: "Un courriel envoyé à cette adresse est revenu : elle ne reçoit plus d’alertes.",
			EN: "An email to this address came back: it gets no more alerts.",
		}})
	case vigie.Confirmed:
	}
	if m.Dismissed && r.Primary {
		list = append(list, &AlertReason{Code: AlertDismissed, Text: vigie.Text{
			FR: "Le titulaire du compte a écarté ce marché : il n’est plus signalé.",
			EN: "The account's owner dismissed this tender: no more alerts about it.",
		}})
	}
	return list
}

// againstWebhook says what stands against a message to a webhook.
func againstWebhook(w *vigie.Webhook) []*AlertReason {
	switch w.Status() {
	case vigie.WebhookPending:
		return []*AlertReason{{Code: AlertPending, Text: vigie.Text{
			FR: "Le webhook n’est pas confirmé : il ne recevra d’alertes qu’après confirmation.",
			EN: "The webhook is not confirmed: it will get no alerts until it is.",
		}}}
	case vigie.WebhookEnded:
		return []*AlertReason{{Code: AlertUnsubscribed, At: w.EndedAt, Text: vigie.Text{
			FR: "Le webhook a répondu qu’il ne veut plus d’alertes.", EN: "The webhook answered that it wants no more alerts.",
		}}}
	case vigie.WebhookPaused, vigie.WebhookSuspended:
		at := w.PausedAt
		if w.SuspendedAt != nil {
			at = w.SuspendedAt
		}
		return []*AlertReason{{Code: AlertHeld, At: at, Text: heldFor(vigie.HoldWebhookInactive)}}
	case vigie.WebhookActive:
	}
	return nil
}

// againstAlert says what stands against mails because of a watch about a
// tender, for all recipients alike.
func (s *Service) againstAlert(ctx context.Context, w *vigie.Watch, t *vigie.Tender, match query.Explanation) ([]*AlertReason, error) {
	entered, err := s.Store.AlertsCursor(ctx)
	if err != nil {
		return nil, err
	}
	byTender, err := s.Store.Notices(ctx, []int64{t.ID})
	if err != nil {
		return nil, err
	}
	since := slices.DeleteFunc(slices.Clone(byTender[t.ID]), func(n *vigie.Notice) bool { return n.ID <= w.Since })
	var list []*AlertReason
	because := func(code AlertReasonCode, text vigie.Text) { list = append(list, &AlertReason{Code: code, Text: text}) }
	if !w.Active {
		because(AlertWatchInactive, vigie.Text{FR: "La veille est désactivée : elle n’envoie pas d’alertes.", EN: "The watch is switched off: it sends no alerts."})
	}
	if !match.Matches {
		because(AlertNotMatching, notMatching(match))
	}
	switch {
	case len(since) == 0:
		because(AlertBeforeWatch, vigie.Text{
			FR: "Le marché a été publié avant la création ou la réactivation de la veille : il figure dans la liste, sans alerte.",
			EN: "The tender was published before the watch was created or switched on: it is in the list, without an alert.",
		})
	case !slices.ContainsFunc(since, func(n *vigie.Notice) bool { return !n.Quiet }):
		because(AlertQuiet, vigie.Text{FR: "Le marché a été importé sans alerte : il figure seulement dans la liste.", EN: "The tender was imported without alerts: it is only in the list."})
	case since[len(since)-1].ID > entered:
		because(AlertNotMatchedYet, vigie.Text{FR: "L’avis n’a pas encore été comparé aux veilles : il le sera dans un instant.", EN: "The notice has not been compared with the watches yet: it will be in a moment."})
	}
	aside, err := s.setAside(ctx, w, byTender[t.ID])
	if err != nil {
		return nil, err
	}
	if aside {
		because(AlertSetAside, vigie.Text{
			FR: "L’avis n’a pas pu être traité. L’exploitant du service peut relancer son traitement.",
			EN: "The notice could not be processed. The operator of the service can have it tried again.",
		})
	}
	switch t.Status(s.now()) {
	case vigie.StatusOnline:
	case vigie.StatusPlanned:
		because(AlertNotOnline, vigie.Text{FR: "Le marché est en projet : l’alerte sera envoyée quand un avis de marché paraîtra.", EN: "The tender is only planned: the alert follows when a contract notice is published."})
	default:
		because(AlertNotOnline, vigie.Text{FR: "Le marché n’est plus en ligne : il n’est plus possible d’y répondre.", EN: "The tender is no longer online: it cannot be answered any more."})
	}
	return list, nil
}

// setAside reports whether an alert is missing because an item is in quarantine: one of the notices of a tender, for
// watches that are on or for those that catch up, or the watch itself.
func (s *Service) setAside(ctx context.Context, w *vigie.Watch, notices []*vigie.Notice) (bool, error) {
	var numbers, since []int64
	for _, n := range notices {
		numbers = append(numbers, n.ID)
		if n.ID > w.Since {
			since = append(since, n.ID)
		}
	}
	for consumer, items := range map[string][]int64{
		database.AlertsConsumer: since, database.CatchUpConsumer: numbers, database.MatcherConsumer: {w.ID},
	} {
		if aside, err := s.Store.Database().IsSetAside(ctx, consumer, items...); aside || err != nil {
			return aside, err
		}
	}
	return false, nil
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
		FR: "Ce marché ne correspond pas à la veille. Critères non remplis : " + strings.Join(fr, " ; ") + ".",
		EN: "This tender does not match the watch. Criteria not met: " + strings.Join(en, "; ") + ".",
	}
}
