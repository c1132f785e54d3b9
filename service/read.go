package service

import (
	"context"
	"time"

	"vigie"
	"vigie/ledger"
	"vigie/opaque"
	"vigie/store"
)

// IDs make and read the ids that clients get.
func (s *Service) IDs() *opaque.Keys { return s.Store.IDs() }

// TendersByID returns the tenders of these ids; one that was merged is found by
// its former id too.
func (s *Service) TendersByID(ctx context.Context, ids []int64) (map[int64]*vigie.Tender, error) {
	return s.Store.Tenders(ctx, ids)
}

// TenderOfRef returns the id of the tender that a source calls so; 0 for none.
func (s *Service) TenderOfRef(ctx context.Context, source, ref string) (int64, error) {
	return s.Store.TenderOfRef(ctx, source, ref)
}

// TendersOfDeliveries returns what deliveries are about.
func (s *Service) TendersOfDeliveries(ctx context.Context, deliveries []int64) (map[int64]*vigie.Tender, error) {
	return s.Store.TendersOfDeliveries(ctx, deliveries)
}

// Dossier returns a tender with its notices and its buyer, nil for none; if heads is set, without description, labels, lots
// and details.
func (s *Service) Dossier(ctx context.Context, tender int64, heads bool) (*store.Dossier, error) {
	return s.Store.Dossier(ctx, tender, heads)
}

// BuyersByID returns the buyers of these ids; one that was merged is found by its
// former id too.
func (s *Service) BuyersByID(ctx context.Context, ids []int64) (map[int64]*vigie.Buyer, error) {
	return s.Store.Buyers(ctx, ids)
}

// Notices returns the notices of tenders.
func (s *Service) Notices(ctx context.Context, tenders []int64) (map[int64][]*vigie.Notice, error) {
	return s.Store.Notices(ctx, tenders)
}

// Publications returns where the notices of tenders were published.
func (s *Service) Publications(ctx context.Context, tenders []int64) (map[int64][]vigie.Publication, error) {
	return s.Store.Publications(ctx, tenders)
}

// NoticesByID returns notices; withdrawn ones are left out.
func (s *Service) NoticesByID(ctx context.Context, ids []int64) (map[int64]*vigie.Notice, error) {
	return s.Store.NoticesByID(ctx, ids)
}

// UpdatedAt returns when the last notice of tenders was published.
func (s *Service) UpdatedAt(ctx context.Context, tenders []int64) (map[int64]time.Time, error) {
	return s.Store.UpdatedAt(ctx, tenders)
}

// WatchesByID returns watches of an account.
func (s *Service) WatchesByID(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*vigie.Watch, error) {
	return s.Store.WatchesOf(ctx, account, ids)
}

// ExternalIDs returns what platforms call watches.
func (s *Service) ExternalIDs(ctx context.Context, watches []int64) (map[int64]string, error) {
	return s.Store.ExternalIDs(ctx, watches)
}

// WatchOfExternalID returns the id of the watch of an account that a platform calls
// so; 0 for none.
func (s *Service) WatchOfExternalID(ctx context.Context, account *vigie.Account, externalID string) (int64, error) {
	return s.Store.WatchOfExternalID(ctx, account, externalID)
}

// Marks returns what an account has marked of tenders.
func (s *Service) Marks(ctx context.Context, account int64, tenders []int64) (map[int64]store.Marks, error) {
	return s.Store.Marks(ctx, account, tenders)
}

// Health returns how watches have done lately.
func (s *Service) Health(ctx context.Context, watches []int64) (map[int64]*ledger.Health, error) {
	return s.Store.Ledger().Health(ctx, watches)
}

// Recipients returns the recipients of an account's watches.
func (s *Service) Recipients(ctx context.Context, account *vigie.Account, watches []int64) (map[int64][]*vigie.Recipient, error) {
	return s.Store.Ledger().Recipients(ctx, account, watches)
}

// Addresses returns recipients of an account.
func (s *Service) Addresses(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*vigie.Recipient, error) {
	return s.Store.Ledger().Addresses(ctx, account, ids)
}

// DeliveriesByID returns deliveries of an account.
func (s *Service) DeliveriesByID(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*ledger.Outgoing, error) {
	return s.Store.Ledger().DeliveriesByID(ctx, account, ids)
}

// Export returns all data held about an account.
func (s *Service) Export(ctx context.Context, account int64) (*store.Export, error) {
	return s.Store.Export(ctx, account)
}
