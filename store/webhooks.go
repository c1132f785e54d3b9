package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// AddWebhook stores a webhook: of an account for one of its watches, or, where it has no account, of the platform. seal
// encrypts its credentials, under its public id.
func (s *Store) AddWebhook(ctx context.Context, w *vigie.Webhook, seal func(id string) string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if w.Everywhere() {
			if err := s.db.Queue(ctx, tx, "webhooks"); err != nil {
				return err
			}
		} else {
			if _, err := s.lockAccount(ctx, tx, w.AccountID); err != nil {
				return err
			}
			if err := s.lockWatch(ctx, tx, w.AccountID, &vigie.Watch{ID: w.WatchID}); err != nil {
				return err
			}
		}
		if err := s.roomForWebhook(ctx, tx, w); err != nil {
			return err
		}
		return s.ledger.AddWebhook(ctx, tx, w, seal)
	})
}

// roomForWebhook refuses a webhook more than there may be.
func (s *Store) roomForWebhook(ctx context.Context, tx bun.Tx, w *vigie.Webhook) error {
	// Those of the last day count even if they were removed, so that nobody has us call many strangers.
	all := tx.NewSelect().Model((*vigie.Webhook)(nil)).Where("(removed_at IS NULL OR created_at > ?)", s.db.Stamp().Add(-24*time.Hour)).
		Where("COALESCE(account_id, 0) = ?", w.AccountID)
	count, err := all.Count(ctx)
	if err != nil {
		return err
	}
	if count >= vigie.MaxAccountWebhooks {
		return tooManyWebhooks(vigie.Text{
			FR: "Vous avez atteint la limite de %d webhooks, ceux supprimés depuis moins de 24 heures compris. Supprimez-en un, ou réessayez demain.",
			EN: "You have reached the limit of %d webhooks, with those removed in the last 24 hours. Remove one, or try again tomorrow.",
		}.With(vigie.MaxAccountWebhooks))
	}
	if w.Everywhere() {
		return nil
	}
	count, err = all.Where("watch_id = ?", w.WatchID).Where("removed_at IS NULL").Count(ctx)
	if err == nil && count >= vigie.MaxWebhooks {
		err = tooManyWebhooks(vigie.Text{
			FR: "Cette veille a atteint la limite de %d webhooks. Supprimez-en un pour en créer un autre.",
			EN: "This watch has reached the limit of %d webhooks. Remove one to add another.",
		}.With(vigie.MaxWebhooks))
	}
	return err
}

func tooManyWebhooks(text vigie.Text) error {
	return &vigie.Error{Code: vigie.TooMany, Field: []string{"input"}, Text: text}
}

// ResealWebhooks encrypts the credentials of webhooks again, which a change of the secrets asks for: reseal returns what is to
// be stored, or what it got where that may stay. It returns how many cannot be decrypted any more, as reseal says by an error.
func (s *Store) ResealWebhooks(ctx context.Context, reseal func(id, sealed string) (string, error)) (lost int, err error) {
	var rows []*vigie.Webhook
	if err := s.db.NewSelect().Model(&rows).Column("id", "sealed").Where("removed_at IS NULL").Order("id").Scan(ctx); err != nil {
		return 0, database.Translate(err)
	}
	for _, w := range rows {
		sealed, err := reseal(s.ids.ID(vigie.KindWebhook, w.ID), w.Sealed)
		if err != nil {
			lost++
			continue
		}
		if sealed == w.Sealed {
			continue
		}
		_, err = s.db.NewUpdate().Model((*vigie.Webhook)(nil)).Set("sealed = ?", sealed).Where("id = ?", w.ID).Where("sealed = ?", w.Sealed).Exec(ctx)
		if err != nil {
			return lost, database.Translate(err)
		}
	}
	return lost, nil
}
