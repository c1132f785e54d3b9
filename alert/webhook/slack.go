package webhook

import (
	"strconv"
	"strings"
)

// slackSize keeps a message below what Slack takes: 150 characters in a header, 75 on a button, 3,000 in an address
// (https://docs.slack.dev/reference/block-kit/blocks), and some 13,000 in all blocks.
var slackSize = size{text: 300, list: 6}

// slackBody is a message for an incoming webhook of Slack.
//
// Texts of others are text elements of a rich_text block, which Slack does not parse: no sign in them is formatting, a
// mention, or a link. The summary is parsed, so it is escaped.
type slackBody struct {
	Text        string `json:"text"`
	Mrkdwn      bool   `json:"mrkdwn"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
	Blocks      []any  `json:"blocks"`
}

type slackText struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji bool   `json:"emoji"`
}

type slackHeader struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

// slackElements is a block, or a part of one, that consists of elements.
type slackElements struct {
	Type     string `json:"type"`
	Style    string `json:"style,omitempty"`
	Elements []any  `json:"elements"`
}

type slackRun struct {
	Type  string      `json:"type"`
	URL   string      `json:"url,omitempty"`
	Text  string      `json:"text"`
	Style *slackStyle `json:"style,omitempty"`
}

type slackStyle struct {
	Bold bool `json:"bold"`
}

type slackButton struct {
	Type     string    `json:"type"`
	ActionID string    `json:"action_id"`
	Text     slackText `json:"text"`
	URL      string    `json:"url"`
}

// slackMessage lays out a card.
func slackMessage(c card) slackBody {
	blocks := []any{slackHeader{"header", plainText(c.heading)}}
	var parts []any
	if first := slackLines(c); len(first) > 0 {
		parts = append(parts, slackElements{Type: "rich_text_section", Elements: first})
	}
	if len(c.changes) > 0 {
		list := slackElements{Type: "rich_text_list", Style: "bullet"}
		for _, change := range c.changes {
			list.Elements = append(list.Elements, slackElements{Type: "rich_text_section", Elements: slackLine(change)})
		}
		parts = append(parts, list)
	}
	for _, text := range c.corrections {
		parts = append(parts, slackElements{Type: "rich_text_quote", Elements: []any{run(text)}})
	}
	for _, reason := range c.reasons {
		parts = append(parts, slackElements{Type: "rich_text_section", Elements: slackLine(reason)})
	}
	blocks = append(blocks, slackElements{Type: "rich_text", Elements: parts})
	if len(c.buttons) > 0 {
		actions := slackElements{Type: "actions"}
		for i, b := range c.buttons {
			actions.Elements = append(actions.Elements, slackButton{"button", "link-" + strconv.Itoa(i+1), plainText(b.label), b.url})
		}
		blocks = append(blocks, actions)
	}
	if c.footer != "" {
		blocks = append(blocks, slackElements{Type: "context", Elements: []any{plainText(c.footer)}})
	}
	return slackBody{Text: slackEscape(c.summary), Blocks: blocks}
}

// slackLines are the title, as a link, and what is said of the tender, line by line.
func slackLines(c card) []any {
	var runs []any
	switch {
	case c.url != "":
		runs = append(runs, slackRun{Type: "link", URL: c.url, Text: c.title, Style: &slackStyle{Bold: true}})
	case c.title != "":
		runs = append(runs, slackRun{Type: "text", Text: c.title, Style: &slackStyle{Bold: true}})
	}
	for _, l := range c.lines {
		if len(runs) > 0 {
			runs = append(runs, run("\n"))
		}
		runs = append(runs, slackLine(l)...)
	}
	return runs
}

// slackLine is a line with what it is about in bold. Slack takes no empty text.
func slackLine(l labelled) []any {
	var runs []any
	if l.label != "" {
		runs = append(runs, slackRun{Type: "text", Text: l.label, Style: &slackStyle{Bold: true}})
	}
	if l.text != "" {
		runs = append(runs, run(l.text))
	}
	return runs
}

func run(text string) slackRun { return slackRun{Type: "text", Text: text} }

// plainText is a label. It has no < and >, between which Slack would find mentions; names of signs, which take more room,
// could make it too long.
func plainText(text string) slackText {
	return slackText{Type: "plain_text", Text: strings.NewReplacer("<", "‹", ">", "›").Replace(text)}
}

// slackEscape writes a text so that Slack finds no mention or link in it: these stand between < and >, and & begins a
// name of a sign (https://docs.slack.dev/messaging/formatting-message-text).
func slackEscape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
