package alert

import (
	"github.com/prometheus/client_golang/prometheus"

	"vigie"
)

// Metrics count what became of mails.
type Metrics struct{ mails *prometheus.CounterVec }

// NewMetrics makes and registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vigie_mails_total", Help: "Attempts to send mail, by what the mail is for and what became of it.",
	}, []string{"kind", "outcome"})}
	r.MustRegister(m.mails)
	return m
}

func (m *Metrics) sent(mail *vigie.Mail)    { m.count(mail, "sent") }
func (m *Metrics) failed(mail *vigie.Mail)  { m.count(mail, "failed") }
func (m *Metrics) delayed(mail *vigie.Mail) { m.count(mail, "delayed") }

func (m *Metrics) count(mail *vigie.Mail, outcome string) {
	m.mails.WithLabelValues(string(mail.Kind), outcome).Inc()
}
