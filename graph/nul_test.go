package graph_test

import "testing"

// A NUL in any argument, as a variable or in the document, is the client's
// mistake, and is said so before anything is done: PostgreSQL's texts cannot
// hold one.
func TestNUL(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana := w.person("ana@example.org")
		for name, c := range map[string]struct {
			query string
			vars  vars
		}{
			"a variable":           {`query ($id: ID!) { watch(id: $id) { id } }`, vars{"id": "a\x00b"}},
			"in an input":          {`mutation ($in: CreateWatchInput!) { createWatch(input: $in) { userErrors { code } } }`, vars{"in": vars{"name": "a\x00", "criteria": vars{"keywords": []string{"voirie"}}}}},
			"in a list":            {`mutation ($in: CreateWatchInput!) { createWatch(input: $in) { userErrors { code } } }`, vars{"in": vars{"name": "a", "criteria": vars{"keywords": []string{"voirie", "a\x00b"}}}}},
			"one that nobody uses": {`query ($search: String) { tenders(search: $search) @include(if: false) { totalCount } departments { code } }`, vars{"search": "\x00"}},
			"a text":               {`{ tenders(search: "a\u0000b") { totalCount } }`, nil},
			"a text of an input":   {`mutation { createWatch(input: { name: "a", criteria: { keywords: ["voirie", "\u0000"] } }) { userErrors { code } } }`, nil},
			"a default":            {`query ($search: String = "\u0000") { tenders(search: $search) { totalCount } }`, nil},
			"in a fragment":        {`{ ...f } fragment f on Query { ... on Query { watch(id: "\u0000") { id } } }`, nil},
			"in a directive":       {`{ departments { code } choices @include(if: true) { natures { value } } tenders(search: "\u0000") @skip(if: true) { totalCount } }`, nil},
			"an address":           {`mutation { deleteAccount(confirmEmail: "ana@example.org\u0000") { deletedAccountId } }`, nil},
			"a type's name":        {`{ __type(name: "\u0000") { name } }`, nil},
		} {
			r := ana.post(c.query, c.vars)
			if len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "BAD_REQUEST" || r.Data != nil {
				t.Errorf("%s: %v, %v", name, r.Data, r.Errors)
			}
		}
		// An escaped backslash and the symbol for NUL are not NUL.
		ana.ask(`{ tenders(search: "\\u0000 ␀") { totalCount } }`, nil).expect(map[string]string{"tenders.totalCount": "0"})
	})
}
