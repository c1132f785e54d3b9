package service

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"

	"vigie"
	"vigie/alert/webhook"
	"vigie/ledger"
)

// Hooks are what webhooks need of the deployment.
type Hooks struct {
	Client *webhook.Client
	Vault  *webhook.Vault
	// Brand is the name that messages in chats are sent under.
	Brand string
	// ConfirmURL returns the page on which people of a chat confirm a webhook, by its number and its public id.
	ConfirmURL func(number int64, id string) string
	Random     io.Reader
}

// WebhookInput is a new webhook, of a watch, or for all watches of all accounts.
type WebhookInput struct {
	Watch  int64
	URL    string
	Kinds  []vigie.DeliveryKind
	Format vigie.WebhookFormat
}

// WebhookChange is a change of a webhook; nil fields stay.
type WebhookChange struct {
	URL    *string
	Kinds  *[]vigie.DeliveryKind
	Active *bool
}

// MaxOverlap is the most hours for which a secret that was replaced still signs.
const MaxOverlap = 24 * 7

// testPause is the least time between two tests of a webhook, or changes of its URL, so that nobody has us call strangers over
// and over.
const testPause = 10 * time.Second

// AddWebhook stores a webhook of an account, or, for none, of the platform, and asks it to confirm. It returns the secret
// that signs its messages, "" for a chat. One that does not confirm at once is pending.
func (s *Service) AddWebhook(ctx context.Context, account *vigie.Account, in WebhookInput) (w *vigie.Webhook, secret string, err error) {
	if err := s.hooksReady("input"); err != nil {
		return nil, "", err
	}
	if err := checkKinds(in.Kinds); err != nil {
		return nil, "", err
	}
	if err := s.Hooks.Client.CheckURL(in.URL); err != nil {
		return nil, "", atField(err, "input", "url")
	}
	credentials := webhook.Credentials{URL: in.URL}
	if in.Format.Signed() {
		drawn, err := webhook.NewSecret(s.Hooks.Random)
		if err != nil {
			return nil, "", err
		}
		credentials.Secrets, secret = []webhook.DatedSecret{{Secret: drawn}}, drawn.Text()
	}
	w = &vigie.Webhook{WatchID: in.Watch, Host: hostOf(in.URL), Format: in.Format, Kinds: in.Kinds}
	if account != nil {
		w.AccountID = account.ID
	}
	err = s.Store.AddWebhook(ctx, w, func(id string) string { return credentials.Seal(s.Hooks.Vault, id) })
	if vigie.CodeOf(err) == vigie.NotFound {
		err = atField(noWatch(), "input", "watchId")
	}
	if err != nil {
		return nil, "", err
	}
	switch err := s.confirm(ctx, w, localeOf(account)); {
	case leadsNowhere(err):
		_, removed := s.Store.Ledger().ChangeWebhook(ctx, w.AccountID, w.ID, func(w *vigie.Webhook) { w.RemovedAt = new(s.Now().UTC()) })
		return nil, "", errors.Join(removed, &vigie.Error{Code: vigie.NotAllowed, Field: []string{"input", "url"}, Text: vigie.Text{
			FR: "Cette adresse ne mène à aucun serveur public. Vérifiez-la, ou indiquez l’adresse publique de votre serveur.",
			EN: "This URL leads to no public server. Check it, or give the public URL of your server.",
		}})
	case err != nil && !isOfWebhook(err): // to return it would lose the secret
		s.Log.WarnContext(ctx, "a new webhook stays pending, for what it answered could not be recorded", "component", "service", "action", "confirm webhook", "webhook", w.ID, "error", err)
	}
	w, err = s.Store.Ledger().Webhook(ctx, w.AccountID, w.ID)
	return w, secret, err
}

// checkKinds refuses a kind that is sent to nobody.
func checkKinds(kinds []vigie.DeliveryKind) error {
	if !slices.Contains(kinds, vigie.DeliverWithdrawn) {
		return nil
	}
	return &vigie.Error{Code: vigie.NotAllowed, Field: []string{"input", "kinds"}, Text: vigie.Text{
		FR: "Un webhook n’est pas averti d’un avis retiré.", EN: "No webhook gets messages about withdrawn notices.",
	}}
}

// hooksReady refuses what needs webhooks where there are none, at an argument.
func (s *Service) hooksReady(argument string) error {
	if s.Hooks != nil {
		return nil
	}
	return &vigie.Error{Code: vigie.NotAllowed, Field: []string{argument}, Text: vigie.Text{
		FR: "Ce service n’envoie pas de webhooks.", EN: "This service sends no webhooks.",
	}}
}

// hostOf returns the host of a URL that was checked.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

func localeOf(account *vigie.Account) vigie.Locale {
	if account == nil {
		return vigie.French
	}
	return account.Locale
}

// leadsNowhere reports whether a name has no address that webhooks may go to. One that has none at all is treated alike, or
// the answer would tell which names there are inside of the network.
func leadsNowhere(err error) bool {
	why, ok := errors.AsType[*webhook.Error](err)
	return ok && why.Reason == webhook.NoAddress
}

// atField puts an error at a field.
func atField(err error, field ...string) error {
	if e, ok := errors.AsType[*vigie.Error](err); ok {
		moved := *e
		moved.Field = field
		return &moved
	}
	return err
}

// credentials returns the endpoint of a webhook as it is now.
func (s *Service) credentials(w *vigie.Webhook) (c webhook.Credentials, e webhook.Endpoint, err error) {
	id := s.IDs().ID(vigie.KindWebhook, w.ID)
	if c, _, err = webhook.OpenCredentials(s.Hooks.Vault, w.Sealed, id); err != nil {
		return c, e, err
	}
	return c, c.Endpoint(id, w.Format, s.Now()), nil
}

// WebhookURL returns the URL of a webhook; "" for that of a chat, which lets everyone write there.
func (s *Service) WebhookURL(w *vigie.Webhook) string {
	if s.Hooks == nil || !w.Format.Signed() {
		return ""
	}
	c, _, err := s.credentials(w)
	if err != nil {
		return ""
	}
	return c.URL
}

// confirm asks a webhook whether it wants messages: an endpoint by a challenge, a chat by a message with a link. What it
// answers is recorded. The error is why it did not confirm at once, or could not be asked.
func (s *Service) confirm(ctx context.Context, w *vigie.Webhook, l vigie.Locale) error {
	_, endpoint, err := s.credentials(w)
	if err != nil {
		return err
	}
	word := rand.Text()
	if w.Format.Signed() {
		err = s.Hooks.Client.Challenge(ctx, endpoint, "msg_"+rand.Text(), s.Now(), word)
	} else {
		var body []byte
		link := s.Hooks.ConfirmURL(w.ID, endpoint.ID)
		if body, err = webhook.ConfirmationBody(endpoint.Format, s.Hooks.Brand, link, l); err == nil {
			err = s.Hooks.Client.Send(ctx, endpoint, "msg_"+rand.Text(), s.Now(), body)
		}
	}
	if noted := s.noteTry(ctx, w, err); noted != nil {
		return noted
	}
	if err == nil && w.Format.Signed() {
		return s.Store.Ledger().WebhookAnswered(ctx, w)
	}
	return err
}

// noteTry records an attempt.
func (s *Service) noteTry(ctx context.Context, w *vigie.Webhook, err error) error {
	note := ""
	if why, ok := errors.AsType[*webhook.Error](err); ok {
		note = why.Note()
		if why.RetryAfter > 0 {
			if err := s.Store.Ledger().LeaveAlone(ctx, w, s.Now().Add(why.RetryAfter)); err != nil {
				return err
			}
		}
	} else if err != nil {
		return err
	}
	return s.Store.Ledger().WebhookTried(ctx, w.ID, note)
}

// Webhooks returns those of an account, or, for none, of the platform.
func (s *Service) Webhooks(ctx context.Context, account *vigie.Account) ([]*vigie.Webhook, error) {
	var f ledger.WebhookFilter
	if account != nil {
		f.Account = account.ID
	}
	return s.Store.Ledger().Webhooks(ctx, f)
}

// WebhooksOfWatches returns the webhooks of watches of an account, by watch.
func (s *Service) WebhooksOfWatches(ctx context.Context, account *vigie.Account, watches []int64) (map[int64][]*vigie.Webhook, error) {
	list, err := s.Store.Ledger().Webhooks(ctx, ledger.WebhookFilter{Account: account.ID, Watches: watches})
	byWatch := make(map[int64][]*vigie.Webhook)
	for _, w := range list {
		byWatch[w.WatchID] = append(byWatch[w.WatchID], w)
	}
	return byWatch, err
}

// WebhooksByID returns webhooks of an account.
func (s *Service) WebhooksByID(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*vigie.Webhook, error) {
	return s.Store.Ledger().WebhooksByID(ctx, account, ids)
}

// UpdateWebhook changes a webhook of an account, or, for none, of the platform. One that gets another URL must confirm again.
func (s *Service) UpdateWebhook(ctx context.Context, account *vigie.Account, id int64, u WebhookChange) (*vigie.Webhook, error) {
	w, err := s.webhook(ctx, account, id)
	if err != nil {
		return nil, err
	}
	if u.Kinds != nil {
		if err := checkKinds(*u.Kinds); err != nil {
			return nil, err
		}
	}
	if u.URL != nil {
		if err := s.mayMove(ctx, w, *u.URL); err != nil {
			return nil, err
		}
	}
	var unmoved error
	w, err = s.change(ctx, w, func(w *vigie.Webhook) { // which is locked: a secret that is replaced meanwhile is not lost
		if u.Kinds != nil {
			w.Kinds = *u.Kinds
		}
		switch now := s.Now().UTC(); {
		case u.Active == nil:
		case *u.Active:
			w.PausedAt, w.SuspendedAt = nil, nil
		case w.PausedAt == nil:
			w.PausedAt = &now
		}
		if u.URL == nil {
			return
		}
		var sealed string
		if sealed, unmoved = s.moved(w, *u.URL); unmoved == nil {
			if s.WebhookURL(w) != *u.URL { // the other endpoint asked for nothing
				w.NotBefore = nil
			}
			w.Sealed, w.Host, w.ConfirmedAt = sealed, hostOf(*u.URL), nil
		}
	})
	if err := errors.Join(err, unmoved); err != nil {
		return nil, err
	}
	if u.URL != nil || u.Active != nil && *u.Active { // what was refused until now says nothing of what follows
		if err := s.Store.Ledger().RestartWebhook(ctx, w.ID); err != nil {
			return nil, err
		}
	}
	if u.URL == nil {
		return w, nil
	}
	if err := s.confirm(ctx, w, localeOf(account)); err != nil && !isOfWebhook(err) {
		return nil, err
	}
	return s.webhook(ctx, account, id)
}

// mayMove refuses another URL for a webhook that it cannot have, or not now.
func (s *Service) mayMove(ctx context.Context, w *vigie.Webhook, to string) error {
	if _, err := s.moved(w, to); err != nil {
		return err
	}
	if s.WebhookURL(w) == to {
		if err := s.leftAlone(w, "input", "url"); err != nil {
			return err
		}
	}
	if err := s.beginTry(ctx, w, "input", "url"); err != nil {
		return err
	}
	may, err := s.Store.Ledger().CountURLChange(ctx, w, vigie.MaxURLChanges)
	if err == nil && !may {
		err = &vigie.Error{Code: vigie.TooMany, Field: []string{"input", "url"}, Text: vigie.Text{
			FR: "Vous avez modifié %d fois l’adresse de vos webhooks en 24 heures. Réessayez demain.",
			EN: "You have changed the URLs of your webhooks %d times in 24 hours. Try again tomorrow.",
		}.With(vigie.MaxURLChanges)}
	}
	return err
}

// leftAlone refuses to call an endpoint that asked not to be called before a time, at an argument.
func (s *Service) leftAlone(w *vigie.Webhook, field ...string) error {
	if w.NotBefore == nil || !s.Now().Before(*w.NotBefore) {
		return nil
	}
	return &vigie.Error{Code: vigie.TooSoon, Field: field, Text: vigie.Text{
		FR: "Votre serveur a demandé de ne pas être appelé avant le %s (Retry-After).", EN: "Your server asked not to be called before %s (Retry-After).",
	}.With(vigie.Moment(*w.NotBefore))}
}

// moved returns the credentials of a webhook with another URL.
func (s *Service) moved(w *vigie.Webhook, to string) (sealed string, err error) {
	if !w.Format.Signed() {
		return "", &vigie.Error{Code: vigie.NotAllowed, Field: []string{"input", "url"}, Text: vigie.Text{
			FR: "L’adresse du webhook d’une conversation ne se modifie pas : supprimez-le, puis créez-en un autre.",
			EN: "The URL of a chat's webhook cannot be changed: remove it, then add another.",
		}}
	}
	if err := s.Hooks.Client.CheckURL(to); err != nil {
		return "", atField(err, "input", "url")
	}
	c, e, err := s.credentials(w)
	c.URL = to
	return c.Seal(s.Hooks.Vault, e.ID), err
}

func isOfWebhook(err error) bool {
	_, ok := errors.AsType[*webhook.Error](err)
	return ok
}

// webhook returns a webhook of an account, or, for none, of the platform, that has not ended.
func (s *Service) webhook(ctx context.Context, account *vigie.Account, id int64) (*vigie.Webhook, error) {
	if err := s.hooksReady("id"); err != nil {
		return nil, err
	}
	var owner int64
	if account != nil {
		owner = account.ID
	}
	w, err := s.Store.Ledger().Webhook(ctx, owner, id)
	return w, asNoWebhook(err)
}

func (s *Service) change(ctx context.Context, w *vigie.Webhook, change func(*vigie.Webhook)) (*vigie.Webhook, error) {
	w, err := s.Store.Ledger().ChangeWebhook(ctx, w.AccountID, w.ID, change)
	return w, asNoWebhook(err)
}

func asNoWebhook(err error) error {
	if vigie.CodeOf(err) != vigie.NotFound {
		return err
	}
	return &vigie.Error{Code: vigie.NotFound, Field: []string{"id"}, Text: vigie.Text{
		FR: "Ce webhook n’est pas l’un des vôtres. Il a peut-être été supprimé.", EN: "This webhook is not yours. It may have been removed.",
	}}
}

// RotateWebhookSecret has another secret sign the messages to a webhook, and returns it. The one before signs, too, for some
// hours.
func (s *Service) RotateWebhookSecret(ctx context.Context, account *vigie.Account, id int64, overlap int) (w *vigie.Webhook, secret string, err error) {
	if w, err = s.webhook(ctx, account, id); err != nil {
		return nil, "", err
	}
	switch {
	case overlap < 0 || overlap > MaxOverlap:
		return nil, "", &vigie.Error{Code: vigie.Invalid, Field: []string{"overlapHours"}, Text: vigie.Text{
			FR: "La durée est de 0 à %d heures.", EN: "The time is 0 to %d hours.",
		}.With(MaxOverlap)}
	case !w.Format.Signed():
		return nil, "", &vigie.Error{Code: vigie.NotAllowed, Field: []string{"id"}, Text: vigie.Text{
			FR: "Les alertes envoyées à une conversation ne sont pas signées.", EN: "Alerts to a chat are not signed.",
		}}
	}
	drawn, err := webhook.NewSecret(s.Hooks.Random)
	if err != nil {
		return nil, "", err
	}
	var rotated error
	w, err = s.change(ctx, w, func(w *vigie.Webhook) { // which is locked: two at once do not lose a secret
		c, e, err := s.credentials(w)
		if rotated = err; err == nil {
			now := s.Now().UTC()
			w.Sealed = c.Rotate(drawn, now, now.Add(time.Duration(overlap)*time.Hour)).Seal(s.Hooks.Vault, e.ID)
		}
	})
	return w, drawn.Text(), errors.Join(err, rotated)
}

// RemoveWebhook removes a webhook. Nothing more is sent to it.
func (s *Service) RemoveWebhook(ctx context.Context, account *vigie.Account, id int64) error {
	w, err := s.webhook(ctx, account, id)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, w, func(w *vigie.Webhook) { w.RemovedAt, w.Sealed = new(s.Now().UTC()), "" })
	return err
}

// TestWebhook sends a test to a webhook, or asks one that has not confirmed once more, and returns it with what became of
// that.
func (s *Service) TestWebhook(ctx context.Context, account *vigie.Account, id int64) (*vigie.Webhook, error) {
	w, err := s.webhook(ctx, account, id)
	switch {
	case err != nil:
		return nil, err
	case w.EndedAt != nil:
		return nil, &vigie.Error{Code: vigie.NotAllowed, Field: []string{"id"}, Text: vigie.Text{
			FR: "Ce webhook a répondu qu’il ne veut plus d’alertes. Créez-en un autre.", EN: "This webhook answered that it wants no more alerts. Add another.",
		}}
	}
	if err := s.leftAlone(w, "id"); err != nil {
		return nil, err
	}
	if err := s.beginTry(ctx, w, "id"); err != nil {
		return nil, err
	}
	if w.ConfirmedAt == nil {
		err = s.confirm(ctx, w, localeOf(account))
	} else {
		err = s.sendTest(ctx, w, localeOf(account))
	}
	if err != nil && !isOfWebhook(err) {
		return nil, err
	}
	return s.webhook(ctx, account, id)
}

// beginTry refuses to call an endpoint that was called a moment ago, at an argument.
func (s *Service) beginTry(ctx context.Context, w *vigie.Webhook, field ...string) error {
	may, err := s.Store.Ledger().BeginTry(ctx, w.ID, testPause)
	if err == nil && !may {
		err = &vigie.Error{Code: vigie.TooSoon, Field: field, Text: vigie.Text{
			FR: "Le dernier essai date de moins de 10 secondes. Patientez avant de recommencer.", EN: "The last attempt was less than 10 seconds ago. Wait before the next.",
		}}
	}
	return err
}

// replayPause is the least time between two calls for what a webhook accepted.
const replayPause = time.Minute

// ReplayedDeliveries are the messages that a webhook gets again.
type ReplayedDeliveries struct {
	Webhook *vigie.Webhook
	Count   int
	// EndCursor is where to go on, nil where there is nothing more.
	EndCursor *string
}

// ReplayDeliveries has a webhook sent again what it accepted since a time, or after the last of the call before.
func (s *Service) ReplayDeliveries(ctx context.Context, account *vigie.Account, id int64, since time.Time, after *string) (*ReplayedDeliveries, error) {
	w, err := s.webhook(ctx, account, id)
	if err != nil {
		return nil, atField(err, "webhookId")
	}
	if w.Status() != vigie.WebhookActive || !w.Format.Signed() {
		return nil, &vigie.Error{Code: vigie.NotAllowed, Field: []string{"webhookId"}, Text: vigie.Text{
			FR: "Seul un webhook actif, au format STANDARD, peut recevoir de nouveau des alertes. Réactivez-le d’abord, ou confirmez-le.",
			EN: "Only a webhook of the format STANDARD that is active can get alerts again. Switch it on first, or confirm it.",
		}}
	}
	list := "replays of " + strconv.FormatInt(w.ID, 10)
	replay := ledger.Replay{Since: since, Until: s.Now().UTC(), Limit: vigie.MaxReplayed, Pause: replayPause}
	if after := unlessEmpty(after); after != nil {
		c, err := parseCursor(s.IDs(), *after, list, "after")
		if err != nil {
			return nil, err
		}
		if c.At == nil {
			return nil, noCursor("after")
		}
		replay.Since, replay.After, replay.Until = time.UnixMicro(*c.At), c.ID, time.UnixMicro(c.Now)
	}
	r, ok, err := s.Store.Ledger().Replay(ctx, w.ID, replay)
	if err == nil && !ok {
		err = &vigie.Error{Code: vigie.TooSoon, Field: []string{"webhookId"}, Text: vigie.Text{
			FR: "La dernière demande date de moins d’une minute, ou ses alertes ne sont pas encore toutes parties. Patientez avant de recommencer.",
			EN: "The last call was less than a minute ago, or not all of its alerts have been sent yet. Wait before the next.",
		}}
	}
	if err != nil {
		return nil, err
	}
	replayed := &ReplayedDeliveries{Webhook: w, Count: r.Count}
	if r.Last != 0 {
		replayed.EndCursor = new(cursor{List: list, At: new(r.LastAt.UnixMicro()), ID: r.Last, Now: replay.Until.UnixMicro()}.seal(s.IDs()))
	}
	return replayed, nil
}

// sendTest sends a test to a webhook, and records what became of it.
func (s *Service) sendTest(ctx context.Context, w *vigie.Webhook, l vigie.Locale) error {
	_, endpoint, err := s.credentials(w)
	if err != nil {
		return err
	}
	body, err := webhook.TestBody(endpoint.Format, endpoint.ID, s.Hooks.Brand, s.Now(), l)
	if err == nil {
		err = s.Hooks.Client.Send(ctx, endpoint, "msg_"+rand.Text(), s.Now(), body)
	}
	if noted := s.noteTry(ctx, w, err); noted != nil {
		return noted
	}
	return err
}
