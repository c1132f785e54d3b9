package webhook

import (
	"errors"
	"time"

	"vigie"
)

// MaxBody is how many bytes a body has at most.
const MaxBody = 256 << 10

// Body writes the body of a message about a tender. The same alert gives the same body.
func Body(f Format, a Alert, l vigie.Locale) ([]byte, error) { return nil, errors.New("to come") }

// TestBody writes the body of a message that its owner asked for, to try an endpoint. endpoint is its public id.
func TestBody(f Format, endpoint, brand string, at time.Time, l vigie.Locale) ([]byte, error) {
	return nil, errors.New("to come")
}

// ConfirmationBody writes the message that asks in a chat whether it wants our messages. Its link leads to the page that
// confirms. It has no text of the account that asked for it, so that nobody can send their own words to strangers.
func ConfirmationBody(f Format, brand, url string, l vigie.Locale) ([]byte, error) {
	return nil, errors.New("to come")
}

// challengeBody writes the message that asks an endpoint to repeat a word.
func challengeBody(endpoint, word string, at time.Time) ([]byte, error) {
	return nil, errors.New("to come")
}
