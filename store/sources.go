package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// SourceState is what is known of a public source that is followed: a row of sources.
type SourceState struct {
	bun.BaseModel `bun:"sources"`
	Name          string `bun:",pk"`
	// StartedOn is the day from which on its notices alert: the day on which it was first followed.
	StartedOn string
	// FillFrom is the first day that is to be filled in, "" where that was not asked for.
	FillFrom string
	// Failures counts those since a day was last read.
	Failures int
	// LastError is the last failure, in words that may be public; "" if the last attempt succeeded.
	LastError string
	FailedAt  *time.Time
	// RetryAt is when to try again after a failure.
	RetryAt *time.Time
}

// SourceDay is a day of a source that was read whole: a row of source_days.
type SourceDay struct {
	bun.BaseModel `bun:"source_days"`
	Source        string `bun:",pk"`
	Day           string `bun:",pk"` // 2026-11-30
	// ReadAt is when its last reading began.
	ReadAt time.Time
	// Notices is how many there were.
	Notices int
}

// FollowSource returns what is known of a source and its days, in their order. A source that is new is followed from today
// on; fillFrom is the first day that it is to be filled in from, "" for none.
func (s *Store) FollowSource(ctx context.Context, name, today, fillFrom string) (*SourceState, []SourceDay, error) {
	state := &SourceState{Name: name, StartedOn: today, FillFrom: fillFrom}
	err := s.db.NewSelect().Model(state).WherePK().Scan(ctx)
	if database.IsNoRows(err) {
		if _, err = s.db.NewInsert().Model(state).On("CONFLICT (name) DO NOTHING").Exec(ctx); err == nil {
			err = s.db.NewSelect().Model(state).WherePK().Scan(ctx)
		}
	}
	if err != nil {
		return nil, nil, database.Translate(err)
	}
	// A day of start that is to come was recorded by a clock that was ahead.
	if started := min(state.StartedOn, today); started != state.StartedOn || fillFrom != state.FillFrom {
		state.StartedOn, state.FillFrom = started, fillFrom
		if _, err = s.db.NewUpdate().Model(state).Column("started_on", "fill_from").WherePK().Exec(ctx); err != nil {
			return nil, nil, database.Translate(err)
		}
	}
	var days []SourceDay
	err = s.db.NewSelect().Model(&days).Where("source = ?", name).Order("day").Scan(ctx)
	return state, days, database.Translate(err)
}

// Sources returns the sources that are, or were, followed, with their days.
func (s *Store) Sources(ctx context.Context) ([]*SourceState, map[string][]SourceDay, error) {
	var states []*SourceState
	if err := s.db.NewSelect().Model(&states).Order("name").Scan(ctx); err != nil {
		return nil, nil, database.Translate(err)
	}
	var days []SourceDay
	err := s.db.NewSelect().Model(&days).Order("source", "day").Scan(ctx)
	bySource := make(map[string][]SourceDay)
	for _, d := range days {
		bySource[d.Source] = append(bySource[d.Source], d)
	}
	return states, bySource, database.Translate(err)
}

// SourceDayRead records that a day of a source was read whole.
func (s *Store) SourceDayRead(ctx context.Context, source, day string, begun time.Time, notices int) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		row := &SourceDay{Source: source, Day: day, ReadAt: begun.UTC().Truncate(time.Second), Notices: notices}
		_, err := tx.NewInsert().Model(row).On("CONFLICT (source, day) DO UPDATE").
			Set("read_at = EXCLUDED.read_at").Set("notices = EXCLUDED.notices").Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model((*SourceState)(nil)).Set("failures = 0").Set("last_error = ''").Set("retry_at = NULL").
			Where("name = ?", source).Exec(ctx)
		return err
	})
}

// SourceFailed records that a day of a source could not be read, and when to try again.
func (s *Store) SourceFailed(ctx context.Context, source, reason string, at, again time.Time) error {
	_, err := s.db.NewUpdate().Model((*SourceState)(nil)).Set("failures = failures + 1").Set("last_error = ?", vigie.Printable(reason)).
		Set("failed_at = ?", at.UTC().Truncate(time.Second)).Set("retry_at = ?", again.UTC().Truncate(time.Second)).Where("name = ?", source).Exec(ctx)
	return database.Translate(err)
}

// KnownRefs returns those of some numbers of a source whose notices are stored.
func (s *Store) KnownRefs(ctx context.Context, source string, refs []string) (map[string]bool, error) {
	ids, err := byRef(ctx, s.db, "SELECT id FROM notices WHERE source = ? AND source_ref = asked.column1 AND NOT withdrawn LIMIT 1", source, refs)
	known := make(map[string]bool, len(ids))
	for ref := range ids {
		known[ref] = true
	}
	return known, database.Translate(err)
}
