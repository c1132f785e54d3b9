package graph

import (
	"context"

	"vigie"
)

func (q query) Node(ctx context.Context, id string) (vigie.Node, error) {
	viewer, err := signedIn(ctx)
	if err != nil {
		return nil, err
	}
	// What is no id is looked for too, by number 0: whether it was one shows in no
	// time that the answer takes.
	kind, key, _ := q.service.IDs().Parse(id)
	switch kind {
	case vigie.KindTender:
		return nodeOf(load(ctx).tenders.Load(ctx, key))
	case vigie.KindBuyer:
		return nodeOf(load(ctx).buyers.Load(ctx, key))
	case vigie.KindNotice:
		return found(q.service.Notice(ctx, key))
	}
	// The rest is the account's own.
	if viewer.Account == nil {
		return nil, nil
	}
	switch kind {
	case vigie.KindAccount:
		if viewer.Account.ID == key {
			return viewer.Account, nil
		}
	case vigie.KindWatch:
		return found(q.service.Watch(ctx, viewer.Account, key))
	case vigie.KindRecipient:
		return found(q.service.Recipient(ctx, viewer.Account, key))
	case vigie.KindDelivery:
		return found(q.service.Delivery(ctx, viewer.Account.ID, key))
	case vigie.KindMail:
	}
	return nil, nil
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

// found returns a thing as a node: null if there is none that the viewer may
// know of.
func found[T any, P pointerTo[T]](thing P, err error) (vigie.Node, error) {
	if vigie.CodeOf(err) == vigie.NotFound {
		return nil, nil
	}
	return nodeOf(thing, err)
}
