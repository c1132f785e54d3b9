package graph

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vikstrous/dataloadgen"

	"vigie"
	"vigie/ledger"
	"vigie/service"
	"vigie/store"
)

// loaders gather what the fields of one request ask for, so that a page costs
// as many calls as a row does.
type loaders struct {
	buyers       *dataloadgen.Loader[int64, *vigie.Buyer]
	tenders      *dataloadgen.Loader[int64, *vigie.Tender]
	ofDeliveries *dataloadgen.Loader[int64, *vigie.Tender]
	folds        *dataloadgen.Loader[int64, vigie.Folded]
	publications *dataloadgen.Loader[int64, []vigie.Publication]
	changes      *dataloadgen.Loader[int64, [][]vigie.Change] // of a tender, by the order of its notices
	// notices are in the order of publication, and may lack what they say.
	notices    *dataloadgen.Loader[int64, []*vigie.Notice]
	recipients *dataloadgen.Loader[owned, []*vigie.Recipient]
	marks      *dataloadgen.Loader[int64, store.Marks]
	reminders  *dataloadgen.Loader[int64, []*vigie.Reminder]
	addresses  *dataloadgen.Loader[owned, *vigie.Recipient]
	health     *dataloadgen.Loader[int64, *ledger.Health]
	reasons    *dataloadgen.Loader[owned, []*service.WatchMatch]
	online     *dataloadgen.Loader[int64, int]
	updated    *dataloadgen.Loader[int64, time.Time]
	external   *dataloadgen.Loader[int64, string]
	notice     *dataloadgen.Loader[int64, *vigie.Notice]
	// feedVersions are those of accounts: what a socket knows of its viewer may be hours old.
	feedVersions *dataloadgen.Loader[int64, int64]
	watches      *dataloadgen.Loader[owned, *vigie.Watch]
	webhooks     *dataloadgen.Loader[owned, *vigie.Webhook]
	ofWatches    *dataloadgen.Loader[owned, []*vigie.Webhook]
	deliveries   *dataloadgen.Loader[owned, *ledger.Outgoing]
	// matches go by the tender as it was read.
	matches *dataloadgen.Loader[*vigie.Tender, []*service.WatchMatch]
	// pages go by the address of the plan: no two are one.
	pages *dataloadgen.Loader[*service.TenderPlan, *service.TenderPage]

	watching watching

	mutex sync.Mutex
	// changed is the viewer as a mutation left it; nil where none changed it.
	changed *vigie.Account
	// opened are the accounts that a support agent was shown.
	opened map[int64]*vigie.Account
}

// owned is a thing of an account.
type owned struct{ account, id int64 }

// open has what a support agent asks for be shown to it.
func (l *loaders) open(accounts ...*vigie.Account) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, a := range accounts {
		l.opened[a.ID] = a
	}
}

// owner returns an account whose things who asks may see: its own, or one that
// was opened.
func (l *loaders) owner(ctx context.Context, id int64) (*vigie.Account, error) {
	l.mutex.Lock()
	opened := l.opened[id]
	l.mutex.Unlock()
	if opened != nil {
		return opened, nil
	}
	viewer, err := signedInAccount(ctx)
	if err == nil && viewer.ID != id {
		err = &vigie.Error{Code: vigie.Forbidden, Text: vigie.Same("This belongs to another account: you cannot access it.")}
	}
	return viewer, err
}

// ownedLoader makes a loader of what accounts own.
func ownedLoader[V any](l *loaders, fetch func(context.Context, *vigie.Account, []int64) (map[int64]V, error)) *dataloadgen.Loader[owned, V] {
	return loader(func(ctx context.Context, keys []owned) (map[owned]V, error) {
		byAccount := make(map[int64][]int64)
		for _, key := range keys {
			byAccount[key.account] = append(byAccount[key.account], key.id)
		}
		all := make(map[owned]V, len(keys))
		for id, ids := range byAccount {
			account, err := l.owner(ctx, id)
			if err != nil {
				return nil, err
			}
			found, err := fetch(ctx, account, ids)
			if err != nil {
				return nil, err
			}
			for key, value := range found {
				all[owned{id, key}] = value
			}
		}
		return all, nil
	})
}

type loadersKey struct{}

// gathering is how long a loader waits for more fields to ask.
const gathering = time.Millisecond

func withLoaders(ctx context.Context, s *service.Service) context.Context {
	l := &loaders{
		buyers:       loader(s.BuyersByID),
		tenders:      loader(s.TendersByID),
		ofDeliveries: loader(s.TendersOfDeliveries),
		folds: loader(func(ctx context.Context, tenders []int64) (map[int64]vigie.Folded, error) {
			notices, err := s.Notices(ctx, tenders)
			folds := make(map[int64]vigie.Folded, len(notices))
			for tender, list := range notices {
				folds[tender] = vigie.Fold(list)
			}
			return folds, err
		}),
		publications: loader(s.Publications),
		marks: loader(func(ctx context.Context, tenders []int64) (map[int64]store.Marks, error) {
			viewer, err := signedIn(ctx)
			if err != nil || viewer.Account == nil {
				return nil, err // nobody in particular has seen nothing
			}
			return s.Marks(ctx, viewer.Account.ID, tenders)
		}),
		reminders: loader(func(ctx context.Context, tenders []int64) (map[int64][]*vigie.Reminder, error) {
			viewer, err := signedIn(ctx)
			if err != nil || viewer.Account == nil {
				return nil, err
			}
			return s.Reminders(ctx, viewer.Account.ID, tenders)
		}),
		updated:      loader(s.UpdatedAt),
		external:     loader(s.ExternalIDs),
		notice:       loader(s.NoticesByID),
		feedVersions: loader(s.FeedVersions),

		health: loader(s.Health),
		online: loader(s.OnlineByBuyer),
		matches: loader(func(ctx context.Context, tenders []*vigie.Tender) (map[*vigie.Tender][]*service.WatchMatch, error) {
			viewer, err := signedIn(ctx)
			if err != nil || viewer.Account == nil {
				return nil, err // nobody in particular watches nothing
			}
			return s.MatchedBy(ctx, viewer.Account, tenders)
		}),
		pages: loader(func(ctx context.Context, plans []*service.TenderPlan) (map[*service.TenderPlan]*service.TenderPage, error) {
			pages, err := s.TenderPages(ctx, plans)
			byPlan := make(map[*service.TenderPlan]*service.TenderPage, len(pages))
			for i, page := range pages {
				byPlan[plans[i]] = page
			}
			return byPlan, err
		}),
		opened: make(map[int64]*vigie.Account),
	}
	l.recipients, l.addresses, l.reasons = ownedLoader(l, s.Recipients), ownedLoader(l, s.Addresses), ownedLoader(l, s.DeliveryReasons)
	l.webhooks, l.ofWatches = ownedLoader(l, s.WebhooksByID), ownedLoader(l, s.WebhooksOfWatches)
	l.watches, l.deliveries = ownedLoader(l, s.WatchesByID), ownedLoader(l, s.DeliveriesByID)
	l.notices = loader(func(ctx context.Context, tenders []int64) (map[int64][]*vigie.Notice, error) {
		folds, err := l.folds.LoadAll(ctx, tenders)
		byTender := make(map[int64][]*vigie.Notice, len(folds))
		for i, fold := range folds {
			byTender[tenders[i]] = fold.Shown()
		}
		return byTender, err
	})
	l.changes = loader(func(ctx context.Context, tenders []int64) (map[int64][][]vigie.Change, error) {
		folds, err := l.folds.LoadAll(ctx, tenders)
		byTender := make(map[int64][][]vigie.Change, len(folds))
		for i, fold := range folds {
			byTender[tenders[i]] = fold.Changes()
		}
		return byTender, err
	})
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

// watching are the watches that fields of one request are about, read and
// compiled once however many ask for them.
type watching struct {
	mutex sync.Mutex
	known map[string]*service.Watching
}

func (w *watching) of(ctx context.Context, s *service.Service, account *vigie.Account, ids []int64, inactive bool) (*service.Watching, error) {
	key := fmt.Sprint(account.ID, ids == nil, ids, inactive)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if known := w.known[key]; known != nil {
		return known, nil
	}
	watches, err := s.WatchesFor(ctx, account, ids, inactive)
	if err != nil {
		return nil, err
	}
	if w.known == nil {
		w.known = make(map[string]*service.Watching)
	}
	w.known[key] = service.NewWatching(watches...)
	return w.known[key], nil
}
