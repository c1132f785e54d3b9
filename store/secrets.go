package store

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Codes of secrets that must not be used with a database.
const (
	// NoSecret is the code for a database that no server has used with a secret yet.
	NoSecret vigie.Code = "SECRET_NONE"
	// UnknownSecret is the code for a list of secrets without any that the database knows, or whose first one it does
	// not know.
	UnknownSecret vigie.Code = "SECRET_UNKNOWN"
	// MissingSecret is the code for a list of secrets without the one that servers sign with.
	MissingSecret vigie.Code = "SECRET_MISSING"
)

// knownSecret is a row of secrets.
type knownSecret struct {
	bun.BaseModel `bun:"secrets"`
	Fingerprint   string `bun:",pk"`
	KnownAt       time.Time
	Signing       bool
}

// CheckSecrets refuses secrets that would make a command sign, verify or hash differently from the database's
// servers. They are named by fingerprints, which reveal nothing about them; the one that signs comes first.
func (s *Store) CheckSecrets(ctx context.Context, fingerprints []string) error {
	known, err := knownSecrets(ctx, s.db)
	if err != nil {
		return database.Translate(err)
	}
	if len(known) == 0 {
		return &vigie.Error{Code: NoSecret, Text: vigie.Text{
			FR: "Aucun serveur n’a encore utilisé cette base avec un secret : démarrez-en un, ou exécutez « vigie secret adopt ».",
			EN: "No server has used this database with a secret yet: start one first, or run “vigie secret adopt”.",
		}}
	}
	return checkSecrets(known, fingerprints)
}

// UseSecrets is [Store.CheckSecrets] for a server, which also records the secrets: all of them where the database
// knew none, else those that follow a known one. A server may run without a secret if none was ever used.
func (s *Store) UseSecrets(ctx context.Context, fingerprints []string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.db.Queue(ctx, tx, "secrets"); err != nil {
			return err
		}
		known, err := knownSecrets(ctx, tx)
		if err != nil {
			return err
		}
		if len(known) > 0 {
			if err := checkSecrets(known, fingerprints); err != nil {
				return err
			}
		}
		return s.recordSecrets(ctx, tx, fingerprints)
	})
}

// AdoptSecrets makes these secrets the only ones that the database knows.
func (s *Store) AdoptSecrets(ctx context.Context, fingerprints []string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.db.Queue(ctx, tx, "secrets"); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*knownSecret)(nil)).Where("TRUE").Exec(ctx); err != nil {
			return err
		}
		return s.recordSecrets(ctx, tx, fingerprints)
	})
}

func knownSecrets(ctx context.Context, db bun.IDB) (known []*knownSecret, err error) {
	err = db.NewSelect().Model(&known).Scan(ctx)
	return known, err
}

// checkSecrets compares secrets with those that a database knows, of which there is at least one.
func checkSecrets(known []*knownSecret, fingerprints []string) error {
	knows := func(fingerprint string) bool {
		return slices.ContainsFunc(known, func(k *knownSecret) bool { return k.Fingerprint == fingerprint })
	}
	switch {
	case len(fingerprints) == 0:
		return &vigie.Error{Code: MissingSecret, Text: vigie.Text{
			FR: "Cette base est utilisée avec un secret : indiquez-le dans VIGIE_SECRET.",
			EN: "This database is used with a secret: set VIGIE_SECRET (--secret).",
		}}
	case !slices.ContainsFunc(fingerprints, knows):
		return &vigie.Error{Code: UnknownSecret, Text: vigie.Text{
			FR: "Cette base n’a jamais été utilisée avec ce secret : indiquez dans VIGIE_SECRET celui des serveurs. S’il est perdu, « vigie secret adopt » permet de continuer avec un autre.",
			EN: "This database was never used with this secret: set VIGIE_SECRET (--secret) to the servers' secret. If that is lost, “vigie secret adopt” lets you go on with another.",
		}}
	case !knows(fingerprints[0]):
		return &vigie.Error{Code: UnknownSecret, Text: vigie.Text{
			FR: "Cette base ne connaît pas le premier de ces secrets : ajoutez d’abord un nouveau secret à la fin de la liste, sur chaque serveur, puis mettez-le en tête.",
			EN: "This database does not know the first of these secrets: add a new one at the end of the list first, on every server, and put it in front only then.",
		}}
	}
	for _, k := range known {
		if k.Signing && !slices.Contains(fingerprints, k.Fingerprint) {
			return &vigie.Error{Code: MissingSecret, Text: vigie.Text{
				FR: "Le secret avec lequel les serveurs signent ne figure pas dans cette liste : ajoutez-le à VIGIE_SECRET.",
				EN: "The secret that the servers sign with is missing from this list: add it to VIGIE_SECRET (--secret).",
			}}
		}
	}
	return nil
}

// recordSecrets stores secrets, the first as the one that signs.
func (s *Store) recordSecrets(ctx context.Context, tx bun.Tx, fingerprints []string) error {
	if len(fingerprints) == 0 {
		return nil
	}
	now := s.db.Stamp()
	var rows []*knownSecret
	for _, fingerprint := range fingerprints {
		rows = append(rows, &knownSecret{Fingerprint: fingerprint, KnownAt: now})
	}
	if _, err := tx.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewUpdate().Model((*knownSecret)(nil)).Set("signing = (fingerprint = ?)", fingerprints[0]).Where("TRUE").Exec(ctx)
	return err
}
