package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/query"
)

// EventsAfter returns the numbers of at most limit changes above after that can be events, in their order: notices,
// and withdrawals of tenders.
func (now *Snapshot) EventsAfter(ctx context.Context, after int64, limit int) ([]int64, error) {
	notices, err := now.NoticesAfter(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	until := now.Number
	if len(notices) == limit {
		until = notices[limit-1]
	}
	numbers, err := now.withdrawals(ctx, after, until)
	numbers = append(numbers, notices...)
	slices.Sort(numbers)
	return numbers[:min(len(numbers), limit)], err
}

// EventsBefore returns what [Snapshot.EventsAfter] does of the changes below before, the last first.
func (now *Snapshot) EventsBefore(ctx context.Context, before int64, limit int) ([]int64, error) {
	var notices []int64
	err := now.tx.NewRaw("SELECT id FROM notices WHERE id < ? AND NOT withdrawn ORDER BY id DESC LIMIT ?", before, limit).Scan(ctx, &notices)
	if err != nil {
		return nil, database.Translate(err)
	}
	after := int64(0)
	if len(notices) == limit {
		after = notices[limit-1]
	}
	numbers, err := now.withdrawals(ctx, after, before-1)
	numbers = append(numbers, notices...)
	slices.Sort(numbers)
	slices.Reverse(numbers)
	return numbers[:min(len(numbers), limit)], err
}

// withdrawals returns the numbers of withdrawals above after and up to until: of tenders that are still withdrawn.
func (now *Snapshot) withdrawals(ctx context.Context, after, until int64) ([]int64, error) {
	var numbers []int64
	err := now.tx.NewSelect().Model((*vigie.Tender)(nil)).Column("number").
		Where("number > ?", after).Where("number <= ?", until).Where("outcome = ?", vigie.Withdrawn).Where("merged_into IS NULL").Scan(ctx, &numbers)
	return numbers, database.Translate(err)
}

// withdrawn returns the tenders that were withdrawn by changes of these numbers.
func (now *Snapshot) withdrawn(ctx context.Context, numbers []int64) ([]*vigie.Tender, error) {
	var tenders []*vigie.Tender
	err := now.tx.NewSelect().Model(&tenders).Where("number IN (?)", bun.List(numbers)).Where("outcome = ?", vigie.Withdrawn).Where("merged_into IS NULL").Scan(ctx)
	return tenders, database.Translate(err)
}

// Effects returns the effects of changes that can be events, in the order of their numbers.
func (now *Snapshot) Effects(ctx context.Context, numbers []int64) ([]*query.NoticeEffect, error) {
	notices, err := now.Notices(ctx, numbers)
	if err != nil {
		return nil, err
	}
	withdrawn, err := now.withdrawn(ctx, numbers)
	if err != nil {
		return nil, err
	}
	var news []*query.NoticeEffect
	for _, t := range withdrawn {
		news = append(news, query.WithdrawalOf(t))
	}
	if len(notices) > 0 {
		ids := make([]int64, len(notices))
		for i, notice := range notices {
			ids[i] = notice.TenderID
		}
		tenders, err := now.Tenders(ctx, ids)
		if err != nil {
			return nil, err
		}
		byTender, err := now.NoticesOf(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, notice := range notices {
			news = append(news, query.EffectOf(notice, tenders[notice.TenderID], byTender[notice.TenderID]))
		}
	}
	slices.SortFunc(news, func(a, b *query.NoticeEffect) int { return cmp.Compare(a.Number, b.Number) })
	return news, nil
}
