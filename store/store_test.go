package store_test

import "vigie"

func kind(k vigie.NoticeKind, links ...string) func(*vigie.Notice) {
	return func(n *vigie.Notice) { n.Kind, n.Links = k, links }
}

func title(s string) func(*vigie.Notice) { return func(n *vigie.Notice) { n.Content.Title = s } }

func buyer(name, siret, department string) func(*vigie.Notice) {
	return func(n *vigie.Notice) {
		n.Buyer = vigie.BuyerName{Name: name, SIRET: siret, DepartmentCode: department}
	}
}
