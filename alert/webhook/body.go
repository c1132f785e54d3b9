package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"vigie"
)

// MaxBody is how many bytes the body of a message has at most: of the format [Standard] as Standard Webhooks recommends,
// of a chat less.
const MaxBody = 256 << 10

// Body writes the body of a message about a tender. The same alert gives the same body.
func Body(f Format, a Alert, l vigie.Locale) ([]byte, error) {
	switch f {
	case Standard:
		return standardBody(a, l)
	case Slack:
		return encode(slackMessage(alertCard(a, l, slackSize)))
	case Teams:
		return teamsBody(a, l)
	}
	return nil, fmt.Errorf("webhook: no format %q", f)
}

// TestBody writes the body of a message that its owner asked for, to try an endpoint. endpoint is its public id.
func TestBody(f Format, endpoint, brand string, at time.Time, l vigie.Locale) ([]byte, error) {
	if f == Standard {
		return encode(envelope{"webhook.test", version, at.UTC(), testData{endpoint}})
	}
	return noteBody(f, note{
		heading: vigie.Text{FR: "Essai", EN: "Test message"},
		text:    vigie.Text{FR: "Les alertes de vos veilles arriveront dans cette conversation.", EN: "The alerts of your watches will arrive in this conversation."},
		brand:   brand,
	}, l)
}

// ConfirmationBody writes the message that asks in a chat whether it wants our messages. Its link leads to the page that
// confirms. It has no text of the account that asked for it, so that nobody can send their own words to strangers.
func ConfirmationBody(f Format, brand, url string, l vigie.Locale) ([]byte, error) {
	if f == Standard {
		return nil, fmt.Errorf("webhook: endpoints of the format %s are challenged", f)
	}
	return noteBody(f, note{
		heading: vigie.Text{FR: "Recevoir des alertes ici ?", EN: "Receive alerts here?"},
		text: vigie.Text{
			FR: "Quelqu’un demande que les alertes d’une veille de marchés arrivent dans cette conversation. Confirmez si vous le souhaitez. Sinon, ne faites rien : rien d’autre ne sera envoyé.",
			EN: "Somebody asks that the alerts of a tender watch arrive in this conversation. Confirm if you wish so. If not, do nothing: nothing else will be sent.",
		},
		button: vigie.Text{FR: "Confirmer", EN: "Confirm"}, url: url, brand: brand,
	}, l)
}

// challengeBody writes the message that asks an endpoint to repeat a word.
func challengeBody(endpoint, word string, at time.Time) ([]byte, error) {
	return encode(envelope{"webhook.challenge", version, at.UTC(), challengeData{endpoint, word}})
}

// encode writes JSON without escaping signs of HTML, which takes less room.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// noteBody writes a message to a chat that is about no tender.
func noteBody(f Format, n note, l vigie.Locale) ([]byte, error) {
	if f == Slack {
		return encode(slackMessage(n.card(l)))
	}
	return encode(teamsMessage(n.card(l)))
}

// size says how much of texts and lists a message has.
type size struct {
	// text is how many characters a text has at most, list how many elements a list.
	text, list int
}
