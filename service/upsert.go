package service

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"vigie"
	"vigie/address"
	"vigie/query"
	"vigie/store"
)

// UpsertOutcome is what became of a watch that a platform stored.
type UpsertOutcome string

// The outcomes.
const (
	UpsertCreated   UpsertOutcome = "CREATED"
	UpsertUpdated   UpsertOutcome = "UPDATED"
	UpsertUnchanged UpsertOutcome = "UNCHANGED"
	UpsertRefused   UpsertOutcome = "REFUSED"
)

// UpsertWatch is a watch as a platform has it. Nil fields stay as they are, or
// are as usual where the watch is new; the criteria are all there are.
type UpsertWatch struct {
	ExternalID string
	Name       string
	Criteria   query.Patch
	Active     *bool
	Frequency  *vigie.Frequency
	NotifyMe   *bool
	Recipients *[]string
}

// Upserted is what became of a watch, with the watch unless it was refused, and
// what its author may not expect of it.
type Upserted struct {
	Outcome  UpsertOutcome
	Watch    *vigie.Watch
	Warnings []vigie.Warning
}

// MaxUpserts is how many watches one call stores.
const MaxUpserts = 50

// UpsertWatches creates or changes watches of an account by a platform's own ids
// of them. Each succeeds or fails on its own; mistakes come back as
// [vigie.Problems], at the place of their watch. To repeat it changes nothing.
func (s *Service) UpsertWatches(ctx context.Context, account *vigie.Account, in []UpsertWatch) ([]Upserted, vigie.Problems, error) {
	if len(in) > MaxUpserts {
		return nil, nil, badRequest(tooMany(len(in), MaxUpserts), "input")
	}
	results, problems := make([]Upserted, len(in)), vigie.Problems{}
	for i, w := range in {
		upserted, err := s.upsertWatch(ctx, account, w, []string{"input", strconv.Itoa(i)})
		mistakes := mistakesOf(err)
		if err != nil && mistakes == nil {
			return nil, nil, err
		}
		if results[i] = upserted; err != nil {
			results[i] = Upserted{Outcome: UpsertRefused}
		}
		for _, m := range mistakes {
			// The store knows nothing of places.
			if field := m.Field; len(field) > 0 && field[0] == "input" && (len(field) < 2 || field[1] != strconv.Itoa(i)) {
				m.Field = slices.Concat([]string{"input", strconv.Itoa(i)}, field[1:])
			}
			problems = append(problems, m)
		}
	}
	return results, problems, nil
}

// mistakesOf are what a person can correct of an error; nil where that is
// nothing.
func mistakesOf(err error) vigie.Problems {
	if problems, ok := errors.AsType[vigie.Problems](err); ok {
		return problems
	}
	if e, ok := errors.AsType[*vigie.Error](err); ok {
		if e.Code.Correctable() {
			return vigie.Problems{e}
		}
	}
	return nil
}

// upsertWatch stores one watch, of which path is the place.
func (s *Service) upsertWatch(ctx context.Context, account *vigie.Account, in UpsertWatch, path []string) (Upserted, error) {
	var f form
	externalID := f.ref(in.ExternalID, maxExternalIDLength, at(path, "externalId")...)
	w := vigie.Watch{Active: true, Frequency: vigie.Daily, Name: f.name(in.Name, at(path, "name"))}
	w.NameKey = vigie.NameKey(w.Name)
	if in.Recipients != nil {
		in.Recipients = new(f.addresses(*in.Recipients, at(path, "recipients")))
	}
	criteria, err := f.criteria(ctx, s, in.Criteria, at(path, "criteria"), inputName)
	if err != nil {
		return Upserted{}, err
	}
	if err := f.problems.Err(); err != nil {
		return Upserted{}, err
	}
	w.Criteria = criteria.Over(newCriteria())
	upserted, err := s.storeUpserted(ctx, account, externalID, w, in)
	upserted.Warnings = append(f.warnings, contradictions(w.Criteria, at(path, "criteria"))...)
	return upserted, err
}

// storeUpserted creates a watch, or changes the one that has its external id.
func (s *Service) storeUpserted(ctx context.Context, account *vigie.Account, externalID string, w vigie.Watch, in UpsertWatch) (Upserted, error) {
	for {
		id, err := s.Store.WatchOfExternalID(ctx, account, externalID)
		if err != nil {
			return Upserted{}, err
		}
		if id != 0 {
			return s.updateUpserted(ctx, account, id, w, in)
		}
		set(&w.Active, in.Active)
		set(&w.Frequency, in.Frequency)
		var recipients []string
		set(&recipients, in.Recipients)
		created, err := s.Store.CreateWatchCalled(ctx, account, externalID, w, in.NotifyMe == nil || *in.NotifyMe, recipients)
		if errors.Is(err, store.ErrCalled) {
			continue // another call has just stored it
		}
		return Upserted{Outcome: UpsertCreated, Watch: created}, err
	}
}

// updateUpserted changes a watch that a platform has stored before, if anything
// of it is new.
func (s *Service) updateUpserted(ctx context.Context, account *vigie.Account, id int64, w vigie.Watch, in UpsertWatch) (Upserted, error) {
	known, err := s.Watch(ctx, account, id)
	if err != nil {
		return Upserted{}, err
	}
	byWatch, err := s.Store.Ledger().Recipients(ctx, account, []int64{id})
	if err != nil {
		return Upserted{}, err
	}
	same := known.Name == w.Name && sameCriteria(known.Criteria, w.Criteria) &&
		(in.Active == nil || *in.Active == known.Active) && (in.Frequency == nil || *in.Frequency == known.Frequency) &&
		sameRecipients(account, byWatch[id], in)
	if same {
		return Upserted{Outcome: UpsertUnchanged, Watch: known}, nil
	}
	changed, err := s.Store.UpdateWatch(ctx, account, id, func(known *vigie.Watch) {
		known.Name, known.NameKey, known.Criteria = w.Name, w.NameKey, w.Criteria
		set(&known.Active, in.Active)
		set(&known.Frequency, in.Frequency)
	}, in.NotifyMe, in.Recipients)
	return Upserted{Outcome: UpsertUpdated, Watch: changed}, err
}

func sameCriteria(a, b vigie.Criteria) bool {
	return a.KeywordMode == b.KeywordMode && a.IncludeNationwide == b.IncludeNationwide && a.IncludeUnknownValue == b.IncludeUnknownValue &&
		slices.Equal(a.Keywords, b.Keywords) && slices.Equal(a.ExcludedKeywords, b.ExcludedKeywords) &&
		!slices.ContainsFunc(query.Criteria(), func(c query.Criterion) bool { return !slices.Equal(c.Values(&a), c.Values(&b)) })
}

// sameRecipients reports whether a watch has the recipients that a platform
// gives it, as far as it says.
func sameRecipients(account *vigie.Account, known []*vigie.Recipient, in UpsertWatch) bool {
	key := func(email string) string { return strings.ToLower(address.Canonical(email)) }
	own, primary := key(account.Email), false
	var others, given []string
	for _, r := range known {
		if r.Primary {
			primary = true
		} else {
			others = append(others, key(r.Email))
		}
	}
	if in.NotifyMe != nil && *in.NotifyMe != primary {
		return false
	}
	if in.Recipients == nil {
		return true
	}
	for _, email := range *in.Recipients {
		switch k := key(email); {
		case k != own:
			given = append(given, k)
		case !primary:
			return false // which the store refuses
		}
	}
	return slices.Equal(vigie.Sorted(others), vigie.Sorted(given))
}
