package alert

import (
	"context"
	"time"

	"vigie/consumer"
	"vigie/database"
)

// remindPace is how often it is checked whether there are accounts to remind. Reminders are entered minutes before they are
// due.
const remindPace = 5 * time.Second

// Reminders returns the consumer that enters the reminders of deadlines. One replica works, for as long as there is something
// to do.
func (a *Alerter) Reminders() *consumer.Consumer {
	c := a.consumer(database.RemindersConsumer)
	c.Pace, c.Due, c.Work = remindPace, a.Store.Ledger().RemindersDue, a.remind
	return c
}

// remind looks at some accounts.
func (a *Alerter) remind(ctx context.Context) (more bool, err error) {
	more, failed, err := a.Store.Ledger().Remind(ctx)
	for account, cause := range failed {
		a.Log.ErrorContext(ctx, "account cannot be read: its reminders wait", "component", "alerter", "action", "remind", "account", account, "error", cause)
	}
	a.fault(AfterEnter)
	return more, err
}
