package service

import (
	"context"
	"slices"

	"vigie"
)

// reminderDays checks how many days before a deadline an account wants to be reminded, and sorts them: the most days first,
// each once.
func (f *form) reminderDays(days []int32) []int32 {
	days = append([]int32{}, days...)
	slices.SortFunc(days, func(a, b int32) int { return int(b) - int(a) })
	days = slices.Compact(days)
	outside := func(n int32) bool { return n < 1 || n > vigie.MaxReminderDays }
	switch {
	case slices.ContainsFunc(days, outside):
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "Indiquez des nombres de jours entre 1 et %d.", EN: "Give numbers of days between 1 and %d.",
		}.With(vigie.MaxReminderDays), "input", "reminderDays")
	case len(days) > vigie.MaxReminders:
		f.problems.Add(vigie.TooMany, vigie.Text{
			FR: "Choisissez au plus %d rappels.", EN: "Choose at most %d reminders.",
		}.With(vigie.MaxReminders), "input", "reminderDays")
	}
	return days
}

// Reminders returns the reminders that an account is still to get of each of some tenders, the next one first, by tender.
func (s *Service) Reminders(ctx context.Context, account int64, tenders []int64) (map[int64][]*vigie.Reminder, error) {
	found, err := s.Store.Tenders(ctx, tenders)
	if err != nil {
		return nil, err
	}
	return s.Store.Ledger().Reminders(ctx, account, found)
}
