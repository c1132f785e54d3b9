package alert

import (
	"context"
	"errors"
	"log/slog"
	"net/mail"
	"strings"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/ledger"
	"vigie/store"
)

// Mail is the channel to mail addresses.
type Mail struct {
	Store     *store.Store
	Mailer    post.Mailer
	Templates *letter.Templates
	Keys      *link.Keys
	Settings  Settings
	// Sources returns the public sources that are followed, for quiet notes; may be nil.
	Sources func(ctx context.Context) []letter.Source
	Log     *slog.Logger
}

// Settings are what mails say about the deployment.
type Settings struct {
	Brand letter.Brand
	// From is the sender of mails; replies go to ReplyTo, if it is set. Bounces go to Bounces, if it is set, with a
	// token for each mail in the address.
	From    mail.Address
	ReplyTo string
	Bounces string
	// PublicURL is where the links to our own pages lead.
	PublicURL string
	// WatchesURL, WatchURL and TenderURL are pages of the platform, "" for none, with the placeholders {watchId}, and
	// {source}/{sourceRef}. Without TenderURL, links lead to the tender's page at its source.
	WatchesURL, WatchURL, TenderURL string
}

// tenderPage returns the page of a tender: the platform's, or else its source's.
func (s *Settings) tenderPage(t *vigie.Tender) string {
	if s.TenderURL == "" {
		return t.URL
	}
	return link.Fill(s.TenderURL, "{source}", t.Source, "{sourceRef}", t.SourceRef)
}

// mailPatience is how long a mail server may take: five days and a half.
var mailPatience = Patience{First: time.Minute, Longest: 64 * time.Hour}

// Terms implements [Channel].
func (ch *Mail) Terms() Terms {
	_, host, _ := strings.Cut(ch.Settings.From.Address, "@")
	return Terms{Channel: vigie.MailChannel, Lanes: ch.Mailer.AtOnce(), AtOnce: 1, Host: host, Patience: mailPatience}
}

// Prepare implements [Channel].
func (ch *Mail) Prepare(ctx context.Context, recipients map[int64]*ledger.RecipientState, now time.Time) (Compose, error) {
	c, err := ch.newComposer(ctx, recipients, now)
	if err != nil {
		return nil, err
	}
	return func(m *vigie.Mail, r *ledger.RecipientState, content ledger.Content) (Message, error) {
		message, err := c.compose(m, r, content)
		return letterMessage{ch.Mailer, message}, err
	}, nil
}

// letterMessage is a mail that is ready to be sent.
type letterMessage struct {
	mailer  post.Mailer
	message post.Message
}

// Send implements [Message].
func (m letterMessage) Send(ctx context.Context) error {
	err := m.mailer.Send(ctx, m.message)
	if why, ok := errors.AsType[*post.Error](err); ok {
		return &Failure{About: subjectOf(why.Kind), All: why.AllMail, Err: why}
	}
	return err
}

// subjectOf returns what the failure of a mail is about.
func subjectOf(k post.Kind) Subject {
	switch k {
	case post.ForMessage:
		return AboutMessage
	case post.ForAddress:
		return AboutRecipient
	case post.ForSender:
		return AboutUs
	case post.Temporary:
	}
	return AboutMoment
}
