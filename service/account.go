package service

import (
	"context"
	"strings"
	"time"

	"vigie"
	"vigie/address"
)

// UpdateAccount changes an account's settings.
func (s *Service) UpdateAccount(ctx context.Context, account *vigie.Account, u vigie.AccountUpdate) (*vigie.Account, error) {
	var f form
	if u.TimeZone != nil && !validTimeZone(*u.TimeZone) {
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "« %s » n’est pas un fuseau horaire. Exemple : Europe/Paris",
			EN: "“%s” is not a time zone. Example: Europe/Paris",
		}.With(*u.TimeZone), "input", "timeZone")
	}
	if u.DigestHour != nil && (*u.DigestHour < 0 || *u.DigestHour > 23) {
		f.problems.Add(vigie.Invalid, vigie.Text{FR: "Indiquez une heure entre 0 et 23.", EN: "Give an hour between 0 and 23."}, "input", "digestHour")
	}
	if u.CalendarAlarmDays != nil && (*u.CalendarAlarmDays < 0 || *u.CalendarAlarmDays > vigie.MaxAlarmDays) {
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "Indiquez un nombre de jours entre 0 et %d ; 0 pour ne pas avoir de rappel.", EN: "Give a number of days between 0 and %d; 0 for no reminder.",
		}.With(vigie.MaxAlarmDays), "input", "calendarAlarmDays")
	}
	if u.ReminderDays != nil {
		u.ReminderDays = new(f.reminderDays(*u.ReminderDays))
	}
	if err := f.problems.Err(); err != nil {
		return nil, err
	}
	return s.Store.UpdateAccount(ctx, account.ID, u)
}

// DeleteAccount erases an account, where confirmEmail is its own address.
func (s *Service) DeleteAccount(ctx context.Context, account *vigie.Account, confirmEmail string) error {
	if !strings.EqualFold(address.Canonical(strings.TrimSpace(confirmEmail)), account.Email) {
		return &vigie.Error{Code: vigie.Invalid, Field: []string{"confirmEmail"}, Text: vigie.Text{
			FR: "Cette adresse n’est pas celle de votre compte : rien n’a été supprimé. Saisissez l’adresse de votre compte.",
			EN: "This is not your account's address: nothing was deleted. Enter your account's address.",
		}}
	}
	return s.Store.Erase(ctx, account.ID)
}

func validTimeZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "" && name != "Local"
}
