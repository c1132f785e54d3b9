package graph

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"vigie"
	"vigie/service"
)

func (s subscription) TenderMatched(ctx context.Context, watchIDs []string) (<-chan *service.Matched, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	leave, err := s.subscriptions.enter(account.ID)
	if err != nil {
		return nil, err
	}
	ctx, cancel := untilExpired(ctx, 0)
	matches, err := s.service.Follow(ctx, account, s.watchKeys(watchIDs))
	if err != nil {
		cancel()
		leave()
		return nil, err
	}
	out := make(chan *service.Matched)
	go func() {
		defer leave()
		defer cancel()
		defer close(out)
		defer func() {
			if p := recover(); p != nil {
				endWith(ctx, graphql.GetOperationContext(ctx).Recover(ctx, p))
			}
		}()
		for m, err := range matches {
			if err != nil {
				endWith(ctx, err)
				return
			}
			if err := hand(ctx, m, out); err != nil {
				endWith(ctx, err)
				return
			}
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			endWith(ctx, &vigie.Error{Code: vigie.Unauthenticated, Text: vigie.Text{
				FR: "Votre session a expiré. Reconnectez-vous.",
				EN: "Your session has expired. Sign in again.",
			}})
		}
	}()
	return out, nil
}

// hand hands an event out, in its turn, unless ctx ends. The error is that its
// caller has too much work done already.
func hand(ctx context.Context, m *service.Matched, out chan<- *service.Matched) error {
	if turns, ok := ctx.Value(turnsKey{}).(*turns); ok {
		if err := turns.begin(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // the subscription ends
			}
			return err
		}
		defer func() {
			if ctx.Err() != nil { // perhaps nobody took it
				turns.end()
			}
		}()
	}
	select {
	case out <- m:
	case <-ctx.Done():
	}
	return nil
}

// untilExpired ends with the viewer's token, or that much later.
func untilExpired(ctx context.Context, later time.Duration) (context.Context, context.CancelFunc) {
	if viewer, err := signedIn(ctx); err == nil && !viewer.Until.IsZero() {
		return context.WithDeadline(ctx, viewer.Until.Add(later))
	}
	return context.WithCancel(ctx)
}

// ending is why a subscription ended, if not as the client wished.
type ending struct{ err atomic.Pointer[error] }

type endingKey struct{}

// withEnding gives an operation a place to say why it ended.
func withEnding(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(context.WithValue(ctx, endingKey{}, new(ending)))
}

// endWith says why a subscription ends.
func endWith(ctx context.Context, err error) {
	ctx.Value(endingKey{}).(*ending).err.Store(&err)
}

// sayEnding has a subscription that ends with an error say so in a last
// response: neither transport has a place for it.
func sayEnding(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response != nil {
		return response
	}
	why := ctx.Value(endingKey{}).(*ending).err.Swap(nil)
	if why == nil {
		return nil
	}
	graphql.AddError(ctx, *why)
	return &graphql.Response{Errors: graphql.GetErrors(ctx)}
}
