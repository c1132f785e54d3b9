package graph

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vikstrous/dataloadgen"

	"vigie"
	"vigie/ledger"
	"vigie/service"
	"vigie/store"
)

// loaders gather what the fields of one request ask for, so that a page costs
// as many calls as a row does.
type loaders struct {
	buyers       loader[int64, *vigie.Buyer]
	tenders      loader[int64, *vigie.Tender]
	ofDeliveries loader[int64, *vigie.Tender]
	folds        loader[int64, vigie.Folded]
	publications loader[int64, []vigie.Publication]
	changes      loader[int64, [][]vigie.Change] // of a tender, by the order of its notices
	// notices are in the order of publication, and may lack what they say.
	notices    loader[int64, []*vigie.Notice]
	recipients loader[owned, []*vigie.Recipient]
	marks      loader[int64, store.Marks]
	reminders  loader[int64, []*vigie.Reminder]
	addresses  loader[owned, *vigie.Recipient]
	health     loader[int64, *ledger.Health]
	reasons    loader[owned, []*service.WatchMatch]
	online     loader[int64, int]
	updated    loader[int64, time.Time]
	external   loader[int64, string]
	notice     loader[int64, *vigie.Notice]
	// feedVersions are those of accounts: what a socket knows of its viewer may be hours old.
	feedVersions loader[int64, int64]
	watches      loader[owned, *vigie.Watch]
	webhooks     loader[owned, *vigie.Webhook]
	ofWatches    loader[owned, []*vigie.Webhook]
	deliveries   loader[owned, *ledger.Outgoing]
	// matches go by the tender as it was read.
	matches loader[*vigie.Tender, []*service.WatchMatch]
	// pages go by the address of the plan: no two are one.
	pages loader[*service.TenderPlan, *service.TenderPage]

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
	if l.opened == nil {
		l.opened = make(map[int64]*vigie.Account)
	}
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

// ofOwners has what accounts own fetched, each account's by itself.
func ofOwners[V any](fetch func(context.Context, *vigie.Account, []int64) (map[int64]V, error)) func(context.Context, []owned) (map[owned]V, error) {
	return func(ctx context.Context, keys []owned) (map[owned]V, error) {
		byAccount := make(map[int64][]int64)
		for _, key := range keys {
			byAccount[key.account] = append(byAccount[key.account], key.id)
		}
		all := make(map[owned]V, len(keys))
		for id, ids := range byAccount {
			account, err := load(ctx).owner(ctx, id)
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
	}
}

type loadersKey struct{}

// gathering is how long a loader waits for more fields to ask.
const gathering = time.Millisecond

func withLoaders(ctx context.Context, s *service.Service) context.Context {
	l := new(loaders)
	l.buyers.fetch, l.tenders.fetch, l.ofDeliveries.fetch = s.BuyersByID, s.TendersByID, s.TendersOfDeliveries
	l.publications.fetch, l.updated.fetch, l.external.fetch = s.Publications, s.UpdatedAt, s.ExternalIDs
	l.notice.fetch, l.feedVersions.fetch, l.health.fetch, l.online.fetch = s.NoticesByID, s.FeedVersions, s.Health, s.OnlineByBuyer
	l.recipients.fetch, l.addresses.fetch, l.reasons.fetch = ofOwners(s.Recipients), ofOwners(s.Addresses), ofOwners(s.DeliveryReasons)
	l.webhooks.fetch, l.ofWatches.fetch = ofOwners(s.WebhooksByID), ofOwners(s.WebhooksOfWatches)
	l.watches.fetch, l.deliveries.fetch = ofOwners(s.WatchesByID), ofOwners(s.DeliveriesByID)
	l.marks.fetch, l.reminders.fetch, l.matches.fetch = ofViewer(s.Marks), ofViewer(s.Reminders), func(ctx context.Context, tenders []*vigie.Tender) (map[*vigie.Tender][]*service.WatchMatch, error) {
		viewer, err := signedIn(ctx)
		if err != nil || viewer.Account == nil {
			return nil, err // nobody in particular watches nothing
		}
		return s.MatchedBy(ctx, viewer.Account, tenders)
	}
	l.pages.fetch = func(ctx context.Context, plans []*service.TenderPlan) (map[*service.TenderPlan]*service.TenderPage, error) {
		pages, err := s.TenderPages(ctx, plans)
		byPlan := make(map[*service.TenderPlan]*service.TenderPage, len(pages))
		for i, page := range pages {
			byPlan[plans[i]] = page
		}
		return byPlan, err
	}
	l.folds.fetch = func(ctx context.Context, tenders []int64) (map[int64]vigie.Folded, error) {
		notices, err := s.Notices(ctx, tenders)
		folds := make(map[int64]vigie.Folded, len(notices))
		for tender, list := range notices {
			folds[tender] = vigie.Fold(list)
		}
		return folds, err
	}
	l.notices.fetch, l.changes.fetch = ofFolds(vigie.Folded.Shown), ofFolds(vigie.Folded.Changes)
	return context.WithValue(ctx, loadersKey{}, l)
}

// ofViewer has what the viewer has of tenders fetched: nothing, for nobody in particular.
func ofViewer[V any](fetch func(ctx context.Context, account int64, tenders []int64) (map[int64]V, error)) func(context.Context, []int64) (map[int64]V, error) {
	return func(ctx context.Context, tenders []int64) (map[int64]V, error) {
		viewer, err := signedIn(ctx)
		if err != nil || viewer.Account == nil {
			return nil, err
		}
		return fetch(ctx, viewer.Account.ID, tenders)
	}
}

// ofFolds has tenders folded, and takes something of each.
func ofFolds[V any](of func(vigie.Folded) V) func(context.Context, []int64) (map[int64]V, error) {
	return func(ctx context.Context, tenders []int64) (map[int64]V, error) {
		folds, err := load(ctx).folds.LoadAll(ctx, tenders)
		byTender := make(map[int64]V, len(folds))
		for i, fold := range folds {
			byTender[tenders[i]] = of(fold)
		}
		return byTender, err
	}
}

// loader gathers what fields ask for by its key. What is not found is the zero value. It is made when it is first asked: a
// request asks few of them.
type loader[K comparable, V any] struct {
	fetch func(context.Context, []K) (map[K]V, error)
	once  sync.Once
	made  *dataloadgen.Loader[K, V]
}

func (l *loader[K, V]) get() *dataloadgen.Loader[K, V] {
	l.once.Do(func() {
		l.made = dataloadgen.NewLoader(func(ctx context.Context, keys []K) (values []V, errs []error) {
			defer func() {
				if p := recover(); p != nil { // here, where the stack says what panicked
					errs = []error{graphql.GetOperationContext(ctx).RecoverFunc(ctx, p)}
				}
			}()
			found, err := l.fetch(ctx, keys)
			values, errs = make([]V, len(keys)), make([]error, len(keys))
			for i, key := range keys {
				values[i], errs[i] = found[key], err
			}
			return values, errs
		}, dataloadgen.WithWait(gathering))
	})
	return l.made
}

// Load returns what is found by a key.
func (l *loader[K, V]) Load(ctx context.Context, key K) (V, error) { return l.get().Load(ctx, key) }

// LoadAll returns what is found by keys, in their order.
func (l *loader[K, V]) LoadAll(ctx context.Context, keys []K) ([]V, error) {
	return l.get().LoadAll(ctx, keys)
}

// Prime has a value found by a key that was not asked for yet.
func (l *loader[K, V]) Prime(key K, value V) { l.get().Prime(key, value) }

func load(ctx context.Context) *loaders { return ctx.Value(loadersKey{}).(*loaders) }

// watching are the watches that fields of one request are about, read and
// compiled once however many ask for them; plans are as [service.Service.WatchesFor]
// takes them.
type watching struct {
	mutex sync.Mutex
	known map[string]*service.Watching
}

func (w *watching) of(ctx context.Context, s *service.Service, account *vigie.Account, ids []int64, inactive bool, plans ...*service.TenderPlan) (*service.Watching, error) {
	key := fmt.Sprint(account.ID, ids == nil, ids, inactive)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if known := w.known[key]; known != nil {
		return known, nil
	}
	watches, err := s.WatchesFor(ctx, account, ids, inactive, plans...)
	if err != nil {
		return nil, err
	}
	if w.known == nil {
		w.known = make(map[string]*service.Watching)
	}
	w.known[key] = service.NewWatching(watches...)
	return w.known[key], nil
}
