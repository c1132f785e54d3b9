package store

import (
	"context"
	"time"

	"vigie"
	"vigie/database"
)

// MailPostponed records that a mail could not be sent because of a fault on our side, why, and when to try it again.
// Such attempts are counted up to counted, so that the pauses grow; a mail is never given up because of them.
func (s *Store) MailPostponed(ctx context.Context, m *vigie.Mail, counted int64, retryAt time.Time, why string) error {
	_, err := s.db.NewUpdate().Model((*vigie.Mail)(nil)).
		Set("attempts = CASE WHEN attempts < ? THEN attempts + 1 ELSE attempts END", counted).
		Set("retry_at = ?", retryAt.UTC().Truncate(time.Microsecond)).Set("error = ?", why).Set("leased_until = 0").
		Where("id = ?", m.ID).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return database.Translate(err)
}
