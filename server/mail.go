package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/alert/webhook"
	"vigie/feed"
	"vigie/graph/wire"
	"vigie/server/dependency"
	"vigie/service"
	"vigie/syndication"
)

// mailSettings say how alerts leave, and what they say of the deployment.
type mailSettings struct {
	PublicURL       string        `name:"public-url" help:"The URL at which people reach this server; links in mails lead there." type:"site" placeholder:"URL"`
	MailURL         string        `name:"mail-url" help:"The mail server: smtp://…, smtps://… or outbox:DIR (files); without it, no mail is sent." type:"mailer" placeholder:"URL"`
	MailFrom        string        `help:"The sender of mails: an address, or \"Name <address>\"." type:"sender" placeholder:"ADDRESS"`
	MailReplyTo     string        `help:"The address for replies, by default that of --mail-from; mails name it for questions." type:"address" placeholder:"ADDRESS"`
	MailBounces     string        `help:"The address for bounces; each mail adds its own tag after a plus sign. Have your mail server pipe them to \"vigie bounce\"." type:"returnpath" placeholder:"ADDRESS"`
	MailTemplates   string        `help:"A folder of mail templates; each replaces the built-in template of the same name." type:"existingdir" placeholder:"DIR"`
	MailLease       time.Duration `help:"How long a mail that is being sent is reserved for this replica." default:"90s" type:"number" bounds:"1s..1h"`
	MailSpacing     time.Duration `help:"The shortest time between two digests to one person." default:"1m" type:"number" bounds:"0s..24h"`
	WebhookTimeout  time.Duration `help:"How long an attempt to reach a webhook may take." default:"15s" type:"number" bounds:"1s..60s"`
	WebhookNetworks []string      `help:"Networks in which webhooks may be although they are not public, as on a platform's own network; they may also be reached by http." type:"networks" placeholder:"CIDR,…"`
	AlertMaxAge     time.Duration `help:"How old a notice may be to cause alerts." default:"336h" type:"number" bounds:"1h..8760h"`
	KeepMails       int           `help:"For how many months the records of mails, and of support's access to accounts, are kept." default:"13" type:"number" bounds:"1..120" placeholder:"N"`
	PageWatches     string        `help:"The platform's page with all watches; mails link to it." type:"url" placeholder:"URL"`
	PageWatch       string        `help:"The platform's page of one watch, with {watchId} in it; mails link to it." type:"watchpage" placeholder:"URL"`
	PageTender      string        `help:"The platform's page of one tender, with {source} and {sourceRef} in it; by default mails link to the source's page." type:"tenderpage" placeholder:"URL"`
	BrandName       string        `help:"The name that mails and pages carry." default:"Vigie" type:"line"`
	BrandFooter     string        `help:"The text at the end of every mail: who sends it, and their postal address." type:"text"`
	BrandFooterEn   string        `help:"The same in English, where it differs." type:"text"`
}

// mailing is what sends mail, and serves the pages that mails lead to.
type mailing struct {
	settings mailSettings
	mailer   post.Mailer
	keys     *link.Keys
	letters  *letter.Templates
	from     *mail.Address
	// client sends webhooks, vault encrypts what is kept of them.
	client *webhook.Client
	vault  *webhook.Vault
}

// open opens what sends mail; nil where nobody is to be mailed.
func (m mailSettings) open(secrets []string, letters *letter.Templates) (*mailing, error) {
	if m.MailURL == "" {
		return nil, nil
	}
	d := &mailing{settings: m, letters: letters}
	err := m.missing(secrets)
	if err != nil {
		return nil, err
	}
	if d.from, err = mail.ParseAddress(m.MailFrom); err != nil {
		return nil, fmt.Errorf("VIGIE_MAIL_FROM (--mail-from) is %q: %w", m.MailFrom, err)
	}
	if d.from.Name == "" {
		d.from.Name = m.BrandName
	}
	if !post.IsWritable(*d.from) {
		return nil, fmt.Errorf("VIGIE_MAIL_FROM (--mail-from) and VIGIE_BRAND_NAME (--brand-name): no mail can be from %q; leave out backslashes", d.from.Name)
	}
	if d.keys, err = link.New(secrets); err != nil {
		return nil, err
	}
	if d.vault, err = webhook.NewVault(secrets); err != nil {
		return nil, err
	}
	networks, err := m.webhookNetworks()
	if err != nil {
		return nil, err
	}
	d.client = webhook.NewClient(webhook.Options{Networks: networks, Timeout: m.WebhookTimeout, Now: time.Now})
	if d.mailer, err = post.Open(m.MailURL); err != nil {
		return nil, fmt.Errorf("VIGIE_MAIL_URL (--mail-url): %w", err)
	}
	if d.mailer.AtOnce() > mostConnections {
		d.mailer.Close()
		return nil, fmt.Errorf("VIGIE_MAIL_URL (--mail-url): connections=%d: at most %d can be used", d.mailer.AtOnce(), mostConnections)
	}
	return d, nil
}

// missing returns all settings that are needed to send mail, and are not there.
func (m mailSettings) missing(secrets []string) error {
	var errs []error
	if m.PublicURL == "" {
		errs = append(errs, errors.New("set VIGIE_PUBLIC_URL (--public-url): the links in mails lead there"))
	}
	if len(secrets) == 0 {
		errs = append(errs, errors.New("set VIGIE_SECRET (--secret): the links in mails are signed with it"))
	}
	if m.MailFrom == "" {
		errs = append(errs, errors.New("set VIGIE_MAIL_FROM (--mail-from): it is the sender of all mails"))
	}
	return errors.Join(errs...)
}

// templates loads the templates of mails, the platform's own in place of ours.
func (m mailSettings) templates() (*letter.Templates, error) {
	var overrides fs.FS
	if m.MailTemplates != "" {
		overrides = os.DirFS(m.MailTemplates)
	}
	letters, err := letter.Load(overrides)
	if err != nil {
		return nil, fmt.Errorf("VIGIE_MAIL_TEMPLATES (--mail-templates): %w", err)
	}
	return letters, nil
}

// lists are what feeds and calendars say beside tenders: the same as mails.
func (m mailSettings) lists(letters *letter.Templates) *syndication.Lists {
	return &syndication.Lists{
		Templates: letters, Brand: m.BrandName, WatchesURL: m.PageWatches, WatchURL: m.PageWatch, TenderURL: m.PageTender,
		Locale: localeOf, AcceptsGzip: wire.AcceptsGzip,
	}
}

// webhookNetworks returns the networks in which webhooks may be although they are not public.
func (m mailSettings) webhookNetworks() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range m.WebhookNetworks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("VIGIE_WEBHOOK_NETWORKS (--webhook-networks): %w", err)
		}
		list = append(list, network)
	}
	return list, nil
}

// hooks are what webhooks need; nil without a mailing.
func (d *mailing) hooks() *service.Hooks {
	if d == nil {
		return nil
	}
	return &service.Hooks{
		Client: d.client, Vault: d.vault, Brand: d.settings.BrandName, Random: rand.Reader,
		ConfirmURL: func(number int64, id string) string {
			return strings.TrimRight(d.settings.PublicURL, "/") + link.WebhookPath + d.keys.Token(link.ConfirmWebhook, number, id)
		},
	}
}

// reseal encrypts the credentials of webhooks under the first secret, so that older ones can be taken off the list.
func (d *mailing) reseal(ctx context.Context, s *site) error {
	lost, err := s.store.ResealWebhooks(ctx, func(id, sealed string) (string, error) {
		c, current, err := webhook.OpenCredentials(d.vault, sealed, id)
		if err != nil || current {
			return sealed, err
		}
		return c.Seal(d.vault, id), nil
	})
	if lost > 0 {
		s.log.ErrorContext(ctx, "webhooks cannot be decrypted: their secret is missing in VIGIE_SECRET", "component", "server", "action", "open", "webhooks", lost)
	}
	return err
}

// mostConnections is how many connections to a mail server there may be: each
// has a worker of its own that asks the database.
const mostConnections = 100

func (d *mailing) close() {
	if d != nil {
		d.mailer.Close()
		d.client.Close()
	}
}

// alert has notices turned into mails until stop; without a mailing, nobody is
// mailed, and the matcher just follows.
func (s *site) alert(ctx context.Context, p *process) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	if d := s.mailing; d != nil {
		alerter := &alert.Alerter{
			Store: s.store, Matcher: s.matcher, Now: s.now, Log: s.log, MaxAge: d.settings.AlertMaxAge, Fault: p.fault,
			Metrics: s.consumers, Fail: p.fail,
		}
		settings, metrics := d.alertSettings(), alert.NewMetrics(s.metrics)
		done.Go(func() { alerter.Run(ctx) })
		for _, channel := range []alert.Channel{
			&alert.Mail{Store: s.store, Mailer: d.mailer, Templates: d.letters, Keys: d.keys, Settings: settings, Sources: s.readSources, Log: s.log},
			&alert.Webhooks{Store: s.store, Client: d.client, Vault: d.vault, Settings: settings, Now: s.now, Log: s.log},
		} {
			sender := &alert.Sender{
				Store: s.store, Channel: channel, Now: s.now, Log: s.log, Lease: d.settings.MailLease, Spacing: d.settings.MailSpacing,
				IndexVersion: feed.Version(), Fault: p.fault, Metrics: metrics, Consumers: s.consumers, Fail: p.fail,
			}
			done.Go(func() { sender.Run(ctx) })
		}
	} else {
		s.log.WarnContext(ctx, "nobody is mailed: VIGIE_MAIL_URL (--mail-url) is not set", "component", "server", "action", "open")
		done.Go(func() { s.matcher.Run(ctx, s.store) })
	}
	return func() {
		cancel()
		done.Wait()
	}
}

func (d *mailing) alertSettings() alert.Settings {
	m := d.settings
	footer := vigie.Text{FR: m.BrandFooter, EN: m.BrandFooterEn}
	contact := m.MailReplyTo
	if contact == "" {
		contact = d.from.Address
	}
	return alert.Settings{
		Brand: letter.Brand{Name: m.BrandName, Footer: footer, Contact: contact},
		From:  *d.from, ReplyTo: m.MailReplyTo, Bounces: m.MailBounces, PublicURL: strings.TrimRight(m.PublicURL, "/"),
		WatchesURL: m.PageWatches, WatchURL: m.PageWatch, TenderURL: m.PageTender,
	}
}

// watchedMailer has the mail server asked at once when it does not answer, so that it is soon known to be away, and says
// of such a failure that it is [vigie.Unavailable]: it is logged with the mail server, not with each mail.
type watchedMailer struct {
	post.Mailer
	server *dependency.Dependency
}

// Send implements [post.Mailer].
func (m watchedMailer) Send(ctx context.Context, message post.Message) error {
	err := m.Mailer.Send(ctx, message)
	failure, ok := errors.AsType[*post.Error](err)
	if !ok || failure.Kind != post.Temporary || failure.Code != 0 || ctx.Err() != nil {
		return err
	}
	m.server.Suspect()
	if failure.AllMail {
		away := *failure
		away.Err = &vigie.Error{Code: vigie.Unavailable, Err: failure.Err}
		return &away
	}
	return err
}
