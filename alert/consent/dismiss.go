package consent

import (
	"context"

	"vigie"
	"vigie/ledger"
	"vigie/store"
)

// openDismissal finds out what a link to dismiss a tender is about, what its button does, and what undoes that.
func (h *handler) openDismissal(ctx context.Context, who *visitor, delivery int64) (act, undo func(context.Context) error, err error) {
	d, err := h.Store.Dismissal(ctx, delivery)
	if err != nil {
		return nil, nil, err
	}
	who.dismissal, who.Addressee = d, ledger.Addressee{Email: d.Email, Locale: d.Locale}
	mark := func(on bool) func(context.Context) error {
		return func(ctx context.Context) error {
			return h.Store.SetMark(ctx, d.AccountID, store.Dismissed, on, []int64{d.TenderID})
		}
	}
	return mark(true), mark(false), nil
}

// dismissView returns the page on which an account dismisses a tender, and shows it again.
func (v visitor) dismissView() view {
	d := v.dismissal
	about := []vigie.Text{vigie.Same(d.Title)}
	if d.Title == "" {
		about[0] = vigie.Text{FR: "Marché sans objet", EN: "Tender without a title"}
	}
	if d.Buyer != "" {
		about = append(about, vigie.Same(d.Buyer))
	}
	if d.Marks.Dismissed {
		return view{title: vigie.Text{FR: "Marché écarté", EN: "Tender dismissed"}, lines: append(about, vigie.Text{
			FR: "Il n’est plus dans votre liste, et vous ne recevrez plus d’alertes à son sujet.",
			EN: "It is no longer in your list, and you will get no more alerts about it.",
		}), button: vigie.Text{FR: "Remettre ce marché", EN: "Show this tender again"}, action: rejoin, quiet: true}
	}
	about = append(about, vigie.Text{
		FR: "Il ne sera plus dans votre liste, et vous ne recevrez plus d’alertes à son sujet. Les autres destinataires de vos veilles continueront d’en recevoir.",
		EN: "It will no longer be in your list, and you will get no more alerts about it. The other recipients of your watches will go on getting them.",
	})
	if d.Marks.Interested {
		about = append(about, vigie.Text{
			FR: "Vous l’avez marqué « à étudier » : l’écarter retire cette marque.",
			EN: "You marked it as of interest: dismissing it removes that mark.",
		})
	}
	return view{title: vigie.Text{FR: "Écarter ce marché ?", EN: "Dismiss this tender?"}, lines: about, button: vigie.Text{FR: "Écarter", EN: "Dismiss"}}
}

// expiredLink is the page of a link to dismiss a tender whose time is over.
func expiredLink() view {
	return view{title: vigie.Text{FR: "Ce lien a expiré", EN: "This link has expired"}, lines: []vigie.Text{{
		FR: "Le courriel date de plus de 90 jours. Vous pouvez encore écarter ce marché dans votre liste.",
		EN: "The email is more than 90 days old. You can still dismiss this tender in your list.",
	}}}
}
