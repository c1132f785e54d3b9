package graph

import (
	"context"

	"vigie"
	"vigie/service"
)

// What a support agent sees, it sees after that was written down.

func (q query) Account(ctx context.Context, email string) ([]*vigie.Account, error) {
	d, err := agent(ctx)
	if err != nil {
		return nil, err
	}
	accounts, err := q.service.FindAccounts(ctx, *d, "account", email)
	if err != nil {
		return nil, err
	}
	load(ctx).open(accounts...)
	if accounts == nil {
		accounts = []*vigie.Account{}
	}
	return accounts, nil
}

// agent returns the support agent that asks.
func agent(ctx context.Context) (*service.SupportAgent, error) {
	if _, err := signedIn(ctx); err != nil {
		return nil, err
	}
	if a := supportAgent(ctx); a != nil {
		return a, nil
	}
	return nil, &vigie.Error{Code: vigie.Forbidden, Text: vigie.Same("This token does not allow reading accounts. Use one with the scope “support”.")}
}

// watchOwner returns the account of a watch that who asks may see by a field:
// its own, or, for a support agent, any. Whether the account has the watch is
// not known yet.
func (q query) watchOwner(ctx context.Context, field string, watch int64) (*vigie.Account, error) {
	d := supportAgent(ctx)
	if d == nil {
		return signedInAccount(ctx)
	}
	owner, err := q.service.OpenWatch(ctx, *d, field, watch)
	if err == nil {
		load(ctx).open(owner)
	}
	return owner, err
}

func (r watchType) ExplainAlert(ctx context.Context, w *vigie.Watch, tenderID string) ([]*service.AlertExplanation, error) {
	owner, err := load(ctx).owner(ctx, w.AccountID)
	if err != nil {
		return nil, err
	}
	list, err := r.service.ExplainAlert(ctx, owner, w, r.keyOf(vigie.KindTender, tenderID))
	if vigie.CodeOf(err) == vigie.NotFound {
		return nil, nil
	}
	return list, err
}

func (alertReasonType) Message(ctx context.Context, r *service.AlertReason) (string, error) {
	return say(ctx, r.Text), nil
}

// What a mail server says is for those who look after mail: it may name others.
func (alertReasonType) ServerReply(ctx context.Context, r *service.AlertReason) (*string, error) {
	if supportAgent(ctx) == nil {
		return nil, nil
	}
	return orNull(r.Reply), nil
}
