package webhook

import (
	"fmt"
	"strings"

	"vigie"
)

// maxTeams is how many bytes a message has at most. Teams takes some 28 kB, with what it adds itself.
const maxTeams = 24_000

// teamsEnvelope is a message for a webhook of Teams ("Workflows"), which has one Adaptive Card.
//
// Texts of others are runs of a RichTextBlock, which, unlike a TextBlock and fallbackText, is not parsed as Markdown.
// Mentions would have to be declared apart.
type teamsEnvelope struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema       string        `json:"$schema"`
	Type         string        `json:"type"`
	Version      string        `json:"version"`
	FallbackText string        `json:"fallbackText"`
	Body         []teamsText   `json:"body"`
	Actions      []teamsAction `json:"actions,omitempty"`
}

type teamsText struct {
	Type      string     `json:"type"`
	Spacing   string     `json:"spacing,omitempty"`
	Separator bool       `json:"separator,omitempty"`
	Inlines   []teamsRun `json:"inlines"`
}

type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Size   string `json:"size,omitempty"`
	Weight string `json:"weight,omitempty"`
	Italic bool   `json:"italic,omitempty"`
	Subtle bool   `json:"isSubtle,omitempty"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// teamsBody writes a message about a tender, shorter where it would be too long.
func teamsBody(a Alert, l vigie.Locale) ([]byte, error) {
	for _, s := range []size{{300, 6}, {100, 4}, {50, 2}} {
		body, err := encode(teamsMessage(alertCard(a, l, s)))
		if err != nil || len(body) <= maxTeams {
			return body, err
		}
	}
	return nil, fmt.Errorf("webhook: a card of more than %d bytes", maxTeams)
}

// teamsMessage lays out a card.
func teamsMessage(c card) teamsEnvelope {
	content := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		FallbackText: c.heading,
	}
	add := func(spacing string, runs ...teamsRun) {
		content.Body = append(content.Body, teamsText{Type: "RichTextBlock", Spacing: spacing, Inlines: runs})
	}
	add("", teamsRun{Type: "TextRun", Text: c.heading, Subtle: true, Weight: "Bolder"})
	if c.title != "" {
		add("Small", teamsRun{Type: "TextRun", Text: teamsPlain(c.title), Size: "Medium", Weight: "Bolder"})
	}
	for _, line := range c.lines {
		add("Small", teamsRuns(line)...)
	}
	for _, change := range c.changes {
		add("Small", teamsRuns(change)...)
	}
	for _, text := range c.corrections {
		add("Small", teamsRun{Type: "TextRun", Text: teamsPlain("« " + text + " »"), Italic: true})
	}
	for _, reason := range c.reasons {
		add("Small", teamsRuns(reason)...)
	}
	if c.footer != "" {
		add("Medium", teamsRun{Type: "TextRun", Text: teamsPlain(c.footer), Size: "Small", Subtle: true})
	}
	for _, b := range c.buttons {
		content.Actions = append(content.Actions, teamsAction{"Action.OpenUrl", b.label, b.url})
	}
	return teamsEnvelope{"message", []teamsAttachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: content}}}
}

// teamsRuns is a line with what it is about in bold.
func teamsRuns(l labelled) []teamsRun {
	var runs []teamsRun
	if l.label != "" {
		runs = append(runs, teamsRun{Type: "TextRun", Text: l.label, Weight: "Bolder"})
	}
	if l.text != "" {
		runs = append(runs, teamsRun{Type: "TextRun", Text: teamsPlain(l.text)})
	}
	return runs
}

// teamsPlain keeps a text as it is where Adaptive Cards would put in a date or a time: for {{DATE(…)}}. It puts a sign
// without width behind each brace.
func teamsPlain(text string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	return strings.ReplaceAll(text, "{", "{\u2060")
}
