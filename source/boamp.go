package source

import (
	"context"
	"iter"
	"time"

	"vigie/ingest"
	"vigie/ingest/boamp"
	"vigie/ingest/decp"
)

// BOAMP reads the Bulletin officiel des annonces des marchés publics from the dataset « boamp » of the DILA's portal
// (Licence Ouverte 2.0).
type BOAMP struct {
	// URL is the portal's, https://boamp-datadila.opendatasoft.com by default.
	URL string
	Web *Web
}

// Name is the source's name.
func (BOAMP) Name() string { return boamp.Source }

// Rhythm says how often days are read: the BOAMP publishes during the day, and some notices come late.
func (BOAMP) Rhythm() Rhythm { return Rhythm{Every: 30 * time.Minute, Recent: 3, Nightly: 10} }

// Day reads the notices of a day.
func (b BOAMP) Day(ctx context.Context, day Day, _ Known) iter.Seq2[ingest.Record, error] {
	return dataset{portal: b.URL, name: "boamp", field: "dateparution", web: b.Web, read: boamp.Read}.day(ctx, day)
}

// DECP reads the awards of French buyers (« données essentielles de la commande publique ») notified since 2024, from the
// dataset « decp-2022-marches-valides » of the ministry's portal (Licence Ouverte 2.0).
type DECP struct {
	// URL is the portal's, https://data.economie.gouv.fr by default.
	URL string
	Web *Web
}

// Name is the source's name.
func (DECP) Name() string { return decp.Source }

// Rhythm says how often days are read: buyers have two months to publish (Code de la commande publique, R2196-1).
func (DECP) Rhythm() Rhythm { return Rhythm{Every: 24 * time.Hour, Recent: 1, Nightly: 62} }

// Day reads the contracts that were notified on a day.
func (d DECP) Day(ctx context.Context, day Day, _ Known) iter.Seq2[ingest.Record, error] {
	return dataset{portal: d.URL, name: "decp-2022-marches-valides", field: "datenotification", web: d.Web, read: decp.Read}.day(ctx, day)
}
