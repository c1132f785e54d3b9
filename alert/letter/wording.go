package letter

import (
	"slices"
	"text/template/parse"

	"vigie"
)

// choose replaces what a template says in two languages, {{.In "français" "English"}}, by the words of one, which are the same
// in all letters. escape is how words become text of the template.
func choose(list *parse.ListNode, l vigie.Locale, escape func(string) string) {
	if list == nil {
		return
	}
	for i, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if words, ok := wordsOf(n.Pipe); ok {
				list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(escape(words.In(l)))}
			}
		case *parse.IfNode:
			choose(n.List, l, escape)
			choose(n.ElseList, l, escape)
		case *parse.RangeNode:
			choose(n.List, l, escape)
			choose(n.ElseList, l, escape)
		case *parse.WithNode:
			choose(n.List, l, escape)
			choose(n.ElseList, l, escape)
		}
	}
}

// wordsOf returns the words of a pipeline that is nothing but a call of In.
func wordsOf(p *parse.PipeNode) (words vigie.Text, ok bool) {
	if len(p.Decl) > 0 || len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 3 {
		return words, false
	}
	var method []string
	args := p.Cmds[0].Args
	switch n := args[0].(type) {
	case *parse.FieldNode:
		method = n.Ident
	case *parse.VariableNode:
		method = n.Ident[1:]
	}
	french, isFrench := args[1].(*parse.StringNode)
	english, isEnglish := args[2].(*parse.StringNode)
	if !isFrench || !isEnglish || !slices.Equal(method, []string{"In"}) {
		return words, false
	}
	return vigie.Text{FR: french.Text, EN: english.Text}, true
}
