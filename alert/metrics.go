package alert

import (
	"github.com/prometheus/client_golang/prometheus"

	"vigie"
)

// Metrics count the outcomes of mails, and the reasons of failures.
type Metrics struct{ mails, refusals *prometheus.CounterVec }

// NewMetrics returns metrics and registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		mails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vigie_mails_total", Help: "Attempts to send mail, by what the mail is for and what became of it.",
		}, []string{"kind", "outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vigie_mail_refusals_total",
			Help: "Attempts to send mail that failed, by what the failure is about: temporary, the message, the address, or the sender, which is for an operator to correct.",
		}, []string{"about"}),
	}
	for _, about := range subjects() {
		m.refusals.WithLabelValues(string(about)) // an alarm needs the 0 before the first
	}
	for _, kind := range kinds() {
		for _, outcome := range []string{sent, replayed, failed, delayed} {
			m.mails.WithLabelValues(string(kind), outcome)
		}
	}
	r.MustRegister(m.mails, m.refusals)
	return m
}

// kinds are all kinds of mails and messages.
func kinds() []vigie.MailKind {
	return []vigie.MailKind{vigie.DigestMail, vigie.QuietMail, vigie.ConfirmationMail, vigie.WebhookNoteMail, vigie.WebhookMessage}
}

// What became of an attempt.
const (
	sent     = "sent"
	replayed = "replayed"
	failed   = "failed"
	delayed  = "delayed"
)

func (m *Metrics) refused(about Subject) { m.refusals.WithLabelValues(string(about)).Inc() }

// sent counts a message that was accepted; one that was accepted before is no other alert.
func (m *Metrics) sent(mail *vigie.Mail) {
	if mail.Again() {
		m.count(mail, replayed)
		return
	}
	m.count(mail, sent)
}

func (m *Metrics) failed(mail *vigie.Mail)  { m.count(mail, failed) }
func (m *Metrics) delayed(mail *vigie.Mail) { m.count(mail, delayed) }

func (m *Metrics) count(mail *vigie.Mail, outcome string) {
	m.mails.WithLabelValues(string(mail.Kind), outcome).Inc()
}
