package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/directory"
)

// FoundBuyer is a buyer in the result of a search, with its place in the list.
type FoundBuyer struct {
	vigie.Buyer
	Place BuyerPlace
}

// BuyerPlace and BuyerWindow are a place in a list of buyers, and a part of one.
type (
	BuyerPlace  = directory.Place
	BuyerWindow = directory.Window
)

// SearchBuyers returns the buyers that [directory.Directory.Search] finds, and how many there are in all. It finds what
// was stored before it was called.
func (s *Store) SearchBuyers(ctx context.Context, words []string, w BuyerWindow) ([]*FoundBuyer, int, error) {
	if len(words) == 0 {
		return nil, 0, nil
	}
	d, err := s.buyersNow(ctx)
	if err != nil {
		return nil, 0, err
	}
	places, total := d.Search(words, w)
	ids := make([]int64, len(places))
	for i, p := range places {
		ids[i] = p.ID
	}
	rows, err := s.Buyers(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	found := make([]*FoundBuyer, 0, len(places))
	for _, p := range places {
		if row := rows[p.ID]; row != nil && row.ID == p.ID { // else it was merged a moment ago
			found = append(found, &FoundBuyer{*row, p})
		}
	}
	return found, total, nil
}

// buyerDirectory keeps the directory of buyers, with the change up to which it has what is in the database.
type buyerDirectory struct {
	// turn is held by the one who brings it up to date.
	turn chan struct{}

	mutex sync.Mutex
	now   *directory.Directory // nil until it was read
	// epoch is that of the database; reached is the last change in the directory.
	epoch   string
	reached int64
	// readAt is when all of it was read.
	readAt time.Time
}

func newBuyerDirectory() *buyerDirectory { return &buyerDirectory{turn: make(chan struct{}, 1)} }

// having returns the directory if it has all changes up to one, else nil.
func (b *buyerDirectory) having(number int64) *directory.Directory {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.reached < number {
		return nil
	}
	return b.now
}

// state returns what the directory has.
func (b *buyerDirectory) state() (now *directory.Directory, epoch string, reached int64, readAt time.Time) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.now, b.epoch, b.reached, b.readAt
}

func (b *buyerDirectory) set(now *directory.Directory, epoch string, reached int64, readAt time.Time) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.now, b.epoch, b.reached, b.readAt = now, epoch, reached, readAt
}

// buyersNow returns the directory with all that was stored before.
func (s *Store) buyersNow(ctx context.Context) (*directory.Directory, error) {
	last, err := s.db.LastNumber(ctx)
	if err != nil {
		return nil, err
	}
	if d := s.buyers.having(last); d != nil {
		return d, nil
	}
	select {
	case s.buyers.turn <- struct{}{}:
		defer func() { <-s.buyers.turn }()
	case <-ctx.Done():
		return nil, database.Translate(ctx.Err())
	}
	if d := s.buyers.having(last); d != nil { // another one has read it
		return d, nil
	}
	return s.readBuyers(ctx)
}

// rereadAfter is when all of the directory is read again. That drops names and tenders that count no longer; and it reads
// names that were stored by servers of an earlier version, which do not number them.
const rereadAfter = 24 * time.Hour

// KeepBuyers brings the directory of buyers up to date with the database, so that searches do not wait for that.
func (s *Store) KeepBuyers(ctx context.Context) error {
	last, err := s.db.LastNumber(ctx)
	if err != nil {
		return err
	}
	now, _, reached, readAt := s.buyers.state()
	if now != nil && reached == last && s.db.Now().Sub(readAt) < rereadAfter {
		return nil
	}
	select {
	case s.buyers.turn <- struct{}{}:
		defer func() { <-s.buyers.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err = s.readBuyers(ctx)
	return err
}

// readBuyers reads what changed since the directory was read, or all if it was never read, was read long ago, or if the
// database has another past now.
func (s *Store) readBuyers(ctx context.Context) (d *directory.Directory, err error) {
	err = s.Snapshot(ctx, func(ctx context.Context, now *Snapshot) error {
		epoch, err := now.Epoch(ctx)
		if err != nil {
			return err
		}
		known, knownEpoch, reached, readAt := s.buyers.state()
		if at := s.db.Now(); known == nil || epoch != knownEpoch || reached > now.Number || at.Sub(readAt) >= rereadAfter {
			d, reached, readAt = directory.New(), 0, at
		} else {
			d = known
		}
		if err := now.tellBuyers(ctx, d, reached, readAt); err != nil {
			return err
		}
		s.buyers.set(d, epoch, now.Number, readAt)
		return nil
	})
	return d, err
}

// tellBuyers tells the directory what changed after a number; if that is 0, all there is but the tenders that closed
// more than a day ago.
func (now *Snapshot) tellBuyers(ctx context.Context, d *directory.Directory, after int64, at time.Time) error {
	var c directory.Changes
	names, closings := now.changedNames, now.changedClosings
	if after == 0 {
		names = func(ctx context.Context, _ int64, c *directory.Changes) error {
			return readNames(ctx, now.tx.NewSelect().Where("buyer.merged_into IS NULL"), c)
		}
		closings = func(ctx context.Context, _ int64, c *directory.Changes) error {
			open := now.tx.NewSelect().Where("tender.merged_into IS NULL").Where("outcome = ?", vigie.Undecided).Where(openAt, at.Add(-rereadAfter))
			return readClosings(ctx, open, c, nil)
		}
	}
	if err := names(ctx, after, &c); err != nil {
		return err
	}
	if err := closings(ctx, after, &c); err != nil {
		return err
	}
	if err := now.names(ctx, strangers(d, &c), &c); err != nil {
		return err
	}
	d.Apply(c)
	return nil
}

// changesRead is how many changes are read at once: with a limit, each plan goes by the index of the numbers, also
// without statistics.
const changesRead = 5000

// changedNames reads the buyers whose names changed after a number.
func (now *Snapshot) changedNames(ctx context.Context, after int64, c *directory.Changes) error {
	for {
		var rows []*vigie.Buyer
		err := now.tx.NewSelect().Model(&rows).Column("id", "names_number").Where("names_number > ?", after).
			Order("names_number").Limit(changesRead).Scan(ctx)
		if err != nil {
			return database.Translate(err)
		}
		var ids []int64
		for _, row := range rows {
			ids, after = append(ids, row.ID), row.NamesNumber
		}
		if err := now.names(ctx, ids, c); err != nil || len(rows) < changesRead {
			return err
		}
	}
}

// changedClosings reads the tenders that changed after a number.
func (now *Snapshot) changedClosings(ctx context.Context, after int64, c *directory.Changes) error {
	for {
		before := len(c.Tenders)
		q := now.tx.NewSelect().Where("number > ?", after).Order("number").Limit(changesRead)
		if err := readClosings(ctx, q, c, &after); err != nil || len(c.Tenders)-before < changesRead {
			return err
		}
	}
}

// strangers are the buyers of changed tenders that the directory does not know: those that a server of an earlier
// version stored.
func strangers(d *directory.Directory, c *directory.Changes) (ids []int64) {
	known := make(map[int64]bool, len(c.Buyers))
	for _, b := range c.Buyers {
		known[b.ID] = true
	}
	for _, t := range c.Tenders {
		if !known[t.Buyer] && !d.Knows(t.Buyer) {
			known[t.Buyer] = true
			ids = append(ids, t.Buyer)
		}
	}
	return ids
}

// names reads the names of buyers by their ids.
func (now *Snapshot) names(ctx context.Context, ids []int64, c *directory.Changes) error {
	for some := range slices.Chunk(ids, changesRead) {
		if err := readNames(ctx, now.tx.NewSelect().Where("buyer.id IN (?)", bun.List(some)), c); err != nil {
			return err
		}
	}
	return nil
}

// readNames reads the names of the buyers that a query selects.
func readNames(ctx context.Context, q *bun.SelectQuery, c *directory.Changes) error {
	rows, err := q.TableExpr("buyers AS buyer").ColumnExpr("buyer.id, buyer.merged_into IS NOT NULL, buyer.folded_name, COALESCE(names.folded_name, '')").
		Join("LEFT JOIN buyer_names AS names ON names.buyer_id = buyer.id").OrderExpr("buyer.id").Rows(ctx)
	if err != nil {
		return database.Translate(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var merged bool
		var present, name string
		if err := rows.Scan(&id, &merged, &present, &name); err != nil {
			return database.Translate(err)
		}
		if merged {
			c.Merged = append(c.Merged, id)
			continue
		}
		if last := len(c.Buyers) - 1; last < 0 || c.Buyers[last].ID != id {
			c.Buyers = append(c.Buyers, directory.Buyer{ID: id, Name: present})
		}
		if name != "" {
			b := &c.Buyers[len(c.Buyers)-1]
			b.Names = append(b.Names, name)
		}
	}
	return database.Translate(rows.Err())
}

// readClosings reads when the tenders close that a query selects, and, unless it is nil, the number of the last of them.
func readClosings(ctx context.Context, q *bun.SelectQuery, c *directory.Changes, number *int64) error {
	rows, err := q.TableExpr("tenders AS tender").ColumnExpr("id, buyer_id, outcome = ? AND merged_into IS NULL", vigie.Undecided).
		ColumnExpr("COALESCE(deadline, online_until), number").Rows(ctx)
	if err != nil {
		return database.Translate(err)
	}
	defer rows.Close()
	last := int64(0)
	for rows.Next() {
		var t directory.Tender
		var closes bun.NullTime
		if err := rows.Scan(&t.ID, &t.Buyer, &t.Open, &closes, &last); err != nil {
			return database.Translate(err)
		}
		t.Closes = closes.Time
		c.Tenders = append(c.Tenders, t)
	}
	if number != nil && last > 0 {
		*number = last
	}
	return database.Translate(rows.Err())
}

// openAt is the condition that a tender has not closed at a time: the SQL of what [vigie.Tender.Status] says.
const openAt = "(COALESCE(tender.deadline, tender.online_until) IS NULL OR COALESCE(tender.deadline, tender.online_until) >= ?)"
