package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// refoldSetting lists the tenders whose notices were repaired and which are still to be folded again.
const refoldSetting = "refold"

// knownValues is the migration that adds the constraints on what [mend] repairs.
const knownValues = "20261128000400"

// mendBefore repairs the rows of an older database, unless that is done. A database without migrations has none.
func mendBefore(ctx context.Context, db *database.DB, applied []string) error {
	if len(applied) == 0 || slices.Contains(applied, knownValues) {
		return nil
	}
	return mend(ctx, db)
}

// mend repairs the rows of an earlier version, which stored the names of values in any case, so that nothing
// understood them: « immediate » for IMMEDIATE. It runs before the constraints that refuse such values are added. It
// is idempotent.
func mend(ctx context.Context, db *database.DB) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for table, columns := range map[string][]string{
			"accounts": {"locale", "digest_day"}, "watches": {"keyword_mode", "frequency"}, "tenders": {"procedure"},
		} {
			for _, column := range columns {
				_, err := tx.NewRaw("UPDATE ?0 SET ?1 = UPPER(?1) WHERE ?1 <> UPPER(?1)", bun.Ident(table), bun.Ident(column)).Exec(ctx)
				if err != nil {
					return err
				}
			}
		}
		for _, table := range []string{"watches", "tenders"} {
			if err := mendNatures(ctx, tx, table); err != nil {
				return err
			}
		}
		return mendNotices(ctx, tx)
	})
}

// strange is the condition that a JSON text has a value of a list of names in another case.
func strange[T ~string](column string, known ...T) string {
	text := "CAST(" + column + " AS TEXT)"
	for _, name := range known {
		text = fmt.Sprintf("replace(%s, '\"%s\"', '')", text, name)
	}
	conditions := make([]string, len(known))
	for i, name := range known {
		conditions[i] = fmt.Sprintf("lower(%s) LIKE '%%\"%s\"%%'", text, strings.ToLower(string(name)))
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

func mendNatures(ctx context.Context, tx bun.Tx, table string) error {
	var rows []struct {
		ID      int64
		Natures []vigie.Nature
	}
	err := tx.NewSelect().TableExpr(table).Column("id", "natures").Where(strange("natures", vigie.Natures()...)).Scan(ctx, &rows)
	if err != nil {
		return err
	}
	for _, row := range rows {
		_, err := tx.NewUpdate().Table(table).Set("natures = ?", upper(row.Natures)).Where("id = ?", row.ID).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// upper returns names in capitals, each once.
func upper[T ~string](names []T) []T {
	var list []T
	for _, name := range names {
		if name = T(strings.ToUpper(string(name))); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return database.NotNull(list)
}

// mendNotices repairs notices, and lists their tenders to be folded again.
func mendNotices(ctx context.Context, tx bun.Tx) error {
	var notices []*vigie.Notice
	err := tx.NewSelect().Model(&notices).Column("id", "tender_id", "kind", "content").
		WhereOr("kind <> UPPER(kind)").WhereOr(strange("content", vigie.Natures()...)).WhereOr(strange("content", vigie.Procedures()...)).Scan(ctx)
	if err != nil || len(notices) == 0 {
		return err
	}
	var tenders []string
	for _, n := range notices {
		n.Kind = vigie.NoticeKind(strings.ToUpper(string(n.Kind)))
		n.Content.Procedure = vigie.Procedure(strings.ToUpper(string(n.Content.Procedure)))
		if len(n.Content.Natures) > 0 {
			n.Content.Natures = upper(n.Content.Natures)
		}
		if _, err := tx.NewUpdate().Model(n).Column("kind", "content").WherePK().Exec(ctx); err != nil {
			return err
		}
		tenders = append(tenders, strconv.FormatInt(n.TenderID, 10))
	}
	return foldLater(ctx, tx, tenders)
}

// refold folds again the tenders of repaired notices, and those that an older version left without an end. What was not
// mailed because of the fault is not mailed now: it is too old.
func refold(ctx context.Context, db *database.DB) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		ids, err := listed(ctx, tx)
		if err != nil {
			return err
		}
		endless, err := undated(ctx, tx)
		if ids = append(ids, endless...); err != nil || len(ids) == 0 {
			return err
		}
		if err := db.Queue(ctx, tx, "publish"); err != nil {
			return err
		}
		for some := range slices.Chunk(database.Distinct(ids), vigie.MaxBatch) {
			p := publication{tx: tx}
			if err := p.reload(ctx, some); err != nil {
				return err
			}
			if err := p.save(ctx, db); err != nil {
				return err
			}
		}
		_, err = tx.NewDelete().Model(&database.Setting{Name: refoldSetting}).WherePK().Exec(ctx)
		return err
	})
}

// listed returns the tenders that are listed to be folded again.
func listed(ctx context.Context, tx bun.Tx) ([]int64, error) {
	var settings []database.Setting
	if err := tx.NewSelect().Model(&settings).Where("name = ?", refoldSetting).Scan(ctx); err != nil || len(settings) == 0 {
		return nil, err
	}
	var ids []int64
	for text := range strings.SplitSeq(settings[0].Value, ",") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", refoldSetting, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// undated returns the tenders of an older version that have no deadline and would stay online for ever: the fold says when
// they close.
func undated(ctx context.Context, tx bun.Tx) ([]int64, error) {
	var ids []int64
	err := tx.NewSelect().Model((*vigie.Tender)(nil)).Column("id").Where("deadline IS NULL").Where("online_until IS NULL").
		Where("merged_into IS NULL").Where("outcome <> ?", vigie.Withdrawn).Scan(ctx, &ids)
	return ids, err
}

// foldLater lists tenders to be folded again.
func foldLater(ctx context.Context, tx bun.Tx, tenders []string) error {
	_, err := tx.NewInsert().Model(&database.Setting{Name: refoldSetting, Value: strings.Join(tenders, ",")}).On("CONFLICT (name) DO UPDATE").
		Set("value = setting.value || ',' || EXCLUDED.value").Exec(ctx)
	return err
}

// reload reads tenders with all their notices, to be folded again.
func (p *publication) reload(ctx context.Context, tenders []int64) error {
	byTender, err := p.loadDossiers(ctx, tenders)
	if err != nil {
		return err
	}
	var clues buyerClues
	for _, id := range tenders {
		d := byTender[id]
		if d == nil || len(d.notices) == 0 { // all were withdrawn
			continue
		}
		for _, n := range d.notices {
			clues.add(n.Source, n.Buyer)
		}
		p.touch(d)
	}
	p.buyers, err = loadBuyerBook(ctx, p.tx, &clues)
	return err
}
