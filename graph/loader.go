package graph

import (
	"context"
	"time"

	"github.com/vikstrous/dataloadgen"

	"vigie"
	"vigie/service"
	"vigie/store"
)

// loaders gather what the fields of one request ask for, so that a page costs
// as many calls as a row does.
type loaders struct {
	buyers     *dataloadgen.Loader[int64, *vigie.Buyer]
	tenders    *dataloadgen.Loader[int64, *vigie.Tender]
	told       *dataloadgen.Loader[int64, *vigie.Tender]
	folds      *dataloadgen.Loader[int64, vigie.Folded]
	recipients *dataloadgen.Loader[int64, []*vigie.Recipient]
	marks      *dataloadgen.Loader[int64, store.Marks]
	addresses  *dataloadgen.Loader[int64, *vigie.Recipient]
	health     *dataloadgen.Loader[int64, *store.Health]
	reasons    *dataloadgen.Loader[int64, []*service.WatchMatch]
	online     *dataloadgen.Loader[int64, int]
	// pages go by the address of the plan: no two are one.
	pages *dataloadgen.Loader[*service.TenderPlan, *service.TenderPage]
}

type loadersKey struct{}

// gathering is how long a loader waits for more fields to ask.
const gathering = time.Millisecond

func withLoaders(ctx context.Context, s *service.Service) context.Context {
	l := &loaders{
		buyers:  loader(s.Store.Buyers),
		tenders: loader(s.Store.Tenders),
		told:    loader(s.Store.TendersTold),
		folds: loader(func(ctx context.Context, tenders []int64) (map[int64]vigie.Folded, error) {
			notices, err := s.Store.Notices(ctx, tenders)
			folds := make(map[int64]vigie.Folded, len(notices))
			for tender, list := range notices {
				folds[tender] = vigie.Fold(list)
			}
			return folds, err
		}),
		recipients: loader(func(ctx context.Context, watches []int64) (map[int64][]*vigie.Recipient, error) {
			account, err := account(ctx)
			if err != nil {
				return nil, err
			}
			return s.Store.Recipients(ctx, account, watches)
		}),
		marks: loader(func(ctx context.Context, tenders []int64) (map[int64]store.Marks, error) {
			viewer, err := signedIn(ctx)
			if err != nil || viewer.Account == nil {
				return nil, err // nobody in particular has seen nothing
			}
			return s.Store.Marks(ctx, viewer.Account.ID, tenders)
		}),
		addresses: loader(func(ctx context.Context, ids []int64) (map[int64]*vigie.Recipient, error) {
			account, err := account(ctx)
			if err != nil {
				return nil, err
			}
			return s.Store.Addresses(ctx, account, ids)
		}),
		health: loader(s.Store.Health),
		reasons: loader(func(ctx context.Context, deliveries []int64) (map[int64][]*service.WatchMatch, error) {
			account, err := account(ctx)
			if err != nil {
				return nil, err
			}
			return s.DeliveryReasons(ctx, account, deliveries)
		}),
		online: loader(s.OnlineByBuyer),
		pages: loader(func(ctx context.Context, plans []*service.TenderPlan) (map[*service.TenderPlan]*service.TenderPage, error) {
			pages, err := s.TenderPages(ctx, plans)
			byPlan := make(map[*service.TenderPlan]*service.TenderPage, len(pages))
			for i, page := range pages {
				byPlan[plans[i]] = page
			}
			return byPlan, err
		}),
	}
	return context.WithValue(ctx, loadersKey{}, l)
}

// loader makes one of a function that finds things by their keys; what it does
// not find is the zero value.
func loader[K comparable, V any](fetch func(context.Context, []K) (map[K]V, error)) *dataloadgen.Loader[K, V] {
	return dataloadgen.NewLoader(func(ctx context.Context, keys []K) ([]V, []error) {
		found, err := fetch(ctx, keys)
		values, errs := make([]V, len(keys)), make([]error, len(keys))
		for i, key := range keys {
			values[i], errs[i] = found[key], err
		}
		return values, errs
	}, dataloadgen.WithWait(gathering))
}

func load(ctx context.Context) *loaders { return ctx.Value(loadersKey{}).(*loaders) }
