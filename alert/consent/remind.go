package consent

import (
	"context"

	"vigie"
	"vigie/ledger"
)

// openReminders returns what the button of a link to stop reminders does, and notes the account that it is for.
func (h *handler) openReminders(ctx context.Context, who *visitor, recipient int64) (act func(context.Context) error, err error) {
	r, err := h.Store.Reminded(ctx, recipient)
	if err != nil {
		return nil, err
	}
	who.Addressee, who.reminded = ledger.Addressee{Email: r.Email, Locale: r.Locale}, len(r.Days) > 0
	return func(ctx context.Context) error {
		_, err := h.Store.UpdateAccount(ctx, r.AccountID, vigie.AccountUpdate{ReminderDays: &[]int32{}})
		return err
	}, nil
}

// remindersView returns the page on which an account stops its reminders.
func (v visitor) remindersView() view {
	address, alerts := vigie.Same(v.Email), vigie.Text{FR: "Vous continuerez de recevoir les alertes de vos veilles.", EN: "You will go on getting the alerts of your watches."}
	if !v.reminded {
		return view{title: vigie.Text{FR: "Rappels arrêtés", EN: "Reminders stopped"}, lines: []vigie.Text{address, {
			FR: "Vous ne recevrez plus de rappels avant la date limite des marchés « À étudier ». Pour en recevoir de nouveau, modifiez les réglages de votre compte.",
			EN: "You will get no more reminders before the deadlines of tenders of interest. To get them again, edit the settings of your account.",
		}, alerts}}
	}
	return view{title: vigie.Text{FR: "Arrêter les rappels ?", EN: "Stop the reminders?"}, lines: []vigie.Text{address, {
		FR: "Vous ne recevrez plus de rappels avant la date limite des marchés « À étudier ».",
		EN: "You will get no more reminders before the deadlines of tenders of interest.",
	}, alerts}, button: vigie.Text{FR: "Arrêter les rappels", EN: "Stop the reminders"}}
}
