package boamp

import (
	"time"

	"vigie"
	"vigie/ingest/eforms"
	"vigie/ingest/tree"
)

// european reads a notice in eForms. Its clocks are in the time of Paris, also
// those of the overseas.
func european(root tree.Nodes, buyer string, published time.Time) details {
	n := eforms.Read(root.Local().Child(), eforms.Given{Buyer: buyer, PublishedAt: published, Zone: vigie.Paris()})
	c := n.Content
	d := details{
		title: c.Title, description: c.Description, reference: c.Reference,
		siret: n.Buyer.SIRET, city: n.Buyer.Town, postcode: n.Buyer.Postcode,
		area: n.Area, cpv: c.CPVCodes, natures: c.Natures, method: c.Procedure, lots: c.Lots, further: c.Details,
		deadline: c.DeadlineText, deadlineKind: c.DeadlineKind,
		correction: c.Correction, documentsChanged: c.DocumentsChanged,
		procedure: n.Procedure, identifier: n.Identifier, earlier: n.Earlier.Identifiers,
	}
	if n.Subtype != "" {
		d.kind = n.Kind
	}
	return d
}
