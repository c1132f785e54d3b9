package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/ledger"
)

// ImportedWatch is a watch of another system, to be stored here.
type ImportedWatch struct {
	// ExternalID is the watch's id in the other system; Digest changes with every change of its line.
	ExternalID, Digest string
	// Subject is the owner of the watch, as in the issuer's tokens; Email is the owner's address.
	Subject, Email string
	// Watch holds its name, criteria without the buyers, state, frequency and time of creation.
	Watch      vigie.Watch
	Buyers     []vigie.BuyerName
	Recipients []ledger.ImportedRecipient
}

// ImportOutcome is the outcome of an imported watch.
type ImportOutcome string

// The outcomes.
const (
	// ImportCreated is a new watch.
	ImportCreated ImportOutcome = "CREATED"
	// ImportChanged is a known watch whose line has changed.
	ImportChanged ImportOutcome = "CHANGED"
	// ImportUnchanged is a known watch whose line is the same as before.
	ImportUnchanged ImportOutcome = "UNCHANGED"
	// ImportKept is a known watch whose line has changed, but which a person has changed or deleted here: it stays as
	// it is.
	ImportKept ImportOutcome = "KEPT"
	// ImportRefused is a watch that cannot be stored; the error says why.
	ImportRefused ImportOutcome = "REFUSED"
)

// Imported is the result for one watch.
type Imported struct {
	Outcome ImportOutcome
	Err     error // a [vigie.Error] where the watch was refused
}

// imported is a row of imported_watches.
type imported struct {
	bun.BaseModel `bun:"imported_watches"`
	Issuer        string `bun:",pk"`
	ExternalID    string `bun:",pk"`
	WatchID       int64
	Digest        string
	ImportedAt    time.Time
}

// ImportWatches stores watches of other systems, at most [vigie.MaxBatch], for accounts of an issuer; began is when
// the import that they are part of began. The result has one entry for each. Nobody is mailed: an address is
// confirmed if it was confirmed in the other system, and is not asked otherwise. Missing accounts are created; their
// owners can sign in to them later. A watch is known by its external id: of a watch that exists already, only what
// changed in the other system since is written, unless a person has changed the watch here.
func (s *Store) ImportWatches(ctx context.Context, issuer string, began time.Time, watches []*ImportedWatch) ([]Imported, error) {
	if len(watches) > vigie.MaxBatch {
		return nil, fmt.Errorf("import %d watches in one batch", len(watches))
	}
	for tries := 3; ; tries-- {
		i := &watchImport{store: s, issuer: issuer, began: began.UTC().Truncate(time.Microsecond), now: s.db.Stamp(), results: make([]Imported, len(watches))}
		err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			i.tx = tx
			return i.run(ctx, watches)
		})
		switch {
		case err == nil:
			return i.results, nil
		// Somebody signed in, or named a watch, at the same moment.
		case vigie.CodeOf(err) != vigie.Taken || tries == 1:
			return nil, err
		}
	}
}

// watchImport is one batch on its way into the database. The rows that it touches are read at once and changed here.
// New rows are written at once; changed rows, which are few, one by one.
type watchImport struct {
	store   *Store
	tx      bun.Tx
	issuer  string
	began   time.Time
	now     time.Time
	results []Imported
	entries []*importEntry
	// accounts are the existing and the new accounts, by subject.
	accounts    map[string]*vigie.Account
	newAccounts []*vigie.Account
	// names are the watches of an account by the keys of their names, 0 for new ones; counts is how many watches each
	// has.
	names  map[*vigie.Account]map[string]int64
	counts map[*vigie.Account]int
	buyers *buyerBook
	// recipients are those of all the watches.
	recipients *ledger.Import
}

// importEntry is a watch to be written, new or changed.
type importEntry struct {
	*ImportedWatch
	result    *Imported
	known     *imported // nil for a new one
	account   *vigie.Account
	watch     *vigie.Watch
	wasActive bool
	buyers    []*bookedBuyer
	// addresses are those that the watch mails.
	addresses *ledger.ImportedWatch
}

func (i *watchImport) run(ctx context.Context, watches []*ImportedWatch) error {
	// Imports run one after another, so that no two create the same rows.
	if err := i.store.db.Queue(ctx, i.tx, "import watches"); err != nil {
		return err
	}
	if err := i.load(ctx, watches); err != nil || len(i.entries) == 0 {
		return err
	}
	// Publishers create buyers too: buyers come first, before any row is locked.
	if slices.ContainsFunc(i.entries, func(e *importEntry) bool { return len(e.Buyers) > 0 }) {
		if err := i.store.db.Queue(ctx, i.tx, "publish"); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{i.findAccounts, i.findWatches, i.moveAddresses, i.findBuyers, i.findNames, i.findRecipients, i.save} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// load finds out which watches are new or changed.
func (i *watchImport) load(ctx context.Context, watches []*ImportedWatch) error {
	ids := make([]string, len(watches))
	for n, w := range watches {
		ids[n] = w.ExternalID
	}
	var rows []*imported
	err := i.tx.NewSelect().Model(&rows).Where("issuer = ?", i.issuer).Where("external_id IN (?)", bun.List(ids)).Scan(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]*imported, len(rows))
	for _, row := range rows {
		known[row.ExternalID] = row
	}
	seen := make(map[string]bool, len(watches))
	for n, w := range watches {
		e := &importEntry{ImportedWatch: w, result: &i.results[n], known: known[w.ExternalID]}
		switch {
		case seen[w.ExternalID], e.known != nil && e.known.Digest != w.Digest && !e.known.ImportedAt.Before(i.began):
			e.refuse(vigie.Taken, vigie.Text{
				FR: "Cet identifiant externe figure déjà sur une autre ligne : celle-ci a été ignorée. Donnez-lui un autre identifiant.",
				EN: "Another line already has this externalId: this line was skipped. Give it another externalId.",
			}, "externalId")
		case e.known != nil && e.known.Digest == w.Digest:
			e.result.Outcome = ImportUnchanged
		default:
			i.entries = append(i.entries, e)
		}
		seen[w.ExternalID] = true
	}
	return nil
}

func (e *importEntry) refuse(code vigie.Code, text vigie.Text, field ...string) {
	*e.result = Imported{ImportRefused, &vigie.Error{Code: code, Field: field, Text: text}}
}

// removeDropped removes the entries that are not to be written after all.
func (i *watchImport) removeDropped() {
	i.entries = slices.DeleteFunc(i.entries, func(e *importEntry) bool { return e.result.Outcome != "" })
}

// findAccounts reads and locks the existing accounts.
func (i *watchImport) findAccounts(ctx context.Context) error {
	var subjects []string
	for _, e := range i.entries {
		subjects = append(subjects, e.Subject)
	}
	var accounts []*vigie.Account
	err := i.store.db.ForUpdate(i.tx.NewSelect().Model(&accounts).Where("issuer = ?", i.issuer).
		Where("subject IN (?)", bun.List(vigie.Sorted(subjects))).Order("id")).Scan(ctx)
	i.accounts = make(map[string]*vigie.Account)
	for _, a := range accounts {
		i.accounts[a.Subject] = a
	}
	return err
}

// findWatches reads and locks the watches that are to be changed, and leaves out those that their owners have changed
// here.
func (i *watchImport) findWatches(ctx context.Context) error {
	var ids []int64
	for _, e := range i.entries {
		if e.known != nil {
			ids = append(ids, e.known.WatchID)
		}
	}
	byID := make(map[int64]*vigie.Watch, len(ids))
	if len(ids) > 0 {
		var watches []*vigie.Watch
		if err := i.store.db.ForUpdate(i.tx.NewSelect().Model(&watches).Where("id IN (?)", bun.List(ids)).Order("id")).Scan(ctx); err != nil {
			return err
		}
		for _, w := range watches {
			byID[w.ID] = w
		}
	}
	for _, e := range i.entries {
		if e.known == nil {
			e.watch = &vigie.Watch{CreatedAt: e.Watch.CreatedAt}
			continue
		}
		e.watch = byID[e.known.WatchID]
		switch account := i.accounts[e.Subject]; {
		case e.watch.DeletedAt != nil || !e.watch.UpdatedAt.Equal(e.known.ImportedAt):
			e.result.Outcome = ImportKept
		case account == nil || account.ID != e.watch.AccountID:
			e.refuse(vigie.Taken, vigie.Text{
				FR: "Cette veille appartient déjà à une autre personne : elle n’a pas été modifiée. Vérifiez « subject ».",
				EN: "This watch belongs to another subject already: it was not changed. Check “subject”.",
			}, "subject")
		}
	}
	i.removeDropped()
	return nil
}

// moveAddresses updates the addresses of accounts that nobody has signed in to yet, and creates the missing accounts.
func (i *watchImport) moveAddresses(ctx context.Context) error {
	var there []int64
	for _, a := range i.accounts {
		there = append(there, a.ID)
	}
	if len(there) > 0 {
		if err := i.store.ledger.LockAccounts(ctx, i.tx, there...); err != nil {
			return err
		}
	}
	for _, e := range i.entries {
		e.account = i.accounts[e.Subject]
		if e.account == nil {
			e.account = new(vigie.NewAccount(i.issuer, e.Subject))
			e.account.Email, e.account.Imported, e.account.CreatedAt = e.Email, true, i.now
			i.accounts[e.Subject] = e.account
			i.newAccounts = append(i.newAccounts, e.account)
		}
		if !e.account.Imported || e.account.Email == e.Email {
			continue
		}
		before := e.account.Email
		if e.account.Email = e.Email; e.account.ID == 0 {
			continue
		}
		if err := i.store.ledger.MoveAddress(ctx, i.tx, e.account, before, false); err != nil {
			return err
		}
		if _, err := i.tx.NewUpdate().Model(e.account).Column("email").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// accountIDs returns the ids of the existing accounts.
func (i *watchImport) accountIDs() []int64 {
	var ids []int64
	for _, e := range i.entries {
		if e.account.ID != 0 {
			ids = append(ids, e.account.ID)
		}
	}
	return database.Distinct(ids)
}

// findNames gives watches names that are free in their accounts, and refuses watches above the limit.
func (i *watchImport) findNames(ctx context.Context) error {
	i.names, i.counts = make(map[*vigie.Account]map[string]int64), make(map[*vigie.Account]int)
	byID := make(map[int64]*vigie.Account)
	for _, e := range i.entries {
		if i.names[e.account] == nil {
			i.names[e.account] = make(map[string]int64)
			byID[e.account.ID] = e.account
		}
	}
	if ids := i.accountIDs(); len(ids) > 0 {
		var rows []*vigie.Watch
		err := i.tx.NewSelect().Model(&rows).Column("id", "account_id", "name_key").
			Where("account_id IN (?)", bun.List(ids)).Where("deleted_at IS NULL").Scan(ctx)
		if err != nil {
			return err
		}
		for _, w := range rows {
			i.names[byID[w.AccountID]][w.NameKey] = w.ID
			i.counts[byID[w.AccountID]]++
		}
	}
	for _, e := range i.entries {
		w, names := e.watch, i.names[e.account]
		if e.known == nil {
			if i.counts[e.account] >= vigie.MaxWatches {
				e.refuse(vigie.TooMany, vigie.Text{
					FR: "Cette personne a atteint la limite de %d veilles : celle-ci n’a pas été importée.",
					EN: "This subject has reached the limit of %d watches: this one was not imported.",
				}.With(vigie.MaxWatches))
				continue
			}
			i.counts[e.account]++
		} else {
			delete(names, w.NameKey)
		}
		w.Name = e.Watch.Name
		for n := 2; ; n++ {
			if _, taken := names[vigie.NameKey(w.Name)]; !taken {
				break
			}
			w.Name = vigie.NumberedName(e.Watch.Name, n)
		}
		w.NameKey = vigie.NameKey(w.Name)
		names[w.NameKey] = w.ID
	}
	i.removeDropped()
	return nil
}

// findBuyers finds the buyers that watches mean, and creates the missing ones.
func (i *watchImport) findBuyers(ctx context.Context) error {
	var clues buyerClues
	for _, e := range i.entries {
		for _, name := range e.Buyers {
			clues.add("", name)
		}
	}
	i.buyers = &buyerBook{}
	if len(clues.folded) == 0 {
		return nil
	}
	var err error
	if i.buyers, err = loadBuyerBook(ctx, i.tx, &clues); err != nil {
		return err
	}
	for _, e := range i.entries {
		for _, name := range e.Buyers {
			for _, buyer := range i.buyers.namedInWatch(name) {
				if !slices.Contains(e.buyers, buyer) {
					e.buyers = append(e.buyers, buyer)
				}
			}
		}
		if len(e.buyers) > vigie.MaxChoices {
			e.refuse(vigie.TooMany, vigie.Text{
				FR: "%[1]d organismes portent ces noms ; la limite est de %[2]d. Indiquez leurs SIRET ou leurs départements.",
				EN: "%[1]d buyers have these names; the limit is %[2]d. Give their SIRETs or departments.",
			}.With(len(e.buyers), vigie.MaxChoices), "buyers")
		}
	}
	i.removeDropped()
	return nil
}

// findRecipients plans the recipients of each watch.
func (i *watchImport) findRecipients(ctx context.Context) (err error) {
	all := make([]*ledger.ImportedWatch, len(i.entries))
	for n, e := range i.entries {
		e.addresses = &ledger.ImportedWatch{Account: e.account, ID: e.watch.ID, Own: e.Email, Recipients: e.Recipients}
		all[n] = e.addresses
	}
	i.recipients, err = i.store.ledger.PlanImport(ctx, i.tx, all)
	return err
}

// save gives every new row its number and writes it.
func (i *watchImport) save(ctx context.Context) error {
	if len(i.entries) == 0 {
		return nil
	}
	i.newAccounts = slices.DeleteFunc(i.newAccounts, func(a *vigie.Account) bool {
		return !slices.ContainsFunc(i.entries, func(e *importEntry) bool { return e.account == a })
	})
	numbers, err := database.Take(ctx, i.tx, len(i.newAccounts)+i.buyers.changed()+len(i.entries)+i.recipients.Count())
	if err != nil {
		return err
	}
	for _, a := range i.newAccounts {
		a.ID = numbers.Next()
	}
	if len(i.newAccounts) > 0 {
		if _, err := i.tx.NewInsert().Model(&i.newAccounts).Exec(ctx); err != nil {
			return err
		}
	}
	if err := i.buyers.save(ctx, i.tx, &numbers); err != nil {
		return err
	}
	for _, e := range i.entries {
		e.apply()
	}
	if err := i.recipients.SaveConsents(ctx, i.tx); err != nil {
		return err
	}
	for _, e := range i.entries {
		if e.known == nil {
			continue
		}
		if err := i.store.saveChange(ctx, i.tx, e.watch, e.wasActive, e.addresses.RecipientPlan, &numbers); err != nil {
			return err
		}
		if err := i.store.ledger.WatchChanged(ctx, i.tx, e.watch.ID); err != nil {
			return err
		}
		e.result.Outcome = ImportChanged
	}
	// After the changed watches, for a new watch may take the name that one of them had.
	if err := i.saveNew(ctx, &numbers); err != nil {
		return err
	}
	return i.saveDigests(ctx)
}

// apply copies the line's fields into the watch.
func (e *importEntry) apply() {
	w := e.watch
	e.wasActive = w.Active
	w.Criteria, w.Active, w.Frequency, w.CreatedAt = storedCriteria(e.Watch.Criteria), e.Watch.Active, e.Watch.Frequency, e.Watch.CreatedAt
	for _, buyer := range e.buyers {
		w.Criteria.BuyerIDs = append(w.Criteria.BuyerIDs, buyer.ID)
	}
}

// saveNew writes the new watches with their addresses. Tenders published before are not mailed.
func (i *watchImport) saveNew(ctx context.Context, numbers *database.Counter) error {
	var watches []*vigie.Watch
	var addresses []*ledger.ImportedWatch
	for _, e := range i.entries {
		if e.known != nil {
			continue
		}
		w := e.watch
		w.ID, w.AccountID, w.UpdatedAt = numbers.Next(), e.account.ID, i.now
		w.Number, w.Since = w.ID, w.ID
		if !w.Active {
			w.Paused = &w.Number
		}
		watches = append(watches, w)
		e.addresses.ID = w.ID
		addresses = append(addresses, e.addresses)
		e.result.Outcome = ImportCreated
	}
	if len(watches) == 0 {
		return nil
	}
	if _, err := i.tx.NewInsert().Model(&watches).Exec(ctx); err != nil {
		return takenName(err)
	}
	if err := insertWatchBuyers(ctx, i.tx, watches); err != nil {
		return err
	}
	return i.recipients.SaveNew(ctx, i.tx, addresses, numbers)
}

// saveDigests records the digests of the watches' lines.
func (i *watchImport) saveDigests(ctx context.Context) error {
	rows := make([]*imported, len(i.entries))
	for n, e := range i.entries {
		rows[n] = &imported{Issuer: i.issuer, ExternalID: e.ExternalID, WatchID: e.watch.ID, Digest: e.Digest, ImportedAt: e.watch.UpdatedAt}
	}
	q := i.tx.NewInsert().Model(&rows).On("CONFLICT (issuer, external_id) DO UPDATE").
		Set("digest = EXCLUDED.digest").Set("imported_at = EXCLUDED.imported_at")
	_, err := q.Exec(ctx)
	return err
}
