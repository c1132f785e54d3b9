package bench

import (
	"context"
	"vigie/match"
	"vigie/query"
)

type postgres struct{}

func newPostgres(ctx context.Context, url string, c *Corpus, o MatchOptions, f match.Frequencies) (*postgres, error) {
	return nil, nil
}
func (p *postgres) measure(ctx context.Context, x *match.Index, tenders []query.Facts) ([]timed, error) {
	return nil, nil
}
func (p *postgres) close(ctx context.Context) {}
