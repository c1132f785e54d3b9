package graph

import (
	"context"
	"errors"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"vigie"
)

func (q query) Node(ctx context.Context, id string) (vigie.Node, error) {
	viewer, err := signedIn(ctx)
	if err != nil {
		return nil, err
	}
	// What is no id is looked for too, by number 0: whether it was one shows in no
	// time that the answer takes.
	l := load(ctx)
	kind, key, _ := q.service.IDs().Parse(id)
	switch kind {
	case vigie.KindTender:
		return nodeOf(l.tenders.Load(ctx, key))
	case vigie.KindBuyer:
		return nodeOf(l.buyers.Load(ctx, key))
	case vigie.KindNotice:
		return nodeOf(l.notice.Load(ctx, key))
	case vigie.KindDepartment:
		if d, ok := vigie.DepartmentByNumber(key); ok {
			return &d, nil
		}
		return nil, nil
	}
	// The rest is the account's own.
	if viewer.Account == nil {
		return nil, nil
	}
	own := owned{viewer.Account.ID, key}
	switch kind {
	case vigie.KindAccount:
		if viewer.Account.ID == key {
			return nodeOf(signedInAccount(ctx))
		}
	case vigie.KindWatch:
		return nodeOf(l.watches.Load(ctx, own))
	case vigie.KindRecipient:
		return nodeOf(l.addresses.Load(ctx, own))
	case vigie.KindDelivery:
		return nodeOf(l.deliveries.Load(ctx, own))
	case vigie.KindMail:
	}
	return nil, nil
}

// mostNodes is how many things are asked for at once.
const mostNodes = 100

func (q query) Nodes(ctx context.Context, ids []string) ([]vigie.Node, error) {
	if len(ids) > mostNodes {
		return nil, &vigie.Error{Code: vigie.BadRequest, Field: []string{"ids"}, Text: vigie.Same("%d ids at most.").With(mostNodes)}
	}
	nodes, errs, first := make([]vigie.Node, len(ids)), make([]error, len(ids)), make(map[string]int)
	var all sync.WaitGroup // all at once: loaders gather what they ask for
	for i, id := range ids {
		if _, known := first[id]; known {
			continue
		}
		first[id] = i
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = graphql.GetOperationContext(ctx).Recover(ctx, p)
				}
			}()
			nodes[i], errs[i] = q.Node(ctx, id)
		})
	}
	all.Wait()
	for i, id := range ids {
		nodes[i] = nodes[first[id]]
	}
	return nodes, errors.Join(errs...)
}

func (r departmentType) ID(_ context.Context, d *vigie.Department) (string, error) {
	return r.id(vigie.KindDepartment, d.Number()), nil
}

// pointerTo is a pointer to a T that is a node.
type pointerTo[T any] interface {
	*T
	vigie.Node
}

// nodeOf returns a thing as a node: null, not a nil of some type, if there is none.
func nodeOf[T any, P pointerTo[T]](thing P, err error) (vigie.Node, error) {
	if err != nil || thing == nil {
		return nil, err
	}
	return thing, nil
}
