package alert

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"vigie"
	"vigie/database"
	"vigie/ledger"
	"vigie/store"
)

// material is what messages say about tenders beside the tenders themselves, by tender or buyer.
type material struct {
	buyers map[int64]*vigie.Buyer
	// notices are those of the tenders that were corrected.
	notices map[int64][]*vigie.Notice
	// publications are where the notices of tenders were published.
	publications map[int64][]vigie.Publication
}

// readMaterial reads what messages to some recipients need.
func readMaterial(ctx context.Context, s *store.Store, log *slog.Logger, states map[int64]*ledger.RecipientState) (m material, err error) {
	m.notices = make(map[int64][]*vigie.Notice)
	var buyers, corrected, tenders []int64
	for _, r := range states {
		for _, t := range r.Deliveries {
			buyers, tenders = append(buyers, t.Tender.BuyerID), append(tenders, t.Tender.ID)
			if t.Kind == vigie.DeliverCorrected {
				corrected = append(corrected, t.Tender.ID)
			}
		}
	}
	if m.buyers, err = s.Buyers(ctx, buyers); err != nil {
		return m, err
	}
	if m.publications, err = s.Publications(ctx, database.Distinct(tenders)); err != nil {
		return m, err
	}
	unreadable, err := database.ReadApart(database.Distinct(corrected), func(ids []int64) error {
		some, err := s.Notices(ctx, ids)
		if err == nil {
			maps.Copy(m.notices, some)
		}
		return err
	})
	for tender, cause := range unreadable { // a message does not wait for that
		log.ErrorContext(ctx, "notices cannot be read: the message does not say what changed", "component", "sender", "action", "compose", "tender", tender, "error", cause)
	}
	return m, err
}

// changes returns what the corrections among deliveries changed, and what they ask to read.
func (m *material) changes(s *ledger.TenderDeliveries) (changes []vigie.Change, corrections []string) {
	notices := m.notices[s.Tender.ID]
	for _, d := range s.Deliveries {
		if d.Kind != vigie.DeliverCorrected {
			continue
		}
		before, after, _ := vigie.Arrival(notices, d.NoticeID)
		changes = merge(changes, vigie.Changes(before, after))
		at := slices.IndexFunc(notices, func(n *vigie.Notice) bool { return n.ID == d.NoticeID })
		if at >= 0 && notices[at].Content.Correction != "" {
			corrections = append(corrections, notices[at].Content.Correction)
		}
	}
	return changes, corrections
}

// formerDeadline is what the deadline was before the first of the corrections among deliveries; nil for none.
func (m *material) formerDeadline(s *ledger.TenderDeliveries) *time.Time {
	for _, d := range s.Deliveries {
		if d.Kind == vigie.DeliverCorrected {
			before, _, _ := vigie.Arrival(m.notices[s.Tender.ID], d.NoticeID)
			return before.Content.Deadline
		}
	}
	return nil
}

// merge merges two consecutive sets of changes into one.
func merge(first, then []vigie.Change) []vigie.Change {
	merged := slices.Clone(first)
	for _, change := range then {
		at := slices.IndexFunc(merged, func(c vigie.Change) bool { return c.Field == change.Field })
		if at < 0 {
			merged = append(merged, change)
			continue
		}
		merged[at].After = change.After
	}
	return slices.DeleteFunc(merged, func(c vigie.Change) bool { return c.Before == c.After })
}

// kindOf returns what deliveries about a tender say together: what matters most to the recipient.
func kindOf(s *ledger.TenderDeliveries) vigie.DeliveryKind {
	for _, kind := range []vigie.DeliveryKind{vigie.DeliverCancelled, vigie.DeliverNew, vigie.DeliverCorrected, vigie.DeliverReminder} {
		if slices.ContainsFunc(s.Deliveries, func(d *ledger.PendingDelivery) bool { return d.Kind == kind }) {
			return kind
		}
	}
	return vigie.DeliverClosingSoon
}

// foundKeywords returns the watches that led to deliveries and that the recipient is subscribed to, with their keywords that
// were found.
func foundKeywords(r *ledger.RecipientState, s *ledger.TenderDeliveries) map[int64][]string {
	keywords := make(map[int64][]string)
	for _, d := range s.Deliveries {
		for _, reason := range d.Reasons {
			if _, follows := r.Watches[reason.WatchID]; follows {
				keywords[reason.WatchID] = reason.Keywords // the last one is the latest
			}
		}
	}
	return keywords
}
